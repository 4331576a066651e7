"""The first and last rows of a table, as HTML and as plain text.

It knows names and values, not tables; every value is escaped and shortened.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from html import escape
from typing import Any, NamedTuple

__all__ = ["ENDS", "Preview", "preview"]

ENDS = 5  # first and last rows shown
_CELL, _WIDE = 60, 200  # characters of one cell; more where there are few columns
_FEW = 8  # columns
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")  # could move a terminal's cursor


class Preview(NamedTuple):
    """What is shown of a table.

    Attributes:
        names: of the columns that are not empty in the rows shown.
        rows: their values in short; None stands for what is left out.
        total: how many rows the table has.
        empty: names of the columns that are left out.
    """

    names: list[str]
    rows: list[list[str] | None]
    total: int
    empty: list[str]

    def text(self) -> str:
        """A plain table for terminals."""
        names, rows = self.names, self.rows
        lines = [names, *(["⋮"] + [""] * (len(names) - 1) if row is None else row for row in rows)]
        widths = [max(len(line[place]) for line in lines) for place in range(len(names))]
        table = "\n".join(
            "  ".join(value.ljust(width) for value, width in zip(line, widths, strict=True)).rstrip()
            for line in lines
        )
        return f"{table}\n{self._counted()}"

    def html(self) -> str:
        """The same as HTML, and what to do with the table."""
        style = 'style="text-align:left;white-space:nowrap"'
        long = 'style="text-align:left;white-space:normal;min-width:20em"'
        head = "".join(f"<th {style}>{escape(name)}</th>" for name in self.names)
        body = "".join(
            f'<tr><td colspan="{len(self.names)}" {style}>⋮</td></tr>'
            if row is None
            else f"<tr>{''.join(f'<td {long if len(value) > _CELL else style}>{escape(value)}</td>' for value in row)}</tr>"
            for row in self.rows
        )
        empty = f" Empty here: {escape(', '.join(self.empty))}." if self.empty else ""
        note = f"{self._counted()}.{empty} Any DataFrame library takes this as it is: <code>pl.DataFrame(rows)</code>, <code>rows.to_pandas()</code>"
        return (
            f'<div style="overflow-x:auto"><table><thead><tr>{head}</tr></thead>'
            f"<tbody>{body}</tbody></table></div><small>{note}</small>"
        )

    def _counted(self) -> str:
        return "1 row" if self.total == 1 else f"{self.total} rows"


def preview(names: Sequence[str], ends: tuple[Sequence[Sequence[Any]], ...], count: int) -> Preview:
    """What to show.

    Args:
        names: the columns' names.
        ends: the values of all rows, or of the first and of the last ones.
        count: how many rows there are.
    """
    first, *last = ends
    shown: list[Sequence[Any] | None] = [*first, *([None, *last[0]] if last else [])]
    used = [
        place
        for place in range(len(names))
        if not shown or any(row is not None and row[place] not in (None, "") for row in shown)
    ]
    most = _WIDE if len(names) <= _FEW else _CELL
    rows = [None if row is None else [_cell(row[place], most) for place in used] for row in shown]
    kept = [names[place] for place in used]
    return Preview(kept, rows, count, [name for name in names if name not in kept])


def _cell(value: object, most: int) -> str:
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:.3f}"
    text = _CONTROL.sub("·", str(value).replace("\n", "⏎"))
    return text if len(text) <= most else text[: most - 1] + "…"
