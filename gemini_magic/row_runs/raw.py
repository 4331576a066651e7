"""The response of one attempt as bytes: what an executor hands over and the store keeps."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from itertools import accumulate, pairwise
from typing import Final, NamedTuple

import msgspec

from ..ledger import Exchange

__all__ = ["RawHead", "fill_exchange", "pack_head", "pack_pieces", "unpack_pieces"]

_COUNT = struct.Struct("<I")
_MOST_PIECES: Final = 2_000_000  # the client reads at most half as many, because of max_total


class RawHead(NamedTuple):
    """The head of a response.

    Attributes:
        status: the HTTP status.
        reason, http_version: as sent.
        headers: names and values, without cookies and keys.
        connect: seconds that connecting took; None on a connection that was open already.
    """

    status: int
    reason: str = ""
    http_version: str = ""
    headers: tuple[tuple[str, str], ...] = ()
    connect: float | None = None


_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(RawHead).decode


def pack_head(exchange: Exchange, connect: float | None = None) -> bytes:
    """The JSON of the response's head; empty without a response."""
    if exchange.status is None:
        return b""
    head = RawHead(
        exchange.status, exchange.reason, exchange.http_version, exchange.response_headers, connect
    )
    return _encode(head)


def pack_pieces(pieces: Sequence[tuple[float, bytes]]) -> bytes:
    """The body of a response with the arrival of each piece.

    The form is: the number of pieces (32 bits, little endian), their arrivals in seconds since the request was sent
    (64-bit floats), their lengths (32 bits each), and their bytes.
    """
    if not pieces:
        return b""
    times, bodies = zip(*pieces, strict=True)
    count = len(bodies)
    return b"".join(
        [
            _COUNT.pack(count),
            struct.pack(f"<{count}d", *times),
            struct.pack(f"<{count}I", *map(len, bodies)),
            *bodies,
        ]
    )


def unpack_pieces(packed: bytes) -> list[tuple[float, bytes]]:
    """The pieces that :func:`pack_pieces` has packed.

    Raises:
        ValueError: the bytes are damaged.
    """
    if not packed:
        return []
    try:
        (count,) = _COUNT.unpack_from(packed)
        if count > _MOST_PIECES:
            raise ValueError(f"damaged pieces: {count:,} are too many")
        times = struct.unpack_from(f"<{count}d", packed, _COUNT.size)
        lengths = struct.unpack_from(f"<{count}I", packed, _COUNT.size + 8 * count)
    except struct.error as error:
        raise ValueError(f"damaged pieces: {error}") from None
    start = _COUNT.size + 12 * count
    if start + sum(lengths) != len(packed):
        raise ValueError("damaged pieces: their lengths differ")
    ends = accumulate(lengths, initial=start)
    return [(t, packed[first:last]) for t, (first, last) in zip(times, pairwise(ends), strict=True)]


def fill_exchange(exchange: Exchange, head: bytes, pieces: bytes, ended: str | None) -> None:
    """Put a kept response into an exchange that holds its request.

    Args:
        exchange: the exchange, without a response.
        head: the JSON of :func:`pack_head`.
        pieces: the bytes of :func:`pack_pieces`.
        ended: how the exchange ended, as recordings write it.

    Raises:
        ValueError: the bytes are damaged.
    """
    if head:
        try:
            found = _decode(head)
        except msgspec.DecodeError as error:
            raise ValueError(f"damaged head: {error}") from None
        exchange.set_head(
            found.status, reason=found.reason, http_version=found.http_version, headers=found.headers
        )
    for piece in unpack_pieces(pieces):
        exchange.pieces.append(piece)
    exchange.finish(ended or "cancelled", None)
