"""The items of an answer that is an array: each is read, validated and loaded once, when it is complete.

All readers of an answer share one :class:`ItemLog`: ``Response.items``, the table, and the views. It stores what was read of
the text of the ledger, and nothing else reads that text for items.
"""

from __future__ import annotations

from collections.abc import Sequence
from threading import Lock
from typing import Any, Final, NamedTuple, TypeAlias

from ..errors import MismatchError
from .problems import place_text
from .row_cutter import CutRow, RowCutter
from .row_json import doubled_field, read_row, recover_rows, unfinished_value
from .schema import Schema

__all__ = ["InvalidItem", "ItemLog", "ItemRow", "LoadedItem"]

_MOST_ROWS: Final = (
    100_000  # the rest is only counted; an answer of today's models has some thousands at most
)
_MOST_INVALID: Final = 1_000  # whose text and problems are kept
_SHOWN: Final = 2_000  # characters of the text of an invalid item
_OPEN: Final = 20_000  # characters of an unfinished item that are read for display


class LoadedItem(NamedTuple):
    """A complete item that fits the schema.

    Attributes:
        number: its position in the array, from 0; of a recovered item, None.
        line: the line of the answer on which it begins, from 1.
        value: the JSON value.
        item: the object of the schema's type.
        repeats: how many of the items directly before it have the same text.
    """

    number: int | None
    line: int
    value: Any
    item: Any
    repeats: int = 0


class InvalidItem(NamedTuple):
    """A complete item that is not valid JSON or does not fit the schema, or one that was never completed.

    Attributes:
        number: its position in the array, from 0.
        line: the line of the answer on which it begins, from 1.
        text: the beginning of its text.
        problems: one line for each problem.
        cut: whether the answer ended before the item did.
    """

    number: int
    line: int
    text: str
    problems: tuple[str, ...]
    cut: bool = False


ItemRow: TypeAlias = LoadedItem | InvalidItem


class ItemLog:
    """Reads the items of a growing text.

    Args:
        schema: the schema of the answer.
        before: text before the growing one: the first part of a resumed answer.

    Attributes:
        rows: the complete items in order, valid or not; append-only.
        items: the objects of the valid ones; append-only.
        recovered: items that were found in the text of an item that was never completed. They are guesses.
        misfits: how many complete items are not valid.
        left_out: how many complete items are not in ``rows``, because there are too many.
        most_repeated: the item with the most repeats, of several the last one; None if no item is repeated.
        doubled: how many of the items have a field twice, so that only its last value counts, by the field.
        ended: whether the text has ended.
    """

    def __init__(self, schema: Schema, before: str = "") -> None:
        self._arguments = schema, before
        self._schema = schema
        self._place = schema.items_path or ()
        item = schema.item or {}
        self._cutter = RowCutter(self._place, objects=item.get("type", "object") == "object")
        self._before = before
        self._cursor = 0  # pieces of the source that were read
        self._last = ""  # the text of the last item
        self._lock = Lock()
        self.rows: list[ItemRow] = []
        self.items: list[Any] = []
        self.recovered: list[LoadedItem] = []
        self.misfits = self.left_out = 0
        self.most_repeated: LoadedItem | None = None
        self.doubled: dict[str, int] = {}
        self.ended = False

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle and copy nothing that was read: the copy reads its own text."""
        return ItemLog, self._arguments

    @property
    def item_schema(self) -> dict[str, Any]:
        """The JSON Schema of an item; empty if there is none."""
        return self._schema.item or {}

    @property
    def field_schemas(self) -> dict[str, Any]:
        """The JSON Schema of each field of an item, in order; empty if the schema does not name fields."""
        properties = self.item_schema.get("properties")
        return dict(properties) if isinstance(properties, dict) else {}

    def read(self, source: Sequence[str], *, ended: bool) -> None:
        """Read what is new.

        Args:
            source: the pieces of the text, the same append-only list each time.
            ended: whether the text has ended; it must be read before ``source`` is passed.
        """
        with self._lock:
            if self.ended:
                return
            new = source[self._cursor :]
            self._cursor += len(new)
            if self._before:
                new, self._before = [self._before, *new], ""
            for piece in new:
                for row in self._cutter.feed(piece):
                    self._add(row)
            if ended:
                self.ended = True
                self._finish()

    @property
    def found(self) -> bool:
        """Whether the array, or the first item of a sequence without an array, has begun."""
        return self._cutter.found

    @property
    def text_before(self) -> int:
        """How many characters are before the array; 0 for an array in an object, which is before it."""
        return 0 if self._place else self._cutter.begin

    @property
    def complete(self) -> bool:
        """Whether the array has ended; of a sequence without an array, whether the text ended between two items."""
        return self._cutter.complete

    @property
    def invalid(self) -> list[InvalidItem]:
        """The items that are not valid."""
        return [row for row in list(self.rows) if isinstance(row, InvalidItem)]

    @property
    def open_value(self) -> Any:
        """What the item that is not complete contains so far; None between items."""
        text = self._cutter.open_text(_OPEN)
        return unfinished_value(text) if text else None

    def _add(self, row: CutRow) -> None:
        if len(self.rows) >= _MOST_ROWS:
            self.left_out += 1
            return
        number = len(self.rows)
        try:
            value, item = self._load(row)
        except MismatchError as error:
            self._add_invalid(row, [self._line(number, line) for line in error.problems])
            self._last = row.text
            return
        before = self.rows[-1] if self.rows and row.text == self._last else None
        repeats = before.repeats + 1 if isinstance(before, LoadedItem) else 0
        self._last = row.text
        self.items.append(item)
        loaded = LoadedItem(number, row.line, value, item, repeats)
        if repeats > (self.most_repeated.repeats if self.most_repeated else 0):
            self.most_repeated = loaded
        self.rows.append(loaded)

    def _add_invalid(self, row: CutRow, problems: Sequence[str], *, cut: bool = False) -> None:
        self.misfits += not cut
        kept = self.misfits <= _MOST_INVALID
        text, found = (row.text[:_SHOWN], tuple(problems)) if kept else ("", ())
        self.rows.append(InvalidItem(len(self.rows), row.line, text, found, cut))

    def _load(self, row: CutRow) -> tuple[Any, Any]:
        """The value and the object of a row.

        Raises:
            MismatchError: it is not valid.
        """
        if row.problem:
            raise MismatchError("", problems=(row.problem,))
        try:
            value = read_row(row.text)
        except ValueError as error:
            raise MismatchError("", problems=(str(error),)) from None
        if (doubled := doubled_field(row.text, value)) is not None:
            self.doubled[doubled] = self.doubled.get(doubled, 0) + 1
        return value, self._schema.load_item(value)

    def _line(self, number: int, line: str) -> str:
        """The line of a problem in an item, with the place of the item before it."""
        place, colon, rest = line.partition(": expected")
        if not colon:
            place, rest = "", line if line.startswith("the answer: ") else f": {line}"
            rest = rest.removeprefix("the answer")
        inner = "" if place == "the answer" else place
        dot = "." if inner and not inner.startswith("[") else ""
        return f"{place_text((*self._place, number))}{dot}{inner}{colon}{rest}"

    def _finish(self) -> None:
        row = self._cutter.open_row
        if row is None:
            return
        number = len(self.rows)
        self._add_invalid(row, [f"{place_text((*self._place, number))}: it is not complete"], cut=True)
        for found in recover_rows(row):
            try:
                value, item = self._load(found)
            except MismatchError:
                continue
            self.recovered.append(LoadedItem(None, found.line, value, item))
