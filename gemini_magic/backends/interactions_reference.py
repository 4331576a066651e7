"""The documented fields of an answer of the Interactions API, and what an answer has beyond them.

Reference: google-genai's types of the API (3.6.1), and the fields of the preview before 2026-05-20.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from .wire_values import object_of, objects_of

__all__ = ["undocumented_in_interactions"]

_EVENT: Final = {
    "event_type", "event_id", "type", "index", "step", "delta", "metadata", "status", "usage", "step_usage", "interaction",
    "interaction_id", "continuation_token", "error",
}  # fmt: skip
_INTERACTION: Final = {
    "id", "object", "status", "model", "agent", "agent_config", "cached_content", "continuation_token", "created", "updated",
    "environment", "environment_id", "errors", "event_id", "generation_config", "input", "labels", "previous_interaction_id",
    "response_format", "response_mime_type", "response_modalities", "safety_settings", "service_tier", "steps", "outputs",
    "system_instruction", "tools", "usage", "webhook_config", "role", "store", "background", "stream",
}  # fmt: skip
_USAGE: Final = {
    "total_tokens", "total_input_tokens", "total_output_tokens", "total_thought_tokens", "total_tool_use_tokens",
    "total_cached_tokens", "initial_input_tokens", "input_tokens_by_modality", "output_tokens_by_modality",
    "cached_tokens_by_modality", "tool_use_tokens_by_modality", "grounding_tool_count", "prompt_tokens",
    "completion_tokens", "raw_prompt_token",  # the last one is sent since August 2026, and documented nowhere
}  # fmt: skip
_STEP: Final = {
    "type", "id", "call_id", "name", "server_name", "arguments", "result", "is_error", "signature", "content", "summary",
    "error", "search_type", "retrieval_type",
}  # fmt: skip
_DELTA: Final = _STEP | {
    "text", "annotations", "data", "mime_type", "uri", "resolution", "sample_rate", "rate", "channels", "partial_arguments",
}  # fmt: skip


def undocumented_in_interactions(value: Any) -> Iterator[tuple[str, str]]:
    """Yield the kind of a note and a name for everything in one event or interaction that is not documented.

    Unknown types of events, steps and deltas are noted where they are decoded; their fields are not listed.
    """
    if not isinstance(value, dict):
        return
    whole = object_of(value.get("interaction"))
    flat = "event_type" not in value and "interaction" not in value and "delta" not in value
    yield from _unknown(value, _EVENT | _INTERACTION if flat else _EVENT, "")
    yield from _unknown(whole, _INTERACTION, "interaction.")
    for usage in (
        value.get("usage"),
        value.get("step_usage"),
        whole.get("usage"),
        object_of(value.get("metadata")).get("total_usage"),
    ):
        yield from _unknown(object_of(usage), _USAGE, "usage.")
    for step in (
        object_of(value.get("step")),
        *objects_of(value.get("steps")),
        *objects_of(whole.get("steps")),
    ):
        yield from _unknown(step, _STEP, "step.")
    yield from _unknown(object_of(value.get("delta")), _DELTA, "delta.")


def _unknown(value: Mapping[str, Any], known: set[str], place: str) -> Iterator[tuple[str, str]]:
    for name in value.keys() - known:
        yield "unknown-field", f"{place}{name}"
