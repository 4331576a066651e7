"""Tables that grow while a stream arrives and that every DataFrame library accepts."""

from __future__ import annotations

from .columns import Column, Columns, ColumnType, DeferredColumns
from .export import arrow_batches, arrow_rows, library
from .rows import Rows
from .storage import ColumnStorage

__all__ = [
    "Column",
    "ColumnStorage",
    "ColumnType",
    "Columns",
    "DeferredColumns",
    "Rows",
    "arrow_batches",
    "arrow_rows",
    "library",
]
