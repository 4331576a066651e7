"""Undoes the ``Content-Encoding`` of a body while its bytes arrive (RFC 9110, 8.4)."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from typing import Protocol

__all__ = ["BodyDecoder", "content_codings", "unsupported_coding"]

_GZIP = b"\x1f\x8b"
_ZLIB_HEADER = 2  # bytes; RFC 1950, 2.2


def content_codings(values: Sequence[str]) -> list[str]:
    """The codings of a body in the order in which they were applied; ``identity`` is left out.

    Args:
        values: the values of the ``Content-Encoding`` headers.
    """
    names = [name.strip().lower() for value in values for name in value.split(",")]
    return [name.removeprefix("x-") for name in names if name not in ("", "identity")]


def unsupported_coding(codings: Sequence[str]) -> str | None:
    """The first coding that cannot be undone, such as ``br``; None if all can."""
    return next((name for name in codings if name not in _DECODERS), None)


class BodyDecoder:
    """Undoes the codings of one body.

    Args:
        codings: supported codings, in the order in which they were applied.
    """

    def __init__(self, codings: Sequence[str]) -> None:
        self._decoders = [_DECODERS[name]() for name in reversed(codings)]

    def feed(self, data: bytes) -> bytes:
        """The decoded bytes that these bytes complete.

        Raises:
            zlib.error: they are not in this coding.
        """
        for decoder in self._decoders:
            data = decoder.feed(data)
        return data


class _Decoder(Protocol):
    def feed(self, data: bytes) -> bytes: ...


class _Gzip:
    """Gzip data of one or more members, one after the other (RFC 1952, 2.2). Other bytes after a member are ignored."""

    def __init__(self) -> None:
        self._inner = self._member()
        self._rest = b""  # after a member; too short to decide what it is

    @staticmethod
    def _member() -> zlib._Decompress:
        return zlib.decompressobj(16 + zlib.MAX_WBITS)

    def feed(self, data: bytes) -> bytes:
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
            found.append(self._inner.decompress(data))
            data = self._inner.unused_data
        return b"".join(found)


class _Deflate:
    """Data in the zlib format, or without its header, as some servers send it."""

    def __init__(self) -> None:
        self._inner = zlib.decompressobj()
        self._begun: bytes | None = b""  # what arrived until the format is known

    def feed(self, data: bytes) -> bytes:
        if self._begun is None:
            return self._inner.decompress(data)
        self._begun += data
        if len(self._begun) < _ZLIB_HEADER:
            return b""
        data, self._begun = self._begun, None
        first, second = data[:_ZLIB_HEADER]
        if first & 0x0F != zlib.DEFLATED or (first * 256 + second) % 31:
            self._inner = zlib.decompressobj(-zlib.MAX_WBITS)
        return self._inner.decompress(data)


_DECODERS: dict[str, type[_Decoder]] = {"gzip": _Gzip, "deflate": _Deflate}
