"""A growing text as pieces of HTML that change as little as possible; it knows no widget.

Only the last piece changes: it holds a few finished blocks and, below them, what is unfinished (the rest). When its
finished part is large enough, the next piece begins with a copy of the rest, and the style sheet shows only the
last piece's. So whatever message a page draws last, every word is on it once: nothing flickers, nothing is twice.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from ..markdown import Renderer
from .excerpt import MOST_HTML, Excerpt

__all__ = ["Pieces"]

# A piece is full with this many characters of finished HTML, or with this share of all there is if that is more:
# small pieces cost few bytes, and an endless answer has hundreds of widgets, not many thousands.
_SMALLEST: Final = 256
_SHARE: Final = 500


class Pieces:
    """The pieces of one lane of a ledger.

    Args:
        source: a growing list of text deltas, or the beginning of one; only read.

    Attributes:
        html: the pieces; their number and the last one's content grow.
    """

    def __init__(self, source: Sequence[str] | Excerpt) -> None:
        self._source = source
        self._cursor = 0
        self._renderer = Renderer(heal=True)
        self._blocks: list[list[str]] = []  # finished blocks of each piece
        self._rests: list[str] = []
        self._place: list[tuple[int, int]] = []  # block -> piece and position in it
        self._size = 0
        self.html: list[str] = []

    @property
    def pending(self) -> bool:
        """Whether there is text that was not rendered yet."""
        return len(self._source) > self._cursor

    @property
    def whole(self) -> str:
        """The HTML of everything rendered so far, in one."""
        return self._renderer.html

    def finish(self) -> str | None:
        """Nothing follows: the HTML of everything; None where that became too long to stay."""
        if self._limit():
            return None
        self.step(final=True)
        return self.whole

    def _limit(self) -> bool:
        """Whether there is too much HTML; then it grows no more."""
        if not isinstance(self._source, Excerpt):
            return False
        if self._size + len(self._renderer.tail) > MOST_HTML:
            self._source.stop()
        return self._source.stopped

    def step(self, *, final: bool = False) -> list[int]:
        """Render what is new.

        Args:
            final: nothing follows: the rest is finished too.

        Returns:
            The positions in ``html`` that are new or changed, in ascending order; at most one is new.
        """
        self._limit()
        new = self._source[self._cursor :]
        self._cursor += len(new)
        self._renderer.append("".join(new))
        touched: set[int] = set()
        for kind, ident, html in self._renderer.close() if final else self._renderer.update():
            if not self._blocks:
                self._begin()
            if kind == "append":
                self._place.append((len(self._blocks) - 1, len(self._blocks[-1])))
                self._blocks[-1].append(html)
                self._size += len(html)
            elif kind == "replace":
                piece, position = self._place[ident]
                self._blocks[piece][position] = html
                touched.add(piece)
        if self._blocks:
            touched |= self._set_rest()
        for piece in touched:
            self.html[piece] = self._compose(piece)
        return sorted(touched)

    def _begin(self) -> None:
        self._blocks.append([])
        self._rests.append("")
        self.html.append("")

    def _set_rest(self) -> set[int]:
        rest = self._renderer.tail
        last = len(self._blocks) - 1
        self._rests[last] = rest
        touched = {last} if self._compose(last) != self.html[last] else set()
        full = max(_SMALLEST, self._size // _SHARE)
        if sum(map(len, self._blocks[last])) >= full and rest:
            self._begin()
            self._rests[-1] = rest
            touched.add(last + 1)
        return touched

    def _compose(self, piece: int) -> str:
        rest = self._rests[piece]
        tail = f'<div class="gm-rest" aria-busy="true">{rest}</div>' if rest else ""
        return "".join([*self._blocks[piece], tail])
