"""Ways of cutting a body into pieces, for every test of an incremental decoder."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


def byte_by_byte(body: bytes) -> list[bytes]:
    return [body[at : at + 1] for at in range(len(body))]


def random_cuts(body: bytes, seed: int, longest: int = 200) -> list[bytes]:
    """Pieces of 1 to ``longest`` bytes, the same for the same seed."""
    pick = random.Random(seed)
    pieces, at = [], 0
    while at < len(body):
        size = pick.randint(1, longest)
        pieces.append(body[at : at + size])
        at += size
    return pieces


def every_cut(body: bytes) -> Iterator[list[bytes]]:
    """Whole, byte by byte, and each way to cut in two."""
    yield [body]
    yield byte_by_byte(body)
    for at in range(1, len(body)):
        yield [body[:at], body[at:]]
