"""The thread that writes a store: what workers hand over while one commit runs is written by the next one.

A worker hands over the answers it has and the grants it is about to send, and waits until both are on the disk. No timer
gathers them: the commit before takes as long as the disk does, and everything else waits meanwhile.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from queue import Empty, SimpleQueue
from typing import Any, TypeVar

from ..errors import StoreError
from .store_attempts import write_done, write_sent, write_unsent
from .store_errors import store_error
from .store_file import WritableFile, transaction
from .store_sqlite import sqlite3
from .values import Attempted, Grant

__all__ = ["GroupWriter"]

T = TypeVar("T")

_GROUP = 500  # hand-overs in one commit
_RETRY = 0.5  # seconds until answers that could not be written are tried again


class _HandOver:
    """What one caller hands over, and its ticket: a lock that the writer releases."""

    __slots__ = ("call", "done", "doubt", "error", "outside", "result", "sent", "ticket", "unsent")

    def __init__(
        self,
        *,
        done: Sequence[Attempted] = (),
        sent: Sequence[Grant] = (),
        unsent: Sequence[Grant] = (),
        doubt: Sequence[Grant] = (),
        call: Callable[[sqlite3.Connection], Any] | None = None,
        outside: bool = False,
        waits: bool = True,
    ) -> None:
        self.done, self.sent, self.unsent, self.doubt, self.call = done, sent, unsent, doubt, call
        self.outside = outside
        self.result: Any = None
        self.error: StoreError | None = None
        self.ticket = threading.Lock()
        if waits:
            self.ticket.acquire()

    def finish(self, error: StoreError | None = None) -> None:
        """Let the caller go on."""
        self.error = error
        if self.ticket.locked():
            self.ticket.release()


class GroupWriter:
    """Writes to a store on a separate thread, to which the connection belongs from now on.

    Args:
        file: the file.
        report: receives a sentence about a problem, on the writer's thread.

    Attributes:
        commits: how many transactions were committed.
        after_commit: called after each of them, on the writer's thread; None for nothing.
    """

    def __init__(self, file: WritableFile, report: Callable[[str], None]) -> None:
        self.commits = 0
        self.after_commit: Callable[[], None] | None = None
        self._file = file
        self._report = report
        self._queue: SimpleQueue[_HandOver | None] = SimpleQueue()
        self._gate = threading.Lock()  # between the last hand-over and the end
        self._ended = False
        self._held: list[Attempted] = []  # answers that could not be written yet
        self._failing = False
        self._thread = threading.Thread(target=self._run, name="gemini-rows-store", daemon=True)
        self._thread.start()

    # -- for other threads

    @property
    def held(self) -> int:
        """How many answers could not be written yet; they are in memory only."""
        return len(self._held)

    def hand_over(self, done: Sequence[Attempted]) -> None:
        """Write answers soon; returns at once.

        Raises:
            StoreError: the store was closed.
        """
        self._put(_HandOver(done=done, waits=False))

    def commit(
        self,
        *,
        done: Sequence[Attempted] = (),
        sent: Sequence[Grant] = (),
        unsent: Sequence[Grant] = (),
        doubt: Sequence[Grant] = (),
    ) -> None:
        """Write and wait until it is on the disk.

        Raises:
            StoreError: it could not be written. Answers are kept in memory and tried again.
        """
        self._wait(_HandOver(done=done, sent=sent, unsent=unsent, doubt=doubt))

    def call(self, function: Callable[[sqlite3.Connection], T]) -> T:
        """Run a function on the writer's thread, in a transaction; returns its result.

        Raises:
            StoreError: it could not be committed.
        """
        job = _HandOver(call=function)
        self._wait(job)
        result: T = job.result
        return result

    def call_outside(self, function: Callable[[sqlite3.Connection], T]) -> T:
        """Run a function on the writer's thread, after what was handed over and outside a transaction.

        Raises:
            StoreError: it failed.
        """
        job = _HandOver(call=function, outside=True)
        self._wait(job)
        result: T = job.result
        return result

    def end(self, last: Callable[[sqlite3.Connection], None], patience: float) -> int:
        """Write what was handed over, close the connection and end the thread.

        Args:
            last: called on the writer's thread, outside a transaction, before the connection is closed.
            patience: for how many seconds answers are tried again that cannot be written.

        Returns:
            How many answers could not be written and are lost.
        """
        with self._gate:
            first, self._ended = not self._ended, True
            if first:
                self._last, self._patience = last, patience
                self._queue.put(None)
        self._thread.join()
        return len(self._held)

    def _put(self, job: _HandOver) -> None:
        with self._gate:
            if self._ended:
                raise StoreError(f"{self._file.path} was closed.", remedy="Run the cell again.")
            self._queue.put(job)

    def _wait(self, job: _HandOver) -> None:
        self._put(job)
        job.ticket.acquire()
        if job.error is not None:
            raise job.error

    # -- on the writer's thread

    def _run(self) -> None:
        jobs: list[_HandOver] = []
        try:
            while self._gather(jobs):
                self._work(jobs)
                jobs = []
            self._work(jobs)
            end = time.monotonic() + self._patience
            while self._held and time.monotonic() < end:
                time.sleep(_RETRY)
                self._write([])
            with suppress(sqlite3.Error):
                self._last(self._file.db)
        except BaseException as error:  # noqa: BLE001 - no caller may wait for a thread that has ended
            self._abandon(
                jobs,
                store_error(self._file.path, error if isinstance(error, Exception) else OSError(str(error))),
            )
        finally:
            self._file.close()

    def _gather(self, jobs: list[_HandOver]) -> bool:
        """Wait for hand-overs, and take all that are there; returns False after the last ones."""
        with suppress(Empty):
            job = self._queue.get(timeout=_RETRY if self._held else None)
            while True:
                if job is None:
                    return False
                jobs.append(job)
                if len(jobs) >= _GROUP:
                    return True
                job = self._queue.get_nowait()
        return True

    def _abandon(self, jobs: Iterable[_HandOver], error: StoreError) -> None:
        with self._gate:
            self._ended = True
        waiting: list[_HandOver | None] = list(jobs)
        with suppress(Empty):
            while True:
                waiting.append(self._queue.get_nowait())
        for job in waiting:
            if job is not None:
                job.finish(error)
        self._report(f"{error.message} {error.remedy}")

    def _work(self, jobs: Sequence[_HandOver]) -> None:
        self._write([job for job in jobs if not job.outside])
        for job in jobs:
            if job.outside and job.call is not None:
                try:
                    job.result = job.call(self._file.db)
                except Exception as error:  # noqa: BLE001 - the caller receives it
                    job.finish(store_error(self._file.path, error))
                else:
                    job.finish()

    def _write(self, jobs: Sequence[_HandOver]) -> None:
        """Write hand-overs in one transaction; if one of them is at fault, each in its own."""
        if not jobs and not self._held:
            return
        try:
            self._transact(jobs)
        except Exception as error:  # noqa: BLE001 - whatever fails, callers must go on and answers must be kept
            if _is_file_error(error):
                self._hold(jobs, error)
            elif len(jobs) > 1:
                for job in jobs:
                    self._write([job])
            else:
                self._refuse(jobs, error)
            return
        for job in jobs:
            job.finish()
        if self._failing:
            self._failing = False
            self._report(f"{self._file.path} can be written again, and all answers are stored.")

    def _transact(self, jobs: Sequence[_HandOver]) -> None:
        now = time.time()
        self._file.check()
        db = self._file.db
        with transaction(db):
            write_done(db, self._held, now)
            write_done(db, [each for job in jobs for each in job.done], now)
            for job in jobs:
                if job.unsent or job.doubt:
                    write_unsent(db, job.unsent, job.doubt)
            write_sent(db, [grant for job in jobs for grant in job.sent], now)
            for job in jobs:
                if job.call is not None:
                    job.result = job.call(db)
        self._held = []
        self.commits += 1
        if notice := self._file.after_commit():
            self._report(notice)
        if self.after_commit is not None:
            self.after_commit()

    def _hold(self, jobs: Sequence[_HandOver], error: Exception) -> None:
        """Keep the answers that the file did not take, and refuse everything else."""
        problem = store_error(self._file.path, error, "written")
        self._held += [each for job in jobs for each in job.done]
        for job in jobs:
            job.finish(problem)
        if self._held and not self._failing:
            self._failing = True
            self._report(
                f"{problem.message} Answers that have arrived are kept in memory, and writing them is tried again. "
                f"{problem.remedy}"
            )

    def _refuse(self, jobs: Sequence[_HandOver], error: Exception) -> None:
        """Refuse what cannot be written into any file."""
        problem = store_error(self._file.path, error, "written")
        for job in jobs:
            job.finish(problem)
            if job.done:
                self._report(f"Answers that are lost: {len(job.done)}. {problem.message}")


def _is_file_error(error: Exception) -> bool:
    """Whether the file or the disk is at fault, and not what was to be written."""
    return isinstance(error, OSError) or type(error) in (sqlite3.OperationalError, sqlite3.DatabaseError)
