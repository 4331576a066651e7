"""What is said: parts, turns and the request they make up.

Plain values, equal when their content is equal. This module does not know how any of it looks on the wire
(``backends``), nor who is speaking to whom.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Literal, TypeAlias

from msgspec import Struct, field

from .lazy import LazySequence
from .lenient_json import clean

__all__ = [
    "Blob",
    "Call",
    "CallResult",
    "Code",
    "CodeResult",
    "File",
    "Opaque",
    "Part",
    "Parts",
    "Request",
    "RequestSettings",
    "Text",
    "Thinking",
    "Thought",
    "Turn",
    "cleaned",
    "joined",
    "kind_of",
    "lean",
    "merged",
    "whole",
]


_PICTURES = ("image/png", "image/jpeg", "image/gif", "image/webp")


class Text(Struct, frozen=True, gc=False):
    """A piece of the answer or of the prompt.

    Attributes:
        text: the text, possibly empty.
        signature: the opaque ``thoughtSignature`` that came with it, to be sent back unchanged, or None.
    """

    text: str
    signature: str | None = None


class Thought(Struct, frozen=True, gc=False):
    """A piece of the model's summary of its thinking (``thought: true``)."""

    text: str
    signature: str | None = None


class Blob(Struct, frozen=True):
    """Inline media: ``data`` holds the decoded bytes."""

    mime_type: str
    data: bytes
    signature: str | None = None

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, Any]:  # noqa: ARG002 - IPython passes them
        """A picture shows itself; anything else (SVG included, which may hold scripts) is described."""
        shown: dict[str, Any] = {"text/plain": f"<Blob {self.mime_type}, {len(self.data):,} bytes>"}
        if self.mime_type in _PICTURES:
            shown[self.mime_type] = base64.b64encode(self.data).decode()
        return shown


class File(Struct, frozen=True):
    """Media held elsewhere, by URI."""

    uri: str
    mime_type: str | None = None
    signature: str | None = None


class Call(Struct, frozen=True):
    """The model asks for a function to be called.

    Attributes:
        name: the function; None in a piece that goes on with a call begun before.
        args: the arguments, empty when they come in pieces.
        partial_args: pieces of arguments as Vertex AI streams them (``jsonPath`` with a value each), or None.
        will_continue: whether more pieces follow, None where the server does not say.
    """

    name: str | None
    args: dict[str, Any] = field(default_factory=dict)
    id: str | None = None
    signature: str | None = None
    partial_args: list[dict[str, Any]] | None = None
    will_continue: bool | None = None


class CallResult(Struct, frozen=True):
    """What a called function returned."""

    name: str
    response: dict[str, Any] = field(default_factory=dict)
    id: str | None = None
    signature: str | None = None


class Code(Struct, frozen=True):
    """Code the server runs for the model."""

    code: str
    language: str | None = None
    signature: str | None = None
    id: str | None = None


class CodeResult(Struct, frozen=True):
    """What the server's run of the code gave; ``outcome`` is the server's own word (``OUTCOME_OK``, …)."""

    outcome: str | None = None
    output: str = ""
    signature: str | None = None
    id: str | None = None


class Opaque(Struct, frozen=True):
    """A part of a kind this version does not know, kept as it came."""

    raw: dict[str, Any]
    signature: str | None = None


Part: TypeAlias = Text | Thought | Blob | File | Call | CallResult | Code | CodeResult | Opaque

_KINDS: dict[type, str] = {
    Text: "text",
    Thought: "thought",
    Blob: "blob",
    File: "file",
    Call: "call",
    CallResult: "call_result",
    Code: "code",
    CodeResult: "result",
    Opaque: "other",
}


class Parts(LazySequence[Part]):
    """Parts in order, append-only; of a text without a signature it keeps the text, which is most of an answer."""

    def __init__(self) -> None:
        self._kept: list[Part | str] = []

    def append(self, part: Part) -> None:
        """One more."""
        self._kept.append(lean(part))

    def __len__(self) -> int:
        return len(self._kept)

    def _some(self, rows: Sequence[int]) -> Iterator[Part]:
        return (whole(self._kept[row]) for row in rows)


def lean(part: Part) -> Part | str:
    """What has to be kept of a part: of a text without a signature the text."""
    return part.text if type(part) is Text and part.signature is None else part


def whole(kept: Part | str) -> Part:
    """The part of which :func:`lean` kept this."""
    return Text(kept) if isinstance(kept, str) else kept


