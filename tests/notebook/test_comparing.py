"""Cells that compare: columns, names, mistakes, and what the session knows afterwards."""

from __future__ import annotations

import pytest
from fake_server import FakeServer, Script, event, finish, text

from gemini_magic import Comparison, Response
from gemini_magic.errors import Interrupted, OptionError, ServiceError
from gemini_magic.notebook import comparing


@pytest.fixture
def server(cells, monkeypatch):
    monkeypatch.setenv("FAKE_KEY", "a-key-for-the-fake-server")
    cells("%config GeminiMagics.backend = 'gemini'")
    with FakeServer() as running:
        running.model("a-1", text("one two"), finish())
        running.model("b-1", text("three"), finish())
        yield running


def line(server, *options):
    return " ".join(("%%gemini", f"--base-url {server.base_url} --key-env FAKE_KEY --retries 0", *options))


def test_a_cell_shows_its_columns_and_assigns_the_comparison(cells):
    result = cells("%%gemini -o c --sweep temperature=0,1 --repeat 2\nHello {{ 1 + 1 }}")
    c = cells.names["c"]
    assert isinstance(c, Comparison)
    assert cells.names["_gemini"] is c is result.result
    assert [each.request.settings.temperature for each in c] == [0, 0, 1, 1]
    assert c["temperature=1 · #2"].text == "Hello 2"
    assert cells.shown.count("Hello 2") == 4
    assert "── temperature=0 · #1 ──" in cells.shown
    assert "first text (s)" in cells.shown
    assert cells.shown.count("comparison complete, 4 of 4 answers") == 1
    assert "Out[" not in cells.shown


def test_the_value_of_a_later_cell_is_displayed(cells):
    cells("%%gemini -o c --repeat 2 --quiet\nHello")
    assert cells.shown == ""
    cells("c")
    assert cells.shown.count("── #") == 2 or "<Comparison complete" in cells.shown


def test_models_of_several_backends_are_compared(cells, server):
    cells(f"{line(server, '--compare a-1,b-1 -o c')}\nhi")
    assert [each.text for each in cells.names["c"]] == ["one two", "three"]
    cells("%%gemini --compare echo:x-1,echo:y-1 -o c\nhi")
    assert [each.ledger.backend for each in cells.names["c"]] == ["echo", "echo"]


def test_a_failing_column_leaves_the_others_and_all_failing_raise(cells, server):
    result = cells(f"{line(server, '--compare a-1,gone-1 -o c')}\nhi")
    assert result.success
    assert [each.status for each in cells.names["c"]] == ["complete", "error"]
    assert "404" in cells.shown
    error = cells.error(f"{line(server, '--compare gone-1,gone-2 -o c')}\nhi")
    assert isinstance(error, ServiceError)
    assert [each.status for each in cells.names["c"]] == ["error", "error"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ("--repeat 2 --chat x", "A comparison cannot have --chat"),
        ("--repeat 2 -c", "A comparison cannot have --continue"),
        ("--repeat 2 --to a.md", "A comparison cannot have --to"),
        ("--sweep temperature=0,x", "must be a number"),
        ("--repeat two", "must be an integer"),
        ("--compare a-1", "at least two columns"),
        ("--repeat 2 --display live", "needs a notebook"),
        ("--sweep schema=5,6", "name of a field is expected"),
    ],
)
def test_a_mistake_is_an_error_before_anything_is_sent(cells, server, options, message):
    error = cells.error(f"{line(server, options)}\nhi")
    assert message in str(error)
    assert server.requests == []


def test_a_schema_of_the_user_applies_to_each_column(cells):
    cells("from dataclasses import make_dataclass\nP = make_dataclass('P', [('n', int)])")
    cells("%%gemini --schema P --repeat 2 -o c --quiet\n@json")
    assert [list(each.schema.sent["properties"]) for each in cells.names["c"]] == [["n"], ["n"]]
    cells('%%gemini --sweep \'schema=["n int","P"]\' -o c --quiet\n@json')
    assert [list(each.schema.sent["properties"]) for each in cells.names["c"]] == [["n"], ["n"]]


def test_a_dry_run_lists_all_requests(cells, server):
    cells(f"{line(server, '--compare a-1,b-1 --dry-run -o c')}\nhi")
    previews = cells.names["c"]
    assert previews.labels == ("a-1", "b-1")
    assert "models/a-1" in previews.requests[0].url
    assert cells.shown.count('"text": "hi"') == 2
    assert previews._repr_html_().count("Nothing was sent") == 2
    assert server.requests == []


def test_the_session_counts_the_requests_and_keeps_its_conversation(cells, server):
    cells(f"{line(server, '-m a-1 -o first')}\nhi")
    cells(f"{line(server, '--compare a-1,b-1 -o c')}\nhi")
    session = cells.shell.find_cell_magic("gemini").__self__.runner.session
    assert session.request_count == 3
    assert session.usage.total == sum(each.usage.total for each in (cells.names["first"], *cells.names["c"]))
    cells(f"{line(server, '-m a-1 -c -o then')}\nand then?")
    assert [turn["role"] for turn in server.requests[-1].body["contents"]] == ["user", "model", "user"]
    cells("%gemini last 2")
    assert "three" in cells.shown


