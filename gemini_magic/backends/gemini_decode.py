"""Decodes a Gemini ``GenerateContentResponse``: one JSON text becomes events.

Known fields are read by a typed decoder. A text that it refuses (counts as strings, null parts, wrong shapes) is repaired
first, with a note. Nothing is added up and nothing is dropped: unknown parts, reasons and values pass through.
"""

from __future__ import annotations

import base64
import binascii
from functools import partial
from operator import attrgetter
from typing import Any, Final

import msgspec

from ..content import Blob, Call, CallResult, Code, CodeResult, File, Opaque, Part, Text, Thought
from ..events import (
    Citation,
    Decoded,
    Delta,
    Event,
    Evidence,
    Finish,
    FinishOutcome,
    Note,
    Usage,
    UsageReport,
)
from ..lenient_json import MAX_DEPTH, json_safe, read_json
from .backend import Decoder
from .gemini_repair import decode_leniently, parse_lenient, repair_shapes
from .gemini_schema import LargeWireAnswer, WireAnswer, WireCandidate, WirePart
from .http_errors import failure_of

__all__ = ["decode", "finish_of", "gemini_decoder", "part_from_json"]

# google.ai.generativelanguage FinishReason and BlockReason, by number (enum-encoding=int).
_FINISH = [
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
_BLOCK = ["BLOCK_REASON_UNSPECIFIED", "SAFETY", "OTHER", "BLOCKLIST", "PROHIBITED_CONTENT", "IMAGE_SAFETY"]


# What the reasons mean for an answer (FinishReason and BlockReason of ai.google.dev and Vertex AI).
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
            "MALFORMED_FUNCTION_CALL",
            "MALFORMED_RESPONSE",
            "MISSING_THOUGHT_SIGNATURE",
            "TOO_MANY_TOOL_CALLS",
            "UNEXPECTED_TOOL_CALL",
        ),
        "error",
    ),
}


def finish_of(reason: str, message: str | None = None, candidate: int = 0, *, prompt: bool = False) -> Finish:
    """The end of a candidate, or of a prompt that was blocked, with what its reason means."""
    return Finish(reason, message, candidate, prompt, "blocked" if prompt else _OUTCOMES.get(reason))


# Fields of an answer and of its usage metadata that go into the extras, and their names there.
_EXTRAS = {
    "provider": "provider",
    "service_tier": "serviceTier",
    "model_status": "modelStatus",
    "create_time": "createTime",
}
_USAGE_EXTRAS = {
    "traffic_type": "trafficType",
    "service_tier": "serviceTier",
    "cache_tier": "cache_tier",
}
# Most chunks have none of these fields: one comparison of all is many times faster than one for each.
_answer_extras, _NO_EXTRAS = attrgetter(*_EXTRAS), (None,) * len(_EXTRAS)
_usage_extras, _NO_USAGE_EXTRAS = attrgetter(*_USAGE_EXTRAS), (None,) * len(_USAGE_EXTRAS)
_counts = attrgetter(
    "prompt_token_count",
    "cached_content_token_count",
    "candidates_token_count",
    "thoughts_token_count",
    "tool_use_prompt_token_count",
    "total_token_count",
)
_UNKNOWN = Usage()

_BAD_BLOB = Note(
    "unreadable-shape", "Inline data is not valid base64; the part is kept as received.", "error"
)

_LONGEST = 100  # characters of a reason

_decoder = msgspec.json.Decoder(WireAnswer)
_large = msgspec.json.Decoder(LargeWireAnswer)
_LARGE = 1 << 16  # bytes; below this, the tolerant way to read base64 is as fast


def decode(raw: bytes, event: str | None = None, *, noted: set[Event] | None = None) -> Decoded:  # noqa: ARG001 - no event of Gemini's has a name
    """Decode one JSON text of the stream; never raises.

    Args:
        raw: the JSON text as received.
        event: the name of its server-sent event, which is ignored.
        noted: notes about earlier chunks, which are not repeated; this chunk's are added.
    """
    notes: list[Event] = []
    value: dict[str, Any] | None = None  # the repaired JSON value
    try:
        answer = _decoder.decode(raw) if len(raw) < _LARGE else _decoded_large(raw)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        answer, value, notes = decode_leniently(raw)
    events: list[Event] = []
    finished, token = False, None
    for place, candidate in enumerate(answer.candidates):
        if candidate.content is not None:
            for position, part in enumerate(candidate.content.parts):
                decoded = _part(part)
                if decoded is None:
                    value = repair_shapes(parse_lenient(raw)) if value is None else value
                    decoded = _unknown(value["candidates"][place]["content"]["parts"][position])
                    if part.inline_data is not None and _BAD_BLOB not in notes:
                        notes.append(_BAD_BLOB)
                events.append(Delta(decoded, candidate.index))
        if candidate.citation_metadata or candidate.grounding_metadata or candidate.url_context_metadata:
            _evidence(candidate, events)
        finished = finished or candidate.finish_reason is not None
        token = token or candidate.continuation_token
    if answer.usage_metadata is not None:
        usage = Usage(*_counts(answer.usage_metadata))
        if usage != _UNKNOWN:
            events.append(UsageReport(usage))
    feedback = answer.prompt_feedback
    if feedback is not None and feedback.block_reason:
        reason = _enum(feedback.block_reason, _BLOCK)
        events.append(finish_of(reason, feedback.block_reason_message, prompt=True))
    if finished:
        events += [
            finish_of(_enum(candidate.finish_reason, _FINISH), candidate.finish_message, candidate.index)
            for candidate in answer.candidates
            if candidate.finish_reason
        ]
    if answer.error and (
        failure := failure_of(json_safe(read_json(bytes(answer.error), max_depth=MAX_DEPTH)))
    ):
        events.append(failure)
    if notes and noted is not None:
        notes = [note for note in notes if note not in noted]
        noted.update(notes)
    events += notes
    return Decoded(events, answer.model_version, answer.response_id, token, _extras(answer))


