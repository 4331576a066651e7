"""Parts, turns and requests: values that are equal when their content is equal.

The backends translate them from and to the wire.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable, Sequence
from functools import cached_property
from typing import Any, Literal, TypeAlias

from msgspec import Struct, field

from .text import one_line, replace_surrogates

__all__ = [
    "Blob",
    "Call",
    "CallPieces",
    "CallResult",
    "Code",
    "CodeResult",
    "File",
    "LocalFile",
    "MediaSettings",
    "Opaque",
    "Part",
    "PartJoiner",
    "Request",
    "RequestSettings",
    "Text",
    "Thinking",
    "Thought",
    "Transcript",
    "TranscriptWriter",
    "Turn",
    "deep_merge",
    "encodable",
    "join_parts",
    "kind_of",
    "spoken_text",
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


class CallResult(Struct, frozen=True):
    """The return value of a called function."""

    name: str
    response: dict[str, Any] = field(default_factory=dict)
    id: str | None = None
    signature: str | None = None


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
    Text | Thought | Blob | File | LocalFile | Call | CallResult | Code | CodeResult | Transcript | Opaque
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
    Transcript: "transcript",
    Opaque: "other",
}


def kind_of(part: Part) -> str:
    """Return the name of a part's kind, as in the ``kind`` columns of the tables."""
    return _KINDS.get(type(part)) or next(name for kind, name in _KINDS.items() if isinstance(part, kind))


_SPEAKER = 80  # characters of a speaker's label in the text
_MARKUP = re.compile(r"[*_\\`\[\]<>]")


class TranscriptWriter:
    """Writes transcripts as text: a paragraph for each turn of a speaker, with the speaker's label in bold."""

    def __init__(self) -> None:
        self._last: Transcript | None = None
        self._ends_with_space = True

    def add(self, part: Transcript, *, follows_text: bool = False) -> str:
        """Return the text of the next part, with what separates it from the part before.

        Args:
            part: the part.
            follows_text: whether the answer has text before its first transcript.
        """
        if not part.text:
            return ""
        last, self._last = self._last, part
        gap, label = "", ""
        if last is None or part.speaker != last.speaker:
            gap = "\n\n" if last is not None or follows_text else ""
            label = _MARKUP.sub("", one_line(part.speaker))[:_SPEAKER].strip() if part.speaker else ""
        elif not (self._ends_with_space or part.text[0].isspace()):
            # Pieces of one utterance arrive with their spaces; utterances do not.
            whole = last.finished or last.end is not None or part.start is not None
            gap = " " if whole else ""
        self._ends_with_space = part.text[-1].isspace()
        return f"{gap}**{label}:** {part.text.lstrip()}" if label else f"{gap}{part.text}"


def spoken_text(parts: Iterable[Part]) -> str:
    """Return the text of an answer: its text parts and its transcripts, in order."""
    writer = TranscriptWriter()
    pieces: list[str] = []  # none of them is empty
    for part in parts:
        text = ""
        if isinstance(part, Text):
            text = part.text
        elif isinstance(part, Transcript):
            text = writer.add(part, follows_text=bool(pieces))
        if text:
            pieces.append(text)
    return "".join(pieces)


class Turn(Struct, frozen=True):
    """One message of a conversation, by the user or the model."""

    role: Literal["user", "model"]
    parts: tuple[Part, ...]

    @property
    def text(self) -> str:
        """The text parts and transcripts joined, without thoughts and media."""
        return spoken_text(self.parts)


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
        logprobs: the number of alternatives for which, with the chosen token, log probabilities are sent.
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
    logprobs: int | None = None
    stop: tuple[str, ...] = ()
    json_output: bool = False
    thinking: Thinking | None = None
    tools: tuple[Literal["search", "code_execution", "url_context"], ...] = ()
    safety: dict[str, str] = field(default_factory=dict)
    service_tier: str | None = None


