"""Functions that the model may call: their declarations, the arguments of a call, and the result that goes back."""

from __future__ import annotations

from .arguments import PreparedCall, prepare_call
from .definition import MAX_RESULT, Tool, ToolSettings, tool
from .lookup import tool_from_declaration, tools_from
from .results import ConvertedResult, error_result, result_of, results_turn

__all__ = [
    "MAX_RESULT",
    "ConvertedResult",
    "PreparedCall",
    "Tool",
    "ToolSettings",
    "error_result",
    "prepare_call",
    "result_of",
    "results_turn",
    "tool",
    "tool_from_declaration",
    "tools_from",
]
