"""Errors of SQLite and of the system in words, with a remedy."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ..errors import StoreError
from .store_sqlite import sqlite3

__all__ = ["store_error", "store_errors"]


def store_error(path: Path, error: Exception, doing: str = "read") -> StoreError:
    """Return an error of SQLite or of the system in words, with a remedy.

    Args:
        path: the store.
        error: what was raised.
        doing: ``read``, ``written`` or ``opened``.
    """
    if isinstance(error, StoreError):
        return error
    if isinstance(error, OSError):
        return StoreError(
            f"{path} cannot be {doing}: {error.strerror or error}.",
            remedy="Choose another file with store=PATH.",
        )
    code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF
    if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return StoreError(
            f"{path} cannot be {doing}: another program has locked it.",
            remedy="Close the program that writes to it, and run the cell again.",
        )
    if code == sqlite3.SQLITE_NOTADB:
        return StoreError(
            f"{path} is not a store of rows: it is not an SQLite file.",
            remedy="Choose another file with store=PATH; this one is left unchanged.",
        )
    if code == sqlite3.SQLITE_CORRUPT:
        return StoreError(
            f"{path} is damaged ({error}).",
            remedy=f"Put a copy in its place, or save what is readable with `sqlite3 {path.name} .recover`.",
        )
    if code in (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR):
        return StoreError(
            f"{path} cannot be {doing}: {error}.",
            remedy="Free some space on the disk, and run the cell again; answers that are stored stay.",
        )
    if code in (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM, sqlite3.SQLITE_CANTOPEN):
        return StoreError(
            f"{path} cannot be {doing}: {error}.",
            remedy="Check the rights of the file and its folder, or choose another file with store=PATH.",
        )
    return StoreError(
        f"{path} cannot be {doing}: {type(error).__name__}: {error}.", remedy="Run the cell again."
    )


@contextmanager
def store_errors(path: Path, doing: str = "read") -> Iterator[None]:
    """Raise a :class:`~gemini_magic.errors.StoreError` in place of errors of SQLite and of the system."""
    try:
        yield
    except (sqlite3.Error, OSError) as error:
        raise store_error(path, error, doing) from error
