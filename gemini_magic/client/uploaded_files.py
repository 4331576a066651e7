"""Remembers which media were uploaded to which server, so that the same content is not uploaded again.

The list is a file that only its owner can read. It holds no key: a server and a key, or a project, are a salted digest.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

from ..backends import Endpoint, FilesApi, RemoteFile
from ..private_files import replace_private
from .secret import Key

__all__ = ["UploadedFile", "UploadedFiles"]

_MOST = 1000  # files that are remembered
_MARGIN = timedelta(minutes=15)  # before the end of a file in which it is not used again
_LIFE = timedelta(hours=47)  # of a file for which the server names no end
_PROJECT = (
    "x-goog-user-project"  # the header that names the project of a sign-in, whose token changes every hour
)


class UploadedFile(NamedTuple):
    """An uploaded file.

    Attributes:
        scope: the server and the key or project, as a salted digest.
        digest: SHA-256 of the content, in hexadecimal.
        mime_type: the type as it was uploaded.
        name, uri: the file's id and address at the server.
        label: its name for people.
        state: ``ACTIVE``, or ``PROCESSING`` if it was not known to be ready.
        size: in bytes.
        expires: Unix time in seconds at which the server deletes it.
    """

    scope: str
    digest: str
    mime_type: str
    name: str
    uri: str
    label: str
    state: str
    size: int
    expires: float

    def remote(self) -> RemoteFile:
        """The file as a server describes it."""
        expires = datetime.fromtimestamp(self.expires, UTC)
        return RemoteFile(
            self.name, self.uri, self.label, self.mime_type, self.size, self.state, None, expires, self.digest
        )


class UploadedFiles:
    """The list in one file; without a file, it is kept in memory only.

    A file that cannot be read or written is ignored: the media are uploaded again then.

    Args:
        path: the file; None for memory only.
    """

    def __init__(self, path: Path | None = None) -> None:
        self._path = path
        self._kept: dict[str, Any] = {}

    def scope(self, api: FilesApi, endpoint: Endpoint, key: Key | None) -> str:
        """The name of a server and a key, or of the key's project, in this list."""
        from hashlib import sha256  # noqa: PLC0415 - only for uploads

        stored = self._load()
        salt = stored.get("salt")
        if not isinstance(salt, str) or not salt:
            salt = os.urandom(16).hex()
            self._save({**stored, "salt": salt})
        project = (
            None
            if key is None
            else next((text for name, text in key.headers if name.lower() == _PROJECT), None)
        )
        owner = project or ("" if key is None else key.value.reveal())
        address = api.list(endpoint, "").url
        return sha256(f"{salt}\n{address}\n{owner}".encode("utf-8", "replace")).hexdigest()[:32]

    def find(self, scope: str, digest: str, mime_type: str) -> UploadedFile | None:
        """The newest file with this content that the server still has for some time; None if there is none."""
        soon = (datetime.now(UTC) + _MARGIN).timestamp()
        for each in reversed(self.files(scope)):
            if (each.digest, each.mime_type) == (digest, mime_type) and each.expires > soon:
                return each
        return None

    def files(self, scope: str | None = None) -> list[UploadedFile]:
        """The files that have not expired, oldest first.

        Args:
            scope: only those of this server and key; None for all.
        """
        now = datetime.now(UTC).timestamp()
        found = self._load().get("files")
        files = [_read(each) for each in found] if isinstance(found, list) else []
        return [
            each for each in files if each is not None and each.expires > now and scope in (None, each.scope)
        ]

    def add(self, scope: str, digest: str, mime_type: str, label: str, file: RemoteFile) -> None:
        """Remember an uploaded file."""
        expires = file.expires or datetime.now(UTC) + _LIFE
        new = UploadedFile(
            scope,
            digest,
            mime_type,
            file.name,
            file.uri,
            label,
            file.state,
            file.size or 0,
            expires.timestamp(),
        )
        self._change(lambda files: [*(each for each in files if each.name != new.name), new][-_MOST:])

    def remove(self, names: Iterable[str] | None = None, scope: str | None = None) -> int:
        """Forget files; returns how many were remembered.

        Args:
            names: the ids of the files; None for all.
            scope: only those of this server and key; None for all.
        """
        gone = None if names is None else set(names)
        before = self.files()
        left = [
            each
            for each in before
            if (gone is not None and each.name not in gone) or scope not in (None, each.scope)
        ]
        self._change(lambda _: left)
        return len(before) - len(left)

    def _change(self, change: Callable[[list[UploadedFile]], list[UploadedFile]]) -> None:
        stored = self._load()
        self._save({**stored, "files": [each._asdict() for each in change(self.files())]})

    def _load(self) -> dict[str, Any]:
        if self._path is None:
            return self._kept
        try:
            found = json.loads(self._path.read_bytes())
        except (OSError, ValueError, RecursionError):
            found = None
        return found if isinstance(found, dict) else self._kept

    def _save(self, value: dict[str, Any]) -> None:
        """Replace the file, so that it is never half written."""
        self._kept = value
        if self._path is None:
            return
        with suppress(OSError):
            replace_private(self._path, json.dumps(value, indent=1).encode())


def _read(value: Any) -> UploadedFile | None:
    """A stored file; None if the entry is damaged."""
    try:
        texts: list[Any] = [value[name] for name in UploadedFile._fields[:-2]]
        size, expires = int(value["size"]), float(value["expires"])
    except (TypeError, KeyError, ValueError, OverflowError):
        return None
    if not all(isinstance(text, str) for text in texts) or not 0 <= expires < 1e11:  # noqa: PLR2004 - the year 5138
        return None
    return UploadedFile._make((*texts, size, expires))
