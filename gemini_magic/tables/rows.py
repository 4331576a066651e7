"""Records over columns that every DataFrame library accepts as they are.

Columns grow while a stream is read; ``Rows`` is a view of them up to one moment. This module does not know what
the columns mean, and imports no DataFrame library: the Arrow stream is the common language.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any, Generic, TypeVar, overload

from .columns import Column, Columns
from .export import arrow_array, library, pandas_frame
from .filters import (
    Condition,
    equality_test,
    misspelled_field,
    parse_condition,
    parse_json_texts,
    unknown_field,
    values_at,
)
from .preview import as_html, as_text

__all__ = ["Rows"]

R = TypeVar("R", bound=tuple[Any, ...])
_BATCH = 1000  # rows that are read at once


def _chosen(columns: Sequence[Column], rows: Rows[Any]) -> Columns[Any]:
    """Columns of their own for some rows, as these are shown."""
    chosen: Columns[Any] = Columns(tuple, [column._replace(read=None, encoded=False) for column in columns])
    for name, store in chosen.stores.items():
        store.extend(rows[name])
    chosen.length = len(rows)
    return chosen


class Rows(Generic[R]):
    """A table: iterate for named tuples, or hand it to pandas, polars, pyarrow or DuckDB as it is.

    Args:
        source: the columns, which may still grow.
        index: positions of the rows; all that are complete now by default.

    Slices and filtered rows share its columns. Not registered as a ``Sequence``: libraries would read row by row.
    """

    def __init__(self, source: Columns[R], index: Sequence[int] | None = None) -> None:
        self._source = source
        self._index = range(source.complete()) if index is None else index

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns' names."""
        return tuple(column.name for column in self._source.columns)

    def __len__(self) -> int:
        return len(self._index)

    def _record(self, row: int) -> R:
        return tuple.__new__(self._source.record, (store.at(row) for store in self._source.stores.values()))

    def __iter__(self) -> Iterator[R]:
        # The records' own way to make one of any iterable, without the detour over its checks.
        made = partial(tuple.__new__, self._source.record)
        for start in range(0, len(self._index), _BATCH):
            some = self._index[start : start + _BATCH]
            columns = (store.decoded(some) for store in self._source.stores.values())
            yield from map(made, zip(*columns, strict=True))

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
            return self._column(key)
        if isinstance(key, slice):
            return Rows(self._source, self._index[key])
        try:
            return self._record(self._index[key])
        except IndexError:
            raise IndexError(f"There is no row {key}; there are {len(self)}.") from None

    def _column(self, name: str) -> list[Any]:
        if name not in self._source.stores:
            raise KeyError(f"no column {name!r}; there are {', '.join(self.columns)}")
        return self._source.stores[name].decoded(self._index)

    def __eq__(self, other: object) -> bool:
        """Whether the other holds the same records: rows, a list or a tuple."""
        return list(self) == list(other) if isinstance(other, Rows | list | tuple) else NotImplemented

    __hash__ = None  # type: ignore[assignment] # like a list: it may grow

    def __contains__(self, record: object) -> bool:
        return any(own == record for own in self)

    def index(self, record: R) -> int:
        """Position of the first equal record; raises ValueError when there is none."""
        for position, own in enumerate(self):
            if own == record:
                return position
        raise ValueError(f"{record!r} is not in these rows")

    def count(self, record: R) -> int:
        """How many records are equal to this one."""
        return sum(own == record for own in self)

    def where(self, *conditions: str | Callable[[R], bool], **equal: Any) -> Rows[R]:
        """The rows that meet every condition.

        Args:
            conditions: ``"t > 1.5"``, ``"text ~ ^#"``, ``"candidates.0.finishReason=STOP"``: a column or a dotted path into
                the row's JSON, an operator (``= != < <= > >=``, ``~ !~`` for regular expressions) and a value, or the field
                alone where it must be there; or functions of a record.
            equal: columns that must have this value, one of these (a list, tuple or set), or one for which a function of
                it is true.

        Raises:
            KeyError: there is no such column, nor such a field in the JSON.
            ValueError: a condition is not of that form.
            TypeError: a condition is neither text nor a function.
        """
        index: Sequence[int] = self._index
        for name, wanted in equal.items():
            values, holds = Rows(self._source, index)[name], equality_test(wanted)
            index = [row for row, value in zip(index, values, strict=True) if holds(value)]
        for condition in conditions:
            if isinstance(condition, str):
                index = self._meeting(index, parse_condition(condition))
            elif not callable(condition):
                raise TypeError(
                    f"A condition is text such as 't > 1.5', or a function of a record, not {condition!r}."
                )
            else:
                index = [row for row in index if condition(self._record(row))]
        return Rows(self._source, index)

    def _meeting(self, index: Sequence[int], condition: Condition) -> list[int]:
        """Which of the rows with these numbers meet a condition."""
        rows: Rows[R] = Rows(self._source, index)
        if condition.field in self.columns:
            found = [[value] for value in rows[condition.field]]
        else:
            values = parse_json_texts(rows["json"]) if "json" in self.columns else []
            found = [values_at(value, condition.field) for value in values]
            if len(self) and not any(found):
                # Perhaps an earlier condition has left none of the rows that have it.
                whole = parse_json_texts(self["json"]) if "json" in self.columns else []
                name = condition.field.partition(".")[0]
                if problem := unknown_field(name, self.columns, whole) or misspelled_field(
                    condition.field, whole
                ):
                    raise problem
        return [row for row, values in zip(index, found, strict=True) if condition.holds(values)]

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object:
        """The rows as an Arrow C stream (the Arrow PyCapsule interface)."""
        source, index = self._source, self._index
        if not (isinstance(index, range) and index.step == 1):
            source, index = _chosen(source.columns, self), range(len(index))
        columns = (
            (column.name, column.type, source.stores[column.name].layout(index)) for column in source.columns
        )
        return arrow_array(columns, len(index)).__arrow_c_stream__(requested_schema)

    def to_pandas(self) -> Any:
        """A ``pandas.DataFrame`` with typed columns, also when there are no rows.

        Counts have pandas' nullable types, text what pandas gives text (``str``, ``object`` before pandas 3).

        Raises:
            ImportError: pandas is not installed.
        """
        return pandas_frame(self, [(column.name, column.type) for column in self._source.columns])

    def to_polars(self) -> Any:
        """A ``polars.DataFrame``.

        Raises:
            ImportError: polars is not installed.
        """
        return library("polars").DataFrame(self)

    def to_arrow(self) -> Any:
        """A ``pyarrow.Table``.

        Raises:
            ImportError: pyarrow is not installed.
        """
        return library("pyarrow").table(self)

    def to_dicts(self) -> list[dict[str, Any]]:
        """One dict a row."""
        return [dict(zip(self.columns, record, strict=True)) for record in self]

    def __repr__(self) -> str:
        return f"<Rows: {len(self)} × {', '.join(self.columns)}>"

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:  # noqa: ARG002 - IPython's signature
        """A plain table for terminals."""
        printer.text(as_text(self.columns, self, show_all=self._source.show_all))

    def _repr_html_(self) -> str:
        """The first and last rows; every value escaped and shortened, columns that are empty in them left out."""
        return as_html(self.columns, self, show_all=self._source.show_all)
