"""Uploads one file by itself, without a stream, and waits for it."""

from __future__ import annotations

import os
import time
from collections.abc import Callable

from ..backends import Backend, RemoteFile
from ..content import LocalFile
from ..errors import OptionError, StalledError
from ..options import Options
from .connection import Connection, ConnectionLost, TimedOut
from .interruptible import call_interruptibly
from .secret import Key
from .stopped_uploads import UploadKey
from .upload import Uploader

__all__ = ["upload_file"]


def upload_file(
    file: LocalFile,
    backend: Backend,
    options: Options,
    key: Key | None,
    *,
    on_progress: Callable[[int], None] | None = None,
) -> RemoteFile:
    """Upload a file and wait until the server can use it. Chunks that fail are sent again.

    Args:
        file: the file.
        backend: the dialect.
        options: the address and the limits.
        key: the key.
        on_progress: is called with the number of bytes that were sent, at most ten times a second.

    Raises:
        OptionError: the backend has no files.
        GeminiMagicError: the file cannot be read, or the server refused it or cannot be reached.
        Interrupted: the user interrupted it.
    """
    if backend.files is None:
        raise OptionError(f"The {backend.name} backend has no files.", remedy=backend.upload_remedy)
    connection = Connection(
        connect=options.connect_timeout,
        first_byte=options.first_byte_timeout,
        stall=options.stall_timeout,
        total=None,  # `--timeout` is for an answer
    )
    uploader = Uploader(backend.files, backend, options, key, connection)
    upload = UploadKey(os.urandom(8).hex(), file.digest, file.mime_type)  # no later upload continues this one
    events = _UploadProgress(connection, on_progress)
    try:
        return call_interruptibly(
            lambda: uploader.start_to_finish(file, upload, events, lambda _: None),
            connection,
            "gemini-upload",
            "Interrupted while a file was uploaded.",
        )
    except TimedOut:
        raise StalledError("The upload was not finished in time.", remedy="Try again.") from None


class _UploadProgress:
    """Reports how many bytes were sent, and waits."""

    def __init__(self, connection: Connection, report: Callable[[int], None] | None) -> None:
        self._connection = connection
        self._report = report
        self._next = 0.0

    def progress(self, sent: int) -> None:
        now = time.monotonic()
        if self._report is not None and now >= self._next:
            self._next = now + 0.1
            self._report(sent)

    def resumed(self, sent: int) -> None:
        self.progress(sent)

    def processing(self) -> None:
        """The server processes the file."""

    def wait(self, seconds: float) -> None:
        if self._connection.wait_cancelled(seconds):
            raise ConnectionLost(sent=False)

    def retry(self, why: str, seconds: float, attempt: int, of: int) -> None:  # noqa: ARG002 - views show them
        self.wait(seconds)
