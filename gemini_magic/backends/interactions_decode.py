"""Decodes the events of the Interactions API: texts, thoughts, token counts and the status at the end."""

from __future__ import annotations

from typing import Any

from ..content import Call, Opaque, Text, Thought
from ..events import Decoded, Delta, Event, Finish, FinishOutcome, Note, Usage, UsageReport
from ..text import json_safe, read_json
from .backend import Decoder
from .gemini_resources import resource_number
from .http_errors import failure_of

__all__ = ["interactions_decoder"]

_OUTCOMES: dict[str, FinishOutcome] = {
    "completed": "complete",
    "requires_action": "complete",
    "incomplete": "truncated",
    "budget_exceeded": "truncated",
    "requires_continuation": "paused",
    "failed": "error",
}
_COUNTS = {
    "prompt": "total_input_tokens",
    "cached": "total_cached_tokens",
    "output": "total_output_tokens",
    "thoughts": "total_thought_tokens",
    "tool": "total_tool_use_tokens",
    "total": "total_tokens",
}


class _Decoder:
    """The decoder of one answer."""

    def __init__(self) -> None:
        self._calls: dict[Any, tuple[dict[str, Any], list[str]]] = {}

    def __call__(self, raw: bytes, event: str | None = None) -> Decoded:
        """Decode one JSON text; never raises."""
        return _decode(raw, self._calls, event)


def _decode(raw: bytes, calls: dict[Any, tuple[dict[str, Any], list[str]]], event: str | None) -> Decoded:
    try:
        value = json_safe(read_json(raw))
    except ValueError:
        return Decoded([Note("not-json", "A chunk is not valid JSON; its bytes are kept.", "error")])
    if not isinstance(value, dict):
        return Decoded([])
    events: list[Event] = []
    kind = value.get("event_type") or value.get("type") or event
    found = value.get("interaction")
    interaction: dict[str, Any] = found if isinstance(found, dict) else {}
    if kind is None and "status" in value:
        kind, interaction = "interaction.completed", value
        for step in value.get("steps") or ():
            events += _step(step)
        events += [failure for error in value.get("errors") or () if (failure := failure_of(error))]
    step, delta = value.get("step"), value.get("delta")
    if kind == "step.start" and isinstance(step, dict) and step.get("type") == "function_call":
        calls[value.get("index")] = step, []
    elif kind == "step.delta" and isinstance(delta, dict) and delta.get("type") == "arguments_delta":
        calls[value.get("index")][1].append(str(delta.get("arguments")))
    elif kind == "step.stop" and value.get("index") in calls:
        begun, pieces = calls.pop(value.get("index"))
        arguments = read_json("".join(pieces).encode()) if pieces else begun.get("arguments")
        events += _step({**begun, "arguments": arguments})
    elif kind == "step.start":
        events += _step(value.get("step"))
    elif kind == "step.delta":
        events += _delta(value.get("delta"))
    elif kind == "error" and (failure := failure_of(value.get("error"))):
        events.append(failure)
    elif kind == "interaction.completed":
        if isinstance(usage := interaction.get("usage"), dict):
            counts = {field: resource_number(usage.get(name)) for field, name in _COUNTS.items()}
            events.append(UsageReport(Usage(**counts)))
        status = str(interaction.get("status"))
        events.append(Finish(status, outcome=_OUTCOMES.get(status)))
    return Decoded(events, interaction.get("model"), interaction.get("id") or None)


def _step(step: Any) -> list[Event]:
    step = step if isinstance(step, dict) else {}
    if step.get("type") == "function_call":
        return [
            Delta(Call(step.get("name"), step.get("arguments") or {}, step.get("id"), step.get("signature")))
        ]
    found: list[Event] = [Delta(Thought(each.get("text") or "")) for each in step.get("summary") or ()]
    if isinstance(step.get("signature"), str) and step.get("type") == "thought":
        found.append(Delta(Thought("", step["signature"])))
    found += [event for each in step.get("content") or () for event in _delta(each)]
    return found


def _delta(delta: Any) -> list[Event]:
    delta = delta if isinstance(delta, dict) else {}
    kind, content = delta.get("type"), delta.get("content")
    if kind == "text":
        return [Delta(Text(str(delta.get("text") or "")))]
    if kind == "thought_summary" and isinstance(content, dict):
        return [Delta(Thought(str(content.get("text") or "")))]
    if kind == "thought_signature":
        return [Delta(Thought("", str(delta.get("signature"))))]
    return [Delta(Opaque(delta))]


def interactions_decoder() -> Decoder:
    """The decoder of one answer."""
    return _Decoder()
