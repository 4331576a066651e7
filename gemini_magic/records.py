"""The rows of the tables: one record type for chunks, for events and for usage reports, and their columns.

It knows how a stored value is shown and what row an event makes; what events add up to is the ledger's.
"""

from __future__ import annotations

import json
from array import array
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Any, Literal, NamedTuple, overload

import msgspec

from .content import Text, Thought, kind_of
from .events import Chunk, Delta, Event, Evidence, Failure, Finish, Usage, UsageReport
from .surrogates import clean
from .tables import Column, Columns

__all__ = [
    "ChunkList",
    "ChunkRow",
    "EventLog",
    "EventRow",
    "UsageRow",
    "chunk_columns",
    "columns_of",
    "describe",
    "in_one_word",
]


class ChunkRow(NamedTuple):
    """One row of ``Response.chunks``; times in seconds, sizes in bytes, counts in tokens."""

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
    """One row of ``Response.events``; ``json`` holds the event's own fields."""

    index: int  # type: ignore[assignment] # see ChunkRow
    chunk: int | None
    t: float
    candidate: int | None
    kind: str
    text: str | None
    json: str


class UsageRow(NamedTuple):
    """One row of ``Response.usage_history``: the running totals as sent, and what each report added."""

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


def _event_json(event: Event) -> str:
    try:
        return msgspec.json.encode(event).decode()
    except UnicodeEncodeError:  # a lone surrogate, as some servers send
        return json.dumps(msgspec.to_builtins(event), default=repr)


def _decoded(raw: bytes) -> str:
    return raw.decode("utf-8", "replace")


_TYPES: dict[str, Literal["int32", "int64", "float64", "string"]] = {
    **dict.fromkeys(("round", "attempt", "candidate"), "int32"),
    **dict.fromkeys(("t", "gap", "waited", "started", "seconds"), "float64"),
    **dict.fromkeys(("kind", "text", "thought", "finish_reason", "json"), "string"),
    **dict.fromkeys(("severity", "message", "mime_type", "name", "counted", "modality"), "string"),
    **dict.fromkeys(("url", "ended", "problem"), "string"),
}


# Never unknown. (An event may belong to no chunk.)
_FULL = frozenset({"index", "round", "attempt", "t", "size", "chars"})
_EVIDENCE = {
    "citationMetadata": "citation",
    "groundingMetadata": "grounding",
    "urlContextMetadata": "url_context",
}


def columns_of(record: Any, read: Any) -> list[Column]:
    """The record's fields as columns; what is not named above counts something."""
    return [
        Column(
            name,
            "int32" if name in {"index", "chunk"} else _TYPES.get(name, "int64"),
            read if name == "json" else None,
            name in _FULL,
            name == "json" and read is _decoded,
        )
        for name in record._fields
    ]


def chunk_columns() -> Columns[ChunkRow]:
    """Empty columns of ``Response.chunks``; ``json`` is stored as bytes."""
    return Columns(ChunkRow, columns_of(ChunkRow, _decoded))


def describe(event: Event) -> tuple[str, str | None, int | None]:
    """An event's kind, the text that shows it, and its candidate."""
    if isinstance(event, Delta):
        part = event.part
        return kind_of(part), part.text if isinstance(part, Text | Thought) else None, event.candidate
    if isinstance(event, UsageReport):
        return "usage", None, None
    if isinstance(event, Finish):
        return "finish", event.reason, event.candidate
    if isinstance(event, Evidence):
        return _EVIDENCE.get(event.name, "other"), None, event.candidate
    return "error" if isinstance(event, Failure) else "note", event.message, None


@lru_cache(maxsize=128)
def in_one_word(*kinds: str) -> str:
    """The kinds of one chunk's events, notes apart."""
    return "+".join(dict.fromkeys(kind for kind in kinds if kind != "note")) or "other"


class ChunkList(Sequence[Chunk]):
    """The chunks of a table as objects, made when they are asked for: an object for each would double what is kept."""

    def __init__(self, columns: Columns[ChunkRow]) -> None:
        self._columns = columns
        place = ChunkRow._fields.index
        self._times, self._raws, self._rounds, self._attempts = (
            columns.values[place(name)] for name in ("t", "json", "round", "attempt")
        )

    def __len__(self) -> int:
        return self._columns.length

    @overload
    def __getitem__(self, key: int) -> Chunk: ...
    @overload
    def __getitem__(self, key: slice) -> list[Chunk]: ...
    def __getitem__(self, key: int | slice) -> Chunk | list[Chunk]:
        rows = range(self._columns.length)[key]
        return self._at(rows) if isinstance(rows, int) else list(map(self._at, rows))

    def __iter__(self) -> Iterator[Chunk]:
        return map(self._at, range(self._columns.length))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ChunkList | list) and list(self) == list(other)

    __hash__ = None  # type: ignore[assignment] # it grows

    def _at(self, row: int) -> Chunk:
        return Chunk(row, self._times[row], self._raws[row], self._rounds[row], self._attempts[row])


class EventLog:
    """The events in order, each with the chunk that brought it and its time.

    The tables of events and of usage hold nothing that is not here: they are made of it when somebody asks.

    Attributes:
        events: append-only, for one writer.
        event_columns: the columns of ``Response.events``; ``json`` is stored as the event itself.
        usage_columns: the columns of ``Response.usage_history``.
    """

    def __init__(self) -> None:
        self.events: list[Event] = []
        self._chunks = array("i")
        self._times = array("d")
        self._former: Usage | None = None  # of the rows made already
        self._counted = 0  # events that the table of usage has seen
        self.event_columns: Columns[EventRow] = Columns(
            EventRow, columns_of(EventRow, _event_json), self._event_rows
        )
        self.usage_columns: Columns[UsageRow] = Columns(
            UsageRow, columns_of(UsageRow, None), self._usage_rows
        )

    def extend(self, events: list[Event], chunks: list[int], t: float) -> None:
        """Add events of one moment, each with the index of its chunk, -1 for none."""
        self._chunks.extend(chunks)
        self._times.extend([t] * len(events))
        self.events += events  # last: as many as there are events, there are chunks and times

    def _event_rows(self) -> Iterator[tuple[Any, ...]]:
        for index in range(self.event_columns.length, len(self.events)):
            event, chunk = self.events[index], self._chunks[index]
            kind, shown, candidate = describe(event)
            text = None if shown is None else clean(shown)
            yield index, None if chunk < 0 else chunk, self._times[index], candidate, kind, text, event

    def _usage_rows(self) -> Iterator[tuple[Any, ...]]:
        seen, self._counted = self._counted, len(self.events)
        for index in range(seen, self._counted):
            event = self.events[index]
            if isinstance(event, UsageReport):
                usage, former = event.usage, self._former or Usage()
                pairs = zip(usage, former, strict=True)
                deltas = (None if now is None else now - (then or 0) for now, then in pairs)
                yield self._chunks[index], self._times[index], *usage, *deltas
                if usage.total is not None or self._former is None:
                    self._former = usage
