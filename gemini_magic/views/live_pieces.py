"""Divides the HTML of a growing text into pieces that change as little as possible.

Usually only the last piece changes. It contains a few finished blocks and, after them, the unfinished rest. When its
finished part is large enough, a new piece is added for what follows, and the style sheet shows the rest of the last
piece only. So every word is on the page once, whichever message the page has processed last: nothing flickers and
nothing is shown twice.

A list, table, fence, paragraph or details block that grows long is divided into pieces itself: a run. The style sheet makes the
pieces of a run look like one block, so the page has the same height as with the whole block.
"""

from __future__ import annotations

import time
from bisect import bisect_right
from collections.abc import Sequence
from itertools import accumulate
from typing import Final, NamedTuple, Protocol

from ..markdown import DATA_ONLY, Images, OpenBlock, Renderer
from .formats_live import markdown_transform
from .truncate import MAX_HTML, Excerpt

__all__ = ["HIDDEN_ROW", "LivePieces", "Pieces", "wrap_unfinished"]

# A piece is full as soon as it contains something finished: its HTML does not change any more, so it is sent once and
# a reader can select text in it. In a long answer a full piece is at least this share of the whole, or there would be
# many thousands of pieces; but it need not be longer than _LARGEST, as the whole piece is sent again until it is full.
_SHARE: Final = 1000
_LARGEST: Final = 240
# An update renders the unfinished text again, so it waits until this share of the text is new. Otherwise the time for all
# updates of a text of which nothing can be finished would be quadratic. Less new text is shown after a multiple of the time
# that rendering takes, within these limits in seconds.
_NEW_SHARE: Final = 32
_RENDERING_SHARE: Final = 50
_SHORTEST_WAIT: Final = 0.5
_LONGEST_WAIT: Final = 2.0
# New characters that one update renders, or some thousand more. An interrupt during the update has to wait for them only.
_MOST_NEW: Final = 8_000
_RUN: Final = 400  # characters of finished HTML after which an open block becomes a run
# Keeps the row stripes of a table in order; the head is part 0.
HIDDEN_ROW: Final = '<tr style="display:none"></tr>'
_BUSY: Final = 'aria-busy="true"'  # the style sheet selects the rest by this


class _Run(Protocol):
    """A long block that is divided into pieces."""

    @property
    def kind(self) -> str:
        """As in :class:`OpenBlock`."""


class Pieces(Protocol):
    """What a lane shows: a growing text as pieces of HTML. See :class:`LivePieces`."""

    html: list[str]

    @property
    def runs(self) -> Sequence[_Run | None]:
        """For each piece the long block that it is a part of."""

    @property
    def pending(self) -> bool:
        """Whether there is something that is not rendered yet."""

    @property
    def whole(self) -> str:
        """The HTML of everything rendered so far, in one string."""

    @property
    def size(self) -> int:
        """The approximate number of characters of that HTML."""

    def due(self, now: float) -> bool:
        """Return whether rendering what is new is worth the time."""

    def finish(self) -> str | None:
        """Render the rest and return the whole HTML; None if it is not complete."""

    def leave_out(self, room: int) -> int:
        """Leave out what is not rendered yet, apart from ``room`` characters."""

    def step(self, *, final: bool = False) -> list[int]:
        """Render what is new; return the positions of the pieces that are new or changed."""


class _Block:
    """A block of the text: a whole block, or a frame with its parts."""

    def __init__(self, frame: OpenBlock | None) -> None:
        self.frame = frame
        self.parts: list[str] = []
        self.size = 0
        self.pieces: list[int] = []  # positions of the pieces that show it as finished

    def html(self, rest: str = "") -> str:
        return self.frame.wrap(self.parts, rest=rest) if self.frame else "".join(self.parts)


class _Place(NamedTuple):
    """The position of a part."""

    block: _Block
    number: int


class _Piece:
    """Some whole blocks, or some parts of the block of a run."""

    def __init__(self, run: _Block | None) -> None:
        self.run = run
        self.blocks: list[_Block] = []
        self.size = 0
        self.rest = ""
        self.first = self.after = 0  # the range of parts of the run

    def html(self) -> str:
        if self.run is None or self.run.frame is None:
            tail = f"<div {_BUSY}>{self.rest}</div>" if self.rest else ""
            return "".join([*(block.html() for block in self.blocks), tail])
        kind = self.run.frame.kind
        parts = self.run.parts[self.first : self.after]
        if kind == "table" and self.first and self.first % 2 == 0:
            parts.insert(0, HIDDEN_ROW)
        rest = wrap_unfinished(kind, self.rest, self.after) if self.rest else ""
        return self.run.frame.wrap(parts, self.first, rest)


