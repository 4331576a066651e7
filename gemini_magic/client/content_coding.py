"""Undoes the ``Content-Encoding`` of a body while its bytes arrive (RFC 9110, 8.4).

A few kB can be made to expand to any size, above all if they were compressed several times, so every step is limited.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from typing import Final, Protocol

from ..errors import WireError

__all__ = ["BodyDecoder", "content_codings", "unsupported_coding"]

_GZIP = b"\x1f\x8b"
_ZLIB_HEADER = 2  # bytes; RFC 1950, 2.2
_MEGABYTE: Final = 2**20
_MOST: Final = 64 * _MEGABYTE  # bytes that one read may expand to; `--max-total` limits the whole body
# Bytes that the outer codings may expand to, for each byte that arrived. Compressed data hardly shrinks when it is
# compressed again, so no server's body comes near this limit.
_OUTER_RATIO: Final = 10
_MOST_CODINGS: Final = 3


def content_codings(values: Sequence[str]) -> list[str]:
    """The codings of a body in the order in which they were applied; ``identity`` is left out.

    Args:
        values: the values of the ``Content-Encoding`` headers.
    """
    names = [name.strip().lower() for value in values for name in value.split(",")]
    return [name.removeprefix("x-") for name in names if name not in ("", "identity")]


def unsupported_coding(codings: Sequence[str]) -> str | None:
    """The first coding that cannot be undone, such as ``br``, or all of them if they are too many; None if all can."""
    if len(codings) > _MOST_CODINGS:
        return f"{', '.join(codings[:_MOST_CODINGS])}, …"
    return next((name for name in codings if name not in _DECODERS), None)


class BodyDecoder:
    """Undoes the codings of one body.

    Args:
        codings: supported codings, in the order in which they were applied.
    """

    def __init__(self, codings: Sequence[str]) -> None:
        self._decoders = [_DECODERS[name]() for name in reversed(codings)]
        self._outer_left = _MEGABYTE  # bytes that the outer codings may still expand to

    def feed(self, data: bytes) -> bytes:
        """The decoded bytes that these bytes complete.

        Raises:
            zlib.error: they are not in this coding.
            WireError: they expand to too many bytes.
        """
        self._outer_left = min(self._outer_left + _OUTER_RATIO * len(data), _MOST)
        *outer, last = self._decoders
        for decoder in outer:
            data = decoder.feed(data, self._outer_left)
            self._outer_left -= len(data)
        return last.feed(data, _MOST)


class _Decoder(Protocol):
    def feed(self, data: bytes, most: int) -> bytes: ...


def _expand(inner: zlib._Decompress, data: bytes, most: int) -> bytes:
    """Decompress data to at most ``most`` bytes.

    Raises:
        WireError: there are more.
    """
    found = inner.decompress(data, most + 1)
    if len(found) > most:
        raise WireError(
            "The server's response expands to far more data than any answer has.",
            remedy="Check --base-url, and the proxies between this computer and the server.",
        )
    return found


class _Gzip:
    """Gzip data of one or more members, one after the other (RFC 1952, 2.2). Other bytes after a member are ignored."""

    def __init__(self) -> None:
        self._inner = self._member()
        self._rest = b""  # after a member; too short to decide what it is

    @staticmethod
    def _member() -> zlib._Decompress:
        return zlib.decompressobj(16 + zlib.MAX_WBITS)

    def feed(self, data: bytes, most: int) -> bytes:
        found: list[bytes] = []
        while data:
            if self._inner.eof:
                data, self._rest = (self._rest + data).lstrip(b"\0"), b""
                if len(data) < len(_GZIP):
                    self._rest = data
                    break
                if not data.startswith(_GZIP):
                    break
                self._inner = self._member()
            found.append(_expand(self._inner, data, most))
            most -= len(found[-1])
            data = self._inner.unused_data
        return b"".join(found)


class _Deflate:
    """Data in the zlib format, or without its header, as some servers send it."""

    def __init__(self) -> None:
        self._inner = zlib.decompressobj()
        self._begun: bytes | None = b""  # what arrived until the format is known

    def feed(self, data: bytes, most: int) -> bytes:
        if self._begun is None:
            return _expand(self._inner, data, most)
        self._begun += data
        if len(self._begun) < _ZLIB_HEADER:
            return b""
        data, self._begun = self._begun, None
        first, second = data[:_ZLIB_HEADER]
        if first & 0x0F != zlib.DEFLATED or (first * 256 + second) % 31:
            self._inner = zlib.decompressobj(-zlib.MAX_WBITS)
        return _expand(self._inner, data, most)


_DECODERS: dict[str, type[_Decoder]] = {"gzip": _Gzip, "deflate": _Deflate}
