"""Reads the format and the size of images from their bytes: PNG, GIF, JPEG and WebP, the formats that every browser shows.

The bytes decide, not the MIME type that a server names.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, NamedTuple

__all__ = ["RasterImage", "read_raster"]


class RasterImage(NamedTuple):
    """What the head of an image says.

    Attributes:
        name: ``PNG``, ``GIF``, ``JPEG`` or ``WebP``.
        mime_type: the MIME type of the format.
        width, height: in pixels; at least 1.
    """

    name: str
    mime_type: str
    width: int
    height: int


def read_raster(data: bytes) -> RasterImage | None:
    """Return the format and size of an image; None if the bytes are not a PNG, GIF, JPEG or WebP image.

    Only the head is read, of a GIF also the sizes of its frames. The rest of the image may be damaged.
    """
    for name, signature, size_of in _FORMATS:
        if data.startswith(signature):
            size = size_of(data)
            return (
                None if size is None or min(size) < 1 else RasterImage(name, f"image/{name.lower()}", *size)
            )
    return None


def _read_int(data: bytes, at: int, length: int, *, little: bool = False) -> int:
    return int.from_bytes(data[at : at + length], "little" if little else "big")


def _png_size(data: bytes) -> tuple[int, int] | None:
    if len(data) < 33 or not data.startswith(b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR"):  # noqa: PLR2004 - its first chunk
        return None
    return _read_int(data, 16, 4), _read_int(data, 20, 4)


def _gif_size(data: bytes) -> tuple[int, int] | None:
    """Read all blocks: a frame may be larger than the size in the header, and browsers allocate memory for it."""
    if len(data) < 14 or data[:6] not in (b"GIF87a", b"GIF89a"):  # noqa: PLR2004 - its head
        return None
    width, height = _read_int(data, 6, 2, little=True), _read_int(data, 8, 2, little=True)
    at = 13 + _color_table_length(data[10])
    while at < len(data) and data[at] != 0x3B:  # noqa: PLR2004 - the trailer
        if data[at] == 0x2C:  # noqa: PLR2004 - a frame
            left, top, wide, high = (_read_int(data, at + place, 2, little=True) for place in (1, 3, 5, 7))
            width, height = max(width, left + wide), max(height, top + high)
            at += 11 + _color_table_length(data[at + 9] if at + 9 < len(data) else 0)
        elif data[at] == 0x21:  # noqa: PLR2004 - an extension
            at += 2
        else:
            return None
        while at < len(data) and data[at]:
            at += 1 + data[at]
        at += 1
    return width, height


def _color_table_length(flags: int) -> int:
    """Return the length in bytes of the color table that follows."""
    return 3 << ((flags & 7) + 1) if flags & 0x80 else 0


def _jpeg_size(data: bytes) -> tuple[int, int] | None:
    """Read the segments up to the frame header, which contains the size."""
    if not data.startswith(b"\xff\xd8\xff"):
        return None
    at = 2
    while at + 9 <= len(data) and data[at] == 0xFF:  # noqa: PLR2004 - every segment begins with it
        kind = data[at + 1]
        if kind == 0xFF:  # noqa: PLR2004 - it may be repeated
            at += 1
        elif 0xC0 <= kind <= 0xCF and kind not in (0xC4, 0xC8, 0xCC):  # noqa: PLR2004 - the frame header
            return _read_int(data, at + 7, 2), _read_int(data, at + 5, 2)
        elif kind in (0xD9, 0xDA) or _read_int(data, at + 2, 2) < 2:  # noqa: PLR2004 - pixels before any size
            return None
        else:
            at += 2 + _read_int(data, at + 2, 2)
    return None


def _webp_size(data: bytes) -> tuple[int, int] | None:
    if len(data) < 30 or data[:4] != b"RIFF" or data[8:12] != b"WEBP":  # noqa: PLR2004 - its head
        return None
    kind = data[12:16]
    if kind == b"VP8 " and data[23:26] == b"\x9d\x01\x2a":
        return _read_int(data, 26, 2, little=True) & 0x3FFF, _read_int(data, 28, 2, little=True) & 0x3FFF
    if kind == b"VP8L" and data[20] == 0x2F:  # noqa: PLR2004 - its signature
        bits = _read_int(data, 21, 4, little=True)
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    if kind == b"VP8X":
        return _read_int(data, 24, 3, little=True) + 1, _read_int(data, 27, 3, little=True) + 1
    return None


_FORMATS: Final[tuple[tuple[str, bytes, Callable[[bytes], tuple[int, int] | None]], ...]] = (
    ("PNG", b"\x89PNG", _png_size),
    ("GIF", b"GIF8", _gif_size),
    ("JPEG", b"\xff\xd8", _jpeg_size),
    ("WebP", b"RIFF", _webp_size),
)
