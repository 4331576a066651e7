"""An answer that is an array is a table in every view: live, saved, as Markdown, as text and in a terminal."""

from __future__ import annotations

import io
import json
import re
from html import unescape

import pytest
from calibration import assert_cpu_below, cpu_seconds
from view_stage import feed

from gemini_magic.content import Request, Text, Turn
from gemini_magic.ledger import DisplayOptions, Ledger
from gemini_magic.schema import as_schema
from gemini_magic.views import bundle
from gemini_magic.views.answer_table_live import LiveTable
from gemini_magic.views.html import HtmlView
from gemini_magic.views.live import LiveView
from gemini_magic.views.terminal import TerminalView

SCHEMA = "list[name, age int, note str|null]"
DOGS = [{"name": "Rex", "age": 3, "note": "a"}, {"name": "Ada", "age": 7, "note": None}]


def ledger_of(schema=SCHEMA):
    ledger = Ledger(
        Request(model="m", turns=(Turn("user", (Text("hi"),)),)),
        display=DisplayOptions("table"),
        schema=as_schema(schema),
    )
    ledger.set_phase("connecting")
    return ledger


def finished(text, schema=SCHEMA, cause="end"):
    ledger = feed(ledger_of(schema), text, finish="STOP" if cause == "end" else None)
    ledger.close(cause, t=2.0)
    return ledger


def cells(html):
    """The texts of the cells of each row."""
    rows = re.findall(r"<tr>(.*?)</tr>", html, re.DOTALL)
    return [
        [
            unescape(re.sub(r"<[^>]+>", "", cell))
            for cell in re.findall(r"<t[dh][^>]*>(.*?)</t[dh]>", row, re.DOTALL)
        ]
        for row in rows
    ]


HEAD = ["#", "name", "age", "note"]
ROWS = [HEAD, ["0", "Rex", "3", "a"], ["1", "Ada", "7", "null"]]


def test_the_saved_answer_is_a_table_in_html_markdown_and_text():
    saved = bundle(finished(json.dumps(DOGS)))
    assert cells(saved["text/html"]) == ROWS
    assert 'class="gm-answer gm-as-table"' in saved["text/html"]
    assert '<div class="gm-note gm-cut">2 rows.</div>' in saved["text/html"]
    assert (
        "| &#35; | name | age | note |\n|---|---|---|---|\n| 0 | Rex | 3 | a |\n| 1 | Ada | 7 | null |\n"
        in (saved["text/markdown"])
    )
    assert saved["text/plain"].startswith(
        "#  name  age  note\n0  Rex   3    a\n1  Ada   7    null\n\n2 rows."
    )


def test_the_raw_json_stays_in_the_record():
    text = json.dumps(DOGS)
    assert bundle(finished(text))["application/vnd.gemini-stream+json"]["text"] == text


def test_a_row_that_does_not_fit_has_its_line_its_problem_and_its_text():
    saved = bundle(finished('[{"name": "Rex",\n "age": "x", "note": null},\n{bad}]'))
    _, first, second = cells(saved["text/html"])
    problem = 'line 1: [0].age: expected integer, got "x"'
    assert first == ["0", problem + '{"name": "Rex",\n "age": "x", "note": null}']
    assert second[1].startswith("line 3: [1]: invalid JSON")
    assert "<td colspan=" in saved["text/html"]
    assert "2 rows, 2 do not fit." in saved["text/html"]
    assert problem in saved["text/plain"]


def test_a_cut_answer_shows_its_rows_and_says_so():
    ledger = finished('[{"name": "Rex", "age": 3, "note": "a"}, {"name": "A', cause="cut")
    saved = bundle(ledger)
    assert "1 row, cut off." in saved["text/html"]
    assert cells(saved["text/html"])[2] == ["1", 'line 1: [1]: it is not complete{"name": "A']


