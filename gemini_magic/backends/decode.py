"""The meaning of a Gemini ``GenerateContentResponse``: one JSON text becomes events.

Known fields go through a typed decoder; what that refuses (counts as strings, null parts, wrong shapes) is mended
first and noted. It adds nothing up and drops nothing: unknown parts, reasons and values pass through.
"""

from __future__ import annotations

import base64
import binascii
import json
from typing import Any

import msgspec
from msgspec import Struct

from ..content import Blob, Call, CallResult, Code, CodeResult, File, Opaque, Part, Text, Thought
from ..events import Delta, Event, Finish, Note, Reading, Usage, UsageReport
from .failure import failure_of

__all__ = ["decode", "part_of"]

# google.ai.generativelanguage FinishReason and BlockReason, by number (enum-encoding=int).
_FINISH = ["FINISH_REASON_UNSPECIFIED", "STOP", "MAX_TOKENS", "SAFETY", "RECITATION", "OTHER", "LANGUAGE", "BLOCKLIST", "PROHIBITED_CONTENT", "SPII", "MALFORMED_FUNCTION_CALL", "IMAGE_SAFETY", "UNEXPECTED_TOOL_CALL", "TOO_MANY_TOOL_CALLS", "IMAGE_PROHIBITED_CONTENT", "IMAGE_OTHER", "NO_IMAGE", "IMAGE_RECITATION"]
_BLOCK = ["BLOCK_REASON_UNSPECIFIED", "SAFETY", "OTHER", "BLOCKLIST", "PROHIBITED_CONTENT", "IMAGE_SAFETY"]


class _Data(Struct, rename="camel"):
    mime_type: str = ""
    data: str = ""


class _FileData(Struct, rename="camel"):
    file_uri: str = ""
    mime_type: str | None = None


class _Call(Struct, rename="camel"):
    name: str | None = None
    args: dict[str, Any] | None = None
    id: str | None = None
    partial_args: list[dict[str, Any]] | None = None
    will_continue: bool | None = None


class _CallResult(Struct):
    name: str = ""
    response: dict[str, Any] | None = None
    id: str | None = None


class _Code(Struct):
    code: str = ""
    language: str | int | None = None


class _CodeResult(Struct):
    outcome: str | int | None = None
    output: str = ""


class _Part(Struct, rename="camel"):
    text: str | None = None
    thought: bool = False
    thought_signature: str | None = None
    inline_data: _Data | None = None
    file_data: _FileData | None = None
    function_call: _Call | None = None
    function_response: _CallResult | None = None
    executable_code: _Code | None = None
    code_execution_result: _CodeResult | None = None


class _Content(Struct):
    parts: list[_Part] = []


class _Candidate(Struct, rename="camel"):
    index: int = 0
    content: _Content | None = None
    finish_reason: str | int | None = None
    finish_message: str | None = None


class _Usage(Struct, rename="camel"):
    prompt_token_count: int | None = None
    cached_content_token_count: int | None = None
    candidates_token_count: int | None = None
    thoughts_token_count: int | None = None
    tool_use_prompt_token_count: int | None = None
    total_token_count: int | None = None


class _Feedback(Struct, rename="camel"):
    block_reason: str | int | None = None
    block_reason_message: str | None = None


class _Answer(Struct, rename="camel"):
    candidates: list[_Candidate] = []
    usage_metadata: _Usage | None = None
    prompt_feedback: _Feedback | None = None
    model_version: str | None = None
    response_id: str | None = None
    error: msgspec.Raw = msgspec.Raw(b"")


_decoder = msgspec.json.Decoder(_Answer)
_LISTS = {"candidates", "parts"}
_OBJECTS = {"content", "usageMetadata", "promptFeedback"}


def decode(raw: bytes) -> Reading:
    """What one JSON text of the stream means; never raises.

    Args:
        raw: the JSON text as received.
    """
    notes: list[Event] = []
    try:
        answer = _decoder.decode(raw)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        answer, notes = _mended(raw)
    events: list[Event] = []
    for candidate in answer.candidates:
        if candidate.content is not None:
            for position, part in enumerate(candidate.content.parts):
                said = _part(part)
                if said is None:
                    said = _unknown(raw, candidate.index, position)
                events.append(Delta(said, candidate.index))
    if answer.usage_metadata is not None:
        usage = Usage(*msgspec.structs.astuple(answer.usage_metadata))
        if any(count is not None for count in usage):
            events.append(UsageReport(usage))
    feedback = answer.prompt_feedback
    if feedback is not None and feedback.block_reason:
        reason = _enum(feedback.block_reason, _BLOCK)
        events.append(Finish(reason, feedback.block_reason_message, prompt=True))
    events.extend(
        Finish(_enum(candidate.finish_reason, _FINISH), candidate.finish_message, candidate.index)
        for candidate in answer.candidates
        if candidate.finish_reason
    )
    if answer.error and (failure := failure_of(json.loads(bytes(answer.error)))):
        events.append(failure)
    return Reading(events + notes, answer.model_version, answer.response_id)


def _enum(value: str | int | None, names: list[str]) -> str:
    if isinstance(value, int):
        return names[value] if 0 <= value < len(names) else str(value)
    return value or ""


