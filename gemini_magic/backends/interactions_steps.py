"""One step of an interaction while it arrives: the parts that it adds to the answer, and the whole step for the next request.

A step begins with an object (``step.start``) that may already have content. Deltas add text, media and annotations to it,
or replace its fields. What is sent back must be what was received, unknown fields and signatures included.
"""

from __future__ import annotations

import json
from typing import Any, Final

from ..content import (
    Blob,
    Call,
    CallResult,
    Code,
    CodeResult,
    File,
    Opaque,
    Part,
    ToolCall,
    ToolResult,
)
from ..events import Note
from ..text import MAX_DEPTH, json_safe, read_json
from .interactions_evidence import TextPlace
from .wire_values import base64_bytes, list_of, object_of, text_of

__all__ = ["MEDIA", "OpenStep", "is_step_type", "media_part", "step_of_delta"]

MEDIA: Final = {
    "image": "image/png",
    "audio": "audio/wav",
    "video": "video/mp4",
    "document": "application/pdf",
}
"""The kinds of media, each with the type of one without a MIME type."""
_CALL, _RESULT = "_call", "_result"
_CONTENT: Final = {"model_output": "content", "thought": "summary", "user_input": "content"}
_KNOWN_TOOLS: Final = frozenset(
    {
        "google_search",
        "google_maps",
        "url_context",
        "file_search",
        "mcp_server_tool",
        "retrieval",
        "processing",
        "tool_search",
    }
)
_BAD_ARGUMENTS: Final = Note(
    "bad-arguments", "The arguments of a call are not a JSON object; the step is kept as received.", "error"
)
_BAD_MEDIA: Final = Note(
    "unreadable-shape", "Inline data is not valid base64; the part is kept as received.", "error"
)


def is_step_type(kind: str) -> bool:
    """Return whether this is a type of steps whose content is no text and no media."""
    tool = kind.removesuffix(_CALL).removesuffix(_RESULT)
    return kind != tool and (tool in _KNOWN_TOOLS or tool in ("function", "code_execution"))


def step_of_delta(kind: str) -> str:
    """Return the type of the step that a delta belongs to, for a server that does not send how the step begins."""
    if kind.startswith("thought"):
        return "thought"
    if kind == "arguments_delta":
        return "function_call"
    return kind if kind.endswith((_CALL, _RESULT)) else "model_output"


def media_part(value: dict[str, Any], *, thought: bool = False) -> Part | None:
    """Return the media in a content block or a delta; None if its data are not base64, or if it has none.

    Args:
        value: an object of a type of :data:`MEDIA`.
        thought: whether it belongs to the thoughts.
    """
    mime_type = json_safe(text_of(value.get("mime_type")) or MEDIA[value["type"]])
    if isinstance(data := value.get("data"), str) and data:
        if value["type"] == "audio":
            rate = value.get("sample_rate") or value.get("rate")
            for name, number in (("rate", rate), ("channels", value.get("channels"))):
                if isinstance(number, int) and not isinstance(number, bool) and f"{name}=" not in mime_type:
                    mime_type += f";{name}={number}"
        found = base64_bytes(data)
        return None if found is None else Blob(mime_type, found, thought=thought)
    uri = text_of(value.get("uri"))
    return File(json_safe(uri), mime_type) if uri else None


