"""The thread that writes a store: what workers hand over while one commit runs is written by the next one.

A worker hands over the answers it has and the grants it is about to send, and waits until both are on the disk. No timer
gathers them: the commit before takes as long as the disk does, and everything else waits meanwhile.
"""

from __future__ import annotations

import sqlite3
import threading
import time
import zlib
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from math import isfinite
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any, Final, TypeVar

from ..errors import StoreError
from ..text import replace_surrogates
from .store_file import store_error, transaction
from .values import Attempted, Grant

__all__ = ["GroupWriter", "write_sent"]

T = TypeVar("T")

_GROUP = 500  # hand-overs in one commit
_RETRY = 0.5  # seconds until answers that could not be written are tried again
_MAX_INTEGER: Final = 2**63 - 1

_SENT = "UPDATE request SET state = 1, attempts = max(attempts, ?), sent = ? WHERE id = ?"
_SENT_RAW = "INSERT OR REPLACE INTO raw(request, attempt, sent, worker) VALUES (?, ?, ?, ?)"
# A complete answer stays when a later or earlier attempt ends otherwise.
_DONE = """UPDATE request SET state = 2, done = ?, status = ?, reason = ?, permanent = ?, model = ?, tokens_in = ?,
    tokens_out = ?, tokens_thought = ?, tokens_cached = ?, cost = ?, first_text = ?, seconds = ?, answered = ?,
    worker = ?, error = ?, text = ? WHERE id = ? AND NOT (status IS 'complete' AND ? <> 'complete')"""
_KEPT = "UPDATE request SET state = 2 WHERE id = ? AND state = 1 AND attempts = ? AND status = 'complete'"
_SPENT = "UPDATE request SET spent = coalesce(spent, 0) + ? WHERE id = ?"
_DONE_RAW = """INSERT INTO raw(request, attempt, sent, done, status, ended, problem, cost, worker, head, pieces, codec)
    VALUES (?1, ?2, ?3, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, 1) ON CONFLICT(request, attempt) DO UPDATE SET done = ?3,
    status = ?4, ended = ?5, problem = ?6, cost = ?7, worker = ?8, head = ?9, pieces = ?10, codec = 1"""
# The answer of a retry with other options counts for the request that it repeats, unless that one was better.
_ANSWERS = """UPDATE request SET answer = ?1 WHERE id = (SELECT retries FROM request WHERE id = ?1)
    AND (?2 = 'complete' OR status IS NOT 'complete')"""
_AGAIN = """UPDATE request SET state = CASE WHEN status IS NULL THEN 0 ELSE 2 END, reason = ?, error = ?
    WHERE id = ? AND state = 1"""
_UNSENT = """UPDATE request SET state = CASE WHEN status IS NULL THEN 0 ELSE 2 END, attempts = min(attempts, ? - 1)
    WHERE id = ? AND state = 1"""
_UNSENT_RAW = "DELETE FROM raw WHERE request = ? AND attempt = ? AND done IS NULL"
_DOUBT = "UPDATE request SET state = 3 WHERE id = ? AND state = 1"
_DOUBT_RAW = "UPDATE raw SET ended = 'worker lost' WHERE request = ? AND attempt = ? AND ended IS NULL"


class _HandOver:
    """What one caller hands over, and its ticket: a lock that the writer releases."""

    __slots__ = ("call", "done", "doubt", "error", "result", "sent", "ticket", "unsent")

    def __init__(
        self,
        *,
        done: Sequence[Attempted] = (),
        sent: Sequence[Grant] = (),
        unsent: Sequence[Grant] = (),
        doubt: Sequence[Grant] = (),
        call: Callable[[sqlite3.Connection], Any] | None = None,
        waits: bool = True,
    ) -> None:
        self.done, self.sent, self.unsent, self.doubt, self.call = done, sent, unsent, doubt, call
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
    """Writes to a store on a thread of its own; the connection belongs to this thread.

    Args:
        db: the connection.
        path: the file, for messages.
        report: receives a sentence about a problem, on the writer's thread.

    Attributes:
        commits: how many transactions were committed.
        after_commit: called after each of them, on the writer's thread; None for nothing.
    """

    def __init__(self, db: sqlite3.Connection, path: Path, report: Callable[[str], None]) -> None:
        self.commits = 0
        self.after_commit: Callable[[], None] | None = None
        self._db = db
        self._path = path
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

    def end(self, last: Callable[[sqlite3.Connection], None]) -> int:
        """Write what was handed over, close the connection and end the thread.

        Args:
            last: called on the writer's thread, outside a transaction, before the connection is closed.

        Returns:
            How many answers could not be written and are lost.
        """
        with self._gate:
            first, self._ended = not self._ended, True
            if first:
                self._last = last
                self._queue.put(None)
        self._thread.join()
        return len(self._held)

    def _put(self, job: _HandOver) -> None:
        with self._gate:
            if self._ended:
                raise StoreError(f"{self._path} was closed.", remedy="Run the cell again.")
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
                self._write(jobs)
                jobs = []
            self._write(jobs)
            with suppress(sqlite3.Error):
                self._last(self._db)
        except BaseException as error:  # noqa: BLE001 - no caller may wait for a thread that has ended
            self._abandon(
                jobs, store_error(self._path, error if isinstance(error, Exception) else OSError(str(error)))
            )
        finally:
            with suppress(sqlite3.Error):
                self._db.close()

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
            self._report(f"{self._path} can be written again, and all answers are stored.")

    def _transact(self, jobs: Sequence[_HandOver]) -> None:
        now = time.time()
        with transaction(self._db):
            held = self._held
            _write_done(self._db, held, now)
            _write_done(self._db, [each for job in jobs for each in job.done], now)
            for job in jobs:
                if job.unsent or job.doubt:
                    _write_unsent(self._db, job.unsent, job.doubt)
            write_sent(self._db, [grant for job in jobs for grant in job.sent], now)
            for job in jobs:
                if job.call is not None:
                    job.result = job.call(self._db)
        self._held = []
        self.commits += 1
        if self.after_commit is not None:
            self.after_commit()

    def _hold(self, jobs: Sequence[_HandOver], error: Exception) -> None:
        """Keep the answers that the file did not take, and refuse everything else."""
        problem = store_error(self._path, error, "written")
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
        problem = store_error(self._path, error, "written")
        for job in jobs:
            job.finish(problem)
            if job.done:
                self._report(f"{len(job.done)} answers are lost. {problem.message}")


