"""One column of a table: how it is called and typed, and where its values are kept."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Generic, Literal, NamedTuple, TypeAlias, TypeVar

from .storage import NullableNumbers, Numbers, Store
from .strings import EncodedStrings, LazyStrings, SparseStrings, Strings

__all__ = ["Column", "ColumnType", "Columns"]

R = TypeVar("R", bound=tuple[Any, ...])
ColumnType: TypeAlias = Literal["int32", "int64", "float64", "string"]  # Arrow's names
_CODES = {"int32": "i", "int64": "q", "float64": "d"}  # of the array module


class Column(NamedTuple):
    """How one column is called, typed and read.

    Attributes:
        name: the record's field.
        type: the Arrow type.
        read: turns a stored value into what is shown (for values that are kept in a cheaper form), or None.
        not_null: whether it holds a number in each row, never None.
        default: what a row without a value shows: None, or 0 or the empty text, which then take no room.
        sparse: whether it holds text in few rows.
        encoded: whether strings come as UTF-8 bytes and are kept as these.
    """

    name: str
    type: ColumnType
    read: Callable[[Any], Any] | None = None
    not_null: bool = False
    default: Literal[0, ""] | None = None
    sparse: bool = False
    encoded: bool = False

    def store(self) -> Store:
        """Where its values are kept."""
        if self.encoded:
            return EncodedStrings()
        if self.read is not None:
            return LazyStrings(self.read)
        if self.sparse:
            return SparseStrings()
        if self.type == "string":
            return Strings(str(self.default) if self.default is not None else None)
        code = _CODES[self.type]
        return Numbers(code) if self.not_null else NullableNumbers(code, self.default)


class Columns(Generic[R]):
    """Columns that one writer appends to while others read what is complete.

    Args:
        record: the ``NamedTuple`` class of one row; its fields are the columns' names, in order.
        columns: the columns.
        fill: makes the rows that are new since its last call, for a table that fills when it is asked for, or None.
        show_all: whether a look at it shows all rows, for a list that is short and chosen from.
    """

    def __init__(
        self,
        record: type[R],
        columns: Sequence[Column],
        fill: Callable[[], Iterable[tuple[Any, ...]]] | None = None,
        *,
        show_all: bool = False,
    ) -> None:
        self.record, self.show_all = record, show_all
        self.columns = tuple(columns)
        self.stores: dict[str, Store] = {column.name: column.store() for column in columns}
        self.length = 0
        self._appends = [store.append for store in self.stores.values()]
        self._fill = fill
        self._filling = threading.Lock()

    def append(self, *row: Any) -> None:
        """Add one row; readers see it only when all its values are in place."""
        self.extend([row])

    def extend(self, rows: Sequence[tuple[Any, ...]]) -> None:
        """Add some rows; readers see them only when all their values are in place."""
        if len(rows) == 1:
            for append, value in zip(self._appends, rows[0], strict=True):
                append(value)
        elif rows:
            for store, new in zip(self.stores.values(), zip(*rows, strict=True), strict=True):
                store.extend(new)
        self.length += len(rows)

    def stored(self, name: str, count: int) -> Sequence[Any]:
        """The first values of a column as they were given; of a column that is full an array."""
        return self.stores[name].stored(range(count))

    def __reduce__(self) -> tuple[Any, ...]:
        """A copy has the rows of this moment, and does not grow by itself."""
        length = self.complete()
        rows = zip(*(self.stored(column.name, length) for column in self.columns), strict=True)
        return _copied, (self.record, self.columns, list(rows))

    def complete(self) -> int:
        """The number of rows that are complete now; a table that is filled on demand is filled first."""
        if self._fill is not None:
            with self._filling:
                self.extend(list(self._fill()))
        return self.length


def _copied(record: type[R], columns: Sequence[Column], rows: list[tuple[Any, ...]]) -> Columns[R]:
    copy = Columns(record, columns)
    copy.extend(rows)
    return copy
