"""Renders Markdown as safe HTML, whole or as operations on a growing view, and defangs it for other front ends.

The names are imported when they are first used, so that a request is sent before the parser is imported.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..lazy import lazy_names

if TYPE_CHECKING:
    from .data_table import DataCell, DataTable
    from .defang import defang_markdown, join_defanged
    from .finished_blocks import FinishedBlocks
    from .images import DATA_ONLY, Images
    from .invisible import invisible_characters
    from .open_block import OpenBlock
    from .parser import CodeBlock, close_blocks, code_blocks
    from .renderer import MarkedAnswer, Op, Renderer, render, render_marked
    from .source_list import SourceEntry, render_queries, render_source_list, source_list_markdown
    from .source_marks import MarkTarget, SourceMark

__all__ = [
    "DATA_ONLY",
    "CodeBlock",
    "DataCell",
    "DataTable",
    "FinishedBlocks",
    "Images",
    "MarkTarget",
    "MarkedAnswer",
    "Op",
    "OpenBlock",
    "Renderer",
    "SourceEntry",
    "SourceMark",
    "close_blocks",
    "code_blocks",
    "defang_markdown",
    "invisible_characters",
    "join_defanged",
    "render",
    "render_marked",
    "render_queries",
    "render_source_list",
    "source_list_markdown",
]

_HOMES = {
    "DATA_ONLY": "images",
    "Images": "images",
    "CodeBlock": "parser",
    "DataCell": "data_table",
    "DataTable": "data_table",
    "OpenBlock": "open_block",
    "MarkTarget": "source_marks",
    "MarkedAnswer": "renderer",
    "Op": "renderer",
    "FinishedBlocks": "finished_blocks",
    "Renderer": "renderer",
    "close_blocks": "parser",
    "code_blocks": "parser",
    "defang_markdown": "defang",
    "join_defanged": "defang",
    "invisible_characters": "invisible",
    "SourceEntry": "source_list",
    "SourceMark": "source_marks",
    "render_queries": "source_list",
    "render_source_list": "source_list",
    "source_list_markdown": "source_list",
    "render": "renderer",
    "render_marked": "renderer",
}
__getattr__ = lazy_names(globals(), _HOMES)
