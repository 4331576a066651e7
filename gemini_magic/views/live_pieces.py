"""A growing text as pieces of HTML that change as little as possible; it knows no widget.

Only the last piece changes: it holds a few finished blocks and, below them, what is unfinished (the rest). When its
finished part is large enough, the next piece begins with what is new, and the style sheet shows only the last piece's
rest. So whatever message a page draws last, every word is on it once: nothing flickers, nothing is twice.

A list, table, fence or paragraph that grows long gets pieces of its own, a run, which the style sheet makes look like
one: the page is as high as with the whole.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

from ..markdown import DATA_ONLY, OpenBlock, Renderer
from .formats_live import growing
from .truncate import MOST_HTML, Excerpt

__all__ = ["LivePieces"]

# A piece is full as soon as it holds something finished: what stands there does not change any more, so it is sent once
# and a reader can select in it. In a long answer it must be this share of all there is, or there were many thousands;
# but no more characters than these, as all of it is sent again until it is full.
_SHARE: Final = 1000
_LARGEST: Final = 240
_RUN: Final = 400  # characters of finished HTML with which an open block gets pieces of its own
_UNSEEN: Final = (
    '<tr style="display:none"></tr>'  # keeps the stripes of a table's rows in step; the head is part 0
)
_BUSY: Final = 'aria-busy="true"'  # the style sheet finds it by this


class _Block:
    """A block of the text: whole, or a frame with its parts."""

    def __init__(self, frame: OpenBlock | None) -> None:
        self.frame = frame
        self.parts: list[str] = []
        self.size = 0
        self.pieces: list[int] = []  # where it is shown as finished

    def html(self, rest: str = "") -> str:
        return self.frame.wrap(self.parts, rest=rest) if self.frame else "".join(self.parts)


class _Place(NamedTuple):
    """Where a part is."""

    block: _Block
    number: int


class _Piece:
    """Some whole blocks, or some parts of the block of a run."""

    def __init__(self, run: _Block | None) -> None:
        self.run = run
        self.blocks: list[_Block] = []
        self.size = 0
        self.rest = ""
        self.first = self.after = 0  # which parts of the run

    def html(self) -> str:
        if self.run is None or self.run.frame is None:
            tail = f"<div {_BUSY}>{self.rest}</div>" if self.rest else ""
            return "".join([*(block.html() for block in self.blocks), tail])
        kind = self.run.frame.kind
        parts = self.run.parts[self.first : self.after]
        if kind == "table" and self.first and self.first % 2 == 0:
            parts.insert(0, _UNSEEN)
        rest = _rest(kind, self.rest, self.after) if self.rest else ""
        return self.run.frame.wrap(parts, self.first, rest)


def _as_source(html: str) -> str:
    """The rest, of which no page should typeset the formulas: it is gone in a moment."""
    return html.replace('class="mathjax_process"', 'class="gm-pending"')


def _rest(kind: str, html: str, before: int) -> str:
    """The unfinished items, row, line or words, so that it can be shown or not."""
    if kind == "table":
        return f"</tbody>\n<tbody {_BUSY}>{'' if before % 2 else _UNSEEN}{html}"
    tag = "div" if kind == "list" else "span"
    return f"<{tag} {_BUSY}>{html}</{tag}>"


class LivePieces:
    """The pieces of one lane of a ledger.

    Args:
        source: a growing list of text deltas, or the beginning of one; only read.
        form: how it is shown.

    Attributes:
        html: the pieces; their number and the last ones' content grow.
        runs: for each piece the long list, table, fence or paragraph it is a part of, None for blocks of any kind.
    """

    def __init__(self, source: Sequence[str] | Excerpt, form: str = "markdown") -> None:
        self._source = source
        self._shape = growing(form)
        self._cursor = 0
        images = source.images if isinstance(source, Excerpt) else DATA_ONLY
        self._renderer = Renderer(heal=True, images=images)
        self._places: list[_Place] = []  # of each part
        self._waiting: list[_Block] = []  # blocks that are in no piece yet; the last one may be open
        self._run: _Block | None = None  # the open block that has pieces of its own
        self._pieces: list[_Piece] = []
        self._size = 0
        self.html: list[str] = []
        self.runs: list[OpenBlock | None] = []

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
        if self._size + len(self._renderer.open) + len(self._renderer.tail) > MOST_HTML:
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
        self._renderer.append(self._shaped("".join(new), final=final))
        touched: set[int] = set()
        for kind, ident, html, frame in (
            self._renderer.close(ended=True) if final else self._renderer.update()
        ):
            if kind == "append":
                self._append(html, frame)
            elif kind == "replace":
                touched |= self._replace(self._places[ident], html)
            elif kind == "rewrap":
                touched.update(*(place.block.pieces for place in self._places if place.block.frame is frame))
        touched |= self._continue_run()
        touched |= self._place_waiting()
        changed = []
        for number in sorted(touched):
            html = self._pieces[number].html()
            if number == len(self.html):
                self.html.append(html)
                changed.append(number)
            elif html != self.html[number]:
                self.html[number] = html
                changed.append(number)
        return changed

    def _shaped(self, text: str, *, final: bool) -> str:
        if self._shape is None:
            return text
        text = self._shape.feed(text)
        if final:
            text += self._shape.close()
            self._shape = None
        return text

    def _append(self, html: str, frame: OpenBlock | None) -> None:
        block = self._places[-1].block if self._places else None
        if block is None or frame is None or block.frame is not frame:
            block = _Block(frame)
            self._waiting.append(block)
        self._places.append(_Place(block, len(block.parts)))
        block.parts.append(html)
        block.size += len(html)
        self._size += len(html)

    def _replace(self, place: _Place, html: str) -> set[int]:
        block, index = place
        block.size += len(html) - len(block.parts[index])
        block.parts[index] = html
        return {
            number
            for number in block.pieces
            if self._pieces[number].run is None
            or self._pieces[number].first <= index < self._pieces[number].after
        }

    def _begin(self, run: _Block | None) -> int:
        self._pieces.append(_Piece(run))
        self.runs.append(run.frame if run else None)
        if run is not None:
            run.pieces.append(len(self._pieces) - 1)
        return len(self._pieces) - 1

    def _full(self, piece: _Piece) -> bool:
        return piece.size > min(self._size // _SHARE, _LARGEST)

    def _continue_run(self) -> set[int]:
        """Show what is new in the run; end it if its block is closed."""
        run = self._run
        if run is None:
            return set()
        number = run.pieces[-1]
        piece = self._pieces[number]
        going = run.frame is self._renderer.open_block
        rest = _as_source(self._renderer.open) if going else ""
        if not going:
            self._run = None
        if piece.after == len(run.parts) and piece.rest == rest:
            return set()
        last = number == len(self._pieces) - 1
        if last and going and self._full(piece):
            number = self._begin(run)
            self._pieces[number].first = self._pieces[number].after = piece.after
            piece = self._pieces[number]
        self._extend(piece, run, rest)
        return {number}

    def _extend(self, piece: _Piece, run: _Block, rest: str) -> None:
        piece.size += sum(map(len, run.parts[piece.after :]))
        piece.after = len(run.parts)
        piece.rest = rest

    def _place_waiting(self) -> set[int]:
        """Put finished blocks into a piece, and the rest below them; or begin a run."""
        frame, tail = self._renderer.open_block, self._renderer.tail
        held = self._waiting[-1] if self._waiting and frame and self._waiting[-1].frame is frame else None
        done = self._waiting[:-1] if held else self._waiting
        if held and not done and not tail and held.size >= _RUN:
            number = self._begin(held)
            self._run = held
            self._waiting = []
            self._extend(self._pieces[number], held, _as_source(self._renderer.open))
            return {number}
        rest = _as_source((held.html(self._renderer.open) if held else "") + tail)
        last = self._pieces[-1] if self._pieces else None
        if last is not None and last.run is None and not done and last.rest == rest:
            return set()
        if not done and not rest and (last is None or last.run is not None):
            return set()
        if last is None or last.run is not None or (self._full(last) and (done or rest)):
            last = self._pieces[self._begin(None)]
        for block in done:
            block.pieces.append(len(self._pieces) - 1)
            last.blocks.append(block)
            last.size += block.size
        self._waiting = [held] if held else []
        last.rest = rest
        return {len(self._pieces) - 1}
