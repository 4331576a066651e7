"""The file of the journal: opening it, bringing it up to date, and writing to it.

Whatever SQLite or the disk refuses becomes a ``Trouble`` with plain words. One object belongs to one thread.
"""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple, Self

from ..lenient_json import replace_surrogates
from .entries import Begun, Ended, Limits
from .errors import Trouble, plainly
from .migrations import APPLICATION, STEPS
from .owner import Process

__all__ = ["Database", "WriteStep"]

_MANY = 20  # runs that are removed in one transaction
_LESS = 0.9  # of the limit: what is left when the file has become too large
_DAY = 86400.0
_LOOK = 0.01  # seconds between looks for a lock


class WriteStep(NamedTuple):
    """What is new of one run.

    Attributes:
        id: its number; None for one that is new.
        begun: what was asked.
        blocks: lines, compressed.
        ended: how it ended, None while it goes on.
    """

    id: int | None
    begun: Begun
    blocks: Sequence[bytes]
    ended: Ended | None


class Database:
    """An open journal; a context manager.

    Args:
        path: the file; it is made if need be, for its owner alone.
        wait: seconds to wait for a lock.

    Raises:
        Trouble: it cannot be opened.
    """

    def __init__(self, path: Path, *, wait: float = 5.0) -> None:
        self.path = path
        with plainly():
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            with suppress(FileExistsError):
                os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
            self.inode = path.stat().st_ino
            self._db = sqlite3.connect(path, timeout=wait, isolation_level=None)
            try:
                self._prepare(time.monotonic() + wait)
            except BaseException:
                self._db.close()
                raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the file."""
        with suppress(sqlite3.Error):
            self._db.close()

    def _number(self, statement: str, *values: object) -> int:
        found = self._db.execute(statement, values).fetchone()
        return 0 if found is None or found[0] is None else int(found[0])

    # -- opening

    def _prepare(self, deadline: float) -> None:
        self._db.execute("BEGIN")  # all three at one moment: another kernel may be making the file
        version = self._number("PRAGMA user_version")
        ours = self._number("PRAGMA application_id") == APPLICATION
        empty = not self._number("SELECT count(*) FROM sqlite_master")
        self._db.execute("COMMIT")
        if not ours and (version or not empty):
            raise Trouble("damaged", "it is another program's")
        if version > len(STEPS):
            raise Trouble("newer", f"it is of a newer gemini_magic (version {version})")
        if not version:
            self._db.execute("PRAGMA auto_vacuum=INCREMENTAL")  # before there is anything in it
        self._log_ahead(deadline)
        self._db.execute("PRAGMA synchronous=NORMAL")  # a killed kernel loses nothing by it
        self._db.execute("PRAGMA secure_delete=ON")
        if version < len(STEPS):
            with self.transaction():
                # Looked at again: another kernel may have done it meanwhile.
                for number in range(self._number("PRAGMA user_version"), len(STEPS)):
                    for statement in STEPS[number]:
                        self._db.execute(statement)
                    self._db.execute(f"PRAGMA user_version={number + 1}")
                    self._db.execute(f"PRAGMA application_id={APPLICATION}")

    def _log_ahead(self, deadline: float) -> None:
        """Write-ahead logging; unlike all else, SQLite does not wait for that while another kernel begins the file."""
        while True:
            try:
                self._db.execute("PRAGMA journal_mode=WAL")
            except sqlite3.OperationalError as error:
                if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                    raise
                time.sleep(_LOOK)
            else:
                return

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All of it or nothing."""
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
            self._db.execute("COMMIT")
        except BaseException:
            with suppress(sqlite3.Error):
                self._db.execute("ROLLBACK")
            raise

    # -- writing

    def write(self, steps: Sequence[WriteStep], now: float) -> list[int]:
        """Write what is new of some runs; returns their numbers.

        Raises:
            Trouble: nothing of it was written.
        """
        with plainly(), self.transaction():
            return [self._step(step, now) for step in steps]

    def _step(self, step: WriteStep, now: float) -> int:
        number = self._begin(step.begun, now) if step.id is None else step.id
        self._db.executemany(
            "INSERT INTO block (run, lines) VALUES (?, ?)", [(number, b) for b in step.blocks]
        )
        if step.ended is not None:
            self.end(number, step.ended)
        self._db.execute("UPDATE run SET beat = ? WHERE id = ?", (now, number))
        return number

    def _begin(self, begun: Begun, now: float) -> int:
        process = Process.this()
        texts = [
            replace_surrogates(text) for text in (begun.model, begun.backend, begun.question, begun.before)
        ]
        self._db.execute(
            "INSERT INTO run (started, beat, host, pid, born, model, backend, question, before) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (begun.started, now, *process, *texts),
        )
        return self._number("SELECT last_insert_rowid()")

    def end(self, number: int, ended: Ended) -> None:
        """Write how a run ended."""
        self.unindex([number])
        self._db.execute(
            "UPDATE run SET status = ?, answer = ?, tokens = ? WHERE id = ?",
            (ended.status, replace_surrogates(ended.answer), ended.tokens, number),
        )

    # -- what was told

    def fact(self, name: str) -> str | None:
        """A remark about the file itself.

        Raises:
            Trouble: it cannot be read.
        """
        with plainly():
            found = self._db.execute("SELECT value FROM fact WHERE name = ?", (name,)).fetchone()
        return None if found is None else str(found[0])

    def remember(self, name: str, value: str) -> None:
        """Write a remark.

        Raises:
            Trouble: it cannot be written.
        """
        with plainly():
            self._db.execute("INSERT OR REPLACE INTO fact VALUES (?, ?)", (name, value))

    # -- removing

    def prune(self, limits: Limits, now: float) -> None:
        """Forget what is older than the limits allow, oldest first; the newest stays, and so does what still arrives.

        Raises:
            Trouble: it could not be done to the end.
        """
        with plainly():
            if limits.days is not None:
                while self._remove_some("started < ?", now, now - limits.days * _DAY):
                    pass
            if self._used() > limits.size:
                newest = self._number("SELECT max(id) FROM run")
                while self._used() > limits.size * _LESS and self._remove_some("id < ?", now, newest):
                    pass

    def _used(self) -> int:
        pages = self._number("PRAGMA page_count") - self._number("PRAGMA freelist_count")
        return pages * self._number("PRAGMA page_size")

    def _remove_some(self, which: str, now: float, value: float) -> bool:
        # A run without an end that nobody has written to for a day is as good as ended.
        ended = "(status IS NOT NULL OR beat < ?)"
        found = self._db.execute(
            f"SELECT id FROM run WHERE {ended} AND {which} ORDER BY id LIMIT {_MANY}",  # noqa: S608 - own words
            (now - _DAY, value),
        )
        numbers = [int(row[0]) for row in found]
        with self.transaction():
            self.remove(numbers)
        self.shrink()
        return bool(numbers)

    def shrink(self) -> None:
        """Give back to the disk what nothing stands in."""
        self._db.executescript("PRAGMA incremental_vacuum")  # `execute` would free one page of it

    def remove(self, numbers: Sequence[int]) -> None:
        """Remove runs, within a transaction."""
        self.unindex(numbers)
        for number in numbers:
            self._db.execute("DELETE FROM block WHERE run = ?", (number,))
            self._db.execute("DELETE FROM run WHERE id = ?", (number,))

    def unindex(self, numbers: Sequence[int]) -> None:
        """Take runs out of the index, before their texts change."""
        for number in numbers:
            found = self._db.execute(
                "SELECT question, answer FROM run WHERE id = ? AND indexed", (number,)
            ).fetchone()
            if found is not None:
                with suppress(sqlite3.OperationalError):  # this build of SQLite cannot search
                    self._db.execute(
                        "INSERT INTO found (found, rowid, question, answer) VALUES ('delete', ?, ?, ?)",
                        (number, *found),
                    )
                self._db.execute("UPDATE run SET indexed = 0 WHERE id = ?", (number,))
