"""The documented fields and enum values of a streamed answer, as data."""

from __future__ import annotations

from typing import Final

__all__ = ["ANSWER", "CANDIDATE", "ENUM_VALUES", "PART", "USAGE"]

# Fields: the Gemini API and Vertex AI references, GenerateContentResponse; and the fields of
# gateways that this package knows. Other fields are kept, and shown in the raw JSON.
ANSWER: Final = {
    "candidates", "usageMetadata", "promptFeedback", "modelVersion", "responseId", "createTime", "modelStatus",
    "serviceTier", "error", "provider", "cache_tier", "automaticFunctionCallingHistory",
}  # fmt: skip
CANDIDATE: Final = {
    "content", "index", "finishReason", "finishMessage", "safetyRatings", "citationMetadata", "groundingMetadata",
    "groundingAttributions", "urlContextMetadata", "tokenCount", "avgLogprobs", "logprobsResult", "continuationToken",
    "score",
}  # fmt: skip
PART: Final = {
    "text", "thought", "thoughtSignature", "inlineData", "fileData", "functionCall", "functionResponse",
    "executableCode", "codeExecutionResult", "videoMetadata", "mediaResolution", "partMetadata", "toolCall", "toolResponse",
}  # fmt: skip
USAGE: Final = {
    "promptTokenCount", "candidatesTokenCount", "totalTokenCount", "thoughtsTokenCount", "cachedContentTokenCount",
    "toolUsePromptTokenCount", "promptTokensDetails", "candidatesTokensDetails", "cacheTokensDetails",
    "toolUsePromptTokensDetails", "trafficType", "serviceTier", "cache_tier",
}  # fmt: skip
ENUM_VALUES: Final = {
    "blockReason": {
        "BLOCK_REASON_UNSPECIFIED", "SAFETY", "OTHER", "BLOCKLIST", "PROHIBITED_CONTENT", "IMAGE_SAFETY", "MODEL_ARMOR",
        "JAILBREAK",
    },
    "modality": {"MODALITY_UNSPECIFIED", "TEXT", "IMAGE", "VIDEO", "AUDIO", "DOCUMENT"},
    "probability": {"HARM_PROBABILITY_UNSPECIFIED", "NEGLIGIBLE", "LOW", "MEDIUM", "HIGH"},
    "outcome": {"OUTCOME_UNSPECIFIED", "OUTCOME_OK", "OUTCOME_FAILED", "OUTCOME_DEADLINE_EXCEEDED"},
    "language": {"LANGUAGE_UNSPECIFIED", "PYTHON"},
}  # fmt: skip
