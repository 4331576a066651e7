"""Functions that the model may call: their declarations, the arguments of a call, and the result that goes back.

The names below are loaded when they are first used, as most requests have no tools: import the package and write
``tools.NAME`` where that matters.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .arguments import PreparedCall, prepare_call
    from .confirm_prompt import console_user, decide_at_prompt
    from .definition import Tool, ToolSettings, is_marked, tool
    from .interrupts import interruptible
    from .lookup import can_be_tool, tools_from
    from .loop import ToolLoop
    from .loop_settings import LoopSettings, ToolUser, confirms, settings_for_loop
    from .permissions import Permission, permission_of
    from .ready_made import READY_MADE, ReadyMadeTools, variables_tool
    from .results import ConvertedResult, error_result, result_of, results_turn
    from .sql import sql_tool

__all__ = [
    "READY_MADE",
    "ConvertedResult",
    "LoopSettings",
    "Permission",
    "PreparedCall",
    "ReadyMadeTools",
    "Tool",
    "ToolLoop",
    "ToolSettings",
    "ToolUser",
    "can_be_tool",
    "confirms",
    "console_user",
    "decide_at_prompt",
    "error_result",
    "interruptible",
    "is_marked",
    "permission_of",
    "prepare_call",
    "result_of",
    "results_turn",
    "settings_for_loop",
    "sql_tool",
    "tool",
    "tools_from",
    "variables_tool",
]

_HOMES = {
    "READY_MADE": ".ready_made",
    "ReadyMadeTools": ".ready_made",
    "sql_tool": ".sql",
    "variables_tool": ".ready_made",
    "ConvertedResult": ".results",
    "LoopSettings": ".loop_settings",
    "Permission": ".permissions",
    "PreparedCall": ".arguments",
    "Tool": ".definition",
    "ToolLoop": ".loop",
    "ToolSettings": ".definition",
    "ToolUser": ".loop_settings",
    "can_be_tool": ".lookup",
    "confirms": ".loop_settings",
    "console_user": ".confirm_prompt",
    "decide_at_prompt": ".confirm_prompt",
    "error_result": ".results",
    "is_marked": ".definition",
    "interruptible": ".interrupts",
    "settings_for_loop": ".loop_settings",
    "permission_of": ".permissions",
    "prepare_call": ".arguments",
    "result_of": ".results",
    "results_turn": ".results",
    "tool": ".definition",
    "tools_from": ".lookup",
}


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(home, __name__), name)
    globals()[name] = value
    return value
