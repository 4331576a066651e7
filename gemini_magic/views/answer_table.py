"""An answer that is an array, as a table: one row for each item, and a message for each item that is not valid.

The cells are plain text. HTML, Markdown and plain text are written from the same rows.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from ..markdown import DataCell, DataTable
from ..schema import InvalidItem, ItemLog, ItemRow, LoadedItem
from ..text import one_line, visible
from .formats_live import escape_markdown

__all__ = ["AnswerTable", "row_facts"]

_MAX_COLUMNS: Final = 60
_CELL: Final = 80  # characters of a value that are shown
_FULL: Final = 2_000  # characters of a value that can be unfolded
_PLAIN_CELL: Final = 40  # characters of a value in plain text
_MORE: Final = "…"
_VALUE: Final = "value"  # the column of items that are not objects


class AnswerTable:
    """Writes the rows of an answer.

    Args:
        log: the items.
        names: the columns; those of the schema, or the names in the first complete item by default.

    Attributes:
        names: the names of all columns; the first one has the position of the item in the array.
    """

    def __init__(self, log: ItemLog, names: Iterable[str] | None = None) -> None:
        self._columns = list(_column_names(log) if names is None else names)
        self._keys: list[str] | None = self._columns
        if not self._columns:
            self._columns, self._keys = [_VALUE], None
        self.names = ["#", *self._columns]
        self.html = DataTable(self.names)

    def row_html(self, row: ItemRow) -> str:
        """The safe HTML of a complete item."""
        if isinstance(row, InvalidItem):
            return self.html.message(DataCell(f"{row.number}", number=True), _message(row), row.text)
        return self.html.row(self._cells(row))

    def open_html(self, number: int, value: Any) -> str:
        """The safe HTML of the item that is not complete: the values that have arrived."""
        return self.html.row([DataCell(f"{number}", number=True), *self._values(value, missing=_MORE)])

    def markdown_head(self) -> str:
        """The header in Markdown: two lines."""
        return f"| {' | '.join(map(_markdown_cell, self.names))} |\n|{'---|' * len(self.names)}\n"

    def row_markdown(self, row: ItemRow) -> str:
        """A complete item in Markdown: one line."""
        texts = [_markdown_cell(cell) for cell in self._texts(row, _CELL)]
        return f"| {' | '.join(texts)} |\n"

    def plain_lines(self, rows: Iterable[ItemRow]) -> Iterator[str]:
        """The table as lines of plain text with aligned columns."""
        found = list(rows)
        lines = [(self.names, True), *((self._texts(row, _PLAIN_CELL), isinstance(row, LoadedItem)) for row in found)]
        widths = [
            max(len(texts[place]) for texts, whole in lines if whole) for place in range(len(self.names))
        ]
        for texts, whole in lines:
            padded = [text.ljust(width) for text, width in zip(texts, widths, strict=True)]
            yield "  ".join(padded if whole else [padded[0], texts[1]]).rstrip()

    def _cells(self, row: LoadedItem) -> list[DataCell]:
        # A recovered item has no position that is known.
        first = DataCell("?" if row.number is None else f"{row.number}", number=True)
        return [first, *self._values(row.value)]

    def _values(self, value: Any, missing: str = "") -> list[DataCell]:
        if self._keys is None:
            return [DataCell(missing) if value is None and missing else _cell(value)]
        if not isinstance(value, Mapping):
            value = {} if value is None else {self._keys[0]: value}
        return [_cell(value[key]) if key in value else DataCell(missing) for key in self._keys]

    def _texts(self, row: ItemRow, limit: int) -> list[str]:
        """The cells as plain text."""
        if isinstance(row, InvalidItem):
            return [f"{row.number}", _message(row), *[""] * (len(self.names) - 2)]
        return [_shortened(visible(cell.text), limit) for cell in self._cells(row)]


def row_facts(log: ItemLog) -> list[str]:
    """What the footer of the table says: how many rows there are, and what is wrong with them."""
    rows = list(log.rows)
    invalid = [row for row in rows if isinstance(row, InvalidItem)]
    misfits = sum(not row.cut for row in invalid)
    count = len(rows) - len(invalid) + misfits + log.left_out
    facts = [f"{count:,} row{'' if count == 1 else 's'}"]
    if misfits:
        facts.append(f"{misfits:,} do{'es' * (misfits == 1)} not fit")
    if log.ended and not log.complete:
        facts.append("cut off")
    if log.recovered:
        count = len(log.recovered)
        facts.append(f"{count:,} more recovered from the text of the last one")
    most = max((row for row in rows if isinstance(row, LoadedItem)), key=lambda row: row.repeats, default=None)
    if most is not None and most.repeats and most.number is not None:
        times = f"{most.repeats:,} time{'' if most.repeats == 1 else 's'}"
        facts.append(f"row {most.number - most.repeats} again {times}")
    return facts


def _column_names(log: ItemLog) -> list[str]:
    names = list(log.field_names)
    if not names:
        first = next((row for row in log.rows if isinstance(row, LoadedItem)), None)
        names = [str(key) for key in first.value] if first and isinstance(first.value, dict) else []
    return names[:_MAX_COLUMNS]


def _cell(value: Any) -> DataCell:
    if value is None:
        return DataCell("null")
    if isinstance(value, bool):
        return DataCell("true" if value else "false")
    if isinstance(value, int | float):
        text = str(value) if isinstance(value, float) or abs(value) < 10**_CELL else "a very large number"
        return DataCell(text, number=True)
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    if len(text) <= _CELL:
        return DataCell(one_line(text) if "\n" in text or "\r" in text else text)
    full = text if len(text) <= _FULL else f"{text[:_FULL]}{_MORE} ({len(text):,} characters; the response's `items` has all)"
    return DataCell(_shortened(one_line(text[: _CELL + 1]), _CELL), full)


def _shortened(text: str, limit: int) -> str:
    return text if len(text) <= limit else f"{text[: limit - 1]}{_MORE}"


def _message(row: InvalidItem) -> str:
    if not row.problems:
        return f"line {row.line}: not valid"
    more = len(row.problems) - 1
    rest = f" (and {more:,} more problem{'' if more == 1 else 's'})" if more else ""
    return one_line(f"line {row.line}: {row.problems[0]}{rest}")


def _markdown_cell(text: str) -> str:
    return escape_markdown(one_line(text))
