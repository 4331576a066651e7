"""The table of some rows of a run, in HTML, Markdown and plain text. All its cells are plain text."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any, Final

from ..markdown import DataCell, DataTable
from ..text import one_line, short_line, shortened, visible
from .formats_live import escape_markdown
from .row_progress import RowProgress, ShownRow
from .row_text import as_dollars
from .units import duration

__all__ = ["RowTable", "shown_rows"]

_MAX_FIELDS: Final = 12  # columns for the fields of an answer
_CELL: Final = 60  # characters of a value that are shown
_MESSAGE: Final = 80  # characters of an error
_PLAIN_CELL: Final = 40  # the same in plain text
_FULL: Final = 2_000  # characters of a value that can be unfolded
_KEY: Final = 40  # characters of a key
_MORE: Final = "…"
_ANSWER: Final = "answer"
# How wide the columns of a live table are, in characters.
_KEY_WIDTH, _FIELD_WIDTH, _ANSWER_WIDTH = 12, 12, 32
_FIGURES: Final = {"status": 11, "tokens": 8, "cost": 11, "time": 8}


class RowTable:
    """Writes rows of a run.

    Args:
        progress: the run, whose fields are the columns.
        foldable: whether a value that is cut can be unfolded; a live table would fold it with each update.
    """

    def __init__(self, progress: RowProgress, *, foldable: bool = True) -> None:
        self._foldable = foldable
        self._fields = list(progress.fields[:_MAX_FIELDS])
        rows = (*progress.rows, *progress.first)
        omitted = set()
        if all(row.cost is None for row in rows):
            omitted.add("cost")
        if foldable and all(row.status == "complete" or _only_error(row) for row in rows):
            omitted.add("status")  # which the error of a row names
        self._figures = [name for name in _FIGURES if name not in omitted]
        values = [short_line(name, _KEY) for name in self._fields] or [_ANSWER]
        self._names = ["row", *values, *self._figures]
        width = _FIELD_WIDTH if self._fields else _ANSWER_WIDTH
        widths = [_KEY_WIDTH, *[width] * len(values), *(_FIGURES[name] for name in self._figures)]
        self._html = DataTable(self._names, widths)

    def html(self, rows: Iterable[ShownRow]) -> str:
        """The safe HTML of a table whose columns are as wide as its values need."""
        return self._html.wrap([self._html.head, *map(self._row_html, rows)])

    def live_html(self, rows: Iterable[ShownRow]) -> str:
        """The safe HTML of a table whose columns keep their width when its rows change."""
        parts = [self._html.head, *map(self._row_html, rows)]
        return f'<div class="gm-run gm-run-rows">{self._html.piece(parts)}</div>'

    def markdown(self, rows: Iterable[ShownRow]) -> str:
        """A Markdown table without markup in its cells."""
        lines = [self._names, *(self._texts(row, _CELL) for row in rows)]
        written = [f"| {' | '.join(escape_markdown(one_line(cell)) for cell in line)} |" for line in lines]
        return "\n".join([written[0], f"|{'---|' * len(self._names)}", *written[1:]])

    def plain(self, rows: Iterable[ShownRow]) -> str:
        """Lines of plain text with aligned columns."""
        lines = [self._names, *(self._texts(row, _PLAIN_CELL) for row in rows)]
        widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
        return "\n".join("  ".join(map(str.ljust, line, widths)).rstrip() for line in lines)

    def _row_html(self, row: ShownRow) -> str:
        key = DataCell(short_line(row.key, _KEY))
        if _only_error(row):
            message = _error_of(row)
            shown = short_line(message, _MESSAGE)
            full = self._full(visible(message)) if shown.endswith(_MORE) else ""
            return self._html.message(key, shown, full)
        return self._html.row([key, *self._values(row), *self._figure_cells(row)])

    def _values(self, row: ShownRow) -> list[DataCell]:
        if not self._fields:
            return [self._cell(row.text)]
        if row.fields is None:  # an answer that does not fit
            return [self._cell(row.text), *[DataCell("")] * (len(self._fields) - 1)]
        return [self._cell(row.fields.get(name)) for name in self._fields]

    def _cell(self, value: Any) -> DataCell:
        if value is None:
            return DataCell("")
        if isinstance(value, bool):
            return DataCell("true" if value else "false")
        if isinstance(value, int | float):
            return DataCell(_number(value), number=True)
        text = value if isinstance(value, str) else _json(value)
        shown = short_line(text, _CELL)
        return DataCell(shown, self._full(visible(text)) if shown.endswith(_MORE) else "")

    def _full(self, text: str) -> str:
        if not self._foldable or len(text) <= _CELL:
            return ""
        return text if len(text) <= _FULL else f"{text[:_FULL]}{_MORE} ({len(text):,} characters)"

    def _figure_cells(self, row: ShownRow) -> list[DataCell]:
        return [
            DataCell(text, number=name != "status")
            for name, text in zip(self._figures, self._figure_texts(row), strict=True)
        ]

    def _figure_texts(self, row: ShownRow) -> list[str]:
        known = {
            "status": _status(row),
            "tokens": "" if row.tokens is None else f"{row.tokens:,}",
            "cost": "" if row.cost is None else as_dollars(row.cost),
            "time": "" if row.seconds is None else duration(row.seconds),
        }
        return [known[name] for name in self._figures]

    def _texts(self, row: ShownRow, limit: int) -> list[str]:
        """The cells as plain text; the error of a row without an answer is in the first column of values."""
        if _only_error(row):
            values = [DataCell(_error_of(row)), *[DataCell("")] * max(0, len(self._fields) - 1)]
        else:
            values = self._values(row)
        texts = [row.key, *(cell.text for cell in values), *self._figure_texts(row)]
        return [shortened(one_line(text), limit) for text in texts]


def _only_error(row: ShownRow) -> bool:
    """Whether a row has nothing but an error."""
    return not row.text and not row.fields and row.status != "complete"


def _error_of(row: ShownRow) -> str:
    return f"{_status(row)}: {row.error}" if row.error else _status(row)


def _status(row: ShownRow) -> str:
    return one_line(row.status.replace("_", " "))


def _number(value: float) -> str:
    # An int above the limit of Python (4,300 digits) cannot be written.
    return "a very large number" if abs(value) >= 10**_CELL else shortened(str(value), _CELL)


def _json(value: Any) -> str:
    try:
        return json.dumps(value, ensure_ascii=False)
    except (TypeError, ValueError, RecursionError):
        return type(value).__name__


def shown_rows(progress: RowProgress) -> tuple[Sequence[ShownRow], str]:
    """The rows of the static table, and a sentence about which they are; the first ones of the input if they are known."""
    first = progress.first or progress.rows
    if len(first) >= progress.handled or not first:
        return first, ""
    which = "first" if progress.first else "newest"
    return first, f"The {which} {len(first):,} of {progress.handled:,} rows."
