"""A stream: one response in progress, which callers can wait for, iterate over and cancel.

It starts the reader on a thread and wakes waiters; it reads no bytes itself and displays nothing.
"""

from __future__ import annotations

import asyncio
import os
import threading
import time
import weakref
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import suppress
from functools import partial
from itertools import groupby
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Literal, Self, TypeVar

from .. import recording
from ..backends import Backend
from ..content import Request
from ..endings import Cause
from ..errors import ConnectionFailed, GeminiMagicError, OptionError
from ..events import Event
from ..ledger import Exchange, Ledger, RoundDriver
from ..options import Options
from .attempt import RoundClock, StreamJob
from .connection import Connection
from .encoded_request import EncodedRequest, encode_request
from .exchange_writer import LedgerGuard
from .log_filter import mask_in_logs
from .played_rounds import PlayedRounds, recorded_options, recorded_request
from .reader import StreamReader
from .reader_threads import READER_THREADS
from .secret import Key
from .switch_interval import stream_ended, stream_started
from .wake_ups import wake

if TYPE_CHECKING:
    from ..recording import Recorder, Replay
    from .started_interactions import StartedInteractions
    from .text_file import Mode, TextFile
    from .uploaded_files import UploadedFiles

__all__ = ["Stream", "open_stream", "play"]

