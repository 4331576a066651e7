"""A stream: one reply on its way, that whoever waits can watch, iterate over and cancel.

It starts the reader's thread and wakes waiters; it reads no bytes itself and draws nothing.
"""

from __future__ import annotations

import asyncio
import os
import threading
import time
import weakref
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Literal, NamedTuple, Self

from ..backends import Backend, HttpRequest
from ..content import Request
from ..endings import Cause
from ..errors import ConnectionFailed, GeminiMagicError
from ..events import Event
from ..ledger import Exchange, Ledger
from ..options import Options
from ..recording import Recorder, Replay, ReplayOnce
from .attempt import StreamJob
from .connection import Connection
from .endpoint import endpoint_of
from .exchange_writer import LedgerGuard
from .reader import StreamReader
from .secret import Key
from .switch_interval import begin_live, end_live
from .text_file import Transcript

__all__ = ["Stream", "open_stream", "play"]

_FAREWELL = 0.03  # seconds that cancelling waits for the reader
_running: weakref.WeakSet[Stream] = weakref.WeakSet()


def _after_fork() -> None:
    for stream in list(_running):
        stream._orphaned()  # noqa: SLF001 - its own module


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


class _Waiter(NamedTuple):
    """A coroutine that waits for a change."""

    loop: asyncio.AbstractEventLoop
    woken: asyncio.Event


class Stream:
    """One reply on its way; it is sent at once.

    Waiters wake on their own thread or loop; at most one wake-up is pending for each. A bad ending is not raised
    here: it stands in ``ledger.status``.
    """

    def __init__(self, job: StreamJob, ledger: Ledger) -> None:
        self.ledger = ledger
        self._transcript = job.transcript
        self._connection = Connection(
            connect=job.options.connect_timeout,
            first_byte=job.options.first_byte_timeout,
            stall=job.options.stall_timeout,
            total=job.options.timeout,
        )
        self._writing = threading.Lock()
        self._changes = threading.Condition()
        self._waiters: list[_Waiter] = []
        self._over = threading.Event()
        pen = LedgerGuard(self._writing, self._connection, self._notify)
        self._reader = StreamReader(job, ledger, self._connection, pen, self._end)
        self._thread = threading.Thread(target=self._reader.run, name="gemini-reader", daemon=True)
        _running.add(self)
        begin_live()
        self._thread.start()

    # -- the end

    @property
    def done(self) -> bool:
        """Whether it is over."""
        return self._over.is_set()

    def _end(self, cause: Cause, error: GeminiMagicError | None = None) -> bool:
        """Close the ledger, once: whoever comes second changes nothing. Returns whether this was the first."""
        with self._writing:
            if self._over.is_set():
                return False
            self._connection.cancel()  # from here on the reader's pen writes no more
            self.ledger.close(cause, t=self._reader.now(), error=error)
            self._finish_transcript()
            self._over.set()
        _running.discard(self)
        end_live()
        self._notify()
        return True

    def _finish_transcript(self) -> None:
        if self._transcript is None:
            return
        before = self._transcript.problem
        said = self._transcript.finish()
        if said is not None:
            self.ledger.note(said.kind, said.message)
        if self._transcript.problem != before:
            self.ledger.note("not-written", f"{self._transcript.problem}.", severity="warning")

    def cancel(self, cause: Literal["interrupt", "stop"] = "interrupt") -> None:
        """Stop it, from any thread; returns at once with the ledger closed. A second call changes nothing.

        The connection is shut down; a thread that is still connecting is left behind, its late result dropped.
        """
        if not self._end(cause):
            return
        self._connection.shutdown()
        if self._thread is not threading.current_thread():
            self._thread.join(_FAREWELL)  # it usually ends within a millisecond, its recording with it

    def _orphaned(self) -> None:
        """This is a forked child: the reader lives in the parent only."""
        self._writing = threading.Lock()
        self._changes = threading.Condition()
        self._waiters = []
        if self._transcript is not None:
            self._transcript.forget()
        words = "The stream belongs to the process that began it."
        self._end("cut", ConnectionFailed(words, remedy="Ask again in this process."))

    def close(self) -> None:
        """Stop it if it still runs."""
        self.cancel("stop")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    # -- waiting

    def _notify(self) -> None:
        with self._changes:
            waiters, self._waiters = self._waiters, []
            self._changes.notify_all()
        for waiter in waiters:
            with suppress(RuntimeError):  # its loop is closed
                waiter.loop.call_soon_threadsafe(waiter.woken.set)

    def wait(self, timeout: float | None = None) -> bool:
        """Wait for the end, at most ``timeout`` seconds; whether it is over."""
        return self._over.wait(timeout)

    def wait_change(self, version: int, timeout: float | None = None) -> int:
        """Wait until the ledger's version is another one, at most ``timeout`` seconds; returns the version."""
        deadline = None if timeout is None else time.monotonic() + timeout
        with self._changes:
            while self.ledger.version == version and not self._over.is_set():
                left = None if deadline is None else deadline - time.monotonic()
                if (left is not None and left <= 0) or not self._changes.wait(left):
                    break
        return self.ledger.version

    async def changed(self, version: int, timeout: float | None = None) -> int:  # noqa: ASYNC109 - a tick, not a deadline
        """The same on an event loop, which goes on meanwhile."""
        waiter = _Waiter(asyncio.get_running_loop(), asyncio.Event())
        with self._changes:
            self._waiters.append(waiter)
        try:
            if self.ledger.version == version and not self._over.is_set():
                # Not wait_for: before Python 3.12 it drops a cancellation that comes in the moment of waking, and a
                # kernel's interrupt is noticed by the loop exactly when something else wakes it.
                with suppress(TimeoutError):
                    async with asyncio.timeout(timeout):
                        await waiter.woken.wait()
        finally:
            with self._changes, suppress(ValueError):
                self._waiters.remove(waiter)
        return self.ledger.version

    # -- iterating

    def __iter__(self) -> Iterator[Event]:
        """The events from the first one on, until the end."""
        events, cursor = self.ledger.events, 0
        while True:
            version, over = self.ledger.version, self.done
            while cursor < len(events):
                yield events[cursor]
                cursor += 1
            if over:
                return
            self.wait_change(version)

    async def __aiter__(self) -> AsyncIterator[Event]:
        """The same on an event loop."""
        events, cursor = self.ledger.events, 0
        while True:
            version, over = self.ledger.version, self.done
            while cursor < len(events):
                yield events[cursor]
                cursor += 1
            if over:
                return
            await asyncio.sleep(0)  # a stream that is always ahead must not keep the loop to itself
            await self.changed(version)


