"""Attachments: files, addresses and objects beside the text of a prompt, with settings for the server."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from glob import glob, has_magic
from pathlib import Path, PurePath
from typing import Any, Final, Literal, get_args

from msgspec import Struct
from msgspec.structs import asdict, replace

from ..content import Blob, File, LocalFile, MediaSettings, Part
from ..errors import PromptError
from ..text import one_line
from .addresses import address_part, is_address
from .files import file_part
from .listing import describe_part
from .objects import media_parts
from .source import MediaSource

__all__ = ["Attachment", "attach", "attached_parts", "named_attachment"]

_Resolution = Literal["low", "medium", "high", "ultra_high"]
_DURATION: Final = re.compile(r"(?:(\d+(?:\.\d+)?)h)?(?:(\d+(?:\.\d+)?)m)?(?:(\d+(?:\.\d+)?)s?)?")
_CLOCK: Final = re.compile(r"(?:(\d+):)?(\d+):(\d+(?:\.\d+)?)")
_MOST_FPS: Final = 24.0
_PAIR: Final = 2


class Attachment(Struct, frozen=True):
    """Media for a prompt: insert it with ``{{ }}``, or put it into the list of ``ask([...])`` or ``attach=[...]``.

    Attributes:
        parts: the parts that are sent.
        notices: a sentence for the user about each thing that was changed or left out.
    """

    parts: tuple[Part, ...]
    notices: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return one_line(f"<Attachment: {', '.join(map(describe_part, self.parts))}>")


def attach(
    value: object,
    *,
    resolution: _Resolution | None = None,
    pages: tuple[int, int] | int | None = None,
    start: str | float | None = None,
    end: str | float | None = None,
    fps: float | None = None,
) -> Attachment:
    """Prepare media for a prompt, with settings that say how the server reads it.

    A figure or picture is drawn now; a file is read when the prompt is sent.

    Args:
        value: a path or a pattern such as ``plots/*.png`` (text or Path), an https, YouTube or gs address, or an object: a
            figure, a picture, an array, sound, video or bytes.
        resolution: ``low``, ``medium``, ``high`` or ``ultra_high``: how many tokens an image, a page or a frame costs.
            Gemini 3 and later.
        pages: the first and the last page of a document, counted from 1; one number is one page.
        start: where the section of a video or of audio begins: seconds, ``"90s"``, ``"1m30s"`` or ``"1:30"``.
        end: where it ends.
        fps: the frames of a video that are read for each second, above 0 and at most 24; the server's default is 1.

    Raises:
        PromptError: the media is missing or cannot be sent, or a setting is not valid or does not fit the media.
    """
    settings = MediaSettings(
        resolution=_checked_resolution(resolution),
        start=_seconds("start", start),
        end=_seconds("end", end),
        fps=_checked_fps(fps),
        pages=_checked_pages(pages),
    )
    if settings.start is not None and settings.end is not None and settings.end <= settings.start:
        raise PromptError("end must be after start.", remedy='For example: start="10s", end="30s".')
    notices: list[str] = []
    if isinstance(value, Attachment):
        parts, notices = list(value.parts), list(value.notices)
    elif isinstance(value, str):
        parts = _parts_of_text(value, notices)
    else:
        parts = attached_parts(value, MediaSource("The attachment", notices))
    return Attachment(tuple(_with_settings(part, settings) for part in parts), tuple(notices))


def named_attachment(name: str, variables: Mapping[str, Any], notices: list[str]) -> list[Part]:
    """The parts for the value of ``--attach``: a variable, an address, a path, or a pattern that matches paths.

    Args:
        name: the value.
        variables: the user's variables.
        notices: receives a sentence for the user about each thing that is changed or left out.

    Raises:
        PromptError: there is nothing of that name, or it cannot be sent.
    """
    if name.isidentifier() and name in variables:
        return attached_parts(variables[name], MediaSource(name, notices))
    known = [each for each in variables if not each.startswith("_")] if name.isidentifier() else []
    return _parts_of_text(name, notices, known)


def attached_parts(value: object, source: MediaSource) -> list[Part]:
    """The parts for an object that is attached; text is a path, a pattern or an address.

    Raises:
        PromptError: it is not media, or cannot be sent.
    """
    if isinstance(value, Attachment):
        source.notices.extend(value.notices)
        return list(value.parts)
    if isinstance(value, Part):
        return [value]
    if isinstance(value, str):
        return _parts_of_text(value, source.notices)
    if isinstance(value, list | tuple):
        return [
            part
            for number, each in enumerate(value)
            for part in attached_parts(each, source._replace(name=f"{source.name}[{number}]"))
        ]
    parts = media_parts(value, source)
    if parts is None:
        raise source.problem(
            f"is an object of the type {type(value).__name__}, which is not media.",
            "Insert it into the prompt with {{ }}, or attach a file, an address, a figure, a picture or bytes.",
        )
    return parts


def _parts_of_text(text: str, notices: list[str], variables: Sequence[str] = ()) -> list[Part]:
    """The parts for a path, a pattern or an address."""
    if not text.strip():
        raise PromptError("The attachment has no name.", remedy="Name a file, an address or a variable.")
    if is_address(text):
        return [address_part(text, MediaSource(text, notices))]
    path = PurePath(text.removeprefix("file://"))
    if has_magic(text) and not Path(path).expanduser().exists():
        found = sorted(glob(str(Path(path).expanduser()), recursive=True))  # noqa: PTH207 - also for absolute patterns
        files = [each for each in found if Path(each).is_file()]
        if not files:
            raise PromptError(f"No file matches {text}.", remedy=f"Relative paths start at {Path.cwd()}.")
        return [part for each in files for part in file_part(PurePath(each), MediaSource(each, notices))]
    try:
        return file_part(path, MediaSource(str(path), notices))
    except PromptError:
        if variables and not Path(path).expanduser().exists():
            from difflib import get_close_matches  # noqa: PLC0415 - only for a mistake

            if close := get_close_matches(text, variables, n=3):
                raise PromptError(
                    f"{text} is neither a variable nor a file.", remedy=f"Did you mean {' or '.join(close)}?"
                ) from None
        raise


# -- settings


def _checked_resolution(value: Any) -> _Resolution | None:
    known: tuple[_Resolution, ...] = get_args(_Resolution)
    if value is None:
        return None
    for name in known:
        if str(value).lower().replace("-", "_") == name:
            return name
    raise PromptError(f"resolution {value!r} is not valid.", remedy=f"Use {', '.join(known)}.")


def _checked_fps(value: Any) -> float | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value <= _MOST_FPS:
        raise PromptError(f"fps {value!r} is not valid.", remedy="Use a number above 0 and at most 24.")
    return float(value)


def _checked_pages(value: Any) -> tuple[int, int] | None:
    if value is None:
        return None
    pages = (value, value) if isinstance(value, int) and not isinstance(value, bool) else value
    if (
        not isinstance(pages, tuple | list)
        or len(pages) != _PAIR
        or any(isinstance(page, bool) or not isinstance(page, int) for page in pages)
        or not 1 <= pages[0] <= pages[1]
    ):
        raise PromptError(
            f"pages {value!r} is not valid.", remedy="Give the first and the last page, such as pages=(3, 9)."
        )
    return pages[0], pages[1]


def _seconds(name: str, value: Any) -> float | None:
    """A time in seconds."""
    if value is None:
        return None
    seconds: float | None = None
    if isinstance(value, str):
        if (found := _CLOCK.fullmatch(value.strip())) or (
            value.strip() and (found := _DURATION.fullmatch(value.strip()))
        ):
            hours, minutes, rest = (float(each or 0) for each in found.groups())
            seconds = hours * 3600 + minutes * 60 + rest
    elif isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < float("inf"):
        seconds = float(value)
    if seconds is None:
        raise PromptError(
            f"{name} {value!r} is not a time.",
            remedy=f'Give seconds or text: {name}=90, {name}="90s" or {name}="1:30".',
        )
    return seconds


def _with_settings(part: Part, settings: MediaSettings) -> Part:
    """The part with the settings that are set, which replace its own.

    Raises:
        PromptError: a setting does not fit the type of the part.
    """
    given = {name: value for name, value in asdict(settings).items() if value is not None}
    if not given:
        return part
    kind = getattr(part, "mime_type", None) or ""
    family = "document" if kind == "application/pdf" else kind.partition("/")[0]
    for name in given:
        fitting = _FITTING[name]
        if not isinstance(part, Blob | File | LocalFile) or (family and family not in fitting):
            what = family or "text"
            raise PromptError(
                f"{name} does not apply to {what if isinstance(part, Blob | File | LocalFile) else 'text'}.",
                remedy=f"It applies to: {', '.join(fitting)}.",
            )
    assert isinstance(part, Blob | File | LocalFile)  # noqa: S101 - checked above
    own = part.media or MediaSettings()
    return replace(part, media=replace(own, **given))


_FITTING: Final = {
    "resolution": ("image", "video", "document"),
    "start": ("video", "audio"),
    "end": ("video", "audio"),
    "fps": ("video",),
    "pages": ("document",),
}
