"""The messages of the live view, sent to a stage instead of a front end."""

from __future__ import annotations

import asyncio
import re
from itertools import pairwise

import pytest
from markdown_answers import answer
from view_stage import ANSWER, ATTACK, STATIC_TYPES, WIDGET, feed, new_ledger

import gemini_magic.views.live as live
from gemini_magic.views import widgets
from gemini_magic.views.html import HtmlView
from gemini_magic.views.live import ALIVE, LiveView


@pytest.fixture(autouse=True)
def _none_alive():
    live._finished.clear()
    yield
    live._finished.clear()


@pytest.fixture
def ledger():
    return new_ledger()


@pytest.fixture
def view(stage, ledger, clock):
    return LiveView(ledger, stop=lambda: None, clock=clock)


def most_in_a_second(times):
    times = sorted(times)
    return max(sum(start <= t < start + 1.0 for t in times) for start in times)


def test_opening_shows_a_widget_with_a_text_for_front_ends_without_widgets(stage, view):
    view.open()
    [(data, display_id, update, _)] = stage.displays
    assert not update
    assert display_id
    assert data[WIDGET]["model_id"] in stage.state
    assert "connecting" in data["text/html"]
    assert "gemini-magic" in data["text/html"]
    assert "connecting" in data["text/plain"]
    assert "connecting" in stage.html()
    assert len(stage.messages) <= 16


def test_the_first_text_is_painted_at_once(stage, view, ledger, clock):
    view.open()
    clock.now += 0.7
    view.update()
    clock.now += 0.01
    feed(ledger, "Hello **wor", t=0.7)
    view.update()
    assert "Hello <strong>wor</strong>" in stage.html()


def test_a_thousand_chunks_in_ten_seconds_stay_within_the_message_limits(stage, view, ledger, clock):
    view.open()
    opened = len(stage.messages)
    text = ANSWER * 250
    for index in range(1000):
        clock.now += 0.01
        feed(
            ledger,
            text[index * 37 : index * 37 + 37],
            t=index / 100,
            usage={"prompt": 9, "output": index, "total": index},
        )
        view.update()
    sent = stage.messages[opened:]
    assert most_in_a_second(t for t, *_ in sent) <= 40
    paints = {t for t, _, _, data in sent if "aria-busy" in str(data)}
    assert most_in_a_second(paints) <= 10
    assert len(paints) > 60
    status = [t for t, kind, comm_id, data in sent if kind == "msg" and "gm-status" in str(data)]
    assert most_in_a_second(status) <= 4
    assert len(status) > 30
    assert all(len(stage.children(comm_id)) <= 32 for comm_id in stage.state)


def test_a_long_table_has_its_own_box(stage, view, ledger, clock):
    view.open()
    rows = "".join(f"| {n} | some words in a cell |\n" for n in range(400))
    text = f"# Head\n\n| a | b |\n|---|---|\n{rows}\nThe end.\n\n- one"
    for start in range(0, len(text), 60):
        clock.now += 0.1
        feed(ledger, text[start : start + 60])
        view.update()
    boxes = [key for key, state in stage.state.items() if "gm-run" in state.get("_dom_classes", ())]
    assert len(boxes) == 1
    assert "gm-run-table" in stage.state[boxes[0]]["_dom_classes"]
    assert len(stage.children(boxes[0])) > 1
    assert all(len(stage.children(key)) <= 32 for key in stage.state)
    html = stage.html()
    assert html.index("<h1") < html.index("<thead>") < html.index("The end.") < html.index("<li>one")
    assert html.count("<thead>") - html.count("aria-busy") <= 1


def test_the_last_paint_is_never_skipped(stage, view, ledger, clock):
    view.open()
    for word in ("one ", "two ", "three"):
        feed(ledger, word)
        view.update()
    assert "three" not in stage.html()
    view.update(final=True)
    assert "one two three" in stage.html()


