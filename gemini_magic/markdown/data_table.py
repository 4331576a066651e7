"""A table of values, not of Markdown: every cell is plain text. It grows row by row, and a finished row never changes."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Final, NamedTuple

from .sanitize import sanitize_html

__all__ = ["DataCell", "DataTable"]

_ROW_HEIGHT: Final = 27  # pixels, as in the style sheet; the header has a border more
_RIGHT: Final = ' style="text-align:right"'


class DataCell(NamedTuple):
    """One value.

    Attributes:
        text: what is shown.
        full: the whole value, which the reader can unfold; empty if ``text`` is all of it.
        number: whether it is aligned to the right.
    """

    text: str
    full: str = ""
    number: bool = False


class DataTable:
    """Writes the HTML of a table, as a whole or in parts.

    Args:
        names: the names of the columns.
        widths: how wide the columns of a growing table are, in characters.

    Attributes:
        kind: the kind of the long block, as of the open blocks of an answer: the style sheet joins the parts of one.
        head: the HTML of the first part: the header.
    """

    kind = "rows"
    _opening = '<div class="gm-table"><table>\n'
    _body = "<tbody>\n"
    _closing = "</tbody>\n</table></div>\n"

    def __init__(self, names: Sequence[str], widths: Sequence[int] = ()) -> None:
        self._columns = len(names)
        self._widths = widths
        cells = "".join(f'<th dir="auto">{escape(name)}</th>' for name in names)
        head = f"<thead>\n<tr>{cells}</tr>\n</thead>\n"
        safe = sanitize_html(f"{self._opening}{head}{self._body}{self._closing}")
        self.head = safe[len(self._opening) : len(safe) - len(self._body) - len(self._closing)]

    def wrap(self, parts: Sequence[str], first: int = 0, rest: str = "") -> str:
        """Return complete HTML: a table with some of the parts.

        Args:
            parts: HTML of consecutive parts: the header, and rows.
            first: how many parts come before them.
            rest: HTML placed unchanged after them.
        """
        head, rows = (parts[:1], parts[1:]) if first == 0 else ((), parts)
        return f"{self._opening}{''.join(head)}{self._body}{''.join(rows)}{rest}{self._closing}"

    def piece(self, parts: Sequence[str], first: int = 0, rest: str = "") -> str:
        """Return some of the parts as a table by itself, whose columns are as wide as those of all other pieces.

        So a page computes the layout of new pieces only, and none for pieces that are not visible, whose height is known: each
        row is one line.

        Args:
            parts: as for :meth:`wrap`.
            first: as for :meth:`wrap`.
            rest: as for :meth:`wrap`.
        """
        rows = sum(part.count("<tr>") for part in parts)
        style = f"contain-intrinsic-height:auto {rows * _ROW_HEIGHT + (first == 0)}px;min-width:{sum(self._widths)}ch"
        columns = "".join(f'<col style="width:{width}ch">' for width in self._widths)
        table = self.wrap(parts, first, rest).removeprefix(self._opening)
        return f'<div class="gm-table" style="{style}"><table><colgroup>{columns}</colgroup>\n{table}'

    def row(self, cells: Sequence[DataCell]) -> str:
        """Return the safe HTML of a row."""
        return self._row("".join(map(_cell_html, cells)))

    def message(self, first: DataCell, text: str, full: str = "") -> str:
        """Return the safe HTML of a row with a message.

        Args:
            first: the first cell.
            text: the message, which takes all other cells.
            full: more text, which the reader can unfold.
        """
        inner = f"<em>{escape(text)}</em>"
        if full:
            inner = f"<details><summary>{inner}</summary>{escape(full)}</details>"
        span = f' colspan="{self._columns - 1}"' if self._columns > 2 else ""  # noqa: PLR2004 - one cell is no span
        return self._row(f"{_cell_html(first)}<td{span}>{inner}</td>")

    def _row(self, cells: str) -> str:
        opening = self._opening + self._body
        whole = sanitize_html(f"{opening}<tr>{cells}</tr>\n{self._closing}")
        return whole[len(opening) : len(whole) - len(self._closing)]


def _cell_html(cell: DataCell) -> str:
    text = escape(cell.text)
    if cell.full:
        text = f"<details><summary>{text}</summary>{escape(cell.full)}</details>"
    return f'<td{_RIGHT if cell.number else ""} dir="auto">{text}</td>'
