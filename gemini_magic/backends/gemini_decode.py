"""Decodes a Gemini ``GenerateContentResponse``: one JSON text becomes events.

Known fields are read by a typed decoder. A text that it refuses (counts as strings, null parts, wrong shapes) is repaired
first, with a note. Nothing is added up and nothing is dropped: unknown parts, reasons and values pass through.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Sequence
from functools import partial
from itertools import count
from operator import attrgetter
from typing import Any

import msgspec
from msgspec import Struct

from ..content import (
    Blob,
    Call,
    CallResult,
    Code,
    CodeResult,
    File,
    Opaque,
    Part,
    Text,
    Thought,
    ToolCall,
    ToolResult,
    Transcript,
)
from ..events import (
    Decoded,
    Delta,
    Event,
    Finish,
    Note,
    Usage,
    UsageReport,
)
from ..text import MAX_DEPTH, json_safe, read_json
from .backend import Decoder
from .field_names import camel
from .gemini_evidence import add_evidence, unread_pages
from .gemini_finish import block_reason, finish_reason, outcome_of
from .gemini_media import media_settings
from .gemini_reference import with_documented_names
from .gemini_repair import decode_leniently, parse_lenient, repair_shapes
from .gemini_schema import LargeWireAnswer, WireAnswer, WireCandidate, WirePart
from .http_errors import failure_of, message_failure

__all__ = ["decode", "finish_of", "gemini_decoder", "parts_from_json"]


def finish_of(reason: str, message: str | None = None, candidate: int = 0, *, prompt: bool = False) -> Finish:
    """The end of a candidate, or of a prompt that was blocked, with what its reason means."""
    return Finish(reason, message, candidate, prompt, "blocked" if prompt else outcome_of(reason))


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
_answer_extras = attrgetter(*_EXTRAS)
_usage_extras = attrgetter(*_USAGE_EXTRAS)
_counts = attrgetter(
    "prompt_token_count",
    "cached_content_token_count",
    "candidates_token_count",
    "thoughts_token_count",
    "tool_use_prompt_token_count",
    "total_token_count",
)
_UNKNOWN = tuple(Usage())
_usage = partial(tuple.__new__, Usage)  # without the function that NamedTuple puts before it

_BAD_BLOB = Note(
    "unreadable-shape", "Inline data is not valid base64; the part is kept as received.", "error"
)

_OTHER_API = Note(
    "other-api",
    "This is an answer of the Interactions API, which the backend `interactions` reads (--backend interactions).",
    "warning",
)
_SNAKE_CASE = Note(
    "snake-case",
    "Field names are in snake_case; the API writes them in camelCase. They were read alike.",
    "info",
)
_SNAKE_KEY = re.compile(rb'_[a-z]+"\s*:')  # faster, as most chunks have no underscore
_MAY_BE_SNAKE = re.compile(
    rb'"(?:finish_|usage_|prompt_|model_|response_|inline_|file_|function_|executable_|code_execution|thought_|citation_|'
    rb'grounding_|url_context|continuation_|block_)[a-z_]*"\s*:'
)
_DURATION = re.compile(r"(\d{1,12}(?:\.\d{1,9})?)s")
_QUOTED = 40  # characters of a reason that a note quotes
_SEVERAL_KINDS = Note(
    "several-kinds",
    "A part holds data of several kinds, such as text and a function call. It was read as several parts.",
    "warning",
)
# The kinds of data beside text.
_DATA = (
    "inline_data",
    "file_data",
    "function_call",
    "function_response",
    "executable_code",
    "code_execution_result",
    "audio_transcription",
    "tool_call",
    "tool_response",
)


def _has_data(part: WirePart) -> bool:
    """Whether a part has any field of :data:`_DATA`. Most parts have none, and no other way to ask is as fast."""
    return not (
        part.inline_data is None
        and part.function_call is None
        and part.executable_code is None
        and part.code_execution_result is None
        and part.file_data is None
        and part.function_response is None
        and part.audio_transcription is None
        and part.tool_call is None
        and part.tool_response is None
    )


_READABLE = {"text", *map(camel, _DATA)}
_data = attrgetter(*_DATA)

_decoder = msgspec.json.Decoder(WireAnswer)
_large = msgspec.json.Decoder(LargeWireAnswer)
_LARGE = 1 << 16  # bytes; below this, the tolerant way to read base64 is as fast


def decode(raw: bytes, event: str | None = None, *, noted: set[Event] | None = None) -> Decoded:
    """Decode one JSON text of the stream; never raises.

    Args:
        raw: the JSON text as received.
        event: the name of its server-sent event; ``error`` marks an error of any form.
        noted: notes about earlier chunks, which are not repeated; this chunk's are added.
    """
    read = _read(raw)
    answer, notes = read.answer, read.notes
    events: list[Event] = []
    finished, token = False, None
    indices = _indices(answer.candidates) if len(answer.candidates) > 1 else ()
    for place, candidate in enumerate(answer.candidates):
        index = indices[place] if indices else candidate.index or 0
        if candidate.content is not None:
            for position, part in enumerate(candidate.content.parts):
                if part.text is not None and not _has_data(part):
                    events.append(Delta(_text(part), index))
                else:
                    events += [Delta(each, index) for each in _other_parts(read, part, place, position)]
        if candidate.citation_metadata or candidate.grounding_metadata or candidate.url_context_metadata:
            add_evidence(candidate, index, events)
            notes += unread_pages(candidate.url_context_metadata, notes)
        finished = finished or candidate.finish_reason is not None
        token = token or candidate.continuation_token
    if answer.usage_metadata is not None and (counts := _counts(answer.usage_metadata)) != _UNKNOWN:
        events.append(UsageReport(_usage(counts)))
    if finished or answer.prompt_feedback is not None:
        _finishes(answer, indices or _indices(answer.candidates), events, notes)
    if answer.error and (
        failure := failure_of(json_safe(read_json(bytes(answer.error), max_depth=MAX_DEPTH)))
    ):
        events.append(failure)
    elif (not events and answer.model_version is None) or event == "error":
        events += _failure_without_answer(raw, event)
        if not events and (b'"interaction' in raw or b'"step.' in raw):
            notes.append(_OTHER_API)
    if notes and noted is not None:
        notes = [note for note in notes if note not in noted]
        noted.update(notes)
    events += notes
    return Decoded(events, answer.model_version, answer.response_id, token, _extras(answer), read.lost)


class _Read(Struct, gc=False):
    """One JSON text as structs.

    Attributes:
        raw: the text, with the API's own field names.
        answer: everything that could be read.
        notes: what was repaired or lost.
        value: the repaired JSON value, once it is needed.
        lost: a description of content that could not be read.
    """

    raw: bytes
    answer: WireAnswer
    notes: list[Event]
    value: dict[str, Any] | None = None
    lost: str = ""


def _read(raw: bytes) -> _Read:
    notes: list[Event] = []
    if (
        b"_" in raw
        and _SNAKE_KEY.search(raw)
        and _MAY_BE_SNAKE.search(raw)
        and (renamed := _renamed(raw)) is not None
    ):
        raw = renamed
        notes.append(_SNAKE_CASE)
    try:
        return _Read(raw, _decoder.decode(raw) if len(raw) < _LARGE else _decoded_large(raw), notes)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        answer, value, repairs, lost = decode_leniently(raw)
        return _Read(raw, answer, notes + repairs, value, lost)


def _other_parts(read: _Read, part: WirePart, place: int, position: int) -> list[Part]:
    """The parts in a part that holds anything but text.

    Args:
        read: the chunk; receives notes.
        part: the part.
        place: the place of its candidate in the list of candidates.
        position: its position in the candidate's content.
    """
    parts = _parts(part)
    if parts is None:
        if read.value is None:
            read.value = repair_shapes(parse_lenient(read.raw))
        parts = _unknown(read.value["candidates"][place]["content"]["parts"][position])
        if part.inline_data is not None and _BAD_BLOB not in read.notes:
            read.notes.append(_BAD_BLOB)
    if len(parts) > 1 and _SEVERAL_KINDS not in read.notes:
        read.notes.append(_SEVERAL_KINDS)
    return parts


def _finishes(answer: WireAnswer, indices: Sequence[int], events: list[Event], notes: list[Event]) -> None:
    """Append the reasons why the prompt was blocked and why candidates ended."""
    feedback = answer.prompt_feedback
    if feedback is not None and (reason := block_reason(feedback.block_reason)) is not None:
        events.append(finish_of(reason, feedback.block_reason_message, prompt=True))
        _note_spelling(feedback.block_reason, reason, notes)
    for index, candidate in zip(indices, answer.candidates, strict=True):
        if (reason := finish_reason(candidate.finish_reason)) is not None:
            events.append(finish_of(reason, candidate.finish_message, index))
            if reason is not candidate.finish_reason:
                _note_spelling(candidate.finish_reason, reason, notes)


def _failure_without_answer(raw: bytes, event: str | None) -> list[Event]:
    """The failure in a chunk that has no answer: ``{"detail": …}`` and similar; empty if it is none."""
    if event != "error" and b'"detail"' not in raw and b'"message"' not in raw and b'"errors"' not in raw:
        return []
    try:
        value = json_safe(read_json(raw, max_depth=MAX_DEPTH))
    except ValueError:
        return []
    if not isinstance(value, dict) or "candidates" in value:
        return []
    explained = value.keys() & {"detail", "errors", "code", "status"} or len(value) == 1
    failure = message_failure(value) if explained or event == "error" else None
    if failure is None and event == "error":
        failure = failure_of(value)
    return [] if failure is None else [failure]


def _renamed(raw: bytes) -> bytes | None:
    """The JSON text with the API's own field names; None if it has them already, or is not JSON."""
    try:
        value = parse_lenient(raw)
    except ValueError:
        return None
    renamed = with_documented_names(value)
    return None if renamed == value else json.dumps(renamed).encode()


