"""Repairs JSON that the typed decoder refuses: converts it to the documented shapes, and reports what was converted.

``gemini_decode`` gives the repaired value its meaning.
"""

from __future__ import annotations

import json
from typing import Any, NamedTuple, TypeVar

import msgspec
from msgspec import Struct

from ..events import Event, Note
from ..text import MAX_DEPTH, json_safe, read_json
from .gemini_schema import (
    MOST_COUNT,
    MOST_INDEX,
    Content,
    Feedback,
    WireAnswer,
    WireCandidate,
    WirePart,
    WireUsage,
)

__all__ = ["Repaired", "as_list", "decode_leniently", "parse_lenient", "repair_shapes"]

S = TypeVar("S", bound=Struct)

_PART_FIELDS = (
    "text",
    "inlineData",
    "fileData",
    "functionCall",
    "functionResponse",
    "executableCode",
    "codeExecutionResult",
    "audioTranscription",
)
_TEXT_FIELDS = {"trafficType", "serviceTier", "cache_tier"}  # fields of usageMetadata that are not counts
# Names under which the loss of a part of the answer is recorded.
_CONTENT = {"candidates", "candidate", "content", "parts", "part", "the whole value", *_PART_FIELDS}
_NAMED = 5  # names of fields that a note lists
# Text fields, in which a number or a boolean is converted to text.
_TEXTS = {
    "part": ("text", "thoughtSignature"),
    "functionCall": ("name", "id"),
    "functionResponse": ("name", "id"),
    "executableCode": ("code", "id"),
    "codeExecutionResult": ("output", "id"),
    "audioTranscription": ("text", "speakerLabel", "languageCode"),
    "fileData": ("fileUri", "mimeType"),
    "inlineData": ("mimeType", "data"),
    "candidate": ("finishMessage", "continuationToken"),
    "promptFeedback": ("blockReasonMessage",),
    "": ("modelVersion", "responseId"),
}


class Repaired(NamedTuple):
    """The result of a repair.

    Attributes:
        answer: everything that could be read.
        value: the repaired JSON value, which holds the parts of unknown kinds.
        notes: what was repaired or lost; empty when nothing was.
        lost: a description of content that could not be read; empty if all of it could.
    """

    answer: WireAnswer
    value: dict[str, Any]
    notes: list[Event]
    lost: str = ""


def parse_lenient(raw: bytes) -> Any:
    """The JSON value in a form that can be stored and sent, except for unpaired surrogates in the text of parts.

    The other half of such a pair may be in the next chunk.

    Raises:
        ValueError: it is not JSON.
    """
    return _keep_surrogates(read_json(raw, max_depth=MAX_DEPTH))


def as_list(value: Any) -> list[Any]:
    """The value as a list: a list stays, null becomes an empty list, anything else a list with one item."""
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def repair_shapes(value: Any) -> dict[str, Any]:
    """A copy of a value in the documented shapes: lists where lists are expected, nulls left out."""
    return _Repairer().answer(value)


def decode_leniently(raw: bytes) -> Repaired:
    """Decode a JSON text that the typed decoder refuses, as far as possible; never raises."""
    try:
        value = parse_lenient(raw)
    except ValueError:
        note = Note("not-json", "A chunk is not valid JSON; its bytes are kept.", "error")
        return Repaired(WireAnswer(), {}, [note], "a chunk is not valid JSON")
    repairer = _Repairer()
    known = repairer.answer(value)
    answer = repairer.convert(
        {name: item for name, item in known.items() if name not in _BY_HAND}, WireAnswer
    )
    answer.candidates = [repairer.candidate_of(item) for item in known.get("candidates", ())]
    answer.usage_metadata = repairer.convert(known.get("usageMetadata", {}), WireUsage)
    answer.prompt_feedback = repairer.convert(known.get("promptFeedback", {}), Feedback)
    if known.get("error") is not None:
        answer.error = msgspec.Raw(json.dumps(known["error"]).encode())
    return Repaired(answer, known, [repairer.note()], repairer.lost_content)


_BY_HAND = {"candidates", "usageMetadata", "promptFeedback", "error"}


def _keep_surrogates(value: Any) -> Any:
    """Like ``json_safe``, but the text of a part keeps an unpaired surrogate: the next chunk may begin with the other half."""
    if isinstance(value, dict):
        return {
            json_safe(name): item if name == "text" and isinstance(item, str) else _keep_surrogates(item)
            for name, item in value.items()
        }
    return [_keep_surrogates(item) for item in value] if isinstance(value, list) else json_safe(value)


