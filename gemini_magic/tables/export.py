"""Exports columns as Arrow arrays by nanoarrow, which imports fast, and as pandas DataFrames."""

from __future__ import annotations

from collections.abc import Iterable
from importlib import import_module
from typing import Any

from .storage import Layout

__all__ = ["arrow_array", "library", "pandas_frame"]

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


def arrow_array(columns: Iterable[tuple[str, str, Layout]], length: int) -> Any:
    """Return a ``nanoarrow.Array`` of structs over the buffers, without copying them.

    Args:
        columns: name, Arrow type and layout of each column.
        length: the number of rows.
    """
    import nanoarrow  # noqa: PLC0415 - only when a table is exported

    types, arrays = {}, []
    for name, kind, layout in columns:
        types[name] = getattr(nanoarrow, f"large_{kind}" if layout.large else _NAMES.get(kind, kind))()
        null_count = 0 if layout.buffers[0] is None else -1  # -1: nanoarrow counts them
        arrays.append(nanoarrow.c_array_from_buffers(types[name], length, layout.buffers, null_count))
    rows = nanoarrow.c_array_from_buffers(nanoarrow.struct(types), length, [None], 0, children=arrays)
    return nanoarrow.Array(rows)