def _decoded_large(raw: bytes) -> WireAnswer:
    """Decode with inline data read from base64 in one pass; fall back to the general decoder for other base64 variants."""
    try:
        return _large.decode(raw)
    except (msgspec.MsgspecError, ValueError):
        return _decoder.decode(raw)


def gemini_decoder() -> Decoder:
    """A decoder without state, except that the same note about several chunks is made once."""
    return partial(decode, noted=set())


def _indices(candidates: Sequence[WireCandidate]) -> Sequence[int]:
    """The index of each candidate of a chunk; one without an index gets the lowest that no other one has."""
    if len(candidates) == 1:
        return (candidates[0].index or 0,)
    used = {candidate.index for candidate in candidates}
    free = (index for index in count() if index not in used)
    return [next(free) if candidate.index is None else candidate.index for candidate in candidates]


def _note_spelling(value: str | int | None, reason: str, notes: list[Event]) -> None:
    """Note a reason that was not written as the API writes it; numbers are one of its encodings."""
    if isinstance(value, str) and not value.startswith(reason):
        message = f"The reason {value[:_QUOTED]!r} was read as {reason}."
        notes.append(Note("reason-spelling", message, "info"))


def _extras(answer: WireAnswer) -> dict[str, Any] | None:
    counts = answer.usage_metadata
    if (  # most chunks have none of them
        answer.provider is None
        and answer.service_tier is None
        and answer.model_status is None
        and answer.create_time is None
        and (
            counts is None
            or (counts.traffic_type is None and counts.service_tier is None and counts.cache_tier is None)
        )
    ):
        return None
    found = zip(_EXTRAS.values(), _answer_extras(answer), strict=True)
    from_usage = () if counts is None else zip(_USAGE_EXTRAS.values(), _usage_extras(counts), strict=True)
    return {name: value for name, value in (*found, *from_usage) if value is not None}


