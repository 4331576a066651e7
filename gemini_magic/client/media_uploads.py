"""Uploads the media of a stream before its request is sent, shows the progress in the ledger, and uses files again.

It runs on the reader's thread.
"""

from __future__ import annotations

import textwrap
import threading
import time
from collections.abc import Callable, Mapping

from ..backends import Backend, FilesApi, RemoteFile
from ..content import Blob, LocalFile, Request
from ..errors import ServiceError, StalledError
from ..events import Failure
from ..ledger import Ledger, Pause, Phase, Transfer
from ..media import readable_size
from ..options import Options
from .attempt import StreamJob
from .connection import Connection, ConnectionLost, TimedOut
from .endpoint import endpoint_of
from .exchange_writer import LedgerGuard
from .interruptible import call_interruptibly
from .media_plan import MediaPlan, name_of
from .secret import Key
from .stopped_uploads import UploadKey
from .upload import Uploader
from .uploaded_files import UploadedFiles

__all__ = ["MediaUploads", "uploaded_request"]

_REPORT = 0.1  # seconds between two changes of the progress
_REASON_WIDTH = 60  # characters of a reason


class MediaUploads:
    """The uploads of one stream.

    Args:
        job: what the stream does; it has a plan with uploads.
        api: the Files API of its backend.
        ledger, guard: the ledger, which shows the progress, and its guard.
        connection: the stream's connection.

    Attributes:
        files: the files by the digest of their content.
    """

    def __init__(
        self, job: StreamJob, api: FilesApi, ledger: Ledger, guard: LedgerGuard, connection: Connection
    ) -> None:
        self._job = job
        self._api = api
        self._ledger = ledger
        self._guard = guard
        self._connection = connection
        self._known = UploadedFiles() if job.uploaded is None else job.uploaded()
        self._scope = self._known.scope(api, endpoint_of(job.options), job.key)
        self.files: dict[str, RemoteFile] = {}
        self._reused: set[str] = set()  # digests of the media whose file was uploaded before

    def run(self) -> StreamJob:
        """Upload what was not uploaded before. Returns the job with the request that refers to the files.

        Raises:
            GeminiMagicError: a file cannot be read, or the server refused it or cannot be reached.
            ConnectionLost: the stream was cancelled.
            TimedOut: the total timeout was reached.
        """
        plan = self._job.plan
        media: Mapping[str, Blob | LocalFile] = {} if plan is None else plan.uploads
        for number, (digest, medium) in enumerate(media.items(), 1):
            if digest not in self.files:
                self.files[digest] = self._file(digest, medium, number, len(media))
        if plan is None:
            return self._job
        request, backend, endpoint = (
            plan.with_files(self.files),
            self._job.backend,
            endpoint_of(self._job.options),
        )
        with self._guard:
            self._ledger.set_phase("preparing")
        return self._job._replace(
            http=backend.encode(request, endpoint),
            whole=None
            if self._job.whole is None
            else backend.encode(request, endpoint._replace(form="whole")),
            files={file.uri: digest for digest, file in self.files.items()},
        )

    def renewed(self, failure: Failure | None) -> StreamJob | None:
        """Upload a file again that was used again, if the server no longer has it. Returns the job; None otherwise.

        Args:
            failure: why the request was refused.

        Raises:
            GeminiMagicError, ConnectionLost, TimedOut: as :meth:`run`.
        """
        if not self.forget_lost(failure):
            return None
        with self._guard:
            self._ledger.note(
                "upload-lost",
                "The server no longer has a file that was uploaded before. It is uploaded again.",
            )
        return self.run()

    def forget_lost(self, failure: Failure | None) -> bool:
        """Forget a file that was used again, if the server no longer has it. Returns whether there is one.

        Args:
            failure: why the request was refused.
        """
        name = "" if failure is None else self._api.missing(failure.message)
        gone = [digest for digest in self._reused if name and self.files[digest].name == name]
        if gone:
            self._known.remove([name])
        for digest in gone:
            self._reused.discard(digest)
            del self.files[digest]
        return bool(gone)

    def _file(self, digest: str, medium: Blob | LocalFile, number: int, of: int) -> RemoteFile:
        """The file of a medium, which is uploaded unless the server has it."""
        label = name_of(medium)
        uploader = Uploader(self._api, self._job.backend, self._job.options, self._job.key, self._connection)
        events = _Progress(self._ledger, self._guard, self._connection, medium, (number, of))
        known = self._known.find(self._scope, digest, medium.mime_type)
        if known is not None and (file := self._ready(known.remote(), uploader, events)) is not None:
            self._reused.add(digest)
            if file.state != known.state:
                self._remember(digest, medium, file)
            message = (
                f"{label} was uploaded before: the server still has the same content, which is used again."
            )
            self._note("upload-reused", message)
            return file
        began = time.perf_counter()
        events.progress(0)
        key = UploadKey(self._scope, digest, medium.mime_type)
        file = uploader.start_to_finish(
            medium, key, events, lambda made: self._remember(digest, medium, made)
        )
        took = time.perf_counter() - began
        until = (
            "" if file.expires is None else f"; the server deletes it at {file.expires:%Y-%m-%d %H:%M} UTC"
        )
        self._note("uploaded", f"{label} ({readable_size(events.size)}) was uploaded in {took:.1f} s{until}.")
        return file

    def _ready(self, file: RemoteFile, uploader: Uploader, events: _Progress) -> RemoteFile | None:
        """A file that was uploaded before, once it can be used; None if the server does not have it any more."""
        try:
            return uploader.wait_until_active(file, file.display_name, events)
        except ServiceError:
            self._known.remove([file.name])
            return None

    def _remember(self, digest: str, medium: Blob | LocalFile, file: RemoteFile) -> None:
        self._known.add(self._scope, digest, medium.mime_type, name_of(medium), file)

    def _note(self, kind: str, message: str) -> None:
        with self._guard:
            self._ledger.note(kind, message)