class _Repairer:
    """Repairs one value, and collects the names of the fields that it repaired and of those that it could not read."""

    def __init__(self) -> None:
        self._repaired: dict[str, None] = {}
        self._lost: dict[str, None] = {}

    def note(self) -> Event:
        """The note about the repair."""
        if self._lost:
            return Note(
                "unreadable-shape",
                f"Part of a chunk could not be read ({_names(self._lost)}); it is kept in `raw`.",
                "error",
            )
        of = f" ({_names(self._repaired)})" if self._repaired else ""
        return Note(
            "unexpected-shape", f"A value has an undocumented shape{of}; it was converted.", "warning"
        )

    @property
    def lost_content(self) -> str:
        """The fields with content that could not be read, described; empty if all of it could."""
        names = {name: None for name in self._lost if name in _CONTENT}
        return f"part of a chunk could not be read ({_names(names)})" if names else ""

    # -- shapes

    def answer(self, value: Any) -> dict[str, Any]:
        """The whole value."""
        if isinstance(value, list) and len(value) == 1:
            self._repaired["a list"] = None
            value = value[0]
        found = self._object(value, "")
        if "candidates" in found:
            found["candidates"] = [
                self._candidate(item, at) for at, item in enumerate(self._list(found, "candidates"))
            ]
        for name in ("usageMetadata", "promptFeedback"):
            if name in found:
                found[name] = self._object(found[name], name)
        if "usageMetadata" in found:
            found["usageMetadata"] = self._counts(found["usageMetadata"])
        return found

    def _candidate(self, value: Any, position: int) -> dict[str, Any]:
        if isinstance(value, str):
            self._repaired["candidates"] = None
            value = {"content": value}
        found = self._object(value, "candidate")
        index = found.get("index", 0)
        if type(index) is not int or not 0 <= index <= MOST_INDEX:
            number = _number(index)
            usable = number is not None and number <= MOST_INDEX
            found["index"] = number if usable else position
            (self._repaired if usable else self._lost)["index"] = None
        if "content" in found:
            found["content"] = self._content(found["content"])
        return found

    def _content(self, value: Any) -> dict[str, Any]:
        if isinstance(value, str | list):
            self._repaired["content"] = None
            value = {"parts": value}
        found = self._object(value, "content")
        if "parts" in found:
            found["parts"] = [self._part(item) for item in self._list(found, "parts")]
        return found

    def _part(self, value: Any) -> dict[str, Any]:
        if isinstance(value, str):
            self._repaired["parts"] = None
            return {"text": value}
        found = self._object(value, "part")
        for name in found.keys() & _TEXTS.keys():
            if isinstance(found[name], dict):
                found[name] = self._object(found[name], name)
        call = found.get("functionCall")
        if isinstance(call, dict) and isinstance(call.get("args"), str):
            call["args"] = self._arguments(call["args"])
        return found

    def _arguments(self, text: str) -> Any:
        """Arguments that are JSON in a string, as other dialects have them."""
        try:
            value = parse_lenient(text.encode("utf-8", "replace"))
        except ValueError:
            return text
        self._repaired["args"] = None
        return value if isinstance(value, dict) else text

    def _counts(self, value: dict[str, Any]) -> dict[str, Any]:
        found = {}
        for name, item in value.items():
            if name in _TEXT_FIELDS or name.endswith("Details"):
                found[name] = item
                continue
            count = _number(item)
            if count is None or count > MOST_COUNT:
                self._lost[name] = None
            else:
                found[name] = count
                if type(item) is not int:
                    self._repaired[name] = None
        return found

    def _list(self, within: dict[str, Any], name: str) -> list[Any]:
        """The list in a field, without nulls."""
        value = within[name]
        items = [item for item in as_list(value) if item is not None]
        if not isinstance(value, list) or len(items) < len(value):
            self._repaired[name] = None
        return items

    def _object(self, value: Any, name: str) -> dict[str, Any]:
        """A JSON object without nulls, and with text in its text fields."""
        if not isinstance(value, dict):
            self._lost[name or "the whole value"] = None
            return {}
        found = {key: item for key, item in value.items() if item is not None}
        if len(found) < len(value):
            self._repaired["null"] = None
        for key in found.keys() & set(_TEXTS.get(name, ())):
            if isinstance(found[key], int | float):
                self._repaired[key] = None
                found[key] = json.dumps(found[key])
        return found

    # -- from shapes to structs

    def candidate_of(self, value: dict[str, Any]) -> WireCandidate:
        """A candidate. Its parts are read one by one; a part that cannot be read is empty."""
        candidate = self.convert(
            {name: item for name, item in value.items() if name != "content"}, WireCandidate
        )
        parts = value.get("content", {}).get("parts", ())
        candidate.content = Content([self.convert(part, WirePart) for part in parts])
        return candidate

    def convert(self, value: dict[str, Any], kind: type[S]) -> S:
        """A struct without the fields that cannot be read."""
        try:
            return msgspec.convert(value, kind, strict=False)
        except msgspec.MsgspecError:
            pass
        good = {}
        for name, item in value.items():
            try:
                msgspec.convert({name: item}, kind, strict=False)
            except msgspec.MsgspecError:
                self._lost[name] = None
            else:
                good[name] = item
        return msgspec.convert(good, kind, strict=False)


def _names(names: dict[str, None]) -> str:
    shown = [name if len(name) < 40 else name[:39] + "…" for name in list(names)[:_NAMED]]  # noqa: PLR2004 - longer names are shortened
    return ", ".join(shown) + (", …" if len(names) > _NAMED else "")


def _number(value: Any) -> int | None:
    """A non-negative integer, given as a number or as a string; None for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        number = int(value)
    except (ValueError, OverflowError):
        try:
            number = int(float(value))
        except (ValueError, OverflowError):
            return None
    return number if number >= 0 else None
