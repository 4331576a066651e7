"""Decodes the chunks of the unified gateway: pieces of items that belong together by their index.

Its guide describes a chunk by ``type`` (text, image, metadata), ``name`` (output, thinking, metadata), ``content``,
``done``, ``index`` and ``is_final``; its table says that ``is_final`` marks the last chunk, all its examples test
``final``: both are accepted. The first type and name at an index are valid for all of its pieces. A whole answer
(``/generate``) is ``{output: [items], usage, cost, warnings}``. This module assumes: metadata that is an object may contain
usage, cost and warnings like the last chunk, and a chunk of the type ``error`` is a failure. Nothing is dropped: unknown
items are kept as received.
"""

from __future__ import annotations

import base64
import binascii
import json
from typing import Any

from ..content import Blob, File, Opaque, Part, Text, Thought
from ..events import Decoded, Delta, Event, Finish, Note, Usage, UsageReport
from ..text import json_safe
from .backend import Decoder
from .gemini_schema import MOST_COUNT
from .http_errors import failure_of
from .wire_values import read_value

__all__ = ["gateway_decoder"]

_MEDIA = ("image", "audio", "video", "file")
# How the base64 of a file begins, from the signatures of the formats.
_BEGINNINGS = {
    "iVBORw0KGgo": "image/png",
    "/9j/": "image/jpeg",
    "R0lGOD": "image/gif",
    "UklGR": "image/webp",
}
_COUNTS = {
    "prompt": ("input_tokens", "prompt_tokens"),
    "cached": ("cached_tokens",),
    "output": ("output_tokens", "completion_tokens"),
    "thoughts": ("thinking_tokens",),
    "total": ("total_tokens",),
}
_EXTRAS = ("cost", "warnings", "provider", "service_name")


class _Media:
    """A file that arrives in pieces."""

    def __init__(self) -> None:
        self.pieces: list[str] = []
        self.mime_type = ""
        self.chunk: dict[str, Any] = {}

    def part(self) -> Part:
        """The file; data that is not valid base64 is kept as received."""
        text = "".join("".join(self.pieces).split())
        if text.startswith(("http://", "https://")):
            return File(text, self.mime_type or None)
        head, comma, rest = text.partition(",")
        if comma and head.startswith("data:"):
            self.mime_type = self.mime_type or head[5:].partition(";")[0]
            text = rest
        kind = next((kind for begin, kind in _BEGINNINGS.items() if text.startswith(begin)), "image/png")
        text = text.replace("-", "+").replace("_", "/")
        try:
            data = base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
        except (binascii.Error, ValueError):
            return Opaque(json_safe({**self.chunk, "content": text}))
        return Blob(self.mime_type or kind, data)


