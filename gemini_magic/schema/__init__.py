"""Typed answers."""

from __future__ import annotations

from .row_cutter import CutRow, RowCutter
from .row_json import read_row, recover_rows, unfinished_value

__all__ = ["CutRow", "RowCutter", "read_row", "recover_rows", "unfinished_value"]
