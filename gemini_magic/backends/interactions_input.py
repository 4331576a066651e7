"""The input of a request to the Interactions API: turns as steps, parts as content.

Reference: ai.google.dev, "Interactions API": a step is ``user_input``, ``model_output``, ``thought``, ``function_call``,
``function_result``, or a call or a result of one of the server's tools. A list contains either steps or content.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any, Final

from ..content import (
    Blob,
    Call,
    CallResult,
    Code,
    CodeResult,
    File,
    LocalFile,
    Opaque,
    Part,
    Request,
    Text,
    Thought,
    ToolCall,
    ToolResult,
    Transcript,
    Turn,
    join_parts,
)
from ..errors import OptionError
from .gemini import too_large_inline
from .gemini_media import media_offset
from .interactions_state import is_interaction_id

__all__ = ["content_of", "input_of", "turns_to_send"]

_MEDIA: Final = ("image", "audio", "video")
# The settings of each type of media (ai.google.dev, ``ImageContent``, ``AudioContent``, ``VideoContent``, ``DocumentContent``).
_SETTINGS: Final = {
    "image": ("resolution",),
    "audio": ("start_offset", "end_offset"),
    "video": ("resolution", "start_offset", "end_offset", "fps"),
    "document": ("resolution", "page_options"),
}
_OK: Final = (None, "OUTCOME_OK")


def turns_to_send(request: Request) -> tuple[str | None, tuple[Turn, ...]]:
    """The id of the stored answer that a request continues, or None, and the turns after it.

    A conversation that only the server has is always continued by its id. Another one is, if the server is to store it.
    """
    for position in range(len(request.turns), 0, -1):
        turn = request.turns[position - 1]
        usable = request.settings.is_stored and turn.stored is not None and is_interaction_id(turn.stored)
        if usable or turn.is_reference:
            return turn.stored, request.turns[position:]
    return request.settings.previous, request.turns


def input_of(turns: Sequence[Turn]) -> Any:
    """The field ``input``: the text of a single question, its content, or the steps of a conversation.

    Args:
        turns: the turns to send, oldest first; the last one is the user's.

    Raises:
        OptionError: a part cannot be sent.
    """
    if len(turns) == 1 and not any(isinstance(part, CallResult) for part in turns[0].parts):
        parts = _sendable(turns[0].parts)
        if len(parts) <= 1 and all(isinstance(part, Text) for part in parts):
            return "".join(part.text for part in parts if isinstance(part, Text))
        return [content_of(part) for part in parts]
    steps: list[dict[str, Any]] = []
    for turn in turns:
        steps += _model_steps(turn) if turn.role == "model" else _user_steps(turn)
    return steps


def _sendable(parts: Iterable[Part]) -> list[Part]:
    """The parts of the user, joined, without empty texts."""
    return [part for part in join_parts(parts) if not (isinstance(part, Text) and not part.text)]


def _user_steps(turn: Turn) -> list[dict[str, Any]]:
    """The steps of a user's turn: the results of functions, and then one step with everything else."""
    parts = _sendable(turn.parts)
    steps = [_function_result(part) for part in parts if isinstance(part, CallResult)]
    content = [content_of(part) for part in parts if not isinstance(part, CallResult)]
    if content or not steps:
        steps.append({"type": "user_input", "content": content or [{"type": "text", "text": ""}]})
    return steps


def _model_steps(turn: Turn) -> list[dict[str, Any]]:
    """The steps of a model's turn: as the server sent them, or made of its parts if another API sent it.

    Raises:
        OptionError: a part cannot be sent.
    """
    if turn.steps:
        return list(turn.steps)
    steps: list[dict[str, Any]] = []
    for part in join_parts(turn.parts):
        if isinstance(part, Text | Blob | File | LocalFile | Transcript):
            if (isinstance(part, Text) and not part.text) or (isinstance(part, Blob) and part.thought):
                continue
            if not steps or steps[-1]["type"] != "model_output":
                steps.append({"type": "model_output", "content": []})
            steps[-1]["content"].append(content_of(part))
        elif (step := _model_step(part)) is not None:
            steps.append(step)
    return steps