def _is_file_error(error: Exception) -> bool:
    """Whether the file or the disk is at fault, and not what was to be written."""
    return isinstance(error, OSError) or type(error) in (sqlite3.OperationalError, sqlite3.DatabaseError)


def write_sent(
    db: sqlite3.Connection, grants: Sequence[Grant], now: float, worker: str | None = None
) -> None:
    """Write that attempts are sent now, each with a line of its own."""
    if grants:
        db.executemany(_SENT, [(grant.attempt, now, grant.request) for grant in grants])
        db.executemany(_SENT_RAW, [(grant.request, grant.attempt, now, worker) for grant in grants])


def _write_unsent(db: sqlite3.Connection, unsent: Sequence[Grant], doubt: Sequence[Grant]) -> None:
    db.executemany(_UNSENT, [(grant.attempt, grant.request) for grant in unsent])
    db.executemany(_UNSENT_RAW, [(grant.request, grant.attempt) for grant in unsent])
    db.executemany(_DOUBT, [(grant.request,) for grant in doubt])
    db.executemany(_DOUBT_RAW, [(grant.request, grant.attempt) for grant in doubt])


def _write_done(db: sqlite3.Connection, all_done: Sequence[Attempted], now: float) -> None:
    if not all_done:
        return
    sent = [each for each in all_done if each.sent]
    if len(sent) != len(all_done):
        unsent = [each for each in all_done if not each.sent]
        db.executemany(_UNSENT, [(each.attempt, each.request) for each in unsent])
        db.executemany(_UNSENT_RAW, [(each.request, each.attempt) for each in unsent])
    db.executemany(_DONE_RAW, [_raw_values(each, now) for each in sent])
    db.executemany(
        _SPENT, [(_real(each.cost), each.request) for each in sent if _real(each.cost) is not None]
    )
    again = [each for each in all_done if each.status == "waiting"]
    db.executemany(_AGAIN, [(_text(each.reason), _text(each.error), each.request) for each in again])
    ended = [each for each in all_done if each.status != "waiting"]
    db.executemany(_DONE, [_done_values(each, now) for each in ended])
    db.executemany(_KEPT, [(each.request, each.attempt) for each in ended if each.status != "complete"])
    db.executemany(_ANSWERS, [(each.request, each.status) for each in ended])


def _raw_values(each: Attempted, now: float) -> tuple[Any, ...]:
    return (
        each.request,
        each.attempt,
        now,
        _integer(each.http_status),
        _text(each.ended),
        _text(each.error) or None,
        _real(each.cost),
        _text(each.worker) or None,
        zlib.compress(each.head, 1) if each.head else None,
        zlib.compress(each.pieces, 1) if each.pieces else None,
    )


def _done_values(each: Attempted, now: float) -> tuple[Any, ...]:
    return (
        now,
        each.status,
        _text(each.reason) or None,
        each.permanent,
        _text(each.model) or None,
        _integer(each.tokens_in),
        _integer(each.tokens_out),
        _integer(each.tokens_thought),
        _integer(each.tokens_cached),
        _real(each.cost),
        _real(each.first_text),
        _real(each.seconds),
        each.attempt,
        _text(each.worker) or None,
        _text(each.error) or None,
        _text(each.text) or None,
        each.request,
        each.status,
    )


def _text(text: str) -> str:
    """A text that SQLite can store; a server may send lone surrogates."""
    return replace_surrogates(text)


def _integer(value: int | None) -> int | None:
    """A number that SQLite can store; a server may send any."""
    return value if value is not None and -_MAX_INTEGER <= value <= _MAX_INTEGER else None


def _real(value: float | None) -> float | None:
    return value if value is not None and isfinite(value) else None
