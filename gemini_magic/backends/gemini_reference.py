"""The documented fields and enum values of a streamed answer, and what an answer has beyond them.

Reference: ``GenerateContentResponse`` of the Gemini API and of Vertex AI.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from .field_names import camel

__all__ = ["undocumented", "with_documented_names"]

# The documented fields, and those of gateways that this package supports. Others are kept, and shown in the raw JSON.
_ANSWER: Final = {
    "candidates", "usageMetadata", "promptFeedback", "modelVersion", "responseId", "createTime", "modelStatus",
    "serviceTier", "error", "provider", "cache_tier", "automaticFunctionCallingHistory",
}  # fmt: skip
_CANDIDATE: Final = {
    "content", "index", "finishReason", "finishMessage", "safetyRatings", "citationMetadata", "groundingMetadata",
    "groundingAttributions", "urlContextMetadata", "tokenCount", "avgLogprobs", "logprobsResult", "continuationToken",
    "score",
}  # fmt: skip
_PART: Final = {
    "text", "thought", "thoughtSignature", "inlineData", "fileData", "functionCall", "functionResponse",
    "executableCode", "codeExecutionResult", "videoMetadata", "mediaResolution", "partMetadata", "toolCall", "toolResponse",
    "audioTranscription",
}  # fmt: skip
_USAGE: Final = {
    "promptTokenCount", "candidatesTokenCount", "totalTokenCount", "thoughtsTokenCount", "cachedContentTokenCount",
    "toolUsePromptTokenCount", "promptTokensDetails", "candidatesTokensDetails", "cacheTokensDetails",
    "toolUsePromptTokensDetails", "trafficType", "serviceTier", "cache_tier",
}  # fmt: skip
_ENUMS: Final = {
    "blockReason": {
        "BLOCK_REASON_UNSPECIFIED", "SAFETY", "OTHER", "BLOCKLIST", "PROHIBITED_CONTENT", "IMAGE_SAFETY", "MODEL_ARMOR",
        "JAILBREAK",
    },
    "modality": {"MODALITY_UNSPECIFIED", "TEXT", "IMAGE", "VIDEO", "AUDIO", "DOCUMENT"},
    "probability": {"HARM_PROBABILITY_UNSPECIFIED", "NEGLIGIBLE", "LOW", "MEDIUM", "HIGH"},
    "outcome": {"OUTCOME_UNSPECIFIED", "OUTCOME_OK", "OUTCOME_FAILED", "OUTCOME_DEADLINE_EXCEEDED"},
    "language": {"LANGUAGE_UNSPECIFIED", "PYTHON"},
}  # fmt: skip
# Fields inside parts and feedback whose names the decoder needs.
_INNER: Final = {
    "mimeType", "displayName", "fileUri", "partialArgs", "willContinue", "jsonPath", "stringValue", "numberValue",
    "boolValue", "nullValue", "blockReason", "blockReasonMessage", "promptFeedback", "tokenCount", "speakerLabel", "languageCode", "startOffset",
    "endOffset",
}  # fmt: skip
_DOCUMENTED: Final = _ANSWER | _CANDIDATE | _PART | _USAGE | _INNER
_EVIDENCE: Final = {"citationMetadata", "groundingMetadata", "urlContextMetadata"}
_OF_THE_USER: Final = {"args", "response"}  # objects in which names belong to the user
# Objects whose content is not the API's own.
_FREE: Final = {"args", "response", "error", "groundingMetadata", "inlineData"}


def with_documented_names(value: Any, *, everywhere: bool = False) -> Any:
    """A copy of a JSON value in which documented fields in snake_case have their documented names.

    A field that is present in both spellings keeps both. Arguments and results of functions are left as they are.

    Args:
        value: a JSON value.
        everywhere: whether all names are the API's own.
    """
    if isinstance(value, list):
        return [with_documented_names(item, everywhere=everywhere) for item in value]
    if not isinstance(value, dict):
        return value
    found = {}
    for key, item in value.items():
        name = camel(key) if key not in _DOCUMENTED else key
        if name != key and (name in value or not (everywhere or name in _DOCUMENTED)):
            name = key
        inside = everywhere or name in _EVIDENCE
        found[name] = item if name in _OF_THE_USER else with_documented_names(item, everywhere=inside)
    return found


def undocumented(value: Any) -> Iterator[tuple[str, str]]:
    """What one JSON value of a stream has that the reference does not document.

    Yields:
        A kind and a name: ``unknown-value`` with the enum's field and value, ``unknown-field`` with the field's path, and
        ``empty-part`` or ``empty-signature`` (a part that holds nothing but a thought signature) without a name.
    """
    for name, item in _unknown_values(value):
        yield "unknown-value", f"{name} {item}"
    for path, fields, known in _objects(value):
        for name in fields.keys() - known:
            yield "unknown-field", f"{path}{name}"
        if known is _PART and (kind := _emptiness(fields)) is not None:
            yield kind, ""


def _objects(value: Any) -> Iterator[tuple[str, Mapping[str, Any], set[str]]]:
    """The objects of an answer whose fields are documented: the path, the object, and its documented fields."""
    if not isinstance(value, dict):
        return
    yield "", value, _ANSWER
    usage = value.get("usageMetadata")
    if isinstance(usage, dict):
        yield "usageMetadata.", usage, _USAGE
    candidates = value.get("candidates")
    for candidate in candidates if isinstance(candidates, list) else ():
        if not isinstance(candidate, dict):
            continue
        yield "candidates.", candidate, _CANDIDATE
        content = candidate.get("content")
        parts = content.get("parts") if isinstance(content, dict) else None
        for part in parts if isinstance(parts, list) else ():
            if isinstance(part, dict):
                yield "parts.", part, _PART


def _unknown_values(value: Any) -> Iterator[tuple[str, str]]:
    """Enum values that are not documented, with their fields.

    An unknown finish reason is noted where the answer ends.
    """
    if isinstance(value, list):
        for item in value:
            yield from _unknown_values(item)
    elif isinstance(value, dict):
        for name, item in value.items():
            if name in _ENUMS and isinstance(item, str) and item not in _ENUMS[name]:
                yield name, item
            elif name not in _FREE and isinstance(item, dict | list):
                yield from _unknown_values(item)


def _emptiness(part: Mapping[str, Any]) -> str | None:
    if part.get("text", "") != "" or part.keys() - {"text", "thought", "thoughtSignature"}:
        return None
    return "empty-signature" if part.get("thoughtSignature") else "empty-part"
