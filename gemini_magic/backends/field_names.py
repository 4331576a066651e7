"""Names of request fields: snake_case and lowerCamelCase name the same field (ProtoJSON).

Only known fields are renamed. Everything else stays unchanged, so that a gateway's own fields are sent as written.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from ..content import deep_merge

__all__ = ["camel", "snake", "split_fields", "with_api_names"]

# The fields of GenerateContentRequest (ai.google.dev; the last two are Vertex AI's).
_TOP = (
    "contents",
    "systemInstruction",
    "generationConfig",
    "safetySettings",
    "tools",
    "toolConfig",
    "cachedContent",
    "labels",
    "serviceTier",
    "store",
    "continuationToken",
    "modelArmorConfig",
    "outputConfig",
)
# Objects whose fields all belong to the API; inside a schema or a function's arguments, names belong to the user.
_OBJECTS = {
    "generationConfig",
    "thinkingConfig",
    "imageConfig",
    "speechConfig",
    "voiceConfig",
    "prebuiltVoiceConfig",
    "multiSpeakerVoiceConfig",
    "toolConfig",
    "functionCallingConfig",
    "retrievalConfig",
}
_WORD = re.compile(r"_+([a-z0-9])")
_CAPITAL = re.compile(r"(?<=[a-z0-9])([A-Z])")


def camel(name: str) -> str:
    """``max_output_tokens`` -> ``maxOutputTokens``."""
    return _WORD.sub(lambda found: found[1].upper(), name) if not name.startswith("_") else name


def snake(name: str) -> str:
    """``maxOutputTokens`` -> ``max_output_tokens``."""
    return _CAPITAL.sub(lambda found: f"_{found[1].lower()}", name)


_KNOWN = {snake(name): name for name in _TOP}


def with_api_names(body: dict[str, Any], inside: str = "") -> dict[str, Any]:
    """A copy of a body with the API's fields in lowerCamelCase; a field in both spellings is merged.

    Args:
        body: a request, or one of its objects.
        inside: the name of the object; empty for the request itself.
    """
    found: dict[str, Any] = {}
    for key, given in body.items():
        name = camel(key) if inside else _KNOWN.get(key, key)
        value = with_api_names(given, name) if isinstance(given, dict) and name in _OBJECTS else given
        found = deep_merge(found, {name: value})
    return found


def split_fields(fields: dict[str, Any], beside: Sequence[str] = ()) -> tuple[dict[str, Any], dict[str, Any]]:
    """Separate fields that were set without a path.

    Args:
        fields: names and values, in either spelling.
        beside: names that are fields of the request itself, in addition to the API's own.

    Returns:
        The fields of ``generationConfig``, and those of the request itself.
    """
    own = {_KNOWN[snake(name)]: value for name, value in fields.items() if snake(name) in _KNOWN}
    own |= {name: value for name, value in fields.items() if name in beside}
    rest = {name: value for name, value in fields.items() if snake(name) not in _KNOWN and name not in beside}
    return with_api_names(rest, "generationConfig"), own
