"""Reads the journal: entries, search, recording lines; and removes entries.

A reader belongs to the thread that opened it. It writes only the search index and the end of answers whose process
has ended.
"""

from __future__ import annotations

import sqlite3
import time
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from ..media import StoredMedia
from .database import Database
from .entries import AnswerEnd, AnswerStart, Entry, Summary
from .errors import JournalFileError, translate_errors
from .migrations import INDEX
from .owner import WriterProcess

__all__ = ["JournalReader"]

_ENTRY = """SELECT id, started, model, backend, question, before, status, answer, tokens, host, pid, start_time, heartbeat
    FROM run WHERE id = ?"""
_SUFFIXES = ("", "-wal")
_NEWEST = "ORDER BY id DESC LIMIT ?"  # numbers grow in the order of the requests


class JournalReader(Database):
    """The journal, opened for reading.

    Args:
        path: the file.
        wait: seconds to wait for a lock.

    Raises:
        JournalFileError: it cannot be opened.
    """

    def __init__(self, path: Path, *, wait: float = 5.0) -> None:
        super().__init__(path, wait=wait)
        self._db.create_function("contains", 2, _contains, deterministic=True)

    def summary(self) -> Summary:
        """Return the number of entries, the size and the age of the journal."""
        with translate_errors():
            found = self._db.execute("SELECT count(*), min(started) FROM run").fetchone()
            files = [self.path.with_name(self.path.name + suffix) for suffix in _SUFFIXES]
            return Summary(found[0], sum(file.stat().st_size for file in files if file.exists()), found[1])

    # -- entries

    def newest(self, count: int, *, before: float | None = None, skip: int = 0) -> list[int]:
        """Return the numbers of the newest entries, newest first.

        Args:
            count: how many at most, -1 for all.
            before: only entries requested before this Unix time in seconds.
            skip: how many of the newest to leave out.
        """
        early, values = ("WHERE started < ?", [before]) if before is not None else ("", [])
        return self._numbers(f"{early} {_NEWEST} OFFSET ?", *values, count, skip)

    def same_request(self, identity: bytes, count: int) -> list[int]:
        """Return the numbers of the newest complete answers to the same request, newest first, ``count`` at most."""
        return self._numbers(f"WHERE identity = ? AND status = 'complete' {_NEWEST}", identity, count)

    def entry(self, number: int) -> Entry | None:
        """Return one entry, None if no entry has this number."""
        with translate_errors():
            row = self._db.execute(_ENTRY, (number,)).fetchone()
        return None if row is None else _entry(row)

    def entries(self, numbers: Iterable[int]) -> Iterator[Entry]:
        """Yield the entries that exist, one at a time because their texts may be long."""
        return (entry for number in numbers if (entry := self.entry(number)) is not None)

    def _numbers(self, rest: str, *values: object) -> list[int]:
        with translate_errors():
            found = self._db.execute(f"SELECT id FROM run {rest}", values)  # noqa: S608 - our own SQL
            return [int(row[0]) for row in found]

    def lines(self, number: int) -> bytes:
        """Return the recording lines of an entry; a damaged stream is read up to the damage."""
        unzip, lines = zlib.decompressobj(), list[bytes]()
        with translate_errors(), suppress(zlib.error):
            for row in self._db.execute("SELECT lines FROM block WHERE run = ? ORDER BY id", (number,)):
                lines.append(unzip.decompress(row[0]))
        return b"".join(lines)

    def media(self, number: int) -> dict[str, StoredMedia]:
        """Return the media of an entry's requests by their digest."""
        query = (
            "SELECT digest, type, data FROM run_media JOIN media USING (digest) WHERE run = ? ORDER BY digest"
        )
        with translate_errors():
            found = self._db.execute(query, (number,)).fetchall()
        return {digest: StoredMedia(digest, kind, len(data), data) for digest, kind, data in found}

    # -- searching

    def search(self, words: Sequence[str], count: int) -> list[int]:
        """Return the numbers of the newest entries whose question or answer contains all words, newest first.

        Whole words match first, and ``word*`` matches a prefix; if nothing is found, any part of the text matches.

        Args:
            words: words, or phrases of several words.
            count: how many at most.
        """
        if not self._update_index():
            return self._containing(words, count)
        try:
            query = " ".join(_quoted(word) for word in words)
            matching = "id IN (SELECT rowid FROM search_index WHERE search_index MATCH ?)"
            found = self._numbers(f"WHERE {matching} {_NEWEST}", query, count)
        except JournalFileError as error:
            if error.kind != "failed":
                raise
            found = []  # the query contains nothing that FTS5 reads as a word
        arriving = self._containing(words, count, "NOT indexed AND ")
        return sorted({*found, *arriving}, reverse=True)[:count] or self._containing(words, count)

    def _containing(self, words: Sequence[str], count: int, which: str = "") -> list[int]:
        contains = " AND ".join("contains(question || char(10) || answer, ?)" for _ in words)
        parts = [word.removesuffix("*") for word in words]
        return self._numbers(f"WHERE {which}{contains} {_NEWEST}", *parts, count)

    def _update_index(self) -> bool:
        """Bring the search index up to date; returns False if this is not possible."""
        try:
            with self.transaction():
                self._db.execute(INDEX)
                self._db.execute(
                    "INSERT INTO search_index (rowid, question, answer) "
                    "SELECT id, question, answer FROM run WHERE status IS NOT NULL AND NOT indexed"
                )
                self._db.execute("UPDATE run SET indexed = 1 WHERE status IS NOT NULL AND NOT indexed")
        except sqlite3.OperationalError:  # SQLite without FTS5, a read-only file, a lock
            return False
        return True

    # -- abandoned entries

    def close_abandoned(self, read: Callable[[Entry, bytes], AnswerEnd]) -> None:
        """Write the end of entries whose process ended before they did.

        Args:
            read: returns the end of an entry, given its recording lines.
        """
        now = time.time()
        for entry in self.entries(self._numbers("WHERE status IS NULL")):
            if entry.is_abandoned(now):
                end = read(entry, self.lines(entry.id))
                try:
                    with translate_errors(), self.transaction():
                        self.end(entry.id, end)
                except JournalFileError as error:
                    if error.kind not in ("busy", "failed"):
                        raise

    # -- removing

    def forget(self, numbers: Sequence[int]) -> bool:
        """Remove entries, and every trace of them in the file.

        Returns:
            Whether nothing of them is left on the disk; another program that reads the file can delay this.
        """
        with translate_errors():
            with self.transaction():
                self.remove(numbers)
                if self._number("SELECT count(*) FROM sqlite_master WHERE name = 'search_index'"):
                    try:
                        self._db.execute("INSERT INTO search_index (search_index) VALUES ('optimize')")
                    except sqlite3.OperationalError:
                        return False  # this build of SQLite has no FTS5, so it cannot clean the index
            self.shrink()
            return not self._number("PRAGMA wal_checkpoint(TRUNCATE)")


def _entry(row: Sequence[Any]) -> Entry:
    number, started, model, backend, question, before, status, answer, tokens, *writer, heartbeat = row
    end = None if status is None else AnswerEnd(status, answer, tokens)
    return Entry(
        number, AnswerStart(started, model, backend, question, before), end, WriterProcess(*writer), heartbeat
    )


def _contains(text: str, part: str) -> bool:
    return part.casefold() in text.casefold()


def _quoted(word: str) -> str:
    bare = word.removesuffix("*")
    return f'"{bare.replace(chr(34), chr(34) * 2)}"{"*" if bare != word else ""}'
