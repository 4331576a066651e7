"""The structs of Gemini's JSON for the typed decoder; other fields are ignored.

Reference: ai.google.dev, ``GenerateContentResponse``. ``gemini_decode`` gives them their meaning.
"""

from __future__ import annotations

from typing import Annotated, Any, TypeAlias

import msgspec
from msgspec import Meta, Struct, field

__all__ = [
    "MOST_COUNT",
    "MOST_INDEX",
    "Content",
    "Feedback",
    "LargeWireAnswer",
    "WireAnswer",
    "WireCandidate",
    "WirePart",
    "WireUsage",
]


# The largest numbers that fit into the columns of tables and databases.
MOST_INDEX = 2**31 - 1
MOST_COUNT = 2**63 - 1
_Index: TypeAlias = Annotated[int, Meta(ge=0, le=MOST_INDEX)]
_Count: TypeAlias = Annotated[int, Meta(ge=0, le=MOST_COUNT)]


class WireData(Struct, rename="camel", gc=False):
    mime_type: str = ""
    data: str = ""


class WireFileData(Struct, rename="camel", gc=False):
    file_uri: str = ""
    mime_type: str | None = None


class WireCall(Struct, rename="camel", gc=False):
    name: str | None = None
    args: dict[str, Any] | None = None
    id: str | None = None
    partial_args: list[dict[str, Any]] | None = None
    will_continue: bool | None = None


class WireCallResult(Struct, gc=False):
    name: str = ""
    response: dict[str, Any] | None = None
    id: str | None = None


class WireCode(Struct, gc=False):
    code: str = ""
    language: str | int | None = None
    id: str | None = None


class WireCodeResult(Struct, gc=False):
    outcome: str | int | None = None
    output: str = ""
    id: str | None = None


class WirePart(Struct, rename="camel", gc=False):
    """A part: one kind of data, and flags."""

    text: str | None = None
    thought: bool = False
    thought_signature: str | None = None
    inline_data: WireData | None = None
    file_data: WireFileData | None = None
    function_call: WireCall | None = None
    function_response: WireCallResult | None = None
    executable_code: WireCode | None = None
    code_execution_result: WireCodeResult | None = None
    audio_transcription: dict[str, Any] | None = None
    tool_call: Any = None
    tool_response: Any = None
    media_resolution: Any = None
    video_metadata: Any = None
    audio_metadata: Any = None
    document_metadata: Any = None


class Content(Struct, gc=False):
    """The content of a candidate."""

    parts: list[WirePart] = []


class WireCandidate(Struct, rename="camel", gc=False):
    """One candidate of an answer, or a piece of it."""

    index: _Index | None = None
    content: Content | None = None
    finish_reason: str | int | None = None
    finish_message: str | None = None
    continuation_token: str | None = None
    citation_metadata: Any = None
    grounding_metadata: Any = None
    url_context_metadata: Any = None


class WireUsage(Struct, rename="camel", gc=False):
    """The running totals of tokens."""

    prompt_token_count: _Count | None = None
    cached_content_token_count: _Count | None = None
    candidates_token_count: _Count | None = None
    thoughts_token_count: _Count | None = None
    tool_use_prompt_token_count: _Count | None = None
    total_token_count: _Count | None = None
    traffic_type: Any = None
    service_tier: Any = None
    cache_tier: Any = field(default=None, name="cache_tier")


class Feedback(Struct, rename="camel", gc=False):
    """The feedback about the prompt."""

    block_reason: str | int | None = None
    block_reason_message: str | None = None


class WireAnswer(Struct, rename="camel", gc=False):
    """One JSON value of the stream."""

    candidates: list[WireCandidate] = []
    usage_metadata: WireUsage | None = None
    prompt_feedback: Feedback | None = None
    model_version: str | None = None
    response_id: str | None = None
    provider: Any = None
    service_tier: Any = None
    model_status: Any = None
    create_time: Any = None
    error: msgspec.Raw = msgspec.Raw(b"")


# The same structs with inline data decoded to bytes: one pass over a large image instead of four.


class _LargeData(WireData, rename="camel", gc=False):
    data: bytes = b""  # type: ignore[assignment] # the reader accepts both types


class _LargePart(WirePart, rename="camel", gc=False):
    inline_data: _LargeData | None = None


class _LargeContent(Content, gc=False):
    parts: list[_LargePart] = []  # type: ignore[assignment] # read only


class _LargeCandidate(WireCandidate, rename="camel", gc=False):
    content: _LargeContent | None = None


class LargeWireAnswer(WireAnswer, rename="camel", gc=False):
    """One large JSON value of the stream."""

    candidates: list[_LargeCandidate] = []  # type: ignore[assignment] # read only
