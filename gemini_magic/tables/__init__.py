"""Tables that grow while a stream arrives and that every DataFrame library accepts."""

from __future__ import annotations

from .columns import Column, Columns, ColumnType
from .export import arrow_batches, arrow_rows, library
from .rows import Rows

__all__ = ["Column", "ColumnType", "Columns", "Rows", "arrow_batches", "arrow_rows", "library"]
