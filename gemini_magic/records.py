"""The rows of the tables: one record type for chunks, for events and for usage reports, and their columns.

It knows how a stored value is shown; it does not know when a row is added (``ledger``).
"""

from __future__ import annotations

import json
from typing import Any, Literal, NamedTuple

import msgspec

from .events import Event
from .tables import Column, Columns

__all__ = ["ChunkRow", "EventRow", "UsageRow", "chunk_columns", "event_columns", "usage_columns"]


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
    **dict.fromkeys(("t", "gap"), "float64"),
    **dict.fromkeys(("kind", "text", "thought", "finish_reason", "json"), "string"),
}


def _columns(record: Any, read: Any) -> list[Column]:
    """The record's fields as columns; what is not named above counts something."""
    return [
        Column(
            name,
            "int32" if name in {"index", "chunk"} else _TYPES.get(name, "int64"),
            read if name == "json" else None,
        )
        for name in record._fields
    ]


def chunk_columns() -> Columns[ChunkRow]:
    """Empty columns of ``Response.chunks``; ``json`` is stored as bytes."""
    return Columns(ChunkRow, _columns(ChunkRow, _decoded))


def event_columns() -> Columns[EventRow]:
    """Empty columns of ``Response.events``; ``json`` is stored as the event itself."""
    return Columns(EventRow, _columns(EventRow, _event_json))


def usage_columns() -> Columns[UsageRow]:
    """Empty columns of ``Response.usage_history``."""
    return Columns(UsageRow, _columns(UsageRow, None))
