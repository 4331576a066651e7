"""Markdown text to safe HTML, whole or as operations on a growing view; knows no widget and no page."""

from __future__ import annotations

from .blocks import Op, Renderer, render
from .defang import defang
from .parser import CodeBlock, code_blocks
from .safe import visible
from .style import STYLE

__all__ = ["STYLE", "CodeBlock", "Op", "Renderer", "code_blocks", "defang", "render", "visible"]
