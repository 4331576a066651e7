"""Builds requests from prompts, Python objects and options. No IPython, no network."""

from __future__ import annotations

from .conflicts import check_conflicts
from .objects import TABLE_ROWS, ConvertedObject, parts_from_object
from .request import attachments_of_line, build_request, parts_of_prompt
from .tables import TableText, table

__all__ = [
    "TABLE_ROWS",
    "ConvertedObject",
    "TableText",
    "attachments_of_line",
    "build_request",
    "check_conflicts",
    "parts_from_object",
    "parts_of_prompt",
    "table",
]
