"""Pictures, audio and videos of an answer as users get them: they display themselves, and can be saved and sent again."""

from __future__ import annotations

import base64
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

import msgspec

from .. import markdown, media
from ..content import Blob, Call
from ..errors import OptionError
from ..ledger import AnswerItem, CallItem, CodeRun, MediaItem
from ..text import one_line
from .units import byte_size, duration

__all__ = ["AnswerContent", "Audio", "Picture", "Video", "player_type"]

M = TypeVar("M", bound="_AnswerMedia")

# Types that browsers play (developer.mozilla.org, "Media type and format guide"), by the type of the bytes.
_PLAYABLE: Final = {
    "audio/wav": "audio/wav",
    "audio/mp3": "audio/mpeg",
    "audio/ogg": "audio/ogg",
    "audio/flac": "audio/flac",
    "audio/aac": "audio/aac",
    "audio/m4a": "audio/mp4",
    "audio/webm": "audio/webm",
    "video/mp4": "video/mp4",
    "video/webm": "video/webm",
}
_MAX_NAMES: Final = 10_000  # files of one name


def player_type(data: bytes, family: str) -> str:
    """Return the MIME type with which a page plays bytes; empty if they are not of a type that browsers play.

    Args:
        data: the bytes, which decide: a server may name any type.
        family: ``audio`` or ``video``; the bytes must belong to it.
    """
    found = _PLAYABLE.get(media.sniff(data).mime_type, "")
    return found if found.startswith(f"{family}/") else ""


class _AnswerMedia(Blob, frozen=True):
    """Media of an answer: a part that can also be saved and shown.

    Attributes:
        index: its number among the media of its kind of the candidate, from 0.
        candidate: the index of the candidate.
    """

    index: int = 0
    candidate: int = 0

    @property
    def label(self) -> str:
        """Its name, format and size in words, such as ``picture 1: PNG 1024×1024, 781.5 kB``."""
        name = f"{type(self).__name__.lower()} {self.index + 1}"
        return f"{name}{f' of candidates[{self.candidate}]' if self.candidate else ''}: {self._described()}"

    def save(self, path: str | Path | None = None) -> Path:
        """Write it to a file and return the path of the file.

        Args:
            path: the file, which is replaced if it exists; the right suffix is added to a name without one. A folder, or
                None for the current folder, gets a file of a new name, such as ``picture-1.png``.

        Raises:
            OptionError: the file cannot be written.
        """
        suffix = media.file_suffix(self.data, default="")
        target = Path() if path is None else Path(path)
        if target.is_dir():
            parts = [type(self).__name__.lower(), *([f"c{self.candidate}"] if self.candidate else [])]
            target = _new_file(target, "-".join([*parts, str(self.index + 1)]), suffix)
        elif not target.suffix:
            target = target.with_name(target.name + suffix)
        try:
            target.write_bytes(self.data)
        except OSError as problem:
            raise OptionError(
                f"Cannot write {one_line(target)}: {problem.strerror or problem}.",
                remedy="Give the path of a file in a folder that exists and is writable.",
            ) from None
        return target

    def show(self) -> None:
        """Show it below the cell; outside a notebook, print what it is."""
        from IPython.display import display  # noqa: PLC0415 - a script that shows nothing does not need it

        show: Any = display  # IPython has no types for this
        show(self)

    def _described(self) -> str:
        return f"{one_line(self.mime_type)[:80]}, {byte_size(len(self.data))}"

    def __repr__(self) -> str:
        return f"<{self.label}>"

    def _player(self) -> dict[str, Any]:
        """The MIME bundle of a player."""
        bundle: dict[str, Any] = {"text/plain": f"[{self.label}]"}
        family = "video" if isinstance(self, Video) else "audio"
        if kind := player_type(self.data, family):
            address = f"data:{kind};base64,{base64.b64encode(self.data).decode()}"
            bundle["text/html"] = (
                f'<{family} controls src="{address}" title="{escape(self.label)}"></{family}>'
            )
        return bundle


