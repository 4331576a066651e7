"""Token counts of the Interactions API: running totals, and counts by modality.

``total_output_tokens`` excludes thoughts; the total is the sum of input, output, thoughts and tool use.
"""

from __future__ import annotations

from typing import Any, Final

from ..events import TokenDetail, Usage
from .wire_values import count_of, object_of, objects_of, read_value

__all__ = ["interactions_token_details", "interactions_usage"]

_COUNTS: Final = {
    "prompt": ("total_input_tokens", "prompt_tokens"),
    "cached": ("total_cached_tokens",),
    "output": ("total_output_tokens", "completion_tokens"),
    "thoughts": ("total_thought_tokens",),
    "tool": ("total_tool_use_tokens",),
    "total": ("total_tokens",),
}
_DETAILS: Final = {
    "input_tokens_by_modality": "prompt",
    "cached_tokens_by_modality": "cached",
    "output_tokens_by_modality": "output",
    "tool_use_tokens_by_modality": "tool",
}
_UNKNOWN: Final = Usage()


def interactions_usage(value: Any) -> Usage | None:
    """Return the counts of a ``usage`` object; None without any."""
    if not isinstance(value, dict):
        return None
    usage = Usage(
        **{
            field: next((count for name in names if (count := count_of(value.get(name))) is not None), None)
            for field, names in _COUNTS.items()
        }
    )
    return None if usage == _UNKNOWN else usage


def interactions_token_details(raw: bytes) -> list[TokenDetail]:
    """Return the token counts by modality in one JSON text; never raises."""
    if b"_by_modality" not in raw:
        return []
    try:
        value = object_of(read_value(raw))
    except ValueError:
        return []
    places = (
        value.get("usage"),
        object_of(value.get("interaction")).get("usage"),
        object_of(value.get("metadata")).get("total_usage"),
    )
    usage = next((each for each in places if isinstance(each, dict) and each), {})
    return [
        TokenDetail(counted, str(each.get("modality", "")).lower(), tokens)
        for name, counted in _DETAILS.items()
        for each in objects_of(usage.get(name))
        if (tokens := count_of(each.get("tokens"))) is not None
    ]
