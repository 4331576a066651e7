"""An answer that is an array, as a table: one row for each item, and a message for each item that is not valid.

The cells are plain text. HTML, Markdown and plain text are written from the same rows.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final

from .. import markdown
from .. import schema as schemas
from ..ledger import Ledger
from ..text import one_line, shortened, visible
from .formats_live import escape_markdown, fenced
from .truncate import MAX_HTML

if TYPE_CHECKING:
    from ..markdown import DataCell
    from ..schema import InvalidItem, ItemLog, ItemRow, LoadedItem

__all__ = ["MOST_ROWS", "AnswerTable", "GrowingTable", "ShownTable", "row_facts", "rows_notice"]

MOST_ROWS: Final = 3_000
"""Rows that a page shows; the response has all of them."""

_MAX_COLUMNS: Final = 60
_CELL: Final = 80  # characters of a value that are shown
_MOST_DOUBLED: Final = 3  # fields that are named
_FULL: Final = 2_000  # characters of a value that can be unfolded
_PLAIN_CELL: Final = 40  # characters of a value in plain text
_MORE: Final = "…"
_SAMPLE: Final = 20  # first rows that decide how wide the columns in a terminal are
_NARROWEST: Final = 3
_NUMBER_WIDTH, _TEXT_WIDTH, _MAX_WIDTH, _PADDING = 6, 14, 44, 3  # characters
_MARGIN: Final = 20_000  # characters of HTML for the header and the unfinished row
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
        self.html = markdown.DataTable(self.names, [_NUMBER_WIDTH, *self._widths(log)])

    def _widths(self, log: ItemLog) -> Iterator[int]:
        """How wide the columns of a growing table are, by the types of the fields and the first item, in characters."""
        first = next((row for row in log.rows[:_SAMPLE] if isinstance(row, schemas.LoadedItem)), None)
        values = self._values(first.value) if first else [markdown.DataCell("")] * len(self._columns)
        for name, cell in zip(self._columns, values, strict=True):
            declared = log.field_schemas.get(name)
            kinds = declared.get("type") if isinstance(declared, Mapping) else None
            named = [kinds] if isinstance(kinds, str) else [kind for kind in kinds or () if kind != "null"]
            if isinstance(declared, Mapping) and isinstance(declared.get("enum"), list):
                width = max((len(str(option)) for option in declared["enum"]), default=0)
            elif named and named[0] in ("integer", "number", "boolean"):
                width = _NUMBER_WIDTH
            else:
                width = max(_TEXT_WIDTH, len(cell.text))
            yield min(max(width, len(name)), _MAX_WIDTH) + _PADDING

    def row_html(self, row: ItemRow) -> str:
        """The safe HTML of a complete item."""
        if isinstance(row, schemas.InvalidItem):
            return self.html.message(markdown.DataCell(f"{row.number}", number=True), _message(row), row.text)
        return self.html.row(self._cells(row))

    def open_html(self, number: int, value: Any) -> str:
        """The safe HTML of the item that is not complete: the values that have arrived."""
        return self.html.row(
            [markdown.DataCell(f"{number}", number=True), *self._values(value, missing=_MORE)]
        )

    def markdown_head(self) -> str:
        """The header in Markdown: two lines."""
        return f"| {' | '.join(map(_markdown_cell, self.names))} |\n|{'---|' * len(self.names)}\n"

    def row_markdown(self, row: ItemRow) -> str:
        """A complete item in Markdown: one line."""
        texts = [_markdown_cell(cell) for cell in self.texts(row, _CELL)]
        return f"| {' | '.join(texts)} |\n"

    def plain_lines(self, rows: Iterable[ItemRow]) -> Iterator[str]:
        """The table as lines of plain text with aligned columns."""
        found = list(rows)
        lines = [
            (self.names, True),
            *((self.texts(row), isinstance(row, schemas.LoadedItem)) for row in found),
        ]
        widths = [
            max(len(texts[place]) for texts, whole in lines if whole) for place in range(len(self.names))
        ]
        for texts, whole in lines:
            padded = [text.ljust(width) for text, width in zip(texts, widths, strict=True)]
            yield "  ".join(padded if whole else [padded[0], texts[1]]).rstrip()

    def _cells(self, row: LoadedItem) -> list[DataCell]:
        # A recovered item has no position that is known.
        first = markdown.DataCell("?" if row.number is None else f"{row.number}", number=True)
        return [first, *self._values(row.value)]

    def _values(self, value: Any, missing: str = "") -> list[DataCell]:
        if self._keys is None:
            return [markdown.DataCell(missing) if value is None and missing else _cell(value)]
        if not isinstance(value, Mapping):
            value = {} if value is None else {self._keys[0]: value}
        return [_cell(value[key]) if key in value else markdown.DataCell(missing) for key in self._keys]

    def texts(self, row: ItemRow, limit: int = _PLAIN_CELL) -> list[str]:
        """The cells as plain text; of an item that is not valid, the message is the second one."""
        if isinstance(row, schemas.InvalidItem):
            return [f"{row.number}", _message(row), *[""] * (len(self.names) - 2)]
        return [shortened(visible(cell.text), limit) for cell in self._cells(row)]


class ShownTable:
    """The table of an answer at one moment, in every form.

    Args:
        log: the items.
    """

    def __init__(self, log: ItemLog) -> None:
        self._log = log
        self._table = AnswerTable(log)
        self._rows: list[ItemRow] = [*log.rows, *log.recovered]
        self._parts, size = [self._table.html.head], 0
        for row in self._rows[:MOST_ROWS]:
            html = self._table.row_html(row)
            size += len(html)
            if size > MAX_HTML - _MARGIN:
                break
            self._parts.append(html)
        self._shown = self._rows[: len(self._parts) - 1]

    @property
    def html(self) -> str:
        """Safe HTML."""
        value = None if self._log.ended else self._log.open_value
        row = "" if value is None else self._table.open_html(len(self._log.rows), value)
        return self._table.html.wrap(self._parts, rest=row)

    @property
    def markdown(self) -> str:
        """A Markdown table; it is not defanged."""
        return self._table.markdown_head() + "".join(map(self._table.row_markdown, self._shown))

    @property
    def plain(self) -> str:
        """Lines of plain text."""
        return "\n".join(self._table.plain_lines(self._shown)) + "\n"

    @property
    def remarks(self) -> tuple[str, ...]:
        """Sentences with the number of rows, what is wrong with them, and what is not shown."""
        found = [f"{', '.join(row_facts(self._log))}."]
        if len(self._shown) < len(self._rows):
            found.append(
                f"Only the first {len(self._shown):,} rows are shown. The response's `items` has all of them."
            )
        if self._log.recovered:
            found.append("Recovered rows are guesses. The response's `items.recovered` has them.")
        return tuple(found)


class GrowingTable:
    """Writes the table of a growing answer as text to which only more is added, for a terminal.

    It has the interface of ``TextTransform``, but it reads the items of the ledger. An answer without an array is written as
    it is when it has ended.

    Args:
        ledger: the record.
        markdown: whether to write Markdown; otherwise lines of text with fixed columns.
    """

    def __init__(self, ledger: Ledger, *, markdown: bool) -> None:
        self._ledger = ledger
        self._markdown = markdown
        self._table: AnswerTable | None = None
        self._widths: list[int] = []
        self._read = 0

    def feed(self, text: str) -> str:  # noqa: ARG002 - the items are read from the ledger
        """Return the lines of the rows that are new."""
        log = self._ledger.read_items()
        new = log.rows[self._read :]
        if not new:
            return ""
        self._read += len(new)
        return "".join([self._head(log, new), *(self._line(row) for row in new)])

    def close(self) -> str:
        """Return the rest; no text follows."""
        rest = self.feed("")
        log = self._ledger.read_items()
        if self._table is None:
            text = self._ledger.answer.text
            return fenced(text) if self._markdown else text
        return rest + "".join(self._line(row) for row in log.recovered)

    def _head(self, log: ItemLog, new: list[ItemRow]) -> str:
        if self._table is not None:
            return ""
        table = self._table = AnswerTable(log)
        if self._markdown:
            return table.markdown_head()
        texts = [
            table.names,
            *(table.texts(row) for row in new[:_SAMPLE] if isinstance(row, schemas.LoadedItem)),
        ]
        self._widths = [max(_NARROWEST, *map(len, column)) for column in zip(*texts, strict=True)]
        return f"{'  '.join(map(str.ljust, table.names, self._widths)).rstrip()}\n"

    def _line(self, row: ItemRow) -> str:
        table = self._table
        if table is None:
            return ""
        if self._markdown:
            return table.row_markdown(row)
        texts = table.texts(row)
        if isinstance(row, schemas.InvalidItem):
            return f"{texts[0]}  {texts[1]}\n"
        return f"{'  '.join(map(str.ljust, texts, self._widths)).rstrip()}\n"


def rows_notice(ledger: Ledger) -> str:
    """The footer of the table of a growing answer, for the status line; empty for an answer in another format."""
    if ledger.display.form != "table" or not (log := ledger.read_items()).found:
        return ""
    return ", ".join(row_facts(log))


def row_facts(log: ItemLog) -> list[str]:
    """What the footer of the table says: how many rows there are, and what is wrong with them."""
    cut = bool(log.rows) and isinstance(log.rows[-1], schemas.InvalidItem) and log.rows[-1].cut
    facts = [_counted(len(log.rows) - cut + log.left_out, "row")]
    if log.misfits:
        facts.append(f"{log.misfits:,} do{'es' * (log.misfits == 1)} not fit")
    if log.ended and not log.complete:
        facts.append("cut off")
    if log.recovered:
        facts.append(f"{len(log.recovered):,} more recovered from the text of the last one")
    if (last := log.most_repeated) is not None and last.number is not None:
        facts.append(f"row {last.number - last.repeats} repeated {_counted(last.repeats, 'time')}")
    for name, count in list(log.doubled.items())[:_MOST_DOUBLED]:
        field = shortened(one_line(name), _CELL)
        facts.append(f"{_counted(count, 'row')} with the field {field!r} twice, of which the last one counts")
    return facts


def _counted(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def _column_names(log: ItemLog) -> list[str]:
    names = list(log.field_schemas)
    if not names:
        first = next((row for row in log.rows if isinstance(row, schemas.LoadedItem)), None)
        names = [str(key) for key in first.value] if first and isinstance(first.value, dict) else []
    return names[:_MAX_COLUMNS]


def _cell(value: Any) -> DataCell:
    if value is None:
        return markdown.DataCell("null")
    if isinstance(value, bool):
        return markdown.DataCell("true" if value else "false")
    if isinstance(value, int | float):
        text = str(value) if isinstance(value, float) or abs(value) < 10**_CELL else "a very large number"
        return markdown.DataCell(text, number=True)
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    if len(text) <= _CELL:
        return markdown.DataCell(one_line(text) if "\n" in text or "\r" in text else text)
    full = (
        text
        if len(text) <= _FULL
        else f"{text[:_FULL]}{_MORE} ({len(text):,} characters; the response's `items` has all)"
    )
    return markdown.DataCell(shortened(one_line(text[: _CELL + 1]), _CELL), full)


def _message(row: InvalidItem) -> str:
    if not row.problems:
        return f"line {row.line}: not valid"
    more = len(row.problems) - 1
    rest = f" (and {_counted(more, 'more problem')})" if more else ""
    return one_line(f"line {row.line}: {row.problems[0]}{rest}")


def _markdown_cell(text: str) -> str:
    return escape_markdown(one_line(text))
