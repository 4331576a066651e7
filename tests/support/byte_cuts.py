"""Splits a body into pieces, for tests of incremental decoders."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


def byte_by_byte(body: bytes) -> list[bytes]:
    return [body[at : at + 1] for at in range(len(body))]


def random_cuts(body: bytes, seed: int, longest: int = 200) -> list[bytes]:
    """The body in pieces of 1 to ``longest`` bytes; the same seed gives the same pieces."""
    pick = random.Random(seed)
    pieces, at = [], 0
    while at < len(body):
        size = pick.randint(1, longest)
        pieces.append(body[at : at + size])
        at += size
    return pieces


def every_cut(body: bytes) -> Iterator[list[bytes]]:
    """The body in one piece, byte by byte, and split in two at each position."""
    yield [body]
    yield byte_by_byte(body)
    for at in range(1, len(body)):
        yield [body[:at], body[at:]]
