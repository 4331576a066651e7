"""Markdown text to safe HTML, whole or as operations on a growing view; knows no widget and no page.

The names are loaded when they are first used: a request should be on its way before the parser is imported.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .blocks import Op, Renderer, render
    from .defang import defang
    from .frames import Frame
    from .images import DATA_ONLY, Images
    from .parser import CodeBlock, code_blocks
    from .passages import Passages
    from .safe import visible
    from .style import STYLE

__all__ = [
    "DATA_ONLY",
    "STYLE",
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
    "STYLE": "style",
    "CodeBlock": "parser",
    "Frame": "frames",
    "Op": "blocks",
    "Passages": "passages",
    "Renderer": "blocks",
    "code_blocks": "parser",
    "defang": "defang",
    "render": "blocks",
    "visible": "safe",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f".{_HOMES[name]}", __name__), name)
    globals()[name] = value  # also over a module of the same name, which importing it has put there
    return value
