"""The record classes of the tables, the types of their columns, and how events and parts become rows."""

from __future__ import annotations

import json
from array import array
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cache, cached_property, lru_cache
from typing import Any, Final, Literal, NamedTuple, TypeVar

import msgspec

from ..content import Blob, Code, Part, Text, Thought, kind_of
from ..events import (
    Chunk,
    Delta,
    Event,
    Evidence,
    Failure,
    Finish,
    StepStart,
    StepStop,
    TokenDetail,
    Usage,
    UsageReport,
)
from ..lazy import LazySequence
from ..tables import Column, Columns, ColumnStorage, ColumnType, DeferredColumns, Rows

__all__ = [
    "ChunkList",
    "ChunkRow",
    "EventRow",
    "LogprobRow",
    "ModalityRow",
    "NoteRow",
    "PartRow",
    "SafetyRow",
    "SourceRow",
    "TranscriptRow",
    "UrlContextRow",
    "UsageRow",
    "chunk_columns",
    "columns_of",
    "describe",
    "event_json",
    "filled_columns",
    "join_kinds",
    "modality_rows",
    "part_row",
    "rows_of",
]

R = TypeVar("R", bound=tuple[Any, ...])


# -- record classes


class ChunkRow(NamedTuple):
    """One row of ``Response.chunks``.

    Attributes:
        index: position of the chunk, from 0.
        round: tool round, from 0.
        attempt: attempt of that round, from 0.
        t: arrival in seconds since the request was sent (monotonic clock).
        gap: seconds since the chunk before; None for the first.
        size: bytes of the JSON text.
        kind: kinds of its events, joined by ``+``.
        text, thought: what it adds to candidate 0.
        chars: characters of the answer so far.
        finish_reason: its documented name, or as sent if it is unknown; None where none was sent.
        prompt_tokens, cached_tokens, output_tokens, thought_tokens, tool_tokens, total_tokens: running totals as sent;
            None where not sent.
        json: the JSON text.
    """

    index: int  # type: ignore[assignment] # the column's name matters more than tuple.index
    round: int
    attempt: int
    t: float
    gap: float | None
    size: int
    kind: str
    text: str
    thought: str
    chars: int
    finish_reason: str | None
    prompt_tokens: int | None
    cached_tokens: int | None
    output_tokens: int | None
    thought_tokens: int | None
    tool_tokens: int | None
    total_tokens: int | None
    json: str


class EventRow(NamedTuple):
    """One row of ``Response.events``.

    Attributes:
        index: position of the event, from 0.
        chunk: index of the chunk that carried it; None for an event without a chunk, such as an HTTP error.
        t: arrival in seconds since the request was sent.
        candidate: the candidate it belongs to, or None.
        kind: the kind of the part, or usage, finish, citation, grounding, url_context, step, step_end, error, note or other.
        text: its text, finish reason, type of step or message; None where it has none.
        json: the event's own fields.
    """

    index: int  # type: ignore[assignment] # see ChunkRow
    chunk: int | None
    t: float
    candidate: int | None
    kind: str
    text: str | None
    json: str


class UsageRow(NamedTuple):
    """One row of ``Response.usage_history``: running totals in tokens as sent, and what each report added to them."""

    chunk: int
    t: float
    prompt: int | None
    cached: int | None
    output: int | None
    thoughts: int | None
    tool: int | None
    total: int | None
    prompt_delta: int | None
    cached_delta: int | None
    output_delta: int | None
    thoughts_delta: int | None
    tool_delta: int | None
    total_delta: int | None


class ModalityRow(NamedTuple):
    """One row of ``Response.usage_by_modality``.

    Attributes:
        chunk: index of the chunk that carried the report.
        t: its arrival in seconds since the request was sent.
        counted: prompt, cached, output or tool.
        modality: text, image, audio and so on.
        tokens: the count as sent.
    """

    chunk: int
    t: float
    counted: str
    modality: str
    tokens: int


class PartRow(NamedTuple):
    """One row of ``Response.parts_table``.

    Attributes:
        index: position among the parts of its candidate.
        candidate: the candidate it belongs to.
        kind: text, thought, blob, file, call, result, code and so on.
        text: its text or code; None for media and calls.
        size: bytes of media, characters of text; None for other parts.
        mime_type: of media.
        name: of the function.
        signed: 1 if it carries a thought signature, else 0.
        json: the fields of the part, without the bytes of media.
    """

    index: int  # type: ignore[assignment] # see ChunkRow
    candidate: int
    kind: str
    text: str | None
    size: int | None
    mime_type: str | None
    name: str | None
    signed: int
    json: str


class NoteRow(NamedTuple):
    """One row of ``Response.notes``; see :class:`~gemini_magic.events.Note`.

    ``byte`` is the byte offset in the response body; ``offset`` is another name of it.
    """

    kind: str
    severity: str
    message: str
    chunk: int | None
    byte: int | None  # "offset" is a keyword of SQL

    @property
    def offset(self) -> int | None:
        """The same as ``byte``."""
        return self.byte