class Request(Struct, frozen=True, kw_only=True):
    """A request before a backend encodes it.

    Attributes:
        model: the model's id, without ``models/``.
        turns: the conversation, oldest turn first; the last turn is the user's.
        system: the system instruction, or None.
        settings: what the options set, in no dialect.
        params: fields that the user named in the dialect (``-p NAME=VALUE``); they override ``settings``.
        body: JSON in the dialect that is merged deeply over the encoded body; it overrides everything else.
        continuation: the server's token for the answer that this request continues, or None.
    """

    model: str
    turns: tuple[Turn, ...]
    system: str | None = None
    settings: RequestSettings = RequestSettings()
    params: dict[str, Any] = field(default_factory=dict)
    body: dict[str, Any] = field(default_factory=dict)
    continuation: str | None = None


def join_parts(parts: Iterable[Part]) -> tuple[Part, ...]:
    """Join what a server sent in pieces: adjacent texts, adjacent thoughts, and function calls.

    A text or a thought with a signature is not joined. A call whose pieces ended early has the arguments that arrived.
    """
    joiner = PartJoiner()
    for part in parts:
        joiner.add(part)
    return joiner.parts()


class PartJoiner:
    """Joins parts as :func:`join_parts` does, while they arrive."""

    def __init__(self) -> None:
        self._found: list[Part] = []
        self._texts: list[str] = []  # the pieces of the last text or thought
        self._kind: type[Text | Thought] = Text  # of these pieces
        self._call: tuple[int, CallPieces] | None = (
            None  # the last call in pieces, with its position in `_found`
        )

    def add(self, part: Part) -> None:
        """Add the next part."""
        if isinstance(part, Text | Thought) and part.signature is None:
            if type(part) is not self._kind:
                self._end_text()
                self._kind = type(part)
            self._texts.append(part.text)
            return
        if isinstance(part, Call) and self._call is not None and self._call[1].accepts(part):
            self._call[1].add(part)
            return
        self._end_text()
        if isinstance(part, Call) and (part.will_continue or part.partial_args):
            self._end_call()
            self._call = len(self._found), CallPieces(part)
        self._found.append(part)

    def parts(self) -> tuple[Part, ...]:
        """The parts so far."""
        self._end_call(still_open=True)
        if not self._texts:
            return tuple(self._found)
        self._texts[:] = ["".join(self._texts)]  # the next call joins only what is added until then
        return (*self._found, self._kind(self._texts[0]))

    def _end_text(self) -> None:
        if self._texts:
            self._found.append(self._kind("".join(self._texts)))
            self._texts.clear()

    def _end_call(self, *, still_open: bool = False) -> None:
        if self._call is not None:
            position, pieces = self._call
            self._found[position] = pieces.call()
            if not (still_open and pieces.is_open):
                self._call = None


_STEP = re.compile(r"""\.([^.\[\]'"]+)|\[(\d{1,6})\]|\['((?:[^'\\]|\\.)*)'\]|\["((?:[^"\\]|\\.)*)"\]""")
_MAX_INDEX = 100_000  # of an array
_VALUES = ("numberValue", "boolValue")


class _StringPieces(list[str]):
    """A string that arrives in pieces."""


class CallPieces:
    """A function call whose arguments arrive in pieces (``partialArgs`` of Vertex AI).

    A piece is a JSON path (RFC 9535) with a value; only strings arrive in several pieces. The first part has the name and
    the signature, and a part without ``willContinue`` ends the call. Pieces that cannot be applied are kept as they are.

    Args:
        first: the first part.

    Attributes:
        is_open: whether more pieces may follow.
    """

    def __init__(self, first: Call) -> None:
        self._first = first
        self._tree: dict[str, Any] = {}
        self._given: dict[str, Any] = {}  # arguments that were sent whole
        self._rest: list[dict[str, Any]] = []  # pieces that could not be applied
        self._unfinished: set[tuple[str | int, ...]] = set()  # the paths of strings that continue
        self._id, self._signature = first.id, first.signature
        self.is_open = True
        self.add(first)

    def accepts(self, part: Call) -> bool:
        """Whether a part belongs to this call."""
        same = part.name is None or (
            part.id is not None and (part.name, part.id) == (self._first.name, self._id)
        )
        return self.is_open and same

    def add(self, part: Call) -> None:
        """Add the pieces of a part."""
        self._id, self._signature = self._id or part.id, self._signature or part.signature
        self._given = part.args or self._given
        for piece in part.partial_args or ():
            if not self._apply(piece):
                self._rest.append(piece)
        self.is_open = bool(part.will_continue)

    def call(self) -> Call:
        """The call with the arguments so far."""
        arguments = self._given or _finished(self._tree)
        return type(self._first)(self._first.name, arguments, self._id, self._signature, self._rest or None)

    def _apply(self, piece: dict[str, Any]) -> bool:
        path = _steps(piece.get("jsonPath"))
        if path is None:
            return False
        value: Any
        if isinstance(text := piece.get("stringValue"), str):
            value = _StringPieces([text])
        elif "nullValue" in piece:
            value = None
        else:
            name = next((name for name in _VALUES if name in piece), None)
            if name is None:
                return False
            value = piece[name]
        if path in self._unfinished and isinstance(value, _StringPieces):
            _value_at(self._tree, path).extend(value)
        elif not _put(self._tree, path, value):
            return False
        if isinstance(value, _StringPieces) and piece.get("willContinue"):
            self._unfinished.add(path)
        else:
            self._unfinished.discard(path)
        return True


