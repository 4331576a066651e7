"""The one record of an exchange, appended as it happens.

One reader writes; views, tables, conversation and recordings read snapshots of the growing lists. Data only: it
opens nothing, waits for nothing and shows nothing.
"""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Literal, NamedTuple, TypeAlias

import msgspec

from ..content import Parts, Request, Text, Thought, kind_of
from ..endings import Cause, ending_of
from ..errors import GeminiMagicError, Interrupted
from ..events import (
    Chunk,
    Decoded,
    Delta,
    Event,
    Evidence,
    Failure,
    Finish,
    Note,
    Severity,
    Status,
    Usage,
    UsageReport,
)
from ..lenient_json import Joiner
from ..tables import Columns
from .event_log import EventLog
from .exchange import Exchange, Pause
from .row_types import ChunkList, ChunkRow, EventRow, UsageRow, chunk_columns, describe, in_one_word

__all__ = ["DisplayOptions", "Exchange", "Ledger", "Pause", "Phase", "repeated"]


class DisplayOptions(NamedTuple):
    """What views are told, as the options of the cell say.

    Attributes:
        form: markdown, text, json, html, code or raw.
        images: which images may be drawn: ``none``, ``data``, or hosts.
        record_size: megabytes that the record for the inspector may take, 0 for none; None leaves it to the view.
    """

    form: str = "markdown"
    images: str = "data"
    record_size: float | None = None


_LEAST = 20  # characters; fewer are found in good answers as well, such as the marks around code
_FAR = 4_000  # characters before the seam from where on a model may begin again


def repeated(before: str, rest: str) -> int:
    """How many characters at the end of ``before`` the rest begins with; 0 when they are too few to tell.

    White space that the rest begins with does not count.
    """
    rest = rest.lstrip()
    end = before[-_FAR:]
    if len(before) >= _LEAST and rest.startswith(before):
        return len(before)
    at = end.find(rest[:_LEAST]) if len(rest) >= _LEAST else -1
    while at >= 0:
        if rest.startswith(end[at:]):
            return len(end) - at
        at = end.find(rest[:_LEAST], at + 1)
    return 0


Phase: TypeAlias = Literal["preparing", "queued", "connecting", "waiting", "streaming", "retrying", "done"]


_UNKNOWN = Usage()
_MAX_OFFSET = 2**31  # so that an offset takes four bytes


