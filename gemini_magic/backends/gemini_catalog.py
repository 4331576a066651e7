"""Reads the answers of Google's APIs to ``models.countTokens`` and ``models.list``.

Reference: ai.google.dev, ``CountTokensResponse`` and ``Model``; cloud.google.com/vertex-ai, ``PublisherModel``. Values of
an unexpected type are read as missing.
"""

from __future__ import annotations

from typing import Any

from .backend import Model, TokenCount

__all__ = ["read_models", "read_token_count"]


def read_token_count(value: dict[str, Any]) -> TokenCount:
    """The count in an answer to ``countTokens``."""
    return TokenCount(
        _number(value.get("totalTokens")),
        _number(value.get("cachedContentTokenCount")),
        {
            str(each.get("modality", "MODALITY_UNSPECIFIED")): _number(each.get("tokenCount")) or 0
            for each in _objects(value.get("promptTokensDetails"))
        },
    )


def read_models(value: dict[str, Any]) -> tuple[list[Model], str]:
    """The models on one page of a list, and the token of the next page; empty for the last."""
    listed = _objects(value.get("models") or value.get("publisherModels"))
    return [_model(each) for each in listed], str(value.get("nextPageToken") or "")


def _model(value: dict[str, Any]) -> Model:
    methods = value.get("supportedGenerationMethods")
    thinking, shown = value.get("thinking"), value.get("displayName")
    name = str(value.get("name", ""))
    for prefix in ("models/", "publishers/google/models/"):
        name = name.removeprefix(prefix)
    return Model(
        name,
        None if shown is None else str(shown),
        _number(value.get("inputTokenLimit")),
        _number(value.get("outputTokenLimit")),
        tuple(map(str, methods)) if isinstance(methods, list) else (),
        thinking if isinstance(thinking, bool) else None,
    )


def _objects(value: Any) -> list[dict[str, Any]]:
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


def _number(value: Any) -> int | None:
    """A count, sent as a number or as a string (ProtoJSON writes 64-bit numbers as strings)."""
    if isinstance(value, str) and value.isdecimal():
        return int(value)
    return int(value) if isinstance(value, int | float) and not isinstance(value, bool) else None
