"""Answers side by side: live widgets, HTML that is replaced, one display at the end, a terminal, and the saved bundle."""

from __future__ import annotations

import io
import json
import re

import pytest
from attack_strings import attacks
from html_audit import audit_framed
from markdown_it import MarkdownIt
from view_stage import ANSWER, ENDINGS, WIDGET, feed, finished, new_ledger

import gemini_magic.views.live as live
from gemini_magic.markdown.defang_check import is_safe
from gemini_magic.views import AnswerColumn, AnswerColumns, columns_bundle
from gemini_magic.views.side_by_side import TABLE_HEADS, ColumnsSnapshot, table_text
from gemini_magic.views.side_by_side_live import HtmlColumnsView, LiveColumnsView, StaticColumnsView
from gemini_magic.views.side_by_side_terminal import TerminalColumnsView

TYPES = {"text/html", "text/markdown", "text/plain"}


@pytest.fixture(autouse=True)
def _none_alive():
    live._finished.clear()
    yield
    live._finished.clear()


def columns_of(*ledgers, label="m{}"):
    labels = [label.format(number) for number in range(len(ledgers))]
    rows = [(each, "complete", "1", "0.10", "0.20", "3", "–") for each in labels]
    return AnswerColumns([AnswerColumn(*each) for each in zip(labels, ledgers, strict=True)], lambda: rows)


def close(ledger, *, finish="STOP"):
    feed(ledger, finish=finish)
    ledger.close("end", t=2.0)


# ------------------------------------------------------------------------------ saved


def test_the_bundle_has_each_column_with_its_status_and_the_table():
    made = columns_bundle(columns_of(finished("one **two**"), finished("three", thought="Hm.")))
    assert set(made) == TYPES
    html = made["text/html"]
    assert html.startswith('<div class="gemini-magic mathjax_ignore tex2jax_ignore">')
    assert html.count('class="gm-column"') == 2
    order = [
        "comparison complete, 2 of 2 answers",
        ">m0<",
        "<strong>two</strong>",
        ">m1<",
        "three",
        "<table>",
    ]
    assert [html.index(part) for part in order] == sorted(html.index(part) for part in order)
    assert html.count("answer complete") == 2
    assert "Thinking" in html
    assert not re.search(r"\n\s*\n", html)
    assert [token.type for token in MarkdownIt("commonmark").parse(html)] == ["html_block"]
    for kind in TYPES - {"text/html"}:
        assert made[kind].index("m0") < made[kind].index("one **two**") < made[kind].index("three")


@pytest.mark.parametrize("name", [name for name in ENDINGS if name != "complete"])
def test_a_bad_ending_is_shown_in_its_column(name):
    ledger = ENDINGS[name]()
    made = columns_bundle(columns_of(finished("fine"), ledger))
    message = ledger.error.message if ledger.error else "The answer stopped at the token limit."
    assert message in made["text/plain"]
    assert "1 of 2 answers complete" in made["text/plain"]
    column = made["text/html"].split('class="gm-column"')[2]
    assert "gm-box" in column
    assert "fine" in made["text/html"]


def test_the_markdown_of_a_column_ends_with_it():
    made = columns_bundle(
        columns_of(finished("```python\nx = 1"), finished("# Title"), finished("$5 and $$"))
    )
    tokens = MarkdownIt().parse(made["text/markdown"])
    headings = [tokens[at + 1].content for at, token in enumerate(tokens) if token.type == "heading_open"]
    assert headings == ["m0", "m1", "Title", "m2"]


@pytest.mark.parametrize("kind", ["text/html", "text/markdown"])
def test_nothing_in_a_column_acts_or_leaves_it(kind):
    texts = attacks()[::7]
    for start in range(0, len(texts), 8):
        made = columns_bundle(columns_of(*map(finished, texts[start : start + 8])))
        if kind == "text/markdown":
            assert is_safe(made[kind])
            continue
        html = made[kind]
        assert audit_framed(re.sub(r'aria-label="m\d"', "", html)) == []
        grid = html.partition('<div class="gm-columns">')[2]
        assert grid.count('<div class="gm-column"') == len(texts[start : start + 8])


def test_labels_are_text():
    made = columns_bundle(columns_of(finished("one"), finished("two"), label='<img src=x onerror="a()">|{}'))
    assert "<img" not in made["text/html"]
    assert is_safe(made["text/markdown"])
    assert "\x1b" not in table_text([("a\x1b[31m", "b", "c", "d", "e", "f", "g")])


def test_the_common_status_line_counts_the_answers():
    running = new_ledger()
    one = columns_of(finished("one"), running)
    assert ColumnsSnapshot(one).facts()[1] == "streaming, 1 of 2 ended"
    assert ColumnsSnapshot(one).tone == "busy"
    assert ColumnsSnapshot(columns_of(finished("one"), ENDINGS["stop"]())).mark == "■"
    assert ColumnsSnapshot(columns_of(finished("one"), ENDINGS["blocked"]())).tone == "warn"
    assert ColumnsSnapshot(columns_of(ENDINGS["blocked"](), ENDINGS["refused"]())).tone == "bad"


# ------------------------------------------------------------------------------ live


