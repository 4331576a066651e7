"""Exports columns as Arrow arrays by nanoarrow, which imports fast, and as pandas DataFrames."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from importlib import import_module
from itertools import islice
from typing import Any

from .storage import Layout

__all__ = ["arrow_array", "arrow_batches", "arrow_rows", "library", "pandas_frame"]

_NAMES = {"bool": "bool_"}  # of types that nanoarrow calls by other names


def library(name: str) -> Any:
    """Import an optional library.

    Raises:
        ImportError: it is not installed; the message says how to install it.
    """
    try:
        return import_module(name)
    except ModuleNotFoundError as error:
        if error.name != name:
            raise
        raise ImportError(
            f"{name} is not installed. Run `pip install {name}` and restart the kernel."
        ) from None


def pandas_frame(table: Any, columns: Iterable[tuple[str, str]]) -> Any:
    """Return a ``pandas.DataFrame``. With pyarrow this is many times faster; the result is the same without it.

    Args:
        table: returns a list of values for the name of a column, and supports the Arrow C stream interface.
        columns: name and Arrow type of each column.

    Raises:
        ImportError: pandas is not installed.
    """
    pandas = library("pandas")
    has_text = int(pandas.__version__.partition(".")[0]) >= 3  # noqa: PLR2004 - pandas 3 has a type for text
    text = pandas.StringDtype(na_value=float("nan")) if has_text else object
    types = {"int32": pandas.Int32Dtype(), "int64": pandas.Int64Dtype(), "float64": "float64", "string": text}
    types["bool"] = pandas.BooleanDtype()
    try:
        arrow = import_module("pyarrow")
        known = {getattr(arrow, name)(): types[name] for name in ("int32", "int64")}
        known[arrow.bool_()] = types["bool"]
        if has_text:
            known |= dict.fromkeys((arrow.string(), arrow.large_string()), text)
        return arrow.table(table).to_pandas(types_mapper=known.get)
    except ImportError:
        return pandas.DataFrame(
            {name: pandas.Series(table[name], dtype=types[kind]) for name, kind in columns}
        )


def _nanoarrow() -> Any:
    import nanoarrow  # noqa: PLC0415 - only when a table is exported or read

    return nanoarrow


def arrow_array(columns: Iterable[tuple[str, str, Layout]], length: int) -> Any:
    """Return a ``nanoarrow.Array`` of structs over the buffers, without copying them.

    Args:
        columns: name, Arrow type and layout of each column.
        length: the number of rows.
    """
    nanoarrow = _nanoarrow()
    types, arrays = {}, []
    for name, kind, layout in columns:
        types[name] = getattr(nanoarrow, f"large_{kind}" if layout.large else _NAMES.get(kind, kind))()
        null_count = 0 if layout.buffers[0] is None else -1  # -1: nanoarrow counts them
        arrays.append(nanoarrow.c_array_from_buffers(types[name], length, layout.buffers, null_count))
    rows = nanoarrow.c_array_from_buffers(nanoarrow.struct(types), length, [None], 0, children=arrays)
    return nanoarrow.Array(rows)


def arrow_rows(
    data: Any, size: int
) -> tuple[tuple[str, ...], Callable[[Sequence[int]], Iterator[Iterable[tuple[Any, ...]]]]]:
    """Return the columns of an object with an Arrow C stream, and a function that reads its rows in batches.

    The function takes the positions of columns. It reads the stream again each time if the object can give it again.

    Args:
        data: the object.
        size: the largest number of rows in a batch.
    """
    try:
        arrow = import_module("pyarrow")
    except ImportError:
        return _rows_of_stream(data, size)
    if isinstance(data, arrow.RecordBatchReader):
        return tuple(data.schema.names), lambda positions: arrow_batches(data, positions, size)
    if isinstance(data, arrow.Table | arrow.RecordBatch):
        table = arrow.Table.from_batches([data]) if isinstance(data, arrow.RecordBatch) else data
        return tuple(table.column_names), lambda positions: arrow_batches(
            table.to_batches(max_chunksize=size), positions
        )
    reader = arrow.RecordBatchReader.from_stream(data)
    first = [reader]

    def read(positions: Sequence[int]) -> Iterator[Iterable[tuple[Any, ...]]]:
        stream = first.pop() if first else arrow.RecordBatchReader.from_stream(data)
        return arrow_batches(stream, positions, size)

    return tuple(reader.schema.names), read


def arrow_batches(
    batches: Iterable[Any], positions: Sequence[int], size: int = 0
) -> Iterator[Iterable[tuple[Any, ...]]]:
    """Return the rows of record batches of pyarrow, in batches of tuples.

    Args:
        batches: the record batches.
        positions: the columns.
        size: the largest number of rows of a batch; 0 for those that the record batches have.
    """
    for whole in batches:
        for start in range(0, whole.num_rows, size or whole.num_rows or 1):
            batch = whole.slice(start, size) if size else whole
            if positions:
                yield zip(*(batch.column(position).to_pylist() for position in positions), strict=True)
            else:
                yield ((),) * batch.num_rows


def _rows_of_stream(
    data: Any, size: int
) -> tuple[tuple[str, ...], Callable[[Sequence[int]], Iterator[Iterable[tuple[Any, ...]]]]]:
    """The same as :func:`arrow_rows`, without pyarrow."""
    stream = _nanoarrow().ArrayStream(data)
    first = [stream]

    def read(positions: Sequence[int]) -> Iterator[Iterable[tuple[Any, ...]]]:
        for chunk in first.pop() if first else _nanoarrow().ArrayStream(data):
            columns = [chunk.child(position).iter_py() for position in positions]
            rows = zip(*columns, strict=True) if columns else iter(((),) * len(chunk))
            while batch := list(islice(rows, size)):
                yield batch

    return tuple(field.name for field in stream.schema.fields), read
