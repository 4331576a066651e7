"""HTML without widgets: replaced a few times a second, or shown once."""

from __future__ import annotations

import re

import pytest
from view_stage import ANSWER, STATIC_TYPES, feed, finished, new_ledger

from gemini_magic.ledger.ledger import Pause
from gemini_magic.views.html import HtmlView, StaticView
from gemini_magic.views.outputs import AnswerOutput


def test_html_is_replaced_at_most_four_times_a_second_under_one_id(stage, clock):
    ledger = new_ledger()
    view = HtmlView(ledger, clock=clock)
    view.open()
    text = ANSWER * 3
    for index in range(200):
        clock.now += 0.02
        feed(ledger, text[index * 2 : index * 2 + 2], t=index / 50)
        view.update()
    times = [t for *_, t in stage.displays]
    assert 14 <= len(times) <= 17
    feed(ledger, finish="STOP")
    view.update(final=True)
    ledger.close("end", t=4.0)
    view.close()
    view.close()
    assert len({display_id for _, display_id, _, _ in stage.displays}) == 1
    assert [update for _, _, update, _ in stage.displays] == [False] + [True] * (len(stage.displays) - 1)
    assert set(stage.displays[-1][0]) == STATIC_TYPES
    assert stage.messages == []


def test_slow_paints_happen_less_often(stage, clock, monkeypatch):
    ledger = new_ledger()
    view = HtmlView(ledger, clock=clock)
    show = AnswerOutput.show

    def slow(*args):
        clock.now += 0.4
        show(*args)

    monkeypatch.setattr(AnswerOutput, "show", slow)
    view.open()
    for _ in range(40):
        clock.now += 0.1
        ledger.set_phase("streaming")
        view.update()
    assert len(stage.displays) == 3


def test_paints_with_many_formulas_happen_less_often(stage, clock):
    ledger = feed(new_ledger(), "$x$ " * 200)
    view = HtmlView(ledger, clock=clock)
    view.open()
    for _ in range(40):
        clock.now += 0.1
        ledger.set_phase("streaming")
        view.update()
    assert len(stage.displays) == 4


def test_it_is_painted_once_a_second_when_only_the_time_changes(stage, clock):
    ledger = new_ledger()
    view = HtmlView(ledger, clock=clock)
    ledger.set_phase("retrying", Pause("429: quota", 8.25, 2, 4))
    view.open()
    for _ in range(45):
        clock.now += 0.1
        view.update()
    lines = [data["text/plain"] for data, *_ in stage.displays]
    assert [line.split(" · ")[1] for line in lines] == [
        f"retrying in {left} s (429: quota), attempt 2 of 4" for left in (8, 7, 6, 5, 4)
    ]


def test_html_of_a_running_answer_has_no_record_and_shows_the_notice(stage, clock):
    view = HtmlView(feed(new_ledger(), "abc"), clock=clock, notice="live widgets unavailable")
    view.open()
    [(data, *_)] = stage.displays
    assert set(data) == {"text/html", "text/plain"}
    assert "abc" in data["text/html"]
    assert "live widgets unavailable" in data["text/html"]


def test_the_static_view_displays_once_at_the_end(stage):
    view = StaticView(finished())
    view.open()
    view.update()
    view.update(final=True)
    assert stage.displays == []
    view.close()
    view.close()
    [(data, display_id, update, _)] = stage.displays
    assert set(data) == STATIC_TYPES
    assert (display_id, update) == (None, False)


@pytest.mark.parametrize("kind", [HtmlView, StaticView])
def test_after_an_interrupt_only_a_little_more_is_rendered(stage, kind):
    view = kind(finished("word " * 4_000))
    view.close(interrupted=True)
    view.close()
    (shown,) = (data for data, *_ in stage.displays)
    assert set(shown) == STATIC_TYPES
    assert shown["text/html"].count("word ") < 1_100
    assert re.search(r"Only the first [45],000 of 20,000 characters are shown\.", shown["text/plain"])


@pytest.mark.parametrize("kind", [HtmlView, StaticView])
def test_a_view_whose_end_was_interrupted_can_be_closed_again(stage, monkeypatch, kind):
    def interrupted(*_, **__):
        raise KeyboardInterrupt

    view = kind(finished("word " * 10))
    with monkeypatch.context() as patch:
        patch.setattr("gemini_magic.views.html.write_bundle", interrupted)
        with pytest.raises(KeyboardInterrupt):
            view.close()
    view.close(interrupted=True)
    assert stage.displays[-1][0]["text/plain"].startswith("word word")
