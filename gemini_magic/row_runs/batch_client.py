"""The requests about batch jobs: create, find, look, fetch the results, cancel and delete.

Requests that may be repeated without harm are repeated; the creation of a job is not, because each one is paid.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from typing import IO, Final, TypeVar, cast

from ..backends import Backend, BatchAnswer, BatchApi, HttpRequest, RemoteJob
from ..client import Key, endpoint_of, fetch_body, fetch_into, upload_file
from ..content import LocalFile
from ..errors import ConnectionFailed, GeminiMagicError, OptionError, ServiceError, StalledError, WireError
from ..options import Options

__all__ = ["BatchClient", "Stopped", "batch_api", "is_passing"]

T = TypeVar("T")

_MAX_PAGES: Final = 200
_MAX_RESULTS: Final = 8 * 2**30  # bytes of a file with results
_MAX_INLINE: Final = 2**30  # bytes of an answer with the results of a job inside
_MAX_LINE: Final = 256 * 2**20  # bytes of the result of one request
_PAUSES: Final = (1.0, 3.0, 9.0)  # seconds before a request is repeated
_PASSING: Final = (408, 429, 499, 500, 502, 503, 504)
_PROJECT: Final = "x-goog-user-project"  # the header of a sign-in, whose token changes
_ELSEWHERE: Final = (301, 302, 303, 307, 308, 404)


def batch_api(backend: Backend) -> BatchApi:
    """The batch jobs of a backend.

    Raises:
        OptionError: it has none.
    """
    if backend.batches is None:
        raise OptionError(f"The {backend.name} backend has no batch jobs.", remedy=backend.batch_remedy)
    return backend.batches


def is_passing(error: GeminiMagicError) -> bool:
    """Whether a request that failed may succeed later."""
    if isinstance(error, ServiceError):
        return error.code in _PASSING
    return isinstance(error, ConnectionFailed | StalledError)


class Stopped(Exception):  # noqa: N818 - named after what happened
    """The user has stopped the run while bytes were transferred."""


class _StoppableFile:
    """A file whose ``write`` ends a download when the user stops the run."""

    def __init__(self, file: IO[bytes], is_stopped: Callable[[], bool]) -> None:
        self._is_stopped = is_stopped
        self._write = file.write
        self.read, self.seek, self.truncate = file.read, file.seek, file.truncate

    def write(self, data: bytes) -> int:
        if self._is_stopped():
            raise Stopped
        return self._write(data)


class BatchClient:
    """Batch jobs at one server.

    Args:
        backend: the dialect.
        options: the address and the limits.
        key: the key.
        sleep: waits for some seconds.
        is_stopped: whether the user has stopped the run; an upload or a download then ends with :class:`Stopped`.

    Raises:
        OptionError: the backend has no batch jobs.
    """

    def __init__(
        self,
        backend: Backend,
        options: Options,
        key: Key | None,
        sleep: Callable[[float], object] = time.sleep,
        is_stopped: Callable[[], bool] = lambda: False,
    ) -> None:
        self.api = batch_api(backend)
        self.backend = backend
        self._options = options
        self._key = key
        self._sleep = sleep
        self._is_stopped = is_stopped
        self._endpoint = endpoint_of(options)

    # -- creation

    def upload(self, file: LocalFile, on_progress: Callable[[int], object]) -> str:
        """Upload a file of rows. Returns its id.

        Raises:
            Stopped: the user has stopped the run.
            GeminiMagicError: the server refused the file or cannot be reached.
        """

        def progress(sent: int) -> None:
            self.check_stopped()
            on_progress(sent)

        return upload_file(file, self.backend, self._options, self._key, on_progress=progress).name

    def check_stopped(self) -> None:
        """Raise :class:`Stopped` if the user has stopped the run."""
        if self._is_stopped():
            raise Stopped

    def scope(self, salt: str) -> str:
        """A salted digest of the server and the key, or of the key's project, which the jobs belong to."""
        project = owner = ""
        if self._key is not None:
            project = next((text for name, text in self._key.headers if name.lower() == _PROJECT), "")
            owner = project or self._key.value.reveal()
        url = self.api.list(self._endpoint, "").url
        return hashlib.sha256(f"{salt}\n{url}\n{owner}".encode("utf-8", "replace")).hexdigest()[:32]

    def create_inline(self, model: str, label: str, rows: list[bytes]) -> RemoteJob:
        """Create a job with its requests inside, once.

        Raises:
            ServiceError: the server refused it. With a code of 500 and more, it may have created it all the same.
            GeminiMagicError: it is not known whether the server has created it.
        """
        return self._created(self.api.create_inline(self._endpoint, model, label, rows))

    def create_from_file(self, model: str, label: str, file: str) -> RemoteJob:
        """Create a job from an uploaded file, once; the errors are those of :meth:`create_inline`."""
        return self._created(self.api.create_from_file(self._endpoint, model, label, file))

    def _created(self, http: HttpRequest) -> RemoteJob:
        job = self.api.read(_object(self._fetch(http)))
        if job is None:
            raise WireError("The server's answer is not a batch job.", remedy="Check --base-url.")
        return job

    def find(self, label: str) -> list[RemoteJob]:
        """The jobs with this display name, newest first."""
        found: list[RemoteJob] = []
        page, seen = "", set[str]()
        for _ in range(_MAX_PAGES):
            http = self.api.list(self._endpoint, page)
            jobs, page = self.api.read_list(_object(self._repeated(lambda http=http: self._fetch(http))))  # type: ignore[misc]
            found += [each for each in jobs if each.display_name == label]
            if not page or page in seen:
                break
            seen.add(page)
        return found

    # -- a job

    def look(self, name: str, body: IO[bytes]) -> RemoteJob:
        """The job now. Its results can be inside the answer, which is written into ``body``.

        Raises:
            GeminiMagicError: the server was not reached, or it answered with an error.
        """
        http = self.api.get(self._endpoint, name)
        fetch_into(body, http, self.backend, self._options, self._key, max_size=_MAX_INLINE)
        job = self.api.read(_object(self._masked(body.read())))
        body.seek(0)
        if job is None:
            raise WireError("The server's answer is not a batch job.", remedy="Check --base-url.")
        return job

    def cancel(self, name: str) -> None:
        """Ask the server to stop a job. It can still succeed; its state changes later."""
        http = self.api.cancel(self._endpoint, name)
        self._repeated(partial(self._fetch, http))

    def delete(self, name: str) -> None:
        """Delete the record of a job that has ended."""
        self._fetch(self.api.delete(self._endpoint, name))

    def delete_file(self, name: str) -> None:
        """Delete a file; without an error if that fails, because the server deletes it after two days anyway."""
        if self.backend.files is not None:
            with suppress(GeminiMagicError):
                self._fetch(self.backend.files.delete(self._endpoint, name))

    def fetch_results(self, file: str, target: IO[bytes]) -> None:
        """Write a file of results into ``target``.

        Raises:
            GeminiMagicError: the server was not reached, or it answered with an error.
        """
        *first, last = self.api.download(self._endpoint, file)
        for http in first:
            try:
                self._repeated(partial(self._fetch_into, target, http))
            except ServiceError as error:
                if error.code not in _ELSEWHERE:
                    raise
            else:
                return
        self._repeated(partial(self._fetch_into, target, last))

    def is_missing_file(self, error: ServiceError) -> bool:
        """Whether an error says that a file does not exist, which the server reports like a lack of permission."""
        return self.backend.files is not None and bool(self.backend.files.missing(error.message))

    def inline_answers(self, body: IO[bytes]) -> tuple[list[BatchAnswer], int]:
        """The results inside the answer of :meth:`look`, and how many cannot be read."""
        body.seek(0)
        answers, bad = self.api.inline_answers(self._masked(body.read()))
        return list(answers), bad

    def file_answers(self, file: IO[bytes]) -> Iterator[BatchAnswer | None]:
        """The results in a file, in its order; None for one that cannot be read."""
        file.seek(0)
        while line := file.readline(_MAX_LINE):
            if len(line) == _MAX_LINE and not line.endswith(b"\n"):
                while (rest := file.readline(_MAX_LINE)) and not rest.endswith(b"\n"):
                    pass
                yield None
            elif text := line.strip():
                yield self.api.file_answer(self._masked(text))

    # -- requests

    def _fetch(self, http: HttpRequest) -> bytes:
        return fetch_body(http, self.backend, self._options, self._key)

    def _fetch_into(self, target: IO[bytes], http: HttpRequest) -> None:
        file = cast("IO[bytes]", _StoppableFile(target, self._is_stopped))
        fetch_into(file, http, self.backend, self._options, self._key, max_size=_MAX_RESULTS)

    def _masked(self, text: bytes) -> bytes:
        return text if self._key is None else self._key.value.mask(text)

    def _repeated(self, action: Callable[[], T]) -> T:
        for pause in _PAUSES:
            try:
                return action()
            except GeminiMagicError as error:
                if not is_passing(error):
                    raise
                wait = getattr(error, "retry_after", None)
            self._sleep(pause if wait is None else min(wait + 1.0, 60.0))
        return action()


def _object(body: bytes) -> dict[str, object]:
    """The JSON object in an answer of the server.

    Raises:
        WireError: it is not a JSON object.
    """
    try:
        value = json.loads(body or b"{}")
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict):
        raise WireError("The server's answer is not a JSON object.", remedy="Check --base-url.")
    return value