class Ledger:
    """Everything about one cell's exchange with a model, alive from before the first byte.

    Attributes:
        request: what was asked, or None for a stream that was only read.
        backend: name of the backend that reads it.
        status: ``running``, then one of six endings.
        phase: what is being waited for now; ``pause``: why no request is on its way, and until when.
        version: grows with every change; equal versions mean nothing new.
        started: when the request was made (UTC).
        source: where the bytes come from: the network, a recording, the journal, or the echo backend.
        before: the answer's text up to here, where this exchange asked for the rest; empty otherwise.
        answer, thoughts: text pieces of candidate 0, in order; append-only.
        parts: every part by candidate, as it came.
        evidence: citations, grounding and the like, in order.
        extras: what gateways add, the last value of each.
        continuation: the last token with which the server lets the answer be gone on with; ``checkpoint``: how many
            of candidate 0's parts it stands behind.
        chunks, events, usage_history: the tables' columns.
        raw: the chunks; ``chunk_offsets``: where each begins in the body of its exchange, in bytes, -1 where that
            is not known, and above 2 GB; ``notes``: diagnostics; ``exchanges``: the wire.
        advice: what the reader knows to do about a bad ending, before what its error says.
        look: how views show the answer.
        marks: named moments in seconds since the request was sent; ``delay``: seconds from ``started`` until then.
    """

    def __init__(self, request: Request | None = None, *, backend: str = "gemini") -> None:
        self.request = request
        self.backend = backend
        self.source: Literal["network", "recording", "journal", "echo"] = "network"
        self.status: Status = "running"
        self.phase: Phase = "preparing"
        self.cause: Cause | None = None
        self.version = 0
        self.started = datetime.now(UTC)
        self.before = ""
        self.answer: list[str] = []
        self.thoughts: list[str] = []
        self.parts: dict[int, Parts] = {}
        self.evidence: list[Evidence] = []
        self.extras: dict[str, Any] = {}
        self.continuation: str | None = None
        self.checkpoint = 0
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
        self.pause: Pause | None = None
        self.delay = 0.0
        self.limit: float | None = None
        self.advice = ""
        self.look = DisplayOptions()
        self.round = 0
        self.attempt = 0
        self.chars = 0
        self.chunk_columns: Columns[ChunkRow] = chunk_columns()
        self.chunk_offsets = array("i")
        self.raw: Sequence[Chunk] = ChunkList(self.chunk_columns, self.chunk_offsets)
        self.events = EventLog(self.chunk_columns)
        self.event_columns: Columns[EventRow] = self.events.event_columns
        self.usage_columns: Columns[UsageRow] = self.events.usage_columns
        self._joiners: dict[str, Joiner] = {"text": Joiner(), "thought": Joiner()}

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
        if exchange.attempt and not self.raw:
            self.marks.pop("first_byte", None)  # it was the refusal's
        self.pause, self.advice = None, ""
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

    def fail(self, failure: Failure, t: float) -> None:
        """The server refused the request; there is no chunk that says so."""
        self.failure = failure
        self.events.add(failure, t)
        self.version += 1

    def add(self, raw: bytes, t: float, reading: Decoded, offset: int = -1) -> list[Event]:
        """Append one chunk and what it means.

        Args:
            raw: the JSON text as received.
            t: seconds since the request was sent.
            reading: the backend's decoding of it.
            offset: where in the body of the exchange ``raw`` begins, in bytes; -1 where that is not known.

        Returns:
            The chunk's events.
        """
        self.add_all([(raw, reading)], t, (offset,))
        return reading.events

    def add_all(
        self, batch: Sequence[tuple[bytes, Decoded]], t: float, offsets: Sequence[int] | None = None
    ) -> None:
        """Append the chunks that came with one read, each with what it means.

        Args:
            batch: for each chunk what :meth:`add` takes.
            t: seconds since the request was sent.
            offsets: where in the body of the exchange each begins; None where that is not known.
        """
        if not batch:
            return
        first, rows, reports = len(self.raw), [], []
        gap = t - self.chunk_columns.stores["t"].at(first - 1) if first else None
        for index, (raw, reading) in enumerate(batch, first):
            kind, text, thought, reason, usage = self._add_up(reading, index, t)
            shown = (kind, text, thought, self.chars, reason)
            rows.append((index, self.round, self.attempt, t, gap, len(raw), *shown, *usage, raw))
            gap = 0.0
            reports.append(usage)
        self._add_offsets(offsets or [-1] * len(batch))  # before the columns, whose rows readers count
        self.chunk_columns.extend(rows)
        for (_, reading), usage in zip(batch, reports, strict=True):
            self.events.extend(reading.events, usage)
        self.version += 1

    def _add_offsets(self, offsets: Sequence[int]) -> None:
        try:
            new = array("i", offsets)
        except OverflowError:  # above 2 GB
            new = array("i", [-1 if offset >= _MAX_OFFSET else offset for offset in offsets])
        self.chunk_offsets += new

    def _add_up(self, reading: Decoded, index: int, t: float) -> tuple[str, str, str, str | None, Usage]:
        """Add one chunk up; returns its kind, text, thought, reason and usage."""
        self.model_version = reading.model_version or self.model_version
        self.response_id = reading.response_id or self.response_id
        if reading.extras is not None:
            self.extras.update(reading.extras)
        kinds, text, thought, reason, usage = [], "", "", None, _UNKNOWN
        for event in reading.events:
            if isinstance(event, Delta):
                part, candidate = event.part, event.candidate
                kind = kind_of(part)
                if candidate not in self.parts:
                    self.parts[candidate] = Parts()
                self.parts[candidate].append(part)
                if isinstance(part, Text) and candidate == 0:
                    text += self._say(part.text, t)
                elif isinstance(part, Thought) and candidate == 0:
                    thought += self._think(part.text, t)
            elif isinstance(event, UsageReport):
                kind, usage = "usage", event.usage
                if usage.total is not None or self.usage is None:
                    self.usage = usage
            else:
                kind = describe(event)[0]
                self._note(event, index)
                if isinstance(event, Finish) and not event.prompt and event.candidate == 0:
                    reason = event.reason
            kinds.append(kind)
        if reading.continuation:
            self.continuation, self.checkpoint = reading.continuation, len(self.parts.get(0, ()))
        return in_one_word(*kinds), text, thought, reason, usage

    def _say(self, text: str, t: float) -> str:
        text = self._joiners["text"].add(text)
        if text:
            self.answer.append(text)
            self.chars += len(text)
            self.marks.setdefault("first_text", t)
        return text

    def _think(self, text: str, t: float) -> str:
        text = self._joiners["thought"].add(text)
        if text:
            self.thoughts.append(text)
            self.marks.setdefault("first_thought", t)
        return text

    def _note(self, event: Event, index: int) -> None:
        """Remember what an event says about the answer as a whole."""
        if isinstance(event, Finish):
            if event.prompt:
                self.blocked = event
            else:
                self.finishes[event.candidate] = event
        elif isinstance(event, Evidence):
            self.evidence.append(event)
        elif isinstance(event, Failure):
            self.failure = event
        elif isinstance(event, Note):
            self.notes.append(msgspec.structs.replace(event, chunk=index))

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
        ending = ending_of(
            cause,
            finish=self.finish,
            blocked=self.blocked,
            failure=self.failure,
            error=error,
            chars=self.chars,
            chunks=len(self.raw),
            limit=self.limit,
            answering=not self.exchanges or bool(self.exchanges[-1].pieces),
        )
        if ending.note is not None:
            self.notes.append(ending.note)
        if self.before and (twice := repeated(self.before, "".join(self.answer))):
            words = f"The rest begins with the last {twice:,} characters of the part before; `whole` has them twice."
            self.notes.append(Note("repeated", words, "warning"))
        self.error = ending.error
        if self.error is not None and self.advice:
            self.error.remedy = f"{self.advice} {self.error.remedy}".rstrip()
        self.status = ending.status
        self.enter("done")
