"""A growing text as pieces of HTML that change as little as possible; it knows no widget.

Finished blocks are collected into pieces, what is unfinished is the tail. Each call says which pieces are new
or changed, so that a front end is sent little more than what is new.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from ..markdown import Renderer

__all__ = ["GROWING", "PIECE", "Pieces"]

# A piece below GROWING characters is sent again when a block is added to it; blocks are sent twice on average.
# What arrives at once becomes one piece, cut between blocks where it would exceed PIECE.
GROWING: Final = 1024
PIECE: Final = 4096


class Pieces:
    """The pieces of one lane of a ledger.

    Args:
        source: a growing list of text deltas; only read.

    Attributes:
        html: the pieces' HTML.
        tail: HTML of what is unfinished.
    """

    def __init__(self, source: Sequence[str]) -> None:
        self._source = source
        self._cursor = 0
        self._renderer = Renderer(heal=True)
        self._blocks: list[list[str]] = []  # of each piece
        self._place: list[tuple[int, int]] = []  # block -> piece and position in it
        self.html: list[str] = []
        self.tail = ""

    @property
    def pending(self) -> bool:
        """Whether there is text that was not rendered yet."""
        return len(self._source) > self._cursor

    @property
    def cost(self) -> float:
        """Seconds the last rendering took."""
        return self._renderer.last_cost

    @property
    def whole(self) -> str:
        """The HTML of everything rendered so far."""
        return self._renderer.html

    def step(self, *, final: bool = False, most: int = 1) -> list[int]:
        """Render what is new.

        Args:
            final: nothing follows: the tail is finished too.
            most: how many new pieces there may be; the last of them takes what is left.

        Returns:
            The positions in ``html`` that are new or changed, in ascending order.
        """
        new = self._source[self._cursor :]
        self._cursor += len(new)
        self._renderer.append("".join(new))
        operations = self._renderer.close() if final else self._renderer.update()
        touched: set[int] = set()
        opened = 0
        for kind, ident, html in operations:
            if kind == "tail":
                continue
            if kind == "replace":
                piece, position = self._place[ident]
                self._blocks[piece][position] = html
            else:
                fresh = self._is_full(touched) and opened < most
                opened += fresh or not self._blocks
                if fresh or not self._blocks:
                    self._blocks.append([])
                    self.html.append("")
                piece = len(self._blocks) - 1
                self._place.append((piece, len(self._blocks[piece])))
                self._blocks[piece].append(html)
                self.html[piece] += html
            touched.add(piece)
        for piece in touched:
            self.html[piece] = "".join(self._blocks[piece])
        self.tail = self._renderer.tail
        return sorted(touched)

    def _is_full(self, touched: set[int]) -> bool:
        """Whether the last piece takes no more: one that is sent anyway is filled up, another only while small."""
        if not self.html:
            return True
        return len(self.html[-1]) >= (PIECE if len(self.html) - 1 in touched else GROWING)
