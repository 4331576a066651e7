"""Prepares what is attached to a prompt: media with settings for the server, and tables as text."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final, Literal, get_args

from msgspec.structs import asdict, replace

from .. import media
from ..content import Blob, File, LocalFile, MediaSettings, Part, Text
from ..errors import PromptError
from .converted import TABLE_ROWS
from .tables import TableText, table_of

__all__ = ["attach", "attachments_of_line", "parts_of_attachment"]

_Resolution = Literal["low", "medium", "high", "ultra_high"]
_DURATION: Final = re.compile(r"(?:(\d+(?:\.\d+)?)h)?(?:(\d+(?:\.\d+)?)m)?(?:(\d+(?:\.\d+)?)s?)?")
_CLOCK: Final = re.compile(r"(?:(\d+):)?(\d+):(\d+(?:\.\d+)?)")
_MOST_FPS: Final = 24.0
_PAIR: Final = 2
_UNNAMED: Final = "the attachment"


def attach(
    value: object,
    *,
    resolution: _Resolution | None = None,
    pages: tuple[int, int] | int | None = None,
    start: str | float | None = None,
    end: str | float | None = None,
    fps: float | None = None,
) -> media.Attachment:
    """Prepare media for a prompt, with settings that say how the server reads it.

    A figure or picture is drawn now; a file is read when the prompt is sent.

    Args:
        value: a path or a pattern such as ``plots/*.png`` (text or Path), an https, YouTube or gs address, or an object: a
            figure, a picture, an array, sound, video, bytes, a table, or an answer, whose media are sent.
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
    parts = parts_of_attachment(value, media.MediaSource(_UNNAMED, notices), TABLE_ROWS)
    return media.Attachment(tuple(_with_settings(part, settings) for part in parts), tuple(notices))


def parts_of_attachment(value: object, source: media.MediaSource, rows: int) -> list[Part]:
    """The parts for an object that is attached: a table as text with its name before it, or media.

    Args:
        value: the object, or a list of objects.
        source: its name, and the list for notices.
        rows: the largest number of rows of a table; 0 for all.

    Raises:
        PromptError: it cannot be sent.
    """
    if isinstance(value, list | tuple):
        return [
            part
            for number, each in enumerate(value)
            for part in parts_of_attachment(each, source._replace(name=f"{source.name}[{number}]"), rows)
        ]
    if isinstance(value, TableText):
        source.notices.extend(value.notices)
        text = str(value)
    elif (found := table_of(value)) is not None:
        text = found.markdown(rows or None, source.name, source.notices)
    else:
        return media.attached_parts(value, source)
    head = "" if source.name.startswith(_UNNAMED) else f"\n`{source.name}`:"
    return [Text(f"{head}\n\n{text}\n\n")]


def attachments_of_line(
    names: Sequence[str], variables: Mapping[str, object], notices: list[str], table_rows: int
) -> list[Part]:
    """The parts for the values of ``--attach``: a variable or a part of one, a path, a pattern or an address.

    Args:
        names: the values.
        variables: the user's variables.
        notices: receives a sentence for the user about each thing that is changed or left out.
        table_rows: the largest number of rows of a table; 0 for all.

    Raises:
        PromptError: there is nothing of that name, or it cannot be sent.
    """
    parts: list[Part] = []
    for name in names:
        found = media.named_value(name, variables)
        parts += (
            media.named_attachment(name, variables, notices)
            if found is None
            else parts_of_attachment(found[0], media.MediaSource(name, notices), table_rows)
        )
    return parts


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