def _without_typesetting(html: str) -> str:
    """Keep the page from typesetting the formulas of the rest, which is replaced soon."""
    return html.replace('class="mathjax_process tex2jax_process"', 'class="gm-pending"')


def wrap_unfinished(kind: str, html: str, before: int) -> str:
    """Wrap the unfinished items, row, line, words or blocks in an element that the style sheet can hide."""
    if kind == "table":
        return f"</tbody>\n<tbody {_BUSY}>{'' if before % 2 else HIDDEN_ROW}{html}"
    tag = "div" if kind in {"list", "details"} else "span"
    return f"<{tag} {_BUSY}>{html}</{tag}>"


class LivePieces:
    """Renders one growing text into pieces of HTML.

    Args:
        source: a growing list of text deltas, or an excerpt of one; it is only read.
        form: the format in which the text is shown.
        images: the images that are shown; by default those of the excerpt.

    Attributes:
        html: the pieces; pieces are added and the last ones change.
        runs: for each piece the long list, table, fence, paragraph or details block it is a part of, None for blocks
            of any kind.
    """

    def __init__(
        self, source: Sequence[str] | Excerpt, form: str = "markdown", images: Images | None = None
    ) -> None:
        self._source = source
        self._form = form
        self._transform = markdown_transform(form)
        self._cursor = 0
        self._rendered = 0  # the cursor after the last complete step
        self._latest = float("inf")  # when the new text is rendered, however short it is
        self._cost = 0.0  # CPU seconds of the last step
        self._stepping = False  # True after a step that an interrupt ended
        self._left_out = False
        if images is None:
            images = source.images if isinstance(source, Excerpt) else DATA_ONLY
        self._images = images
        self._renderer = Renderer(heal=True, images=images)
        self._places: list[_Place] = []  # the position of each part
        self._waiting: list[_Block] = []  # blocks that are not in a piece yet; the last one may be open
        self._run: _Block | None = None  # the open block that is divided into pieces
        self._pieces: list[_Piece] = []
        self._size = 0
        self.html: list[str] = []
        self.runs: list[OpenBlock | None] = []

    @property
    def pending(self) -> bool:
        """Whether there is text that is not rendered yet."""
        return len(self._source) > self._cursor

    def due(self, now: float) -> bool:
        """Return whether there is so much new text that rendering it is worth the time, or text that has waited.

        Args:
            now: seconds, monotonic.
        """
        new = sum(map(len, self._source[self._cursor :]))
        if not new:
            return False
        wait = min(max(_SHORTEST_WAIT, _RENDERING_SHARE * self._cost), _LONGEST_WAIT)
        self._latest = min(self._latest, now + wait)
        return new * _NEW_SHARE >= self._renderer.unfrozen or now >= self._latest

    @property
    def whole(self) -> str:
        """The HTML of all text rendered so far, in one string."""
        return self._renderer.html

    @property
    def size(self) -> int:
        """Characters of the HTML of all text rendered so far, about."""
        return self._size + len(self._renderer.open) + len(self._renderer.tail)

    def finish(self) -> str | None:
        """Render the rest and return the whole HTML; None if it is too long to be saved."""
        if self._stop_if_too_long():
            return None
        self.step(final=True)
        return self.whole

    def leave_out(self, room: int) -> int:
        """Leave out the text that is not rendered yet, apart from some characters.

        Args:
            room: how many of them may still be rendered.

        Returns:
            How many more characters may be rendered; -1 if text was left out.
        """
        sizes = list(accumulate(map(len, self._source[self._rendered :]), initial=0))
        length = sizes[-1]
        if self._stepping:  # a short text is rendered again as a whole; a longer one keeps what is rendered
            length += sum(map(len, self._source[: self._rendered]))
        if length <= room:
            return room - length
        self._left_out = True
        kept = self._rendered + (0 if self._stepping else bisect_right(sizes, room) - 1)
        if isinstance(self._source, Excerpt):
            self._source.shorten(sum(map(len, self._source[:kept])))
        elif isinstance(self._source, list):
            del self._source[kept:]
        return -1

    def _stop_if_too_long(self) -> bool:
        """Stop reading the source if the HTML is too long; return whether reading has stopped."""
        if not isinstance(self._source, Excerpt):
            return False
        if self.size > MAX_HTML:
            self._source.stop()
        return self._source.stopped

    def step(self, *, final: bool = False) -> list[int]:
        """Render the new text.

        Args:
            final: no text follows, so the rest is finished too.

        Returns:
            The positions in ``html`` that are new or changed, in ascending order; at most one is new.
        """
        if self._stepping:
            if final and not self._left_out:
                self._start_again()
            return []
        began = time.thread_time()
        self._stepping = True
        changed = self._step(final=final)
        self._stepping = False
        self._rendered = self._cursor
        self._cost = time.thread_time() - began
        return changed

    def _step(self, *, final: bool) -> list[int]:
        self._stop_if_too_long()
        new = self._new_text(whole=final)
        self._latest = float("inf")
        self._renderer.append(self._transformed(new, final=final))
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

    def _start_again(self) -> None:
        """Render the whole text with another renderer, because an interrupt has ended a step of the first one."""
        text = "".join(self._source[:])
        transform = markdown_transform(self._form)
        if transform is not None:
            text = transform.feed(text) + transform.close()
        renderer = Renderer(heal=True, images=self._images)
        renderer.append(text)
        renderer.close(ended=True)
        self._renderer = renderer

    def _new_text(self, *, whole: bool) -> str:
        """Take the next text from the source: all of it if it is the last one."""
        new = self._source[self._cursor :]
        if not whole:
            new = new[: bisect_right(list(accumulate(map(len, new))), _MOST_NEW) + 1]
        self._cursor += len(new)
        return "".join(new)

    def _transformed(self, text: str, *, final: bool) -> str:
        if self._transform is None:
            return text
        text = self._transform.feed(text)
        if final:
            text += self._transform.close()
            self._transform = None
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

    def _add_piece(self, run: _Block | None) -> int:
        self._pieces.append(_Piece(run))
        self.runs.append(run.frame if run else None)
        if run is not None:
            run.pieces.append(len(self._pieces) - 1)
        return len(self._pieces) - 1

    def _full(self, piece: _Piece) -> bool:
        return piece.size > min(self._size // _SHARE, _LARGEST)

    def _continue_run(self) -> set[int]:
        """Add what is new to the run; end the run if its block is closed."""
        run = self._run
        if run is None:
            return set()
        number = run.pieces[-1]
        piece = self._pieces[number]
        running = run.frame is self._renderer.open_block
        rest = _without_typesetting(self._renderer.open) if running else ""
        if not running:
            self._run = None
        if piece.after == len(run.parts) and piece.rest == rest:
            return set()
        last = number == len(self._pieces) - 1
        if last and running and self._full(piece):
            number = self._add_piece(run)
            self._pieces[number].first = self._pieces[number].after = piece.after
            piece = self._pieces[number]
        self._extend(piece, run, rest)
        return {number}

    def _extend(self, piece: _Piece, run: _Block, rest: str) -> None:
        piece.size += sum(map(len, run.parts[piece.after :]))
        piece.after = len(run.parts)
        piece.rest = rest

    def _place_waiting(self) -> set[int]:
        """Add finished blocks and the rest to a piece, or begin a run."""
        frame, tail = self._renderer.open_block, self._renderer.tail
        open_block = (
            self._waiting[-1] if self._waiting and frame and self._waiting[-1].frame is frame else None
        )
        done = self._waiting[:-1] if open_block else self._waiting
        if open_block and not done and not tail and open_block.size >= _RUN:
            number = self._add_piece(open_block)
            self._run = open_block
            self._waiting = []
            self._extend(self._pieces[number], open_block, _without_typesetting(self._renderer.open))
            return {number}
        rest = _without_typesetting((open_block.html(self._renderer.open) if open_block else "") + tail)
        last = self._pieces[-1] if self._pieces else None
        if last is not None and last.run is None and not done and last.rest == rest:
            return set()
        if not done and not rest and (last is None or last.run is not None):
            return set()
        if last is None or last.run is not None or (self._full(last) and (done or rest)):
            last = self._pieces[self._add_piece(None)]
        for block in done:
            block.pieces.append(len(self._pieces) - 1)
            last.blocks.append(block)
            last.size += block.size
        self._waiting = [open_block] if open_block else []
        last.rest = rest
        return {len(self._pieces) - 1}
