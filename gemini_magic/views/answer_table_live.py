"""The table of a growing answer, in pieces of HTML: finished rows are sent once, and the unfinished row is shown in grey.

:class:`LiveTable` is to a table what ``LivePieces`` is to Markdown, so lanes and sections show either of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice
from typing import TYPE_CHECKING, Final

from ..ledger import Ledger
from ..markdown import DataTable, render
from .answer_table import MOST_ROWS, AnswerTable
from .formats_live import fenced
from .live_pieces import HIDDEN_ROW, wrap_unfinished
from .truncate import MAX_HTML

if TYPE_CHECKING:
    from ..schema import ItemLog

__all__ = ["LiveTable"]

_PAUSE: Final = 0.125  # minimum seconds between two updates: the page lays out the whole table again
_MOST_NEW: Final = 400  # rows that one step renders; an interrupt has to wait for them only
_PREVIEW: Final = 2_000  # characters that are shown of an answer in which no array has begun


class LiveTable:
    """Renders the items of one growing answer.

    Args:
        ledger: the record.
        source: the growing text, as a list of deltas; it only shows whether there is new text.

    Attributes:
        html: the pieces; pieces are added and the last ones change.
        runs: the table for each piece that is a part of it; None for text before the array.
    """

    def __init__(self, ledger: Ledger, source: Sequence[str]) -> None:
        self._ledger = ledger
        self._source = source
        self._cursor = 0  # pieces of the source that were read
        self._next = 0.0
        self._table: AnswerTable | None = None
        self._rows: list[str] = []  # the parts of the table: its head and rows
        self._read = 0  # items that were read
        self._begin = 0  # the first part of the last piece
        self._behind = False  # whether more items have been read than rendered
        self._rest = ""
        self._size = 0
        self.html: list[str] = []
        self.runs: list[DataTable | None] = []

    @property
    def pending(self) -> bool:
        """Whether there is text that is not rendered yet."""
        return self._behind or len(self._source) > self._cursor

    @property
    def size(self) -> int:
        """The approximate number of characters of the HTML of all rows rendered so far."""
        return self._size

    @property
    def whole(self) -> str:
        """The HTML of the rows rendered so far, in one table."""
        if self._table is None:
            return "".join(self.html)
        return self._table.html.wrap(self._rows, rest=self._unfinished())

    def due(self, now: float) -> bool:
        """Return whether there is new text and the pause since the last time is over."""
        if not self.pending or now < self._next:
            return False
        self._next = now + _PAUSE
        return True

    def finish(self) -> str:
        """Render the rest and return the whole HTML."""
        self.step(final=True)
        return self.whole

    def leave_out(self, room: int) -> int:
        """Leave nothing out: the rows are rendered in a short time."""
        return room

    def step(self, *, final: bool = False) -> list[int]:
        """Render the new rows, and the unfinished one.

        Args:
            final: no text follows.

        Returns:
            The positions in ``html`` that are new or changed, in ascending order; at most one is new.
        """
        self._cursor = len(self._source)
        log = self._ledger.read_items()
        return self._show_table(log, final=final) if log.found else self._show_preview()

    def _show_preview(self) -> list[int]:
        """Show the beginning of the text: there may be no array in it at all."""
        text = "".join(islice(self._source, _PREVIEW))[:_PREVIEW].strip()
        return self._set(0, render(fenced(text)), None) if text else []

    def _show_table(self, log: ItemLog, *, final: bool) -> list[int]:
        changed: list[int] = []
        if self._table is None:
            if not log.rows and not log.field_schemas and not final:
                return []  # the columns are those of the first item
            self._table = AnswerTable(log)
            if self.html:
                changed += self._set(0, "", None)
            self._rows = [self._table.html.head]
        before = len(self._rows)
        new = self._new_rows(self._table, log, final=final)
        value = None if final else log.open_value
        self._rest = "" if value is None else self._table.open_html(len(log.rows), value)
        first = int(bool(self.runs) and self.runs[0] is None)  # the piece of the preview stays, empty
        position = len(self.html) - 1
        is_full = before - self._begin > (
            self._begin == 0
        )  # it has a finished row, so it does not change any more
        if position < first:
            position = first
        elif is_full and (new or self._rest):
            self._begin = before
            position += 1
        return changed + self._set(position, self._last_piece(self._table.html), self._table.html)

    def _new_rows(self, table: AnswerTable, log: ItemLog, *, final: bool) -> int:
        """Render rows that are new; return how many."""
        if self._size > MAX_HTML or self._read >= MOST_ROWS:
            self._behind = False
            return 0
        end = MOST_ROWS if final else min(self._read + _MOST_NEW, MOST_ROWS)
        unread = log.rows[self._read : end]
        new = [table.row_html(row) for row in unread]
        self._read += len(new)
        self._behind = self._read < len(log.rows)
        self._rows += new
        self._size += sum(map(len, new))
        return len(new)

    def _last_piece(self, table: DataTable) -> str:
        parts = self._rows[self._begin :]
        if self._begin and self._begin % 2 == 0:
            parts.insert(0, HIDDEN_ROW)
        return table.piece(parts, self._begin, self._unfinished())

    def _unfinished(self) -> str:
        return wrap_unfinished("table", self._rest, len(self._rows)) if self._rest else ""

    def _set(self, position: int, html: str, run: DataTable | None) -> list[int]:
        if position < len(self.html):
            if self.html[position] == html:
                return []
            self.html[position] = html
        else:
            self.html.append(html)
            self.runs.append(run)
        return [position]
