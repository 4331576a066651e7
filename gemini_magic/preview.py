"""A look at a table: its first and last rows, as text or as HTML.

It knows rows and columns, and not what they mean. Every value is escaped and shortened.
"""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Any, Final, Protocol

__all__ = ["as_html", "as_text"]

_ROWS: Final = 5  # first and last rows that are shown
_CELL: Final = 60  # characters of one cell


class _Table(Protocol):
    def __len__(self) -> int: ...
    def __getitem__(self, key: slice, /) -> Any: ...


def _look(columns: Sequence[str], table: _Table) -> tuple[list[str], list[list[str] | None]]:
    """Names and shortened values of the first and last rows (None for what is left out), empty columns apart."""
    shown = list(table[:]) if len(table) <= 2 * _ROWS else [*table[:_ROWS], None, *table[-_ROWS:]]
    used = [
        place
        for place in range(len(columns))
        if not shown or any(record is not None and record[place] not in (None, "") for record in shown)
    ]
    rows = [None if record is None else [_cell(record[place]) for place in used] for record in shown]
    return [columns[place] for place in used], rows


def _count(table: _Table) -> str:
    return "1 row" if len(table) == 1 else f"{len(table)} rows"


def as_text(columns: Sequence[str], table: _Table) -> str:
    """A plain table for terminals."""
    names, rows = _look(columns, table)
    lines = [names, *(["⋮"] + [""] * (len(names) - 1) if row is None else row for row in rows)]
    widths = [max(len(line[place]) for line in lines) for place in range(len(names))]
    drawn = "\n".join(
        "  ".join(value.ljust(width) for value, width in zip(line, widths, strict=True)).rstrip()
        for line in lines
    )
    return f"{drawn}\n{_count(table)}"


def as_html(columns: Sequence[str], table: _Table) -> str:
    """A table for notebooks; columns that are empty in these rows are left out."""
    names, rows = _look(columns, table)
    style = 'style="text-align:left;white-space:nowrap"'
    head = "".join(f"<th {style}>{escape(name)}</th>" for name in names)
    body = "".join(
        f'<tr><td colspan="{len(names)}" {style}>⋮</td></tr>'
        if row is None
        else f"<tr>{''.join(f'<td {style}>{escape(value)}</td>' for value in row)}</tr>"
        for row in rows
    )
    left_out = [name for name in columns if name not in names]
    empty = f" Empty here: {', '.join(left_out)}." if left_out else ""
    note = (
        f"{_count(table)}.{empty} Any DataFrame library takes this as it is: <code>pd.DataFrame(rows)</code>"
    )
    return (
        f'<div style="overflow-x:auto"><table><thead><tr>{head}</tr></thead>'
        f"<tbody>{body}</tbody></table></div><small>{note}</small>"
    )


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:.3f}"
    text = str(value).replace("\n", "⏎")
    return text if len(text) <= _CELL else text[: _CELL - 1] + "…"