def test_recovered_rows_are_marked_as_guesses():
    text = '[{"name": "Rex", "age": 3, "note": "a"}, {"name": "A, "age": 1},\n{"name": "B", "age": 2, "note": "b"}]'
    saved = bundle(finished(text))
    assert cells(saved["text/html"])[-1] == ["?", "B", "2", "b"]
    assert "1 row, cut off, 1 more recovered from the text of the last one." in saved["text/html"]
    assert "Recovered rows are guesses." in saved["text/html"]


def test_repeated_rows_are_counted():
    row = '{"name": "Rex", "age": 3, "note": "a"}'
    saved = bundle(finished(f"[{', '.join([row] * 4)}]"))
    assert "4 rows, row 0 repeated 3 times." in saved["text/html"]


@pytest.mark.parametrize("field", ["age", "<b>$x$</b>"])
def test_a_field_that_a_row_has_twice_is_mentioned(field):
    name = json.dumps(field)
    rows = [
        '{"name": "Rex", "age": 3, "note": "a"}',
        *[f'{{"name": "Ada", {name}: 3, {name}: 4, "age": 1}}'] * 2,
    ]
    saved = bundle(finished(f"[{', '.join(rows)}]"))
    assert f"2 rows with the field {field!r} twice, of which the last one counts" in unescape(
        saved["text/html"]
    )
    assert "<b>" not in saved["text/html"]


def test_text_before_the_table_is_mentioned():
    text = json.dumps(DOGS)
    remark = "The answer contains text before the table."
    assert remark in bundle(finished(f"Here they are:\n{text}"))["text/plain"]
    assert remark not in bundle(finished(f"```json\n{text}\n```"))["text/plain"]


HOSTILE = (
    '<script>alert(1)</script> <b onclick="x">b</b> **x** | ![i](https://evil.example/x.png) $x$ \u202e \x07'
)


def test_values_are_text_in_every_form():
    rows = [{HOSTILE: 1, "name": HOSTILE, "age": 3, "note": HOSTILE}]
    saved = bundle(finished(json.dumps(rows), "list[name, age int, note]"))
    assert "<script" not in saved["text/html"]
    assert "<b" not in saved["text/html"]
    assert "<img" not in saved["text/html"]
    assert "&lt;b onclick=" in saved["text/html"]
    assert "⟨U+202E⟩" in saved["text/html"]
    assert "<" not in saved["text/markdown"]
    assert "![" not in saved["text/markdown"]
    assert saved["text/markdown"].count("\n|") == 3
    assert "\x07" not in saved["text/plain"]


def test_hostile_names_of_columns_are_text():
    schema = {"type": "array", "items": {"type": "object", "properties": {HOSTILE: {}, "b": {}}}}
    saved = bundle(finished(json.dumps([{HOSTILE: 1}]), schema))
    assert "<script" not in saved["text/html"]
    assert cells(saved["text/html"])[1] == ["0", "1", ""]


def test_a_long_value_is_cut_and_can_be_unfolded():
    long = "word " * 100
    saved = bundle(finished(json.dumps([{"name": long, "age": 1, "note": "x" * 5000}])))
    assert f"…</summary>{long}</details>" in saved["text/html"]
    assert "… (5,000 characters; the response's `items` has all)</details>" in saved["text/html"]
    assert max(map(len, saved["text/plain"].splitlines())) < 120


def test_very_many_rows_are_shown_up_to_a_limit(monkeypatch):
    monkeypatch.setattr("gemini_magic.views.answer_table.MAX_HTML", 22_000)
    saved = bundle(finished(json.dumps([{"name": f"n{n}", "age": n, "note": None} for n in range(50)])))
    shown = len(cells(saved["text/html"])) - 1
    assert 0 < shown < 50
    assert f"50 rows.\n\nOnly the first {shown} rows are shown." in saved["text/plain"]


def test_at_most_some_thousand_rows_are_shown(monkeypatch):
    monkeypatch.setattr("gemini_magic.views.answer_table.MOST_ROWS", 5)
    monkeypatch.setattr("gemini_magic.views.answer_table_live.MOST_ROWS", 5)
    ledger = finished(json.dumps(DOGS * 10))
    assert len(cells(bundle(ledger)["text/html"])) == 6
    table = LiveTable(ledger, ["x"])
    table.step(final=True)
    assert len(cells(table.whole)) == 6


