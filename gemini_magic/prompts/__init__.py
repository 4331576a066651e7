"""Builds requests from prompts, Python objects and options. No IPython, no network."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..lazy import lazy_names
from .conflicts import check_conflicts
from .converted import TABLE_ROWS, ConvertedObject
from .expressions import (
    LITERAL_BRACES,
    Expression,
    expression_error,
    names_in_source,
    parse_source,
    position_in_text,
    scan,
    shorten_source,
    yields,
)
from .notices import request_notices
from .request import build_request, parts_of_prompt

if TYPE_CHECKING:
    from .attachments import attach, attachments_of_line
    from .decisions import read_decisions
    from .keywords import keyword_remedies, with_keywords
    from .objects import parts_from_object
    from .tables import TableText, table

__all__ = [
    "LITERAL_BRACES",
    "TABLE_ROWS",
    "ConvertedObject",
    "Expression",
    "TableText",
    "attach",
    "attachments_of_line",
    "build_request",
    "check_conflicts",
    "expression_error",
    "keyword_remedies",
    "names_in_source",
    "parse_source",
    "parts_from_object",
    "parts_of_prompt",
    "position_in_text",
    "read_decisions",
    "request_notices",
    "scan",
    "shorten_source",
    "table",
    "with_keywords",
    "yields",
]

# Most prompts are text.
__getattr__ = lazy_names(
    globals(),
    {
        "TableText": "tables",
        "attach": "attachments",
        "attachments_of_line": "attachments",
        "keyword_remedies": "keywords",
        "parts_from_object": "objects",
        "read_decisions": "decisions",
        "table": "tables",
        "with_keywords": "keywords",
    },
)