def _model_step(part: Part) -> dict[str, Any] | None:
    """A step that is one part; None for a part that is not sent back: a summary without its signature."""
    match part:
        case Thought(signature=signature):
            return None if signature is None else {"type": "thought", "signature": signature}
        case Call():
            return _signed(
                {
                    "type": "function_call",
                    "id": part.id or "",
                    "name": part.name or "",
                    "arguments": part.args,
                },
                part,
            )
        case CallResult():
            return _function_result(part)
        case Code():
            arguments = {"language": (part.language or "python").lower(), "code": part.code}
            return _signed({"type": "code_execution_call", "id": part.id or "", "arguments": arguments}, part)
        case CodeResult():
            result = {"call_id": part.id or "", "result": part.output, "is_error": part.outcome not in _OK}
            return _signed({"type": "code_execution_result", **result}, part)
        case ToolCall() | ToolResult():
            return None if part.raw else _tool_step(part)  # the older API's own form is not read here
        case Opaque(raw=raw):
            return dict(raw) if isinstance(raw.get("type"), str) else None
    return None


def _tool_step(part: ToolCall | ToolResult) -> dict[str, Any]:
    """A use of one of the server's tools, or what it gave."""
    given: dict[str, Any]
    if isinstance(part, ToolCall):
        given = {
            "id": part.id or "",
            "arguments": part.args or {},
            "name": part.name,
            "server_name": part.server,
        }
        kind = "call"
    else:
        given = {"call_id": part.call_id or "", "result": part.result, "is_error": part.is_error}
        kind = "result"
    fields = {name: value for name, value in given.items() if value is not None}
    return _signed({"type": f"{part.tool.lower()}_{kind}", **fields}, part)


def _signed(step: dict[str, Any], part: Part) -> dict[str, Any]:
    return step if part.signature is None else {**step, "signature": part.signature}


def _function_result(result: CallResult) -> dict[str, Any]:
    """The step with the value that a function returned.

    A text in its convention, ``{"output": text}`` or ``{"error": text}``, is sent as that text, and any other object as it is.
    """
    response = result.response
    failed = response.keys() == {"error"}
    inner = next(iter(response.values())) if failed or response.keys() == {"output"} else None
    value: Any = inner if isinstance(inner, str) else response
    if result.media:
        text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        value = [{"type": "text", "text": text}, *(content_of(each.part) for each in result.media)]
    return {
        "type": "function_result",
        "call_id": result.id or "",
        "name": result.name,
        "result": value,
        **({"is_error": True} if failed else {}),
    }


def content_of(part: Part) -> dict[str, Any]:
    """A part as content: text, image, audio, video or document. A ``Blob`` stands for the base64 text of its data.

    Raises:
        OptionError: the part cannot be sent.
    """
    match part:
        case Text(text=text) | Transcript(text=text):
            return {"type": "text", "text": text}
        case Blob(mime_type=kind):
            return {"type": _kind(kind), "mime_type": kind, "data": part, **_media_fields(part, _kind(kind))}
        case File(uri=uri, mime_type=kind):
            known = {"mime_type": kind} if kind else {}
            return {"type": _kind(kind), "uri": uri, **known, **_media_fields(part, _kind(kind))}
        case LocalFile():
            raise too_large_inline(part)
        case Opaque(raw=raw) if isinstance(raw.get("type"), str):
            return dict(raw)
    raise OptionError(
        f"The interactions backend cannot send a part of the type {type(part).__name__} in a prompt.",
        remedy="Leave this part out, or send it as text.",
    )


def _media_fields(part: Blob | File, kind: str) -> dict[str, Any]:
    """The fields for the settings of a medium: its resolution, and which section of it is read.

    Raises:
        OptionError: its type has no such setting.
    """
    settings = part.media
    if settings is None:
        return {}
    given = {
        "start_offset": settings.start,
        "end_offset": settings.end,
        "fps": settings.fps,
        "page_options": settings.pages,
        "resolution": settings.resolution,
    }
    refused = [name for name, value in given.items() if value is not None and name not in _SETTINGS[kind]]
    if refused:
        name = refused[0].replace("_offset", "").replace("page_options", "pages")
        raise OptionError(
            f"The Interactions API has no setting {name} for media of the type {kind}.",
            remedy="Leave it out, or use --backend gemini.",
        )
    processing: dict[str, Any] = {
        name: media_offset(seconds)
        for name, seconds in (("start_offset", settings.start), ("end_offset", settings.end))
        if seconds is not None
    }
    if settings.fps is not None:
        processing["fps"] = settings.fps
    if settings.pages is not None:
        first, last = settings.pages
        processing["page_options"] = {"start_page": first, "end_page": last}
    return {
        **({"resolution": settings.resolution} if settings.resolution is not None else {}),
        **({"processing": {"type": "static", **processing}} if processing else {}),
    }


def _kind(mime_type: str | None) -> str:
    """The type of content for a MIME type: ``image``, ``audio``, ``video``, or ``document`` for any other."""
    kind = (mime_type or "").partition("/")[0]
    return kind if kind in _MEDIA else "document"
