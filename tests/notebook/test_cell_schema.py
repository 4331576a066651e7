"""``--schema`` on the line of a cell: names of classes, expressions, files, mistakes, and repair."""

import json

import pytest
from fake_server import FakeServer, event, finish, text

from gemini_magic.errors import OptionError, SchemaError
from gemini_magic.mcp_servers import own_file

PERSON = "import dataclasses\n@dataclasses.dataclass\nclass Person:\n    name: str\n    age: int\n"
GOOD, BAD = '{"name": "Ann", "age": 3}', '{"name": "Ann", "age": "old"}'


@pytest.fixture
def typed(cells):
    """Cells of a shell in which the class Person is defined."""
    cells(PERSON)
    return cells


@pytest.mark.parametrize(
    ("line", "answer", "parsed"),
    [
        ("--schema Person", GOOD, "Person(name='Ann', age=3)"),
        ("--schema list[Person]", f"[{GOOD}]", "[Person(name='Ann', age=3)]"),
        ("--schema-multi Person", f"[{GOOD}]", "[Person(name='Ann', age=3)]"),
        ("--schema {{ Person }}", GOOD, "Person(name='Ann', age=3)"),
        ("--schema '{{ list[Person] }}'", f"[{GOOD}]", "[Person(name='Ann', age=3)]"),
        ("--schema={{Person}}", GOOD, "Person(name='Ann', age=3)"),
        ("--schema 'name, age int'", GOOD, "{'name': 'Ann', 'age': 3}"),
        ("--schema '{{ field }}, age int'", GOOD, "{'name': 'Ann', 'age': 3}"),
        ("""--schema '{"type": "object", "properties": {}}'""", GOOD, "{'name': 'Ann', 'age': 3}"),
        ("--schema person.json", GOOD, "{'name': 'Ann', 'age': 3}"),
        ("--schema {{ path }}", GOOD, "{'name': 'Ann', 'age': 3}"),
        ("--schema {{ person }}", GOOD, "{'name': 'Ann', 'age': 3}"),
        ("--schema person", GOOD, "{'name': 'Ann', 'age': 3}"),
    ],
)
def test_a_schema_is_named_on_the_line(typed, tmp_path, monkeypatch, line, answer, parsed):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "person.json").write_text(
        json.dumps({"type": "object", "properties": {"age": {"type": "integer"}}})
    )
    typed("from pathlib import Path\npath, field = Path('person.json'), 'name'")
    typed("person = {'type': 'object', 'properties': {'age': {'type': 'integer'}}}")
    assert typed(f"%%gemini -o r {line}\n{answer}").success, typed.shown
    assert repr(typed.names["r"].parsed) == parsed


@pytest.mark.parametrize(
    ("line", "kind", "message"),
    [
        ("--schema Persn", SchemaError, "There is no class Persn."),
        ("--schema list[Persn]", SchemaError, "There is no class Persn."),
        ("--schema person.json", SchemaError, "The schema file person.json cannot be read"),
        ("--schema 'age integr'", SchemaError, "age: there is no type 'integr'."),
        ("--schema {{ 3 }}", SchemaError, "3 is not a schema."),
        ("--schema name, age int", OptionError, "'age' is neither an option nor the name of a model."),
        ("--schema Person --schema-multi Person", OptionError, "exclude each other"),
        ("--schema Person --repair 1 --background", OptionError, "exclude each other"),
        ("--schema Person --repair 9", OptionError, "from 0 to 5"),
    ],
)
def test_a_mistake_in_the_schema_is_an_error_and_nothing_is_sent(typed, line, kind, message):
    error = typed.error(f"%%gemini {line}\nHello")
    assert isinstance(error, kind)
    assert message in error.message
    assert error.remedy
    assert "_gemini" not in typed.names


def test_the_items_are_chosen_on_the_line(typed):
    answer = f'{{"dogs": [{GOOD}], "cats": []}}'
    schema = (
        "{'properties': {name: {'type': 'array', 'items': {'type': 'object'}} for name in ('dogs', 'cats')}}"
    )
    typed(f"zoo = {{'type': 'object', **{schema}}}")
    typed(f"%%gemini --backend echo -o r --schema zoo --items dogs\n{answer}")
    assert list(typed.shell.user_ns["r"].items) == [{"name": "Ann", "age": 3}]


def test_a_mistake_in_the_name_of_a_class_has_a_suggestion(typed):
    assert "Did you mean Person?" in typed.error("%%gemini --schema Persn\nHello").remedy


def test_the_cell_shows_one_line_for_each_problem(typed):
    assert typed('%%gemini --schema-multi Person\n[{"name": 3}, {"age": "old"}]').success
    for line in (
        "⚠ [0].name: expected string, got 3",
        "⚠ [0].age: expected integer, got nothing",
        "⚠ [1].name: expected string, got nothing",
        '⚠ [1].age: expected integer, got "old"',
    ):
        assert line in typed.shown


