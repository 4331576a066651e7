"""Files that a column names: only those in a folder that the user has given are sent."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Final, NamedTuple, Protocol, TypeAlias

from msgspec.structs import replace

from .. import media
from ..content import LocalFile, Part, Text
from ..errors import OptionError, PromptError

__all__ = ["DigestsInMemory", "FileDigests", "FileState", "ImageFolder", "RowImage"]

_MOST_KEPT: Final = 200_000  # digests in memory
_SETTLED: Final = 2_000_000_000  # nanoseconds; the clocks of some file systems are that coarse

FileState: TypeAlias = tuple[str, int, int]
"""A file at one time: its absolute path, its size in bytes and the time of its last change in nanoseconds."""


class FileDigests(Protocol):
    """Knows the SHA-256 of the content of files, 32 bytes each, so that an unchanged file is not read again."""

    def get(self, state: FileState) -> bytes | None:
        """Return the digest of a file in this state; None if it is not known."""

    def put(self, state: FileState, digest: bytes) -> None:
        """Keep the digest of a file in this state."""

    def flush(self) -> None:
        """Write what was kept."""


class DigestsInMemory(dict[FileState, bytes]):
    """The digests of files of one run."""

    def put(self, state: FileState, digest: bytes) -> None:
        """Keep the digest of a file in this state, up to 200,000."""
        if len(self) < _MOST_KEPT:
            self[state] = digest

    def flush(self) -> None:
        """Do nothing."""


class RowImage(NamedTuple):
    """The file of one row.

    Attributes:
        part: what is sent.
        digest: SHA-256 of the file's content, 32 bytes.
    """

    part: Part
    digest: bytes


class ImageFolder:
    """The folder whose files a template may send.

    Args:
        folder: the folder. Relative paths in columns start in it.

    Attributes:
        digests: the digests of its files.

    Raises:
        OptionError: it is not a folder.
    """

    def __init__(self, folder: str | os.PathLike[str]) -> None:
        self.folder = Path(folder).expanduser().resolve()
        if not self.folder.is_dir():
            raise OptionError(
                f"folder {str(folder)!r} is not a folder.", remedy="Give the folder of the files."
            )
        self.digests: FileDigests = DigestsInMemory()

    def read(self, path: object) -> RowImage:
        """Return a picture, a PDF, a sound or a video in the folder. Its content is read when it is sent.

        Args:
            path: its path, absolute or relative to the folder.

        Raises:
            PromptError: it is outside the folder, does not exist, or is not media.
        """
        if not isinstance(path, str | os.PathLike) or not str(path):
            raise PromptError(
                f"image({path!r}) needs a path.", remedy='missing="skip" skips rows without a value.'
            )
        try:
            file = (self.folder / path).resolve()
        except (OSError, ValueError, RuntimeError) as error:  # a null character, a loop of links
            raise PromptError(f"image({str(path)!r}): {error}.", remedy="Check the path.") from None
        if not file.is_relative_to(self.folder):
            raise PromptError(
                f"{str(path)!r} is outside the folder {self.folder}, so it is not sent.",
                remedy="Give a folder that contains all files of the column, and nothing private.",
            )
        parts = media.media_parts(file, media.MediaSource(str(path), [])) or []
        if len(parts) != 1 or isinstance(parts[0], Text):
            raise PromptError(
                f"{str(path)!r} is not a picture, PDF, sound or video.",
                remedy="Insert text as {{ row.NAME }}.",
            )
        try:
            digest = self._digest(file)
        except OSError as error:
            raise PromptError(
                f"{str(path)!r} cannot be read: {error.strerror or error}.", remedy="Check its permissions."
            ) from None
        part = parts[0]
        return RowImage(replace(part, digest=digest.hex()) if isinstance(part, LocalFile) else part, digest)

    def _digest(self, file: Path) -> bytes:
        import hashlib  # noqa: PLC0415 - only for rows with files

        status = file.stat()
        state = (str(file), status.st_size, status.st_mtime_ns)
        known = self.digests.get(state)
        if known is None:
            with file.open("rb") as stream:
                known = hashlib.file_digest(stream, "sha256").digest()
            # A file that changed just now may change again without another size or time.
            if abs(time.time_ns() - status.st_mtime_ns) > _SETTLED:
                self.digests.put(state, known)
        return known
