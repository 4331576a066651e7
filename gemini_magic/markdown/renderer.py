"""Renders a growing answer: finished parts once, the rest again with each update.

It knows what is told to a view, and nothing of time, threads or widgets. Healing is
for what is unfinished alone; frozen parts and the closed document are always exact.

What can change a frozen part is a link definition that arrives late, so each remembers the labels it asked for.
"""

from __future__ import annotations

from itertools import groupby, takewhile
from time import perf_counter
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from .freezer import Part, Freezer
from .heal_blocks import heal
from .images import DATA_ONLY, Images, is_data, open_data_image
from .parser import Refs, blocks_of, close_fence, draw, inline
from .sanitize import Newlines, sanitize_html

if TYPE_CHECKING:
    from markdown_it.token import Token

    from .open_block import OpenBlock

__all__ = ["Op", "Renderer", "render"]


class Op(NamedTuple):
    """One change of the view.

    Attributes:
        kind: ``append`` a finished part, ``replace`` one, the element around the parts of a block changes (``rewrap``), ``open`` is what
            is unfinished in the open frame, ``tail`` what is unfinished behind it.
        id: the running number of the part, -1 for what is unfinished.
        html: safe HTML; complete in itself if there is no frame, otherwise once ``block.wrap`` is around it.
        block: the list, table, fence or paragraph it belongs to; None for a whole block. The parts of a frame follow
            one another.
    """

    kind: Literal["append", "replace", "rewrap", "open", "tail"]
    id: int
    html: str
    block: OpenBlock | None = None


def render(text: str, *, ended: bool = False, images: Images = DATA_ONLY) -> str:
    """Return the safe HTML of a whole Markdown text, in one pass; the time grows with the length.

    Any text is Markdown, so there is nothing to raise. Formulas are left to the page: each is TeX in an element of class
    ``mathjax_process``, which is to stand below one of class ``mathjax_ignore``.

    Args:
        text: the Markdown, with any line ends.
        ended: whether nothing follows: then code whose closing line is missing at the very end is coloured, too.
        images: those that are drawn; small ones inside the text by default.
    """
    refs = Refs()
    tokens = blocks_of(Newlines()(text), refs)
    if ended:
        close_fence(tokens)
    inline(tokens, refs)
    return sanitize_html(draw(tokens, images), images)


def _target(definition: Any) -> tuple[str, str] | None:
    return (definition["href"], definition["title"]) if definition else None


