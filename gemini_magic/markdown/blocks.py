"""Renders a growing answer: finished blocks once, the rest again with each update.

It knows which source can still change its meaning, and nothing of time, threads or widgets. Healing is
for the tail alone; frozen blocks and the closed document are always exact.

Why a block may be frozen: CommonMark decides block structure line by line, so complete lines can
change only the last block that is open (CommonMark 0.31, appendix "A parsing strategy", phase 1). What
can arrive late is a link definition, so each frozen block remembers the labels it asked for.
"""

from __future__ import annotations

from time import perf_counter
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from .heal import heal
from .parser import Refs, blocks_of, draw, inline
from .safe import clean, normalise

if TYPE_CHECKING:
    from markdown_it.token import Token

__all__ = ["Op", "Renderer", "render"]


class Op(NamedTuple):
    """One change of the view.

    Attributes:
        kind: ``append`` a finished block, ``replace`` one (a definition came late), or the ``tail`` is new.
        id: the running number of the block, -1 for the tail.
        html: safe HTML, complete in itself.
    """

    kind: Literal["append", "replace", "tail"]
    id: int
    html: str


class _Newlines:
    r"""Makes ``\r\n`` and ``\r`` one ``\n`` wherever the pieces of text are cut."""

    def __init__(self) -> None:
        self._after_return = False

    def __call__(self, text: str) -> str:
        if not text:
            return text
        if self._after_return and text[0] == "\n":
            text = text[1:]
            self._after_return = False
            if not text:
                return text
        self._after_return = text[-1] == "\r"
        if "\r" in text:
            text = text.replace("\r\n", "\n").replace("\r", "\n")
        return normalise(text)


def render(text: str) -> str:
    """Return the safe HTML of a whole Markdown text, in one pass."""
    refs = Refs()
    tokens = blocks_of(_Newlines()(text), refs)
    inline(tokens, refs)
    return clean(draw(tokens))


def _top_level(tokens: list[Token]) -> list[list[Token]]:
    """Group block tokens into top-level blocks."""
    groups: list[list[Token]] = []
    depth = 0
    for token in tokens:
        if depth == 0:
            groups.append([])
        groups[-1].append(token)
        depth += token.nesting
    return groups


def _end(block: list[Token]) -> int:
    """Return the line after a top-level block, as the parser saw it."""
    lines = block[0].map
    if lines is None:  # no rule of this dialect leaves it out
        raise ValueError(f"a {block[0].type} token without lines")
    return lines[1]


def _line_start(text: str, line: int) -> int:
    r"""Return where a line begins in a text with ``\n`` line ends."""
    at = 0
    for _ in range(line):
        at = text.index("\n", at) + 1
    return at


def _target(definition: Any) -> tuple[str, str] | None:
    return (definition["href"], definition["title"]) if definition else None


