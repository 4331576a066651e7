"""Uploads one medium by Google's resumable protocol: in chunks from the disk, resumed after a cut, until it can be used.

The address of an upload is a secret: anyone who has it can write into the upload. It is in no error, note or record. It is
used on the host of the API only, whatever host the server names, so that no other host gets the file.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable
from typing import Any, NamedTuple, Protocol
from urllib.parse import SplitResult, urlsplit

from ..backends import Backend, FilesApi, HttpRequest, RemoteFile, with_headers
from ..content import Blob, LocalFile
from ..endings import service_error
from ..errors import ConnectionFailed, GeminiMagicError, PromptError, ServiceError, StalledError, WireError
from ..events import Failure
from ..options import Options
from ..text import one_line
from .connection import Connection, ConnectionLost, HostUnreachable, TimedOut
from .endpoint import endpoint_of
from .known_models import with_remedy
from .media_plan import name_of
from .retry import backoff, worth_retrying
from .secret import Key, add_key, strip_traceback
from .stopped_uploads import STOPPED_UPLOADS, UploadKey
from .transport import RequestContent, send
from .upload_content import ChunkContent, check_digest

__all__ = ["UploadEvents", "Uploader"]

_CHUNK = 2**23  # bytes; the granularity that the API asks for
_MAX_CHUNK = 2**30  # bytes
_MAX_ANSWER = 2**20  # bytes
# Seconds between two looks at a file that the server processes; the last repeats.
_POLLS = (1.0, 1.5, 2.0, 3.0, 5.0)
_MAX_PROCESSING = 1800.0  # seconds
_MIME_TYPE = re.compile(r"[!-~]+/[ -~]+")
_PATH = re.compile(r"/[!-~]+")
_NO_API = (404, 405, 501)
_NO_API_REMEDY = "The server at --base-url may have no Files API. To send the media inside the request, increase --inline-limit."
_GONE = (404, 410)  # the server does not know the upload any more


class UploadEvents(Protocol):
    """Receives what happens, for views, and waits."""

    def progress(self, sent: int) -> None:
        """So many bytes of the file were sent."""

    def resumed(self, sent: int) -> None:
        """An upload that was stopped before continues after so many bytes."""

    def processing(self) -> None:
        """The server processes the file."""

    def wait(self, seconds: float) -> None:
        """Wait; raises ``ConnectionLost`` if the stream is cancelled, and ``TimedOut`` at the total timeout."""

    def retry(self, why: str, seconds: float, attempt: int, of: int) -> None:
        """Wait before another attempt, as :meth:`wait` does."""


class _Answer(NamedTuple):
    """A response: its status, its headers in lower case, and its body with the key masked."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def ok(self) -> bool:
        return 200 <= self.status < 300  # noqa: PLR2004 - HTTP

    @property
    def upload_status(self) -> str:
        """``active``, ``final`` or ``cancelled``; empty if the answer is not of the upload protocol."""
        return self.headers.get("x-goog-upload-status", "").strip().lower()

    def value(self) -> Any:
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError):
            return None


def _count(text: str | None) -> int | None:
    """The number in a header; None if there is none."""
    text = (text or "").strip()
    return int(text) if text.isascii() and text.isdigit() and len(text) < 20 else None  # noqa: PLR2004


class _Session(NamedTuple):
    """An upload in progress.

    Attributes:
        medium: what is uploaded; ``label``: its name for people, ``size``: its bytes.
        name: the id that the file will have.
        url: the address of the upload, which is a secret.
        chunk: bytes that are sent in one request.
    """

    medium: Blob | LocalFile
    label: str
    name: str
    url: str
    size: int
    chunk: int


class _Failed(Exception):  # noqa: N818 - named after what happened
    """An attempt failed.

    Attributes:
        error: what to raise if no other attempt follows; ``code``: its HTTP status, None without one.
        retryable: whether another attempt may help.
        wait: seconds that the server asks to wait, None where it does not.
    """

    def __init__(self, error: GeminiMagicError, *, retryable: bool, wait: float | None = None) -> None:
        super().__init__(error.message)
        self.code = getattr(error, "code", None)
        self.error = error
        self.retryable = retryable
        self.wait = wait


