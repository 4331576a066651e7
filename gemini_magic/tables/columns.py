"""The columns of a table: their declarations, and the stores that hold their values."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Generic, Literal, NamedTuple, TypeAlias, TypeVar

from .storage import Booleans, ColumnStorage, NullableNumbers, Numbers
from .strings import EncodedStrings, LazyStrings, SparseStrings, Strings

__all__ = ["Column", "ColumnType", "Columns"]

R = TypeVar("R", bound=tuple[Any, ...])
ColumnType: TypeAlias = Literal["int32", "int64", "float64", "bool", "string"]  # Arrow's names
_CODES = {"int32": "i", "int64": "q", "float64": "d"}  # of the array module


class Column(NamedTuple):
    """The declaration of one column.

    Attributes:
        name: the field of the record class.
        type: the Arrow type.
        read: turns a stored value into text, for values that are stored in another form; otherwise None.
        not_null: whether every row has a number.
        default: the value of rows that have none: None, or 0 or the empty string, which then need no memory.
        sparse: whether only a few rows have a value (strings only).
        encoded: whether strings are appended and stored as UTF-8 bytes.
    """

    name: str
    type: ColumnType
    read: Callable[[Any], Any] | None = None
    not_null: bool = False
    default: Literal[0, ""] | None = None
    sparse: bool = False
    encoded: bool = False

    def store(self) -> ColumnStorage:
        """Return an empty store for its values."""
        if self.encoded:
            return EncodedStrings()
        if self.read is not None:
            return LazyStrings(self.read)
        if self.sparse:
            return SparseStrings()
        if self.type == "string":
            return Strings(str(self.default) if self.default is not None else None)
        if self.type == "bool":
            return Booleans()
        code = _CODES[self.type]
        return Numbers(code) if self.not_null else NullableNumbers(code, self.default)


class Columns(Generic[R]):
    """The columns of a table; one thread appends rows while others read the complete ones.

    Args:
        record: the ``NamedTuple`` class of one row; its fields are the names of the columns, in order.
        columns: the declarations.
        fill: returns the rows that are new since its last call, for a table that is filled on access; otherwise None.
        show_all: whether a preview shows all rows.

    Attributes:
        stores: the values by column name.
        length: the number of complete rows.
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
        self.stores: dict[str, ColumnStorage] = {column.name: column.store() for column in columns}
        self.length = 0
        self._appends = [store.append for store in self.stores.values()]
        self._fill = fill
        self._filling = threading.Lock()

    def append(self, *row: Any) -> None:
        """Append one row; readers see it when all its values are stored."""
        self.extend([row])

    def extend(self, rows: Sequence[tuple[Any, ...]]) -> None:
        """Append rows; readers see them when all their values are stored."""
        if len(rows) == 1:
            for append, value in zip(self._appends, rows[0], strict=True):
                append(value)
        elif rows:
            for store, new in zip(self.stores.values(), zip(*rows, strict=True), strict=True):
                store.extend(new)
        self.length += len(rows)

    def stored(self, name: str, count: int) -> Sequence[Any]:
        """Return the first ``count`` values of a column as stored; for a number column that is not null, an array."""
        return self.stores[name].stored(range(count))

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle and copy the rows of this moment; the copy does not grow."""
        length = self.complete()
        rows = zip(*(self.stored(column.name, length) for column in self.columns), strict=True)
        return _columns_from_rows, (self.record, self.columns, list(rows))

    def complete(self) -> int:
        """Return the number of complete rows, after filling a table that is filled on access."""
        if self._fill is not None:
            with self._filling:
                self.extend(list(self._fill()))
        return self.length


class DeferredColumns(Columns[R]):
    """Columns whose values are stored when they are first read: for a table of one thread that is seldom read.

    Args:
        record, columns: as for :class:`Columns`.
    """

    def __init__(self, record: type[R], columns: Sequence[Column]) -> None:
        self.record, self.show_all = record, False
        self.columns = tuple(columns)
        self.length = 0
        self._fill = None
        self._filling = threading.Lock()
        self._pending: list[tuple[Any, ...]] = []

    def extend(self, rows: Sequence[tuple[Any, ...]]) -> None:
        """Append rows."""
        if "stores" in self.__dict__:
            super().extend(rows)
        else:
            self._pending += rows
            self.length += len(rows)

    def __getattr__(self, name: str) -> Any:
        if name not in ("stores", "_appends"):
            raise AttributeError(name)
        self.stores = {column.name: column.store() for column in self.columns}
        self._appends = [store.append for store in self.stores.values()]
        pending, self._pending, self.length = self._pending, [], 0
        super().extend(pending)
        return self.__dict__[name]


def _columns_from_rows(record: type[R], columns: Sequence[Column], rows: list[tuple[Any, ...]]) -> Columns[R]:
    copy = Columns(record, columns)
    copy.extend(rows)
    return copy
