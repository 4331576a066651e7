"""The steps of an answer as views show them."""

from __future__ import annotations

from typing import Final, NamedTuple

from ..ledger import Ledger, steps_with_usage
from ..text import short_line

__all__ = ["ShownStep", "shown_steps", "step_activity", "step_count", "step_kind"]

_MAX_NAME: Final = 60  # characters of a type or a name from a server
_FUNCTION_CALL: Final = "function_call"  # the client runs it
_LABELS: Final = {
    "thought": "thinking",
    "model_output": "output",
    "function": "function call",
    "google_search": "Google Search",
    "url_context": "URL context",
    "google_maps": "Google Maps",
    "mcp_server_tool": "MCP server",
    "processing": "media processing",
}
_ACTIVITIES: Final = {
    "thought": "thinking",
    "function": "writing a function call",
    "code_execution": "running code",
    "url_context": "reading pages",
    "google_search": "searching with Google Search",
    "google_maps": "searching Google Maps",
    "file_search": "searching files",
}


class ShownStep(NamedTuple):
    """A step of an answer.

    Attributes:
        number: from 0, in the order in which the steps began.
        type: as sent, such as ``google_search_call``, with at most 60 characters.
        id: of a call, or of the call that a result belongs to; empty without one.
        name: what it calls; empty for any other step.
        started: seconds since the first request was sent.
        ended: the same; None for a step that has not ended.
        chunk: the index of the chunk with which it began; None if that is not known.
        tokens: None where the server did not report any.
    """

    number: int
    type: str
    id: str
    name: str
    started: float
    ended: float | None
    chunk: int | None
    tokens: int | None

    @property
    def label(self) -> str:
        """What it is, such as ``Google Search``."""
        kind = step_kind(self.type)
        known = _LABELS.get(kind, kind.replace("_", " ") or "step")
        return f"{known} {self.name}" if self.name else known


def step_kind(kind: str) -> str:
    """Return the type of a step without ``_call`` and ``_result``."""
    return kind.removesuffix("_call").removesuffix("_result")


def shown_steps(ledger: Ledger) -> list[ShownStep]:
    """Return the steps of an answer in the order in which they began."""
    return [
        ShownStep(
            step.number,
            short_line(step.type, _MAX_NAME),
            step.id or "",
            short_line(step.name or "", _MAX_NAME),
            step.started,
            step.ended,
            step.chunk,
            usage.total if usage else None,
        )
        for step, usage in steps_with_usage(ledger)
    ]


def step_count(ledger: Ledger) -> int:
    """Return the number of steps of an answer; 0 for an answer of an API without steps."""
    return len(ledger.steps)


def step_activity(ledger: Ledger) -> str:
    """Return what the model or the server does now; empty if that is not known.

    It is the running step, or the tool that the last step called: a tool runs between its call and its result.
    """
    steps = ledger.steps
    step = steps.running
    if step is None and len(steps) and steps[len(steps) - 1].type.endswith("_call"):
        step = steps[len(steps) - 1]
        if step.type == _FUNCTION_CALL:
            return ""
    return "" if step is None else _ACTIVITIES.get(step_kind(step.type), "")
