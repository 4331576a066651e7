"""Functions that the model may call: their declarations, the arguments of a call, and the result that goes back.

The names below are loaded when they are first used, as most requests have no tools: import the package and write
``tools.NAME`` where that matters.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .arguments import PreparedCall, prepare_call
    from .definition import MAX_RESULT, Tool, ToolSettings, tool
    from .interrupts import interruptible
    from .lookup import can_be_tool, tool_from_declaration, tools_from
    from .loop import ToolLoop
    from .loop_settings import LoopSettings, ToolUser, confirms, settings_for_loop
    from .results import ConvertedResult, error_result, result_of, results_turn

__all__ = [
    "MAX_RESULT",
    "ConvertedResult",
    "LoopSettings",
    "PreparedCall",
    "Tool",
    "ToolLoop",
    "ToolSettings",
    "ToolUser",
    "can_be_tool",
    "confirms",
    "error_result",
    "interruptible",
    "prepare_call",
    "result_of",
    "results_turn",
    "settings_for_loop",
    "tool",
    "tool_from_declaration",
    "tools_from",
]

_HOMES = {
    "MAX_RESULT": ".definition",
    "ConvertedResult": ".results",
    "LoopSettings": ".loop_settings",
    "PreparedCall": ".arguments",
    "Tool": ".definition",
    "ToolLoop": ".loop",
    "ToolSettings": ".definition",
    "ToolUser": ".loop_settings",
    "can_be_tool": ".lookup",
    "confirms": ".loop_settings",
    "error_result": ".results",
    "interruptible": ".interrupts",
    "settings_for_loop": ".loop_settings",
    "prepare_call": ".arguments",
    "result_of": ".results",
    "results_turn": ".results",
    "tool": ".definition",
    "tool_from_declaration": ".lookup",
    "tools_from": ".lookup",
}


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(home, __name__), name)
    globals()[name] = value
    return value
