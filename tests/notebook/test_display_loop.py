"""The display loop with a view and a stream that tests control."""

from __future__ import annotations

import signal
import threading

import pytest

from gemini_magic.api import begin
from gemini_magic.config import Options
from gemini_magic.content import Text
from gemini_magic.conversation import Conversation
from gemini_magic.errors import Interrupted
from gemini_magic.notebook.display_loop import DisplayLoop, RunningCell
from gemini_magic.notebook.session import Run, Session
from gemini_magic.prompts import build_request
from gemini_magic.views import NullView


@pytest.fixture
def loop(shell):
    return DisplayLoop(shell, Session())


def running(view, prompt="one"):
    options = Options(backend="echo", quiet=True)
    request = build_request((Text(prompt),), options, ())
    response, stream = begin(request, options)
    run = Run(response, request, options, Conversation(), 0, ("cell", 0))
    return RunningCell(run, stream, view, threading.Event())


def test_an_interrupt_at_the_moment_of_the_end_still_stops_the_cells_that_follow(loop):
    class View(NullView):
        def open(self):
            cell.run.response.wait(60)
            raise KeyboardInterrupt

    cell = running(View())
    with pytest.raises(Interrupted) as caught:
        loop.watch(cell)
    assert caught.value.message == "Interrupted just after the answer had ended."
    assert caught.value.response.status == "complete"


def test_an_interrupt_of_the_last_rendering_shows_what_is_rendered_even_if_another_one_follows(loop):
    closed = []

    class View(NullView):
        def open(self):
            cell.run.response.wait(60)

        def close(self, *, error_follows=False, interrupted=False):
            signal.raise_signal(signal.SIGINT)
            closed.append((error_follows, interrupted))

    cell = running(View())
    with pytest.raises(Interrupted) as caught:
        loop.watch(cell)
    assert closed == [(False, True)]
    assert caught.value.response.status == "complete"
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_an_error_in_a_view_stops_the_stream(loop):
    class View(NullView):
        def open(self):
            raise ZeroDivisionError

    cell = running(View(), "@wait 30\none")
    with pytest.raises(ZeroDivisionError):
        loop.watch(cell)
    assert cell.run.response.wait(60).status == "interrupted"


def test_the_answer_of_a_finished_run_is_a_turn_of_its_conversation(loop):
    cell = running(NullView())
    assert loop.watch(cell).text == "one"
    assert [turn.text for turn in cell.run.conversation.turns] == ["one", "one"]
