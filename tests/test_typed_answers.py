"""Answers with a schema: what is sent, what the response holds, and what happens when the answer does not fit."""

import copy
import dataclasses
import json
import pickle

import journal_stage
import pydantic
import pytest
from dialects import STEPS
from fake_server import FakeServer, event, finish, google_error, raw, status, text
from interaction_bodies import completed, created, start, stop, stream
from interaction_bodies import text as text_piece

import gemini_magic
from gemini_magic import Response
from gemini_magic.backends import names
from gemini_magic.errors import MismatchError, OptionError, SchemaError

LINE = 'age: expected integer, got "old"'


@dataclasses.dataclass
class Person:
    name: str
    age: int


class Model(pydantic.BaseModel):
    name: str
    age: int


def echo(answer, **options):
    return gemini_magic.ask(answer, backend="echo", **options)


GOOD, BAD = '{"name": "Ann", "age": 3}', '{"name": "Ann", "age": "old"}'
TYPES = {
    "class": (Person, Person("Ann", 3)),
    "model": (Model, Model(name="Ann", age=3)),
    "short form": ("name, age int", {"name": "Ann", "age": 3}),
    "dict": ({"type": "object", "properties": {"age": {"type": "integer"}}}, {"name": "Ann", "age": 3}),
    "JSON": ('{"type": "object", "properties": {"age": {"type": "integer"}}}', {"name": "Ann", "age": 3}),
}


@pytest.mark.parametrize("name", TYPES)
def test_parsed_is_an_instance_of_the_requested_type(name):
    given, expected = TYPES[name]
    r = echo(GOOD, schema=given)
    assert r.parsed == expected
    assert type(r.parsed) is type(expected)
    assert r.json() == {"name": "Ann", "age": 3}
    assert (r.parse_error, r.status, r.text) == (None, "complete", GOOD)
    assert r.raise_for_status() is r


@pytest.mark.parametrize("name", TYPES)
def test_an_answer_that_does_not_fit_keeps_its_text_and_status(name):
    r = echo(BAD, schema=TYPES[name][0])
    assert (r.status, r.text, r.error) == ("complete", BAD, None)
    assert r.json() == {"name": "Ann", "age": "old"}
    assert r.parse_error.problems == (LINE,)
    with pytest.raises(MismatchError) as error:
        _ = r.parsed
    assert error.value.response is r
    with pytest.raises(MismatchError):
        r.raise_for_status()
    with pytest.raises(MismatchError):
        echo(BAD, schema=TYPES[name][0], check=True)


def test_every_problem_is_a_note_and_a_line_below_the_answer():
    r = echo('[{"name": 1, "age": "a"}, {"age": "b"}, {}]', schema_multi="name, age int")
    lines = [
        "[0].name: expected string, got 1",
        '[0].age: expected integer, got "a"',
        "[1].name: expected string, got nothing",
        '[1].age: expected integer, got "b"',
        "[2].name: expected string, got nothing",
        "[2].age: expected integer, got nothing",
    ]
    assert [row.message for row in r.notes.where(kind="mismatch")] == lines
    shown = r._repr_mimebundle_()
    for line in lines:
        assert f"⚠ {line}" in shown["text/plain"]
        assert line.replace('"', "&quot;") in shown["text/html"] or line in shown["text/html"]


NDJSON = '{"name": "Ann", "age": 3}\n{"name": "Bob", "age": 4}\n'


@pytest.mark.parametrize("text", [NDJSON, f"```\n{NDJSON}```", NDJSON.replace("\n", "  \n\n")])
def test_objects_on_lines_of_their_own_are_the_array_that_was_requested(text):
    r = echo(text, schema=list[Person], check=True)
    assert r.parsed == list(r.items) == [Person("Ann", 3), Person("Bob", 4)]
    assert r.json() == [{"name": "Ann", "age": 3}, {"name": "Bob", "age": 4}]
    assert "not valid JSON" in echo(text, schema=Person).parse_error.message


@pytest.mark.parametrize("text", [NDJSON + "end", NDJSON + "[1]", NDJSON + '{"age": NaN}', "{" * 5000])
def test_lines_of_which_one_is_not_an_object_are_not_an_array(text):
    r = echo(text, schema=list[Person])
    assert "not valid JSON" in r.parse_error.message