class Picture(_AnswerMedia, frozen=True):
    """A picture of an answer. It displays itself in a notebook; ``data`` holds the bytes of the file."""

    @property
    def size(self) -> tuple[int, int] | None:
        """Width and height in pixels; None for a format whose head is not read, such as SVG."""
        found = media.read_raster(self.data)
        return None if found is None else (found.width, found.height)

    def _described(self) -> str:
        found = media.read_raster(self.data)
        if found is None:
            return super()._described()
        return f"{found.name} {found.width}×{found.height}, {byte_size(len(self.data))}"

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, Any]:  # noqa: ARG002 - IPython passes them
        """Display the picture by the type of its bytes; describe SVG, which may contain scripts, and other formats."""
        bundle: dict[str, Any] = {"text/plain": f"[{self.label}]"}
        found = media.read_raster(self.data)
        if found is not None:
            bundle[found.mime_type] = base64.b64encode(self.data).decode()
        return bundle


class Audio(_AnswerMedia, frozen=True):
    """Audio of an answer, joined from the pieces that arrived; ``data`` holds a file that can be played, such as WAV."""

    @property
    def seconds(self) -> float | None:
        """The duration; None for a format whose head is not read."""
        return media.wav_duration(self.data)

    def _described(self) -> str:
        seconds = self.seconds
        if seconds is None:
            return super()._described()
        return f"WAV, {duration(seconds)}, {byte_size(len(self.data))}"

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, Any]:  # noqa: ARG002 - IPython passes them
        return self._player()


class Video(_AnswerMedia, frozen=True):
    """A video of an answer; ``data`` holds the bytes of the file."""

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, Any]:  # noqa: ARG002 - IPython passes them
        return self._player()


class AnswerContent:
    """What an answer contains, beside its text. A subclass has ``content_items`` and ``text``."""

    if TYPE_CHECKING:

        @property
        def text(self) -> str:
            """The text of the answer so far."""

    def content_items(self) -> tuple[int, list[AnswerItem]]:
        """Return the index of the candidate, and its items."""
        raise NotImplementedError

    @property
    def calls(self) -> list[Call]:
        """The function calls that the model requests, in order; one that arrived in pieces is one call."""
        _, items = self.content_items()
        return [item.call for item in items if isinstance(item, CallItem) and isinstance(item.call, Call)]

    @property
    def images(self) -> list[Picture]:
        """The pictures of the answer. Each displays itself, and has ``save()``, ``show()`` and its bytes in ``data``."""
        return [_media_object(Picture, item, index) for index, item in self._media("picture")]

    @property
    def audio(self) -> list[Audio]:
        """The audio of the answer, each joined from its pieces to a file that can be played; usually one."""
        return [_media_object(Audio, item, index) for index, item in self._media("audio")]

    @property
    def videos(self) -> list[Video]:
        """The videos of the answer."""
        return [_media_object(Video, item, index) for index, item in self._media("video")]

    @property
    def code_runs(self) -> list[CodeRun]:
        """The code that the server ran for the model, each with ``code``, ``output``, ``outcome``, ``ok`` and ``images``."""
        index, items = self.content_items()
        pictures: dict[int | None, list[Blob]] = {}
        for item in items:
            if isinstance(item, MediaItem) and item.run is not None:
                pictures.setdefault(item.run, []).append(_media_object(Picture, item, index))
        runs = (item for item in items if isinstance(item, CodeRun))
        return [msgspec.structs.replace(run, images=tuple(pictures.get(run.number, ()))) for run in runs]

    @property
    def code_blocks(self) -> list[markdown.CodeBlock]:
        """The fenced code blocks of the answer, each with ``language`` and ``text``."""
        return markdown.code_blocks(self.text)

    def _media(self, kind: str) -> list[tuple[int, MediaItem]]:
        index, items = self.content_items()
        return [(index, item) for item in items if isinstance(item, MediaItem) and item.kind == kind]


def _media_object(made: type[M], item: MediaItem, candidate: int) -> M:
    mime_type = item.mime_type if item.pcm is None else "audio/wav"
    return made(mime_type, item.data, index=item.number, candidate=candidate)


def _new_file(folder: Path, name: str, suffix: str) -> Path:
    """A file that does not exist yet."""
    names = (f"{name}{f' ({number})' if number > 1 else ''}{suffix}" for number in range(1, _MAX_NAMES))
    return next((path for each in names if not (path := folder / each).exists()), folder / f"{name}{suffix}")