def test_without_new_text_only_the_status_line_is_sent(stage, view, ledger, clock):
    view.open()
    feed(ledger, "text")
    view.update(final=True)
    before = len(stage.messages)
    for _ in range(20):
        clock.now += 0.1
        view.update()
    sent = stage.messages[before:]
    assert 4 <= len(sent) <= 9
    assert all("gm-status" in data["state"]["value"] for *_, data in sent)


def test_thoughts_grow_in_a_folded_section_whose_heading_never_changes(stage, view, ledger, clock):
    view.open()
    for index in range(40):
        clock.now += 0.1
        feed(ledger, thought=f"thought {index}. ")
        view.update()
    assert stage.html().count("<details") == 1
    assert "thought 30" in stage.html()
    heads = [data for _, kind, _, data in stage.messages if kind == "msg" and "<details" in str(data)]
    assert heads == []
    touched = [t for t, kind, _, data in stage.messages if kind == "msg" and "thought" in str(data)]
    assert most_in_a_second(touched) <= 3


def test_the_thinking_time_is_counted_until_the_answer_begins(stage, view, ledger, clock):
    view.open()
    begun = clock.now
    for index in range(46):
        clock.now += 0.1
        feed(ledger, thought=f"thought {index}. ", t=clock.now - begun)
        view.update()
    shown = [data for *_, data in stage.messages if data and '"gm-clock"' in str(data)]
    assert [re.search(r", (\d+) s<", str(data))[1] for data in shown] == ["0", "1", "2", "3", "4"]
    for index in range(20):
        clock.now += 0.1
        feed(ledger, f"word {index} ", thought="more " if index > 5 else "", t=clock.now - begun)
        view.update()
    assert ", 4.6 s</span>" in stage.html()
    ledger.close("end", t=7.0)
    view.close()
    assert "<summary>Thinking, 4.6 s, 106 words</summary>" in stage.displays[-1][0]["text/html"]


def test_a_late_definition_changes_old_pieces_a_few_at_a_time(stage, view, ledger, clock):
    view.open()
    for index in range(40):
        clock.now += 0.1
        feed(ledger, f"See [the page][p], it is number {index} and {'very ' * 40}long.\n\n")
        view.update()
    assert "href" not in stage.html()
    before = len(stage.messages)
    feed(ledger, "[p]: https://example.org/x\n\nThe end.")
    for _ in range(40):
        clock.now += 0.1
        view.update()
    assert stage.html().count("href") >= 40
    assert most_in_a_second(t for t, *_ in stage.messages[before:]) <= 40


def test_the_stop_button_calls_stop_and_is_absent_without_it(stage, ledger, clock):
    clicks = []
    view = LiveView(ledger, stop=lambda: clicks.append(1), clock=clock)
    view.open()
    [button] = [comm_id for comm_id, state in stage.state.items() if state["_model_name"] == "ButtonModel"]
    assert stage.state[button]["description"] == "Stop"
    view._button.click()
    assert clicks == [1]
    view.close()
    assert button not in stage.state
    before = set(stage.state)
    other = LiveView(ledger, stop_hint="stop with something else", clock=clock)
    other._ledger = new_ledger()
    other.open()
    added = [stage.state[comm_id] for comm_id in set(stage.state) - before]
    assert all(state["_model_name"] != "ButtonModel" for state in added)
    assert any("stop with something else" in state.get("value", "") for state in added)


def test_closing_replaces_the_widgets_by_the_static_bundle_and_keeps_one_child(stage, view, ledger, clock):
    view.open()
    for _ in range(60):
        clock.now += 0.1
        feed(ledger, ANSWER)
        view.update()
    root = stage.root()
    assert len(stage.state) > 40
    feed(ledger, finish="STOP")
    ledger.close("end", t=6.0)
    view.close()
    view.close()
    view.update()
    first, last = stage.displays
    assert last[1:3] == (first[1], True)
    assert set(last[0]) == STATIC_TYPES
    [child] = stage.children(root)
    kinds = sorted(state["_model_name"] for state in stage.state.values())
    assert kinds == ["HTMLModel", "VBoxModel"]
    # The same HTML live and saved: one document, one style sheet.
    assert stage.state[child]["value"].partition("<style>")[0] in last[0]["text/html"]
    assert "answer complete, 1,140 words" in stage.state[child]["value"]


