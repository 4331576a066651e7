"""Gemini's ``UsageMetadata`` beyond the totals: counts by modality, and what a price table needs.

Reference: ai.google.dev, ``UsageMetadata`` and ``ModalityTokenCount``.
"""

from __future__ import annotations

import json
from typing import Any, Final

from ..events import TokenDetail, Usage
from ..text import read_json
from .gemini_reference import with_documented_names

__all__ = ["PRICE_PROVIDER", "price_data", "token_details"]

PRICE_PROVIDER: Final = "google"  # its name in genai-prices
_DETAILS: Final = {
    "promptTokensDetails": "prompt",
    "cacheTokensDetails": "cached",
    "candidatesTokensDetails": "output",
    "toolUsePromptTokensDetails": "tool",
}
_COUNTS: Final = {
    "prompt": "promptTokenCount",
    "cached": "cachedContentTokenCount",
    "output": "candidatesTokenCount",
    "thoughts": "thoughtsTokenCount",
    "tool": "toolUsePromptTokenCount",
    "total": "totalTokenCount",
}
_LARGEST: Final = 2**62  # larger counts do not fit into the integers of a table


def token_details(raw: bytes) -> list[TokenDetail]:
    """The token counts by modality in one JSON text; counts that are not integers are left out."""
    metadata = _usage_metadata(raw)
    return [
        TokenDetail(counted, str(each.get("modality", "")).lower(), each["tokenCount"])
        for name, counted in _DETAILS.items()
        for each in _list(metadata.get(name))
        if isinstance(each, dict) and _is_count(each.get("tokenCount"))
    ]


def price_data(model: str, usage: Usage, raw: bytes) -> dict[str, Any]:
    """The answer as genai-prices reads it: the model, the final counts, and the modalities of the last report."""
    counts = {name: count for field, name in _COUNTS.items() if (count := getattr(usage, field)) is not None}
    details = {name: value for name, value in _usage_metadata(raw).items() if name.endswith("TokensDetails")}
    return {"modelVersion": model.removeprefix("models/"), "usageMetadata": {**details, **counts}}


def _usage_metadata(raw: bytes) -> dict[str, Any]:
    if b"TokensDetails" not in raw and b"tokens_details" not in raw:
        return {}
    try:
        value = json.loads(raw)
    except (ValueError, RecursionError):
        try:
            value = read_json(raw)
        except ValueError:
            return {}
    value = with_documented_names(value)
    metadata = value.get("usageMetadata") if isinstance(value, dict) else None
    return metadata if isinstance(metadata, dict) else {}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and abs(value) < _LARGEST