class _Decoder:
    """The decoder of one answer; it stores the type and name of each index."""

    def __init__(self) -> None:
        self._kinds: dict[Any, tuple[str, str]] = {}
        self._media: dict[Any, _Media] = {}
        self._metadata: dict[Any, Any] = {}

    def __call__(self, raw: bytes, event: str | None = None) -> Decoded:
        """Decode one JSON text; never raises."""
        try:
            value = read_value(raw)
        except ValueError:
            note = Note("not-json", "A chunk is not valid JSON; its bytes are kept.", "error")
            return Decoded([note], lost="a chunk is not valid JSON")
        if not isinstance(value, dict):
            return Decoded(
                [Note("unexpected-shape", "A chunk is not a JSON object; it is kept in `raw`.", "warning")]
            )
        events: list[Event] = []
        extras: dict[str, Any] = {}
        whole = isinstance(value.get("output"), list)
        if whole:
            for index, item in enumerate(value["output"]):
                if isinstance(item, dict):
                    extras |= self._item({"index": index, **item, "done": True}, events)
        error = _error_in(value) or (value if event == "error" else None)
        if not whole and not error and ("content" in value or "type" in value or "name" in value):
            extras |= self._item(value, events)
        final = bool(value.get("final") or value.get("is_final")) or (whole and not error)
        if final:
            for index in list(self._media):
                self._finish(index, events)
        extras |= self._totals(value, events)
        if error and (failure := failure_of(json_safe(error))):
            events.append(failure)
        elif final:
            events.append(Finish("final", outcome="complete"))
        model = value.get("model_name") or value.get("model")
        if self._metadata:
            extras["metadata"] = _merged_metadata(list(self._metadata.values()))
        return Decoded(events, json_safe(model) if isinstance(model, str) else None, extras=extras or None)

    def _item(self, value: dict[str, Any], events: list[Event]) -> dict[str, Any]:
        """Read a piece of an item; returns the extras that it contains."""
        index = value.get("index") or 0
        index = index if isinstance(index, int | str) else 0
        own = (str(value.get("type") or "text"), str(value.get("name") or "output"))
        kind, name = self._kinds.setdefault(index, own)
        content = value.get("content")
        if kind == "metadata" or name == "metadata":
            self._remember(index, json_safe(content))
            return self._totals(content, events) if isinstance(content, dict) else {}
        if kind in _MEDIA and isinstance(content, str | None):
            self._piece(index, value, content or "", events)
        elif content is None:
            pass
        elif kind == "text" and name == "thinking" and isinstance(content, str | int | float):
            events.append(Delta(Thought(str(content))))
        elif kind == "text" and name == "output" and isinstance(content, str | int | float):
            events.append(Delta(Text(str(content))))
        else:
            events.append(Delta(Opaque(json_safe(value))))
        return {}

    def _piece(self, index: Any, value: dict[str, Any], content: str, events: list[Event]) -> None:
        """Read a piece of a file, or a whole file; another file signature begins another file."""
        held = self._media.setdefault(index, _Media())
        if held.pieces and content.startswith((*_BEGINNINGS, "data:", "http")):
            self._finish(index, events)
            held = self._media.setdefault(index, _Media())
        mime = value.get("mime_type") or value.get("mimeType")
        held.mime_type = json_safe(str(mime or held.mime_type))
        held.chunk = held.chunk or value
        if content:
            held.pieces.append(content)
        if value.get("done"):
            self._finish(index, events)

    def _finish(self, index: Any, events: list[Event]) -> None:
        held = self._media.pop(index, None)
        if held is not None and held.pieces:
            events.append(Delta(held.part()))

    def _remember(self, index: Any, content: Any) -> None:
        held = self._metadata.get(index)
        if isinstance(held, dict) and isinstance(content, dict):
            self._metadata[index] = {**held, **content}
        elif isinstance(held, str) and isinstance(content, str):
            self._metadata[index] = held + content
        elif content is not None:
            self._metadata[index] = content

    def _totals(self, value: dict[str, Any], events: list[Event]) -> dict[str, Any]:
        """Read the token counts and the warnings; returns the extras."""
        counts = value.get("usage")
        if isinstance(counts, dict):
            usage = Usage(
                **{
                    field: next((n for name in names if (n := _count(counts.get(name))) is not None), None)
                    for field, names in _COUNTS.items()
                }
            )
            if any(count is not None for count in usage):
                events.append(UsageReport(usage))
        warnings = json_safe(value.get("warnings"))
        for warning in warnings if isinstance(warnings, list) else [warnings] if warnings else []:
            message = warning.get("message") if isinstance(warning, dict) else None
            text = message if isinstance(message, str) else _text(warning)
            events.append(Note("gateway-warning", f"Gateway warning: {text}", "warning"))
        return {name: json_safe(value[name]) for name in _EXTRAS if value.get(name) not in (None, "", [])}


def _error_in(value: dict[str, Any]) -> Any:
    """The error in a chunk: its ``error`` or ``detail``, or the whole chunk if its type is ``error``."""
    error = value.get("error") or ("content" not in value and value.get("detail"))
    if error or value.get("type") != "error":
        return error
    error = value.get("content") or value.get("message") or "The gateway reported an error without a message."
    return error if isinstance(error, dict | list) else {**value, "message": str(error)}


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=repr)


def _merged_metadata(found: list[Any]) -> Any:
    """The metadata of all indexes: one object if all are objects, otherwise the single value or the list."""
    if all(isinstance(each, dict) for each in found):
        return {name: value for each in found for name, value in each.items()}
    return found[0] if len(found) == 1 else found


def _count(value: Any) -> int | None:
    """A count, given as a number or as a string; None for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        count = int(float(value))
    except (ValueError, OverflowError):
        return None
    return count if 0 <= count <= MOST_COUNT else None


def gateway_decoder() -> Decoder:
    """The decoder of one answer."""
    return _Decoder()