def _steps(path: Any) -> tuple[str | int, ...] | None:
    """The names and indices of a JSON path; None if it is not one, or has an index above the limit."""
    if not isinstance(path, str) or not path.startswith("$"):
        return None
    steps: list[str | int] = []
    at = 1
    while at < len(path):
        found = _STEP.match(path, at)
        if found is None:
            return None
        name, index, *quoted = found.groups()
        if index is not None:
            steps.append(int(index))
        else:
            steps.append(name or re.sub(r"\\(.)", r"\1", next(text for text in quoted if text is not None)))
        at = found.end()
    if not steps or isinstance(steps[0], int) or any(step == "__proto__" for step in steps):
        return None
    return None if any(isinstance(step, int) and step > _MAX_INDEX for step in steps) else tuple(steps)


def _put(tree: dict[str, Any], path: Sequence[str | int], value: Any) -> bool:
    """Put a value into the arguments; returns False if the path leads through a value of another type."""
    place: Any = tree
    for step, following in zip(path, [*path[1:], None], strict=True):
        if isinstance(step, int):
            if not isinstance(place, list) or isinstance(place, _StringPieces):
                return False
            place.extend([None] * (step + 1 - len(place)))
        elif not isinstance(place, dict):
            return False
        container: Any = place
        if following is None:
            container[step] = value
            return True
        inner = container[step] if isinstance(step, int) else container.get(step)
        if inner is None:
            inner = container[step] = [] if isinstance(following, int) else {}
        place = inner
    return False


def _value_at(tree: dict[str, Any], path: Sequence[str | int]) -> Any:
    value: Any = tree
    for step in path:
        value = value[step]
    return value


def _finished(value: Any) -> Any:
    """The arguments with each string in one piece."""
    if isinstance(value, _StringPieces):
        return replace_surrogates("".join(value))
    if isinstance(value, dict):
        return {name: _finished(item) for name, item in value.items()}
    return [_finished(item) for item in value] if isinstance(value, list) else value


def encodable(parts: Iterable[Part]) -> tuple[Part, ...]:
    """Return parts that can be encoded as UTF-8: surrogate pairs are joined within each text, lone ones replaced."""
    return tuple(
        type(part)(replace_surrogates(part.text), part.signature)
        if isinstance(part, Text | Thought) and not part.text.isascii()
        else part
        for part in parts
    )


def deep_merge(base: dict[str, Any], over: dict[str, Any], *, drop_null: bool = False) -> dict[str, Any]:
    """Merge ``over`` deeply into ``base``: objects are merged, other values are replaced.

    Args:
        base: a JSON object; it is not changed.
        over: the JSON object that takes precedence.
        drop_null: whether a null in ``over`` removes the field; otherwise the merged field is null.
    """
    result = dict(base)
    for key, value in over.items():
        if value is None and drop_null:
            result.pop(key, None)
        elif isinstance(value, dict) and isinstance(result.get(key), dict):
            result[key] = deep_merge(result[key], value, drop_null=drop_null)
        else:
            result[key] = value
    return result
