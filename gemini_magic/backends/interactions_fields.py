"""Names of fields in a request to the Interactions API: the user's own JSON with the names that the API knows.

The API writes snake_case only. lowerCamelCase of its fields is accepted here, as for the older API. A field that only the
older API has is an error before anything is sent, because the server refuses requests with unknown fields.
"""

from __future__ import annotations

from typing import Any, Final

from ..content import deep_merge
from ..errors import OptionError
from .field_names import snake

__all__ = ["split_parameters", "with_interactions_names"]

# The fields of a request (google-genai 3.6.1, ``CreateModelInteraction`` and ``CreateAgentInteraction``).
_TOP: Final = frozenset(
    {
        "agent",
        "agent_config",
        "background",
        "cached_content",
        "continuation_token",
        "environment",
        "generation_config",
        "input",
        "labels",
        "model",
        "previous_interaction_id",
        "response_format",
        "response_mime_type",
        "response_modalities",
        "safety_settings",
        "service_tier",
        "store",
        "stream",
        "system_instruction",
        "tools",
        "webhook_config",
    }
)
# Fields that only ``generateContent`` has, with what to write in their place.
_OLDER: Final = {
    "candidate_count": "--repeat asks several times",
    "contents": "input",
    "enable_enhanced_civic_answers": "",
    "frequency_penalty": "",
    "logprobs": "",
    "media_resolution": "the setting resolution of each medium",
    "presence_penalty": "",
    "response_json_schema": "response_format, or --schema",
    "response_logprobs": "",
    "response_schema": "response_format, or --schema",
    "routing_config": "",
    "thinking_budget": "generation_config.thinking_level, or --thinking low",
    "thinking_config": "generation_config.thinking_level, or --thinking low",
    "tool_config": "generation_config.tool_choice, or --tool-choice",
    "top_k": "",
}


def split_parameters(params: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Separate parameters that were set without a path.

    Returns:
        The fields of ``generation_config``, and those of the request itself.

    Raises:
        OptionError: a parameter exists in the older API only.
    """
    config: dict[str, Any] = {}
    own: dict[str, Any] = {}
    for name, value in params.items():
        known = _checked(name)
        (own if known in _TOP else config)[known] = value
    return config, own


def with_interactions_names(body: dict[str, Any]) -> dict[str, Any]:
    """A copy of the user's body with the names of the API; a field in both spellings is merged.

    Raises:
        OptionError: a field exists in the older API only.
    """
    found: dict[str, Any] = {}
    for name, value in body.items():
        known = _checked(name)
        if known not in _TOP:
            known = name  # a field that this version does not know
        elif known == "generation_config" and isinstance(value, dict):
            value = {_checked(inner): each for inner, each in value.items()}  # noqa: PLW2901 - with its names
        found = deep_merge(found, {known: value})
    return found


def _checked(name: str) -> str:
    """The name of a field in snake_case.

    Raises:
        OptionError: only the older API has it.
    """
    known = snake(name)
    if known in _OLDER:
        other = _OLDER[known]
        remedy = (
            f"Leave it out, or use --backend gemini. Here: {other}."
            if other
            else "Leave it out, or use --backend gemini."
        )
        raise OptionError(f"The Interactions API has no field {name}.", remedy=remedy)
    return known
