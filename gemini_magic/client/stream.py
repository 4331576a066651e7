"""A stream: one reply on its way, that whoever waits can watch, iterate over and cancel.

It starts the reader's thread and wakes waiters; it reads no bytes itself and draws nothing.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import suppress
from types import TracebackType
from typing import Literal, NamedTuple, Self

from ..backends import Backend
from ..content import Request
from ..endings import Cause
from ..errors import GeminiMagicError
from ..events import Event
from ..ledger import Ledger
from ..settings import Options
from .credentials import Key
from .reader import Job, Reading
from .recording import Recorder
from .replay import Replay
from .transport import Line

__all__ = ["Stream", "open_stream"]


class _Waiter(NamedTuple):
    """A coroutine that waits for a change."""

    loop: asyncio.AbstractEventLoop
    woken: asyncio.Event


class Stream:
    """One reply on its way; it is sent at once.

    Waiters wake on their own thread or loop; at most one wake-up is pending for each. A bad ending is not raised
    here: it stands in ``ledger.status``.
    """

    def __init__(self, job: Job, ledger: Ledger) -> None:
        self.ledger = ledger
        self._line = Line(
            connect=job.options.connect_timeout,
            first_byte=job.options.first_byte_timeout,
            stall=job.options.stall_timeout,
            total=job.options.timeout,
        )
        self._writing = threading.Lock()
        self._changes = threading.Condition()
        self._waiters: list[_Waiter] = []
        self._over = threading.Event()
        reading = Reading(
            job, ledger, self._line, lock=self._writing, changed=self._notify, close=self._close
        )
        threading.Thread(target=reading.run, name="gemini-reader", daemon=True).start()

    # -- the end

    @property
    def done(self) -> bool:
        """Whether it is over."""
        return self._over.is_set()

    def _elapsed(self) -> float:
        """Seconds since the request was sent; a replay has no clock but its recorded times."""
        return self._line.elapsed() or (self.ledger.raw[-1].t if self.ledger.raw else 0.0)

    def _close(self, cause: Cause, error: GeminiMagicError | None) -> None:
        with self._writing:
            if not self._over.is_set():
                self.ledger.close(cause, t=self._elapsed(), error=error)
                self._over.set()
        self._notify()

    def cancel(self, cause: Literal["interrupt", "stop"] = "interrupt") -> None:
        """Stop it, from any thread; returns at once with the ledger closed. A second call changes nothing.

        The connection is shut down; a thread that is still connecting is left behind, its late result dropped.
        """
        with self._writing:
            if self._over.is_set():
                return
            self.ledger.close(cause, t=self._elapsed())
            if self.ledger.exchanges:
                self.ledger.exchanges[-1].end = "cancelled"
            self._line.cancelled.set()
            self._over.set()
        self._line.cut()
        self._notify()

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
                with suppress(TimeoutError):
                    await asyncio.wait_for(waiter.woken.wait(), timeout)
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

    Raises:
        OptionError: the request cannot be sent as it is.
        RecordingError: the recording holds no answer to it.
    """
    http = backend.encode(request, options.base_url or backend.base_url, options.api_version)
    return Stream(Job(http, backend, options, key, recorders, replay), ledger)
