"""Writes the pictures, audio, videos and other files of an answer beside the file of ``--to``."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

from .. import media
from ..ledger import Candidate, Ledger, MediaItem
from ..private_files import open_private, write_all

__all__ = ["WrittenMedia", "write_media"]

_MOST: Final = 1000  # files of one answer
_NAMES: Final = 5  # that a message lists


class WrittenMedia(NamedTuple):
    """The files that were written.

    Attributes:
        paths: the files, in the order of the answer.
        problem: why one could not be written, or None.
    """

    paths: tuple[Path, ...]
    problem: str | None

    @property
    def message(self) -> str:
        """A sentence with the names of the files; empty without files."""
        if not self.paths:
            return ""
        names = ", ".join(path.name for path in self.paths[:_NAMES])
        more = len(self.paths) - _NAMES
        rest = f" and {more} more" if more > 0 else ""
        verb = "is" if len(self.paths) == 1 else "are"
        return f"Its media {verb} beside it: {names}{rest}."


def write_media(ledger: Ledger, path: Path, *, replace: bool) -> WrittenMedia:
    """Write the media of an answer, which only the user can read, to ``NAME-1.png``, ``NAME-2.wav`` and so on.

    Args:
        ledger: the record of an answer that has ended.
        path: the file of its text, which gives the folder and the name.
        replace: whether files of these names are replaced; otherwise a number that is in use is left out.
    """
    written: list[Path] = []
    numbers = iter(range(1, 10 * _MOST))
    try:
        for data in _media(ledger):
            target = _target(path, numbers, media.file_suffix(data), replace=replace)
            if target is None or len(written) == _MOST:
                break
            with open_private(target, "wb") as file:
                write_all(file, data)
            written.append(target)
    except OSError as error:
        problem = (
            f"The media of the answer could not be written beside {path.name}: {error.strerror or error}"
        )
        return WrittenMedia(tuple(written), problem)
    return WrittenMedia(tuple(written), None)


def _media(ledger: Ledger) -> Iterator[bytes]:
    for item in Candidate(ledger, 0).items:
        if isinstance(item, MediaItem) and not item.uri and (data := item.data):
            yield data


def _target(path: Path, numbers: Iterator[int], suffix: str, *, replace: bool) -> Path | None:
    """The file of the next number; None if there is none."""
    for number in numbers:
        target = path.with_name(f"{path.stem}-{number}{suffix}")
        if target != path and (replace or not target.exists()):
            return target
    return None
