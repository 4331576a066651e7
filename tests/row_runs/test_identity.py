import dataclasses
import json

import pytest

from gemini_magic.content import Blob, File, LocalFile, MediaSettings, Text
from gemini_magic.errors import OptionError
from gemini_magic.options import Options
from gemini_magic.row_runs import identity
from gemini_magic.row_runs.identity import FORM, OPTION_ROLES, Identity, asked_for, changes
from gemini_magic.schema import as_schema


def hashed(text="Classify: x", sample=0, salt=b"", **options):
    return Identity(asked_for(Options(model="m", **options))).of_text(text.encode(), sample, salt)


def test_every_option_says_whether_it_changes_an_answer():
    names = {field.name for field in dataclasses.fields(Options)}
    assert names - set(OPTION_ROLES) == set(), "classify the new options in OPTION_ROLES"
    assert set(OPTION_ROLES) - names == set()


VALUES = {
    "system": "s",
    "temperature": 0.2,
    "top_p": 0.5,
    "top_k": 3,
    "max_tokens": 5,
    "stop": ["x"],
    "seed": 1,
    "schema": as_schema("a int"),
    "decide": {"a": {"type": "noul", "instructions": "Is it?"}},
    "candidates": 2,
    "logprobs": 0,
    "search": True,
    "code_execution": True,
    "url_context": True,
    "maps": True,
    "file_search": ["f"],
    "mcp": ["m"],
    "remote_mcp": ["m"],
    "tool_choice": "any",
    "safety": "low",
    "param": ["a=1"],
    "body": "{}",
    "thinking": "low",
    "format": "json",
    "model": "other",
    "agent": "deep-research-preview-04-2026",
    "previous": "v1_a",
}


def test_options_that_change_an_answer_change_the_hash_and_the_others_do_not():
    answers = {name for name, role in OPTION_ROLES.items() if role == "answer"}
    # Schemas of items arrive as `schema`, and functions as their declarations.
    assert answers - set(VALUES) == {"schema_multi", "tool"}
    plain = Identity(asked_for(Options(model="m"))).of_text(b"x")
    for name, value in VALUES.items():
        options = Options(**{"model": "m", name: value})
        assert Identity(asked_for(options)).of_text(b"x") != plain, name
        assert changes(asked_for(Options(model="m")), asked_for(options)), name
    for name, role in OPTION_ROLES.items():
        if role != "answer":
            assert Identity(asked_for(Options(model="m", **{name: "other"}))).of_text(b"x") == plain, name


# The hashes are stored, so those of a form never change: a new version of the product finds the answers of an old one.
@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (hashed(), "a47090c12eceb9fca086312924d5acbf46deadd59445e6676fec059e096c27ce"),
        (
            hashed(temperature=0.2, system="Be brief.", schema=as_schema("label bug|idea, n int")),
            "8f7440ffc72829ebe81970e04e3049380de66aa6c032f6a08f51c614a35e27e6",
        ),
        (hashed("é", sample=2), "442d0efc4142ccaad7b3bf0d007eb804a54922fe857d53cb9fdf00fb2f6aaf90"),
        (hashed(salt=b"i7"), "7bdba380b208f5fa07256eeb97a2be63f095f4a19767cbafc0350666aa07a690"),
        (
            Identity(asked_for(Options(model="m"))).of(
                (Text("a"), Blob("image/png", b"1"), File("gs://x", "image/png"), Text("b"))
            ),
            "d66e84eaedaa75c48a64a7b37708e7cb4fde10df1a420048ede495f43536b7e2",
        ),
    ],
    ids=["text", "options", "sample", "salt", "media"],
)
def test_the_hashes_of_form_1_never_change(found, expected):
    assert found.hex() == expected


def test_the_hash_of_a_text_is_that_of_its_part():
    made = Identity(asked_for(Options()))
    assert made.of_text("é".encode(), 3, b"k") == made.of((Text("é"),), (), 3, b"k")


