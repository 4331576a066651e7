"""The interface of an open block, and functions that split its source and tokens.

An open block is a list, table, fence, paragraph or details block that may still grow and of which finished parts
are already frozen: list items, table rows, code lines, the beginning of a paragraph, or the blocks inside. The classes in ``open_blocks``
and ``open_fence`` implement it. Which block is open is decided in ``freezer``; what the view receives is
decided in ``renderer``.

Frozen parts are not parsed again. A short piece of source, the prefix, stands in for them: a first list item,
the table's header, the opening line of the fence, one letter of the paragraph. The parser reads the unfrozen
source behind this prefix exactly as it would read it at the end of the whole block.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any

from .images import DATA_ONLY
from .parser import to_html
from .sanitize import sanitize_html
from .table_rows import FilledRows
from .token_html import is_open_fence

if TYPE_CHECKING:
    from markdown_it.token import Token

    from .fences import FenceState

__all__ = ["OpenBlock", "is_blank_line", "is_final", "line_after", "line_start", "split_top_level"]


def split_top_level(tokens: list[Token]) -> list[list[Token]]:
    """Group tokens into top-level blocks; the tokens inside a list into its items."""
    groups: list[list[Token]] = []
    depth = 0
    for token in tokens:
        if depth == 0:
            groups.append([])
        groups[-1].append(token)
        depth += token.nesting
    return groups


def line_after(block: list[Token]) -> int:
    """Return the line after a block, a list item or a row, as the parser counted it.

    Raises:
        ValueError: the first token has no line map. No rule of this dialect leaves it out.
    """
    lines = block[0].map
    if lines is None:
        raise ValueError(f"a {block[0].type} token without lines")
    return lines[1]


def line_start(text: str, line: int) -> int:
    r"""Return where a line begins in a text with ``\n`` line ends; the text's length if there is no such line."""
    at = 0
    for _ in range(line):
        at = text.find("\n", at) + 1
        if not at:
            return len(text)
    return at


def is_blank_line(text: str, line: int) -> bool:
    """Return whether a text has this line, complete and blank."""
    start = line_start(text, line)
    end = text.find("\n", start)
    return end >= 0 and not text[start:end].strip(" \t")


def is_final(block: list[Token], text: str) -> bool:
    """Return whether no further line can change the last block of a text that consists of complete lines."""
    kind = block[0].type
    if kind == "heading_open":
        # A line with "|" may become the header of a table.
        return "|" not in text[line_start(text, line_after(block) - 1) :]
    if kind in {"hr", "formula_block"}:
        return True
    if kind == "details_open":
        return bool(block[0].meta["closed"])
    if kind == "fence":
        return not is_open_fence(block[0]) and not block[0].meta.get("provisional")
    return kind in {"paragraph_open", "table_open", "blockquote_open"} and is_blank_line(
        text, line_after(block)
    )


class OpenBlock(ABC):
    """A block that may still grow and whose finished parts are frozen one by one.

    Attributes:
        kind: ``list``, ``table``, ``code``, ``text`` or ``details``.
        prefix: the source that stands in for the frozen parts when the rest is parsed.
        frozen_source: the source of the frozen parts, for blocks that may have to be parsed again.
        table_rows: the rows that are frozen, if this is a table.
        fence_state: what the frozen lines of a Markdown block mean for the lines that follow; None for other blocks.
        end_line: the line after the block in the tokens that were split last.
        invalid: the source turned out to be another block. The block then renders as nothing and its source
            is parsed again.
        restyles: whether the parts can render differently later although no link definition changes.
        style: what the HTML of the parts depends on beyond their own tokens, as of the last rendering.
        part_ids: the ids of its parts in the view.
        images: the images that its parts may show.
    """

    kind: str
    prefix: str
    restyles = False
    images = DATA_ONLY
    _opening = ""
    _closing = ""

    def __init__(self) -> None:
        self.frozen_source: list[str] = []
        self.table_rows = FilledRows()
        self.fence_state: FenceState | None = None
        self.end_line = 0
        self.invalid = False
        self.style: Any = None
        self.part_ids = range(0)

    def add_part(self, part_id: int) -> None:
        """Record a new part by its id in the view. The ids of a block's parts follow one another."""
        self.part_ids = range(self.part_ids.start if self.part_ids else part_id, part_id + 1)

    def wrap(self, parts: list[str], first: int = 0, rest: str = "") -> str:
        """Return complete HTML: the block's element around some of its parts.

        Args:
            parts: HTML of consecutive parts.
            first: how many parts of this block come before them.
            rest: HTML of the unfinished parts, placed unchanged after the others.
        """
        return f"{self._opening}{''.join(parts)}{rest}{self._closing}"

    @abstractmethod
    def split(self, tokens: list[Token]) -> tuple[list[list[Token]], list[Token]]:
        """Split the tokens of prefix and rest.

        Returns:
            The parts that are not frozen yet, and the tokens that follow the block.
        """

    def finished_parts(self, parts: list[list[Token]]) -> tuple[list[list[Token]], int]:
        """Return which parts of complete lines are final while the block is open, and the line after them."""
        return parts, self.end_line

    def commit(self) -> None:  # noqa: B027 - some blocks have nothing to keep
        """Keep what the last ``split`` found. Called only if its source had no incomplete line."""

    def freeze_source(self, source: str) -> None:  # noqa: B027 - as above
        """Record the source of parts that are being frozen."""

    def has_ended(self, text: str) -> bool:
        """Return whether the block that was split last, out of these complete lines, can no longer grow."""
        return False

    def current_style(self, *, closed: bool) -> Any:
        """Return the style as of the last ``split``; the final style if the block is closed."""
        return ""

    def is_outdated(self, part: list[Token]) -> bool:
        """Return whether a part renders differently now. If it does, the parts before it may, too."""
        return False

    def to_html(self, part: list[Token]) -> str:
        """Return the safe HTML of a part whose inline content is parsed."""
        return self._sanitize(to_html(part, self.images))

    def _sanitize(self, html: str) -> str:
        """Sanitize the HTML of a part inside the block's element, which the sanitizer needs as context."""
        whole = sanitize_html(self._opening + html + self._closing, self.images)
        return whole[len(self._opening) : len(whole) - len(self._closing)]