class Renderer:
    """Turns text that arrives in pieces into operations on a view.

    With ``heal=False`` the view after any piece equals ``render`` of the text so far. With
    ``heal=True`` unfinished markup at the very end is drawn as it will probably read when finished;
    ``close`` ends with the exact view either way. Not safe for use by two threads at once.

    Attributes:
        blocks: safe HTML of the frozen blocks; the index is the block's id.
        tail: safe HTML of what is not frozen.
        last_cost: seconds the last ``update`` took, for the caller's throttle.
    """

    def __init__(self, *, heal: bool = False) -> None:
        self.blocks: list[str] = []
        self.tail = ""
        self.last_cost = 0.0
        self._heal = heal
        self._closed = False
        self._newlines = _Newlines()
        self._pieces: list[str] = []  # text not looked at yet
        self._source = ""  # source of the tail
        self._complete = 0  # how much of it, up to a line end, was searched for finished blocks
        self._settled: dict[str, Any] = {}  # definitions in frozen source
        self._passing: dict[str, Any] = {}  # definitions in the tail as last drawn
        self._asking: dict[str, set[int]] = {}  # label -> frozen blocks that asked for it
        self._tokens: dict[int, list[Token]] = {}  # of the blocks that asked for any label

    @property
    def html(self) -> str:
        """The view as of the last update."""
        return "".join([*self.blocks, self.tail])

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
        if not self._pieces:
            return []
        return self._step(final=False)

    def feed(self, text: str) -> list[Op]:
        """Append and update at once."""
        self.append(text)
        return self.update()

    def close(self) -> list[Op]:
        """Freeze everything: the tail is empty and ``html`` equals ``render`` of the whole text."""
        if self._closed:
            return []
        self._closed = True
        return self._step(final=True)

    def _step(self, *, final: bool) -> list[Op]:
        begun = perf_counter()
        self._source += "".join(self._pieces)
        self._pieces.clear()
        frozen, settled = self._freeze()
        passing = Refs(self._settled)
        tail = blocks_of(self._source, passing)
        if final:
            frozen += _top_level(tail)
            tail = []
            self._source = ""
        elif self._heal:
            tail, passing = heal(self._source, tail, passing)
        changed = self._redefined(passing, settled)
        ops = [self._append(block, passing) for block in frozen]
        ops = self._replace(changed, passing) + ops
        html = self._draw_tail(tail, passing)
        if html != self.tail:
            self.tail = html
            ops.append(Op("tail", -1, html))
        self.last_cost = perf_counter() - begun
        return ops

    def _freeze(self) -> tuple[list[list[Token]], set[str]]:
        """Cut finished blocks off the tail's source; settle the definitions that go with them."""
        end = self._source.rfind("\n") + 1
        settled: set[str] = set()
        if end <= self._complete:
            return [], settled
        self._complete = end
        lines = self._source[:end]
        refs = Refs(self._settled)
        blocks = _top_level(blocks_of(lines, refs))
        if len(blocks) < 2:  # noqa: PLR2004 - the last block may still grow
            return [], settled
        # Not where the last block begins: definitions in between make no token and can still grow.
        cut_line = _end(blocks[-2])
        cut = _line_start(lines, cut_line)
        for label, definition in refs.items():
            if definition["map"][1] <= cut_line:
                self._settled[label] = definition
                settled.add(label)
        self._source = self._source[cut:]
        self._complete -= cut
        return blocks[:-1], settled

    def _redefined(self, passing: Refs, settled: set[str]) -> set[str]:
        """Return the labels that mean something else than at the last update; remember the new meanings."""
        old, self._passing = self._passing, dict(passing)
        return {
            label
            for label in {*old, *passing, *settled}
            if _target(old.get(label)) != _target(self._settled.get(label) or self._passing.get(label))
        }

    def _append(self, block: list[Token], passing: Refs) -> Op:
        ident = len(self.blocks)
        passing.asked.clear()
        inline(block, passing)
        if passing.asked:
            self._remember(ident, block, passing.asked)
        self.blocks.append(clean(draw(block)))
        return Op("append", ident, self.blocks[ident])

    def _remember(self, ident: int, block: list[Token], labels: set[str]) -> None:
        self._tokens[ident] = block
        for label in labels:
            self._asking.setdefault(label, set()).add(ident)

    def _replace(self, changed: set[str], passing: Refs) -> list[Op]:
        ops = []
        stale: set[int] = set()
        for label in changed:
            stale |= self._asking.get(label, set())
        for ident in sorted(stale):
            passing.asked.clear()
            inline(self._tokens[ident], passing)
            # A link that came to life hides or shows other brackets, so other labels are asked for.
            self._remember(ident, self._tokens[ident], passing.asked)
            html = clean(draw(self._tokens[ident]))
            if html != self.blocks[ident]:
                self.blocks[ident] = html
                ops.append(Op("replace", ident, html))
        return ops

    def _draw_tail(self, tokens: list[Token], passing: Refs) -> str:
        if not tokens:
            return ""
        inline(tokens, passing)
        return clean(draw(tokens))
