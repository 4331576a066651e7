"""The files that were uploaded to a server: listing and deleting them, and forgetting which were uploaded."""

from __future__ import annotations

from .server import FileRow, FileServer, RemoteFile, delete, file_name, file_rows, forget, list, seconds_left  # noqa: A004 - `gemini_magic.files.list()`

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
