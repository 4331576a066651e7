"""The open list, table and paragraph: which of their parts are finished, and how the rest still reads.

It knows source and tokens of a single block; the open fence, whose text is no Markdown, is elsewhere.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from markdown_it.token import Token

from .open_block import OpenBlock, after_line, blank_after, line_start, top_level
from .open_fence import FenceFrame
from .parser import Refs, blocks_of, draw, missing_cells
from .sanitize import sanitize_html

if TYPE_CHECKING:
    from collections.abc import Callable

    from .highlight_live import Colours

__all__ = ["TextFrame", "opened"]


class _ListFrame(OpenBlock):
    """A list whose items are frozen; the last one is open."""

    kind = "list"
    changeable = True

    def __init__(self, block: list[Token]) -> None:
        super().__init__()
        start = block[0].attrGet("start")
        self._start = 1 if start is None else int(start)
        self._ordered = block[0].tag == "ol"
        # Indented so far that no later item can lie inside this one.
        self.lead = f"{'1' if self._ordered else ''}{block[0].markup}    z\n"
        self._loose = self._seen = False
        self._opening = self._begin(0)
        self._closing = f"</{block[0].tag}>\n"

    def _begin(self, first: int) -> str:
        if not self._ordered:
            return "<ul>\n"
        start = self._start + first
        return "<ol>\n" if start == 1 else f'<ol start="{start}">\n'

    def wrap(self, parts: list[str], first: int = 0, rest: str = "") -> str:
        return f"{self._begin(first)}{''.join(parts)}{rest}{self._closing}"

    def split(self, tokens: list[Token]) -> tuple[list[list[Token]], list[Token]]:
        block = top_level(tokens)[0]
        stand_in, *items = top_level(block[1:-1])
        self._seen = not stand_in[1].hidden
        self.end = after_line(block)
        return items, tokens[len(block) :]

    def finished(self, children: list[list[Token]]) -> tuple[list[list[Token]], int]:
        return children[:-1], after_line(children[-2]) if len(children) > 1 else 0

    def settle(self) -> None:
        self._loose = self._loose or self._seen

    def looks(self, *, closed: bool) -> bool:
        return self._loose or (self._seen and not closed)

    def draw(self, part: list[Token]) -> str:
        for token in part:
            if token.level == part[0].level + 1 and token.type in {"paragraph_open", "paragraph_close"}:
                token.hidden = not self.mode
        return super().draw(part)


class _TableFrame(OpenBlock):
    """A table whose complete rows are frozen; its head is the first part."""

    kind = "table"
    _opening = '<div class="gm-table"><table>\n'
    _rows = "<tbody>\n"
    _closing = "</tbody>\n</table></div>\n"
    _headless = "</table></div>\n"

    def __init__(self, lead: str) -> None:
        super().__init__()
        self.lead = lead

    def wrap(self, parts: list[str], first: int = 0, rest: str = "") -> str:
        head, rows = (parts[:1], parts[1:]) if first == 0 else ([], parts)
        return f"{self._opening}{''.join(head)}{self._rows}{''.join(rows)}{rest}{self._closing}"

    def split(self, tokens: list[Token]) -> tuple[list[list[Token]], list[Token]]:
        block = top_level(tokens)[0]
        self.end = after_line(block)
        _, *body = top_level(block[1:-1])
        return top_level(body[0][1:-1]) if body else [], tokens[len(block) :]

    def consume(self, source: str) -> None:
        self.spent += missing_cells(self.lead, source.split("\n")[:-1])

    def ended(self, text: str) -> bool:
        return blank_after(text, self.end)

    def _cleaned(self, html: str) -> str:
        rows, end = ("", self._headless) if html.startswith("<thead") else (self._rows, self._closing)
        opening = self._opening + rows
        whole = sanitize_html(opening + html + end, self.images)
        return whole[len(opening) : len(whole) - len(end)]


class TextFrame(OpenBlock):
    """A long paragraph, frozen up to a space at which no emphasis, link or code is open."""

    kind = "text"
    lead = "z"

    def __init__(self) -> None:
        super().__init__()
        self._seen = "p"
        self._opening, self._closing = "<p>", "</p>\n"

    def wrap(self, parts: list[str], first: int = 0, rest: str = "") -> str:
        """As in any frame; nothing when this is no paragraph."""
        return "" if self.void else super().wrap(parts, first, rest)

    def split(self, tokens: list[Token]) -> tuple[list[list[Token]], list[Token]]:
        """As in any frame; the rest of the paragraph is its one part."""
        block = top_level(tokens)[0]
        # A line that was long before its first "|" came can be the head of a table after all.
        self.void = block[0].tag not in {"p", "h1", "h2"}
        self._seen = block[0].tag
        self.end = after_line(block)
        return [[block[1]]], tokens[len(block) :]

    def finished(self, children: list[list[Token]]) -> tuple[list[list[Token]], int]:
        """Nothing: where a paragraph may be cut is not decided by lines."""
        return [], 0

    def ended(self, text: str) -> bool:
        """A blank line or an underline ends it."""
        return self._seen != "p" or blank_after(text, self.end)

    def looks(self, *, closed: bool) -> str:
        """A paragraph or, underlined, a heading."""
        if not self.void:
            self._opening, self._closing = f"<{self._seen}>", f"</{self._seen}>\n"
        return "" if self.void else self._seen

    def piece(self, content: str, *, led: bool) -> Token:
        """Return a token for a piece of the paragraph, which begins with the lead or at the paragraph's own start."""
        return Token("inline", "", 0, content=content, children=[], meta={"first": not led})

    def draw(self, part: list[Token]) -> str:
        """As in any frame, without the lead."""
        html = draw(part, self.images)
        return self._cleaned(html if part[0].meta.get("first") else html.removeprefix(self.lead))


def opened(
    block: list[Token], text: str, settled: dict[str, Any], colours: Callable[[str], Colours] | None
) -> tuple[OpenBlock, list[list[Token]], int] | None:
    """Begin to freeze inside the last block of complete lines.

    Returns:
        The frame, its finished parts and the line after them; None if nothing in it is finished.
    """
    kind, start = block[0].type, (block[0].map or [0])[0]
    source = text[line_start(text, start) :]
    if kind in {"bullet_list_open", "ordered_list_open"}:
        if len(top_level(block[1:-1])) < 2:  # noqa: PLR2004 - the last item may still grow
            return None
        items = _ListFrame(block)
        children, _ = items.split(blocks_of(items.lead + source, Refs(settled)))
        items.settle()
        parts, line = items.finished(children)
        return items, parts, start + line - 1
    if kind == "table_open":
        table = _TableFrame(source[: line_start(source, 2)])
        rows, _ = table.split(block)
        table.consume(source[len(table.lead) : line_start(source, 2 + len(rows))])
        return (table, [top_level(block[1:-1])[0], *rows], after_line(block)) if rows else None
    if kind == "fence":
        # Without the info string: a "|" in it and a line of dashes would be a table.
        indent = source[: len(source) - len(source.lstrip(" "))]
        fence = FenceFrame(f"{indent}{block[0].markup}\n", block[0].info, colours)
        lines, _ = fence.split(block)
        fence.settle()
        return (fence, lines, after_line(block)) if lines else None
    return None
