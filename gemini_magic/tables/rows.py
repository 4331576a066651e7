"""Tables that every DataFrame library accepts directly.

Columns grow while a stream is read; ``Rows`` is a view of them at one moment. No DataFrame library is imported here:
tables are handed over as Arrow streams.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import chain
from typing import TYPE_CHECKING, Any, Generic, TypeVar, overload

from ..lazy import collector_paused
from .columns import Column, Columns
from .export import arrow_array, library, pandas_frame
from .json_paths import JsonPath, misspelled_field, unknown_field
from .strings import EncodedStrings

if TYPE_CHECKING:
    from .filters import Condition

__all__ = ["Rows"]

R = TypeVar("R", bound=tuple[Any, ...])
# The attributes of a ledger that hold columns, and the names of their tables in a response.
_RESPONSE_TABLES = {"chunk_columns": "chunks", "event_columns": "events", "usage_columns": "usage_history"}
_BATCH = 1000  # rows that are read at once
_MAX_BATCH = 4000  # records that are made at once; it takes 2 ms


def _copy_rows(columns: Sequence[Column], rows: Rows[Any]) -> Columns[Any]:
    """Copy some rows into new columns, with their values decoded."""
    copy: Columns[Any] = Columns(tuple, [column._replace(read=None, encoded=False) for column in columns])
    for name, store in copy.stores.items():
        store.extend(rows[name])
    copy.length = len(rows)
    return copy


def _in_batches(
    read: Callable[[Sequence[int]], Sequence[Any]], index: Sequence[int]
) -> Iterator[tuple[int, Any]]:
    """Yield each position with its value; values are read some at a time, so that they are dropped early."""
    for start in range(0, len(index), _BATCH):
        some = index[start : start + _BATCH]
        yield from zip(some, read(some), strict=True)


class Rows(Generic[R]):
    """A table: iterate over it for named tuples, or pass it to pandas, polars, pyarrow or DuckDB.

    Slices and filtered tables share its columns. It is not registered as a ``Sequence``, because libraries would then
    read it row by row.

    Args:
        source: the columns, which may still grow.
        index: positions of the rows; by default all rows that are complete now.
    """

    def __init__(self, source: Columns[R], index: Sequence[int] | None = None) -> None:
        self._source = source
        self._index = range(source.complete()) if index is None else index

    @property
    def columns(self) -> tuple[str, ...]:
        """The names of the columns."""
        return tuple(column.name for column in self._source.columns)

    def __len__(self) -> int:
        return len(self._index)

    def _record(self, row: int) -> R:
        return tuple.__new__(self._source.record, (store.at(row) for store in self._source.stores.values()))

    def __iter__(self) -> Iterator[R]:
        return chain.from_iterable(self._record_lists())

    def _record_lists(self) -> Iterator[list[R]]:
        """Yield the records in lists, of which each is longer than the one before."""
        # Skips the checks of NamedTuple._make, which take most of the time.
        record: Callable[[tuple[Any, ...]], R] = partial(tuple.__new__, self._source.record)
        start, length = 0, _BATCH
        while start < len(self._index):
            values = self._values(self._index[start : start + length])
            with collector_paused():
                records = list(map(record, values))
            yield records
            start, length = start + length, min(2 * length, _MAX_BATCH)

    def _values(self, index: Sequence[int]) -> Iterator[tuple[Any, ...]]:
        """Iterate over the values of each row."""
        return zip(*[store.decoded(index) for store in self._source.stores.values()], strict=True)

    @overload
    def __getitem__(self, key: int) -> R: ...
    @overload
    def __getitem__(self, key: slice) -> Rows[R]: ...
    @overload
    def __getitem__(self, key: str) -> list[Any]: ...
    def __getitem__(self, key: int | slice | str) -> R | Rows[R] | list[Any]:
        """Return a record by position, a table by slice, or a column by name as a list.

        Raises:
            IndexError: the position is out of range.
            KeyError: there is no such column.
        """
        if isinstance(key, str):
            return self._column(key)
        if isinstance(key, slice):
            return Rows(self._source, self._index[key])
        try:
            return self._record(self._index[key])
        except IndexError:
            raise IndexError(f"Row {key} is out of range: the table has {len(self)} rows.") from None

    def _column(self, name: str) -> list[Any]:
        if name not in self._source.stores:
            raise KeyError(f"Unknown column {name!r}. Columns: {', '.join(self.columns)}.")
        return self._source.stores[name].decoded(self._index)

    def __eq__(self, other: object) -> bool:
        """Whether the other table, list or tuple has the same records."""
        return list(self) == list(other) if isinstance(other, Rows | list | tuple) else NotImplemented

    __hash__ = None  # type: ignore[assignment] # like a list: it may grow

    def __contains__(self, record: object) -> bool:
        return any(own == record for own in self)

    def index(self, record: R) -> int:
        """Return the position of the first equal record.

        Raises:
            ValueError: no record is equal.
        """
        for position, own in enumerate(self):
            if own == record:
                return position
        raise ValueError(f"{record!r} is not in this table.")

    def count(self, record: R) -> int:
        """Return how many records are equal to this one."""
        return sum(own == record for own in self)

    def where(self, *conditions: str | Callable[[R], bool], **equal: Any) -> Rows[R]:
        """Return the rows that meet every condition.

        Args:
            conditions: strings such as ``"t > 1.5"``, ``"text ~ ^#"`` or ``"candidates.0.finishReason=STOP"``: a column or
                a dotted path into the row's JSON, an operator (``= != < <= > >=``, or ``~ !~`` for regular expressions)
                and a value; or the field alone, which must then exist and not be empty. Or functions that take a record.
            equal: for a column, the value it must have, a list, tuple or set of allowed values, or a function that
                tests the value.

        Raises:
            KeyError: neither a column nor a field in the JSON has that name.
            ValueError: a condition is not valid.
            TypeError: a condition is neither a string nor a function.
        """
        from .filters import parse_condition, value_test  # noqa: PLC0415 - see the table of late imports

        index: Sequence[int] = self._index
        for name, wanted in equal.items():
            values, holds = Rows(self._source, index)[name], value_test(wanted)
            index = [row for row, value in zip(index, values, strict=True) if holds(value)]
        for condition in conditions:
            if isinstance(condition, str):
                index = self._matching_rows(index, parse_condition(condition))
            elif not callable(condition):
                raise TypeError(
                    f"A condition is a string such as 't > 1.5' or a function of a record, not {condition!r}."
                )
            else:
                records = Rows(self._source, index)
                index = [row for row, record in zip(index, records, strict=True) if condition(record)]
        return Rows(self._source, index)

    def _matching_rows(self, index: Sequence[int], condition: Condition) -> list[int]:
        """Return the positions among ``index`` whose rows meet a condition."""
        if condition.field in self.columns:
            store, test, negated = self._source.stores[condition.field], condition.test, condition.negated
            return [row for row, value in _in_batches(store.decoded, index) if test(value) is not negated]
        path, matching, exists = JsonPath(condition.field), list[int](), False
        for row, text in self._json_texts(index):
            found = path.find(text)
            if found:
                exists = True
            if condition.holds(found):
                matching.append(row)
        # The field may exist only in rows that an earlier condition removed.
        if len(self) and not exists and (problem := self._unknown(condition.field)):
            raise problem
        return matching

    def _json_texts(self, index: Sequence[int]) -> Iterator[tuple[int, str | bytes]]:
        """Yield the JSON text of each row of a table that has one, with its position; encoded if it is stored so."""
        store = self._source.stores.get("json")
        if store is None:
            return iter(())
        return _in_batches(store.stored if isinstance(store, EncodedStrings) else store.decoded, index)

    def _unknown(self, field: str) -> KeyError | None:
        """Return the error for a field that no row has, if it must be a mistake."""
        name = field.partition(".")[0]
        return unknown_field(
            name, self.columns, (text for _, text in self._json_texts(self._index))
        ) or misspelled_field(field, (text for _, text in self._json_texts(self._index)))

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object:
        """Return the rows as an Arrow C stream (the Arrow PyCapsule interface)."""
        source, index = self._source, self._index
        if not (isinstance(index, range) and index.step == 1):
            source, index = _copy_rows(source.columns, self), range(len(index))
        columns = (
            (column.name, column.type, source.stores[column.name].layout(index)) for column in source.columns
        )
        return arrow_array(columns, len(index)).__arrow_c_stream__(requested_schema)

    def to_pandas(self) -> Any:
        """Return a ``pandas.DataFrame`` with typed columns, also when there are no rows.

        Integers have pandas' nullable types. Text has pandas' type for text: ``str``, or ``object`` before pandas 3.

        Raises:
            ImportError: pandas is not installed.
        """
        return pandas_frame(self, [(column.name, column.type) for column in self._source.columns])

    def to_polars(self) -> Any:
        """Return a ``polars.DataFrame``.

        Raises:
            ImportError: polars is not installed.
        """
        return library("polars").DataFrame(self)

    def to_arrow(self) -> Any:
        """Return a ``pyarrow.Table``.

        Raises:
            ImportError: pyarrow is not installed.
        """
        return library("pyarrow").table(self)

    def to_dicts(self) -> list[dict[str, Any]]:
        """Return one dict for each row."""
        names = self.columns
        return [dict(zip(names, values, strict=True)) for values in self._values(self._index)]

    def __repr__(self) -> str:
        return f"<Rows: {len(self)} × {', '.join(self.columns)}>"

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:  # noqa: ARG002 - IPython's signature
        """Print the first and last rows as a plain table."""
        from .preview import as_text  # noqa: PLC0415 - see the table of late imports

        printer.text(as_text(self.columns, self, show_all=self._source.show_all))

    def _repr_html_(self) -> str:
        """Return the first and last rows as HTML, with values escaped and shortened and without empty columns."""
        from .preview import as_html  # noqa: PLC0415 - see the table of late imports

        return as_html(self.columns, self, show_all=self._source.show_all, expression=self._expression())

    def _expression(self) -> str:
        """Return what the user can write for this table: a variable, a response's table, or ``_``, the last value.

        The variables of a notebook are those of ``__main__``.
        """
        names = {name: value for name, value in vars(sys.modules["__main__"]).items() if name[:1] != "_"}
        for name, value in names.items():
            if value is self:
                return name
        if len(self) == self._source.length:
            for name, value in names.items():
                ledger = getattr(value, "ledger", None) if hasattr(type(value), "chunks") else None
                for columns, table in _RESPONSE_TABLES.items():
                    if getattr(ledger, columns, None) is self._source:
                        return f"{name}.{table}"
        return "_"
