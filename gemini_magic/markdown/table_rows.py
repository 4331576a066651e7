"""Ends a table whose short rows would get too many cells.

A row with fewer cells than the header gets the missing ones. So a header of a thousand columns and a thousand rows of one
letter would become a million cells. A table may therefore add as many cells as its rows have characters, and a few more.
The next row is no part of it; as in the library's own, much larger limit, the text from there on is a paragraph.
"""

from __future__ import annotations

import sys
from importlib import import_module
from typing import TYPE_CHECKING, Final, NamedTuple

from markdown_it.rules_block import table as library_table
from markdown_it.rules_block.table import escapedSplit

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.rules_block import StateBlock

__all__ = ["TABLE_ROWS", "FilledRows", "count_cells", "limit_tables"]

TABLE_ROWS: Final = "table_rows"
"""The key in the parser's environment of the :class:`FilledRows` that precede its source."""

_FREE: Final = 64  # cells that may be added to any table
# How many cells the library adds before it ends a table.
_MOST: Final = getattr(import_module(library_table.__module__), "MAX_AUTOCOMPLETED_CELLS", sys.maxsize)
_LIMIT: Final = "table_limit"


class FilledRows(NamedTuple):
    """Some rows of a table.

    Attributes:
        missing: cells that they lack; cells beyond the header's count against them.
        characters: characters that they have.
    """

    missing: int = 0
    characters: int = 0

    def with_rows(self, columns: int, rows: list[str]) -> FilledRows:
        """Return these rows and the ones after them.

        Args:
            columns: cells of the header.
            rows: one line each.
        """
        missing, characters = self
        for row in rows:
            text = row.strip(" \t\n")
            missing += columns - count_cells(text)
            characters += len(text)
        return FilledRows(missing, characters)

    @property
    def exceeds(self) -> bool:
        """Whether the parser would add more cells to the rows than it may."""
        return self.missing > min(_MOST, _FREE + self.characters)


def count_cells(row: str) -> int:
    """Return how many cells a table's line has, counted as the parser does.

    Args:
        row: the line without spaces around it.
    """
    if "\\" not in row:
        count = row.count("|") + 1
        return count - row.startswith("|") - (count > 1 and row.endswith("|")) if row else 0
    cells = escapedSplit(row)
    return len(cells) - (cells[:1] == [""]) - (len(cells) > 1 and cells[-1] == "")


class _Limit:
    """The rows of the table that is being parsed."""

    def __init__(self, header: str, rows: FilledRows) -> None:
        self._columns = count_cells(header)
        self._rows = rows
        self.reached = False

    def ends_before(self, row: str) -> bool:
        """Add a row; return whether the table ends before it."""
        self._rows = self._rows.with_rows(self._columns, [row])
        self.reached = bool(row) and self._rows.exceeds
        return self.reached


def _line(state: StateBlock, number: int) -> str:
    return state.src[state.bMarks[number] + state.tShift[number] : state.eMarks[number]].strip(" \t\n")


def _table_rule(state: StateBlock, start: int, end: int, silent: bool) -> bool:
    """Parse a table with the library's rule, which asks :func:`_row_limit_rule` before each row.

    ``env["table_rows"]`` describes the frozen rows, which this source no longer contains. So a table whose first rows
    are frozen ends at the same row as the whole table. The opening token of a table that was ended by the limit has
    ``meta["limited"]``.
    """
    if silent or start + 1 >= end:
        return library_table(state, start, end, silent)
    before = state.env.get(TABLE_ROWS) if start == 0 and state.level == 0 else None
    limit = state.env[_LIMIT] = _Limit(_line(state, start), before or FilledRows())
    place = len(state.tokens)
    found = library_table(state, start, end, silent)
    if found and limit.reached:
        state.tokens[place].meta["limited"] = True
    return found


def _row_limit_rule(state: StateBlock, start: int, _end: int, silent: bool) -> bool:
    """End a table before the row that would exceed the limit. The rule never parses anything."""
    if not silent or state.parentType != "table":
        return False
    limit: _Limit = state.env[_LIMIT]
    return limit.ends_before(_line(state, start))


def limit_tables(parser: MarkdownIt) -> None:
    """Let a parser end tables at the limit."""
    parser.block.ruler.at("table", _table_rule, {"alt": ["paragraph", "reference"]})
    parser.block.ruler.before("table", "row_limit", _row_limit_rule, {"alt": ["blockquote"]})
