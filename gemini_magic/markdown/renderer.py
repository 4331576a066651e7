"""Renders a growing Markdown text: frozen parts once, the unfinished rest again with each update.

How an update works (``Renderer._render_update``):

1. The new text goes to the ``Freezer``, which returns the parts that are finished now (its docstring explains
   freezing).
2. The rest is parsed, including its incomplete last line. It consists of the unfinished parts of the open
   block, if there is one, and the tail behind it.
3. With ``heal=True`` the tokens of the rest are healed: unfinished markup at the very end is changed to what
   it will probably be when it is finished, so that the view does not flicker (``heal_blocks``). ``**bo`` is
   shown as bold, a half-typed link as its text, a line that consists only of ``-`` not at all. Healing never
   reaches a frozen part or a closed document.
4. Frozen parts that changed are rendered again, new ones and the rest are rendered, and the differences are
   returned as operations (``Op``).

Invariant: without healing, the view after every update equals ``render`` of the text so far, whatever the
pieces were. The tests check this at every prefix.

Two things can change the HTML of a frozen part. A link definition can arrive late, so the renderer records
which labels each part looked up and keeps the tokens of those parts. And the style of an open block can
change: a list becomes loose, a paragraph becomes a heading, a fence is closed and all of its code is
highlighted again.

The renderer knows what a view shows. It does not know time, threads or widgets.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from itertools import accumulate, groupby, takewhile
from time import perf_counter
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple

from .expansion import exceeds_budget, limit_references, limit_state
from .freezer import Freezer, FrozenPart
from .heal_blocks import heal_blocks
from .images import DATA_ONLY, Images, is_image_data, open_data_image
from .parser import References, close_blocks, close_fence, parse_blocks, parse_inline, to_html
from .sanitize import NewlineNormalizer, sanitize_html
from .source_marks import MarkPlaces, SourceMark, place_marks, source_mark_html

if TYPE_CHECKING:
    from collections.abc import Sequence

    from markdown_it.token import Token

    from .open_block import OpenBlock

__all__ = ["MarkedAnswer", "Op", "Renderer", "render", "render_marked"]

_LINE_END: Final = re.compile("\r\n")
_RAISED: Final = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")


class Op(NamedTuple):
    """One change of the view.

    Attributes:
        kind: ``append`` adds a frozen part and ``replace`` changes one. ``rewrap`` means that the element
            around a block's parts has changed: use ``block.wrap`` again. ``open`` sets the unfinished parts
            of the open block and ``tail`` the unfinished text behind it.
        id: the number of the frozen part, counted from 0; -1 for other operations.
        html: safe HTML. It is complete if ``block`` is None; otherwise ``block.wrap`` makes it complete.
        block: the list, table, fence or paragraph that the part belongs to; None for a whole block. The parts
            of a block follow one another.
    """

    kind: Literal["append", "replace", "rewrap", "open", "tail"]
    id: int
    html: str
    block: OpenBlock | None = None


def render(text: str, *, ended: bool = False, images: Images = DATA_ONLY) -> str:
    """Return the safe HTML of a whole Markdown text. The time is linear in its length.

    Every text is valid Markdown, so this raises nothing. The page typesets the formulas: each is TeX in an
    element of the classes ``mathjax_process`` (MathJax 3 and later) and ``tex2jax_process`` (MathJax 2), which has to
    stand below an element of the classes ``mathjax_ignore`` and ``tex2jax_ignore``.

    Args:
        text: the Markdown, with any line ends.
        ended: whether the text is complete. Then code without a closing line at the very end is highlighted,
            too.
        images: the images that are shown; by default small ones inside the text.
    """
    references = References()
    tokens = parse_blocks(NewlineNormalizer()(text), references)
    if ended:
        close_fence(tokens)
    parse_inline(tokens, references)
    limit_references(tokens, 0)
    return sanitize_html(to_html(tokens, images), images)


class MarkedAnswer(NamedTuple):
    """A text with marks for its sources.

    Attributes:
        html: the safe HTML; without the marks, it is that of :func:`render`.
        text: the text with the numbers in raised brackets, which are not markup.
    """

    html: str
    text: str


def render_marked(
    text: str, marks: Sequence[SourceMark], *, ended: bool = False, images: Images = DATA_ONLY
) -> MarkedAnswer:
    """Return a whole Markdown text with marks for its sources. Raises nothing, in linear time.

    A text in which no mark has a place, because it is only code, gets them in a paragraph below it.

    Args:
        text: the Markdown, with any line ends.
        marks: the marks; their offsets count the characters of ``text``.
        ended: whether the text is complete, as for :func:`render`.
        images: the images that are shown.
    """
    returns = [found.start() for found in _LINE_END.finditer(text)]
    source = NewlineNormalizer()(text)
    references = References()
    tokens = parse_blocks(source, references)
    if ended:
        close_fence(tokens)
    moved = [mark._replace(offset=mark.offset - bisect_left(returns, mark.offset)) for mark in marks]
    places = place_marks(tokens, source, moved)
    parse_inline(tokens, references, places)
    limit_references(tokens, 0)
    html, shown = to_html(tokens, images), _with_numbers(source, places)
    if moved and not places.by_token:  # such as in an answer that is only code
        mark = SourceMark(len(source), tuple(sorted({each for mark in moved for each in mark.targets})))
        html += f"<p>{source_mark_html(mark)}</p>"
        shown = f"{close_blocks(shown).rstrip()}\n\n{_numbers(mark)}\n"
    return MarkedAnswer(sanitize_html(html, images), shown)


def _numbers(mark: SourceMark) -> str:
    return "".join(f"⁽{str(each.number).translate(_RAISED)}⁾" for each in mark.targets)


def _with_numbers(source: str, places: MarkPlaces) -> str:
    pieces = []
    at = 0
    for offset, mark in places.in_source():
        pieces += [source[at:offset], _numbers(mark)]
        at = offset
    return "".join([*pieces, source[at:]])


def _destination(definition: Any) -> tuple[str, str] | None:
    return (definition["href"], definition["title"]) if definition else None


class Renderer:
    """Turns text that arrives in pieces into operations on a view.

    With ``heal=False`` the view after any piece equals ``render`` of the text so far. With ``heal=True``
    unfinished markup at the very end is rendered as it will probably be when it is finished, an unfinished
    formula as its source, and the code of an open fence is highlighted. After ``close`` the view is exact in
    both cases.

    The cost of a piece depends on what is unfinished, not on the length of the text: all pieces together take
    a small multiple of the time of one ``render``. Not thread-safe.

    Args:
        heal: whether unfinished markup at the end is healed.
        images: the images that are shown; by default small ones inside the text.

    Attributes:
        open: safe HTML of the unfinished parts of the open block.
        tail: safe HTML of the unfinished text behind it.
        last_cost: seconds that the last update took, for the caller's throttle.
    """

    def __init__(self, *, heal: bool = False, images: Images = DATA_ONLY) -> None:
        self.open = ""
        self.tail = ""
        self.last_cost = 0.0
        self._heal = heal
        self._closed = False
        self._newlines = NewlineNormalizer()
        self._new_text: list[str] = []  # pieces that were not rendered yet
        self._new_data = 0  # how many of them only continue an image's data
        self._in_data = False  # whether the rendered text ends inside an image's data
        self._images = images
        self._freezer = Freezer(live_highlight=heal, images=images)
        self._provisional: dict[
            str, Any
        ] = {}  # link definitions in the unfrozen source, as of the last update
        self._html: list[str] = []  # of each frozen part
        self._blocks: list[OpenBlock | None] = []  # of each frozen part
        self._last_open: tuple[OpenBlock | None, str] = (None, "")  # the last "open" operation
        # The view as of the last update: how many parts are frozen, the open block, `open` and `tail`. An interrupt may
        # end an update halfway.
        self._view: tuple[int, OpenBlock | None, str, str] = (0, None, "", "")
        self._dependents: dict[str, set[int]] = {}  # label -> parts that looked it up
        self._with_labels: set[int] = set()  # parts that looked up any label
        self._tokens: dict[int, list[Token]] = {}  # of the parts whose HTML may still change
        self._costs: list[int] = []  # of the uses of definitions in each frozen part
        self._spent = 0  # their sum
        self._limits: dict[int, int] = {}  # the limit state of the parts with labels, as they are shown

    @property
    def open_block(self) -> OpenBlock | None:
        """The block that may still grow and of which parts are frozen, if there is one."""
        return self._freezer.open_block

    @property
    def unfrozen(self) -> int:
        """How many characters the next update parses again, besides new ones."""
        return len(self._freezer.text)

    @property
    def html(self) -> str:
        """The view as of the last complete update, as one string of safe HTML. The time is linear in its length."""
        pieces = []
        count, open_block, rest, tail = self._view
        shown = zip(self._blocks[:count], self._html[:count], strict=True)
        for block, parts in groupby(shown, lambda part: part[0]):
            inner = [html for _, html in parts]
            if block is None:
                pieces += inner
            else:
                pieces.append(block.wrap(inner, rest=rest if block is open_block else ""))
        return "".join([*pieces, tail])

    def append(self, text: str) -> None:
        """Add text without rendering it; cheap.

        Raises:
            ValueError: the renderer is closed.
        """
        if self._closed:
            raise ValueError("this renderer is closed")
        text = self._newlines(text)
        if text:
            self._new_text.append(text)

    def update(self) -> list[Op]:
        """Render what was appended since the last update and return the changes of the view."""
        if not self._new_text or (self._in_data and self._has_only_image_data()):
            return []
        return self._render_update(final=False)

    def feed(self, text: str) -> list[Op]:
        """Append text and update.

        Raises:
            ValueError: the renderer is closed.
        """
        self.append(text)
        return self.update()

    def close(self, *, ended: bool = False) -> list[Op]:
        """Freeze everything; then ``html`` equals ``render`` of the whole text with the same ``ended``.

        Args:
            ended: whether the text is complete, as for ``render``.
        """
        if self._closed:
            return []
        self._closed = True
        return self._render_update(final=True, ended=ended)

    def _render_update(self, *, final: bool, ended: bool = False) -> list[Op]:
        started = perf_counter()
        freezer = self._freezer
        freezer.text += "".join(self._new_text)
        self._new_text.clear()
        self._new_data = 0
        block_before = self.open_block
        new = freezer.freeze()
        references, tokens = freezer.parse()
        if ended:
            close_fence(tokens)
        if final:
            new += freezer.freeze_all(tokens)
            tokens = []
        else:
            length = len(freezer.text)
            new += freezer.cut_paragraph(tokens)
            if len(freezer.text) != length:
                references, tokens = freezer.parse()
            if self._heal:
                tokens, references = heal_blocks(
                    freezer.prefixed_text, tokens, references, freezer.parse_prefixed
                )
                self._in_data = open_data_image(freezer.text) >= 0
        unfinished, after = self.open_block.split(tokens) if self.open_block else ([], tokens)
        changed = self._parts_with_changed_links(references)
        blocks = [block_before, *(part.block for part in new), self.open_block]
        ops = self._render_again(blocks, changed, references)
        ops += [self._append_part(part, references) for part in new]
        ops += self._render_rest(unfinished, after, references)
        if block_before is not None and block_before is not self.open_block:
            for part_id in block_before.part_ids:
                self._drop_tokens(part_id)
        self._view = (len(self._html), self.open_block, self.open, self.tail)
        self.last_cost = perf_counter() - started
        return ops

    def _has_only_image_data(self) -> bool:
        """Return whether all new text continues an image's data, which is not shown before it is complete."""
        new = self._new_text[self._new_data :]
        self._new_data = len(self._new_text)
        return all(map(is_image_data, new))

    # -- frozen parts

    def _parts_with_changed_links(self, references: References) -> set[int]:
        """Return the parts that looked up a label whose definition has changed, and remember the new definitions."""
        old, self._provisional = self._provisional, dict(references)
        labels = {*old, *references, *self._freezer.new_labels}
        self._freezer.new_labels.clear()
        changed: set[int] = set()
        for label in labels:
            if _destination(old.get(label)) != _destination(
                self._freezer.definitions.get(label) or self._provisional.get(label)
            ):
                changed |= self._dependents.get(label, set())
        return changed

    def _render_again(
        self, blocks: list[OpenBlock | None], changed: set[int], references: References
    ) -> list[Op]:
        """Render frozen parts again whose links or whose block's style have changed.

        Args:
            blocks: the blocks whose style may have changed.
            changed: the parts whose links have changed.
            references: the definitions in the unfrozen source.
        """
        ops: list[Op] = []
        outdated = set(changed)
        for block in dict.fromkeys(each for each in blocks if each is not None):
            style, block.style = block.style, block.current_style(closed=block is not self.open_block)
            if style != block.style and block.kind == "text" and style is not None:
                ops.append(Op("rewrap", -1, "", block))
            elif style != block.style:
                outdated.update(block.part_ids)
            else:
                outdated.update(takewhile(self._is_outdated, reversed(block.part_ids)))
        for part_id in sorted(changed):
            self._parse_part(part_id, references)
        if changed:
            outdated |= self._limit_parts(changed)
        for part_id in sorted(outdated & self._tokens.keys()):
            html = self._render_part(part_id)
            if html != self._html[part_id]:
                self._html[part_id] = html
                ops.append(Op("replace", part_id, html, self._blocks[part_id]))
        return ops

    def _limit_parts(self, parsed: set[int]) -> set[int]:
        """Mark what is beyond the budget after some parts were parsed again; return the parts whose marks changed."""
        before, self._spent = self._spent, sum(self._costs)
        changed: set[int] = set()
        if not exceeds_budget(max(before, self._spent)):
            return changed
        for part_id, start in enumerate(accumulate(self._costs, initial=0)):
            if part_id in self._with_labels:
                limit = limit_state(start, self._costs[part_id])
                if limit != self._limits[part_id]:
                    self._limits[part_id] = limit
                    changed.add(part_id)
                if part_id in changed or part_id in parsed:
                    limit_references(self._tokens[part_id], start)
        return changed

    def _is_outdated(self, part_id: int) -> bool:
        block, tokens = self._blocks[part_id], self._tokens.get(part_id)
        return block is not None and tokens is not None and block.is_outdated(tokens)

    def _append_part(self, part: FrozenPart, references: References) -> Op:
        part_id = len(self._html)
        if part.block is not None:
            part.block.add_part(part_id)
        self._blocks.append(part.block)
        self._tokens[part_id] = part.tokens
        self._costs.append(0)
        self._parse_part(part_id, references)
        cost = limit_references(part.tokens, self._spent) - self._spent
        self._limits[part_id] = limit_state(self._spent, cost)
        self._spent += cost
        self._html.append(self._render_part(part_id))
        if part.block is None or not part.block.restyles:
            self._drop_tokens(part_id)
        return Op("append", part_id, self._html[part_id], part.block)

    def _parse_part(self, part_id: int, references: References) -> None:
        """Parse the inline content of a frozen part, again if it was parsed before."""
        tokens = self._tokens[part_id]
        # A new link hides or reveals other brackets, so the part may look up other labels than before.
        references.looked_up.clear()
        parse_inline(tokens, references)
        for label in references.looked_up:
            self._dependents.setdefault(label, set()).add(part_id)
        if references.looked_up:
            self._with_labels.add(part_id)
        self._costs[part_id] = limit_references(tokens, 0)

    def _render_part(self, part_id: int) -> str:
        """Return the HTML of a frozen part whose inline content is parsed."""
        block, tokens = self._blocks[part_id], self._tokens[part_id]
        if block is not None:
            return block.to_html(tokens)
        return sanitize_html(to_html(tokens, self._images), self._images)

    def _drop_tokens(self, part_id: int) -> None:
        """Drop the tokens of a part that no late definition can change."""
        if part_id not in self._with_labels:
            self._tokens.pop(part_id, None)
            self._limits.pop(part_id, None)

    # -- the rest

    def _render_rest(
        self, unfinished: list[list[Token]], after: list[Token], references: References
    ) -> list[Op]:
        """Render the unfinished parts of the open block and the tail behind it."""
        ops: list[Op] = []
        spent = self._spent
        for part in unfinished:
            parse_inline(part, references)
            spent = limit_references(part, spent)
        inner = "".join(self.open_block.to_html(part) for part in unfinished) if self.open_block else ""
        if (self.open_block, inner) != self._last_open:
            self._last_open = self.open_block, inner
            self.open = inner
            ops.append(Op("open", -1, inner, self.open_block))
        parse_inline(after, references)
        limit_references(after, spent)
        html = sanitize_html(to_html(after, self._images), self._images) if after else ""
        if html != self.tail:
            self.tail = html
            ops.append(Op("tail", -1, html))
        return ops