def test_the_text_of_two_parts_is_not_that_of_one():
    made = Identity(asked_for(Options()))
    png = Blob("image/png", b"1")
    prompts = [
        (Text("ab"),),
        (Text("a"), Text("b")),
        (Text("a"), png, Text("b")),
        (png, Text("ab")),
        (Text("a"), Text("T1:b")),
        (Text("aT1:b"),),
        (Text("a", "s"),),
        (Text("a", "sT1:b"),),
        (Text("a", "s"), Text("b")),
    ]
    assert len({made.of(parts) for parts in prompts}) == len(prompts)


def test_a_file_counts_by_its_content_whether_it_is_inline_or_uploaded():
    made = Identity(asked_for(Options()))
    inline = Blob("image/png", b"1")
    local = LocalFile("/a/b.png", "image/png", 1, inline.digest)
    assert made.of((inline,)) == made.of((local,))
    assert made.of((Blob("image/png", b"2"),), (bytes.fromhex(inline.digest),)) == made.of((inline,))
    settings = MediaSettings(resolution="low")
    assert made.of((Blob("image/png", b"1", media=settings),)) != made.of((inline,))


def test_the_order_of_the_fields_of_a_schema_counts_and_that_of_options_does_not():
    assert hashed(schema=as_schema("a int, b int")) != hashed(schema=as_schema("b int, a int"))
    one, two = asked_for(Options(seed=1, top_k=2)), asked_for(Options(seed=1, top_k=2))
    two["options"] = dict(reversed(two["options"].items()))
    assert Identity(one).of_text(b"x") == Identity(two).of_text(b"x")


def test_what_was_asked_is_json_and_gives_the_same_hashes_after_it_was_stored():
    asked = asked_for(
        Options(model="models/m", temperature=1, stop=["x"], schema=as_schema("a int")), template="T"
    )
    stored = json.loads(json.dumps(asked))
    assert stored == asked and stored["model"] == "m"
    assert Identity(stored).of_text(b"x") == Identity(asked).of_text(b"x")


def test_the_spelling_of_an_option_does_not_count():
    assert hashed(body='{"a": 1}') == hashed(body=' {"a":1} ')
    assert hashed(thinking="LOW") == hashed(thinking="low")


def test_a_new_form_of_the_hash_leaves_the_old_one_computable(monkeypatch):
    monkeypatch.setattr(
        identity, "_FORMS", {**identity._FORMS, 2: lambda asked: b"2" + identity._first_form(asked)}
    )
    old, new = asked_for(Options()), asked_for(Options(), form=2)
    assert Identity(old).form == FORM == 1 and Identity(new).form == 2
    assert Identity(old).of_text(b"x") != Identity(new).of_text(b"x")
    assert changes(old, new) == ["form of the hash: 1 -> 2"]


def test_a_form_of_a_newer_version_is_refused():
    with pytest.raises(OptionError, match="form 9, which this version does not know"):
        Identity(asked_for(Options(), form=9))


def test_changes_are_readable_lines():
    old = asked_for(Options(model="a", stop=["x"]), template="Classify: {{ row.text }}")
    new = asked_for(
        Options(model="b", temperature=0.2, search=True, schema=as_schema("a int")),
        template="Label: {{ row.text }}",
    )
    assert changes(json.loads(json.dumps(old)), new) == [
        'template: "Classify: {{ row.text }}" -> "Label: {{ row.text }}"',
        'model: "a" -> "b"',
        'schema: None -> {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]}',
        'stop: ["x"] -> None',
        "temperature: None -> 0.2",
        "search: None -> true",
    ]
    assert changes(old, old) == []


def test_a_change_in_a_long_text_shows_its_place():
    old, new = "a" * 500 + " old " + "b" * 500, "a" * 500 + " new " + "b" * 500
    (line,) = changes(asked_for(Options(system=old)), asked_for(Options(system=new)))
    assert "old" in line and "new" in line and len(line) < 300
