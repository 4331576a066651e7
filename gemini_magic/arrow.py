"""Columns as an Arrow table, by arro3: light to import, and every DataFrame library takes its stream."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Any, TypeAlias

__all__ = ["arrow_table"]

_Column: TypeAlias = "tuple[str, str, bool, list[Any] | array[Any], Callable[[], list[Any]]]"


def arrow_table(columns: Iterable[_Column]) -> Any:
    """An ``arro3.core.Table`` of one batch.

    Args:
        columns: for each its name, its Arrow type, whether its strings are stored as UTF-8 bytes, the stored values, and
            what gives the values as they are shown.
    """
    from arro3.core import Array, DataType, RecordBatch, Table  # noqa: PLC0415 - only when a table is asked for

    def made(kind: str, encoded: bool, stored: list[Any] | array[Any], shown: Callable[[], list[Any]]) -> Any:
        if isinstance(stored, array) and stored:
            return Array.from_buffer(stored)  # nothing is copied
        if encoded:
            with suppress(Exception):  # bytes that are no UTF-8 are read one by one below
                return Array(stored, DataType.binary()).cast(DataType.string())
        return Array(shown(), getattr(DataType, kind)())

    names, arrays = [], []
    for name, kind, encoded, stored, shown in columns:
        names.append(name)
        arrays.append(made(kind, encoded, stored, shown))
    return Table.from_batches([RecordBatch.from_arrays(arrays, names=names)])