def test_widgets_are_closed_a_few_at_a_time_if_a_loop_runs(stage, view, ledger, clock, monkeypatch):
    monkeypatch.setattr(widgets, "_PAUSE", 0.0)

    async def watched():
        view.open()
        for _ in range(60):
            clock.now += 0.1
            feed(ledger, ANSWER)
            view.update()
        ledger.close("end", t=6.0)
        before = len(stage.messages)
        view.close()
        assert len(stage.messages) - before <= 3
        counts = []
        while len(stage.state) > 2:
            counts.append(len(stage.state))
            await asyncio.sleep(0)
        return counts

    counts = asyncio.run(watched())
    assert max(early - late for early, late in pairwise(counts)) <= 5
    assert len(counts) > 10


def test_the_widgets_of_the_last_eight_answers_stay_open(stage, clock):
    roots = []
    for index in range(ALIVE + 3):
        ledger = feed(new_ledger(), f"answer {index}", finish="STOP")
        view = LiveView(ledger, clock=clock)
        view.open()
        ledger.close("end", t=1.0)
        view.close()
        roots.append(stage.displays[-2][0][WIDGET]["model_id"])
    assert [root in stage.state for root in roots] == [False] * 3 + [True] * ALIVE
    assert len(stage.state) == 2 * ALIVE


def test_an_attack_is_inert_in_every_message(stage, view, ledger, clock):
    view.open()
    for character in ATTACK:
        clock.now += 0.1
        feed(ledger, character, thought=character)
        view.update()
    ledger.close("cut", t=9.0)
    view.close()
    values = [
        data["state"]["value"]
        for _, kind, _, data in stage.messages
        if kind != "close" and "value" in data["state"]
    ]
    assert len(values) > 100
    for value in values:
        assert not any(
            bad in value
            for bad in ("<script", "<img", "<iframe", "<button", 'href="javascript', 'href="data')
        )


def test_html_replaces_the_widgets_when_the_front_end_fails(stage, view, ledger, clock):
    view.open()
    feed(ledger, "first ")
    view.update()
    stage.broken = True
    feed(ledger, "second")
    clock.now += 0.3
    view.update()
    first, fallback = stage.displays
    assert fallback[1:3] == (first[1], True)
    assert "first second" in fallback[0]["text/html"]
    assert "live widgets unavailable: RuntimeError" in fallback[0]["text/html"]
    feed(ledger, finish="STOP")
    ledger.close("end", t=1.0)
    view.close()
    assert set(stage.displays[-1][0]) == STATIC_TYPES
    assert stage.displays[-1][1] == first[1]


def test_html_is_shown_when_widgets_cannot_be_created(stage, view, ledger):
    stage.broken = True
    view.open()
    feed(ledger, "all of it", finish="STOP")
    ledger.close("end", t=1.0)
    view.close()
    assert [update for _, _, update, _ in stage.displays] == [False, True]
    assert "all of it" in stage.displays[-1][0]["text/html"]


def test_the_bundle_is_shown_when_widgets_fail_at_the_end(stage, view, ledger):
    view.open()
    feed(ledger, "all of it", finish="STOP")
    ledger.close("end", t=1.0)
    stage.broken = True
    view.close()
    assert set(stage.displays[-1][0]) == STATIC_TYPES


def test_an_old_ipywidgets_is_refused_at_once(monkeypatch, ledger):
    monkeypatch.setattr("ipywidgets.__version__", "7.8.1")
    with pytest.raises(ImportError, match=r"7\.8\.1 is too old"):
        LiveView(ledger)


