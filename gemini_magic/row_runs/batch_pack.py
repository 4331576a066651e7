"""Packs rows into batch jobs: small ones with their requests inside, large ones as a file of lines."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Generator, Iterable
from contextlib import suppress
from typing import IO, Final, cast

from ..backends import BatchApi
from ..content import LocalFile, Request
from ..errors import GeminiMagicError, UsageProblem
from .batch_answers import batch_key
from .values import Attempted, Grant

__all__ = ["MAX_ROWS", "PackedJob", "packed_jobs"]

MAX_ROWS: Final = 10_000
"""Rows of one job: a larger one is no cheaper, takes longer, and loses more if it expires."""
_MAX_INLINE_ROWS: Final = 1000  # the answer about such a job contains all its results twice
_ENVELOPE: Final = 1000  # bytes of a job around its requests


class PackedJob:
    """The rows of one batch job.

    Attributes:
        grants: the rows, in the order in which they are sent.
        rows: their requests, if the job contains them; empty if they are in a file.
        size: bytes of all requests.
        uploaded: the id of the uploaded file; empty before.
        tries: how often its creation had no answer and no effect.
        problem: why, the last time.
    """

    def __init__(self, api: BatchApi) -> None:
        self.grants: list[Grant] = []
        self.rows: list[bytes] = []
        self.size = 0
        self.uploaded = ""
        self.tries = 0
        self.problem: GeminiMagicError | None = None
        self._api = api
        self._lines: list[bytes] = []
        self._file: IO[bytes] | None = None
        self._file_size = 0
        self._digest = ""

    @property
    def inline(self) -> bool:
        """Whether the job contains its requests."""
        return self._file is None

    def add(self, grant: Grant, request: Request) -> bool:
        """Add a row. Returns False, and does not add it, if it belongs into the next job.

        Raises:
            UsageProblem: the request cannot be written.
            OSError: the temporary file cannot be written.
        """
        key = batch_key(grant)
        line = self._api.file_row(request, key) + b"\n"
        if self.grants and (len(self.grants) >= MAX_ROWS or self._file_size + len(line) > self._api.max_file):
            return False
        if self._file is None:
            row = self._api.inline_row(request, key)
            fits = self.size + len(row) + 1 + _ENVELOPE <= self._api.max_inline
            if fits and len(self.rows) < _MAX_INLINE_ROWS:
                self.rows.append(row)
                self._lines.append(line)
                self.size += len(row) + 1
            else:
                self._open_file()
        if self._file is not None:
            self._file.write(line)
            self.size += len(line)
        self._file_size += len(line)
        self.grants.append(grant)
        return True

    def _open_file(self) -> None:
        """Continue in a temporary file that only its owner can read."""
        self._file = tempfile.NamedTemporaryFile(prefix="gemini-batch-", suffix=".jsonl", delete=False)  # noqa: SIM115
        self._file.writelines(self._lines)
        self.rows, self._lines, self.size = [], [], self._file_size

    def local_file(self) -> LocalFile:
        """The file with the requests.

        Raises:
            OSError: it cannot be written.
        """
        from hashlib import sha256  # noqa: PLC0415 - few runs use it

        if self._file is None:
            self._open_file()
        self._file = cast("IO[bytes]", self._file)
        self._file.flush()
        if not self._digest:
            digest = sha256()
            with open(self._file.name, "rb") as file:  # noqa: PTH123
                while piece := file.read(2**20):
                    digest.update(piece)
            self._digest = digest.hexdigest()
        return LocalFile(
            os.path.abspath(self._file.name),  # noqa: PTH100
            self._api.file_type,
            self._file_size,
            self._digest,
        )

    def close(self) -> None:
        """Delete the file."""
        if self._file is not None:
            self._file.close()
            with suppress(OSError):
                os.unlink(self._file.name)  # noqa: PTH108


def packed_jobs(
    grants: Iterable[Grant],
    request_of: Callable[[Grant], Request],
    api: BatchApi,
    refused: Callable[[Attempted], object],
) -> Generator[PackedJob]:
    """Yield the jobs for rows.

    Args:
        grants: the rows, which are read as far as they are needed.
        request_of: the request of a row.
        api: how the requests are written.
        refused: is called with the attempt of a row whose request cannot be written.
    """
    job = PackedJob(api)
    try:
        for grant in grants:
            try:
                request = request_of(grant)
                added = job.add(grant, request)
                if not added:
                    full, job = job, PackedJob(api)
                    yield full
                    job.add(grant, request)
            except UsageProblem as problem:
                refused(_unsendable(grant, problem))
        if job.grants:
            full, job = job, PackedJob(api)
            yield full
    finally:
        job.close()


def _unsendable(grant: Grant, problem: UsageProblem) -> Attempted:
    return Attempted(
        grant.request,
        grant.attempt,
        "error",
        "not sent",
        sent=False,
        error=str(problem),
        reason="not valid",
        permanent=True,
    )