def test_columns_stream_in_widgets_and_become_the_static_bundle(stage, clock):
    one, two = new_ledger(), new_ledger()
    stopped = []
    view = LiveColumnsView(columns_of(one, two), stop=stopped.append, clock=clock)
    view.open()
    [(data, display_id, update, _)] = stage.displays
    assert not update
    assert WIDGET in data
    assert [text for text in ("Stop all", "Stop") if text in str(stage.state.values())] == [
        "Stop all",
        "Stop",
    ]
    clock.now += 0.5
    feed(one, "Hello **wor")
    feed(two, "# Title\n\nand")
    view.update()
    shown = stage.html()
    assert shown.index("m0") < shown.index("Hello <strong>wor</strong>") < shown.index("m1")
    assert "<h1" in shown
    close(one)
    clock.now += 0.5
    view.update()
    assert "answer complete, 2 words" in stage.html()
    assert "streaming, 1 of 2 ended" in stage.html()
    close(two)
    view.close()
    final, *rest = stage.displays[-1]
    assert set(final) == TYPES
    assert rest[:2] == [display_id, True]
    assert stage.states[-1]["state"] == "final"
    assert "<table>" in stage.html()
    assert len(stage.state) < 12


def test_all_columns_together_stay_within_the_limit_of_messages(stage, clock):
    ledgers = [new_ledger() for _ in range(12)]
    view = LiveColumnsView(columns_of(*ledgers), clock=clock)
    view.open()
    opened = len(stage.messages)
    for step in range(300):
        clock.now += 0.01
        for ledger in ledgers:
            feed(ledger, ANSWER[step % 100 : step % 100 + 9])
        view.update()
    times = [t for t, *_ in stage.messages[opened:]]
    assert max(sum(start <= t < start + 1.0 for t in times) for start in times[::7]) <= 50
    for ledger in ledgers:
        close(ledger)
    view.update()
    view.close()
    assert stage.displays[-1][0]["text/html"].count("answer complete") == 12


def test_a_partial_state_is_sent_for_a_file_that_is_saved_before_the_end(stage, clock):
    one, two = new_ledger(), new_ledger()
    view = LiveColumnsView(columns_of(one, two), clock=clock)
    view.open()
    feed(one, "so far")
    close(one)
    feed(two, "also")
    for _ in range(8):
        clock.now += 0.5
        view.update()
    data, state, _ = stage.partials[-1]
    assert state["state"] == "partial"
    assert None in state["cut"]["facts"]
    assert "2 answers side by side" in state["cut"]["facts"]
    assert "so far" in data["text/html"]
    assert "also" in data["text/html"]
    assert "── m1 ──\n\nalso" in data["text/plain"]
    assert re.search(r"\n\n\[[^\n]*\]$", data["text/plain"])
    json.dumps(state)


def test_a_button_stops_its_column_or_all(stage, clock):
    stopped = []
    view = LiveColumnsView(columns_of(new_ledger(), new_ledger()), stop=stopped.append, clock=clock)
    view.open()
    buttons = [
        each for widgets in (view._widgets, *(each.widgets for each in view._views)) for each in widgets.all
    ]
    for button in buttons:
        if getattr(button, "description", "").startswith("Stop"):
            button.click()
    assert stopped == [None, 0, 1]


def test_columns_without_widgets_continue_as_html(stage, clock):
    one, two = new_ledger(), new_ledger()
    view = LiveColumnsView(columns_of(one, two), clock=clock)
    view.open()
    stage.broken = True
    feed(one, "one")
    feed(two, "two")
    clock.now += 1
    view.update()
    data, display_id, update, _ = stage.displays[-1]
    assert update
    assert display_id == stage.displays[0][1]
    assert "live widgets unavailable" in data["text/html"]
    assert "one" in data["text/html"]
    close(one)
    close(two)
    view.close()
    assert set(stage.displays[-1][0]) == TYPES


@pytest.mark.parametrize("kind", [LiveColumnsView, HtmlColumnsView, StaticColumnsView])
def test_a_view_whose_end_was_interrupted_shows_it_with_the_second_call(stage, monkeypatch, kind):
    def interrupted(*_, **__):
        raise KeyboardInterrupt

    view = kind(columns_of(finished("one"), finished("two")))
    view.open()
    with monkeypatch.context() as patch:
        for name in ("columns_bundle", "write_columns"):
            patch.setattr(f"gemini_magic.views.side_by_side_live.{name}", interrupted)
        with pytest.raises(KeyboardInterrupt):
            view.close()
    view.close(interrupted=True)
    shown = len(stage.displays)
    assert "one" in stage.displays[-1][0]["text/markdown"]
    view.close()
    assert len(stage.displays) == shown


def test_html_is_replaced_at_most_twice_a_second(stage, clock):
    ledgers = [new_ledger() for _ in range(2)]
    view = HtmlColumnsView(columns_of(*ledgers), clock=clock)
    view.open()
    for _ in range(30):
        clock.now += 0.1
        feed(ledgers[0], "word ")
        view.update()
    assert len(stage.displays) <= 8
    for ledger in ledgers:
        close(ledger)
    view.close()
    assert stage.states[-1]["state"] == "final"


def test_an_unattended_run_displays_the_columns_once(stage):
    view = StaticColumnsView(columns_of(finished("one"), finished("two")))
    view.open()
    view.update()
    assert stage.displays == []
    view.close()
    view.close()
    [(data, *_)] = stage.displays
    assert set(data) == TYPES


# ------------------------------------------------------------------------------ terminal


def test_a_terminal_prints_the_columns_in_their_order(clock):
    one, two, out = new_ledger(), new_ledger(), io.StringIO()
    view = TerminalColumnsView(columns_of(one, two), out, clock=clock)
    view.open()
    feed(two, "second answer")
    close(two)
    feed(one, "first ")
    view.update()
    assert "second" not in out.getvalue()
    feed(one, "answer")
    close(one)
    view.update()
    view.close()
    shown = out.getvalue()
    parts = [
        "── m0 ──\nfirst answer\n",
        "── m1 ──\nsecond answer\n",
        TABLE_HEADS[3],
        "[✓ 2 answers side by side",
    ]
    assert [shown.index(part) for part in parts] == sorted(shown.index(part) for part in parts)
