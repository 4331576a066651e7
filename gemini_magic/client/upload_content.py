"""The bytes of one chunk of an upload, read from the disk while they are sent."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator

from ..backends import RemoteFile
from ..content import Blob, LocalFile
from ..errors import PromptError
from .media_plan import changed_file

__all__ = ["ChunkContent", "check_digest"]

_PIECE = 2**16  # bytes that are read at once


class ChunkContent:
    """A part of a medium, read from the disk while it is sent.

    Args:
        medium: the medium.
        start, end: the bytes to send.
        progress: called with the number of bytes of the medium that were sent.
    """

    def __init__(
        self, medium: Blob | LocalFile, start: int, end: int, progress: Callable[[int], None]
    ) -> None:
        self.size = end - start
        self._medium = medium
        self._start = start
        self._end = end
        self._progress = progress

    def pieces(self) -> Iterator[bytes]:
        """The bytes in pieces.

        Raises:
            PromptError: the file cannot be read, or has another size than it had.
        """
        position = self._start
        for piece in self._pieces():
            self._progress(position)
            yield piece
            position += len(piece)
        self._progress(position)

    def _pieces(self) -> Iterator[bytes]:
        medium = self._medium
        if isinstance(medium, Blob):
            for start in range(self._start, self._end, _PIECE):
                yield medium.data[start : min(start + _PIECE, self._end)]
            return
        try:
            with open(medium.path, "rb", buffering=0) as file:  # noqa: PTH123 - it has its own buffer
                if os.fstat(file.fileno()).st_size != medium.size:
                    raise changed_file(medium)
                file.seek(self._start)
                left = self.size
                while left:
                    piece = file.read(min(_PIECE, left))
                    if not piece:
                        raise changed_file(medium)
                    left -= len(piece)
                    yield piece
        except OSError as problem:
            raise PromptError(
                f"{medium.path} cannot be read: {problem.strerror or problem}.",
                remedy="Check the file, and attach it again.",
            ) from None


def check_digest(medium: Blob | LocalFile, file: RemoteFile) -> None:
    """Check that the server has the content that was attached.

    Raises:
        PromptError: the file has changed.
    """
    if isinstance(medium, LocalFile) and medium.digest and file.digest and medium.digest != file.digest:
        raise changed_file(medium)
