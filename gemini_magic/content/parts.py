"""The parts of a turn: text, thoughts, media, calls, code."""

from __future__ import annotations

import base64
from collections.abc import Iterable
from functools import cached_property
from typing import Any, Literal, TypeAlias

from msgspec import Struct, field

from ..text import one_line, replace_surrogates

__all__ = [
    "Blob",
    "Call",
    "CallResult",
    "Code",
    "CodeResult",
    "File",
    "LocalFile",
    "MediaSettings",
    "Opaque",
    "Part",
    "ResultMedia",
    "Text",
    "Thought",
    "ToolCall",
    "ToolResult",
    "Transcript",
    "encodable",
    "kind_of",
]


_IMAGE_TYPES = ("image/png", "image/jpeg", "image/gif", "image/webp")


class Text(Struct, frozen=True, gc=False):
    """A piece of the answer or of the prompt.

    Attributes:
        text: the text, possibly empty.
        signature: the opaque ``thoughtSignature`` that must be sent back unchanged with this part, or None.
    """

    text: str
    signature: str | None = None


class Thought(Struct, frozen=True, gc=False):
    """A piece of the model's summary of its thinking (``thought: true``)."""

    text: str
    signature: str | None = None


class MediaSettings(Struct, frozen=True, kw_only=True):
    """How the server reads one media part. None is not sent, so the server's default applies.

    Attributes:
        resolution: ``low``, ``medium``, ``high`` or ``ultra_high``: how many tokens an image, a page or a frame costs.
        start, end: the section of a video or of audio, in seconds.
        fps: frames of a video that are read for each second, above 0 and at most 24.
        pages: the first and the last page of a document, counted from 1.
    """

    resolution: Literal["low", "medium", "high", "ultra_high"] | None = None
    start: float | None = None
    end: float | None = None
    fps: float | None = None
    pages: tuple[int, int] | None = None


class Blob(Struct, frozen=True, dict=True):
    """Inline media: ``data`` holds the decoded bytes. With ``thought``, it belongs to the thinking and not to the answer."""

    mime_type: str
    data: bytes
    signature: str | None = None
    media: MediaSettings | None = None
    thought: bool = False

    @cached_property
    def digest(self) -> str:
        """The SHA-256 digest of the data, in hexadecimal."""
        from hashlib import sha256  # noqa: PLC0415 - only for requests with media

        return sha256(self.data).hexdigest()

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, Any]:  # noqa: ARG002 - IPython passes them
        """Display images; describe other media, and SVG, which may contain scripts."""
        shown: dict[str, Any] = {"text/plain": one_line(f"<Blob {self.mime_type}, {len(self.data):,} bytes>")}
        if self.mime_type in _IMAGE_TYPES:
            shown[self.mime_type] = base64.b64encode(self.data).decode()
        return shown


class File(Struct, frozen=True):
    """Media referenced by URI."""

    uri: str
    mime_type: str | None = None
    signature: str | None = None
    media: MediaSettings | None = None


class LocalFile(Struct, frozen=True):
    """Media in a local file that is too large to be inline: it is read only when it is sent.

    Attributes:
        path: the absolute path.
        mime_type: the MIME type, of the content.
        size: in bytes, when the prompt was made.
        digest: SHA-256 of the content, in hexadecimal.
    """

    path: str
    mime_type: str
    size: int
    digest: str
    signature: str | None = None
    media: MediaSettings | None = None


class Call(Struct, frozen=True):
    """A function call that the model requests.

    Attributes:
        name: the function; None in a piece that continues an earlier call.
        args: the arguments; empty when they arrive in pieces.
        id: the server's id of the call, or None.
        partial_args: pieces of arguments as Vertex AI streams them (each a ``jsonPath`` and a value), or None.
        will_continue: whether more pieces follow; None where the server does not send it.
    """

    name: str | None
    args: dict[str, Any] = field(default_factory=dict)
    id: str | None = None
    signature: str | None = None
    partial_args: list[dict[str, Any]] | None = None
    will_continue: bool | None = None


class ResultMedia(Struct, frozen=True):
    """A picture or other media that a function returned.

    Attributes:
        name: the name by which ``response`` refers to it: ``{"$ref": name}``.
        part: the media.
    """

    name: str
    part: Blob | File