def test_only_full_pieces_are_typeset_each_once(stage, view, ledger, clock):
    view.open()
    opened, text = len(stage.messages), answer(6000, 3, formulas=True)
    for start in range(0, len(text), 20):
        clock.now += 0.05
        feed(ledger, text[start : start + 20])
        view.update()
    view.update(final=True)
    made = [
        (comm_id, data["state"]["value"])
        for _, kind, comm_id, data in stage.messages
        if kind == "open" and data["state"].get("_model_name") == "HTMLMathModel"
    ]
    assert len(made) > 5
    assert all(value.startswith('<div class="mathjax_ignore tex2jax_ignore">') for _, value in made)
    assert all("mathjax_process" in value for _, value in made)
    assert not any(kind == "msg" and comm_id in dict(made) for _, kind, comm_id, _ in stage.messages)
    assert most_in_a_second([t for t, kind, _, _ in stage.messages[opened:] if kind != "close"]) <= 40
    whole = "".join(value for _, value in made)
    assert (
        whole.count('="mathjax_process tex2jax_process"')
        >= view._answer.sections.whole.count('="mathjax_process tex2jax_process"') - 9
    )
    feed(ledger, finish="STOP")
    ledger.close("end", t=9.0)
    view.close()
    [last] = stage.children(stage.root())
    assert stage.state[last]["_model_name"] == "HTMLMathModel"


def test_a_slow_paint_is_followed_by_a_longer_pause(stage, ledger, clock, monkeypatch):
    view = LiveView(ledger, clock=clock)
    view.open()
    plain = view._answer.paint

    def slow(now, *, final):
        clock.now += 0.5
        return plain(now, final=final)

    monkeypatch.setattr(view._answer, "paint", slow)
    feed(ledger, "one ")
    view.update()
    begun = clock.now
    feed(ledger, "two")
    while "two" not in stage.html():
        clock.now += 0.05
        view.update()
        assert clock.now - begun < 5
    assert clock.now - 0.5 - begun >= 1.5


def test_one_endless_block_is_sent_less_often_as_it_grows(stage, ledger, clock):
    view = LiveView(ledger, clock=clock)
    view.open()
    sizes = []
    feed(ledger, "> ")  # a block quote is drawn whole each time
    for _ in range(200):
        clock.now += 0.05
        feed(ledger, "word " * 400)
        view.update()
    begun = clock.now - 2.0
    for t, kind, _, data in stage.messages:
        if kind == "msg" and t > begun and "aria-busy" in str(data):
            sizes.append(len(data["state"]["value"]))
    assert 0 < len(sizes) <= 5
    assert sum(sizes) / 2.0 < 1_200_000


@pytest.mark.parametrize("kind", [LiveView, HtmlView])
def test_a_note_is_below_the_status_line_until_the_answer_ends(stage, ledger, clock, kind):
    view = kind(ledger, clock=clock, note="It continues; `%gemini stop` stops it.")

    def shown():
        return stage.html() if kind is LiveView else stage.displays[-1][0]["text/html"]

    view.open()
    clock.now += 0.7
    feed(ledger, "Hello", t=0.7)
    view.update()
    order = ["gm-facts", "It continues; <code>%gemini stop</code> stops it.", "Hello"]
    assert [shown().index(part) for part in order] == sorted(shown().index(part) for part in order)
    feed(ledger, finish="STOP", t=0.8)
    ledger.close("end", t=0.9)
    view.close()
    assert "It continues" not in shown() + str(stage.displays[-1])


def test_the_status_line_suggests_stop_while_the_model_repeats_itself(stage, view, ledger, clock):
    view.open()
    for number in range(500):
        clock.now += 0.02
        feed(ledger, "again and again ", t=number / 50)
        view.update()
    assert "the model repeats itself: Stop ends the answer" in stage.html()
    ledger.close("stop", t=10.0)
    view.close()
    assert "the model repeats itself" not in stage.html()