class Renderer:
    """Turns text that arrives in pieces into operations on a view.

    With ``heal=False`` the view after any piece equals ``render`` of the text so far. With
    ``heal=True`` unfinished markup at the very end is drawn as it will probably read when finished, an unfinished formula
    as its source, and open code is coloured; ``close`` ends with the exact view either way. A piece costs what is
    unfinished, not what there is: all together take a small multiple of one ``render``. Not safe for use by two threads
    at once.

    Args:
        heal: whether to guess how the end will read.
        images: those that are drawn; small ones inside the text by default.

    Attributes:
        open: safe HTML of what is unfinished in the open frame.
        tail: safe HTML of what is unfinished behind it.
        last_cost: seconds the last ``update`` took, for the caller's throttle.
    """

    def __init__(self, *, heal: bool = False, images: Images = DATA_ONLY) -> None:
        self.open = ""
        self.tail = ""
        self.last_cost = 0.0
        self._heal = heal
        self._closed = False
        self._newlines = Newlines()
        self._pieces: list[str] = []  # text not looked at yet
        self._known = 0  # so many of them are more of an image's data
        self._in_data = False  # the text ends in those
        self._images = images
        self._freezer = Freezer(coloured=heal, images=images)
        self._passing: dict[str, Any] = {}  # definitions in the rest as last drawn
        self._html: list[str] = []  # of each frozen part
        self._frames: list[OpenBlock | None] = []  # of each frozen part
        self._shown: tuple[OpenBlock | None, str] = (None, "")  # the open frame as last told
        self._asking: dict[str, set[int]] = {}  # label -> parts that asked for it
        self._linked: set[int] = set()  # parts that asked for any
        self._tokens: dict[
            int, list[Token]
        ] = {}  # of the parts that asked for any label or may look different yet

    @property
    def open_block(self) -> OpenBlock | None:
        """The open block of which parts are frozen, if there is one."""
        return self._freezer.open_block

    @property
    def html(self) -> str:
        """The view as of the last update, in one: safe HTML. It takes as long as there is HTML."""
        pieces = []
        for frame, parts in groupby(zip(self._frames, self._html, strict=True), lambda part: part[0]):
            inner = [html for _, html in parts]
            if frame is None:
                pieces += inner
            else:
                pieces.append(frame.wrap(inner, rest=self.open if frame is self.open_block else ""))
        return "".join([*pieces, self.tail])

    def append(self, text: str) -> None:
        """Take more text without rendering it; cheap.

        Raises:
            ValueError: the renderer is closed.
        """
        if self._closed:
            raise ValueError("this renderer is closed")
        text = self._newlines(text)
        if text:
            self._pieces.append(text)

    def update(self) -> list[Op]:
        """Render what was appended since the last update and return what changed in the view."""
        if not self._pieces or (self._in_data and self._only_data()):
            return []
        return self._step(final=False)

    def feed(self, text: str) -> list[Op]:
        """Append and update at once.

        Raises:
            ValueError: the renderer is closed.
        """
        self.append(text)
        return self.update()

    def close(self, *, ended: bool = False) -> list[Op]:
        """Freeze everything: nothing is unfinished and ``html`` equals ``render`` of the whole text, told the same."""
        if self._closed:
            return []
        self._closed = True
        return self._step(final=True, ended=ended)

    def _step(self, *, final: bool, ended: bool = False) -> list[Op]:
        begun = perf_counter()
        freezer = self._freezer
        freezer.text += "".join(self._pieces)
        self._pieces.clear()
        self._known = 0
        before = self.open_block
        new = freezer.freeze()
        passing, tokens = freezer.read()
        if ended:
            close_fence(tokens)
        if final:
            new += freezer.finish(tokens)
            tokens = []
        else:
            length = len(freezer.text)
            new += freezer.shorten(tokens)
            if len(freezer.text) != length:
                passing, tokens = freezer.read()
            if self._heal:
                tokens, passing = heal(freezer.led, tokens, passing)
                self._in_data = open_data_image(freezer.text) >= 0
        children, after = self.open_block.split(tokens) if self.open_block else ([], tokens)
        stale = self._stale(passing)
        ops = self._look([before, *(part.frame for part in new), self.open_block], stale, passing)
        ops += [self._append(part, passing) for part in new]
        ops += self._show(children, after, passing)
        if before is not None and before is not self.open_block:
            for ident in before.numbers:
                self._forget(ident)
        self.last_cost = perf_counter() - begun
        return ops

    def _only_data(self) -> bool:
        """Say whether nothing came but more of an image's data, which nobody sees before they are whole."""
        new = self._pieces[self._known :]
        self._known = len(self._pieces)
        return all(map(is_data, new))

    # -- what the view is told

    def _stale(self, passing: Refs) -> set[int]:
        """Return the parts whose labels mean something else than at the last update; remember the new meanings."""
        old, self._passing = self._passing, dict(passing)
        labels = {*old, *passing, *self._freezer.fresh}
        self._freezer.fresh.clear()
        stale: set[int] = set()
        for label in labels:
            if _target(old.get(label)) != _target(
                self._freezer.settled.get(label) or self._passing.get(label)
            ):
                stale |= self._asking.get(label, set())
        return stale

    def _look(self, frames: list[OpenBlock | None], stale: set[int], passing: Refs) -> list[Op]:
        """Draw frozen parts again that a definition or the look of their frame has changed."""
        ops: list[Op] = []
        again = set(stale)
        for frame in dict.fromkeys(each for each in frames if each is not None):
            known, frame.mode = frame.mode, frame.looks(closed=frame is not self.open_block)
            if known != frame.mode and frame.kind == "text" and known is not None:
                ops.append(Op("rewrap", -1, "", frame))
            elif known != frame.mode:
                again.update(frame.numbers)
            else:
                changed = takewhile(self._is_stale, reversed(frame.numbers))
                again.update(changed)
        for ident in sorted(again & self._tokens.keys()):
            html = self._draw(ident, passing if ident in stale else None)
            if html != self._html[ident]:
                self._html[ident] = html
                ops.append(Op("replace", ident, html, self._frames[ident]))
        return ops

    def _is_stale(self, ident: int) -> bool:
        frame, tokens = self._frames[ident], self._tokens.get(ident)
        return frame is not None and tokens is not None and frame.stale(tokens)

    def _append(self, part: Part, passing: Refs) -> Op:
        ident = len(self._html)
        if part.frame is not None:
            part.frame.count_in(ident)
        self._frames.append(part.frame)
        self._tokens[ident] = part.tokens
        self._html.append(self._draw(ident, passing))
        if part.frame is None or not part.frame.changeable:
            self._forget(ident)
        return Op("append", ident, self._html[ident], part.frame)

    def _draw(self, ident: int, passing: Refs | None) -> str:
        """Return the HTML of a frozen part; with ``passing`` its links are looked up again."""
        frame, tokens = self._frames[ident], self._tokens[ident]
        if passing is not None:
            # A link that came to life hides or shows other brackets, so other labels are asked for.
            passing.asked.clear()
            inline(tokens, passing)
            for label in passing.asked:
                self._asking.setdefault(label, set()).add(ident)
            if passing.asked:
                self._linked.add(ident)
        return sanitize_html(draw(tokens, self._images), self._images) if frame is None else frame.draw(tokens)

    def _forget(self, ident: int) -> None:
        """Drop the tokens of a part that no late definition can change."""
        if ident not in self._linked:
            self._tokens.pop(ident, None)

    def _show(self, children: list[list[Token]], after: list[Token], passing: Refs) -> list[Op]:
        """Draw what is unfinished."""
        ops: list[Op] = []
        for child in children:
            inline(child, passing)
        inner = "".join(self.open_block.draw(child) for child in children) if self.open_block else ""
        if (self.open_block, inner) != self._shown:
            self._shown = self.open_block, inner
            self.open = inner
            ops.append(Op("open", -1, inner, self.open_block))
        inline(after, passing)
        html = sanitize_html(draw(after, self._images), self._images) if after else ""
        if html != self.tail:
            self.tail = html
            ops.append(Op("tail", -1, html))
        return ops
