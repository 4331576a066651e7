"""One column of a table: how it is called, typed, kept and read; and many of them as Arrow or pandas takes them.

It does not know rows or what the columns mean.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterable, Sequence
from importlib import import_module
from typing import Any, Literal, NamedTuple, TypeAlias

__all__ = [
    "CODES",
    "Column",
    "Type",
    "arrow_table",
    "pandas_frame",
    "pandas_series",
    "pick",
    "read_column",
]

Type: TypeAlias = Literal["int32", "int64", "float64", "string"]

CODES = {"int32": "i", "int64": "q", "float64": "d"}  # of the array module
_STRINGS = 3  # the version of pandas in which texts have a type of their own


class Column(NamedTuple):
    """How one column is called, typed and read.

    Attributes:
        name: the record's field.
        type: the Arrow type.
        read: turns a stored value into what is shown (for values that are kept in a cheaper form), or None.
        full: whether it holds a number in each row, never None: such a column takes a quarter of the room.
        encoded: whether its texts are stored as UTF-8, which Arrow takes as it is; ``read`` decodes them.
    """

    name: str
    type: Type
    read: Callable[[Any], Any] | None = None
    full: bool = False
    encoded: bool = False


def pick(values: Any, rows: Sequence[int]) -> Any:
    """A copy of some values, kept in what they were kept in."""
    if isinstance(rows, range) and rows.step == 1:
        return values[rows.start : rows.stop]
    picked = [values[row] for row in rows]
    return array(values.typecode, picked) if isinstance(values, array) else picked


def read_column(column: Column, stored: Iterable[Any]) -> list[Any]:
    """Stored values as they are shown."""
    return list(stored) if column.read is None else list(map(column.read, stored))


def arrow_table(columns: Sequence[Column], values: Iterable[Any]) -> Any:
    """An Arrow table, from each column's stored values."""
    from arro3.core import Array, DataType, RecordBatch, Table  # noqa: PLC0415 - only when asked for

    def filled(column: Column, stored: Any) -> Any:
        if isinstance(stored, array) and stored:
            return Array.from_buffer(stored)
        if column.encoded and stored:
            made = Array(stored, DataType.binary()).cast(DataType.string())
            if not made.null_count:  # a text that is no UTF-8 became null
                return made
        shown = read_column(column, stored)
        if column.type in CODES and shown and None not in (shown[0], shown[-1]):
            try:
                return Array.from_buffer(array(CODES[column.type], shown))
            except TypeError:
                pass  # None stands somewhere between
        return Array(shown, getattr(DataType, column.type)())

    arrays = [filled(column, stored) for column, stored in zip(columns, values, strict=True)]
    return Table.from_batches([RecordBatch.from_arrays(arrays, names=[column.name for column in columns])])


def pandas_frame(table: Any) -> Any:
    """A ``pandas.DataFrame`` of a ``pyarrow.Table``; whole numbers can be missing."""
    pandas, arrow = import_module("pandas"), import_module("pyarrow")
    known = {arrow.int32(): pandas.Int32Dtype(), arrow.int64(): pandas.Int64Dtype()}
    return table.to_pandas(types_mapper=known.get)


def pandas_series(columns: Sequence[Column], values: Iterable[Any]) -> Any:
    """The same without pyarrow, from each column's stored values."""
    pandas = import_module("pandas")
    text = "str" if int(pandas.__version__.partition(".")[0]) >= _STRINGS else "object"
    types = {"int32": "Int32", "int64": "Int64", "float64": "float64", "string": text}
    return pandas.DataFrame(
        {
            column.name: pandas.Series(read_column(column, stored), dtype=types[column.type])
            for column, stored in zip(columns, values, strict=True)
        }
    )
