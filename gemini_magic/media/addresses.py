"""Addresses from which the server fetches media itself: https, YouTube, Cloud Storage; and media inside an address."""

from __future__ import annotations

import base64
import binascii
import re
from typing import Final
from urllib.parse import parse_qs, unquote, unquote_to_bytes, urlsplit

from ..content import File, MediaSettings, Part
from .files import bytes_part
from .source import MediaSource

__all__ = ["address_part", "is_address", "youtube_address"]

_ADDRESS: Final = re.compile(r"(?:https?|gs|data):", re.IGNORECASE)
_YOUTUBE_HOSTS: Final = ("youtube.com", "www.youtube.com", "m.youtube.com", "music.youtube.com", "youtu.be")
_YOUTUBE_PATHS: Final = ("embed", "shorts", "live", "v")
_YOUTUBE_ID: Final = re.compile(r"[\w-]{6,20}")
_YOUTUBE_START: Final = re.compile(r"(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s?)?")
_SPACE: Final = re.compile(r"\s")
# The MIME types of files in the API's spelling, by the ending of their name.
_ENDINGS: Final = {
    **{name: f"image/{name}" for name in ("png", "jpeg", "webp", "heic", "heif")},
    **{name: f"audio/{name}" for name in ("wav", "mp3", "aiff", "aac", "ogg", "flac", "m4a")},
    **{name: f"video/{name}" for name in ("mp4", "webm", "mpeg", "wmv")},
    "jpg": "image/jpeg",
    "aif": "audio/aiff",
    "oga": "audio/ogg",
    "mov": "video/quicktime",
    "avi": "video/x-msvideo",
    "flv": "video/x-flv",
    "mpg": "video/mpeg",
    "3gp": "video/3gpp",
    "pdf": "application/pdf",
    **dict.fromkeys(("txt", "md", "py"), "text/plain"),
    "html": "text/html",
    "htm": "text/html",
    "csv": "text/csv",
    **{name: f"image/{name}" for name in ("gif", "bmp", "tiff", "avif")},
    "tif": "image/tiff",
    "svg": "image/svg+xml",
    "xml": "text/xml",
}

_REFUSED: Final = {  # endings of files that no backend takes
    **dict.fromkeys(("doc", "docx", "odt"), "a Word file"),
    **dict.fromkeys(("xls", "xlsx", "ods"), "an Excel file"),
    **dict.fromkeys(("ppt", "pptx", "odp"), "a PowerPoint file"),
    **dict.fromkeys(("zip", "tar", "tgz", "gz", "bz2", "xz", "7z", "rar"), "an archive"),
}


def is_address(text: str) -> bool:
    """Whether a text is an address of a kind that :func:`address_part` takes."""
    return _ADDRESS.match(text) is not None


def youtube_address(ident: str) -> str:
    """The address of a video of YouTube in the form that the API documents."""
    return f"https://www.youtube.com/watch?v={ident}"


def address_part(address: str, source: MediaSource) -> Part:
    """The part for an address; its type is that of its ending, and left to the server without one.

    Raises:
        PromptError: it is not valid, or of a kind that the server does not fetch.
    """
    scheme = address.partition(":")[0].lower()
    if scheme == "data":
        return _inside(address, source)
    if scheme == "http":
        raise source.problem(
            "is an address that starts with http:, which the API does not fetch.",
            "Use https, or download the file and attach it.",
        )
    try:
        parts = urlsplit(address)
        host = parts.hostname
    except ValueError:
        host = None
    if not host or scheme not in ("https", "gs") or _SPACE.search(address):
        raise source.problem("is not a valid address.", "Write https://HOST/PATH or gs://BUCKET/PATH.")
    if parts.username or parts.password:
        raise source.problem(
            "contains a user name or a password, which the server would receive.",
            "Download the file and attach it.",
        )
    if host.lower() in _YOUTUBE_HOSTS:
        return _video_of_youtube(address, source)
    ending = unquote(parts.path).rpartition("/")[2].rpartition(".")[2].lower()
    if kind := _REFUSED.get(ending):
        raise source.problem(
            f"is the address of {kind}, which the API does not take.",
            "Download it and save it as PDF, or insert its text."
            if kind != "an archive"
            else "Download it and attach its files.",
        )
    return File(address, _ENDINGS.get(ending))


def _video_of_youtube(address: str, source: MediaSource) -> File:
    parts = urlsplit(address)
    query = parse_qs(parts.query)
    steps = [step for step in parts.path.split("/") if step]
    ident = (query.get("v") or [""])[0]
    if not ident and parts.hostname == "youtu.be":
        ident = steps[0] if steps else ""
    elif not ident and len(steps) > 1 and steps[0] in _YOUTUBE_PATHS:
        ident = steps[1]
    if not _YOUTUBE_ID.fullmatch(ident):
        raise source.problem(
            "is an address of YouTube without a video.", "Use the address of one video, with watch?v=."
        )
    start = _youtube_start((query.get("t") or query.get("start") or [""])[0])
    return File(youtube_address(ident), "video/mp4", media=MediaSettings(start=start) if start else None)


def _youtube_start(text: str) -> float:
    """The seconds in the ``t`` of an address: ``90``, ``90s`` or ``1m30s``; 0 without one."""
    found = _YOUTUBE_START.fullmatch(text)
    hours, minutes, seconds = (int(each or 0) for each in found.groups()) if found else (0, 0, 0)
    return float(hours * 3600 + minutes * 60 + seconds)


def _inside(address: str, source: MediaSource) -> Part:
    """The media in a ``data:`` address; its content decides what it is."""
    head, comma, text = address.partition(",")
    source = source._replace(name="The data: address")
    try:
        data = (
            base64.b64decode(unquote(text), validate=True)
            if head.endswith(";base64")
            else unquote_to_bytes(text)
        )
    except (binascii.Error, ValueError):
        data = b""
    if not comma or not data:
        raise source.problem("cannot be decoded.", "Write data:TYPE;base64,DATA.")
    return bytes_part(data, source)