def test_text_that_is_not_json_is_a_note_too():
    r = echo("No.", schema="name")
    assert [row.kind for row in r.notes.where(kind="mismatch")] == ["mismatch"]
    with pytest.raises(MismatchError, match="not valid JSON"):
        r.json()
    assert r._repr_mimebundle_()["text/plain"].count("expecting value") == 1


def test_an_answer_without_a_schema_is_read_as_json_on_request():
    r = echo('```json\n{"a": 1}\n```')
    assert (r.json(), r.parsed) == ({"a": 1}, {"a": 1})
    plain = echo("Hello.")
    assert plain.raise_for_status() is plain  # no JSON was requested
    with pytest.raises(MismatchError, match="not valid JSON"):
        echo("Hello.", format="json").raise_for_status()
    with pytest.raises(MismatchError, match="not valid JSON"):
        echo("Hello.", format="json", check=True)
    assert "not valid JSON" in plain.parse_error.message
    assert not plain.notes.where(kind="mismatch")


def test_a_response_that_still_runs_has_no_value(fake_server):
    with gemini_magic.stream("hi", model="stall", base_url=fake_server.base_url) as stream:
        assert stream.response.parse_error is None
        with pytest.raises(OptionError, match="still running"):
            stream.response.json()
        with pytest.raises(OptionError, match="still running"):
            _ = stream.response.parsed


def test_copies_and_files_keep_the_schema(tmp_path):
    r = echo(GOOD, schema=Person)
    assert (
        copy.copy(r).parsed
        == copy.deepcopy(r).parsed
        == pickle.loads(pickle.dumps(r)).parsed
        == Person("Ann", 3)
    )
    loaded = Response.load(r.save(tmp_path / "r.jsonl"))
    assert loaded.json() == loaded.parsed == {"name": "Ann", "age": 3}
    bad = Response.load(echo(BAD, schema=Person).save(tmp_path / "bad.jsonl"))
    assert bad.parse_error.problems == (LINE,)


def test_an_answer_of_the_journal_keeps_its_schema(server):
    answers(server, GOOD, BAD)
    for _ in range(2):
        journal_stage.ask(server, schema=Person, backend=server.backend)
    good, bad = (
        journal_stage.reopened(entry.id)
        for entry in sorted(journal_stage.entries(), key=lambda each: each.id)
    )
    assert good.json() == good.parsed == {"name": "Ann", "age": 3}
    assert bad.parse_error.problems == (LINE,)
    assert [row.message for row in bad.notes.where(kind="mismatch")] == [LINE]


def test_a_class_of_a_function_does_not_prevent_pickling():
    @dataclasses.dataclass
    class Local:
        name: str

    found = pickle.loads(pickle.dumps(echo('{"name": "Ann"}', schema=Local)))
    assert found.parsed == {"name": "Ann"}


def test_a_follow_up_has_the_same_schema_unless_it_names_another():
    r = echo(GOOD, schema=Person)
    assert r.reply('{"name": "Bob", "age": 4}').parsed == Person("Bob", 4)
    assert r.reply('["a"]', schema_multi="str" if False else "list[str]" and {"type": "string"}).parsed == [
        "a"
    ]
    assert r.reply("Hello.", schema="").schema is None


def test_each_candidate_has_its_value(fake_server):
    candidates = [
        {"index": index, "content": {"parts": [{"text": piece}]}, "finishReason": "STOP"}
        for index, piece in enumerate((GOOD, BAD, "No."))
    ]
    fake_server.script(event({"candidates": candidates}))
    r = gemini_magic.ask("hi", model="quick", base_url=fake_server.base_url, schema=Person, candidates=3)
    first, second, third = r.candidates
    assert first.parsed == r.parsed == Person("Ann", 3)
    assert second.json() == {"name": "Ann", "age": "old"}
    assert second.parse_error.problems == (LINE,)
    for get in (third.json, lambda: third.parsed):
        with pytest.raises(MismatchError, match="not valid JSON"):
            get()


def test_both_options_at_once_are_an_error():
    with pytest.raises(OptionError, match="exclude each other"):
        echo(GOOD, schema=Person, schema_multi=Person)


@dataclasses.dataclass
class Zoo:
    dogs: list[Person]
    cats: list[Person]
    names: list[str]


ZOO = json.dumps(
    {"dogs": [{"name": "Rex", "age": 3}], "cats": [{"name": "Tom", "age": 4}], "names": ["a", "b"]}
)


