"""Builds requests from prompts, Python objects and options. No IPython, no network."""

from __future__ import annotations

from .conflicts import check_conflicts
from .expressions import (
    LITERAL_BRACES,
    Expression,
    expression_error,
    names_in_source,
    parse_source,
    position_in_text,
    scan,
    shorten_source,
)
from .objects import TABLE_ROWS, ConvertedObject, parts_from_object
from .request import attachments_of_line, build_request, parts_of_prompt
from .tables import TableText, table

__all__ = [
    "LITERAL_BRACES",
    "TABLE_ROWS",
    "ConvertedObject",
    "Expression",
    "TableText",
    "attachments_of_line",
    "build_request",
    "check_conflicts",
    "expression_error",
    "names_in_source",
    "parse_source",
    "parts_from_object",
    "parts_of_prompt",
    "position_in_text",
    "scan",
    "shorten_source",
    "table",
]
