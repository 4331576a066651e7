"""The fields beside the data of a media part: written from its settings, and read again.

Reference: ai.google.dev, ``Part``: ``mediaResolution``, ``videoMetadata``, ``audioMetadata`` and ``documentMetadata``.
"""

from __future__ import annotations

import re
from typing import Any, Final, Literal

from ..content import Blob, File, LocalFile, MediaSettings
from .gemini_schema import WirePart

__all__ = ["media_fields", "media_offset", "media_settings"]

_LEVEL: Final = "MEDIA_RESOLUTION_"
_DURATION: Final = re.compile(r"(\d{1,9}(?:\.\d{1,9})?)s")
_LEVELS: Final[tuple[Literal["low", "medium", "high", "ultra_high"], ...]] = (
    "low",
    "medium",
    "high",
    "ultra_high",
)


def media_fields(part: Blob | File | LocalFile) -> dict[str, Any]:
    """The fields for the settings of a part; empty without settings.

    The section of media is a field of audio for audio, and of video for any other type.
    """
    settings = part.media
    if settings is None:
        return {}
    fields: dict[str, Any] = {}
    if settings.resolution is not None:
        fields["mediaResolution"] = {"level": f"{_LEVEL}{settings.resolution.upper()}"}
    section: dict[str, Any] = {
        name: media_offset(seconds)
        for name, seconds in (("startOffset", settings.start), ("endOffset", settings.end))
        if seconds is not None
    }
    if settings.fps is not None:
        section["fps"] = settings.fps
    if section:
        is_audio = (part.mime_type or "").startswith("audio/")
        fields["audioMetadata" if is_audio else "videoMetadata"] = section
    if settings.pages is not None:
        first, last = settings.pages
        fields["documentMetadata"] = {"startPage": first, "endPage": last}
    return fields


def media_offset(seconds: float) -> str:
    """A duration as Protocol Buffers write it: ``90s``, ``2.5s``."""
    return f"{seconds:.3f}".rstrip("0").rstrip(".") + "s"


def media_settings(part: WirePart) -> MediaSettings | None:
    """The settings in the fields of a part; what is not valid is left out. None without any."""
    section, document = _fields(part.video_metadata or part.audio_metadata), _fields(part.document_metadata)
    level = _fields(part.media_resolution).get("level")
    pages = document.get("startPage"), document.get("endPage")
    fps = section.get("fps")
    found = MediaSettings(
        resolution=next((each for each in _LEVELS if level == f"{_LEVEL}{each.upper()}"), None),
        start=_seconds(section.get("startOffset")),
        end=_seconds(section.get("endOffset")),
        fps=float(fps) if isinstance(fps, int | float) and not isinstance(fps, bool) else None,
        pages=(pages[0], pages[1]) if isinstance(pages[0], int) and isinstance(pages[1], int) else None,
    )
    return None if found == MediaSettings() else found


def _fields(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _seconds(text: Any) -> float | None:
    found = _DURATION.fullmatch(text) if isinstance(text, str) else None
    return float(found[1]) if found else None
