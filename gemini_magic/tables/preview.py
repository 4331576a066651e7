"""Previews of a table as text and as HTML: its first and last rows, or all rows.

Values are shortened, and escaped in HTML. Columns without a value in these rows are left out.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from html import escape
from math import floor, log10
from typing import Any, Final, Protocol

from ..text import visible

__all__ = ["as_html", "as_text"]

_ROWS: Final = 5  # rows shown from each end
_CELL: Final = 60  # characters shown of a value
_LONG: Final = {"message": 300}  # characters shown of a value in columns of prose
_FEW: Final = 4  # times the shown characters are searched for those that cannot be shown


_DIGITS: Final = 3  # decimals of a number
_SMALL: Final = 0.0005  # a smaller number, such as the cost of a few tokens, has two significant digits
_MOST_DIGITS: Final = 9
_WRAPPED: Final = "min-width:20em;white-space:normal"
_NUMBER: Final = re.compile(r"(?:-?[\d.]+)?")


class _Table(Protocol):
    def __len__(self) -> int: ...
    def __getitem__(self, key: slice, /) -> Any: ...


def _preview(
    columns: Sequence[str], table: _Table, *, show_all: bool
) -> tuple[list[str], list[list[str] | None]]:
    """Return the names of the columns that are not empty, and the shortened values of each row; None marks a gap."""
    shown = list(table[:]) if show_all or len(table) <= 2 * _ROWS else [*table[:_ROWS], None, *table[-_ROWS:]]
    used = [
        place
        for place in range(len(columns))
        if not shown or any(record is not None and record[place] not in (None, "") for record in shown)
    ]
    limits = [_LONG.get(columns[place], _CELL) for place in used]
    rows = [
        None
        if record is None
        else [_cell(record[place], length) for place, length in zip(used, limits, strict=True)]
        for record in shown
    ]
    return [columns[place] for place in used], rows


def _count(table: _Table) -> str:
    return "1 row" if len(table) == 1 else f"{len(table)} rows"


def as_text(columns: Sequence[str], table: _Table, *, show_all: bool = False) -> str:
    """Return a plain table for terminals.

    Args:
        columns: the names of the columns.
        table: the rows.
        show_all: whether to show all rows.
    """
    names, rows = _preview(columns, table, show_all=show_all)
    lines = [names, *(["⋮"] + [""] * (len(names) - 1) if row is None else row for row in rows)]
    widths = [max(len(line[place]) for line in lines) for place in range(len(names))]
    drawn = "\n".join(
        "  ".join(value.ljust(width) for value, width in zip(line, widths, strict=True)).rstrip()
        for line in lines
    )
    return f"{drawn}\n{_count(table)}"


def as_html(columns: Sequence[str], table: _Table, *, show_all: bool = False, expression: str = "_") -> str:
    """Return an HTML table for notebooks.

    Args:
        columns: the names of the columns.
        table: the rows.
        show_all: whether to show all rows.
        expression: what the user can write for this table; ``_`` is the last value of a cell in IPython.
    """
    names, rows = _preview(columns, table, show_all=show_all)
    numbers = [
        all(row is None or _NUMBER.fullmatch(row[place]) for row in rows) for place in range(len(names))
    ]
    styles = [
        f'style="text-align:{"right" if number else "left"};{_WRAPPED if name in _LONG else "white-space:nowrap"}"'
        for name, number in zip(names, numbers, strict=True)
    ]
    head = "".join(f"<th {style}>{escape(name)}</th>" for name, style in zip(names, styles, strict=True))
    body = "".join(
        f'<tr><td colspan="{len(names)}" style="text-align:left">⋮</td></tr>'
        if row is None
        else "".join(
            (
                "<tr>",
                *(f"<td {style}>{escape(value)}</td>" for value, style in zip(row, styles, strict=True)),
                "</tr>",
            )
        )
        for row in rows
    )
    left_out = [name for name in columns if name not in names]
    empty = f" Empty columns: {', '.join(left_out)}." if left_out else ""
    code = f"<code>pd.DataFrame({escape(expression)})</code>"
    hint = f" Any DataFrame library accepts this table: {code}" if rows else ""
    note = f"{_count(table)}.{empty}{hint}"
    return (
        f'<div class="mathjax_ignore tex2jax_ignore"><div style="overflow-x:auto"><table><thead><tr>{head}</tr></thead>'
        f"<tbody>{body}</tbody></table></div><small>{note}</small></div>"
    )


def _cell(value: object, limit: int) -> str:
    if value is None:
        return ""
    if isinstance(value, float):
        return _number(value)
    text = visible(str(value)[: _FEW * limit]).replace("\n", "⏎")
    return text if len(text) <= limit else text[: limit - 1] + "…"


def _number(value: float) -> str:
    """A number with three decimals, or with two significant digits if it is very small."""
    small = 0 < abs(value) < _SMALL
    digits = min(1 - floor(log10(abs(value))), _MOST_DIGITS) if small else _DIGITS
    return f"{value:.{digits}f}"