class Uploader:
    """Uploads media to one server, one after the other, on the caller's thread.

    Args:
        api: the Files API of the backend.
        backend, options, key: the dialect, the address and the limits, and the key.
        connection: the stream's connection, which another thread may shut down.
    """

    def __init__(
        self, api: FilesApi, backend: Backend, options: Options, key: Key | None, connection: Connection
    ) -> None:
        self._api = api
        self._backend = backend
        self._options = options
        self._key = key
        self._connection = connection
        self._endpoint = endpoint_of(options)
        self._secrets: list[str] = []  # addresses of uploads, and the ids in them

    def start_to_finish(
        self,
        medium: Blob | LocalFile,
        key: UploadKey,
        events: UploadEvents,
        uploaded: Callable[[RemoteFile], None],
    ) -> RemoteFile:
        """Upload a medium and wait until it can be used. An upload of the same content that was stopped continues.

        Args:
            medium: the medium.
            key: identifies the upload.
            events: receives the progress.
            uploaded: called when the server has all of it, and again when it can be used.

        Raises:
            GeminiMagicError: the file cannot be read, or the server refused it or cannot be reached.
            ConnectionLost: the stream was cancelled.
            TimedOut: the total timeout was reached.
        """
        file = self._uploaded(medium, key, events)
        if file.state != "FAILED":
            uploaded(file)
        ready = self.wait_until_active(file, name_of(medium), events)
        if ready is not file:
            uploaded(ready)
        return ready

    # -- the steps of an upload

    def _uploaded(self, medium: Blob | LocalFile, key: UploadKey, events: UploadEvents) -> RemoteFile:
        stopped = STOPPED_UPLOADS.take(key)
        for _ in range(2 if stopped is None else 3):
            if stopped is None:
                session = self._start(medium, events)
            else:
                size = len(medium.data) if isinstance(medium, Blob) else medium.size
                session = _Session(medium, name_of(medium), stopped.name, stopped.url, size, stopped.chunk)
                self._hide(urlsplit(stopped.url))
            try:
                file = self._send_all(session, events, resumed=stopped is not None)
            except BaseException:
                STOPPED_UPLOADS.add(key, session.name, session.url, session.chunk)
                raise
            stopped = None
            if file is not None:
                check_digest(medium, file)
                return file
            events.progress(0)
        raise WireError(
            f"The upload of {name_of(medium)} was interrupted, and the server does not know it any more.",
            remedy="Run the cell again.",
        )

    def _start(self, medium: Blob | LocalFile, events: UploadEvents) -> _Session:
        """Begin an upload."""
        size = len(medium.data) if isinstance(medium, Blob) else medium.size
        label, name = name_of(medium), f"files/gm-{os.urandom(16).hex()}"
        if not _MIME_TYPE.fullmatch(medium.mime_type):
            raise PromptError(
                f"{one_line(medium.mime_type)!r} is not a valid MIME type.",
                remedy="Use one such as image/png.",
            )
        http = self._api.start(self._endpoint, name, label, medium.mime_type, size)
        try:
            answer = self._retried(lambda: self._request(http, f"Uploading {label}"), events)
        except ServiceError as refused:
            if refused.code in _NO_API:
                refused.remedy = _NO_API_REMEDY
            raise
        target = urlsplit(answer.headers.get("x-goog-upload-url", ""))
        path = f"{target.path}?{target.query}" if target.query else target.path
        if not _PATH.fullmatch(path):
            raise WireError(
                f"The server accepted the upload of {label} but named no address for it.",
                remedy="Check --base-url: the server may not have the Files API.",
            )
        self._hide(target)
        own = urlsplit(http.url)
        granularity = _count(answer.headers.get("x-goog-upload-chunk-granularity"))
        if granularity is None or not 0 < granularity <= _MAX_CHUNK:
            granularity = _CHUNK
        chunk = max(granularity, _CHUNK // granularity * granularity)
        return _Session(medium, label, name, f"{own.scheme}://{own.netloc}{path}", size, chunk)

    def _hide(self, address: SplitResult) -> None:
        """Keep the address of an upload, and the ids in it, out of messages."""
        path = f"{address.path}?{address.query}" if address.query else address.path
        # The longest first: a part of it must not be replaced before the whole.
        self._secrets += sorted(
            {path, address.query, *(pair.partition("=")[2] for pair in address.query.split("&"))},
            key=len,
            reverse=True,
        )

    def _send_all(
        self, session: _Session, events: UploadEvents, *, resumed: bool = False
    ) -> RemoteFile | None:
        """Send the chunks. Returns the file; None if the server does not know the upload any more.

        Args:
            session: the upload.
            events: receives the progress.
            resumed: whether the upload was stopped before, so that the server may have a part.
        """
        sent = most = failures = 0
        if resumed:
            state = self._known_state(session)
            if not isinstance(state, int):
                return state
            events.resumed(state)
            sent = most = state
        while True:
            reached = self._send_chunk(session, sent, events)
            if isinstance(reached, _Failed) and reached.code in _GONE:
                return None
            found: int | RemoteFile | None
            if isinstance(reached, _Failed):
                # What the server has is not known: ask it.
                found, failures = self._resume(session, reached, failures, events)
            else:
                found = reached
            if found is None or isinstance(found, RemoteFile):
                return found
            sent = found
            if sent > most:
                most, failures = sent, 0

    def _send_chunk(self, session: _Session, start: int, events: UploadEvents) -> int | RemoteFile | _Failed:
        """Send the chunk that begins at ``start``. Returns where the next one begins, the file, or what failed."""
        end = min(start + session.chunk, session.size)
        headers = (
            ("content-type", "application/octet-stream"),
            ("x-goog-upload-command", "upload, finalize" if end == session.size else "upload"),
            ("x-goog-upload-offset", str(start)),
        )
        content = ChunkContent(session.medium, start, end, events.progress)
        http = HttpRequest("POST", session.url, headers, b"")
        try:
            answer = self._request(http, f"Uploading {session.label}", content, keyed=False)
        except _Failed as failed:
            return failed
        file = self._api.read(answer.value()) if answer.upload_status == "final" else None
        if file is not None:
            return file
        if answer.upload_status == "active" and end < session.size:
            return end
        what = "file" if answer.upload_status == "final" else "upload status"
        message = f"Uploading {session.label} failed: the server's answer has no {what}."
        return _Failed(WireError(message, remedy="Check --base-url."), retryable=True)

    def _resume(
        self, session: _Session, failed: _Failed, failures: int, events: UploadEvents
    ) -> tuple[int | RemoteFile | None, int]:
        """Wait, and ask the server what it has.

        Returns:
            Where to continue, the finished file, or None if the server does not know the upload; and how often in a row
            something failed.

        Raises:
            GeminiMagicError: no other attempt may follow.
        """
        while failed.retryable and failures < self._options.retries:
            failures += 1
            self._pause(failed, failures, events)
            try:
                state = self._query(session)
            except _Failed as again:
                failed = again
                continue
            if isinstance(state, int):
                events.progress(state)
            return state, failures
        raise strip_traceback(failed.error) from None

    def _known_state(self, session: _Session) -> int | RemoteFile | None:
        """What the server has of an upload that was stopped; None also if it cannot be asked now."""
        try:
            return self._query(session)
        except _Failed:
            return None

    def _query(self, session: _Session) -> int | RemoteFile | None:
        """What the server has of an upload: bytes, the finished file, or None if it does not know the upload.

        Raises:
            _Failed: it is not known.
        """
        http = HttpRequest("POST", session.url, (("x-goog-upload-command", "query"),), b"")
        try:
            answer = self._request(http, f"Resuming the upload of {session.label}", keyed=False)
        except _Failed as failed:
            if failed.retryable:
                raise
            return None
        if answer.upload_status == "active":
            received = _count(answer.headers.get("x-goog-upload-size-received"))
            return received if received is not None and received <= session.size else None
        if answer.upload_status == "final":
            return self._api.read(answer.value()) or self._existing(session)
        return None

    def _existing(self, session: _Session) -> RemoteFile | None:
        """The file of a finished upload whose answer was lost."""
        http = self._api.get(self._endpoint, session.name)
        try:
            return self._api.read(self._request(http, f"Looking at {session.label}").value())
        except _Failed as failed:
            if failed.retryable:
                raise
            return None

    # -- the state of a file

    def wait_until_active(self, file: RemoteFile, label: str, events: UploadEvents) -> RemoteFile:
        """Wait while the server processes a file. Returns the file.

        Raises:
            ServiceError: the server could not process it.
            GeminiMagicError, ConnectionLost, TimedOut: as :meth:`start_to_finish`.
        """
        waited, polls = 0.0, 0
        while file.state not in ("ACTIVE", "FAILED", "STATE_UNSPECIFIED"):
            if waited > _MAX_PROCESSING:
                raise StalledError(
                    f"The server is still processing {label} after {_MAX_PROCESSING / 60:.0f} minutes.",
                    remedy="Run the cell again later; the file is not uploaded again.",
                )
            events.processing()
            pause = _POLLS[min(polls, len(_POLLS) - 1)]
            events.wait(pause)
            waited, polls = waited + pause, polls + 1
            http = self._api.get(self._endpoint, file.name)
            answer = self._retried(lambda http=http: self._request(http, f"Looking at {label}"), events)  # type: ignore[misc]
            found = self._api.read(answer.value())
            if found is None:
                raise WireError(
                    f"The server's answer about {label} cannot be read.", remedy="Run the cell again."
                )
            file = found
        if file.state == "FAILED":
            words = f": {self._clean(file.error).rstrip('.')}" if file.error else ""
            raise ServiceError(
                f"The server could not process {label}{words}.",
                remedy="Check that the file plays, or convert it to another format.",
            )
        return file

    # -- requests

    def _retried(self, action: Callable[[], _Answer], events: UploadEvents) -> _Answer:
        """The answer of a request that may be repeated without harm."""
        for attempt in range(1, self._options.retries + 2):
            try:
                return action()
            except _Failed as failed:
                if not failed.retryable or attempt > self._options.retries:
                    raise strip_traceback(failed.error) from None
                self._pause(failed, attempt, events)
        raise AssertionError("the loop returns or raises")

    def _pause(self, failed: _Failed, attempt: int, events: UploadEvents) -> None:
        wait = backoff(attempt - 1) if failed.wait is None else failed.wait
        events.retry(failed.error.message.rstrip("."), wait, attempt + 1, self._options.retries + 1)

    def _request(
        self, http: HttpRequest, action: str, content: RequestContent | None = None, *, keyed: bool = True
    ) -> _Answer:
        """Send a request and read the response.

        Args:
            http: the request.
            action: what it does, as the beginning of an error message.
            content: what is sent in place of its body.
            keyed: whether the key is sent.

        Raises:
            _Failed: the server was not reached, or answered with an error.
            ConnectionLost: the stream was cancelled.
            TimedOut: the total timeout was reached.
            GeminiMagicError: the file cannot be read.
        """
        auth = self._backend.auth_for(self._options.auth, self._endpoint)
        header = None
        if keyed:
            http, header = add_key(http, auth, self._key, self._options.key_env)
        own = auth is not None and auth.owns(http.url)
        response = None
        pieces: list[bytes] = []
        try:
            response = send(http, self._connection, header, own_host=own, content=content)
            response.read(lambda _, piece: _collect(pieces, piece))
        except HostUnreachable as unreachable:
            raise _Failed(unreachable.error, retryable=unreachable.retryable) from None
        except ConnectionLost:
            if self._connection.cancelled:
                raise
            raise _Failed(
                ConnectionFailed(f"{action} failed: the connection was lost.", remedy="Run the cell again."),
                retryable=True,
            ) from None
        except TimedOut as reached:
            if reached.kind == "timeout":
                raise
            waited = "in time" if reached.limit is None else f"for {reached.limit:g} s"
            raise _Failed(
                StalledError(
                    f"{action} failed: the server did not respond {waited}.", remedy="Run the cell again."
                ),
                retryable=True,
            ) from None
        except WireError as error:
            raise _Failed(error, retryable=False) from None
        finally:
            if response is not None:
                response.close()
        body = b"".join(pieces)
        headers = {name.lower(): value for name, value in response.headers}
        answer = _Answer(response.status, headers, body if self._key is None else self._key.value.mask(body))
        if not answer.ok:
            raise self._refused(answer, tuple(response.headers), action)
        return answer

    def _refused(self, answer: _Answer, headers: tuple[tuple[str, str], ...], action: str) -> _Failed:
        """What an HTTP error means."""
        failure: Failure = with_headers(self._backend.failure(answer.status, answer.body), headers)
        failure = with_remedy(failure, self._backend, self._options, self._key)
        retryable = worth_retrying(failure)
        error = service_error(failure)
        error.message = f"{action} failed: {self._clean(error.message)}"
        error.args = (error.message,)
        return _Failed(error, retryable=retryable, wait=failure.retry_after)

    def _clean(self, text: str) -> str:
        """A text of the server on one line, without the addresses of uploads."""
        for secret in self._secrets:
            if len(secret) >= 8:  # noqa: PLR2004 - shorter values are words such as "resumable"
                text = text.replace(secret, "<redacted>")
        return one_line(text)


def _collect(pieces: list[bytes], piece: bytes) -> None:
    pieces.append(piece)
    if sum(map(len, pieces)) > _MAX_ANSWER:
        raise WireError("The server's answer to an upload is larger than 1 MB.", remedy="Check --base-url.")
