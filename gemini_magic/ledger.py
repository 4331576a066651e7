"""The one record of an exchange, appended as it happens.

One reader writes; views, tables, conversation and recordings read snapshots of the growing lists. Data only: it
opens nothing, waits for nothing and shows nothing.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Literal, NamedTuple, TypeAlias

import msgspec

from .content import Part, Request, Text, Thought, kind_of
from .errors import (
    BlockedError,
    GeminiMagicError,
    Interrupted,
    ServiceError,
    StalledError,
    TruncatedError,
)
from .events import (
    Chunk,
    Delta,
    Event,
    Failure,
    Finish,
    Note,
    Reading,
    Severity,
    Status,
    Usage,
    UsageReport,
    status_of,
)
from .tables import Column, Columns

__all__ = ["Cause", "ChunkRow", "EventRow", "Exchange", "Ledger", "Phase", "UsageRow"]

Cause: TypeAlias = Literal["end", "cut", "failed", "stalled", "timeout", "interrupt", "stop"]
Phase: TypeAlias = Literal["preparing", "connecting", "waiting", "streaming", "retrying", "done"]

_RESUME = "What arrived is kept; `%gemini resume` asks for the rest in a new request."


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


class Exchange:
    """One HTTP exchange as it went over the wire: what was sent, and every piece the socket gave.

    Attributes:
        method, url, headers, body: the request; it never holds a key.
        status, reason, http_version, response_headers: the answer's head, None or empty until it came.
        pieces: ``(t, bytes)`` per socket read, body only, content-encoding undone; t in seconds since sent.
        end: how it ended in one word or sentence, None while it runs.
        round, attempt: tool round and attempt it belongs to.
    """

    def __init__(
        self,
        method: str,
        url: str,
        headers: Sequence[tuple[str, str]],
        body: bytes,
        *,
        round: int = 0,  # noqa: A002 - the tables' own word
        attempt: int = 0,
    ) -> None:
        self.method = method
        self.url = url
        self.headers = tuple(headers)
        self.body = body
        self.round = round
        self.attempt = attempt
        self.status: int | None = None
        self.reason = ""
        self.http_version = ""
        self.response_headers: tuple[tuple[str, str], ...] = ()
        self.pieces: list[tuple[float, bytes]] = []
        self.end: str | None = None


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


class _Joiner:
    """Text deltas with surrogate pairs joined across them and lone surrogates replaced."""

    def __init__(self) -> None:
        self._held = ""

    def add(self, text: str) -> str:
        if not self._held and text.isascii():
            return text
        text = self._held + text
        self._held = ""
        if text and "\ud800" <= text[-1] <= "\udbff":
            text, self._held = text[:-1], text[-1]
        return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")

    def flush(self) -> str:
        held, self._held = self._held, ""
        return "�" if held else ""


class Ledger:
    """Everything about one cell's exchange with a model, alive from before the first byte.

    Attributes:
        request: what was asked, or None for a stream that was only read.
        backend: name of the backend that reads it.
        status: ``running``, then one of six endings.
        phase: what is being waited for now.
        version: grows with every change; equal versions mean nothing new.
        started: when the request was made (UTC).
        source: where the bytes come from: the network, a recording, or the echo backend.
        answer, thoughts: text pieces of candidate 0, in order; append-only.
        parts: every part by candidate, as it came.
        chunks, events, usage_history: the tables' columns.
        raw: the chunks; ``notes``: oddities; ``exchanges``: the wire.
        marks: named moments in seconds since the request was sent.
    """

    def __init__(self, request: Request | None = None, *, backend: str = "gemini") -> None:
        self.request = request
        self.backend = backend
        self.source: Literal["network", "recording", "echo"] = "network"
        self.status: Status = "running"
        self.phase: Phase = "preparing"
        self.cause: Cause | None = None
        self.version = 0
        self.started = datetime.now(UTC)
        self.raw: list[Chunk] = []
        self.answer: list[str] = []
        self.thoughts: list[str] = []
        self.parts: dict[int, list[Part]] = {}
        self.finishes: dict[int, Finish] = {}
        self.blocked: Finish | None = None
        self.failure: Failure | None = None
        self.usage: Usage | None = None
        self.notes: list[Note] = []
        self.exchanges: list[Exchange] = []
        self.marks: dict[str, float] = {}
        self.model_version: str | None = None
        self.response_id: str | None = None
        self.error: GeminiMagicError | Interrupted | None = None
        self.retry_wait: float | None = None
        self.limit: float | None = None
        self.round = 0
        self.attempt = 0
        self.chars = 0
        self.events: list[Event] = []
        self.chunk_columns: Columns[ChunkRow] = Columns(ChunkRow, _columns(ChunkRow, _decoded))
        self.event_columns: Columns[EventRow] = Columns(EventRow, _columns(EventRow, _event_json))
        self.usage_columns: Columns[UsageRow] = Columns(UsageRow, _columns(UsageRow, None))
        self._joiners: dict[str, _Joiner] = {"text": _Joiner(), "thought": _Joiner()}

    @property
    def has_content(self) -> bool:
        """True once anything of an answer came: from here on a retry would be a second answer."""
        return bool(self.parts)

    @property
    def finish(self) -> Finish | None:
        """The last reason candidate 0 gave (or, without one, any candidate's)."""
        return self.finishes.get(0) or next(iter(self.finishes.values()), None)

    def enter(self, phase: Phase) -> None:
        """Say what is being waited for now."""
        self.phase = phase
        self.version += 1

    def mark(self, name: str, t: float) -> None:
        """Remember the first time something happened; later calls change nothing."""
        self.marks.setdefault(name, t)

    def begin(self, exchange: Exchange) -> None:
        """A request is about to be sent (again): what the former attempt said no longer counts as the ending."""
        self.exchanges.append(exchange)
        self.round, self.attempt = exchange.round, exchange.attempt
        self.failure = None
        self.blocked = None
        self.finishes.clear()
        self.retry_wait = None
        self.enter("connecting")

    def note(
        self,
        kind: str,
        message: str,
        *,
        severity: Severity = "info",
        chunk: int | None = None,
        offset: int | None = None,
    ) -> None:
        """Record an oddity."""
        self.notes.append(Note(kind, message, severity, chunk, offset))
        self.version += 1

    def add(self, raw: bytes, t: float, reading: Reading) -> list[Event]:
        """Append one chunk and what it means.

        Args:
            raw: the JSON text as received.
            t: seconds since the request was sent.
            reading: the backend's decoding of it.

        Returns:
            The chunk's events.
        """
        index = len(self.raw)
        previous = self.raw[-1].t if self.raw else None
        self.model_version = reading.model_version or self.model_version
        self.response_id = reading.response_id or self.response_id
        kinds: dict[str, None] = {}
        text: list[str] = []
        thought: list[str] = []
        usage: Usage | None = None
        reason: str | None = None
        for event in reading.events:
            candidate: int | None = None
            shown: str | None = None
            if isinstance(event, Delta):
                part, candidate = event.part, event.candidate
                kind = kind_of(part)
                self.parts.setdefault(candidate, []).append(part)
                if isinstance(part, Text | Thought):
                    shown = part.text
                    if candidate == 0 and shown:
                        self._say(kind, shown, t, text if kind == "text" else thought)
            elif isinstance(event, UsageReport):
                kind, usage = "usage", event.usage
                self._count(index, t, usage)
            elif isinstance(event, Finish):
                kind, shown, candidate = "finish", event.reason, event.candidate
                if event.prompt:
                    self.blocked = event
                else:
                    self.finishes[candidate] = event
                    if candidate == 0:
                        reason = event.reason
            elif isinstance(event, Failure):
                kind, shown, self.failure = "error", event.message, event
            else:
                kind, shown = "note", event.message
                self.notes.append(msgspec.structs.replace(event, chunk=index))
            if kind != "note":
                kinds[kind] = None
            self.events.append(event)
            clean = None if shown is None else _clean(shown)
            self.event_columns.append(self.event_columns.length, index, t, candidate, kind, clean, event)
        self.raw.append(Chunk(index, t, raw, self.round, self.attempt))
        self.chunk_columns.append(
            index,
            self.round,
            self.attempt,
            t,
            None if previous is None else t - previous,
            len(raw),
            "+".join(kinds) or "other",
            "".join(text),
            "".join(thought),
            self.chars,
            reason,
            *(usage or Usage()),
            raw,
        )
        self.version += 1
        return reading.events

    def _say(self, kind: str, text: str, t: float, into: list[str]) -> None:
        text = self._joiners[kind].add(text)
        if not text:
            return
        into.append(text)
        if kind == "text":
            self.answer.append(text)
            self.chars += len(text)
            self.marks.setdefault("first_text", t)
        else:
            self.thoughts.append(text)
            self.marks.setdefault("first_thought", t)

    def _count(self, chunk: int, t: float, usage: Usage) -> None:
        former = self.usage or Usage()
        deltas = (None if now is None else now - (then or 0) for now, then in zip(usage, former, strict=True))
        self.usage_columns.append(chunk, t, *usage, *deltas)
        if usage.total is not None or self.usage is None:
            self.usage = usage

    def close(self, cause: Cause, *, t: float | None = None, error: GeminiMagicError | None = None) -> None:
        """The exchange is over; decide honestly how it ended. A second call changes nothing.

        Args:
            cause: what ended it: end of input, a cut connection, a failure, a timeout, or the user.
            t: seconds since the request was sent.
            error: the error that ended it, where there is one.
        """
        if self.status != "running":
            return
        for kind, pieces in (("text", self.answer), ("thought", self.thoughts)):
            if tail := self._joiners[kind].flush():
                pieces.append(tail)
        if t is not None:
            self.mark("total", t)
        self.cause = cause
        status, verdict = self._verdict(cause, error)
        self.error = verdict
        self.status = status
        self.enter("done")

    def _verdict(
        self, cause: Cause, error: GeminiMagicError | None
    ) -> tuple[Status, GeminiMagicError | Interrupted | None]:
        if cause in ("interrupt", "stop"):
            return "interrupted", Interrupted(self._so_far("Stopped"), remedy=_RESUME)
        if cause in ("stalled", "timeout"):
            waited = "" if self.limit is None else f" for {self.limit:g} s"
            what = f"Nothing came{waited}" if cause == "stalled" else f"Not finished after {self.limit:g} s"
            option = "--stall-timeout" if cause == "stalled" else "--timeout"
            return "stalled", error or StalledError(
                self._so_far(what), remedy=f"Raise `{option}`, or ask again with `-c` to go on."
            )
        if self.failure is not None:
            return "error", _service_error(self.failure)
        if error is not None and not (cause == "cut" and self.has_content):
            return "error", error
        if cause == "cut":
            return "truncated", TruncatedError(self._so_far("The connection was lost"), remedy=_RESUME)
        if self.blocked is not None:
            return "blocked", _blocked("The prompt was blocked", self.blocked)
        return self._ending()

    def _ending(self) -> tuple[Status, GeminiMagicError | None]:
        finish = self.finish
        if finish is None:
            what = "The answer ended without a finish reason" if self.raw else "The answer was empty"
            return "truncated", TruncatedError(self._so_far(what), remedy=_RESUME)
        status = status_of(finish.reason)
        if status == "blocked":
            return "blocked", _blocked("The answer was blocked", finish)
        if status == "error":
            said = f": {finish.message}" if finish.message else ""
            return "error", ServiceError(
                f"The model failed ({finish.reason}){said}", status=finish.reason, remedy="Ask again."
            )
        if finish.reason == "CONTINUATION":
            return "truncated", TruncatedError(
                self._so_far("The server stopped in the middle"), remedy=_RESUME
            )
        if status is None:
            self.note("unknown-finish-reason", f"Finish reason {finish.reason!r} is not known.")
            return "complete", None
        return status, None

    def _so_far(self, what: str) -> str:
        return f"{what} after {self.chars:,} characters." if self.chars else f"{what}; no text had arrived."


def _clean(text: str) -> str:
    if text.isascii():
        return text
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def _service_error(failure: Failure) -> ServiceError:
    return ServiceError(
        failure.message,
        code=failure.code,
        status=failure.status,
        retry_after=failure.retry_after,
        reason=failure.reason,
    )


def _blocked(what: str, finish: Finish) -> BlockedError:
    said = f": {finish.message}" if finish.message else ""
    return BlockedError(
        f"{what} ({finish.reason}){said}",
        remedy="Reword it, or pass other safetySettings with --body; what arrived is kept.",
    )