class SourceRow(NamedTuple):
    """One row of ``Response.sources``.

    Attributes:
        n: the number that marks it in the answer.
        kind: web, image, maps, file, page (a URL of the prompt), citation (the answer quotes it), or as sent.
        title: as sent; the domain or the address where there is none.
        uri, domain, license: as sent.
        passages: how many passages of the answer it supports.
        text: these passages, one on each line.
        json: the passages with their places in bytes, and the text of the source that was used.
    """

    n: int
    kind: str
    title: str
    uri: str
    domain: str
    license: str | None
    passages: int
    text: str
    json: str


class UrlContextRow(NamedTuple):
    """One row of ``Response.url_context``: a page that the server was to read.

    ``outcome`` is success, error, paywall, unsafe, or as sent.
    """

    url: str
    outcome: str
    chunk: int


class SafetyRow(NamedTuple):
    """One row of ``Response.safety``; values that were not sent are None.

    Attributes:
        chunk: index of the chunk that carried the rating; ``t``: its arrival in seconds since the request was sent.
        rated: prompt or answer.
        candidate: the rated candidate; None for the prompt.
        category, probability, severity: in lower case, without the API's prefixes.
        blocked: 1 if it is the reason for a block, else 0.
        probability_score, severity_score: from 0 to 1.
    """

    chunk: int
    t: float
    rated: str
    candidate: int | None
    category: str
    probability: str | None
    blocked: int | None
    probability_score: float | None
    severity: str | None
    severity_score: float | None


class LogprobRow(NamedTuple):
    """One row of ``Response.logprobs``.

    Attributes:
        index: position of the token.
        chunk: index of the chunk that carried it.
        candidate: the candidate.
        token: its text.
        logprob: the natural logarithm of its probability; None where it was not sent.
        byte: where the token begins in the UTF-8 form of the answer; None where it is not in the text of the answer.
        token_id: the model's number for it.
        json: ``alternatives``, the most probable tokens at this place, each with its log probability.
    """

    index: int  # type: ignore[assignment] # see ChunkRow
    chunk: int
    candidate: int
    token: str
    logprob: float | None
    byte: int | None
    token_id: int | None
    json: str


class TranscriptRow(NamedTuple):
    """One row of ``Response.transcript``.

    Attributes:
        index: position among the transcripts of the answer.
        speaker, language: as sent, or None.
        begins, ends: seconds from the beginning of the recording, or None.
        text: the words.
        json: ``words``, the single words with their times as sent.
    """

    index: int  # type: ignore[assignment] # see ChunkRow
    speaker: str | None
    language: str | None
    begins: float | None  # "start" and "end" are keywords of SQL
    ends: float | None
    text: str
    json: str


# -- columns

# The Arrow type of every column by name; a name has the same type in every table.
_TYPES: dict[str, ColumnType] = {
    **dict.fromkeys(("index", "chunk", "round", "attempt", "candidate"), "int32"),
    **dict.fromkeys(("size", "chars", "byte", "tokens", "signed", "status"), "int64"),
    **dict.fromkeys(
        (f"{name}_tokens" for name in ("prompt", "cached", "output", "thought", "tool", "total")), "int64"
    ),
    **dict.fromkeys(Usage._fields, "int64"),
    **dict.fromkeys((f"{name}_delta" for name in Usage._fields), "int64"),
    **dict.fromkeys(
        ("t", "gap", "waited", "started", "seconds", "tool_seconds", "first_byte", "cost"), "float64"
    ),
    **dict.fromkeys(("kind", "text", "thought", "finish_reason", "json"), "string"),
    **dict.fromkeys(("severity", "message", "mime_type", "name", "counted", "modality"), "string"),
    **dict.fromkeys(("url", "ended", "problem", "type"), "string"),
    **dict.fromkeys(("n", "passages", "blocked", "calls"), "int32"),
    "token_id": "int64",
    **dict.fromkeys(("logprob", "probability_score", "severity_score", "begins", "ends"), "float64"),
    **dict.fromkeys(("title", "uri", "domain", "license", "rated", "category", "probability"), "string"),
    **dict.fromkeys(("token", "speaker", "language", "outcome"), "string"),
}
_NOT_NULL: Final = frozenset({"index", "t", "size", "chars"})
# What ChunkRow shows in rows without a value of these columns; such rows take no memory.
_DEFAULTS: dict[str, Literal[0, ""]] = {"round": 0, "attempt": 0, "kind": "", "text": "", "thought": ""}


def _decode(raw: bytes) -> str:
    return raw.decode("utf-8", "replace")


