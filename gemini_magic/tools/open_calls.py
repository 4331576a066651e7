"""A call of the model that has no result yet, and the texts of its record and its notes."""

from __future__ import annotations

import time
from typing import Any, Final

from ..content import Call
from ..ledger import ToolRun, ToolState
from ..text import shortened
from .arguments import PreparedCall
from .capture import ToolOutput
from .definition import Tool
from .results import Masking
from .running import RunningTool

__all__ = ["OpenCall", "call_warning", "captured_fields"]

_LONGEST_NOTE: Final = 300  # characters of a message in a note


class OpenCall:
    """A call of the round that has no result yet.

    Attributes:
        number: of its record in the ledger.
        prepared: the call, checked.
        tool: the tool that runs.
        output: what it prints and displays.
        shown: the version of the output that the record has.
        running: the run beside this thread, once it has started.
        began: clock reading when it started.
        approved: who approved it.
    """

    def __init__(self, run: ToolRun, prepared: PreparedCall, tool: Tool) -> None:
        self.number = run.number
        self.prepared = prepared
        self.tool = tool
        self.output = ToolOutput()
        self.shown = 0
        self.running: RunningTool | None = None
        self.began: float | None = None
        self.approved = ""

    @property
    def runs_beside(self) -> bool:
        """Whether it runs in a thread or on an event loop."""
        return self.tool.thread or self.tool.is_async

    @property
    def seconds(self) -> float | None:
        """Seconds since it started; None if it has not."""
        return None if self.began is None else time.monotonic() - self.began

    def mark_started(self) -> None:
        """Set the start to now."""
        self.began = time.monotonic()

    def approve(self, who: str) -> None:
        """Set who approved it."""
        self.approved = who


def captured_fields(output: ToolOutput, mask: Masking | None) -> dict[str, Any]:
    """The fields of a record that hold what a tool has printed and displayed so far."""

    def hidden(text: str) -> str:
        return text if mask is None or not text else mask(text)

    return {
        "stdout": hidden(output.text("stdout")),
        "stderr": hidden(output.text("stderr")),
        "displays": tuple(
            {kind: hidden(value) if isinstance(value, str) else value for kind, value in each.items()}
            for each in output.displays()
        ),
    }


def call_warning(call: Call, state: ToolState, message: str, *, still_running: bool) -> str:
    """The sentence for the user about a call that brought no result; empty if there is nothing to say."""
    name = f"{call.name or 'A function'}"
    if state == "failed":
        short = shortened(message, _LONGEST_NOTE)
        return f"{name} raised {short.rstrip('.')}. `%gemini traceback` shows where."
    if state == "timed_out":
        running = "; it could not be stopped and is still running" if still_running else ""
        return f"{name}: {message}{running}."
    return ""