class OpenStep:
    """A step that has begun and not ended.

    Args:
        number: its number among all steps that the decoder has read, from 0.
        index: the server's index of it, which begins again with each interaction.
        raw: the step as it began.
        kind: its type.

    Attributes:
        type: its type.
        notes: what could not be read, for the decoder to add.
    """

    __slots__ = (
        "_arguments",
        "_blocks",
        "_contiguous",
        "_pieces",
        "_raw",
        "_size",
        "_start",
        "_texts",
        "index",
        "notes",
        "number",
        "type",
    )

    def __init__(self, number: int, index: int, raw: dict[str, Any], kind: str) -> None:
        self.number = number
        self.index = index
        self.type = kind
        self.notes: list[Note] = []
        self._raw = dict(raw)
        self._blocks: list[dict[str, Any]] = []  # the content or summary
        self._texts: list[str] = []  # pieces of the text of the last block
        self._arguments: list[str] = []
        self._pieces: list[dict[str, Any]] = []  # media that are no base64 alone
        self._start: int | None = None  # bytes of the answer before its text
        self._size = 0
        self._contiguous = True

    @property
    def is_call(self) -> bool:
        """Whether the client has to answer it."""
        return self.type == "function_call"

    @property
    def place(self) -> TextPlace:
        """Where its text lies in the answer."""
        return TextPlace(self._start if self._contiguous else None, self._size)

    def add_text(self, text: str, size: int, block: dict[str, Any], before: int) -> None:
        """Add a piece of text.

        Args:
            text: the piece.
            size: the bytes that it adds to the answer.
            block: the object that has it, whose other fields count if a block of content begins with it.
            before: bytes of the answer so far.
        """
        if self._start is None:
            self._start = before
        elif self._start + self._size != before:
            self._contiguous = False
        self._size += size
        self._add_piece(text, block)

    def add_summary(self, text: str, block: dict[str, Any]) -> None:
        """Add a piece of the summary of a thought; ``block`` as for :meth:`add_text`."""
        self._add_piece(text, block)
        if annotations := list_of(block.get("annotations")):
            self.annotate(annotations)

    def add_input(self, block: Any) -> None:
        """Add a block of content of the user, or a piece of text."""
        if isinstance(block, dict) and isinstance(text := block.get("text"), str):
            self._add_piece(text, block)
        elif isinstance(block, dict):
            self.add_block(block)

    def add_block(self, block: dict[str, Any]) -> None:
        """Add a whole block of content, as received."""
        self.end_text()
        if "annotations" in block:
            block = {**block, "annotations": [*list_of(block["annotations"])]}
        self._blocks.append(block)

    def end_text(self) -> None:
        """End the last block of text: the next text begins another one."""
        if self._texts:
            self._blocks[-1]["text"] = "".join(self._texts)
            self._texts.clear()

    def annotate(self, annotations: list[Any]) -> None:
        """Add annotations to the last text."""
        block = next((each for each in reversed(self._blocks[-4:]) if each.get("type") == "text"), None)
        if block is not None:
            block.setdefault("annotations", []).extend(annotations)

    def add_arguments(self, piece: str) -> None:
        """Add a piece of the JSON text of the arguments."""
        self._arguments.append(piece)

    def update(self, fields: dict[str, Any]) -> None:
        """Replace fields of the step."""
        self._raw.update(fields)

    def add_media(self, value: dict[str, Any]) -> list[Part]:
        """Add media; returns the parts, which are none for a piece that can only be read with the pieces after it."""
        found = self.flush_media() if self._pieces and value["type"] != self._pieces[0]["type"] else []
        if not self._pieces and (part := media_part(value, thought=self.type == "thought")) is not None:
            self.add_block({**value})
            return [*found, part]
        self._pieces.append(value)
        return found

    def flush_media(self) -> list[Part]:
        """Return the media whose pieces were waiting for others; as received if they are still no base64."""
        if not self._pieces:
            return []
        pieces, self._pieces = self._pieces, []
        whole = {**pieces[0], "data": "".join(text_of(each.get("data")) or "" for each in pieces)}
        part = media_part(whole, thought=self.type == "thought")
        if part is None:
            self.notes.append(_BAD_MEDIA)
            part = Opaque(json_safe(whole))
        self.add_block(whole)
        return [part]

    def whole(self) -> dict[str, Any]:
        """Return the step with everything that was added to it."""
        raw = {"type": self.type, **self._raw}
        if self._arguments:
            raw["arguments"] = self._parsed_arguments()
        name = _CONTENT.get(self.type)
        if name is not None and self._blocks:
            self.end_text()
            raw[name] = self._blocks
        return json_safe(raw)  # type: ignore[no-any-return] # of an object it is one

    def part(self, step: dict[str, Any]) -> Part | None:
        """Return the part that the whole step is; None for one whose content came before, such as text.

        Args:
            step: what :meth:`whole` returned.
        """
        kind = self.type
        if kind in _CONTENT:
            return None
        signature = text_of(step.get("signature"))
        ident = text_of(step.get("id")) or text_of(step.get("call_id"))
        name = text_of(step.get("name"))
        arguments, result, failed = step.get("arguments"), step.get("result"), step.get("is_error")
        failed = failed if isinstance(failed, bool) else None
        match kind:
            case "function_call":
                if isinstance(arguments, dict | None):
                    return Call(name, arguments or {}, ident)
                self.notes.append(_BAD_ARGUMENTS)
                return Opaque(step)
            case "function_result":
                value = result if isinstance(result, dict) else {"error" if failed else "output": result}
                return CallResult(name or "", value, ident)
            case "code_execution_call":
                arguments = object_of(arguments)
                code, language = text_of(arguments.get("code")) or "", text_of(arguments.get("language"))
                return Code(code, language, signature, ident)
            case "code_execution_result":
                outcome = (
                    None
                    if failed is None and result is None
                    else "OUTCOME_FAILED"
                    if failed
                    else "OUTCOME_OK"
                )
                output = result if isinstance(result, str) else "" if result is None else json.dumps(result)
                return CodeResult(outcome, output, signature, ident)
        tool = kind.removesuffix(_CALL).removesuffix(_RESULT)
        if tool not in _KNOWN_TOOLS:
            return Opaque(step)
        if kind.endswith(_CALL):
            return ToolCall(tool, ident, arguments, name, text_of(step.get("server_name")), signature)
        return ToolResult(tool, ident, result, failed, signature)

    def _parsed_arguments(self) -> Any:
        text = "".join(self._arguments)
        try:
            return read_json(text.encode("utf-8", "surrogatepass"), max_depth=MAX_DEPTH)
        except ValueError:
            return text

    def _add_piece(self, text: str, block: dict[str, Any]) -> None:
        if not self._texts:
            fields = {name: value for name, value in block.items() if name not in ("text", "annotations")}
            self.add_block({"type": "text", **fields})
        self._texts.append(text)
