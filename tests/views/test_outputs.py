"""The states of an answer's output: what is in its metadata, and when partial answers are sent to the labextension."""

from __future__ import annotations

import gc
from itertools import pairwise

import pytest
from view_stage import ANSWER, ATTACK, STATIC_TYPES, feed, new_ledger

from gemini_magic.views import outputs
from gemini_magic.views.html import HtmlView
from gemini_magic.views.live import LiveView
from gemini_magic.views.outputs import send_states


@pytest.fixture
def ledger():
    return new_ledger()


@pytest.fixture
def view(stage, ledger, clock):
    view = LiveView(ledger, stop=lambda: None, clock=clock)
    view.open()
    return view


def stream(view, ledger, clock, seconds, *, step=0.05, text="some words "):
    """Feed text for some seconds."""
    end = clock.now + seconds
    while clock.now < end:
        clock.now += step
        if text:
            feed(ledger, text)
        view.update()


def end(view, ledger):
    feed(ledger, finish="STOP")
    view.update(final=True)
    ledger.close("end", t=3.0)
    view.close()


def test_each_state_of_an_output_is_in_its_metadata_under_one_id(stage, view, ledger, clock):
    stream(view, ledger, clock, 2.5)
    end(view, ledger)
    assert [state["state"] for state in stage.states] == ["live", "final"]
    [display_id] = {display_id for _, display_id, *_ in stage.displays}
    assert {state["id"] for state in stage.states} == {display_id}
    assert {state["id"] for _, state, _ in stage.partials} == {display_id}
    assert {state["state"] for _, state, _ in stage.partials} == {"partial"}
    assert set(stage.displays[-1][0]) == STATIC_TYPES
    assert set(stage.states[-1]) == {"id", "state"}  # this shell has no kernel


def test_partial_answers_are_sent_after_03_seconds_and_then_once_a_second(stage, view, ledger, clock):
    opened = clock.now
    stream(view, ledger, clock, 5.0)
    times = [time - opened for *_, time in stage.partials]
    assert 0.3 <= times[0] <= 0.4
    assert all(late - early >= 1.0 for early, late in pairwise(times))
    assert len(times) == 5


def test_a_partial_answer_is_what_is_on_the_page(stage, view, ledger, clock):
    feed(ledger, thought="I **think** so.")
    feed(ledger, ANSWER)
    stream(view, ledger, clock, 2.0, text="")
    data, _, _ = stage.partials[-1]
    assert set(data) == {"text/html", "text/plain"}
    assert data["text/html"].startswith('<div class="gemini-magic mathjax_ignore tex2jax_ignore">')
    for words in ("Title</h1>", "<strong>think</strong>", "The end.", "still arriving"):
        assert words in data["text/html"]
    assert data["text/plain"].startswith("# Title")
    assert data["text/plain"].splitlines()[-1].startswith("[… gemini-flash-latest · streaming")


def test_nothing_in_a_partial_answer_acts(stage, view, ledger, clock):
    feed(ledger, ATTACK)
    stream(view, ledger, clock, 1.0, text="")
    html = stage.partials[-1][0]["text/html"]
    for harmful in ("<script", '="javascript:', "<iframe", "<img", "<button", "<style>body"):
        assert harmful not in html.lower()


def test_no_partial_answer_is_sent_while_nothing_is_new(stage, view, ledger, clock):
    stream(view, ledger, clock, 2.0)
    stream(view, ledger, clock, 2.0, text="")
    count = len(stage.partials)
    stream(view, ledger, clock, 5.0, text="")
    assert len(stage.partials) == count


def test_slow_partial_answers_take_a_twentieth_of_the_time(stage, view, ledger, clock, monkeypatch):
    send = outputs._publish

    def slow(*args, **options):
        clock.now += 0.2
        send(*args, **options)

    monkeypatch.setattr(outputs, "_publish", slow)
    opened = clock.now
    stream(view, ledger, clock, 20.0)
    assert len(stage.partials) * 0.2 <= 0.06 * (clock.now - opened)


def test_no_partial_answer_follows_the_final_one(stage, view, ledger, clock):
    stream(view, ledger, clock, 1.0)
    end(view, ledger)
    count = len(stage.partials)
    clock.now += 5
    view.update()
    assert len(stage.partials) == count


def test_the_words_for_a_kernel_that_ends_are_in_the_metadata(stage, view, ledger, clock):
    stream(view, ledger, clock, 1.0)
    cut = stage.partials[-1][1]["cut"]
    assert cut["facts"][:2] == ["gemini-flash-latest", None]
    assert set(cut["ends"]) == {"restart", "crash", "shutdown", "unknown"}
    for fact, sentence in cut["ends"].values():
        assert fact.startswith("the kernel")
        assert sentence.startswith("The kernel ended before the answer did")
    assert "%gemini last" in cut["remedy"]
    assert stage.states[0]["cut"]["facts"][:2] == ["gemini-flash-latest", None]


def test_html_that_is_replaced_as_a_whole_needs_no_partial_answers(stage, ledger, clock):
    view = HtmlView(ledger, clock=clock)
    view.open()
    stream(view, ledger, clock, 3.0)
    end(view, ledger)
    assert stage.partials == []
    assert {state["state"] for state in stage.states[:-1]} == {"partial"}
    assert stage.states[-1]["state"] == "final"


def test_the_fallback_continues_under_the_same_id(stage, view, ledger, clock):
    stream(view, ledger, clock, 1.0)
    stage.broken = True
    stream(view, ledger, clock, 1.0)
    end(view, ledger)
    assert len({state["id"] for state in stage.states}) == 1
    assert stage.states[-1]["state"] == "final"


def test_a_running_answer_is_sent_again_with_the_next_update(stage, view, ledger, clock):
    stream(view, ledger, clock, 2.0)
    stream(view, ledger, clock, 2.0, text="")
    count = len(stage.partials)
    assert send_states([stage.states[0]["id"], "another"]) == ["another"]
    clock.now += 1.0
    view.update()
    assert len(stage.partials) == count + 1


def test_a_finished_answer_is_sent_again_while_it_is_in_memory(stage, clock):
    ledger = feed(new_ledger(), "one two three")
    view = HtmlView(ledger, clock=clock)
    view.open()
    end(view, ledger)
    name = stage.states[0]["id"]
    assert send_states([name]) == []
    data, state, _ = stage.partials[-1]
    assert state["state"] == "final"
    assert set(data) == STATIC_TYPES
    del view, ledger
    gc.collect()
    assert send_states([name]) == []
    assert len(stage.partials) == 1


def test_the_kernel_is_named_after_its_connection_file(monkeypatch):
    class Shell:
        class kernel:
            class parent:
                connection_file = "/run/user/1/jupyter/runtime/kernel-12ab-34.json"

    monkeypatch.setattr(outputs, "get_ipython", Shell)
    assert outputs._kernel_id() == "12ab-34"
    Shell.kernel.parent.connection_file = "other.json"
    assert outputs._kernel_id() is None
