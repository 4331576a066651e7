"""Reads open files and streams as parts: the file on which they are open, or their whole content."""

from __future__ import annotations

import io
import os
from pathlib import PurePath
from typing import Any, Final

from ..content import Part, Text
from .files import bytes_part, file_part
from .source import MediaSource, readable_size, reason_of

__all__ = ["stream_parts"]

_MOST_READ: Final = 200_000_000  # bytes of a stream, which is read into memory


def stream_parts(stream: Any, source: MediaSource) -> list[Part]:
    """The parts of an open file or a stream. Its position does not change.

    A file on the disk is attached as its path is, so a large one is not read into memory.

    Args:
        stream: an object of the classes of :mod:`io`, or a temporary file of :mod:`tempfile`.
        source: its name, and the list for notices.

    Raises:
        PromptError: it is closed, open only for writing, or cannot be read twice; or its content cannot be sent.
    """
    stream = getattr(stream, "file", stream)  # the wrapper of a temporary file
    if isinstance(stream, io.StringIO) and not stream.closed:
        return [Text(stream.getvalue())]
    if isinstance(stream, io.BytesIO) and not stream.closed:
        return [bytes_part(stream.getvalue(), source)]
    try:
        if (path := _path_of(stream)) is not None:
            if stream.writable():
                stream.flush()
            return file_part(PurePath(path), source)
        content = _content(stream, source)
    except (OSError, ValueError) as error:  # ValueError: it is closed
        raise source.problem(
            f"is an open file that cannot be read: {reason_of(error)}.",
            "Open it again for reading, or insert its path as a Path.",
        ) from error
    return [Text(content) if isinstance(content, str) else bytes_part(content, source)]


def _path_of(stream: Any) -> str | None:
    """The path of the file on which a stream is open; None for another stream, and for a file that was replaced."""
    name = getattr(stream, "name", None)
    if not isinstance(name, str | os.PathLike):
        return None
    try:
        opened, named = os.fstat(stream.fileno()), os.stat(name)  # noqa: PTH116 - as the open file
    except (OSError, AttributeError):  # AttributeError: an archive's member has no number
        return None
    return os.fspath(name) if os.path.samestat(opened, named) else None


def _content(stream: Any, source: MediaSource) -> bytes | str:
    """The whole content of a stream that can be read again."""
    if not (stream.readable() and stream.seekable()):
        raise source.problem(
            f"is a {type(stream).__name__}, which can be read only once or not at all.",
            f"Insert its content: {{{{ {source.name}.read() }}}}.",
        )
    position = stream.tell()
    try:
        stream.seek(0)
        content: bytes | str = stream.read(_MOST_READ + 1)
    finally:
        stream.seek(position)
    if len(content) > _MOST_READ:
        raise source.problem(
            f"contains more than {readable_size(_MOST_READ)}.", "Save it as a file, and attach the file."
        )
    return content
