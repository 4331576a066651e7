"""Keeps the digests of files in a store, so that a later run does not read unchanged files to find their answers.

A file is known by a digest of its path, size and time of change: the store does not contain its name.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final, TypeVar

from ..errors import StoreError
from .images import FileState
from .store_sqlite import sqlite3

if TYPE_CHECKING:
    from .store_writer import GroupWriter

__all__ = ["StoredDigests"]

T = TypeVar("T")

_FIND: Final = "SELECT digest FROM file WHERE state = ?"
_KEEP: Final = "INSERT OR REPLACE INTO file VALUES (?, ?)"
_GROUP: Final = 100  # digests that are written at once
_SECONDS: Final = 1.0  # after which fewer are written


class StoredDigests:
    """The digests of files of one store.

    Args:
        query: reads from the store.
        writing: returns its writer; it raises :class:`~gemini_magic.errors.StoreError` if the store is not open for writing.
    """

    def __init__(
        self, query: Callable[[Callable[[sqlite3.Connection], Any]], Any], writing: Callable[[], GroupWriter]
    ) -> None:
        self._query, self._writing = query, writing
        self._new: dict[bytes, bytes] = {}
        self._written = time.monotonic()

    def get(self, state: FileState) -> bytes | None:
        """Return the digest of a file in this state; None if it is not known."""
        name = _name(state)
        if name in self._new:
            return self._new[name]
        with suppress(StoreError):
            found = self._query(lambda db: db.execute(_FIND, (name,)).fetchone())
            return None if found is None else bytes(found[0])
        return None

    def put(self, state: FileState, digest: bytes) -> None:
        """Keep the digest of a file in this state."""
        self._new[_name(state)] = digest
        if len(self._new) >= _GROUP or time.monotonic() - self._written > _SECONDS:
            self.flush()

    def flush(self) -> None:
        """Write the new digests. If the store cannot be written, the files are read again in a later run."""
        new, self._new = self._new, {}
        self._written = time.monotonic()
        if new:
            with suppress(StoreError):
                self._writing().call(lambda db: db.executemany(_KEEP, list(new.items())))


def _name(state: FileState) -> bytes:
    from hashlib import sha256  # noqa: PLC0415 - only for rows with files

    path, size, changed = state
    return sha256(f"{path}\0{size}\0{changed}".encode("utf-8", "surrogateescape")).digest()[:16]
