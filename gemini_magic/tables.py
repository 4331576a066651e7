"""Records over columns that every DataFrame library accepts as they are.

Columns grow while a stream is read; ``Rows`` is a view of them up to one moment. This module does not know what
the columns mean, and imports no DataFrame library: the Arrow stream is the common language.
"""

from __future__ import annotations

import threading
from array import array
from collections.abc import Callable, Iterable, Iterator, Sequence
from importlib import import_module
from importlib.util import find_spec
from itertools import compress
from typing import Any, Generic, TypeVar, overload

from .columns import CODES, Column, arrow_table, pandas_frame, pandas_series, pick, read_column
from .conditions import close_to, meeting
from .preview import ENDS, Preview, preview

__all__ = ["Column", "Columns", "Objects", "Rows"]

R = TypeVar("R")
_BLOCK = 1000  # records made at a time


class Columns(Generic[R]):
    """Columns that one writer appends to while others read what is complete.

    Args:
        record: the ``NamedTuple`` class of one row; its fields are the columns' names, in order.
        columns: the columns.
        more: makes the rows that are new since its last call, for a table that fills when it is asked for, or None.
    """

    def __init__(
        self,
        record: Callable[..., R],
        columns: Sequence[Column],
        more: Callable[[], Iterable[tuple[Any, ...]]] | None = None,
    ) -> None:
        self.record = record
        self.columns = tuple(columns)
        self.values: tuple[list[Any] | array[Any], ...] = tuple(
            array(CODES[column.type]) if column.full else [] for column in columns
        )
        self.length = 0
        self._appends = [values.append for values in self.values]
        self._more = more
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
            for values, new in zip(self.values, zip(*rows, strict=True), strict=True):
                values.extend(new)
        self.length += len(rows)

    def __reduce__(self) -> tuple[Any, ...]:
        """A copy has the rows of this moment, and does not grow by itself."""
        length = len(self.rows())
        rows = zip(*(values[:length] for values in self.values), strict=True)
        return _copied, (self.record, self.columns, list(rows))

    def rows(self) -> Rows[R]:
        """The rows that are complete now."""
        if self._more is not None:
            with self._filling:
                self.extend(list(self._more()))
        return Rows(self, range(self.length))

    def values_at(self, row: int) -> tuple[Any, ...]:
        """The values of one row."""
        return tuple(
            values[row] if column.read is None else column.read(values[row])
            for column, values in zip(self.columns, self.values, strict=True)
        )

    def records(self, rows: Sequence[int]) -> Iterable[R]:
        """The records of some rows."""
        picked = (
            read_column(column, pick(values, rows))
            for column, values in zip(self.columns, self.values, strict=True)
        )
        return map(self.record, *picked)


class Objects(Columns[R]):
    """A table whose records are objects that exist already, each with its values in the columns.

    Args:
        objects: the records.
        columns: the columns.
        rows: for each object its values.
    """

    def __init__(
        self, objects: Iterable[R], columns: Sequence[Column], rows: Iterable[tuple[Any, ...]]
    ) -> None:
        super().__init__(_no_record, columns)
        self.objects = list(objects)
        self.extend(list(rows))

    def __reduce__(self) -> tuple[Any, ...]:
        rows = [self.values_at(row) for row in range(self.length)]
        return Objects, (self.objects, self.columns, rows)

    def records(self, rows: Sequence[int]) -> Iterable[R]:
        """The objects themselves."""
        return [self.objects[row] for row in rows]


def _no_record(*_: Any) -> Any:
    raise AssertionError


def _copied(record: Callable[..., R], columns: Sequence[Column], rows: list[tuple[Any, ...]]) -> Columns[R]:
    copy = Columns(record, columns)
    copy.extend(rows)
    return copy


