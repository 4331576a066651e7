"""What can be wrong with the journal's file, in plain words; and how a damaged one makes room for a new one.

It knows SQLite's codes and the file's name, and nothing of what is in it.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Literal

__all__ = ["Trouble", "plainly", "set_aside"]

_SIDES = ("-wal", "-shm")

Kind = Literal["busy", "damaged", "newer", "refused"]


class Trouble(Exception):  # noqa: N818 - what is told, not what is caught
    """The file cannot be used now.

    Attributes:
        kind: ``busy``: another program holds it; ``damaged``: it is no journal (any more); ``newer``: it is of a
            later version; ``refused``: anything else, such as a full disk.
        words: why, as a part of a sentence.
    """

    def __init__(self, kind: Kind, words: str) -> None:
        super().__init__(words)
        self.kind = kind
        self.words = words


@contextmanager
def plainly() -> Iterator[None]:
    """Turn what SQLite and the system say into a ``Trouble``."""
    try:
        yield
    except sqlite3.Error as error:
        code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF
        if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
            raise Trouble("busy", "another program holds it locked") from error
        damaged = code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
        raise Trouble("damaged" if damaged else "refused", str(error)) from error
    except OSError as error:
        raise Trouble("refused", error.strerror or str(error)) from error


def set_aside(path: Path, inode: int | None = None) -> Path | None:
    """Give a damaged file another name; returns it, or None when the file is another one by now.

    Args:
        path: the file.
        inode: the file that was found damaged: another kernel may have begun a new one meanwhile.

    Raises:
        Trouble: it cannot be renamed.
    """
    stamp = time.strftime("%Y%m%d-%H%M%S")
    with plainly():
        if inode is not None and path.stat().st_ino != inode:
            return None
        other = path.with_name(f"{path.stem}-damaged-{stamp}{path.suffix}")
        for side in _SIDES:
            with suppress(FileNotFoundError):
                path.with_name(path.name + side).rename(other.with_name(other.name + side))
        path.rename(other)
    return other
