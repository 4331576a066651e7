"""Columns as an Arrow stream, by nanoarrow: light to import, and every DataFrame library takes what it makes."""

from __future__ import annotations

from collections.abc import Iterable
from importlib import import_module
from typing import Any

from .storage import Layout

__all__ = ["arrow_array", "library", "pandas_frame"]


def library(name: str) -> Any:
    """An optional library.

    Raises:
        ImportError: it is not installed; says how to change that.
    """
    try:
        return import_module(name)
    except ModuleNotFoundError as error:
        if error.name != name:
            raise
        raise ImportError(
            f"{name} is not installed: `pip install {name}`, then restart the kernel."
        ) from None


def pandas_frame(table: Any, columns: Iterable[tuple[str, str]]) -> Any:
    """A ``pandas.DataFrame``; by pyarrow where that is installed, which is many times faster, and equal without it.

    Args:
        table: what gives a list of values by a column's name, and an Arrow stream of all.
        columns: name and Arrow type of each.

    Raises:
        ImportError: pandas is not installed.
    """
    pandas = library("pandas")
    has_text = int(pandas.__version__.partition(".")[0]) >= 3  # noqa: PLR2004 - pandas 3 has a type for text
    text = pandas.StringDtype(na_value=float("nan")) if has_text else object
    types = {"int32": pandas.Int32Dtype(), "int64": pandas.Int64Dtype(), "float64": "float64", "string": text}
    try:
        arrow = import_module("pyarrow")
        known = {getattr(arrow, name)(): types[name] for name in ("int32", "int64")}
        if has_text:
            known |= dict.fromkeys((arrow.string(), arrow.large_string()), text)
        return arrow.table(table).to_pandas(types_mapper=known.get)
    except ImportError:
        return pandas.DataFrame(
            {name: pandas.Series(table[name], dtype=types[kind]) for name, kind in columns}
        )


def arrow_array(columns: Iterable[tuple[str, str, Layout]], length: int) -> Any:
    """A ``nanoarrow.Array`` of structs; nothing is copied.

    Args:
        columns: name, Arrow type and layout of each.
        length: the number of rows.
    """
    import nanoarrow  # noqa: PLC0415 - only when a table is asked for

    types, arrays = {}, []
    for name, kind, layout in columns:
        types[name] = getattr(nanoarrow, f"large_{kind}" if layout.large else kind)()
        unknown = 0 if layout.buffers[0] is None else -1  # -1: to be counted
        arrays.append(nanoarrow.c_array_from_buffers(types[name], length, layout.buffers, unknown))
    rows = nanoarrow.c_array_from_buffers(nanoarrow.struct(types), length, [None], 0, children=arrays)
    return nanoarrow.Array(rows)
