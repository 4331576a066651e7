"""Finds out whether the bytes of an image are complete: PNG, JPEG and WebP files that end too early, and damaged PNG files.

Nothing is decoded. Other types are not checked.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from mmap import mmap

__all__ = ["damage_of"]

_HEADER: Final = 8  # bytes of a PNG signature, and of the head of a chunk
_CRC: Final = 4
_END_TOO_EARLY: Final = "it ends too early"
_START_OF_SCAN: Final = 0xDA
_ALONE: Final = (0x01, *range(0xD0, 0xD9))  # markers without a length
_END_OF_IMAGE: Final = b"\xff\xd9"


def damage_of(data: bytes | mmap, mime_type: str) -> str | None:
    """Return why an image cannot be drawn whole, as the end of a sentence; None if nothing is wrong.

    Args:
        data: the whole file, in memory or mapped.
        mime_type: the type that its first bytes show.
    """
    check = _CHECKS.get(mime_type)
    return None if check is None else check(data)


def _png(data: bytes | mmap) -> str | None:
    """Walk through the chunks: each has a length, a name, its data and a checksum."""
    at, view = _HEADER, memoryview(data)
    while at + _HEADER + _CRC <= len(data):
        length, name = struct.unpack_from(">I4s", data, at)
        end = at + _HEADER + length
        if end + _CRC > len(data):
            return _END_TOO_EARLY
        (crc,) = struct.unpack_from(">I", data, end)
        is_critical = not name[0] & 0x20
        if is_critical and zlib.crc32(view[at + 4 : end]) != crc:
            return "the checksum of its data is wrong"
        if name == b"IEND":
            return None
        at = end + _CRC
    return _END_TOO_EARLY


def _jpeg(data: bytes | mmap) -> str | None:
    """Skip the segments before the pixels, which may contain a whole thumbnail, and look for the end of the image."""
    at = 2
    while at + 4 <= len(data) and data[at] == 0xFF:  # noqa: PLR2004 - every segment begins with it
        kind = data[at + 1]
        if kind == 0xFF:  # noqa: PLR2004 - it may be repeated
            at += 1
        elif kind in _ALONE:
            at += 2
        elif kind == _START_OF_SCAN:
            return None if data.find(_END_OF_IMAGE, at) != -1 else _END_TOO_EARLY
        else:
            at += 2 + max(2, int.from_bytes(data[at + 2 : at + 4], "big"))
    return _END_TOO_EARLY if at + 4 > len(data) else "its segments are damaged"


def _webp(data: bytes | mmap) -> str | None:
    return None if int.from_bytes(data[4:8], "little") + _HEADER <= len(data) else _END_TOO_EARLY


_CHECKS: Final[dict[str, Callable[[bytes | mmap], str | None]]] = {
    "image/png": _png,
    "image/jpeg": _jpeg,
    "image/webp": _webp,
}