def _text(part: WirePart) -> Part:
    text, signature = part.text or "", part.thought_signature
    return Thought(text, signature) if part.thought else Text(text, signature)


def _parts(part: WirePart) -> list[Part] | None:
    """The parts in one part of the protocol, one for each kind of data; None if a kind is unknown or cannot be read.

    The thought signature stays with the data, which cannot be sent back without it.
    """
    found: list[Part] = [] if not part.text else [Thought(part.text) if part.thought else Text(part.text)]
    if not _has_data(part):
        return None if part.text is None else [_text(part)]
    for name, value in zip(_DATA, _data(part), strict=True):
        if value is not None:
            data = _data_part(name, value, part.thought_signature, thought=part.thought)
            if data is None:
                return None
            if isinstance(data, Blob | File) and (settings := media_settings(part)) is not None:
                data = msgspec.structs.replace(data, media=settings)
            found.append(data)
    return found


def _data_part(name: str, value: Any, signature: str | None, *, thought: bool) -> Part | None:
    match name:
        case "function_call":
            return Call(
                value.name, value.args or {}, value.id, signature, value.partial_args, value.will_continue
            )
        case "function_response":
            return CallResult(value.name, value.response or {}, value.id, signature)
        case "executable_code":
            language = "PYTHON" if value.language == 1 else _optional_text(value.language)
            return Code(value.code, language, signature, value.id)
        case "code_execution_result":
            return CodeResult(_optional_text(value.outcome), value.output, signature, value.id)
        case "inline_data":
            data = _base64(value.data)
            return None if data is None else Blob(value.mime_type, data, signature, thought=thought)
        case "file_data":
            return File(value.file_uri, value.mime_type, signature)
        case "audio_transcription":
            return _transcript(json_safe(value), signature)
        case "tool_call" | "tool_response" if isinstance(value, dict):
            return _server_tool(name, json_safe(value), signature)
    return None