def kind_of(part: Part) -> str:
    """The short name of a part's kind, as the ``kind`` columns of the tables show it."""
    return _KINDS[type(part)]


class Turn(Struct, frozen=True):
    """One side's contribution to a conversation."""

    role: Literal["user", "model"]
    parts: tuple[Part, ...]

    @property
    def text(self) -> str:
        """The text parts joined, thoughts and media left out."""
        return "".join(part.text for part in self.parts if isinstance(part, Text))


class Thinking(Struct, frozen=True):
    """How much the model may think before it answers: a level or a budget, the other one is None.

    Attributes:
        level: ``on`` leaves the amount to the model.
        budget: in tokens; -1 leaves the amount to the model.
    """

    level: Literal["off", "on", "minimal", "low", "medium", "high", "xhigh"] | None = None
    budget: int | None = None


class RequestSettings(Struct, frozen=True, kw_only=True):
    """The settings of a request, in no dialect. None and empty values are not sent, so the server's default applies.

    Attributes:
        temperature, top_p, top_k, seed: how the next token is sampled.
        max_tokens: the longest answer, in tokens.
        candidates: the number of answers.
        stop: texts that end the answer.
        json_output: whether the server is asked to answer in JSON; a backend that cannot ask for it ignores this.
        thinking: how much the model may think.
        tools: the server's own tools that the model may use.
        safety: from which probability on harmful content is blocked, by category (``harassment``, ``hate_speech``,
            ``sexually_explicit``, ``dangerous_content``): ``low``, ``medium``, ``high``, ``none`` or ``off``.
        service_tier: ``flex``, ``standard`` or ``priority``.
    """

    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    max_tokens: int | None = None
    seed: int | None = None
    candidates: int | None = None
    stop: tuple[str, ...] = ()
    json_output: bool = False
    thinking: Thinking | None = None
    tools: tuple[Literal["search", "code_execution", "url_context"], ...] = ()
    safety: dict[str, str] = field(default_factory=dict)
    service_tier: str | None = None


class Request(Struct, frozen=True, kw_only=True):
    """A request before a backend writes it in its dialect.

    Attributes:
        model: the model's id, without ``models/``.
        turns: the conversation, oldest first; the last one is the user's.
        system: the system instruction, or None.
        settings: what the options set, in no dialect.
        params: fields that the user named in the dialect (``-p NAME=VALUE``); they override ``settings``.
        body: JSON in the dialect that is merged deeply over the finished request body; it overrides everything else.
        continuation: the server's token for the answer that this request continues, or None.
    """

    model: str
    turns: tuple[Turn, ...]
    system: str | None = None
    settings: RequestSettings = RequestSettings()
    params: dict[str, Any] = field(default_factory=dict)
    body: dict[str, Any] = field(default_factory=dict)
    continuation: str | None = None


def joined(parts: Iterable[Part]) -> tuple[Part, ...]:
    """The parts with text that was cut into chunks joined again; a part with a signature stays alone."""
    found: list[Part] = []
    for part in parts:
        last = found[-1] if found else None
        if (
            isinstance(part, Text | Thought)
            and isinstance(last, Text | Thought)
            and type(last) is type(part)
            and last.signature is None
            and part.signature is None
        ):
            found[-1] = type(part)(last.text + part.text)
        else:
            found.append(part)
    return tuple(found)


def cleaned(parts: Iterable[Part]) -> tuple[Part, ...]:
    """The parts with halves of surrogate pairs joined within each text, and lone ones replaced: now they can be sent."""
    return tuple(
        type(part)(clean(part.text), part.signature)
        if isinstance(part, Text | Thought) and not part.text.isascii()
        else part
        for part in parts
    )


def merged(base: dict[str, Any], over: dict[str, Any], *, drop_null: bool = False) -> dict[str, Any]:
    """``over`` merged deeply into ``base``: objects merge, anything else replaces.

    Args:
        base: a JSON object; it is not changed.
        over: the JSON object that has the last word.
        drop_null: whether a null in ``over`` removes the field instead of standing for itself.
    """
    result = dict(base)
    for key, value in over.items():
        if value is None and drop_null:
            result.pop(key, None)
        elif isinstance(value, dict) and isinstance(result.get(key), dict):
            result[key] = merged(result[key], value, drop_null=drop_null)
        else:
            result[key] = value
    return result
