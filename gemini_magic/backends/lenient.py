"""A second, lenient reading of JSON that the typed decoder refuses: the same value in the documented shapes.

It mends shapes and notes that it did; what the value means is ``decode``'s.
"""

from __future__ import annotations

import json
from typing import Any

import msgspec

from ..events import Event, Note
from .shapes import Answer, Candidate, Content, WirePart, WireUsage

__all__ = ["as_list", "mend", "mended", "parse"]

_LISTS = {"candidates", "parts"}
_WORDS = {"trafficType", "serviceTier", "cache_tier"}  # of usageMetadata; everything else there counts
_OBJECTS = {"content", "usageMetadata", "promptFeedback"}


def parse(raw: bytes) -> Any:
    """The JSON value, bad UTF-8 replaced."""
    try:
        return json.loads(raw)
    except ValueError:
        return json.loads(raw.decode("utf-8", "replace"))


def as_list(value: Any) -> list[Any]:
    """A list, whether one was sent, or one item without it, or nothing."""
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def mend(value: Any, key: str = "") -> Any:
    """The same value in the shapes that are documented: lists where lists belong, nulls left out."""
    if key in _LISTS:
        return [mend(item, key[:-1]) for item in as_list(value) if item is not None]
    if key == "content" and isinstance(value, str):
        return {"parts": [{"text": value}]}
    if key == "part" and isinstance(value, str):
        return {"text": value}
    if key in _OBJECTS | {"part", "candidate", ""} and not isinstance(value, dict):
        return {}
    if key == "usageMetadata":
        counts = {name: item if name in _WORDS else _count(item) for name, item in value.items()}
        return {name: count for name, count in counts.items() if count is not None}
    if key == "part":
        return {name: item for name, item in value.items() if item is not None}
    if key in _OBJECTS | {"candidate", ""}:
        return {name: mend(item, name) for name, item in value.items() if item is not None}
    return value


def _count(value: Any) -> int | None:
    """A count, whether it came as a number, a float or a string."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        return int(float(value))
    except (ValueError, OverflowError):
        return None


def mended(raw: bytes) -> tuple[Answer, list[Event]]:
    """A second, lenient reading of what the typed decoder refuses."""
    note: Event = Note("odd-shape", "A value has an undocumented shape; it was read all the same.", "warning")
    try:
        value = parse(raw)
    except (ValueError, RecursionError):
        return Answer(), [Note("not-json", "A chunk is not JSON; its bytes are kept.", "error")]
    if isinstance(value, list) and len(value) == 1:
        value = value[0]
    mended = mend(value)
    error = mended.pop("error", None)
    try:
        answer = msgspec.convert(mended, Answer, strict=False)
    except (msgspec.MsgspecError, RecursionError):
        answer = _convert_piecewise(mended)
        note = Note("unreadable-shape", "A part of a chunk could not be read; it is kept in `raw`.", "error")
    if error is not None:
        answer.error = msgspec.Raw(json.dumps(error).encode())
    return answer, [note]


def _convert_piecewise(value: dict[str, Any]) -> Answer:
    """What can be read of a value whose whole cannot; parts that cannot are left for :func:`_unknown`."""
    answer = Answer()
    for item in value.get("candidates", []):
        candidate = Candidate()
        for name, kind in (("index", int), ("finishReason", str), ("finishMessage", str)):
            if isinstance(item.get(name), kind):
                setattr(
                    candidate,
                    {"finishReason": "finish_reason", "finishMessage": "finish_message"}.get(name, name),
                    item[name],
                )
        parts = item.get("content", {}).get("parts", [])
        candidate.content = Content([_convert_part(part) for part in parts])
        answer.candidates.append(candidate)
    try:
        answer.usage_metadata = msgspec.convert(value.get("usageMetadata", {}), WireUsage, strict=False)
    except msgspec.MsgspecError:
        answer.usage_metadata = None
    return answer


def _convert_part(value: dict[str, Any]) -> WirePart:
    try:
        return msgspec.convert(value, WirePart, strict=False)
    except msgspec.MsgspecError:
        return WirePart()
