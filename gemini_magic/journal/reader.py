"""Reading the journal: what is in it, where a text stands in it, what went over the wire; and forgetting.

It belongs to the thread that opened it and writes only what reading needs: the index, and the end of runs whose
process has ended.
"""

from __future__ import annotations

import sqlite3
import time
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from .database import Database
from .entries import Begun, Ended, Entry, Summary
from .errors import Trouble, plainly
from .migrations import INDEX
from .owner import Process

__all__ = ["JournalReader"]

_ENTRY = """SELECT id, started, model, backend, question, before, status, answer, tokens, host, pid, born, beat
    FROM run WHERE id = ?"""
_SIDES = ("", "-wal")
_NEWEST = "ORDER BY id DESC LIMIT ?"  # numbers grow as answers are asked for


class JournalReader(Database):
    """An open journal for who looks something up.

    Args:
        path: the file.
        wait: seconds to wait for a lock.

    Raises:
        Trouble: it cannot be opened.
    """

    def __init__(self, path: Path, *, wait: float = 5.0) -> None:
        super().__init__(path, wait=wait)
        self._db.create_function("holds", 2, _holds, deterministic=True)

    def summary(self) -> Summary:
        """The journal in figures."""
        with plainly():
            found = self._db.execute("SELECT count(*), min(started) FROM run").fetchone()
            sides = [self.path.with_name(self.path.name + side) for side in _SIDES]
            return Summary(found[0], sum(side.stat().st_size for side in sides if side.exists()), found[1])

    # -- which there are

    def newest(self, count: int, *, before: float | None = None, skip: int = 0) -> list[int]:
        """The numbers of the newest entries, newest first.

        Args:
            count: how many at most, -1 for all.
            before: only those that were asked earlier, in seconds since 1970.
            skip: how many of them to leave out.
        """
        early, values = ("WHERE started < ?", [before]) if before is not None else ("", [])
        return self._numbers(f"{early} {_NEWEST} OFFSET ?", *values, count, skip)

    def entry(self, number: int) -> Entry | None:
        """One entry, None when there is none with this number."""
        with plainly():
            row = self._db.execute(_ENTRY, (number,)).fetchone()
        return None if row is None else _entry(row)

    def entries(self, numbers: Iterable[int]) -> Iterator[Entry]:
        """Those of the entries that there are, one at a time: their texts may be long."""
        return (entry for number in numbers if (entry := self.entry(number)) is not None)

    def _numbers(self, rest: str, *values: object) -> list[int]:
        with plainly():
            found = self._db.execute(f"SELECT id FROM run {rest}", values)  # noqa: S608 - own words
            return [int(row[0]) for row in found]

    def lines(self, number: int) -> bytes:
        """What went over the wire, as the lines of a recording; a damaged stream is read as far as it goes."""
        unzip, lines = zlib.decompressobj(), list[bytes]()
        with plainly(), suppress(zlib.error):
            for row in self._db.execute("SELECT lines FROM block WHERE run = ? ORDER BY id", (number,)):
                lines.append(unzip.decompress(row[0]))
        return b"".join(lines)

    # -- searching

    def search(self, words: Sequence[str], count: int) -> list[int]:
        """The numbers of the newest entries whose question or answer holds all the words, newest first.

        Whole words are looked for first, ``word*`` for its beginning; if none is found, any part of the texts.

        Args:
            words: words, or phrases of several.
            count: how many at most.
        """
        if not self._index():
            return self._holding(words, count)
        try:
            query = " ".join(_quoted(word) for word in words)
            matching = "id IN (SELECT rowid FROM found WHERE found MATCH ?)"
            found = self._numbers(f"WHERE {matching} {_NEWEST}", query, count)
        except Trouble as trouble:
            if trouble.kind != "refused":
                raise
            found = []  # nothing in it that is a word
        arriving = self._holding(words, count, "NOT indexed AND ")
        return sorted({*found, *arriving}, reverse=True)[:count] or self._holding(words, count)

    def _holding(self, words: Sequence[str], count: int, which: str = "") -> list[int]:
        held = " AND ".join("holds(question || char(10) || answer, ?)" for _ in words)
        parts = [word.removesuffix("*") for word in words]
        return self._numbers(f"WHERE {which}{held} {_NEWEST}", *parts, count)

    def _index(self) -> bool:
        """Bring the index up to date; False where it cannot be had."""
        try:
            with self.transaction():
                self._db.execute(INDEX)
                self._db.execute(
                    "INSERT INTO found (rowid, question, answer) "
                    "SELECT id, question, answer FROM run WHERE status IS NOT NULL AND NOT indexed"
                )
                self._db.execute("UPDATE run SET indexed = 1 WHERE status IS NOT NULL AND NOT indexed")
        except sqlite3.OperationalError:  # a build without it, a file that cannot be written, a lock
            return False
        return True

    # -- those that were left

    def settle(self, read: Callable[[Entry, bytes], Ended]) -> None:
        """Write the end of runs whose process ended before they did.

        Args:
            read: what an entry's lines say.
        """
        now = time.time()
        for entry in self.entries(self._numbers("WHERE status IS NULL")):
            if entry.left(now):
                ended = read(entry, self.lines(entry.id))
                try:
                    with plainly(), self.transaction():
                        self.end(entry.id, ended)
                except Trouble as trouble:
                    if trouble.kind not in ("busy", "refused"):
                        raise

    # -- forgetting

    def forget(self, numbers: Sequence[int]) -> bool:
        """Remove entries, and every trace of them in the file.

        Returns:
            Whether the disk holds nothing of them any more; another program that reads the file may delay that.
        """
        with plainly():
            with self.transaction():
                self.remove(numbers)
                if self._number("SELECT count(*) FROM sqlite_master WHERE name = 'found'"):
                    try:
                        self._db.execute("INSERT INTO found (found) VALUES ('optimize')")
                    except sqlite3.OperationalError:
                        return False  # this build of SQLite cannot search, and so cannot clean the index
            self.shrink()
            return not self._number("PRAGMA wal_checkpoint(TRUNCATE)")


def _entry(row: Sequence[Any]) -> Entry:
    number, started, model, backend, question, before, status, answer, tokens, *writer, beat = row
    ended = None if status is None else Ended(status, answer, tokens)
    return Entry(number, Begun(started, model, backend, question, before), ended, Process(*writer), beat)


def _holds(text: str, part: str) -> bool:
    return part.casefold() in text.casefold()


def _quoted(word: str) -> str:
    bare = word.removesuffix("*")
    return f'"{bare.replace(chr(34), chr(34) * 2)}"{"*" if bare != word else ""}'