def open_stream(
    request: Request,
    options: Options,
    *,
    ledger: Ledger,
    backend: Backend,
    key: Key | None = None,
    recorders: Sequence[Recorder] = (),
    replay: Replay | None = None,
    before: str = "",
) -> Stream:
    """Send a request.

    Args:
        request: what is asked.
        options: limits, retries, address.
        ledger: where the answer is written down.
        backend: the dialect.
        key: the key for the address, None to send none.
        recorders: files that get a copy of what goes over the wire.
        replay: a recording that answers in place of the network.
        before: text that came earlier of the same answer; the file of ``--to`` begins with it.

    Raises:
        OptionError: the request cannot be sent as it is, or a file cannot be written. Anything later, such as a
            recording that holds no answer to it, is an ending of the stream and stands in the ledger.
    """
    endpoint = endpoint_of(options)
    http, whole = backend.encode(request, endpoint), None
    if options.fallback and not options.no_stream:
        whole = backend.encode(request, endpoint._replace(form="whole"))
    transcript = None
    if options.to:
        transcript = Transcript(Path(options.to).expanduser(), ledger, before=before)
    job = StreamJob(http, backend, options, key, recorders, replay, whole, transcript)
    return Stream(job, ledger)


def play(exchanges: Sequence[Exchange], backend: Backend, ledger: Ledger, *, speed: float = 1.0) -> Stream:
    """The same stream once more, at ``speed`` times its pace; nothing is sent.

    Args:
        exchanges: the run, with its tries in order; at least one.
        backend: the dialect of the bodies.
        ledger: an empty ledger.
        speed: 0 means without waiting.

    Raises:
        RecordingError: the speed is none.
    """
    first = exchanges[0]
    http = HttpRequest(first.method, first.url, first.headers, first.body)
    options = Options(retries=len(exchanges) - 1)
    return Stream(StreamJob(http, backend, options, replay=ReplayOnce(exchanges, speed)), ledger)