class CallResult(Struct, frozen=True):
    """The return value of a called function.

    Attributes:
        name: the function.
        response: an object; by convention its ``output`` is the value, or its ``error`` says why there is none.
        id: the id of the call; None if the model sent none.
        media: media that belong to the value.
    """

    name: str
    response: dict[str, Any] = field(default_factory=dict)
    id: str | None = None
    signature: str | None = None
    media: tuple[ResultMedia, ...] = ()


class Code(Struct, frozen=True):
    """Code that the server runs for the model."""

    code: str
    language: str | None = None
    signature: str | None = None
    id: str | None = None


class CodeResult(Struct, frozen=True):
    """The result of code that the server ran; ``outcome`` is as sent (``OUTCOME_OK``, …)."""

    outcome: str | None = None
    output: str = ""
    signature: str | None = None
    id: str | None = None


class ToolCall(Struct, frozen=True):
    """A use of one of the server's own tools, as the server reports it. The server runs it; nothing has to be answered.

    Attributes:
        tool: the tool as the server names it, such as ``google_search``, ``mcp_server_tool`` or ``GOOGLE_SEARCH_WEB``.
        id: the server's id of the use, or None.
        args: its arguments as sent; None without any.
        name: the function of an MCP server, or None.
        server: the name of the MCP server, or None.
        raw: the object as received, which ``generateContent`` gets back unchanged; empty for a part of another API, whose
            steps are in :attr:`~gemini_magic.content.Turn.steps`.
    """

    tool: str
    id: str | None = None
    args: Any = None
    name: str | None = None
    server: str | None = None
    signature: str | None = None
    raw: dict[str, Any] = field(default_factory=dict)


class ToolResult(Struct, frozen=True):
    """What one of the server's own tools gave.

    Attributes:
        tool: the tool as the server names it.
        call_id: the id of the :class:`ToolCall`, or None.
        result: as sent; None without one.
        is_error: whether the use failed; None where the server does not say.
        raw: as in :class:`ToolCall`.
    """

    tool: str
    call_id: str | None = None
    result: Any = None
    is_error: bool | None = None
    signature: str | None = None
    raw: dict[str, Any] = field(default_factory=dict)


class Transcript(Struct, frozen=True):
    """A piece of what was spoken in a recording.

    Attributes:
        text: the words.
        speaker: the label of the speaker, or None.
        language: the language code, or None.
        start, end: seconds from the beginning of the recording, or None.
        words: the single words with their times, as received.
        finished: whether it ends an utterance; None where the server does not say.
        raw: the object as received, which is sent back unchanged; empty for a part that was not received.
    """

    text: str
    speaker: str | None = None
    language: str | None = None
    start: float | None = None
    end: float | None = None
    words: tuple[Any, ...] = ()
    finished: bool | None = None
    signature: str | None = None
    raw: dict[str, Any] = field(default_factory=dict)


class Opaque(Struct, frozen=True):
    """A part of an unknown kind, as received."""

    raw: dict[str, Any]
    signature: str | None = None


Part: TypeAlias = (
    Text
    | Thought
    | Blob
    | File
    | LocalFile
    | Call
    | CallResult
    | Code
    | CodeResult
    | ToolCall
    | ToolResult
    | Transcript
    | Opaque
)

_KINDS: dict[type, str] = {
    Text: "text",
    Thought: "thought",
    Blob: "blob",
    File: "file",
    LocalFile: "file",
    Call: "call",
    CallResult: "call_result",
    Code: "code",
    CodeResult: "result",
    ToolCall: "tool_call",
    ToolResult: "tool_result",
    Transcript: "transcript",
    Opaque: "other",
}


def kind_of(part: Part) -> str:
    """Return the name of a part's kind, as in the ``kind`` columns of the tables."""
    return _KINDS.get(type(part)) or next(name for kind, name in _KINDS.items() if isinstance(part, kind))


def encodable(parts: Iterable[Part]) -> tuple[Part, ...]:
    """Return parts that can be encoded as UTF-8: surrogate pairs are joined within each text, lone ones replaced."""
    return tuple(
        type(part)(replace_surrogates(part.text), part.signature)
        if isinstance(part, Text | Thought) and not part.text.isascii()
        else part
        for part in parts
    )
