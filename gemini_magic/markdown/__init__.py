"""Markdown text to safe HTML, whole or as operations on a growing view; knows no widget and no page.

The names are loaded when they are first used: a request should be on its way before the parser is imported.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .defang import defang
    from .finished_blocks import Passages
    from .images import DATA_ONLY, Images
    from .open_block import Frame
    from .parser import CodeBlock, code_blocks
    from .renderer import Op, Renderer, render
    from .sanitize import visible

__all__ = [
    "DATA_ONLY",
    "CodeBlock",
    "Frame",
    "Images",
    "Op",
    "Passages",
    "Renderer",
    "code_blocks",
    "defang",
    "render",
    "visible",
]

_HOMES = {
    "DATA_ONLY": "images",
    "Images": "images",
    "CodeBlock": "parser",
    "Frame": "open_block",
    "Op": "renderer",
    "Passages": "finished_blocks",
    "Renderer": "renderer",
    "code_blocks": "parser",
    "defang": "defang",
    "render": "renderer",
    "visible": "sanitize",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f".{_HOMES[name]}", __name__), name)
    globals()[name] = value  # also over a module of the same name, which importing it has put there
    return value
