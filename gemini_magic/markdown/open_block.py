"""What an open list, table, fence or paragraph has in common with the others; helpers to cut source and tokens.

It knows source and tokens of a single block; which block is open, and what the view is told, is decided elsewhere.

A frozen part is not parsed again. A little source, the lead, stands in for all of them: a first list item, the head of
the table, the opening line of the fence, one letter of the paragraph. With the lead in front, what is left is parsed as
it would be at the end of the whole block.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any

from .images import DATA_ONLY
from .parser import draw
from .sanitize import sanitize_html
from .token_html import is_open_fence

if TYPE_CHECKING:
    from markdown_it.token import Token

__all__ = ["OpenBlock", "after_line", "blank_after", "is_final", "line_start", "top_level"]


def top_level(tokens: list[Token]) -> list[list[Token]]:
    """Group block tokens into top-level blocks."""
    groups: list[list[Token]] = []
    depth = 0
    for token in tokens:
        if depth == 0:
            groups.append([])
        groups[-1].append(token)
        depth += token.nesting
    return groups


def after_line(block: list[Token]) -> int:
    """Return the line after a block, a list item or a row, as the parser saw it."""
    lines = block[0].map
    if lines is None:  # no rule of this dialect leaves it out
        raise ValueError(f"a {block[0].type} token without lines")
    return lines[1]


def line_start(text: str, line: int) -> int:
    r"""Return where a line begins in a text with ``\n`` line ends; the text's length when there is no such line."""
    at = 0
    for _ in range(line):
        at = text.find("\n", at) + 1
        if not at:
            return len(text)
    return at


def blank_after(text: str, line: int) -> bool:
    """Say whether a line of complete lines is there and blank."""
    start = line_start(text, line)
    end = text.find("\n", start)
    return end >= 0 and not text[start:end].strip(" \t")


def is_final(block: list[Token], text: str) -> bool:
    """Say whether the last block of complete lines can grow no more."""
    kind = block[0].type
    if kind == "heading_open":
        return (
            "|" not in text[line_start(text, after_line(block) - 1) :]
        )  # or it may become the head of a table
    if kind in {"hr", "formula_block"}:
        return True
    if kind == "fence":
        return not is_open_fence(block[0])
    return kind in {"paragraph_open", "table_open", "blockquote_open"} and blank_after(
        text, after_line(block)
    )


class OpenBlock(ABC):
    """An open block whose finished parts are frozen one by one.

    Attributes:
        kind: ``list``, ``table``, ``code`` or ``text``.
        lead: source to put in front of what is left.
        source: the frozen source, where it may be needed again.
        spent: cells the parser has already filled up in a table's frozen rows.
        end: the line after the block in what was last split.
        void: it turned out to be no such block; it shows nothing and its source is to be read anew.
        changeable: its parts can look different later, for no reason of their own.
        mode: what the looks of its parts depend on beyond their own tokens.
        numbers: those of its parts in the view.
        images: those that its parts may show.
    """

    kind: str
    lead: str
    changeable = False
    images = DATA_ONLY
    _opening = ""
    _closing = ""

    def __init__(self) -> None:
        self.source: list[str] = []
        self.spent = 0
        self.end = 0
        self.void = False
        self.mode: Any = None
        self.numbers = range(0)

    def count_in(self, ident: int) -> None:
        """Take a part in, by its number in the view."""
        self.numbers = range(self.numbers.start if self.numbers else ident, ident + 1)

    def wrap(self, parts: list[str], first: int = 0, rest: str = "") -> str:
        """Return HTML complete in itself.

        Args:
            parts: HTML of parts that follow one another.
            first: how many parts of this frame there are before them.
            rest: HTML of what is not finished, put behind them as it is.
        """
        return f"{self._opening}{''.join(parts)}{rest}{self._closing}"

    @abstractmethod
    def split(self, tokens: list[Token]) -> tuple[list[list[Token]], list[Token]]:
        """Take apart the tokens of lead and rest: parts that are not frozen yet, and what follows the block."""

    def finished(self, children: list[list[Token]]) -> tuple[list[list[Token]], int]:
        """Return which parts of complete lines are final, the block still open, and the line after them."""
        return children, self.end

    def settle(self) -> None:  # noqa: B027 - some frames have nothing to note
        """Note for good what the last ``split`` found: its lines were complete."""

    def consume(self, source: str) -> None:  # noqa: B027 - as above
        """Note the source of parts that are being frozen."""

    def ended(self, text: str) -> bool:
        """Say whether the block that was last split out of these complete lines can grow no more."""
        return False

    def looks(self, *, closed: bool) -> Any:
        """Return the mode to draw in, as of the last ``split``, or for good when the block is closed."""
        return ""

    def stale(self, part: list[Token]) -> bool:
        """Say whether a part looks different now; if it does, so may those before it."""
        return False

    def draw(self, part: list[Token]) -> str:
        """Return the safe HTML of a part whose inline content is parsed."""
        return self._cleaned(draw(part, self.images))

    def _cleaned(self, html: str) -> str:
        whole = sanitize_html(self._opening + html + self._closing, self.images)
        return whole[len(self._opening) : len(whole) - len(self._closing)]