def _part(part: _Part) -> Part | None:
    signature = part.thought_signature
    if part.text is not None:
        return Thought(part.text, signature) if part.thought else Text(part.text, signature)
    if (call := part.function_call) is not None:
        return Call(call.name, call.args or {}, call.id, signature, call.partial_args, call.will_continue)
    if (result := part.function_response) is not None:
        return CallResult(result.name, result.response or {}, result.id, signature)
    if (code := part.executable_code) is not None:
        return Code(code.code, "PYTHON" if code.language == 1 else _word(code.language), signature)
    if (ran := part.code_execution_result) is not None:
        return CodeResult(_word(ran.outcome), ran.output, signature)
    if (blob := part.inline_data) is not None:
        data = _base64(blob.data)
        return None if data is None else Blob(blob.mime_type, data, signature)
    if (file := part.file_data) is not None:
        return File(file.file_uri, file.mime_type, signature)
    return None


def _word(value: str | int | None) -> str | None:
    return None if value is None else str(value)


def _base64(text: str) -> bytes | None:
    try:
        return base64.b64decode(text.replace("-", "+").replace("_", "/") + "=" * (-len(text) % 4))
    except (binascii.Error, ValueError):
        return None


def _unknown(raw: bytes, index: int, position: int) -> Part:
    """The part as it came, from a second, untyped reading."""
    for candidate in _as_list(_mend(_parse(raw)).get("candidates")):
        if candidate.get("index", 0) == index:
            value = candidate["content"]["parts"][position]
            return part_of(value) or Opaque(value, value.get("thoughtSignature"))
    return Opaque({})


def part_of(value: dict[str, Any]) -> Part | None:
    """One part from its JSON object; None for a kind that is not known."""
    try:
        return _part(msgspec.convert(value, _Part, strict=False))
    except msgspec.MsgspecError:
        return None


def _parse(raw: bytes) -> Any:
    try:
        return json.loads(raw)
    except ValueError:
        return json.loads(raw.decode("utf-8", "replace"))


def _as_list(value: Any) -> list[Any]:
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def _mend(value: Any, key: str = "") -> Any:
    """The same value in the shapes that are documented: lists where lists belong, nulls left out."""
    if key in _LISTS:
        return [_mend(item, key[:-1]) for item in _as_list(value) if item is not None]
    if key == "content" and isinstance(value, str):
        return {"parts": [{"text": value}]}
    if key == "part" and isinstance(value, str):
        return {"text": value}
    if key in _OBJECTS | {"part", "candidate", ""} and not isinstance(value, dict):
        return {}
    if key == "usageMetadata":
        return {name: count for name, item in value.items() if (count := _count(item)) is not None}
    if key == "part":
        return {name: item for name, item in value.items() if item is not None}
    if key in _OBJECTS | {"candidate", ""}:
        return {name: _mend(item, name) for name, item in value.items() if item is not None}
    return value


def _count(value: Any) -> int | None:
    """A count, whether it came as a number, a float or a string."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        return int(float(value))
    except (ValueError, OverflowError):
        return None


def _mended(raw: bytes) -> tuple[_Answer, list[Event]]:
    """A second, lenient reading of what the typed decoder refuses."""
    note: Event = Note("odd-shape", "A value has an undocumented shape; it was read all the same.", "warning")
    try:
        value = _parse(raw)
    except (ValueError, RecursionError):
        return _Answer(), [Note("not-json", "A chunk is not JSON; its bytes are kept.", "error")]
    if isinstance(value, list) and len(value) == 1:
        value = value[0]
    mended = _mend(value)
    error = mended.pop("error", None)
    try:
        answer = msgspec.convert(mended, _Answer, strict=False)
    except (msgspec.MsgspecError, RecursionError):
        answer = _convert_piecewise(mended)
        note = Note("unreadable-shape", "A part of a chunk could not be read; it is kept in `raw`.", "error")
    if error is not None:
        answer.error = msgspec.Raw(json.dumps(error).encode())
    return answer, [note]


def _convert_piecewise(value: dict[str, Any]) -> _Answer:
    """What can be read of a value whose whole cannot; parts that cannot are left for :func:`_unknown`."""
    answer = _Answer()
    for item in value.get("candidates", []):
        candidate = _Candidate()
        for name, kind in (("index", int), ("finishReason", str), ("finishMessage", str)):
            if isinstance(item.get(name), kind):
                setattr(
                    candidate,
                    {"finishReason": "finish_reason", "finishMessage": "finish_message"}.get(name, name),
                    item[name],
                )
        parts = item.get("content", {}).get("parts", [])
        candidate.content = _Content([_convert_part(part) for part in parts])
        answer.candidates.append(candidate)
    try:
        answer.usage_metadata = msgspec.convert(value.get("usageMetadata", {}), _Usage, strict=False)
    except msgspec.MsgspecError:
        answer.usage_metadata = None
    return answer


def _convert_part(value: dict[str, Any]) -> _Part:
    try:
        return msgspec.convert(value, _Part, strict=False)
    except msgspec.MsgspecError:
        return _Part()
