"""The rows of the tables: one record type for chunks, for events and for usage reports, and their columns.

It knows how a stored value is shown and what row an event makes; what events add up to is the ledger's.
"""

from __future__ import annotations

import json
from array import array
from collections.abc import Iterable, Iterator, Sequence
from functools import cache, lru_cache
from typing import Any, Literal, NamedTuple, TypeVar

import msgspec

from ..content import Blob, Code, Part, Text, Thought, kind_of
from ..events import Chunk, Delta, Event, Evidence, Failure, Finish, TokenDetail, UsageReport
from ..lazy import LazySequence
from ..tables import Column, Columns, Rows

__all__ = [
    "ChunkList",
    "ChunkRow",
    "EventRow",
    "ModalityRow",
    "NoteRow",
    "PartRow",
    "UsageRow",
    "chunk_columns",
    "columns_of",
    "describe",
    "event_json",
    "in_one_word",
    "modality_rows",
    "part_row",
    "rows_of",
]

R = TypeVar("R", bound=tuple[Any, ...])


class PartRow(NamedTuple):
    """One row of ``Response.parts_table``.

    Attributes:
        index: position among the candidate's parts.
        candidate: whose part it is.
        kind: text, thought, blob, file, call, result, code and so on.
        text: what it says, or the code it holds; None for media and calls.
        size: bytes of media, characters of text; None for anything else.
        mime_type: of media.
        name: of the function.
        signed: whether it carries a thought signature.
        json: the part's own fields, media left out.
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
    """One row of ``Response.notes``; see :class:`~gemini_magic.events.Note`. ``byte`` (or ``offset``) is its place in the body."""

    kind: str
    severity: str
    message: str
    chunk: int | None
    byte: int | None  # "offset" is a word of SQL

    @property
    def offset(self) -> int | None:
        """The same as ``byte``."""
        return self.byte


class ModalityRow(NamedTuple):
    """One row of ``Response.usage_by_modality``: a count as sent, in tokens, by what it counts."""

    chunk: int
    t: float
    counted: str
    modality: str
    tokens: int


def rows_of(record: type[R], rows: Iterable[tuple[Any, ...]]) -> Rows[R]:
    """A table of rows that are all there already; its columns are the record's fields."""
    columns: Columns[R] = Columns(
        record, [column._replace(full=False) for column in columns_of(record, None)]
    )
    columns.extend(list(rows))
    return Rows(columns)


def part_row(index: int, candidate: int, part: Part) -> PartRow:
    """The row of one part."""
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
    """The rows of counts by modality, from chunks and the counts that each reports."""
    return (ModalityRow(chunk.index, chunk.t, *detail) for chunk, details in reported for detail in details)


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


def event_json(event: Event) -> str:
    """The event's own fields as JSON."""
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
_FULL = frozenset({"index", "t", "size", "chars"})
_MISSING: dict[str, Literal[0, ""]] = {"round": 0, "attempt": 0, "kind": "", "text": "", "thought": ""}


@cache
def columns_of(record: Any, read: Any) -> tuple[Column, ...]:
    """The record's fields as columns; what is not named above counts something."""
    return tuple(
        Column(
            name,
            "int32" if name in {"index", "chunk"} else _TYPES.get(name, "int64"),
            read if name == "json" else None,
            name in _FULL,
            encoded=name == "json" and read is _decoded,
        )
        for name in record._fields
    )


@cache
def _of_chunks() -> tuple[Column, ...]:
    return tuple(
        column._replace(missing=_MISSING.get(column.name), rare=column.name == "finish_reason")
        for column in columns_of(ChunkRow, _decoded)
    )


def chunk_columns() -> Columns[ChunkRow]:
    """Empty columns of ``Response.chunks``; ``json`` is stored as bytes."""
    return Columns(ChunkRow, _of_chunks())


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
        return event.kind, None, event.candidate
    return "error" if isinstance(event, Failure) else "note", event.message, None


@lru_cache(maxsize=128)
def in_one_word(*kinds: str) -> str:
    """The kinds of one chunk's events, notes apart."""
    return "+".join(dict.fromkeys(kind for kind in kinds if kind != "note")) or "other"


class ChunkList(LazySequence[Chunk]):
    """The chunks of a table as objects.

    Args:
        columns: the table.
        offsets: where each chunk begins in the body of its exchange, in bytes; -1 where that is not known.
    """

    def __init__(self, columns: Columns[ChunkRow], offsets: array[int]) -> None:
        self._columns = columns
        self._offsets = offsets
        self._stores = [columns.stores[name] for name in ("t", "json", "round", "attempt")]

    def __reduce__(self) -> tuple[Any, ...]:
        return ChunkList, (self._columns, self._offsets)

    def __len__(self) -> int:
        return self._columns.length

    def _some(self, rows: Sequence[int]) -> Iterator[Chunk]:
        offsets = (None if offset < 0 else offset for offset in map(self._offsets.__getitem__, rows))
        return map(Chunk, rows, *(store.given(rows) for store in self._stores), offsets)