def test_an_answer_without_an_array_is_shown_as_text():
    saved = bundle(finished("I found no dogs."))
    assert "I found no dogs." in saved["text/html"]
    assert "<table" not in saved["text/html"]
    assert "the answer: expecting value at line 1" in saved["text/html"]


def test_columns_of_plain_objects_are_those_of_the_first_one():
    schema = {"type": "array", "items": {"type": "object"}}
    assert cells(bundle(finished('[{"b": 1, "a": [1, {}]}, {"a": 2, "c": 3}]', schema))["text/html"]) == [
        ["#", "b", "a"],
        ["0", "1", "[1, {}]"],
        ["1", "", "2"],
    ]


def test_values_that_are_no_objects_are_one_column():
    assert cells(bundle(finished('["x", "y"]', list[str]))["text/html"]) == [
        ["#", "value"],
        ["0", "x"],
        ["1", "y"],
    ]


def test_an_empty_array_is_a_table_without_rows():
    saved = bundle(
        finished(
            '{"dogs": []}',
            {
                "type": "object",
                "properties": {
                    "dogs": {"type": "array", "items": {"type": "object", "properties": {"name": {}}}}
                },
            },
        )
    )
    assert cells(saved["text/html"]) == [["#", "name"]]
    assert "0 rows." in saved["text/html"]


# -- while the answer arrives


def stream(ledger, view, clock, text, size=20, pause=0.05):
    for at in range(0, len(text), size):
        clock.now += pause
        feed(ledger, text[at : at + size], t=clock.now)
        view.update()


def test_a_live_table_grows_by_rows_and_shows_the_unfinished_row(stage, clock):
    ledger = ledger_of()
    view = LiveView(ledger, clock=clock)
    view.open()
    stream(ledger, view, clock, json.dumps(DOGS)[:-20])
    clock.now += 1
    view.update(final=True)
    html = stage.html()
    assert cells(html.rpartition("<tbody aria-busy")[2]) in (
        [["1", "Ada", "7", "…"]],
        [["1", "Ada", "…", "…"]],
    )
    assert "1 row" in html


def test_a_finished_row_is_sent_once(stage, clock):
    ledger = ledger_of()
    view = LiveView(ledger, clock=clock)
    view.open()
    rows = [{"name": f"dog{n}", "age": n, "note": "some words about it"} for n in range(60)]
    stream(ledger, view, clock, json.dumps(rows), 40)
    sent = [str(data) for _, kind, _, data in stage.messages if kind in ("open", "msg")]
    finished_row = re.compile(r"<td[^>]*>dog30</td>.*?some words about it</td></tr>", re.DOTALL)
    assert sum(bool(finished_row.search(text.partition("<tbody aria-busy")[0])) for text in sent) == 1
    times = [time for time, _, comm, data in stage.messages if "<tbody" in str(data)]
    seconds = {int(time) for time in times}
    assert max(len({time for time in times if int(time) == second}) for second in seconds) <= 8


def test_the_pieces_join_to_the_whole_table():
    ledger = ledger_of()
    source = []
    table = LiveTable(ledger, source)
    text = json.dumps([{"name": f"n{n}", "age": n, "note": None} for n in range(30)])
    for at in range(0, len(text), 30):
        source.append(text[at : at + 30])
        feed(ledger, source[-1])
        table.step()
    ledger.close("end", t=1.0)
    table.step(final=True)
    joined = [
        row
        for html in table.html
        for row in cells(
            html.replace("</tbody>\n<tbody aria-busy", "<tbody aria-busy").partition("<tbody aria-busy")[0]
        )
    ]
    assert joined == cells(table.whole)
    assert len(joined) == 31
    assert "aria-busy" not in table.whole


