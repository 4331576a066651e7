"""Runs a cell with the real display loop and view on a recorded body, and interrupts it as the kernel's signal does."""

from __future__ import annotations

import gc
import signal
import threading
import time
from contextlib import contextmanager, suppress
from typing import NamedTuple

from gemini_magic.backends import backend
from gemini_magic.client import Stream, play
from gemini_magic.config import Options
from gemini_magic.content import Request, Text, Turn
from gemini_magic.conversation import Conversation
from gemini_magic.errors import GeminiMagicError, Interrupted
from gemini_magic.ledger import Exchange, Ledger
from gemini_magic.notebook.display_loop import DisplayLoop, RunningCell
from gemini_magic.notebook.session import Run
from gemini_magic.response import Response
from gemini_magic.views.live import LiveView


class Interrupt(NamedTuple):
    """How soon an interrupt was obeyed.

    Attributes:
        stopped: CPU seconds from the signal until the stream was stopped; 0 if it had ended before.
        ended: CPU seconds from the signal until the cell had ended; 0 if it had ended before.
        response: the response.
    """

    stopped: float
    ended: float
    response: Response


def exchange_of(body: bytes, size: int) -> Exchange:
    """A recorded exchange whose body arrived in pieces of `size` bytes."""
    exchange = Exchange("POST", "https://a.b/c", {}, b"{}")
    exchange.set_head(200, reason="OK", http_version="HTTP/1.1", headers=[])
    exchange.mark_sent(0.0)
    for at in range(0, len(body), size):
        exchange.pieces.append((0.0, body[at : at + size]))
    exchange.finish("end", None)
    return exchange


@contextmanager
def _interrupt_after(seconds: float):
    """Raise KeyboardInterrupt on the main thread after this process has used some CPU time.

    The value is the CPU time of that moment. It counts all threads, so a busy machine changes nothing.
    """

    def handler(*_):
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGPROF, handler)
    with suppress(KeyboardInterrupt):  # it may arrive when the cell has just ended
        signal.setitimer(signal.ITIMER_PROF, seconds)
        try:
            yield time.process_time() + seconds
        finally:
            signal.setitimer(signal.ITIMER_PROF, 0)
    signal.signal(signal.SIGPROF, before)


@contextmanager
def _undisturbed_by_the_collector():
    """Remove the callbacks of the garbage collector, such as that of hypothesis.

    An interrupt that arrives during a collection is raised in them, and Python ignores their exceptions.
    """
    callbacks, gc.callbacks[:] = gc.callbacks[:], []
    gc.freeze()  # collecting the objects of earlier tests takes a while, in which no interrupt is obeyed
    try:
        yield
    finally:
        gc.unfreeze()
        gc.callbacks[:] = callbacks


def interrupt_cell(
    loop: DisplayLoop, monkeypatch, body: bytes, after: float, *, size: int = 1 << 16
) -> Interrupt:
    """Run a cell that shows a body as fast as it can be read, and interrupt it after some CPU seconds."""
    request = Request(model="m", turns=(Turn("user", (Text("hi"),)),))
    ledger, stopped = Ledger(request), []
    cancel = Stream.cancel

    def note_cancel(stream, cause="interrupt"):
        cancel(stream, cause)
        stopped.append(time.process_time())

    stream = play([exchange_of(body, size)], backend("gemini"), ledger, speed=0)
    response = Response(ledger, stream)
    run = Run(response, request, Options(quiet=True), Conversation(), 0, ("cell", 0))
    cell = RunningCell(run, stream, LiveView(ledger, stop=lambda: None), threading.Event())
    ended = due = time.process_time()
    with monkeypatch.context() as patch, _undisturbed_by_the_collector():
        patch.setattr(Stream, "cancel", note_cancel)
        with _interrupt_after(after) as due:
            with suppress(Interrupted, GeminiMagicError):
                loop.watch(cell)
            ended = time.process_time()
    stream.cancel()
    with stream._reading:  # the next measurement must not compete with this reader
        pass
    return Interrupt(max([0.0, *(t - due for t in stopped[:1])]), max(0.0, ended - due), response)
