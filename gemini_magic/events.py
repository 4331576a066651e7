"""Chunks of a stream and the events they carry.

A chunk is one JSON value exactly as received, with its arrival time. Events are its decoded content. ``wire`` reads
chunks, ``backends`` decode them into events, and the ``ledger`` records both.
"""

from __future__ import annotations

import json
from typing import Any, Literal, NamedTuple, TypeAlias

from msgspec import Struct, field

from .content import Part
from .text import read_json

__all__ = [
    "Chunk",
    "Citation",
    "Decoded",
    "Delta",
    "Event",
    "Evidence",
    "Failure",
    "Finish",
    "FinishOutcome",
    "Grounding",
    "Note",
    "RetrievedPage",
    "SafetyRating",
    "Severity",
    "Source",
    "Status",
    "StepStart",
    "StepStop",
    "Support",
    "TokenDetail",
    "TokenScore",
    "Usage",
    "UsageReport",
]

Status: TypeAlias = Literal["running", "complete", "truncated", "blocked", "error", "stalled", "interrupted"]
FinishOutcome: TypeAlias = Literal[
    "complete", "truncated", "paused", "blocked", "error", "interrupted", "budget"
]
Severity: TypeAlias = Literal["info", "warning", "error"]


class Usage(NamedTuple):
    """Running totals of token counts as the server sends them; counts that were not sent are None.

    ``output`` excludes thoughts; ``prompt`` includes cached tokens (Gemini API, ``UsageMetadata``).
    """

    prompt: int | None = None
    cached: int | None = None
    output: int | None = None
    thoughts: int | None = None
    tool: int | None = None
    total: int | None = None


class TokenDetail(NamedTuple):
    """A token count by modality, as a server reports it.

    Attributes:
        counted: ``prompt``, ``cached``, ``output`` or ``tool``.
        modality: in lower case, such as ``text`` or ``audio``; empty where the server does not say.
        tokens: the count.
    """

    counted: str
    modality: str
    tokens: int


class Chunk(Struct, frozen=True, gc=False):
    """One JSON value of the stream, exactly as received.

    Attributes:
        index: position from 0, across all rounds and attempts.
        t: arrival of its last byte, in seconds since the first request was sent (monotonic clock).
        raw: the JSON text as bytes, exactly as received.
        round: tool round, from 0.
        attempt: attempt of that round, from 0.
        offset: where in the body of its exchange the text begins, in bytes; None where that is not known, and above 2 GB.
    """

    index: int
    t: float
    raw: bytes
    round: int = 0
    attempt: int = 0
    offset: int | None = None

    @property
    def size(self) -> int:
        """Bytes of the JSON text."""
        return len(self.raw)

    @property
    def value(self) -> Any:
        """The JSON value, parsed on each access; nesting and numbers beyond Python's limits are left as text."""
        try:
            return json.loads(self.raw)
        except (ValueError, RecursionError):
            return read_json(self.raw)


class Delta(Struct, frozen=True, gc=False):
    """A part that was added to a candidate."""

    part: Part
    candidate: int = 0


class Citation(NamedTuple):
    """A passage of the answer that the server attributes to a source. Values that were not sent are None.

    Attributes:
        start, end: byte offsets of the passage in the UTF-8 form of the answer.
        uri, title, license: of the source.
    """

    start: int | None
    end: int | None
    uri: str | None
    title: str | None
    license: str | None


class Source(NamedTuple):
    """A source that the server names for an answer. Texts that were not sent are empty.

    Attributes:
        kind: ``web``, ``image``, ``maps``, ``file``, ``page`` (read from a URL of the prompt), ``citation`` (the answer
            quotes it), or the server's own name for an unknown kind.
        title, uri, domain: as sent.
        text: the passage of the source that was used, as sent.
        license: the license of a source that the answer quotes.
    """

    kind: str
    title: str = ""
    uri: str = ""
    domain: str = ""
    text: str = ""
    license: str = ""


class Support(NamedTuple):
    """A passage of the answer that sources support.

    Attributes:
        start, end: byte offsets in the UTF-8 form of the answer, ``end`` exclusive; None where they were not sent.
        text: the passage as the server quotes it; may be empty.
        sources: positions in the list of sources.
        part: the part of the answer in which the offsets count, or None.
    """

    start: int | None
    end: int | None
    text: str
    sources: tuple[int, ...]
    part: int | None = None


class Grounding(Struct, frozen=True, gc=False):
    """The sources of an answer.

    Attributes:
        sources: the sources; ``supports``: the passages that they support.
        queries: what was searched for on the web.
        suggestions: HTML with search suggestions that the search engine wants to be shown; hostile like every text of
            a server, and empty where none was sent.
    """

    sources: tuple[Source, ...] = ()
    supports: tuple[Support, ...] = ()
    queries: tuple[str, ...] = ()
    suggestions: str = ""


class RetrievedPage(NamedTuple):
    """A page that a server read for an answer.

    Attributes:
        url: the address as sent.
        status: ``success``, ``error``, ``paywall``, ``unsafe``, another status as sent in lower case, or empty.
    """

    url: str
    status: str


class SafetyRating(NamedTuple):
    """How probable a kind of harm is in an answer or a prompt. Values that were not sent are None.

    Attributes:
        candidate: the rated candidate; None for the prompt.
        category, probability, severity: in lower case, without the API's prefixes.
        blocked: whether it is the reason for a block.
        probability_score, severity_score: from 0 to 1.
    """

    candidate: int | None
    category: str
    probability: str | None = None
    blocked: bool | None = None
    probability_score: float | None = None
    severity: str | None = None
    severity_score: float | None = None


