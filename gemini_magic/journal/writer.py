"""The writer: one thread of this process follows its answers and writes what is new of them, a few times a second.

It reads the ledgers by itself, so that no reader of a stream ever waits for a disk. Whatever is wrong with the file is
said once and tried again, and never reaches an answer.
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
from .entries import Begun, EntrySource, Limits
from .follower import AHEAD, Following

if TYPE_CHECKING:
    from .database import Database
    from .errors import Trouble
    from .reader import JournalReader

__all__ = ["Journal"]

_EVERY = 0.3  # seconds between looks
_SOON = 0.03  # seconds, while a request is not on its way yet, or somebody waits
_IDLE = 3.0  # seconds without an answer, after which the file is closed
_AGAIN = 2.0  # seconds until a file that failed is tried again
_PATIENCE = 60.0  # seconds that an answer which has ended is held for a file that cannot be written
_HELD = 50  # answers that are held so at most
_FAREWELL = 2.0  # seconds that the end of the process may take

_journals: weakref.WeakSet[Journal] = weakref.WeakSet()
_parents: list[Any] = []  # open files of the process this one was forked from


class Journal:
    """The journal in one file, as this process writes to it.

    Args:
        path: the file; it is made when the first answer is written.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._begin()
        _journals.add(self)

    def _begin(self) -> None:
        self._changed = threading.Condition()
        self._runs: deque[Following] = deque()
        self._thread: threading.Thread | None = None
        self._store: Database | None = None
        self._hurry = 0
        self._retry, self._failures = 0.0, 0
        self._replaced = self._promised = False
        self._news: deque[str] = deque()
        self._said: set[str] = set()
        self._unknown: bool | None = None  # whether its user was never told of this file
        self._telling = False

    # -- for those who ask and look up

    def follow(self, ledger: Ledger, source: EntrySource, begun: Begun, limits: Limits) -> None:
        """Write an answer down from now on; returns at once."""
        if self._unknown is None and not self.path.exists():
            self._unknown = True
        with self._changed:
            self._runs.append(Following(ledger, source, begun, limits))
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, name="gemini-journal", daemon=True)
                self._thread.start()
                self._promise()
            self._changed.notify_all()

    def _promise(self) -> None:
        """A child of ``multiprocessing`` ends without what ``atexit`` was told."""
        process = sys.modules.get("multiprocessing.process")
        if not self._promised and process is not None and process.parent_process() is not None:
            self._promised = True
            sys.modules["multiprocessing.util"].Finalize(None, self.flush, exitpriority=1)

    def unknown(self) -> bool:
        """Whether the user has to be told of this file; no later call says so, nor a later process."""
        with self._changed:
            if not self._unknown:
                return False
            self._unknown, self._telling = False, True
            self._changed.notify_all()
            return True

    def problems(self) -> list[str]:
        """What went wrong since the last time, a sentence or two each; each is given once."""
        with self._changed:
            news = list(self._news)
            self._news.clear()
        return news

    def flush(self, timeout: float = _FAREWELL) -> bool:
        """Wait until every answer that has ended is in the file, or it cannot be written; whether it is."""
        end = time.monotonic() + timeout
        with self._changed:
            self._hurry += 1
            self._retry, failures = 0.0, self._failures
            self._changed.notify_all()
            try:
                while any(not run.running for run in self._runs) or (
                    self._telling and self._store is not None
                ):
                    left = end - time.monotonic()
                    if left <= 0 or self._thread is None or self._failures != failures:
                        return False
                    self._changed.wait(left)
            finally:
                self._hurry -= 1
        return True

    def exists(self) -> bool:
        """Whether there is a file; what had ended before is in it by then."""
        self.flush()
        return self.path.exists()

    @contextmanager
    def shelf(self) -> Iterator[JournalReader]:
        """The file, for who looks something up; all that had ended before is in it.

        Raises:
            JournalError: there is none yet, or it cannot be used.
        """
        if not self.exists():
            raise JournalError(
                "There is no journal yet.",
                remedy="It begins with the first answer that a server gives to a cell.",
            )
        trouble = _module("errors").Trouble
        try:
            with _module("reader").JournalReader(self.path) as shelf:
                yield shelf
        except trouble as problem:
            raise JournalError(
                f"The journal cannot be used: {problem.words}.", remedy=_remedy(problem, self.path)
            ) from None

    def forked(self) -> None:
        """This is a forked child: the thread and the open file are its parent's, and the child begins anew."""
        _parents.append(self._store)  # kept, for closing it would reach into the parent's file
        self._begin()

    # -- the thread

    def _work(self) -> None:
        quiet = time.monotonic()
        while True:
            with self._changed:
                runs = list(self._runs)
            now = time.monotonic()
            if runs or (self._telling and self._store is not None):
                quiet = now
            elif now - quiet > _IDLE:
                self._close()  # outside the lock: it may take the disk a while
                with self._changed:
                    if not self._runs:
                        self._thread = None
                        return
            early = bool(runs) and all(run.early(now) for run in runs)
            more = not early and now >= self._retry and self._round(runs, now)
            with self._changed:
                self._changed.notify_all()  # somebody may wait for an end to be written
                if not more:
                    self._changed.wait(
                        _SOON if early or (self._hurry and runs) else _EVERY if runs else _IDLE
                    )

    def _round(self, runs: list[Following], now: float) -> bool:
        """Write what is new; whether there is more already."""
        trouble = _module("errors").Trouble
        full = False
        try:
            new = [run for run in runs if run.look(now)]
            full = any(len(run.blocks) == AHEAD for run in new)
            self._let_go([run for run in runs if run.nothing])
            if new:
                self._write(new, now)
            if self._telling and self._store is not None:
                self._store.remember("told", time.strftime("%Y-%m-%d"))
                self._telling = False
        except trouble as problem:
            self._failed(problem, runs, now)
            return False
        except Exception as problem:  # noqa: BLE001 - a mistake of ours costs the journal, never an answer
            self._failed(trouble("refused", f"{type(problem).__name__}: {problem}"), runs, now)
            return False
        return full

    def _write(self, runs: list[Following], now: float) -> None:
        module = _module("database")
        store: Database = self._store or module.Database(self.path)
        if self._store is None:
            self._store = store
            if self._unknown is None:
                self._unknown = store.fact("told") is None
        ends = [run.ended() for run in runs]
        steps = [
            module.WriteStep(run.id, run.begun, run.blocks, end) for run, end in zip(runs, ends, strict=True)
        ]
        for run, number in zip(runs, store.write(steps, time.time()), strict=True):
            run.written(number, now)
        finished = [run for run, end in zip(runs, ends, strict=True) if end is not None]
        if finished:
            store.prune(finished[-1].limits, time.time())
        self._let_go(finished)

    def _let_go(self, runs: list[Following]) -> None:
        with self._changed:
            for run in runs:
                with suppress(ValueError):  # it was let go before
                    self._runs.remove(run)

    def _close(self) -> None:
        if self._store is not None:
            self._store.close()
            self._store = None

    # -- trouble

    def _failed(self, problem: Trouble, runs: list[Following], now: float) -> None:
        inode = None if self._store is None else self._store.inode
        self._close()
        if problem.kind == "damaged" and not self._replaced:
            self._replace(inode, runs, now)
            return
        self._retry, self._failures = now + _AGAIN, self._failures + 1
        then = "They are when it is free again." if problem.kind == "busy" else _remedy(problem, self.path)
        self._say(f"Answers are not written to the journal {self.path}: {problem.words}. {then}")
        ended = [run for run in runs if run.over is not None]
        late = [run for run in ended if run.over is not None and now - run.over > _PATIENCE]
        self._let_go(late or ended[:-_HELD])

    def _replace(self, inode: int | None, runs: list[Following], now: float) -> None:
        """Give the damaged file another name, and write all that is on its way into a new one."""
        self._replaced = True
        module = _module("errors")
        try:
            other = module.set_aside(self.path, inode)
        except module.Trouble as problem:
            self._failed(module.Trouble("refused", f"it is damaged, and {problem.words}"), runs, now)
            return
        for run in runs:
            run.restart()
        if other is not None:
            self._say(f"The journal was damaged. It is now {other}, and a new one was begun.")

    def _say(self, words: str) -> None:
        with self._changed:
            if words not in self._said:
                self._said.add(words)
                self._news.append(words)


def _module(name: str) -> Any:
    """A module that needs SQLite, imported when an answer is on its way: that takes as long as asking does."""
    return import_module(f".{name}", __package__)


def _remedy(problem: Trouble, path: Path) -> str:
    remedies = {
        "newer": "Update gemini_magic; the file stays as it is.",
        "busy": "Try again in a moment.",
        "damaged": f"The next answer gives {path.name} another name and begins a new one.",
    }
    return remedies.get(problem.kind, "`%gemini config journal=False` keeps none.")


def _after_fork() -> None:
    for journal in list(_journals):
        journal.forked()


def _at_exit() -> None:
    for journal in list(_journals):
        journal.flush()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
atexit.register(_at_exit)
