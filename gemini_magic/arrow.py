"""Columns as an Arrow stream, by nanoarrow: light to import, and every DataFrame library takes what it makes."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from .stores import Layout

__all__ = ["arrow_array"]


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
