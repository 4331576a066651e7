"""The journal of this process: one thread follows its answers and writes new data a few times a second.

The thread polls the ledgers, so that the reader of a stream never waits for a disk. A problem with the file is reported
once and retried; it never affects an answer.
"""

from __future__ import annotations

import atexit
import os
import sys
import threading
import time
import weakref
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import JournalError
from ..ledger import Ledger
from .entries import AnswerStart, EntrySource, Limits
from .follower import MAX_BLOCKS, Follower

if TYPE_CHECKING:
    from .database import Database
    from .errors import JournalFileError
    from .reader import JournalReader

__all__ = ["Journal"]

_INTERVAL = 0.3  # seconds between two rounds
_SHORT_INTERVAL = 0.03  # seconds, while a request is being sent or a caller waits in flush()
_IDLE = 3.0  # seconds without an answer after which the file is closed
_RETRY = 2.0  # seconds until a failed file is tried again
_MAX_HOLD = 60.0  # seconds for which a finished answer is kept in memory while the file cannot be written
_MAX_HELD = 50  # finished answers kept in memory at most
_EXIT_TIMEOUT = 2.0  # seconds that the end of the process may take

_NO_SQLITE = "Use a Python with the module sqlite3."

_journals: weakref.WeakSet[Journal] = weakref.WeakSet()
_parents: list[Any] = []  # open files of the parent process, after a fork


