"""Renders Markdown as safe HTML, whole or as operations on a growing view, and defangs it for other front ends.

The names are imported when they are first used, so that a request is sent before the parser is imported.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .defang import defang
    from .finished_blocks import FinishedBlocks
    from .images import DATA_ONLY, Images
    from .invisible import invisible_characters
    from .open_block import OpenBlock
    from .parser import CodeBlock, close_blocks, code_blocks
    from .renderer import Op, Renderer, render

__all__ = [
    "DATA_ONLY",
    "CodeBlock",
    "FinishedBlocks",
    "Images",
    "Op",
    "OpenBlock",
    "Renderer",
    "close_blocks",
    "code_blocks",
    "defang",
    "invisible_characters",
    "render",
]

_MODULES = {
    "DATA_ONLY": "images",
    "Images": "images",
    "CodeBlock": "parser",
    "OpenBlock": "open_block",
    "Op": "renderer",
    "FinishedBlocks": "finished_blocks",
    "Renderer": "renderer",
    "close_blocks": "parser",
    "code_blocks": "parser",
    "defang": "defang",
    "invisible_characters": "invisible",
    "render": "renderer",
}


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f".{_MODULES[name]}", __name__), name)
    globals()[name] = value  # also over a module of the same name, which importing it has put there
    return value
