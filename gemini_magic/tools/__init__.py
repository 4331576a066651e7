"""Functions that the model may call: their declarations, the arguments of a call, and the result that goes back."""

from __future__ import annotations

from .definition import MAX_RESULT, Tool, ToolSettings, tool
from .lookup import tools_from

__all__ = ["MAX_RESULT", "Tool", "ToolSettings", "tool", "tools_from"]