def test_of_several_arrays_an_option_chooses_the_one_with_the_items():
    assert list(echo(ZOO, schema=Zoo, items="cats").items) == [Person("Tom", 4)]
    arrays = {name: {"type": "array", "items": {"type": "object"}} for name in ("dogs", "cats")}
    nested = {"type": "object", "properties": {"zoo": {"type": "object", "properties": arrays}}}
    r = echo(f'{{"zoo": {ZOO}}}', schema=nested, items="zoo.dogs")
    assert list(r.items) == [{"name": "Rex", "age": 3}]
    assert list(echo(ZOO, schema=Zoo, items="names").items) == ["a", "b"]
    assert echo(ZOO, schema=Zoo, items="cats").parsed == Zoo(
        [Person("Rex", 3)], [Person("Tom", 4)], ["a", "b"]
    )


def test_copies_and_follow_ups_keep_the_chosen_items():
    r = echo(ZOO, schema=Zoo, items="cats")
    for each in (copy.deepcopy(r), pickle.loads(pickle.dumps(r)), r.reply(ZOO)):
        assert list(each.items) == [Person("Tom", 4)]
    assert list(r.reply(ZOO, items="dogs").items) == [Person("Rex", 3)]
    assert r.reply(GOOD, schema=Person).parsed == Person("Ann", 3)


@pytest.mark.parametrize(
    ("options", "kind", "message", "remedy"),
    [
        ({"schema": Zoo, "items": "birds"}, SchemaError, "no array birds", "Its arrays: dogs, cats, names."),
        ({"schema": Person, "items": "age"}, SchemaError, "no array age", "It has no array"),
        ({"schema": list[Person], "items": "dogs"}, SchemaError, "whole answer is the array", "Leave out"),
        ({"schema_multi": Person, "items": "dogs"}, SchemaError, "whole answer is the array", "Leave out"),
        ({"items": "dogs"}, OptionError, "--items needs a schema", "Add schema="),
    ],
)
def test_items_that_the_schema_does_not_have_are_an_error(options, kind, message, remedy):
    with pytest.raises(kind, match=message) as caught:
        echo(ZOO, **options)
    assert remedy in caught.value.remedy


def test_a_type_that_cannot_be_sent_is_an_error_before_sending(fake_server):
    holder = dataclasses.make_dataclass("Holder", [("data", bytes)])
    with pytest.raises(SchemaError, match="data: bytes has no JSON form"):
        gemini_magic.ask("hi", model="quick", base_url=fake_server.base_url, schema=holder)
    with pytest.raises(SchemaError, match="a: Gemini does not support not"):
        gemini_magic.ask(
            "hi",
            model="quick",
            base_url=fake_server.base_url,
            schema={"type": "object", "properties": {"a": {"not": {}}}},
        )
    assert not fake_server.requests


@pytest.mark.parametrize("name", names())
def test_every_backend_sends_the_schema_or_refuses_before_sending(name):
    from gemini_magic.api import preview  # noqa: PLC0415
    from gemini_magic.config import resolve  # noqa: PLC0415
    from gemini_magic.content import Text  # noqa: PLC0415
    from gemini_magic.prompts import build_request  # noqa: PLC0415
    from gemini_magic.schema import as_schema  # noqa: PLC0415

    options, sources = resolve({"backend": name, "search": True, "replay": "builtin:tour"})
    options.schema = as_schema(Person)
    if name == "gateway":
        options.search = False
        with pytest.raises(OptionError, match="does not support a schema"):
            preview(build_request((Text("hi"),), options), options, sources)
        return
    body = preview(build_request((Text("hi"),), options), options, sources).body
    schema = {
        "type": "object",
        "properties": {"name": {"type": "string"}, "age": {"type": "integer"}},
        "required": ["name", "age"],
        "propertyOrdering": ["name", "age"],
    }
    if name in STEPS:
        del schema["propertyOrdering"]  # the keyword is not documented there
        assert body["response_format"] == {"type": "text", "mime_type": "application/json", "schema": schema}
        assert body["tools"] == [{"type": "google_search"}]
        return
    assert body["generationConfig"] == {"responseMimeType": "application/json", "responseJsonSchema": schema}
    assert body["tools"] == [{"googleSearch": {}}]  # beside tools, too


