"""Finish and block reasons of the Gemini protocol: in which forms servers write them, and what they mean.

Reference: ``FinishReason`` and ``BlockReason`` of ai.google.dev and Vertex AI. Gateways and other servers write the names
in lower case, as numbers, as Python writes enums, or use the reasons of other APIs.
"""

from __future__ import annotations

import re
from typing import Final

from ..events import FinishOutcome

__all__ = ["block_reason", "finish_reason", "outcome_of"]

# google.ai.generativelanguage FinishReason and BlockReason, by number (enum-encoding=int).
_FINISH: Final = [
    "FINISH_REASON_UNSPECIFIED",
    "STOP",
    "MAX_TOKENS",
    "SAFETY",
    "RECITATION",
    "OTHER",
    "LANGUAGE",
    "BLOCKLIST",
    "PROHIBITED_CONTENT",
    "SPII",
    "MALFORMED_FUNCTION_CALL",
    "IMAGE_SAFETY",
    "UNEXPECTED_TOOL_CALL",
    "TOO_MANY_TOOL_CALLS",
    "IMAGE_PROHIBITED_CONTENT",
    "IMAGE_OTHER",
    "NO_IMAGE",
    "IMAGE_RECITATION",
]
_BLOCK: Final = [
    "BLOCK_REASON_UNSPECIFIED",
    "SAFETY",
    "OTHER",
    "BLOCKLIST",
    "PROHIBITED_CONTENT",
    "IMAGE_SAFETY",
]

# What the reasons mean for an answer.
_OUTCOMES: Final[dict[str, FinishOutcome]] = {
    "STOP": "complete",
    "MAX_TOKENS": "truncated",
    "CONTINUATION": "paused",
    **dict.fromkeys(
        (
            "SAFETY",
            "RECITATION",
            "LANGUAGE",
            "BLOCKLIST",
            "PROHIBITED_CONTENT",
            "SPII",
            "IMAGE_SAFETY",
            "IMAGE_PROHIBITED_CONTENT",
            "IMAGE_RECITATION",
            "MODEL_ARMOR",
            "JAILBREAK",
        ),
        "blocked",
    ),
    **dict.fromkeys(
        (
            "IMAGE_OTHER",
            "MALFORMED_FUNCTION_CALL",
            "MALFORMED_RESPONSE",
            "NO_IMAGE",
            "MISSING_THOUGHT_SIGNATURE",
            "TOO_MANY_TOOL_CALLS",
            "UNEXPECTED_TOOL_CALL",
        ),
        "error",
    ),
}
# Reasons of the OpenAI and Anthropic APIs, which gateways pass on.
_ALIASES: Final = {
    "LENGTH": "MAX_TOKENS",
    "MAX_OUTPUT_TOKENS": "MAX_TOKENS",
    "END_TURN": "STOP",
    "EOS": "STOP",
    "STOP_SEQUENCE": "STOP",
    "TOOL_CALLS": "STOP",
    "TOOL_USE": "STOP",
    "FUNCTION_CALL": "STOP",
    "CONTENT_FILTER": "SAFETY",
    "REFUSAL": "SAFETY",
}
_NO_REASON: Final = {"UNSPECIFIED", "NULL", "NONE"}
_PREFIX: Final = re.compile(r"(?:FINISH|BLOCK(?:ED)?)_REASON_")
_LONGEST: Final = 100  # characters of a reason


def _letters(name: str) -> str:
    return name.replace("_", "")


_KNOWN: Final = {_letters(name): name for name in (*_FINISH[1:], *_BLOCK[1:], *_OUTCOMES)} | {
    _letters(name): meaning for name, meaning in _ALIASES.items()
}


def finish_reason(value: str | int | None) -> str | None:
    """The documented name of a finish reason; None if the value stands for no reason.

    Unknown reasons are returned as sent.

    Args:
        value: as sent: a name in any letter case, with or without the name of its enum, or a number.
    """
    return _reason(value, _FINISH)


def block_reason(value: str | int | None) -> str | None:
    """The same for the reason for which a prompt was blocked."""
    return _reason(value, _BLOCK)


def outcome_of(reason: str) -> FinishOutcome | None:
    """What a finish reason means for the answer; None if it is unknown."""
    return _OUTCOMES.get(reason)


def _reason(value: str | int | None, names: list[str]) -> str | None:
    if value is None:
        return None
    if value in names:  # as nearly all servers write it
        return None if value == names[0] else str(value)
    text = str(value).strip()
    if re.fullmatch(r"[0-9]{1,9}(?:\.0)?", text):
        number = int(float(text))
        return None if number == 0 else names[number] if number < len(names) else str(number)
    name = re.sub(r"[\s-]", "_", text.rpartition(".")[2]).upper()
    name = _PREFIX.sub("", name)
    if not name or name in _NO_REASON:
        return None
    return _KNOWN.get(_letters(name), text[:_LONGEST])