class TokenScore(NamedTuple):
    """A token of an answer with its log probability.

    Attributes:
        candidate: the candidate.
        token: the text of the token.
        token_id: the model's number for it, or None.
        logprob: the natural logarithm of its probability, or None.
        alternatives: the most probable tokens at this place, each with its log probability.
    """

    candidate: int
    token: str
    token_id: int | None
    logprob: float | None
    alternatives: tuple[tuple[str, float | None], ...] = ()


class Evidence(Struct, frozen=True, gc=False):
    """What a server reports about an answer beside its text: citations, searches, pages that it read.

    Attributes:
        kind: what it is about.
        value: the JSON value as sent.
        candidate: which candidate it belongs to.
        citations: the passages and sources in ``value``; empty for anything but citations.
        grounding: the sources in ``value``; None for anything but grounding.
        pages: the pages in ``value``; empty for anything but URL context.
    """

    kind: Literal["citation", "grounding", "url_context"]
    value: Any
    candidate: int = 0
    citations: tuple[Citation, ...] = ()
    grounding: Grounding | None = None
    pages: tuple[RetrievedPage, ...] = ()


class UsageReport(Struct, frozen=True, gc=False):
    """A report of the running totals of tokens."""

    usage: Usage


class Finish(Struct, frozen=True, gc=False):
    """A finish reason. The stream may continue after it: only the end of input ends it.

    Attributes:
        reason: its documented name, in whatever form the server wrote it; unknown reasons are passed through.
        message: the server's explanation, or None.
        candidate: index of the candidate it belongs to.
        prompt: True if the prompt itself was blocked.
        outcome: what the reason means for the answer; None for a reason that the backend does not know. ``truncated``
            is the token limit, ``paused`` an interruption after which the server can continue the answer, ``interrupted``
            an answer that was cancelled on the server, ``budget`` the token budget of an agent.
        last: True if the protocol says that nothing of the answer follows.
    """

    reason: str
    message: str | None = None
    candidate: int = 0
    prompt: bool = False
    outcome: FinishOutcome | None = None
    last: bool = False


class StepStart(Struct, frozen=True):
    """A step of an answer begins (Interactions API). The parts that follow belong to it, until another step begins.

    Attributes:
        index: the server's index of the step; one that is no index is replaced by the number of steps before it.
        type: ``model_output``, ``thought``, ``function_call``, ``google_search_call`` or another type as sent; derived
            from its content where the server sends no beginning.
        raw: the step as it began; empty where the server sends no beginning.
        id: the id of a call, or of the call that a result belongs to; None without one.
        name: what it calls: a function, a tool of an MCP server; None for any other step.
    """

    index: int
    type: str
    raw: dict[str, Any] = field(default_factory=dict)
    id: str | None = None
    name: str | None = None

    @property
    def is_thought(self) -> bool:
        """Whether it begins a thought, which is a separate paragraph."""
        return self.type == "thought"


class StepStop(Struct, frozen=True):
    """A step of an answer has ended.

    Attributes:
        index: the index of its :class:`StepStart`.
        usage: the tokens of this step alone; None if the server did not report them.
        raw: the whole step, to be sent back as it was received: how it began, and everything that was added to it.
    """

    index: int
    usage: Usage | None = None
    raw: dict[str, Any] = field(default_factory=dict)


class Note(Struct, frozen=True, gc=False):
    """A diagnostic about the stream.

    Attributes:
        kind: a short name in kebab case, such as ``done-marker``.
        message: one line of explanation.
        severity: ``info`` for harmless findings, ``warning`` for those that may mislead, ``error`` for lost data.
        chunk: index of the chunk it was found in, or None.
        offset: byte offset in the response body, or None.
    """

    kind: str
    message: str
    severity: Severity = "info"
    chunk: int | None = None
    offset: int | None = None


class Failure(Struct, frozen=True):
    """An HTTP error, or an error object in the stream.

    Attributes:
        message: the server's message.
        code: HTTP status or the error object's code, or None.
        status: canonical name such as ``UNAVAILABLE``, or None.
        retry_after: seconds to wait before the next request, as the server asks, or None.
        reason: the ErrorInfo reason such as ``API_KEY_INVALID``, or None.
        final: True if waiting does not help (daily quota, ``limit: 0``).
        remedy: what to do, where more is known than the code; empty otherwise.
        blocked: True if a filter refused the prompt or the answer.
    """

    message: str
    code: int | None = None
    status: str | None = None
    retry_after: float | None = None
    reason: str | None = None
    final: bool = False
    remedy: str = ""
    blocked: bool = False


Event: TypeAlias = Delta | Evidence | UsageReport | Finish | Note | Failure | StepStart | StepStop


class Decoded(Struct, gc=False):
    """The decoded content of one chunk.

    Attributes:
        events: its events, in order.
        model_version: as sent, or None.
        response_id: as sent, or None; of an interaction its id, which is None for one that the server does not store.
        continuation: the token with which the server can continue the answer, or None.
        extras: other fields of the answer that users may want, as sent; None if there are none. Every decoder uses these
            names where the dialect has such a field: ``provider`` and ``cache_tier`` of a gateway, ``serviceTier`` that
            was billed, ``cost`` in US dollars.
        lost: a description of content that could not be read; empty if everything could be read.
        cursor: the place in a stored stream from which the server can repeat it (``event_id``), or None.
        stored_id: the id with which the stream of an answer that the server stores can be read again, or None.
        held: whether the decoder keeps values of the chunk for a later event, so that they count for the size limit.
    """

    events: list[Event]
    model_version: str | None = None
    response_id: str | None = None
    continuation: str | None = None
    extras: dict[str, Any] | None = None
    lost: str = ""
    cursor: str | None = None
    held: bool = False
    stored_id: str | None = None