def _server_tool(name: str, value: dict[str, Any], signature: str | None) -> Part:
    """A use of one of the server's own tools, or its result."""
    ident, tool = (text if isinstance(text := value.get(key), str) else None for key in ("id", "toolType"))
    if name == "tool_call":
        return ToolCall(tool or "", ident, value.get("args"), signature=signature, raw=value)
    return ToolResult(tool or "", ident, value.get("response"), None, signature, value)


def _transcript(value: dict[str, Any], signature: str | None) -> Transcript:
    """A transcript; fields of other types than the documented ones are only in ``raw``."""
    text, speaker, language = (
        field if isinstance(field := value.get(name), str) else None
        for name in ("text", "speakerLabel", "languageCode")
    )
    words, finished = value.get("words"), value.get("finished")
    return Transcript(
        text or "",
        speaker or None,
        language or None,
        _seconds(value.get("startOffset")),
        _seconds(value.get("endOffset")),
        tuple(words) if isinstance(words, list) else (),
        finished if isinstance(finished, bool) else None,
        signature,
        value,
    )


def _seconds(value: Any) -> float | None:
    """A duration as JSON writes it, such as ``"1.5s"``; None for any other value."""
    found = _DURATION.fullmatch(value) if isinstance(value, str) else None
    return float(found[1]) if found else None


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


def _unknown(value: dict[str, Any]) -> list[Part]:
    """A part that the typed decoder cannot read: each kind of data that it can read, and the rest as received."""
    found: list[Part] = []
    rest = dict(value)
    thought = {"thought": True} if value.get("thought") is True else {}
    for name in [name for name in value if name in _READABLE]:
        if value[name] != "" and (parts := parts_from_json({name: value[name]} | thought)):
            del rest[name]
            found += parts
    signature = value.get("thoughtSignature")
    return [*found, Opaque(rest, signature if isinstance(signature, str) else None)]


def parts_from_json(value: dict[str, Any]) -> list[Part] | None:
    """The parts in a JSON object, one for each kind of data; None if a kind is unknown."""
    try:
        return _parts(msgspec.convert(value, WirePart, strict=False))
    except msgspec.MsgspecError:
        return None