def test_a_dry_run_lists_the_rules_that_are_checked_afterwards(typed):
    typed("from typing import Annotated\nimport msgspec")
    typed("class Row(msgspec.Struct):\n    part: Annotated[float, msgspec.Meta(gt=0)]")
    preview = typed("%%gemini --schema Row --dry-run\nHello").result
    assert preview.rules == ("part: more than 0",)
    assert "part: more than 0" in repr(preview)
    assert "<li>part: more than 0</li>" in preview._repr_html_()
    assert "responseJsonSchema" in repr(preview)


def test_a_project_file_cannot_set_a_schema(cells, tmp_path, monkeypatch):
    (tmp_path / "pyproject.toml").write_text('[tool.gemini_magic]\nschema = "Person"\n')
    monkeypatch.chdir(tmp_path)
    assert "schema" in cells.error("%%gemini\nHello").message


@pytest.fixture
def server():
    with FakeServer() as running:
        yield running


def test_a_cell_asks_again_when_it_was_asked_to(typed, server):
    for piece in (BAD, GOOD):
        server.script(text(piece), finish())
    base = f"--backend gemini --base-url {server.base_url} -m quick"
    assert typed(f"%%gemini {base} --chat people --schema Person --repair 2\nWho?").success
    shown = typed.shown
    assert (
        shown.index('⚠ age: expected integer, got "old"')
        < shown.index("Asked again (1 of 2)")
        < shown.index('"age": 3')
    )
    r = typed.names["_gemini"]
    assert repr(r.parsed) == "Person(name='Ann', age=3)"
    assert [each.text for each in r.repaired_from] == [BAD]
    # The conversation has the question and the answer that fits.
    server.script(text("Yes."), finish())
    typed(f"%%gemini {base} --chat people\nSure?")
    assert [turn.text for turn in typed.names["_gemini"].request.turns] == ["Who?", GOOD, "Sure?"]


def test_a_repair_and_each_column_of_a_comparison_offer_the_remote_servers(typed, server):
    own_file().parent.mkdir(parents=True, exist_ok=True)
    own_file().write_text(json.dumps({"mcpServers": {"web": {"url": "https://mcp.example.com/mcp"}}}))
    for piece in (BAD, GOOD, BAD, GOOD):
        server.script(text(piece), finish())
    base = f"--backend gemini --base-url {server.base_url} --schema Person --remote-mcp web"
    assert typed(f"%%gemini {base} -m quick --repair 1\nWho?").success
    assert typed(f"%%gemini {base} -m quick --repeat 2\nWho?").success
    offered = [each.body["tools"] for each in server.requests]
    assert len(offered) == 4
    assert "mcp.example.com" in str(offered[0])
    assert offered == offered[:1] * 4


def test_the_rest_of_an_answer_is_requested_without_the_schema_and_checked_as_a_whole(typed, server):
    base = f"--backend gemini --base-url {server.base_url} -m quick"
    server.script(text(GOOD[:12]), finish("MAX_TOKENS"))
    typed(f"%%gemini {base} --schema Person\nWho?")
    server.script(text(GOOD[12:]), finish())
    typed("%gemini resume")
    assert "responseJsonSchema" in server.requests[0].body["generationConfig"]
    assert "generationConfig" not in server.requests[1].body
    assert repr(typed.names["_gemini"].parsed) == "Person(name='Ann', age=3)"


def call(function, **arguments):
    return event(
        {
            "candidates": [
                {
                    "content": {"parts": [{"functionCall": {"name": function, "args": arguments}}]},
                    "finishReason": "STOP",
                }
            ]
        }
    )


def test_an_answer_after_calls_of_functions_is_repaired_with_their_results(typed, server):
    typed("def look(name: str) -> int:\n    'Looks up an age.'\n    return 3")
    server.script(call("look", name="Ann"))
    for piece in (BAD, GOOD, "Yes."):
        server.script(text(piece), finish())
    base = f"--backend gemini --base-url {server.base_url} -m quick"
    assert typed(f"%%gemini {base} --chat ages -T look --schema Person --repair 1\nHow old is Ann?").success
    assert repr(typed.names["_gemini"].parsed) == "Person(name='Ann', age=3)"
    sent = [[turn["role"] for turn in each.body["contents"]] for each in server.requests]
    assert sent[2] == ["user", "model", "user", "model", "user"]  # question, call, result, answer, repair
    typed(f"%%gemini {base} --chat ages\nSure?")
    contents = server.requests[3].body["contents"]
    assert [turn["role"] for turn in contents] == ["user", "model", "user", "model", "user"]
    assert contents[3]["parts"] == [{"text": GOOD}]


def test_an_answer_of_calls_alone_is_no_mismatch(typed, server):
    server.script(call("look", name="Ann"))
    typed("tool = {'name': 'look'}")
    base = f"--backend gemini --base-url {server.base_url} -m quick"
    assert typed(f"%%gemini {base} -T tool --schema Person --repair 1\nHow old is Ann?").success
    assert len(server.requests) == 1
    assert "⚠" not in typed.shown