@cache
def columns_of(record: type[tuple[Any, ...]], read: Callable[[Any], Any] | None = None) -> tuple[Column, ...]:
    """Return the fields of a record class as columns.

    Args:
        record: a ``NamedTuple`` class.
        read: turns a stored value of ``json`` into text, where it is stored in another form.

    Raises:
        TypeError: no column type is declared for a field.
    """
    names: tuple[str, ...] = record._fields  # type: ignore[attr-defined] # a NamedTuple has it
    if missing := [name for name in names if name not in _TYPES]:
        raise TypeError(f"No column type is declared for {record.__name__}.{', '.join(missing)}.")
    return tuple(
        Column(
            name,
            _TYPES[name],
            read if name == "json" else None,
            name in _NOT_NULL,
            encoded=name == "json" and read is _decode,
        )
        for name in names
    )


@cache
def _columns_of_chunks() -> tuple[Column, ...]:
    return tuple(
        column._replace(default=_DEFAULTS.get(column.name), sparse=column.name == "finish_reason")
        for column in columns_of(ChunkRow, _decode)
    )


def chunk_columns(*, deferred: bool = False) -> Columns[ChunkRow]:
    """Return empty columns of ``Response.chunks``; ``json`` is stored as bytes.

    Args:
        deferred: whether the values are stored when they are first read.
    """
    return (DeferredColumns if deferred else Columns)(ChunkRow, _columns_of_chunks())


def filled_columns(record: type[R], rows: Iterable[tuple[Any, ...]]) -> Columns[R]:
    """Return the columns of rows that exist already.

    Raises:
        TypeError: no column type is declared for a field of the record class.
    """
    columns: Columns[R] = Columns(record, [column._replace(not_null=False) for column in columns_of(record)])
    columns.extend(list(rows))
    return columns


def rows_of(record: type[R], rows: Iterable[tuple[Any, ...]]) -> Rows[R]:
    """Return a table of rows that exist already; raises as :func:`filled_columns`."""
    return Rows(filled_columns(record, rows))


# -- rows of parts and counts


def part_row(index: int, candidate: int, part: Part) -> PartRow:
    """Return the row of one part."""
    text = part.text if isinstance(part, Text | Thought) else part.code if isinstance(part, Code) else None
    blob = isinstance(part, Blob)
    fields = {
        name: value for name, value in msgspec.to_builtins(part).items() if not (blob and name == "data")
    }
    return PartRow(
        index,
        candidate,
        kind_of(part),
        text,
        len(part.data) if isinstance(part, Blob) else None if text is None else len(text),
        getattr(part, "mime_type", None),
        getattr(part, "name", None),
        int(part.signature is not None),
        json.dumps(fields, default=repr, ensure_ascii=False),
    )


def modality_rows(reported: Iterable[tuple[Chunk, Iterable[TokenDetail]]]) -> Iterator[ModalityRow]:
    """Return the rows of the counts by modality.

    Args:
        reported: chunks, each with the counts that it reports.
    """
    return (ModalityRow(chunk.index, chunk.t, *detail) for chunk, details in reported for detail in details)


# -- events


def event_json(event: Event) -> str:
    """Return the fields of an event as JSON."""
    try:
        return msgspec.json.encode(event).decode()
    except UnicodeEncodeError:  # a lone surrogate, as some servers send
        return json.dumps(msgspec.to_builtins(event), default=repr)


def describe(event: Event) -> tuple[str, str | None, int | None]:
    """Return the kind of an event, its text (None where it has none), and its candidate (None where it has none)."""
    if isinstance(event, Delta):
        part = event.part
        return kind_of(part), part.text if isinstance(part, Text | Thought) else None, event.candidate
    if isinstance(event, UsageReport):
        return "usage", None, None
    if isinstance(event, Finish):
        return "finish", event.reason, event.candidate
    if isinstance(event, Evidence):
        return event.kind, None, event.candidate
    if isinstance(event, StepStart):
        return "step", event.type, 0
    if isinstance(event, StepStop):
        return "step_end", None, 0
    return "error" if isinstance(event, Failure) else "note", event.message, None


@lru_cache(maxsize=128)
def join_kinds(*kinds: str) -> str:
    """Return the kinds of the events of one chunk joined by ``+``, without notes; ``other`` if none remains."""
    return "+".join(dict.fromkeys(kind for kind in kinds if kind != "note")) or "other"


class ChunkList(LazySequence[Chunk]):
    """The chunks of a table as objects, created on access.

    Args:
        columns: the table.
        offsets: where each chunk begins in the body of its exchange, in bytes; -1 where that is not known, and above 2 GB.
    """

    def __init__(self, columns: Columns[ChunkRow], offsets: array[int]) -> None:
        self._columns = columns
        self._offsets = offsets

    def __reduce__(self) -> tuple[Any, ...]:
        return ChunkList, (self._columns, self._offsets)

    def __len__(self) -> int:
        return self._columns.length

    @cached_property
    def _stores(self) -> list[ColumnStorage]:
        return [self._columns.stores[name] for name in ("t", "json", "round", "attempt")]

    def _items(self, rows: Sequence[int]) -> Iterator[Chunk]:
        offsets = (None if offset < 0 else offset for offset in map(self._offsets.__getitem__, rows))
        return map(Chunk, rows, *(store.stored(rows) for store in self._stores), offsets)