def uploaded_request(
    plan: MediaPlan,
    backend: Backend,
    options: Options,
    key: Key | None,
    known: UploadedFiles,
    *,
    on_wait: Callable[[Ledger], None] | None = None,
) -> Request:
    """Upload the media of a request and wait for it. Returns the request that refers to the files.

    The upload runs on another thread, so that an interrupt ends the wait at once.

    Args:
        plan: the request and its uploads.
        backend: the dialect.
        options: the address and the limits.
        key: the key.
        known: the files that were uploaded before.
        on_wait: is called again and again during the wait, with the ledger that shows the progress.

    Raises:
        GeminiMagicError: a file cannot be read, or the server refused it or cannot be reached.
        StalledError: the total timeout was reached.
        Interrupted: the user interrupted it.
    """
    if not plan.uploads or backend.files is None:
        return plan.request
    connection = Connection(
        connect=options.connect_timeout,
        first_byte=options.first_byte_timeout,
        stall=options.stall_timeout,
        total=options.timeout,
    )
    http = backend.encode(plan.request, endpoint_of(options))
    job = StreamJob(http, backend, options, key, plan=plan, uploaded=lambda: known)
    guard = LedgerGuard(threading.Lock(), connection, lambda: None)
    ledger = Ledger(plan.request)
    uploads = MediaUploads(job, backend.files, ledger, guard, connection)
    message = "Interrupted while media were uploaded. Nothing was sent to the model."
    try:
        waiting = None if on_wait is None else lambda: on_wait(ledger)
        call_interruptibly(uploads.run, connection, "gemini-upload", message, waiting)
    except TimedOut:
        raise StalledError("The upload was not finished in time.", remedy="Increase --timeout.") from None
    return plan.with_files(uploads.files)


class _Progress:
    """Shows the progress of one upload in the ledger.

    Args:
        ledger, guard: the ledger and its guard.
        connection: the stream's connection.
        medium: what is uploaded.
        position: which of how many uploads it is, from 1.

    Attributes:
        size: bytes of the medium.
    """

    def __init__(
        self,
        ledger: Ledger,
        guard: LedgerGuard,
        connection: Connection,
        medium: Blob | LocalFile,
        position: tuple[int, int],
    ) -> None:
        self.size = len(medium.data) if isinstance(medium, Blob) else medium.size
        self._ledger = ledger
        self._guard = guard
        self._connection = connection
        self._state = Transfer(name_of(medium), 0, self.size, *position, since=self._elapsed())
        self._next = 0.0
        self._phase: Phase = "preparing"

    def _elapsed(self) -> float:
        return time.perf_counter() - self._connection.opened

    def progress(self, sent: int) -> None:
        """Show how many bytes were sent, at most ten times a second."""
        now = time.perf_counter()
        if self._phase == "uploading" and now < self._next and sent < self.size:
            return
        self._next = now + _REPORT
        self._state = self._state._replace(sent=sent)
        self._show("uploading", self._state)

    def resumed(self, sent: int) -> None:
        """Show where an upload that was stopped before continues."""
        message = (
            f"The upload of {self._state.name} was stopped before: it continues after {readable_size(sent)}."
        )
        with self._guard:
            self._ledger.note("upload-resumed", message)
        self.progress(sent)

    def processing(self) -> None:
        """Show that the server processes the file."""
        if self._phase != "processing":
            self._state = self._state._replace(sent=self.size, since=self._elapsed())
        self._show("processing", self._state)

    def retry(self, why: str, seconds: float, attempt: int, of: int) -> None:
        """Show why another attempt follows, and wait."""
        reason = textwrap.shorten(why, _REASON_WIDTH, placeholder=" …")
        with self._guard:
            self._ledger.note("retry", f"Attempt {attempt - 1} of an upload failed: {why}.")
        self._show("retrying", Pause(reason, self._elapsed() + seconds, attempt, of))
        self.wait(seconds)

    def wait(self, seconds: float) -> None:
        """Wait.

        Raises:
            ConnectionLost: the stream was cancelled.
            TimedOut: the total timeout was reached.
        """
        if self._connection.wait_cancelled(self._connection.limit_wait(seconds)):
            raise ConnectionLost(sent=False)
        self._connection.limit_wait(0.0)

    def _show(self, phase: Phase, pause: Pause | Transfer) -> None:
        self._phase = phase
        with self._guard:
            self._ledger.set_phase(phase, pause)
