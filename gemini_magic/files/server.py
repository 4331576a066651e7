"""The files that were uploaded to a server: listing and deleting them, and forgetting which were uploaded.

A cell uploads large media by itself. The requests are short; they wait on the caller's thread.
"""

from __future__ import annotations

import builtins
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

import msgspec

from ..backends import Backend, FilesApi, RemoteFile, backend
from ..client import Key, endpoint_of, fetch_body
from ..config import CALL, resolve
from ..credentials import find_key
from ..errors import OptionError, WireError
from ..journaling import uploaded_files
from ..options import Options
from ..tables import Column, Columns, Rows

__all__ = [
    "FileRow",
    "FileServer",
    "RemoteFile",
    "delete",
    "file_name",
    "file_rows",
    "forget",
    "list",
    "seconds_left",
]

_MOST_PAGES = 100


class FileRow(NamedTuple):
    """One row of the table of files.

    Attributes:
        name: the id, such as ``files/abc123``.
        label: the name that the file had on the disk.
        mime_type, size, state: as the server reports them; size in bytes.
        expires: when the server deletes it, in local time.
        uri: the address that a request contains.
    """

    name: str
    label: str
    mime_type: str
    size: int | None
    state: str
    expires: str | None
    uri: str


class FileServer:
    """The files of one key at one server.

    Args:
        options: the address of the server and the limits.
        ask_key: asks the user for a key if none is found; None in a session without a user.

    Raises:
        OptionError: the backend has no files.
        CredentialsError: there is no key.
    """

    def __init__(self, options: Options, ask_key: Callable[[str], str] | None = None) -> None:
        self._options = options
        self._backend: Backend = backend(options.backend)
        if self._backend.files is None:
            raise OptionError(
                f"The {self._backend.name} backend has no files.", remedy=self._backend.upload_remedy
            )
        self._api: FilesApi = self._backend.files
        self._key: Key | None = find_key(self._backend, options, ask=ask_key)

    def files(self) -> builtins.list[RemoteFile]:
        """The files that the server has, in its order.

        Raises:
            GeminiMagicError: the server was not reached, or it answered with an error.
        """
        endpoint = endpoint_of(self._options)
        found: builtins.list[RemoteFile] = []
        page, seen = "", set[str]()
        for _ in range(_MOST_PAGES):
            value = self._fetched(self._api.list(endpoint, page))
            files, page = self._api.read_list(value)
            found += files
            if not page or page in seen:
                break
            seen.add(page)
        return found

    def file(self, name: str) -> RemoteFile:
        """One file by its id.

        Raises:
            WireError: the server's answer is not a file.
            GeminiMagicError: as :meth:`files`.
        """
        value = self._fetched(self._api.get(endpoint_of(self._options), file_name(name)))
        found = self._api.read(value)
        if found is None:
            raise WireError("The server's answer is not a file.", remedy="Check --base-url.")
        return found

    def delete(self, name: str) -> None:
        """Delete a file from the server, and forget it.

        Raises:
            GeminiMagicError: as :meth:`files`.
        """
        name = file_name(name)
        self._fetched(self._api.delete(endpoint_of(self._options), name))
        uploaded_files().remove([name])

    def _fetched(self, http: Any) -> dict[str, Any]:
        body = fetch_body(http, self._backend, self._options, self._key)
        try:
            value = msgspec.json.decode(body or b"{}")
        except (ValueError, RecursionError):
            value = None
        if not isinstance(value, dict):
            raise WireError("The server's answer is not a JSON object.", remedy="Check --base-url.")
        return value


def file_name(text: str) -> str:
    """The id of a file: ``files/abc123`` of ``abc123``, of itself, or of the file's address.

    Raises:
        OptionError: the text is not an id.
    """
    name = text.rpartition("/")[2]
    if not (name.isascii() and name.replace("-", "").replace("_", "").isalnum()):
        raise OptionError(
            f"{text!r} is not the id of a file.",
            remedy="`%gemini files list` shows the ids, such as files/abc123.",
        )
    return f"files/{name}"


def file_rows(files: Sequence[RemoteFile]) -> Rows[FileRow]:
    """The files as a table."""
    texts = ("name", "label", "mime_type", "size", "state", "expires", "uri")
    declared = [Column(name, "int64" if name == "size" else "string") for name in texts]
    columns: Columns[FileRow] = Columns(FileRow, declared, show_all=True)
    for each in files:
        expires = _local(each.expires)
        columns.append(each.name, each.display_name, each.mime_type, each.size, each.state, expires, each.uri)
    return Rows(columns)


def _local(moment: datetime | None) -> str | None:
    return None if moment is None else moment.astimezone().isoformat(" ", "minutes")


def list(**options: Any) -> Rows[FileRow]:  # noqa: A001 - `gemini_magic.files.list()`
    """List the files of the key at the server.

    Args:
        options: any option of ``%%gemini`` by name, such as ``backend`` or ``base_url``.

    Raises:
        UsageProblem: an option is not valid, there is no key, or the backend has no files.
        GeminiMagicError: the server was not reached, or it answered with an error.
    """
    return file_rows(FileServer(resolve(options, source=CALL)[0]).files())


def delete(name: str, **options: Any) -> None:
    """Delete a file from the server.

    Args:
        name: its id, such as ``files/abc123``.
        options: any option of ``%%gemini`` by name.

    Raises:
        UsageProblem, GeminiMagicError: as :func:`list`.
    """
    FileServer(resolve(options, source=CALL)[0]).delete(name)


def forget(name: str | None = None) -> int:
    """Forget which files were uploaded, so that the same content is uploaded again. Nothing is sent.

    Args:
        name: the id of one file; None for all.

    Returns:
        How many files were remembered.
    """
    return uploaded_files().remove(None if name is None else [file_name(name)])


def seconds_left(file: RemoteFile) -> float | None:
    """Seconds until the server deletes a file; None if it did not report that."""
    return None if file.expires is None else (file.expires - datetime.now(UTC)).total_seconds()