T = TypeVar("T")

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

    With a driver, an answer that calls functions ends its round and not the stream. Threads and event loops that wait for
    the stream then run the driver, which calls the functions and :meth:`continue_with`.

    Args:
        job: what to do.
        ledger: receives what arrives.
        driver: continues the stream after a round that calls functions; None to end with the first round.
        encode: encodes the requests of later rounds; None without a driver.
    """

    def __init__(
        self,
        job: StreamJob,
        ledger: Ledger,
        driver: RoundDriver | None = None,
        encode: Callable[[Request], EncodedRequest] | None = None,
    ) -> None:
        self.ledger = ledger
        self._job = job
        self._driver = driver
        self._encode = encode
        self._text_file = job.text_file
        self._writing = threading.Lock()
        self._changes = threading.Condition()
        self._waiters: list[asyncio.Future[None]] = []
        self._done = threading.Event()
        self._read = threading.Event()  # whether no reader runs: the stream has ended, or a round has
        self._cancelled_by: Literal["interrupt", "stop"] | None = None
        _running.add(self)
        stream_started()
        self._start_reader()

    def _start_reader(self) -> None:
        options, clock = self._job.options, self._job.clock
        self._connection = Connection(
            connect=options.connect_timeout,
            first_byte=options.first_byte_timeout,
            stall=options.stall_timeout,
            total=options.timeout,
            opened=clock.opened,
            spent=clock.spent,
        )
        self._reading = threading.Lock()  # held until the reader has ended
        self._reading.acquire()
        guard = LedgerGuard(self._writing, self._connection, self._notify)
        reader = StreamReader(self._job, self.ledger, self._connection, guard, self._end_reading)
        self._reader: StreamReader | None = reader
        READER_THREADS.run(partial(_read, reader, self._reading))

    # -- the end

    @property
    def done(self) -> bool:
        """Whether the stream has ended."""
        return self._done.is_set()

    @property
    def between_rounds(self) -> bool:
        """Whether a round has ended whose calls have to be answered before the next one."""
        return self._reader is None and not self.done

    @property
    def blocks_next(self) -> bool:
        """Whether the next wait runs a function on the waiting thread, so that a view should be drawn before."""
        return self._driver is not None and self._driver.runs_here

    def now(self) -> float:
        """Seconds since the first request was sent, or since the stream was opened; in a replay, as recorded."""
        reader, clock = self._reader, self._job.clock
        if reader is not None:
            return reader.now()
        if self._job.replay is not None:
            return clock.last
        return time.perf_counter() - clock.origin if clock.origin else clock.last

    def _end_reading(
        self, cause: Cause, error: GeminiMagicError | None = None, limit: float | None = None
    ) -> bool:
        """The reader has ended: end the round if the answer calls functions, else the stream."""
        if self._driver is not None and error is None and self._end_round(cause):
            return True
        return self._end(cause, error, limit)

    def _end_round(self, cause: Cause) -> bool:
        """End the round without ending the stream. Returns whether the answer calls functions."""
        with self._writing:
            reader = self._reader
            if self._done.is_set() or self._cancelled_by is not None or reader is None:
                return False
            now = reader.now()
            if not self.ledger.end_round(cause, t=now):
                return False
            clock = RoundClock(
                self._job.clock.round, self._connection.opened, reader.origin, now, self._connection.spent
            )
            self._job = self._job._replace(clock=clock)
            self._connection.cancel()  # from now on the guard refuses the reader
            self._reader = None
            self._read.set()
        self._notify()
        return True

    def continue_with(self, request: Request) -> None:
        """Start the next round, unless the stream has ended.

        Args:
            request: its request.

        Raises:
            UsageProblem: the request is not valid.
        """
        if self._encode is not None:
            self.continue_encoded(self._encode(request))

    def continue_encoded(self, encoded: EncodedRequest, options: Options | None = None) -> None:
        """Start the next round with a request that is encoded already, and with other options if they are given."""
        with self._writing:
            if self._done.is_set() or self._reader is not None:
                return
            job = self._job
            runs = [run for run in self.ledger.tool_runs if run.started is not None]
            last = max([job.clock.last, *((run.started or 0.0) + (run.seconds or 0.0) for run in runs)])
            clock = job.clock._replace(round=job.clock.round + 1, last=last)
            self._job = job._replace(
                http=encoded.http,
                whole=encoded.whole,
                plan=encoded.plan,
                asked=encoded.asked,
                clock=clock,
                options=options or job.options,
            )
            self.ledger.set_phase("preparing")
            self._read.clear()
            self._start_reader()
        self._notify()

    def change(self, write: Callable[[Ledger], T]) -> T | None:
        """Let the driver write into the ledger between two rounds, and wake the waiters.

        Args:
            write: is called with the ledger, unless the stream has ended.

        Returns:
            What ``write`` returns; None if the stream has ended.
        """
        with self._writing:
            if self._done.is_set():
                return None
            result = write(self.ledger)
        self._notify()
        return result

    def end(self, cause: Literal["end", "rounds", "failed"], error: GeminiMagicError | None = None) -> None:
        """End the stream between two rounds; only the driver calls it.

        Args:
            cause: ``end``: the calls are not run here; ``rounds``: there were too many rounds; ``failed``: the next round
                cannot start.
            error: the error that describes it.
        """
        self._end(cause, error)

    def _end(self, cause: Cause, error: GeminiMagicError | None = None, limit: float | None = None) -> bool:
        """Close the ledger. Only the first call has an effect. Returns whether this was the first."""
        with self._writing:
            if self._done.is_set():
                return False
            if self._cancelled_by is not None:  # the reader was faster than the thread that cancels
                cause, error, limit = self._cancelled_by, None, None
            self._connection.cancel()  # from now on the guard refuses the reader
            now, was_reading = self.now(), self._reader is not None
            if self._driver is not None:
                self._driver.stop(self.ledger, now)
            self.ledger.close(cause, t=now, error=error, limit=limit)
            self._finish_text_file()
            if self._job.stored is not None:
                self._job.stored.ended()
            self._reader = None  # it refers to this stream: a reference cycle would keep the answer in memory
            self._done.set()
            self._read.set()
        for recorder in () if was_reading else self._job.recorders:
            recorder.finish()
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

        The socket is shut down. A reader that is still connecting is left behind, and its late result is dropped. An answer
        that the server would go on with is stopped there, too; see :meth:`wait_stopped`.

        Args:
            cause: who stopped it, an interrupt of the kernel or the Stop button.
        """
        if self._done.is_set():
            return
        # Before the ledger is closed, so that a reader that is adding chunks stops after the current batch.
        self._cancelled_by = self._cancelled_by or cause
        self._connection.shutdown()
        if self._end(cause) and self._job.stored is not None:
            self._job.stored.stop(self._amend)
        # Usually the reader ends within a millisecond, and its recording with it.
        if self._reading.acquire(timeout=_CANCEL_WAIT):
            self._reading.release()

    def _amend(self, write: Callable[[], None]) -> None:
        """Change the closed ledger, and wake the waiters."""
        with self._writing:
            write()
        self._notify()

    def wait_stopped(self, timeout: float) -> bool:
        """Wait until the server has confirmed that it stops a cancelled answer, at most ``timeout`` seconds.

        Returns:
            Whether no confirmation is missing.
        """
        return self._job.stored is None or self._job.stored.wait_stopped(timeout)

    def _close_in_child(self) -> None:
        """Close the stream in a forked child: its reader runs in the parent only."""
        self._writing = threading.Lock()
        self._changes = threading.Condition()
        self._waiters = []
        self._job = self._job._replace(stored=None)
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

    # -- waiting, which runs the driver between two rounds

    def _notify(self) -> None:
        with self._changes:
            waiters, self._waiters = self._waiters, []
            self._changes.notify_all()
        for waiter in waiters:
            wake(waiter)

    def wait(self, timeout: float | None = None) -> bool:
        """Wait for the end, at most ``timeout`` seconds. Returns whether the stream has ended.

        A function that runs on this thread meanwhile is not cut short.
        """
        if self._driver is None:
            return self._done.wait(timeout)
        deadline = None if timeout is None else time.monotonic() + timeout
        while not self._done.is_set():
            left = None if deadline is None else max(0.0, deadline - time.monotonic())
            if left == 0 or not self._read.wait(left):
                break
            self.wait_change(self.ledger.version, left)
        return self._done.is_set()

    def step(self) -> bool:
        """Let the driver do the next thing on this thread, if there is one. Returns whether it did something; does not wait."""
        return self._driver is not None and not self.done and self._driver.step(self) == 0

    async def step_awaited(self) -> bool:
        """The same on a running event loop."""
        return self._driver is not None and not self.done and await self._driver.step_awaited(self) == 0

    def wait_while_reading(self, timeout: float) -> None:
        """Wait at most ``timeout`` seconds, or until a round or the stream has ended. Runs no function."""
        self._read.wait(timeout)

    def wait_change(self, version: int, timeout: float | None = None) -> int:
        """Wait until the ledger has another version than this one, at most ``timeout`` seconds. Returns the version."""
        deadline = None if timeout is None else time.monotonic() + timeout
        while self.ledger.version == version and not self._done.is_set():
            pause = None if self._driver is None else self._driver.step(self)
            if pause == 0:
                continue
            left = None if deadline is None else deadline - time.monotonic()
            if left is not None and left <= 0:
                break
            waits: list[float] = [each for each in (left, pause) if each is not None]
            with self._changes:
                if self.ledger.version == version and not self._done.is_set():
                    self._changes.wait(min(waits) if waits else None)
        return self.ledger.version

    async def changed(self, version: int, timeout: float | None = None) -> int:  # noqa: ASYNC109 - a tick, not a deadline
        """The same on an event loop, without blocking it unless a function runs on its thread."""
        if self._driver is not None and self.ledger.version == version and not self._done.is_set():
            pause = await self._driver.step_awaited(self)
            if pause == 0:
                return self.ledger.version
            if pause is not None:
                timeout = pause if timeout is None else min(timeout, pause)
        return await self._changed(version, timeout)

    async def _changed(self, version: int, timeout: float | None) -> int:  # noqa: ASYNC109 - a tick, not a deadline
        """Wait on an event loop until the ledger has another version, at most ``timeout`` seconds."""
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


