"""Describes the parts of a prompt: in a few words, as a list with thumbnails, and summed up for the status line."""

from __future__ import annotations

import base64
import re
from collections import Counter
from collections.abc import Sequence
from html import escape
from pathlib import Path, PurePath
from typing import Any, Final

from ..content import Blob, Call, CallResult, File, LocalFile, MediaSettings, Part, Text
from ..text import one_line
from .pictures import thumbnail
from .raster import read_raster
from .source import readable_size

__all__ = ["describe_part", "html_part_list", "part_list", "shorten_base64", "summarize_media"]

_SIDE: Final = 96  # pixels of a thumbnail
_MOST_THUMBNAILS: Final = 24
_MOST_EMBEDDED: Final = 64 * 1024  # bytes of a picture that is its own thumbnail
_MOST_READ: Final = 100_000_000  # bytes of a file that gets a thumbnail
_SHOWN_TYPES: Final = ("image/png", "image/jpeg", "image/webp", "image/gif")
_EXCERPT: Final = 60  # characters of a text
_EXIF: Final = b"Exif\0\0"
_EXIF_PLACE: Final = 4096  # bytes at the start of a JPEG file in which its EXIF data begin
_LONG: Final = 1000  # characters of base64
_BASE64: Final = re.compile(r"[A-Za-z0-9+/_-]+={0,2}")
_NOUNS: Final = {"image": "image", "video": "video", "audio": "audio file", "application": "document"}


def describe_part(part: Part) -> str:
    """A part in a few words: its kind, its size, and the settings that it is read with."""
    match part:
        case Blob(mime_type=kind, data=data):
            exif = ", with EXIF data" if kind == "image/jpeg" and _EXIF in data[:_EXIF_PLACE] else ""
            raster = read_raster(data)
            pixels = f", {raster.width:,} × {raster.height:,}" if raster else ""
            found = f"{kind}, {readable_size(len(data))}{pixels}{exif}"
        case LocalFile(path=path, mime_type=kind, size=size):
            found = f"{kind}, {readable_size(size)}, {PurePath(path).name}"
        case File(uri=uri, mime_type=kind):
            found = f"{kind}, {uri}" if kind else uri
        case Text(text=text):
            found = f"text, {len(text):,} character{'' if len(text) == 1 else 's'}"
        case Call(name=name) | CallResult(name=name):
            return f"{'call' if isinstance(part, Call) else 'result'} of {name}"
        case _:
            found = type(part).__name__.lower()
    settings = getattr(part, "media", None)
    return f"{found} ({_describe_settings(settings)})" if settings else found


def _describe_settings(settings: MediaSettings) -> str:
    section = [
        f"{name} {each:g} s" for name in ("start", "end") if (each := getattr(settings, name)) is not None
    ]
    first, last = settings.pages or (0, 0)
    pages = f"pages {first} to {last}" if last > first else f"page {first}" if last else ""
    fps = f"{settings.fps:g} frames a second" if settings.fps is not None else ""
    resolution = f"{settings.resolution} resolution" if settings.resolution else ""
    return ", ".join(text for text in (pages, *section, fps, resolution) if text)


def summarize_media(parts: Sequence[Part]) -> str:
    """The media among parts, counted, with their size: ``1 image, 2.1 MB``; empty without media."""
    counts: Counter[str] = Counter()
    size = 0
    for part in parts:
        if isinstance(part, Blob | File | LocalFile):
            counts[_NOUNS.get((part.mime_type or "").partition("/")[0], "file")] += 1
            size += (
                len(part.data) if isinstance(part, Blob) else part.size if isinstance(part, LocalFile) else 0
            )
    texts = [f"{count} {noun}{'' if count == 1 else 's'}" for noun, count in counts.items()]
    text = " and ".join([", ".join(texts[:-1]), *texts[-1:]] if len(texts) > 1 else texts)
    return f"{text}, {readable_size(size)}" if size else text


def part_list(parts: Sequence[Part]) -> str:
    """The parts as numbered lines, each with its kind, size and, for text, its beginning; empty for text alone."""
    if all(isinstance(part, Text) for part in parts):
        return ""
    lines = (f"{number:>3}. {line}" for number, line in enumerate(map(_line, parts), 1))
    return "\n".join(["Parts of the prompt:", *lines])


def _line(part: Part) -> str:
    excerpt = ""
    if isinstance(part, Text):
        text = one_line(" ".join(part.text[: 4 * _EXCERPT].split()))
        excerpt = f": {text[:_EXCERPT]}{'…' if len(text) > _EXCERPT else ''}"
    return one_line(describe_part(part)) + excerpt


def html_part_list(parts: Sequence[Part]) -> str:
    """The list as HTML, with a thumbnail of each picture; empty for text alone.

    Pillow makes them, if it is installed; without it, only a small picture has one: itself.
    """
    if all(isinstance(part, Text) for part in parts):
        return ""
    left = _MOST_THUMBNAILS
    items = []
    for part in parts:
        picture = _picture(part) if left else ""
        left -= bool(picture)
        items.append(f"<li>{escape(_line(part))}{picture}</li>")
    return f"<p>Parts of the prompt:</p><ol>{''.join(items)}</ol>"


def _picture(part: Part) -> str:
    if not isinstance(part, Blob | LocalFile) or not part.mime_type.startswith("image/"):
        return ""
    content = part.data if isinstance(part, Blob) else _content(part)
    data, kind = thumbnail(content, _SIDE, load=True), ""
    if data is not None:
        kind = "image/png" if data.startswith(b"\x89PNG") else "image/jpeg"
    elif part.mime_type in _SHOWN_TYPES and 0 < len(content) <= _MOST_EMBEDDED:
        data, kind = content, part.mime_type
    if data is None:
        return ""
    text = base64.b64encode(data).decode()
    style = f"display:block;max-width:{_SIDE}px;max-height:{_SIDE}px;margin:0"
    return f'<img src="data:{kind};base64,{text}" alt="" style="{style}">'


def _content(file: LocalFile) -> bytes:
    """The content of a file; empty if it is very large or cannot be read."""
    if file.size > _MOST_READ:
        return b""
    try:
        return Path(file.path).read_bytes()
    except OSError:
        return b""


def shorten_base64(value: Any) -> Any:
    """A JSON value in which long base64 texts are replaced by their length."""
    if isinstance(value, dict):
        return {name: shorten_base64(each) for name, each in value.items()}
    if isinstance(value, list):
        return [shorten_base64(each) for each in value]
    if isinstance(value, str) and len(value) > _LONG and _BASE64.fullmatch(value):
        return f"({len(value):,} characters of base64)"
    return value
