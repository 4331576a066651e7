"""The journal's SQLite file: opening, migrating and writing.

Errors of SQLite and of the disk become :class:`JournalFileError`. An object belongs to one thread.
"""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple, Self

from ..media import StoredMedia
from ..private_files import make_private_folder
from ..text import replace_surrogates
from .entries import AnswerEnd, AnswerStart, Limits
from .errors import JournalFileError, translate_errors
from .migrations import APPLICATION_ID, MIGRATIONS
from .owner import WriterProcess

__all__ = ["Database", "WriteStep"]

_BATCH = 20  # entries removed in one transaction
_TARGET = 0.9  # share of the size limit that remains after pruning
_DAY = 86400.0
_POLL = 0.01  # seconds between two attempts to get a lock


class WriteStep(NamedTuple):
    """New data of one entry.

    Attributes:
        id: number of the entry; None for a new one.
        start: what was asked.
        blocks: compressed recording lines.
        end: how it ended, None while it continues.
        media: media of its requests.
    """

    id: int | None
    start: AnswerStart
    blocks: Sequence[bytes]
    end: AnswerEnd | None
    media: Sequence[StoredMedia] = ()


class Database:
    """The open file; a context manager.

    Args:
        path: the file; it is created if needed, readable by its owner only.
        wait: seconds to wait for a lock.

    Raises:
        JournalFileError: it cannot be opened.
    """

    def __init__(self, path: Path, *, wait: float = 5.0) -> None:
        self.path = path
        with translate_errors():
            make_private_folder(path.parent)
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
        self._db.execute("BEGIN")  # read together: another kernel may be creating the file
        version = self._number("PRAGMA user_version")
        ours = self._number("PRAGMA application_id") == APPLICATION_ID
        empty = not self._number("SELECT count(*) FROM sqlite_master")
        self._db.execute("COMMIT")
        if not ours and (version or not empty):
            raise JournalFileError("damaged", "it belongs to another program")
        if version > len(MIGRATIONS):
            raise JournalFileError("newer", f"a newer gemini_magic wrote it (version {version})")
        if not version:
            self._db.execute("PRAGMA auto_vacuum=INCREMENTAL")  # has an effect only on an empty file
        self._enable_wal(deadline)
        self._db.execute("PRAGMA synchronous=NORMAL")  # safe with WAL when a kernel is killed
        self._db.execute("PRAGMA secure_delete=ON")
        if version < len(MIGRATIONS):
            with self.transaction():
                # Read again: another kernel may have migrated the file meanwhile.
                for number in range(self._number("PRAGMA user_version"), len(MIGRATIONS)):
                    for statement in MIGRATIONS[number]:
                        self._db.execute(statement)
                    self._db.execute(f"PRAGMA user_version={number + 1}")
                    self._db.execute(f"PRAGMA application_id={APPLICATION_ID}")

    def _enable_wal(self, deadline: float) -> None:
        """Switch to write-ahead logging; SQLite does not wait for the lock here, so this method does."""
        while True:
            try:
                self._db.execute("PRAGMA journal_mode=WAL")
            except sqlite3.OperationalError as error:
                if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                    raise
                time.sleep(_POLL)
            else:
                return

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Run a block as one transaction."""
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
        """Write new data of entries; returns their numbers.

        Raises:
            JournalFileError: nothing was written.
        """
        with translate_errors(), self.transaction():
            return [self._step(step, now) for step in steps]

    def _step(self, step: WriteStep, now: float) -> int:
        number = self._begin(step.start, now) if step.id is None else step.id
        self._db.executemany(
            "INSERT INTO block (run, lines) VALUES (?, ?)", [(number, b) for b in step.blocks]
        )
        for media in step.media:
            self._db.execute(
                "INSERT OR IGNORE INTO media VALUES (?, ?, ?)",
                (media.digest, replace_surrogates(media.mime_type), media.data),
            )
            self._db.execute("INSERT OR IGNORE INTO run_media VALUES (?, ?)", (number, media.digest))
        if step.end is not None:
            self.end(number, step.end)
        self._db.execute("UPDATE run SET heartbeat = ? WHERE id = ?", (now, number))
        return number

    def _begin(self, start: AnswerStart, now: float) -> int:
        process = WriterProcess.current()
        texts = [
            replace_surrogates(text) for text in (start.model, start.backend, start.question, start.before)
        ]
        self._db.execute(
            "INSERT INTO run (started, heartbeat, host, pid, start_time, model, backend, question, before) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (start.started, now, *process, *texts),
        )
        return self._number("SELECT last_insert_rowid()")

    def end(self, number: int, end: AnswerEnd) -> None:
        """Write how an entry ended."""
        self.unindex([number])
        self._db.execute(
            "UPDATE run SET status = ?, answer = ?, tokens = ?, identity = ? WHERE id = ?",
            (end.status, replace_surrogates(end.answer), end.tokens, end.identity, number),
        )

    # -- metadata

    def metadata(self, name: str) -> str | None:
        """Return a stored value about the file itself, None if it is not set.

        Raises:
            JournalFileError: it cannot be read.
        """
        with translate_errors():
            found = self._db.execute("SELECT value FROM metadata WHERE name = ?", (name,)).fetchone()
        return None if found is None else str(found[0])

    def set_metadata(self, name: str, value: str) -> None:
        """Store a value about the file itself.

        Raises:
            JournalFileError: it cannot be written.
        """
        with translate_errors():
            self._db.execute("INSERT OR REPLACE INTO metadata VALUES (?, ?)", (name, value))

    # -- removing

    def prune(self, limits: Limits, now: float) -> None:
        """Remove entries beyond the limits, oldest first; the newest entry and running ones stay.

        Raises:
            JournalFileError: not everything could be removed.
        """
        with translate_errors():
            if limits.days is not None:
                while self._remove_some("started < ?", now, now - limits.days * _DAY):
                    pass
            if self._used() > limits.size:
                newest = self._number("SELECT max(id) FROM run")
                while self._used() > limits.size * _TARGET and self._remove_some("id < ?", now, newest):
                    pass

    def _used(self) -> int:
        pages = self._number("PRAGMA page_count") - self._number("PRAGMA freelist_count")
        return pages * self._number("PRAGMA page_size")

    def _remove_some(self, which: str, now: float, value: float) -> bool:
        # An entry without an end and without a heartbeat for a day counts as ended.
        ended = "(status IS NOT NULL OR heartbeat < ?)"
        found = self._db.execute(
            f"SELECT id FROM run WHERE {ended} AND {which} ORDER BY id LIMIT {_BATCH}",  # noqa: S608 - our own SQL
            (now - _DAY, value),
        )
        numbers = [int(row[0]) for row in found]
        with self.transaction():
            self.remove(numbers)
        self.shrink()
        return bool(numbers)

    def shrink(self) -> None:
        """Return free pages to the file system."""
        self._db.executescript("PRAGMA incremental_vacuum")  # `execute` would free one page of it

    def remove(self, numbers: Sequence[int]) -> None:
        """Remove entries, and the media that only they have, within a transaction."""
        self.unindex(numbers)
        for number in numbers:
            self._db.execute("DELETE FROM block WHERE run = ?", (number,))
            self._db.execute(
                "DELETE FROM media WHERE digest IN (SELECT digest FROM run_media WHERE run = ?1) "
                "AND digest NOT IN (SELECT digest FROM run_media WHERE run != ?1)",
                (number,),
            )
            self._db.execute("DELETE FROM run_media WHERE run = ?", (number,))
            self._db.execute("DELETE FROM run WHERE id = ?", (number,))

    def unindex(self, numbers: Sequence[int]) -> None:
        """Take entries out of the search index, before their texts change."""
        for number in numbers:
            found = self._db.execute(
                "SELECT question, answer FROM run WHERE id = ? AND indexed", (number,)
            ).fetchone()
            if found is not None:
                with suppress(sqlite3.OperationalError):  # this build of SQLite has no FTS5
                    self._db.execute(
                        "INSERT INTO search_index (search_index, rowid, question, answer) VALUES ('delete', ?, ?, ?)",
                        (number, *found),
                    )
                self._db.execute("UPDATE run SET indexed = 0 WHERE id = ?", (number,))