def _read(reader: StreamReader, reading: threading.Lock) -> None:
    """Run a reader; on one of the threads for readers."""
    try:
        reader.run()
    finally:
        mask_in_logs(None)  # the next stream on this thread may have another key
        reading.release()


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
    uploaded: Callable[[], UploadedFiles] | None = None,
    started: Callable[[], StartedInteractions] | None = None,
    driver: RoundDriver | None = None,
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
        uploaded: reads the list of the files that were uploaded before, which may be used again.
        started: returns the list of the interactions that were started here; None to remember nothing.
        driver: calls the functions of the answer; None to end with the first answer.

    Raises:
        PromptError: a file that is sent cannot be read.
        OptionError: the request is not valid, or a file cannot be written. A later failure, such as a recording
            without an answer to the request, ends the stream; the ledger then holds the error.
    """
    offline = replay is not None
    http, whole, plan, asked = encode_request(request, options, backend, offline=offline)
    text_file = _text_file(options, ledger, before)
    job = StreamJob(
        http,
        backend,
        options,
        key,
        recorders,
        replay,
        whole,
        text_file,
        plan=plan,
        uploaded=uploaded,
        asked=asked,
    )
    if backend.interactions is not None and not offline:
        from .stored_answer import StoredAt, stored_answer  # noqa: PLC0415 - see the table of late imports

        at = StoredAt(backend, options, key)
        job = job._replace(stored=stored_answer(asked or http.body, at, ledger, started))
    encode = partial(encode_request, options=options, backend=backend, offline=offline)
    return Stream(job, ledger, driver, None if driver is None else encode)


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
        exchanges: the attempts of one request and of the rounds after it, in order; at least one.
        backend: the dialect of the bodies.
        ledger: an empty ledger.
        speed: how many times as fast; 0 means without waiting.

    Raises:
        RecordingError: the speed is negative or infinite.
    """
    rounds = [list(attempts) for _, attempts in groupby(exchanges, key=lambda each: each.round)]
    first = rounds[0][0]
    replay = recording.ReplayOnce(exchanges, speed)
    job = StreamJob(
        recorded_request(first), backend, recorded_options(rounds[0]), replay=replay, files=first.files
    )
    return Stream(job, ledger, PlayedRounds(rounds) if len(rounds) > 1 else None)