class Journal:
    """The journal in one file, as this process writes it.

    Args:
        path: the file; it is created when the first answer is written.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._reset()
        _journals.add(self)

    def _reset(self) -> None:
        self._changed = threading.Condition()
        self._runs: deque[Follower] = deque()
        self._thread: threading.Thread | None = None
        self._database: Database | None = None
        self._flushing = 0
        self._retry, self._failures = 0.0, 0
        self._replaced = self._finalizer_set = False
        self._problems: deque[str] = deque()
        self._reported: set[str] = set()
        self._new_to_user: bool | None = (
            None  # whether the user has never been informed about this file; None: not known
        )
        self._introduced = False
        self._off = False  # whether this Python has no SQLite

    # -- interface

    def unavailable(self) -> str:
        """Why this Python cannot use a journal, as part of a sentence; empty if it can."""
        try:
            _module("errors")
        except ImportError as problem:
            return f"this Python has no SQLite ({problem})"
        return ""

    def follow(self, ledger: Ledger, source: EntrySource, start: AnswerStart, limits: Limits) -> None:
        """Start to write an answer into the journal; returns at once. Without SQLite, nothing is written."""
        if self._off:
            return
        if self._new_to_user is None and not self.path.exists():
            self._new_to_user = True
        with self._changed:
            self._runs.append(Follower(ledger, source, start, limits))
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="gemini-journal", daemon=True)
                self._thread.start()
                self._set_finalizer()
            self._changed.notify_all()

    def _set_finalizer(self) -> None:
        """Flush at the end of a ``multiprocessing`` child, which does not run ``atexit`` functions."""
        process = sys.modules.get("multiprocessing.process")
        if not self._finalizer_set and process is not None and process.parent_process() is not None:
            self._finalizer_set = True
            sys.modules["multiprocessing.util"].Finalize(None, self.flush, exitpriority=1)

    def take_introduction(self) -> bool:
        """Whether the user must be informed about this file; True once, for one call in one process."""
        with self._changed:
            if not self._new_to_user or self.unavailable():
                return False
            self._new_to_user, self._introduced = False, True
            self._changed.notify_all()
            return True

    def take_problems(self) -> list[str]:
        """Return the problems since the last call, as sentences; each is returned once."""
        with self._changed:
            problems = list(self._problems)
            self._problems.clear()
        return problems

    def flush(self, timeout: float = _EXIT_TIMEOUT) -> bool:
        """Wait until all finished answers are in the file or writing fails; returns whether they are."""
        end = time.monotonic() + timeout
        with self._changed:
            self._flushing += 1
            self._retry, failures = 0.0, self._failures
            self._changed.notify_all()
            try:
                while any(not run.running for run in self._runs) or (
                    self._introduced and self._database is not None
                ):
                    left = end - time.monotonic()
                    if left <= 0 or self._thread is None or self._failures != failures:
                        return False
                    self._changed.wait(left)
            finally:
                self._flushing -= 1
        return True

    def exists(self) -> bool:
        """Whether the file exists, after all finished answers have been written."""
        self.flush()
        return self.path.exists()

    @contextmanager
    def reader(self) -> Iterator[JournalReader]:
        """Open the file for reading, after all finished answers have been written.

        Raises:
            JournalError: the file does not exist yet, or cannot be used.
        """
        if reason := self.unavailable():
            raise JournalError(f"The journal is off: {reason}.", remedy=_NO_SQLITE)
        if not self.exists():
            raise JournalError(
                "There is no journal yet.",
                remedy="It is created with the first answer that a cell receives from a server.",
            )
        file_error = _module("errors").JournalFileError
        try:
            with _module("reader").JournalReader(self.path) as reader:
                yield reader
        except file_error as problem:
            raise JournalError(
                f"The journal cannot be used: {problem.reason}.", remedy=_remedy(problem, self.path)
            ) from None

    def reset_after_fork(self) -> None:
        """Reset the state in a forked child: the thread and the open file belong to the parent."""
        _parents.append(self._database)  # kept open: closing it would release the parent's locks
        self._reset()

    # -- the thread

    def _run(self) -> None:
        last_active = time.monotonic()
        while True:
            with self._changed:
                runs = list(self._runs)
            now = time.monotonic()
            if runs or (self._introduced and self._database is not None):
                last_active = now
            elif now - last_active > _IDLE:
                self._close()  # outside the lock: closing may take a while
                with self._changed:
                    if not self._runs:
                        self._thread = None
                        return
            sending = bool(runs) and all(run.is_sending(now) for run in runs)
            more = not sending and now >= self._retry and self._round(runs, now)
            with self._changed:
                self._changed.notify_all()  # flush() may wait for an end to be written
                if not more:
                    self._changed.wait(
                        _SHORT_INTERVAL
                        if sending or (self._flushing and runs)
                        else _INTERVAL
                        if runs
                        else _IDLE
                    )

    def _round(self, runs: list[Follower], now: float) -> bool:
        """Write new data; returns whether there is more already."""
        if reason := self.unavailable():
            self._off = True
            self._report(f"The journal is off and answers are not saved: {reason}. {_NO_SQLITE}")
            self._release(runs)
            return False
        file_error = _module("errors").JournalFileError
        full = False
        try:
            new = [run for run in runs if run.collect(now)]
            full = any(len(run.blocks) == MAX_BLOCKS for run in new)
            self._release([run for run in runs if run.is_empty])
            if new:
                self._write(new, now)
            if self._introduced and self._database is not None:
                self._database.set_metadata("introduced", time.strftime("%Y-%m-%d"))
                self._introduced = False
        except file_error as problem:
            self._handle_failure(problem, runs, now)
            return False
        except Exception as problem:  # noqa: BLE001 - a bug in the journal must never affect an answer
            self._handle_failure(file_error("failed", f"{type(problem).__name__}: {problem}"), runs, now)
            return False
        return full

    def _write(self, runs: list[Follower], now: float) -> None:
        module = _module("database")
        database: Database = self._database or module.Database(self.path)
        if self._database is None:
            self._database = database
            if self._new_to_user is None:
                self._new_to_user = database.metadata("introduced") is None
        ends = [run.end() for run in runs]
        steps = [
            module.WriteStep(run.id, run.start, run.blocks, end, run.media())
            for run, end in zip(runs, ends, strict=True)
        ]
        for run, step, number in zip(runs, steps, database.write(steps, time.time()), strict=True):
            run.mark_written(number, step.media, now)
        finished = [run for run, end in zip(runs, ends, strict=True) if end is not None]
        if finished:
            database.prune(finished[-1].limits, time.time())
        self._release(finished)

    def _release(self, runs: list[Follower]) -> None:
        with self._changed:
            for run in runs:
                with suppress(ValueError):  # it was released before
                    self._runs.remove(run)

    def _close(self) -> None:
        if self._database is not None:
            self._database.close()
            self._database = None

    # -- problems with the file

    def _handle_failure(self, problem: JournalFileError, runs: list[Follower], now: float) -> None:
        inode = None if self._database is None else self._database.inode
        self._close()
        if problem.kind == "damaged" and not self._replaced:
            self._replace(inode, runs, now)
            return
        self._retry, self._failures = now + _RETRY, self._failures + 1
        then = (
            "They will be written when the lock is released."
            if problem.kind == "busy"
            else _remedy(problem, self.path)
        )
        self._report(f"Answers are not being written to the journal {self.path}: {problem.reason}. {then}")
        ended = [run for run in runs if run.ended_at is not None]
        late = [run for run in ended if run.ended_at is not None and now - run.ended_at > _MAX_HOLD]
        self._release(late or ended[:-_MAX_HELD])

    def _replace(self, inode: int | None, runs: list[Follower], now: float) -> None:
        """Rename the damaged file, and write all answers in progress into a new one."""
        self._replaced = True
        module = _module("errors")
        try:
            other = module.rename_damaged(self.path, inode)
        except module.JournalFileError as problem:
            self._handle_failure(
                module.JournalFileError("failed", f"it is damaged, and {problem.reason}"), runs, now
            )
            return
        for run in runs:
            run.restart()
        if other is not None:
            self._report(
                f"The journal was damaged. It was renamed to {other}, and a new journal was created."
            )

    def _report(self, message: str) -> None:
        with self._changed:
            if message not in self._reported:
                self._reported.add(message)
                self._problems.append(message)


def _module(name: str) -> Any:
    """Import a module that needs SQLite, after the request has been sent: the import takes as long as sending."""
    return import_module(f".{name}", __package__)


def _remedy(problem: JournalFileError, path: Path) -> str:
    remedies = {
        "newer": "Update gemini_magic; the file is left unchanged.",
        "busy": "Try again in a moment.",
        "damaged": f"The next answer renames {path.name} and creates a new journal.",
    }
    return remedies.get(problem.kind, "`%gemini config journal=False` turns the journal off.")


def _after_fork() -> None:
    for journal in list(_journals):
        journal.reset_after_fork()


def _at_exit() -> None:
    for journal in list(_journals):
        journal.flush()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
atexit.register(_at_exit)
