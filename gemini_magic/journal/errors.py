"""Errors of the journal's file: SQLite's and the system's errors translated, and renaming a damaged file."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Literal

__all__ = ["JournalFileError", "rename_damaged", "translate_errors"]

_SUFFIXES = ("-wal", "-shm")

Kind = Literal["busy", "damaged", "newer", "failed"]


class JournalFileError(Exception):
    """The journal's file cannot be used now.

    Attributes:
        kind: ``busy``: another program has locked it; ``damaged``: it is not a valid journal; ``newer``: a later
            version wrote it; ``failed``: anything else, such as a full disk.
        reason: the reason, as part of a sentence.
    """

    def __init__(self, kind: Kind, reason: str) -> None:
        super().__init__(reason)
        self.kind = kind
        self.reason = reason


@contextmanager
def translate_errors() -> Iterator[None]:
    """Raise a :class:`JournalFileError` in place of SQLite's and the system's errors."""
    try:
        yield
    except sqlite3.Error as error:
        code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF
        if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
            raise JournalFileError("busy", "another program has locked it") from error
        damaged = code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
        raise JournalFileError("damaged" if damaged else "failed", str(error)) from error
    except OSError as error:
        raise JournalFileError("failed", error.strerror or str(error)) from error


def rename_damaged(path: Path, inode: int | None = None) -> Path | None:
    """Rename a damaged file.

    Args:
        path: the file.
        inode: inode of the damaged file; another kernel may have created a new file meanwhile.

    Returns:
        The new path, or None if ``path`` is another file now.

    Raises:
        JournalFileError: the file cannot be renamed.
    """
    stamp = time.strftime("%Y%m%d-%H%M%S")
    with translate_errors():
        if inode is not None and path.stat().st_ino != inode:
            return None
        other = path.with_name(f"{path.stem}-damaged-{stamp}{path.suffix}")
        for suffix in _SUFFIXES:
            with suppress(FileNotFoundError):
                path.with_name(path.name + suffix).rename(other.with_name(other.name + suffix))
        path.rename(other)
    return other