def test_text_before_the_array_is_shown_until_the_array_begins():
    ledger = ledger_of()
    source = []
    table = LiveTable(ledger, source)
    for text in ("Here they ", "are:\n", '[{"name": "Rex"'):
        source.append(text)
        feed(ledger, text)
        table.step()
        if "[" not in text:
            assert "Here they" in table.whole
    assert table.html[0] == ""
    assert table.runs[0] is None
    assert cells(table.whole) == [HEAD, ["0", "Rex", "…", "…"]]


def test_the_view_without_widgets_shows_the_table(stage, clock):
    ledger = ledger_of()
    view = HtmlView(ledger, clock=clock)
    view.open()
    stream(ledger, view, clock, json.dumps(DOGS))
    clock.now += 1
    view.update(final=True)
    html = stage.displays[-1][0]["text/html"]
    assert cells(html) == ROWS


def test_a_stopped_answer_keeps_its_table(stage, clock):
    ledger = ledger_of()
    view = LiveView(ledger, clock=clock)
    view.open()
    stream(ledger, view, clock, json.dumps(DOGS)[:-5])
    ledger.close("stop", t=3.0)
    view.close()
    html = stage.displays[-1][0]["text/html"]
    assert cells(html)[:2] == ROWS[:2]
    assert "1 row, cut off." in html


def test_a_terminal_prints_each_row_once_when_it_is_complete():
    out = io.StringIO()
    ledger = ledger_of()
    view = TerminalView(ledger, out)
    view.open()
    text = json.dumps(DOGS)
    for at in range(0, len(text), 9):
        feed(ledger, text[at : at + 9])
        view.update()
    assert out.getvalue().splitlines()[:2] == ["#    name  age  note", "0    Rex   3    a"]
    feed(ledger, finish="STOP")
    ledger.close("end", t=1.0)
    view.close()
    assert out.getvalue().splitlines()[2:4] == ["1    Ada   7    null", "2 rows."]


def test_a_terminal_prints_an_answer_without_an_array_as_it_is():
    out = io.StringIO()
    view = TerminalView(finished("No dogs."), out)
    view.open()
    view.update(final=True)
    view.close()
    assert out.getvalue().startswith("No dogs.\n")


def test_a_terminal_with_rich_shows_the_table(monkeypatch):
    class Terminal(io.StringIO):
        def isatty(self):
            return True

    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "100")
    out = Terminal()
    view = TerminalView(finished('[{"name": "Rex |", "age": 3, "note": "*a*"}]'), out)
    view.open()
    view.update(final=True)
    view.close()
    assert "Rex |" in out.getvalue()
    assert "*a*" in out.getvalue()
    assert "\x1b[1m" in out.getvalue()  # rich draws it


def cost_of_a_live_table(text):
    def run():
        ledger, source = ledger_of(), []
        table = LiveTable(ledger, source)
        for at in range(0, len(text), 400):
            source.append(text[at : at + 400])
            feed(ledger, source[-1])
            table.step()

    return run


GROWING = {
    "brackets": lambda n: "[" * n,
    "nested objects": lambda n: '[{"name":' * (n // 9),
    "a long string": lambda n: '[{"name":"' + "x" * n,
    "unclosed strings": lambda n: '[{"name":"x, ' + '{"name":"y, ' * (n // 12),
    "empty rows": lambda n: "[" + "{}," * (n // 3),
    "invalid rows": lambda n: "[" + "{a}," * (n // 4),
}


@pytest.mark.parametrize("text", GROWING)
def test_a_hostile_table_takes_linear_time(text):
    def seconds(length):
        return min(cpu_seconds(cost_of_a_live_table(GROWING[text](length))) for _ in range(2))

    # Six times the text: a quadratic view takes 36 times as long.
    assert seconds(6_000) < 14 * seconds(1_000) + 0.02


def test_a_thousand_rows_are_rendered_in_a_short_time():
    text = json.dumps([{"name": f"n{n}", "age": n, "note": "some words"} for n in range(1_000)])
    assert_cpu_below(lambda: bundle(finished(text)), 0.5)
