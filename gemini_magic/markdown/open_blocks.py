"""The open list, table, paragraph and details block: which of their parts are finished, and how the rest is parsed.

Each class knows the source and tokens of one block. The open fence, whose text is not Markdown, is in
``open_fence``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from markdown_it.token import Token

from .fences import is_markdown
from .open_block import OpenBlock, is_blank_line, line_after, line_start, split_top_level
from .open_fence import OpenFence
from .parser import References, parse_blocks, to_html
from .sanitize import sanitize_html
from .table_rows import count_cells

if TYPE_CHECKING:
    from collections.abc import Callable

    from .highlight_live import LiveHighlighter

__all__ = ["OpenParagraph", "begin_open_block"]


class _OpenList(OpenBlock):
    """A list whose items are frozen, except the last one, which may still grow.

    A list is loose if blank lines separate its items; then the items' paragraphs have a ``<p>``. A list can
    become loose late, which changes the HTML of all its items.
    """

    kind = "list"
    restyles = True

    def __init__(self, block: list[Token]) -> None:
        super().__init__()
        start = block[0].attrGet("start")
        self._start = 1 if start is None else int(start)
        self._ordered = block[0].tag == "ol"
        # An item indented so far that no later item can lie inside it.
        self.prefix = f"{'1' if self._ordered else ''}{block[0].markup}    z\n"
        self._loose = self._split_loose = False
        self._opening = self._open_tag(0)
        self._closing = f"</{block[0].tag}>\n"

    def _open_tag(self, first: int) -> str:
        if not self._ordered:
            return '<ul dir="auto">\n'
        start = self._start + first
        return '<ol dir="auto">\n' if start == 1 else f'<ol start="{start}" dir="auto">\n'

    def wrap(self, parts: list[str], first: int = 0, rest: str = "") -> str:
        return f"{self._open_tag(first)}{''.join(parts)}{rest}{self._closing}"

    def split(self, tokens: list[Token]) -> tuple[list[list[Token]], list[Token]]:
        block = split_top_level(tokens)[0]
        prefix_item, *items = split_top_level(block[1:-1])
        self._split_loose = not prefix_item[1].hidden
        self.end_line = line_after(block)
        return items, tokens[len(block) :]

    def finished_parts(self, parts: list[list[Token]]) -> tuple[list[list[Token]], int]:
        return parts[:-1], line_after(parts[-2]) if len(parts) > 1 else 0

    def commit(self) -> None:
        self._loose = self._loose or self._split_loose

    def current_style(self, *, closed: bool) -> bool:
        return self._loose or (self._split_loose and not closed)

    def to_html(self, part: list[Token]) -> str:
        for token in part:
            if token.level == part[0].level + 1 and token.type in {"paragraph_open", "paragraph_close"}:
                token.hidden = not self.style
        return super().to_html(part)


class _OpenTable(OpenBlock):
    """A table whose complete rows are frozen. Its header is the first part."""

    kind = "table"
    _opening = '<div class="gm-table"><table>\n'
    _body = "<tbody>\n"
    _closing = "</tbody>\n</table></div>\n"
    _closing_without_body = "</table></div>\n"

    def __init__(self, prefix: str) -> None:
        super().__init__()
        self.prefix = prefix
        self._columns = count_cells(prefix.partition("\n")[0].strip(" \t"))

    def wrap(self, parts: list[str], first: int = 0, rest: str = "") -> str:
        header, rows = (parts[:1], parts[1:]) if first == 0 else ([], parts)
        return f"{self._opening}{''.join(header)}{self._body}{''.join(rows)}{rest}{self._closing}"

    def split(self, tokens: list[Token]) -> tuple[list[list[Token]], list[Token]]:
        block = split_top_level(tokens)[0]
        self.end_line = line_after(block)
        _, *body = split_top_level(block[1:-1])
        return split_top_level(body[0][1:-1]) if body else [], tokens[len(block) :]

    def freeze_source(self, source: str) -> None:
        self.table_rows = self.table_rows.with_rows(self._columns, source.split("\n")[:-1])

    def has_ended(self, text: str) -> bool:
        return is_blank_line(text, self.end_line)

    def _sanitize(self, html: str) -> str:
        body, closing = (
            ("", self._closing_without_body) if html.startswith("<thead") else (self._body, self._closing)
        )
        opening = self._opening + body
        whole = sanitize_html(opening + html + closing, self.images)
        return whole[len(opening) : len(whole) - len(closing)]


class OpenParagraph(OpenBlock):
    """A long paragraph, frozen up to a space at which no emphasis, link or code is open."""

    kind = "text"
    prefix = "z"

    def __init__(self) -> None:
        super().__init__()
        self._tag = "p"
        self._opening, self._closing = '<p dir="auto">', "</p>\n"

    def wrap(self, parts: list[str], first: int = 0, rest: str = "") -> str:
        """Return the paragraph around some of its parts; an empty string if the block is invalid."""
        return "" if self.invalid else super().wrap(parts, first, rest)

    def split(self, tokens: list[Token]) -> tuple[list[list[Token]], list[Token]]:
        """Return the rest of the paragraph as one part, and the tokens that follow the paragraph."""
        block = split_top_level(tokens)[0]
        # A line that was long before its first "|" can still become the header of a table.
        self.invalid = block[0].tag not in {"p", "h1", "h2"}
        self._tag = block[0].tag
        self.end_line = line_after(block)
        return [[block[1]]], tokens[len(block) :]

    def finished_parts(self, parts: list[list[Token]]) -> tuple[list[list[Token]], int]:
        """Return no parts: lines do not decide where a paragraph may be cut."""
        return [], 0

    def has_ended(self, text: str) -> bool:
        """Return whether a blank line or an underline ends the paragraph."""
        return self._tag != "p" or is_blank_line(text, self.end_line)

    def current_style(self, *, closed: bool) -> str:
        """Return the element's name: ``p``, or ``h1`` or ``h2`` if the paragraph is underlined."""
        if not self.invalid:
            self._opening, self._closing = f'<{self._tag} dir="auto">', f"</{self._tag}>\n"
        return "" if self.invalid else self._tag

    def piece_token(self, content: str, *, prefixed: bool) -> Token:
        """Return an inline token for a piece of the paragraph; ``prefixed`` if the content begins with the prefix."""
        return Token("inline", "", 0, content=content, children=[], meta={"first": not prefixed})

    def to_html(self, part: list[Token]) -> str:
        """Return the safe HTML of a part, without the prefix."""
        html = to_html(part, self.images)
        return self._sanitize(html if part[0].meta.get("first") else html.removeprefix(self.prefix))


