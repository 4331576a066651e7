"""Uploads that were stopped, so that the next one of the same content continues with what the server has.

The addresses of uploads are secrets: they are kept in the memory of this process only.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from typing import Final, NamedTuple

__all__ = ["STOPPED_UPLOADS", "StoppedUpload", "StoppedUploads", "UploadKey"]

_MOST: Final = 20
_LIFE: Final = (
    6 * 3600.0
)  # seconds; the server decides when an upload expires, this only removes what has certainly expired


class UploadKey(NamedTuple):
    """What identifies an upload: the server and key as a digest, and the content.

    Attributes:
        scope: the server and the key, as :meth:`UploadedFiles.scope` writes them.
        digest: SHA-256 of the content.
        mime_type: the type of the file.
    """

    scope: str
    digest: str
    mime_type: str


class StoppedUpload(NamedTuple):
    """An upload that the server can continue.

    Attributes:
        name: the id that the file will have.
        url: the address of the upload, which is a secret.
        chunk: bytes that are sent in one request.
        since: when it was stopped, in seconds of the monotonic clock.
    """

    name: str
    url: str
    chunk: int
    since: float

    def __repr__(self) -> str:
        return f"StoppedUpload(name={self.name!r})"


class StoppedUploads:
    """The stopped uploads of this process, the newest ones only."""

    def __init__(self) -> None:
        self._found: OrderedDict[UploadKey, StoppedUpload] = OrderedDict()
        self._lock = threading.Lock()

    def add(self, key: UploadKey, name: str, url: str, chunk: int) -> None:
        """Remember an upload."""
        with self._lock:
            self._found[key] = StoppedUpload(name, url, chunk, time.monotonic())
            self._found.move_to_end(key)
            while len(self._found) > _MOST:
                self._found.popitem(last=False)

    def take(self, key: UploadKey) -> StoppedUpload | None:
        """Return an upload and forget it, so that two streams never continue the same one."""
        with self._lock:
            found = self._found.pop(key, None)
        return found if found is not None and time.monotonic() - found.since < _LIFE else None


STOPPED_UPLOADS: Final = StoppedUploads()