def test_a_command_for_one_answer_names_the_answers_of_a_comparison(cells):
    cells("%%gemini -o c --repeat 2 --quiet\nHello")
    error = cells.error("%gemini inspect c")
    assert isinstance(error, OptionError)
    assert "c[0]" in error.remedy
    assert isinstance(cells.names["c"][0], Response)


def test_an_interrupt_stops_all_columns_and_the_cells_that_follow(cells, monkeypatch):
    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(comparing.RunningComparison, "update", interrupted)
    error = cells.error("%%gemini -o c --repeat 2\n@wait 5\nHello")
    assert isinstance(error, Interrupted)
    assert [each.status for each in cells.names["c"]] == ["interrupted", "interrupted"]
    assert "■ 2 answers side by side" in cells.shown


def test_a_configured_option_of_single_answers_does_not_prevent_a_comparison(cells):
    cells("%config GeminiMagics.repair = 2\n%config GeminiMagics.next_cell = True")
    assert cells("%%gemini -o c --repeat 2 --quiet\nHello").success


def test_a_long_prompt_with_media_is_prepared_once_for_all_columns(cells, tmp_path):
    cells.names["path"] = tmp_path / "note.txt"
    cells.names["path"].write_text("attached")
    cells("%%gemini -o c --repeat 3 --quiet -a {{ path }}\nRead it.")
    first, *others = (each.request.turns[-1].parts for each in cells.names["c"])
    assert all(parts[0] is first[0] for parts in others)


def calling(name, **arguments):
    part = {"functionCall": {"name": name, "args": arguments}}
    return event({"candidates": [{"content": {"role": "model", "parts": [part]}}]})


WEATHER = "def weather(city: str) -> str:\n    'The weather of a city.'\n    return f'21 °C in {city}'"


def test_the_functions_of_a_cell_run_in_each_column(cells, server):
    cells(WEATHER)
    for name in ("a-1", "b-1"):
        server.answers(
            name, Script([calling("weather", city=name), finish()]), Script([text("Warm."), finish()])
        )
    cells(f"{line(server, '--compare a-1,b-1 -T weather -o c')}\nhi")
    assert [each.tool_runs[0].result for each in cells.names["c"]] == ["21 °C in a-1", "21 °C in b-1"]
    for name in ("a-1", "b-1"):
        assert f'weather(city="{name}") → 21 °C in {name}' in cells.shown
        assert server.requests_for(name)[0].body["tools"][0]["functionDeclarations"][0]["name"] == "weather"
    session = cells.shell.find_cell_magic("gemini").__self__.runner.session
    assert [run.tools[0].name for run in session.runs] == ["weather", "weather"]


def test_an_unknown_function_and_one_that_cannot_be_confirmed_are_errors_before_anything_is_sent(
    cells, server
):
    cells(WEATHER)
    assert "wether" in str(cells.error(f"{line(server, '--compare a-1,b-1 -T wether')}\nhi"))
    confirmed = cells.error(f"{line(server, '--compare a-1,b-1 -T weather --confirm all')}\nhi")
    assert "you cannot be asked here" in str(confirmed)
    assert server.requests == []


def test_a_cell_asks_again_in_the_column_whose_answer_does_not_fit(cells, server):
    wrong, right = Script([text('{"n": "x"}'), finish()]), Script([text('{"n": 7}'), finish()])
    server.answers("a-1", wrong, right)
    server.answers("b-1", right)
    cells(
        f"{line(server, '--compare a-1,b-1 --schema n_int --repair 1 -o c').replace('n_int', repr('n int'))}\nhi"
    )
    c = cells.names["c"]
    assert [(each.json(), len(each.repaired_from)) for each in c] == [({"n": 7}, 1), ({"n": 7}, 0)]
    assert cells.shown.count("Answer 1, which did not fit its schema") == 1
    session = cells.shell.find_cell_magic("gemini").__self__.runner.session
    assert session.request_count == len(server.requests) == 3
    assert session.usage.total == sum(row.tokens for row in c.table)


def test_the_media_of_all_columns_count_for_the_limit_of_the_notebook_and_keep_it(cells, monkeypatch):
    runner = cells.shell.find_cell_magic("gemini").__self__.runner
    session = runner.session
    monkeypatch.setattr(session, "turn_key", lambda *_: ("cell", 0))
    monkeypatch.setattr(session, "media_room", lambda key, limit: limit / 2 if key == ("cell", 0) else limit)
    counted = []
    monkeypatch.setattr(session, "count_media", lambda key, ledgers: counted.append((key, len(ledgers))))
    cells("%%gemini -o c --repeat 2 --quiet\nHello")
    assert [each.ledger.display.media_size for each in cells.names["c"]] == [1.0, 1.0]
    assert (("cell", 0), 2) in counted
