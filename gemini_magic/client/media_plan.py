"""Decides which media of a request are sent inline and which are uploaded, and reads the files that are sent inline.

It sends nothing. A file that is uploaded is ``sha256:DIGEST`` in the request until its address is known.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple, TypeAlias

from msgspec.structs import replace

from ..backends import Backend, RemoteFile
from ..content import Blob, File, LocalFile, Part, Request
from ..errors import OptionError, PromptError
from ..media import REFERENCE, readable_size
from ..options import Options
from ..text import one_line

__all__ = ["MediaPlan", "changed_file", "name_of", "plan_media", "without_files"]

_MEGABYTE = 1_000_000
_Uploadable: TypeAlias = Blob | LocalFile


class MediaPlan(NamedTuple):
    """How the media of a request are sent.

    Attributes:
        request: the request; media that are sent inline are in it, and others are references.
        uploads: the media to upload, by digest.
    """

    request: Request
    uploads: Mapping[str, _Uploadable]

    def with_files(self, files: Mapping[str, RemoteFile]) -> Request:
        """The request with the addresses of uploaded files, which are given by digest."""
        uris = {f"{REFERENCE}{digest}": file.uri for digest, file in files.items()}

        def uploaded(part: Part) -> Part:
            return replace(part, uri=uris[part.uri]) if isinstance(part, File) and part.uri in uris else part

        return _with_parts(self.request, uploaded)


def plan_media(request: Request, backend: Backend, options: Options, *, offline: bool = False) -> MediaPlan:
    """Plan how the media of a request are sent: the largest are uploaded until the others are within the limit.

    Args:
        request: the request.
        backend: the dialect.
        options: the limit for inline media.
        offline: whether nothing is sent, so that no server has to accept uploads.

    Raises:
        OptionError: the media are too large to be inline, and the backend has no uploads.
        PromptError: a file cannot be read, or has changed.
    """
    media = list(_media(request))
    limit = options.inline_limit * _MEGABYTE
    total = sum(map(_size, media))
    uploads: dict[str, _Uploadable] = {}
    # A recording of a backend without uploads was made with a larger limit.
    if total > limit and not (offline and backend.files is None):
        # Media in answers are sent back as they came: their signatures belong to them.
        movable = [part for turn in request.turns if turn.role == "user" for part in turn.parts]
        for part in sorted(
            (each for each in movable if isinstance(each, _Uploadable)), key=_size, reverse=True
        ):
            if total <= limit:
                break
            digest = _digest(part)
            if digest not in uploads:
                total -= sum(_size(each) for each in media if _digest(each) == digest)
                uploads[digest] = part
        if uploads and backend.files is None and backend.local is None:
            raise _too_large(uploads, backend, options)
    return MediaPlan(_with_parts(request, lambda part: _sent(part, uploads)), uploads)


def _media(request: Request) -> Iterator[_Uploadable]:
    return (part for turn in request.turns for part in turn.parts if isinstance(part, _Uploadable))


def _with_parts(request: Request, change: Callable[[Part], Part]) -> Request:
    """The request with changed parts; the same object if nothing changes."""
    turns = []
    for turn in request.turns:
        parts = tuple(map(change, turn.parts))
        same = all(new is old for new, old in zip(parts, turn.parts, strict=True))
        turns.append(turn if same else replace(turn, parts=parts))
    if all(new is old for new, old in zip(turns, request.turns, strict=True)):
        return request
    return replace(request, turns=tuple(turns))


def _sent(part: Part, uploads: Mapping[str, _Uploadable]) -> Part:
    if not isinstance(part, _Uploadable):
        return part
    if uploads and (digest := _digest(part)) in uploads:
        return File(f"{REFERENCE}{digest}", part.mime_type, part.signature, media=part.media)
    if isinstance(part, Blob):
        return part
    blob = Blob(part.mime_type, _read(part), part.signature, media=part.media)
    if part.digest and blob.digest != part.digest:
        raise changed_file(part)
    return blob


def without_files(request: Request) -> Request:
    """The request with empty media in place of files, to compare its other fields."""
    return _with_parts(
        request, lambda part: Blob(part.mime_type, b"") if isinstance(part, LocalFile) else part
    )


def _size(part: _Uploadable) -> int:
    return len(part.data) if isinstance(part, Blob) else part.size


def _digest(part: _Uploadable) -> str:
    return part.digest or Blob("", _read(part)).digest if isinstance(part, LocalFile) else part.digest


def name_of(part: Blob | LocalFile) -> str:
    """The name of a medium for people and for the server's list of files."""
    if isinstance(part, LocalFile):
        return one_line(Path(part.path).name)
    kind, _, form = part.mime_type.partition(";")[0].partition("/")
    return one_line(f"{kind or 'media'} ({form or 'data'})")


def _read(file: LocalFile) -> bytes:
    """The content of a file.

    Raises:
        PromptError: it cannot be read.
    """
    try:
        return Path(file.path).read_bytes()
    except OSError as problem:
        raise PromptError(
            f"{file.path} cannot be read: {problem.strerror or problem}.",
            remedy="Check the path, or attach the file again.",
        ) from None


def changed_file(file: LocalFile) -> PromptError:
    """The error for a file whose content is not the one that was attached."""
    return PromptError(
        f"{file.path} has changed since it was attached.", remedy="Run the cell that attached it again."
    )


def _too_large(uploads: Mapping[str, _Uploadable], backend: Backend, options: Options) -> OptionError:
    largest = max(uploads.values(), key=_size)
    return OptionError(
        f"{name_of(largest)} has {readable_size(_size(largest))}; the media of a request to the {backend.name} backend "
        f"may have {readable_size(round(options.inline_limit * _MEGABYTE))} in all (--inline-limit).",
        remedy=backend.upload_remedy,
    )