class Rows(Generic[R]):
    """A table: iterate for named tuples, or hand it to pandas, polars, pyarrow or DuckDB as it is.

    It is a view over shared columns: taking one, slicing it or filtering it copies nothing but row numbers.
    It is deliberately not registered as a ``Sequence``: libraries would then read row by row.
    """

    def __init__(self, source: Columns[R], index: Sequence[int]) -> None:
        self._source = source
        self._index = index

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns' names."""
        return tuple(column.name for column in self._source.columns)

    def __len__(self) -> int:
        return len(self._index)

    def __iter__(self) -> Iterator[R]:
        for start in range(0, len(self._index), _BLOCK):
            yield from self._source.records(self._index[start : start + _BLOCK])

    @overload
    def __getitem__(self, key: int) -> R: ...
    @overload
    def __getitem__(self, key: slice) -> Rows[R]: ...
    @overload
    def __getitem__(self, key: str) -> list[Any]: ...
    def __getitem__(self, key: int | slice | str) -> R | Rows[R] | list[Any]:
        """One record by position, some by slice, or one whole column by name.

        Raises:
            IndexError: no such position.
            KeyError: no such column.
        """
        if isinstance(key, str):
            return self._column(self._position(key))
        if isinstance(key, slice):
            return Rows(self._source, self._index[key])
        return next(iter(self._source.records([self._index[key]])))

    def _position(self, name: str) -> int:
        if name in self.columns:
            return self.columns.index(name)
        close = close_to(name, self.columns)
        guess = f"did you mean {close!r}? " if close else ""
        raise KeyError(f"no column {name!r}; {guess}there are {', '.join(self.columns)}")

    def _column(self, position: int) -> list[Any]:
        return read_column(self._source.columns[position], pick(self._source.values[position], self._index))

    def __eq__(self, other: object) -> bool:
        """Equal to rows, a list or a tuple with equal records in the same order."""
        if not isinstance(other, Rows | list | tuple):
            return NotImplemented
        return len(self) == len(other) and all(a == b for a, b in zip(self, other, strict=True))

    __hash__ = None  # type: ignore[assignment] # equal to lists, which have none

    def __add__(self, other: Iterable[Any]) -> list[Any]:
        """The records of both, as a list."""
        return [*self, *other]

    def __contains__(self, record: object) -> bool:
        return any(own == record for own in self)

    def index(self, record: R) -> int:
        """Position of the first equal record.

        Raises:
            ValueError: there is none.
        """
        for position, own in enumerate(self):
            if own == record:
                return position
        raise ValueError(f"{record!r} is not in these rows")

    def count(self, record: R) -> int:
        """How many records are equal to this one."""
        return sum(own == record for own in self)

    def where(self, *conditions: str | Callable[[R], object], **equal: Any) -> Rows[R]:
        """The rows that meet all conditions.

        A condition is a text ``FIELD OP VALUE``, a function of a record, or ``column=value``. OP is one of
        ``= != < <= > >=`` or ``~`` and ``!~``, which look for a regular expression. FIELD is a column, or a dotted
        path into the JSON of each row: ``usageMetadata.thoughtsTokenCount > 0``,
        ``candidates.0.finishReason=STOP``; ``*`` stands for every item, and one that fits is enough:
        ``candidates.*.content.parts.*.text ~ ^#``. ``!=`` and ``!~`` are true where ``=`` and ``~`` are not, also where
        the field is missing; ``FIELD=null`` finds where it is missing or null.

        Raises:
            OptionError: a text is no condition, names a field that no row has, or its expression cannot be read.
            KeyError: a column named as ``column=value`` does not exist.
        """
        index: Sequence[int] = self._index
        for name, wanted in equal.items():
            values = Rows(self._source, index)[name]
            index = [row for row, value in zip(index, values, strict=True) if value == wanted]
        said = [each for each in conditions if isinstance(each, str)]
        if said:
            rows = Rows(self._source, index)
            index = list(compress(index, meeting(said, self.columns, rows.__getitem__)))
        for each in conditions:
            if not isinstance(each, str):
                records = Rows(self._source, index)
                index = [row for row, record in zip(index, records, strict=True) if each(record)]
        return Rows(self._source, index)

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object:
        """The rows as an Arrow C stream (the Arrow PyCapsule interface)."""
        return self._table().__arrow_c_stream__(requested_schema)

    def _values(self) -> Iterator[Any]:
        """Each column's values as they are stored, a copy."""
        return (pick(values, self._index) for values in self._source.values)

    def _table(self) -> Any:
        return arrow_table(self._source.columns, self._values())

    def to_pandas(self) -> Any:
        """A ``pandas.DataFrame`` with typed columns, also when there are no rows.

        Raises:
            ImportError: pandas is not installed.
        """
        if find_spec("pyarrow"):
            return pandas_frame(self.to_arrow())
        return pandas_series(self._source.columns, self._values())

    def to_polars(self) -> Any:
        """A ``polars.DataFrame``.

        Raises:
            ImportError: polars is not installed.
        """
        return import_module("polars").DataFrame(self)

    def to_arrow(self) -> Any:
        """A ``pyarrow.Table``.

        Raises:
            ImportError: pyarrow is not installed.
        """
        return import_module("pyarrow").table(self)

    def to_dicts(self) -> list[dict[str, Any]]:
        """One dict a row."""
        values = [self._column(position) for position in range(len(self.columns))]
        return [dict(zip(self.columns, row, strict=True)) for row in zip(*values, strict=True)]

    def __repr__(self) -> str:
        return f"<Rows: {len(self)} × {', '.join(self.columns)}>"

    def _preview(self) -> Preview:
        index, most = self._index, 2 * ENDS
        ends = (index,) if len(index) <= most else (index[:ENDS], index[-ENDS:])
        shown = tuple([self._source.values_at(row) for row in rows] for rows in ends)
        return preview(self.columns, shown, len(index))

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:  # noqa: ARG002 - IPython's signature
        """A plain table for terminals."""
        printer.text(self._preview().text())

    def _repr_html_(self) -> str:
        """The first and last rows; every value escaped and shortened, columns that are empty in them left out."""
        return self._preview().html()