def _decoded_large(raw: bytes) -> WireAnswer:
    """Decode with inline data read from base64 in one pass; fall back to the general decoder for other base64 variants."""
    try:
        return _large.decode(raw)
    except (msgspec.MsgspecError, ValueError):
        return _decoder.decode(raw)


def gemini_decoder() -> Decoder:
    """A decoder without state, except that the same note about several chunks is made once."""
    return partial(decode, noted=set())


def _evidence(candidate: WireCandidate, events: list[Event]) -> None:
    index = candidate.index
    if citation := candidate.citation_metadata:
        events.append(Evidence("citation", citation, index, _citations(citation)))
    if grounding := candidate.grounding_metadata:
        events.append(Evidence("grounding", grounding, index))
    if url_context := candidate.url_context_metadata:
        events.append(Evidence("url_context", url_context, index))


def _citations(metadata: Any) -> tuple[Citation, ...]:
    """The sources in ``citationMetadata``: the Developer API lists them as ``citationSources``, Vertex AI as ``citations``."""
    if not isinstance(metadata, dict):
        return ()
    listed = [metadata.get(name) for name in ("citationSources", "citations")]
    return tuple(
        _citation(source)
        for sources in listed
        if isinstance(sources, list)
        for source in sources
        if isinstance(source, dict)
    )


def _citation(source: dict[str, Any]) -> Citation:
    start, end = (
        value if isinstance(value := source.get(name), int) else None for name in ("startIndex", "endIndex")
    )
    uri, title, terms = (
        None if source.get(name) is None else str(source[name]) for name in ("uri", "title", "license")
    )
    return Citation(start, end, uri, title, terms)


def _extras(answer: WireAnswer) -> dict[str, Any] | None:
    counts = answer.usage_metadata
    if _answer_extras(answer) == _NO_EXTRAS and (counts is None or _usage_extras(counts) == _NO_USAGE_EXTRAS):
        return None
    found = zip(_EXTRAS.values(), _answer_extras(answer), strict=True)
    from_usage = () if counts is None else zip(_USAGE_EXTRAS.values(), _usage_extras(counts), strict=True)
    return {name: value for name, value in (*found, *from_usage) if value is not None}


def _enum(value: str | int | None, names: list[str]) -> str:
    if isinstance(value, int):
        return names[value] if 0 <= value < len(names) else str(value)[:_LONGEST]
    return (value or "")[:_LONGEST]


def _part(part: WirePart) -> Part | None:
    signature = part.thought_signature
    if part.text is not None:
        return Thought(part.text, signature) if part.thought else Text(part.text, signature)
    if (call := part.function_call) is not None:
        return Call(call.name, call.args or {}, call.id, signature, call.partial_args, call.will_continue)
    if (result := part.function_response) is not None:
        return CallResult(result.name, result.response or {}, result.id, signature)
    if (code := part.executable_code) is not None:
        return Code(
            code.code, "PYTHON" if code.language == 1 else _optional_text(code.language), signature, code.id
        )
    if (ran := part.code_execution_result) is not None:
        return CodeResult(_optional_text(ran.outcome), ran.output, signature, ran.id)
    if (blob := part.inline_data) is not None:
        data = _base64(blob.data)
        return None if data is None else Blob(blob.mime_type, data, signature)
    if (file := part.file_data) is not None:
        return File(file.file_uri, file.mime_type, signature)
    return None


def _optional_text(value: str | int | None) -> str | None:
    return None if value is None else str(value)


def _base64(text: str | bytes) -> bytes | None:
    if isinstance(text, bytes):  # decoded already, in a large value
        return text
    text = text.replace("-", "+").replace("_", "/") + "=" * (-len(text) % 4)
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        pass
    try:  # wrapped into lines, as in MIME
        plain = "".join(text.split()).rstrip("=")
        return base64.b64decode(plain + "=" * (-len(plain) % 4), validate=True)
    except (binascii.Error, ValueError):
        return None


def _unknown(value: dict[str, Any]) -> Part:
    """A part whose kind the typed decoder does not know, kept as received."""
    signature = value.get("thoughtSignature")
    return part_from_json(value) or Opaque(value, signature if isinstance(signature, str) else None)


def part_from_json(value: dict[str, Any]) -> Part | None:
    """The part in a JSON object; None for an unknown kind."""
    try:
        return _part(msgspec.convert(value, WirePart, strict=False))
    except msgspec.MsgspecError:
        return None
