"""A stream: one response in progress, which callers can wait for, iterate over and cancel.

It starts the reader on a thread and wakes waiters; it reads no bytes itself and displays nothing.
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
from typing import TYPE_CHECKING, Literal, Self

from .. import recording
from ..backends import Backend, HttpRequest
from ..content import Request
from ..endings import Cause
from ..errors import ConnectionFailed, GeminiMagicError, OptionError
from ..events import Event
from ..ledger import Exchange, Ledger
from ..media import references_in
from ..options import Options
from .attempt import StreamJob
from .connection import Connection
from .endpoint import endpoint_of
from .exchange_writer import LedgerGuard
from .log_filter import mask_in_logs
from .media_plan import plan_media
from .reader import StreamReader
from .reader_threads import READER_THREADS
from .secret import Key
from .switch_interval import stream_ended, stream_started
from .uploaded_files import UploadedFiles
from .wake_ups import wake

if TYPE_CHECKING:
    from ..recording import Recorder, Replay
    from .text_file import Mode, TextFile

__all__ = ["Stream", "open_stream", "play"]

_CANCEL_WAIT = 0.03  # seconds that cancelling waits for the reader
_running: weakref.WeakSet[Stream] = weakref.WeakSet()


def _after_fork() -> None:
    for stream in list(_running):
        stream._close_in_child()  # noqa: SLF001 - this module


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


class Stream:
    """One response in progress; the request is sent at once.

    Waiters wake on their own thread or event loop; at most one wake-up is pending for each. The stream does not raise
    an error that ends it: ``ledger.status`` and ``ledger.error`` hold it.

    Args:
        job: what to do.
        ledger: receives what arrives.
    """

    def __init__(self, job: StreamJob, ledger: Ledger) -> None:
        self.ledger = ledger
        self._text_file = job.text_file
        self._connection = Connection(
            connect=job.options.connect_timeout,
            first_byte=job.options.first_byte_timeout,
            stall=job.options.stall_timeout,
            total=job.options.timeout,
        )
        self._writing = threading.Lock()
        self._changes = threading.Condition()
        self._waiters: list[asyncio.Future[None]] = []
        self._done = threading.Event()
        self._reading = threading.Lock()  # held until the reader has ended
        self._reading.acquire()
        self._cancelled_by: Literal["interrupt", "stop"] | None = None
        guard = LedgerGuard(self._writing, self._connection, self._notify)
        self._reader: StreamReader | None = StreamReader(job, ledger, self._connection, guard, self._end)
        _running.add(self)
        stream_started()
        READER_THREADS.run(self._read)

    def _read(self) -> None:
        """Run the reader; on one of the threads for readers."""
        reader = self._reader
        try:
            if reader is not None:
                reader.run()
        finally:
            mask_in_logs(None)  # the next stream on this thread may have another key
            self._reading.release()

    # -- the end

    @property
    def done(self) -> bool:
        """Whether the stream has ended."""
        return self._done.is_set()

    def _end(self, cause: Cause, error: GeminiMagicError | None = None, limit: float | None = None) -> bool:
        """Close the ledger. Only the first call has an effect. Returns whether this was the first."""
        with self._writing:
            if self._done.is_set():
                return False
            if self._cancelled_by is not None:  # the reader was faster than the thread that cancels
                cause, error, limit = self._cancelled_by, None, None
            self._connection.cancel()  # from now on the guard refuses the reader
            now = 0.0 if self._reader is None else self._reader.now()
            self.ledger.close(cause, t=now, error=error, limit=limit)
            self._finish_text_file()
            self._reader = None  # it refers to this stream: a reference cycle would keep the answer in memory
            self._done.set()
        _running.discard(self)
        stream_ended()
        self._notify()
        return True

    def _finish_text_file(self) -> None:
        if self._text_file is None:
            return
        before = self._text_file.problem
        note = self._text_file.finish()
        if note is not None:
            self.ledger.note(note.kind, note.message)
        if self._text_file.problem != before:
            self.ledger.note("not-written", f"{self._text_file.problem}.", severity="warning")

    def cancel(self, cause: Literal["interrupt", "stop"] = "interrupt") -> None:
        """Stop the stream, from any thread; returns at once with the ledger closed. A second call has no effect.

        The socket is shut down. A reader that is still connecting is left behind, and its late result is dropped.

        Args:
            cause: who stopped it, an interrupt of the kernel or the Stop button.
        """
        if self._done.is_set():
            return
        # Before the ledger is closed, so that a reader that is adding chunks stops after the current batch.
        self._cancelled_by = self._cancelled_by or cause
        self._connection.shutdown()
        self._end(cause)
        # Usually the reader ends within a millisecond, and its recording with it.
        if self._reading.acquire(timeout=_CANCEL_WAIT):
            self._reading.release()

    def _close_in_child(self) -> None:
        """Close the stream in a forked child: its reader runs in the parent only."""
        self._writing = threading.Lock()
        self._changes = threading.Condition()
        self._waiters = []
        if self._text_file is not None:
            self._text_file.close_in_child()
        message = "The stream belongs to the process that started it."
        self._end("cut", ConnectionFailed(message, remedy="Send the request again in this process."))

    def close(self) -> None:
        """Stop the stream if it is still running."""
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
            wake(waiter)

    def wait(self, timeout: float | None = None) -> bool:
        """Wait for the end, at most ``timeout`` seconds. Returns whether the stream has ended."""
        return self._done.wait(timeout)

    def wait_change(self, version: int, timeout: float | None = None) -> int:
        """Wait until the ledger has another version than this one, at most ``timeout`` seconds. Returns the version."""
        deadline = None if timeout is None else time.monotonic() + timeout
        with self._changes:
            while self.ledger.version == version and not self._done.is_set():
                left = None if deadline is None else deadline - time.monotonic()
                if (left is not None and left <= 0) or not self._changes.wait(left):
                    break
        return self.ledger.version

    async def changed(self, version: int, timeout: float | None = None) -> int:  # noqa: ASYNC109 - a tick, not a deadline
        """The same on an event loop, without blocking it."""
        woken = asyncio.get_running_loop().create_future()
        with self._changes:
            self._waiters.append(woken)
        try:
            if self.ledger.version == version and not self._done.is_set():
                if timeout is None:
                    await woken
                else:
                    # Not wait_for: before Python 3.12 it loses a cancellation that arrives in the moment of waking, and
                    # the loop notices a kernel's interrupt exactly when something else wakes it.
                    with suppress(TimeoutError):
                        async with asyncio.timeout(timeout):
                            await woken
        finally:
            if not woken.done() or woken.cancelled():
                with self._changes, suppress(ValueError):
                    self._waiters.remove(woken)
        return self.ledger.version

    # -- iterating

    def __iter__(self) -> Iterator[Event]:
        """Iterate over the events, from the first one to the end of the stream."""
        events, cursor = self.ledger.events, 0
        while True:
            version, done = self.ledger.version, self.done
            while cursor < len(events):
                yield events[cursor]
                cursor += 1
            if done:
                return
            self.wait_change(version)

    async def __aiter__(self) -> AsyncIterator[Event]:
        """The same on an event loop."""
        events, cursor = self.ledger.events, 0
        while True:
            version, done = self.ledger.version, self.done
            while cursor < len(events):
                yield events[cursor]
                cursor += 1
            if done:
                return
            if self.ledger.version == version:
                await self.changed(version)
            else:
                await asyncio.sleep(0)  # a stream that is always ahead must not block the loop


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
    uploaded: UploadedFiles | None = None,
) -> Stream:
    """Send a request and read the response in the background.

    Args:
        request: the request.
        options: limits, retries, address.
        ledger: receives the response.
        backend: the dialect.
        key: the key for the address, None to send no key.
        recorders: the files that record the exchanges.
        replay: a recording that answers in place of the network.
        before: the earlier part of the same answer; the file of ``--to`` begins with it.
        uploaded: the files that were uploaded before, which may be used again.

    Raises:
        PromptError: a file that is sent cannot be read.
        OptionError: the request is not valid, or a file cannot be written. A later failure, such as a recording
            without an answer to the request, ends the stream; the ledger then holds the error.
    """
    endpoint = endpoint_of(options)
    plan = plan_media(request, backend, options, offline=replay is not None)
    http, whole = backend.encode(plan.request, endpoint), None
    if options.fallback and not options.no_stream:
        whole = backend.encode(plan.request, endpoint._replace(form="whole"))
    text_file = _text_file(options, ledger, before)
    job = StreamJob(
        http, backend, options, key, recorders, replay, whole, text_file, plan=plan, uploaded=uploaded
    )
    return Stream(job, ledger)


def _text_file(options: Options, ledger: Ledger, before: str) -> TextFile | None:
    """The file of ``--to``, or None.

    Raises:
        OptionError: the file cannot be written or must not be replaced, or the options contradict each other.
    """
    if options.overwrite and options.append:
        raise OptionError("--overwrite and --append exclude each other.", remedy="Use only one of them.")
    if not options.to:
        if options.overwrite or options.append:
            raise OptionError(
                f"{'--overwrite' if options.overwrite else '--append'} has no effect without --to.",
                remedy="Name the file with --to FILE.",
            )
        return None
    from .text_file import TextFile, accepts_footer  # noqa: PLC0415 - see the table of late imports

    path = Path(options.to).expanduser()
    mode: Mode = "overwrite" if options.overwrite else "append" if options.append else "new"
    return TextFile(path, ledger, before=before, mode=mode, footer=accepts_footer(path, options.format))


def play(exchanges: Sequence[Exchange], backend: Backend, ledger: Ledger, *, speed: float = 1.0) -> Stream:
    """Play recorded exchanges as a stream, at ``speed`` times their pace; nothing is sent.

    Args:
        exchanges: the attempts of one request, in order; at least one.
        backend: the dialect of the bodies.
        ledger: an empty ledger.
        speed: how many times as fast; 0 means without waiting.

    Raises:
        RecordingError: the speed is negative or infinite.
    """
    first = exchanges[0]
    media = references_in(first.body, first.media)
    http = HttpRequest(first.method, first.url, first.headers, first.body, media)
    options = Options(retries=len(exchanges) - 1)
    replay = recording.ReplayOnce(exchanges, speed)
    return Stream(StreamJob(http, backend, options, replay=replay, files=first.files), ledger)