REFUSALS = {
    "Function calling with a response mime type: 'application/json' is unsupported": "tools",
    "Tool use with a response mime type: 'application/json' is unsupported": "tools",
    "The specified schema produces a constraint that has too many states for serving.": "Use a smaller schema",
    "JSON mode is not enabled for models/x": "leave out --schema",
    'Invalid JSON payload received. Unknown name "responseJsonSchema" at generation_config': "the schema",
}


@pytest.mark.parametrize("message", REFUSALS)
def test_a_refused_schema_has_a_remedy(fake_server, message):
    fake_server.script(status(400, body=google_error(400, message, "INVALID_ARGUMENT")))
    r = gemini_magic.ask("hi", model="quick", base_url=fake_server.base_url, schema="name")
    assert REFUSALS[message] in r.error.remedy


# -- repair


@pytest.fixture(params=["gemini", "interactions"])
def server(request):
    with FakeServer() as running:
        running.backend = request.param
        yield running


def answers(server, *pieces, status="completed", reason="STOP"):
    for piece in pieces:
        if server.backend == "gemini":
            server.script(text(piece), finish(reason))
        else:
            half = len(piece) // 2
            events = (start(0), text_piece(0, piece[:half]), text_piece(0, piece[half:]), stop(0))
            server.script(raw(stream(created(ident=""), *events, completed(status, id=""))))


def asked(server, **options):
    options |= {"backend": server.backend, "base_url": server.base_url, "schema": Person}
    return gemini_magic.ask("Who?", model="quick", **options)


def turns_of(server, request):
    """The text of each turn of a request, in either protocol."""
    if server.backend == "gemini":
        return [turn["parts"][0]["text"] for turn in request.body["contents"]]
    given = request.body["input"]
    return [given] if isinstance(given, str) else [step["content"][0]["text"] for step in given]


def test_an_answer_is_not_repaired_unasked(server):
    answers(server, BAD, GOOD)
    r = asked(server)
    assert len(server.requests) == 1
    assert r.repaired_from == ()


def test_repair_asks_again_with_the_problems(server):
    answers(server, BAD, "Sorry.", GOOD)
    r = asked(server, repair=3)
    assert r.parsed == Person("Ann", 3)
    assert [each.text for each in r.repaired_from] == [BAD, "Sorry."]
    assert [each.usage.total is not None for each in (*r.repaired_from, r)] == [
        True
    ] * 3  # each has its own cost
    first, second, third = (turns_of(server, each) for each in server.requests)
    assert second[:2] == [*first, BAD]
    assert f"- {LINE}\n" in second[-1]
    assert "not valid JSON" not in second[-1]
    assert len(third) == 5
    assert "Asked again (2 of 3)" in r.notes.where(kind="notice")[0].message


def test_repair_ends_after_its_number_of_requests(server):
    answers(server, BAD, BAD, BAD)
    r = asked(server, repair=2)
    assert len(server.requests) == 3
    assert r.parse_error.problems == (LINE,)
    assert len(r.repaired_from) == 2


def test_an_answer_that_was_cut_off_is_not_repaired(server):
    answers(server, '{"name": "A', status="incomplete", reason="MAX_TOKENS")
    r = asked(server, repair=2)
    assert (len(server.requests), r.status) == (1, "truncated")
    assert r.parse_error.problems == ("the answer: it ends before the JSON does",)


def test_the_file_of_a_repaired_answer_has_the_last_answer(server, tmp_path):
    answers(server, BAD, GOOD)
    asked(server, repair=1, to=str(tmp_path / "answer.json"))
    assert json.loads((tmp_path / "answer.json").read_text()) == {"name": "Ann", "age": 3}


def test_a_stream_cannot_be_repaired(server):
    with pytest.raises(OptionError, match="cannot be repaired"):
        gemini_magic.stream("hi", backend=server.backend, base_url=server.base_url, schema=Person, repair=1)


def test_items_arrive_one_by_one_in_either_protocol(server):
    people = [{"name": name, "age": 3} for name in ("Ann", "Bob", "Cid")]
    answers(server, json.dumps(people))
    options = {"model": "quick", "backend": server.backend, "base_url": server.base_url}
    r = gemini_magic.ask("Who?", schema_multi=Person, **options)
    assert list(r.items) == [Person(each["name"], 3) for each in people]
    assert (r.parse_error, r.status) == (None, "complete")