class _OpenDetails(OpenBlock):
    """A details block. Its summary is the first part, and the blocks inside are frozen, except the last one."""

    kind = "details"
    prefix = "<details><summary>z</summary>\n"
    _closing = "</details>\n"

    def __init__(self, block: list[Token]) -> None:
        super().__init__()
        self._opening = '<details open="">\n' if block[0].attrs else "<details>\n"
        self._closed = False
        self._neutral: frozenset[int] = frozenset()

    def wrap(self, parts: list[str], first: int = 0, rest: str = "") -> str:
        """Return the element around some parts; without the first part it is open and its summary is empty."""
        opening = '<details open="">\n<summary></summary>\n' if first else self._opening
        return f"{opening}{''.join(parts)}{rest}{self._closing}"

    def split(self, tokens: list[Token]) -> tuple[list[list[Token]], list[Token]]:
        block = split_top_level(tokens)[0]
        _, *parts = split_top_level(block[1:-1])
        self._closed, self._neutral = block[0].meta["closed"], frozenset(block[0].meta["neutral"])
        self.end_line = line_after(block)
        return parts, tokens[len(block) :]

    def finished_parts(self, parts: list[list[Token]]) -> tuple[list[list[Token]], int]:
        """Return the parts but the last, up to a line at which parsing can begin."""
        count = len(parts) - 1
        while count > 0 and line_after(parts[count - 1]) not in self._neutral:
            count -= 1
        return (parts[:count], line_after(parts[count - 1])) if count > 0 else ([], 0)

    def has_ended(self, text: str) -> bool:
        return self._closed


def begin_open_block(
    block: list[Token],
    text: str,
    definitions: dict[str, Any],
    make_highlighter: Callable[[str], LiveHighlighter] | None,
) -> tuple[OpenBlock, list[list[Token]], int] | None:
    """Begin to freeze parts of the last block of complete lines.

    Args:
        block: the tokens of the block.
        text: the complete lines it was parsed from.
        definitions: the link definitions in frozen source.
        make_highlighter: makes the highlighter of an open fence, by language; None shows open code plain.

    Returns:
        The open block, its finished parts and the line after them; None if no part is finished.
    """
    kind, start = block[0].type, (block[0].map or [0])[0]
    source = text[line_start(text, start) :]
    if kind in {"bullet_list_open", "ordered_list_open"}:
        if len(split_top_level(block[1:-1])) < 2:  # noqa: PLR2004 - the last item may still grow
            return None
        items = _OpenList(block)
        parts, _ = items.split(parse_blocks(items.prefix + source, References(definitions)))
        items.commit()
        finished, line = items.finished_parts(parts)
        return items, finished, start + line - 1
    if kind == "table_open":
        table = _OpenTable(source[: line_start(source, 2)])
        rows, _ = table.split(block)
        table.freeze_source(source[len(table.prefix) : line_start(source, 2 + len(rows))])
        return (table, [split_top_level(block[1:-1])[0], *rows], line_after(block)) if rows else None
    if kind == "details_open":
        details = _OpenDetails(block)
        parts, _ = details.split(block)
        finished, line = details.finished_parts(parts)
        return (details, [split_top_level(block[1:-1])[0], *finished], line) if finished else None
    if kind == "fence":
        # The prefix has no other info string: a "|" in it, with a line of dashes, would make a table.
        indent = source[: len(source) - len(source.lstrip(" "))]
        info = "markdown" if is_markdown(block[0].info) else ""
        fence = OpenFence(f"{indent}{block[0].markup}{info}\n", block[0].info, make_highlighter)
        lines, _ = fence.split(block)
        fence.commit()
        lines, line = fence.finished_parts(lines)
        return (fence, lines, line) if lines else None
    return None
