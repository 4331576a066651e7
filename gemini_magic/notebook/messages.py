"""Shows short texts in a cell: messages, plain lines and tables of aligned columns."""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from html import escape

from IPython.display import display

from ..text import one_line, visible
from ..views import similar_text, write_text

__all__ = ["format_table", "print_lines", "show_message"]

_NAME = re.compile(r"`([^`]*)`")


def show_message(*sentences: str) -> None:
    """Show sentences as one paragraph. Text between backticks is displayed as code where HTML is available.

    The message is a display output because front ends wrap HTML between words; they wrap printed text anywhere. Its left
    edge is that of answers.
    """
    plain = visible(" ".join(sentences))
    marked = _NAME.sub(r"<code>\1</code>", escape(plain))
    html = f'<div class="mathjax_ignore tex2jax_ignore">{marked}</div>'
    display({"text/plain": similar_text(plain, sys.stdout), "text/html": html}, raw=True)  # type: ignore[no-untyped-call]


def print_lines(*lines: str) -> None:
    """Print lines to the cell's standard output, without characters that a terminal would obey."""
    write_text(sys.stdout, visible("\n".join((*lines, ""))))


def format_table(rows: Sequence[tuple[str, ...]]) -> list[str]:
    """Format rows as lines with left-aligned columns, two spaces apart."""
    rows = [tuple(map(one_line, row)) for row in rows]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    ]
