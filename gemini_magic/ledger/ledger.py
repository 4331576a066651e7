"""The record of one request and its answer, appended while the answer arrives.

One thread, the stream's reader, appends; views, tables, conversations and recordings read snapshots of the lists.
"""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import msgspec
from msgspec.structs import replace

from ..content import (
    Call,
    Part,
    Request,
    Text,
    Thought,
    Transcript,
    TranscriptWriter,
    join_parts,
    kind_of,
)
from ..endings import Arrived, Cause, Ending, ending_of, repetition_note
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
    StepStart,
    StepStop,
    Usage,
    UsageReport,
)
from ..prices import TokenPrice
from ..tables import Columns
from ..text import SurrogateJoiner
from .answer_values import AnswerValues
from .confirmation import Confirmation
from .display_options import DisplayOptions
from .event_log import EventLog, event_table, usage_table
from .exchange import Exchange, Pause, Transfer
from .finish_places import FinishPlaces
from .items import PlacedParts, TextStretch, count_items
from .note_log import NoteLog
from .parts import Parts, TextPieces
from .repetition import REPETITION, note_repetition
from .rounds import Round, RoundLog, RoundStart, add_usage, paragraph_gap, shifted_evidence
from .row_types import ChunkList, ChunkRow, EventRow, UsageRow, chunk_columns, describe, join_kinds
from .steps import StepLog
from .tool_runs import ToolRun

if TYPE_CHECKING:
    from ..schema import AnswerValue, ItemLog, Schema

__all__ = ["DisplayOptions", "Exchange", "Ledger", "Pause", "Phase"]


Phase: TypeAlias = Literal[
    "preparing",
    "uploading",
    "processing",
    "queued",
    "connecting",
    "waiting",
    "streaming",
    "retrying",
    "resuming",
    "following",
    "confirming",
    "tools",
    "done",
]
Source: TypeAlias = Literal["network", "recording", "journal", "cache", "store", "echo"]
_NO_COUNTS = Usage()
_MAX_OFFSET = 2**31  # so that an offset takes four bytes
_MAX_CANDIDATES = 1000  # whose parts are kept together; the API has 8 at most
_STALE = ", stale"  # in the description of a turn


class Ledger:
    """Everything about one request and its answer, usable from before the first byte.

    Args:
        request: the request; None for a stream that is only read, such as a recording.
        backend: name of the backend that decodes the stream.
        before: the first part of the answer, for a request that resumes it.
        conversation: the name of the conversation and the number of the turn, for the status line; empty for a single
            question.
        display: how views show the answer.
        price: the price of tokens that the user gave.
        schema: the schema of the answer that was requested; None for an answer without one.
        column: the label of its column in a comparison; empty outside comparisons.
        deferred: whether the table of chunks is made when it is first read: for a ledger of one thread whose tables are
            seldom read, such as that of a row.

    Attributes:
        status: ``running``, or how it ended; ``cause``: why reading ended, ``error``: the error of a bad ending.
        phase: what is being waited for now; ``pause``: why no request is running, and until when.
        confirmation: the question about a tool that waits for the user, or None.
        version: increases with every change.
        started: when the request was made (UTC).
        source: where the bytes come from; ``host``: the server, if the status line names it.
        answer, thoughts: pieces of the text of candidate 0, in order; append-only.
        chars: characters of the answer so far.
        parts: the parts as received, by candidate; ``placed``: those of candidate 0 that are not text, which make its items.
        evidence: citations, grounding and similar metadata, in order; ``evidence_chunks``: the chunk of each.
        extras: fields that gateways add; the last value of each.
        finishes: the last finish reason by candidate; ``blocked``: the block reason of the prompt; ``failure``: the
            HTTP error or error object; ``lost``: a description of text that arrived but could not be read.
        continuation: the last token with which the server can continue the answer; ``checkpoint``: the number of parts
            of candidate 0 that the token covers.
        usage: the last token counts with a total, of all rounds together.
        steps: the steps of an answer that consists of steps; empty for one of another API.
        model_version, response_id: as the server sent them.
        raw: the chunks; ``chunk_offsets``: the byte offset of each in the body of its exchange, -1 where it is
            not known, and above 2 GB.
        events: the events; ``notes``: the notes, at most 100 of a kind; ``exchanges``: the HTTP exchanges.
        chunk_columns: the columns of the table of chunks.
        advice: text to put before the remedy of a bad ending.
        limit: the timeout that was reached, in seconds, or None.
        marks: named moments in seconds since the first request was sent; ``delay``: seconds from ``started`` until then.
        round, attempt: tool round and attempt of the latest exchange, from 0.
    """

    def __init__(
        self,
        request: Request | None = None,
        *,
        backend: str = "gemini",
        before: str = "",
        conversation: str = "",
        display: DisplayOptions | None = None,
        price: TokenPrice | None = None,
        schema: Schema | None = None,
        column: str = "",
        deferred: bool = False,
    ) -> None:
        self.request = request
        self.backend = backend
        self.before, self.conversation, self.column = before, conversation, column
        self.display = display or DisplayOptions()
        self.price, self.schema, self.deferred = price, schema, deferred
        self.source: Source = "network"
        self.host = ""
        self.status: Status = "running"
        self.phase: Phase = "preparing"
        self.cause: Cause | None = None
        self.version = 0
        self.started = datetime.now(UTC)
        self.answer = TextPieces()
        self.thoughts = TextPieces()
        self.parts: dict[int, Parts] = {}
        self.placed = PlacedParts()
        self.evidence: list[Evidence] = []
        self.evidence_chunks = array("i")
        self.extras: dict[str, Any] = {}
        self.continuation: str | None = None
        self.checkpoint = 0
        self.steps = StepLog()
        self.finishes: dict[int, Finish] = {}
        self.blocked: Finish | None = None
        self.lost = self.advice = ""
        self.failure: Failure | None = None
        self.usage: Usage | None = None
        self.notes = NoteLog()
        self.exchanges: list[Exchange] = []
        self.marks: dict[str, float] = {}
        self.model_version: str | None = None
        self.response_id: str | None = None
        self.error: GeminiMagicError | Interrupted | None = None
        self.pause: Pause | Transfer | None = None
        self.confirmation: Confirmation | None = None
        self.delay = 0.0
        self.limit: float | None = None
        self.round = self.attempt = self.chars = 0
        self.chunk_columns: Columns[ChunkRow] = chunk_columns(deferred=deferred)
        self._last_arrival = 0.0
        self.chunk_offsets = array("i")
        self.raw: Sequence[Chunk] = ChunkList(self.chunk_columns, self.chunk_offsets)
        self.events = EventLog(self.chunk_columns)
        self._log, self._values = RoundLog(), AnswerValues()
        self._finish_places = FinishPlaces()
        self._transcript = TranscriptWriter()
        self._joiners: dict[str, SurrogateJoiner] = {"text": SurrogateJoiner(), "thought": SurrogateJoiner()}

    @cached_property
    def event_columns(self) -> Columns[EventRow]:
        """The columns of the table of events, made when they are first asked for."""
        return event_table(self.events)

    @cached_property
    def usage_columns(self) -> Columns[UsageRow]:
        """The columns of the table of usage reports, made when they are first asked for."""
        return usage_table(self.events)

    @property
    def has_content(self) -> bool:
        """Whether any part of the round's answer has arrived; from then on a retry would be a second answer."""
        return bool(self._finish_places.first_chunks)

    @property
    def finish(self) -> Finish | None:
        """The last finish reason of candidate 0; of another candidate only if there is no candidate 0."""
        if 0 in self.finishes or 0 in self.parts:
            return self.finishes.get(0)
        return next(iter(self.finishes.values()), None)

    @property
    def finished(self) -> bool:
        """Whether the finish reasons show where the answer ends; see :meth:`FinishPlaces.finished`."""
        wanted = (self.request.settings.candidates if self.request is not None else None) or 1
        return self._finish_places.finished(self.parts, self._log.part_starts, wanted)

    @property
    def at_end(self) -> bool:
        """Whether the answer has :attr:`finished`, and the newest chunk has the last finish reason."""
        newest = self._finish_places.newest
        return 0 <= newest == len(self.raw) - 1 and self.finished

    def touch(self) -> None:
        """Count a change that was made to one of the exchanges."""
        self.version += 1

    # -- rounds and tools

    @property
    def rounds(self) -> list[Round]:
        """The rounds so far, the one that runs included; empty before the first request."""
        return [*self._log.ended, self._current_round()] if self.exchanges else []

    @property
    def tool_runs(self) -> list[ToolRun]:
        """The function calls that were taken up, in the order of the answer; views see a change by the identity of a run."""
        return [run for exchange in list(self.exchanges) for run in list(exchange.tool_runs)]

    def end_round(self, cause: Cause, *, t: float) -> bool:
        """End the round without closing the ledger, if its answer is complete and calls functions.

        Args:
            cause: what ended the reading.
            t: seconds since the first request was sent.

        Returns:
            Whether the round has ended. Otherwise nothing has changed, and the ledger has to be closed.
        """
        if self.status != "running" or not any(isinstance(part, Call) for part in self._parts_of_round()):
            return False
        ending = self._ending(cause)
        if ending.status != "complete":
            return False
        self._flush_text()
        for note in ending.notes:
            self.notes.add(note)
        self._log.ended_at = t
        self.set_phase("tools")
        return True

    def add_tool_run(self, call: Call) -> ToolRun:
        """Add a call of the newest round, which waits for its turn; returns its record."""
        exchange = self.exchanges[-1]
        run = ToolRun(number=len(self.tool_runs), round=exchange.round, call=call)
        exchange.tool_runs.append(run)
        self.placed.set_run(run.place, run)
        self.touch()
        return run

    def add_recorded_run(self, call: Call, recorded: ToolRun) -> None:
        """Add a call of the newest round together with what a recording holds about it."""
        run = self.add_tool_run(call)
        self.set_tool_run(replace(recorded, number=run.number, round=run.round, call=call))

    def set_tool_run(self, run: ToolRun) -> ToolRun:
        """Replace the record of a call by a newer one with the same number, and return it."""
        for exchange in reversed(self.exchanges):
            for place, old in enumerate(exchange.tool_runs):
                if old.number == run.number:
                    exchange.tool_runs[place] = run
        self.placed.set_run(run.place, run)
        self.touch()
        return run

    def _parts_of_round(self) -> Sequence[Part]:
        parts = self.parts.get(0)
        return () if parts is None else parts[self._log.start.part :]

    def _current_round(self) -> Round:
        start, finish = self._log.start, self.finish
        parts = self.parts.get(0)
        has_calls = parts is not None and parts.has((Call,), start.part)
        joined = join_parts(self._parts_of_round()) if has_calls else ()
        calls = tuple(part for part in joined if isinstance(part, Call))
        exchanges = self.exchanges
        return Round(
            number=self.round,
            exchanges=(start.exchange, len(exchanges)),
            chunks=(start.chunk, len(self.raw)),
            parts=(start.part, len(self.parts.get(0, ()))),
            chars=(start.char, self.chars),
            first_call=start.call,
            calls=calls,
            started=exchanges[start.exchange].started if start.exchange < len(exchanges) else None,
            ended=self._log.ended_at if self.status == "running" else self.marks.get("total"),
            usage=self._log.usage,
            finish_reason=None if finish is None else finish.reason,
            cost=self.extras.get("cost"),
        )

    def _begin_round(self) -> None:
        """Begin another round, whose exchange follows: what counts for one round only starts again."""
        if not self.exchanges:
            return
        self._flush_text()
        ended = self._current_round()
        start = RoundStart(
            len(self.exchanges),
            len(self.raw),
            len(self.parts.get(0, ())),
            self.chars,
            ended.first_call + len(ended.calls),
        )
        self._log.begin(
            ended, start, {candidate: len(parts) for candidate, parts in self.parts.items()}, self.usage
        )
        for parts in self.parts.values():
            parts.end_round()
        self.placed.end_round()
        self.steps.end_round()
        self._finish_places.first_chunks.clear()
        self.extras.pop("cost", None)
        self.continuation, self.checkpoint = None, 0

    def _bytes_before(self) -> int:
        """The bytes of the answer before the text of this round."""
        text, start = self.answer.text, self._log.start.char
        own = text[start:]
        gap = len(own) - len(own.lstrip("\n")) if start else 0
        return len(text[:start].encode("utf-8", "replace")) + gap

    def set_phase(self, phase: Phase, pause: Pause | Transfer | None = None) -> None:
        """Set what is being waited for now.

        Args:
            phase: the phase that begins.
            pause: why no request is running and until when, for ``queued``, ``retrying``, ``resuming`` and ``following``; the file that is
                sent, for ``uploading`` and ``processing``.
        """
        self.pause = pause
        self.phase = phase
        self.touch()

    def set_confirmation(self, confirmation: Confirmation | None) -> None:
        """Set the question that waits for the user; None when it is decided."""
        self.confirmation = confirmation
        self.touch()

    def set_source(self, source: Source, *, started: datetime | None = None, host: str = "") -> None:
        """Set where the bytes come from, when the request of an earlier answer was made, and the server to name."""
        self.source, self.host = source, host
        self.started = started or self.started

    def mark_stale(self, turn: int) -> bool:
        """Add to ``conversation`` that the turn of this number was run again later. Returns whether that is new."""
        if _STALE in self.conversation:
            return False
        self.conversation += f"{_STALE}: turn {turn} was run again"
        self.touch()
        return True

    def set_advice(self, advice: str) -> None:
        """Set what :meth:`close` puts before the remedy of the error, if the exchange ends with one."""
        self.advice = advice

    def replace_error(self, error: GeminiMagicError | Interrupted) -> None:
        """Replace the error of a closed ledger by one that describes the same ending better."""
        self.error = error

    def mark(self, name: str, t: float) -> None:
        """Record when something first happened, in seconds since the first request was sent; later calls change nothing."""
        self.marks.setdefault(name, t)

    def begin(self, exchange: Exchange) -> None:
        """Add an exchange whose request is about to be sent; errors and finish reasons of the attempt before are cleared."""
        if exchange.round != self.round:
            self._begin_round()
        if self.column:
            exchange.column = self.column
        self.exchanges.append(exchange)
        self.round, self.attempt = exchange.round, exchange.attempt
        self.steps.begin(resumed=exchange.resumed)
        self.failure = None
        self.blocked = None
        self.finishes.clear()
        self._finish_places.begin_attempt()
        self.lost = ""
        if exchange.attempt and not self.raw:
            self.marks.pop("first_byte", None)  # it belongs to the failed attempt
        self.advice = ""
        self.set_phase("connecting")

    def request_sent(self, t: float, *, delay: float, connect: float | None = None) -> None:
        """Record that the latest exchange's request is on its way.

        Args:
            t: when it was sent, in seconds since the first request was sent.
            delay: seconds from ``started`` until the first request was sent.
            connect: seconds that connecting took; None where no connection was opened.
        """
        if connect is not None:
            self.mark("connect", connect)
        self.delay = delay
        self.exchanges[-1].mark_sent(t)
        self.set_phase("waiting")

    def note(
        self,
        kind: str,
        message: str,
        *,
        severity: Severity = "info",
        chunk: int | None = None,
        offset: int | None = None,
    ) -> None:
        """Add a note; see :class:`~gemini_magic.events.Note` for the arguments."""
        self.notes.add(Note(kind, message, severity, chunk, offset))
        self.touch()

    def record_loss(self, description: str) -> None:
        """Record that text arrived which could not be read, so that the answer does not count as complete.

        Args:
            description: what could not be read, for the error of the ending; only the first one is kept.
        """
        self.lost = self.lost or description

    def record_refusal(self, failure: Failure, t: float) -> None:
        """Record an HTTP error, which has no chunk, at ``t`` seconds since the first request was sent."""
        self.failure = failure
        self.events.add(failure, t)
        self.touch()

    def set_failure(self, failure: Failure | None) -> None:
        """Set the failure that decides the ending, when a later request has not changed what was received."""
        self.failure = failure

    def add(self, raw: bytes, t: float, decoded: Decoded, offset: int = -1) -> list[Event]:
        """Append one chunk.

        Args:
            raw: the JSON text as received.
            t: arrival in seconds since the first request was sent.
            decoded: the chunk as the backend decoded it.
            offset: byte offset of ``raw`` in the body of the exchange; -1 if it is not known.

        Returns:
            The events of the chunk.
        """
        self.add_all([(raw, decoded)], t, (offset,))
        return decoded.events

    def add_all(
        self, batch: Sequence[tuple[bytes, Decoded]], t: float, offsets: Sequence[int] | None = None
    ) -> None:
        """Append the chunks of one network read.

        Args:
            batch: the JSON text and the decoded form of each chunk.
            t: arrival in seconds since the first request was sent.
            offsets: byte offset of each in the body of the exchange; None if they are not known.
        """
        if not batch:
            return
        first, rows, usages = len(self.raw), [], []
        gap = t - self._last_arrival if first else None
        self._last_arrival = t
        for index, (raw, decoded) in enumerate(batch, first):
            kind, text, thought, reason, usage = self._update(decoded, index, t)
            content = (kind, text, thought, self.chars, reason)
            rows.append((index, self.round, self.attempt, t, gap, len(raw), *content, *usage, raw))
            gap = 0.0
            usages.append(usage)
        self._add_offsets(offsets or [-1] * len(batch))  # before the columns, whose rows readers count
        self.chunk_columns.extend(rows)
        self.events.extend([decoded.events for _, decoded in batch], usages)
        self.touch()

    def _add_offsets(self, offsets: Sequence[int]) -> None:
        try:
            new = array("i", offsets)
        except OverflowError:  # above 2 GB
            new = array("i", [-1 if offset >= _MAX_OFFSET else offset for offset in offsets])
        self.chunk_offsets += new

    def _update(self, decoded: Decoded, index: int, t: float) -> tuple[str, str, str, str | None, Usage]:
        """Update the totals with one chunk; return its kind, text, thought, finish reason and usage."""
        self.model_version = decoded.model_version or self.model_version
        self.response_id = decoded.response_id or self.response_id
        self.steps.read(decoded)
        if decoded.lost:
            self.record_loss(decoded.lost)
        if decoded.extras is not None:
            self.extras.update(decoded.extras)
        kinds, text, thought, reason, usage = [], "", "", None, _NO_COUNTS
        begun = self._finish_places.first_chunks
        for event in decoded.events:
            if type(event) is Delta:
                part, candidate = event.part, event.candidate
                kind = "text" if type(part) is Text else kind_of(part)
                if candidate not in begun and not self._begin_candidate(candidate, index):
                    continue
                self.parts[candidate].append(part)
                if type(part) is Text and candidate == 0:
                    text += self._append("text", part.text, index, t)
                elif type(part) is Thought and candidate == 0:
                    thought += self._append("thought", part.text, index, t)
                elif isinstance(part, Transcript) and candidate == 0:
                    start, spoken = self.chars, self._transcript.add(part, follows_text=bool(self.chars))
                    text += self._append("text", spoken, index, t)
                    self.placed.append(start, TextStretch(start, self.chars))
                elif candidate == 0:
                    self.placed.append(self.chars, part)
            elif type(event) is UsageReport:
                kind, usage = "usage", event.usage
                if usage.total is not None or self._log.usage is None:
                    self._log.usage = usage
                    before = self._log.usage_before
                    self.usage = usage if before is None else add_usage(before, usage)
            else:
                kind = describe(event)[0]
                if isinstance(event, StepStart | StepStop):
                    self._add_step(event, index, t)
                else:
                    self._handle(event, index)
                if isinstance(event, Finish) and not event.prompt and event.candidate == 0:
                    reason = event.reason
            kinds.append(kind)
        if decoded.continuation:
            self.continuation, self.checkpoint = decoded.continuation, len(self.parts.get(0, ()))
        return join_kinds(*kinds), text, thought, reason, usage

    def _gap(self, kind: str, text: str) -> str:
        """What separates the first text of a round or of a thought from the text before it."""
        self._log.awaits_gap.discard(kind)
        pieces = self.answer if kind == "text" else self.thoughts
        return paragraph_gap("".join(pieces[-2:]), text)

    def _append(self, kind: Literal["text", "thought"], text: str, index: int, t: float) -> str:
        """Append a piece of the answer or of the thoughts of candidate 0; return it without half a character."""
        text = self._joiners[kind].add(text)
        if text:
            if self._log.awaits_gap and kind in self._log.awaits_gap:
                text = self._gap(kind, text) + text
            pieces = self.answer if kind == "text" else self.thoughts
            pieces.append(text)
            if pieces.phrase and not self.notes.has(REPETITION):
                self.notes.add(note_repetition(pieces.phrase, index))
            if kind == "text":
                self.chars += len(text)
            if len(pieces) == 1:
                self.marks.setdefault(f"first_{kind}", t)
        return text

    def _handle(self, event: Event, index: int) -> None:
        """Update the state of the whole answer with one event."""
        if isinstance(event, Finish):
            if event.prompt:
                self.blocked = event
            elif event.candidate in self.parts or self._accepts_candidate(event.candidate, index):
                self.finishes[event.candidate] = event
                parts = len(self.parts.get(event.candidate, ()))
                self._finish_places.add(event.candidate, index, parts, last=event.last)
        elif isinstance(event, Evidence):
            if self._log.ended and event.candidate == 0:
                event = shifted_evidence(event, self._bytes_before())
            self.evidence_chunks.append(index)  # first, because readers count the evidence
            self.evidence.append(event)
        elif isinstance(event, Failure):
            self.failure = event
        elif isinstance(event, Note):
            self.notes.add(msgspec.structs.replace(event, chunk=index))

    def _add_step(self, event: StepStart | StepStop, index: int, t: float) -> None:
        """Add the beginning or the end of a step: the answer has begun, although it may have no part yet."""
        if 0 not in self._finish_places.first_chunks:
            self._begin_candidate(0, index)
        if isinstance(event, StepStart) and event.is_thought and self.thoughts:
            self._log.awaits_gap.add("thought")
        self.steps.add(event, self.round, index, t, (len(self.parts.get(0, ())), self.chars))

    def _begin_candidate(self, candidate: int, index: int) -> bool:
        """Note the first chunk of the round with a part of a candidate; returns whether its parts are kept."""
        if candidate not in self.parts:
            if not self._accepts_candidate(candidate, index):
                return False
            self.parts[candidate] = Parts()
        self._finish_places.first_chunks[candidate] = index
        return True

    def _accepts_candidate(self, candidate: int, chunk: int) -> bool:
        """Whether a candidate without parts may get some; a note says that those of others are in the chunks only."""
        if candidate in self.finishes or len(self.parts) + len(self.finishes) < _MAX_CANDIDATES:
            return True
        message = "The answer has more than 1,000 candidates. The rest is in the chunks and events only."
        self.notes.add_once(Note("many-candidates", message, "warning", chunk))
        return False

    def read_items(self) -> ItemLog:
        """Return the items of an answer that is an array, after reading what is new of its text: once for all readers."""
        return self._values.items(self.answer, self.schema, self.before, ended=self.status != "running")

    def answer_value(self) -> AnswerValue:
        """Return the value of the answer, which is read and checked once it has ended; until then there is none.

        A type of the user may run their code, so only threads that wait for the answer or show it call this.
        """
        return self._values.value(
            self.answer, self.schema, self.before, self._log.start.char, ended=self.status != "running"
        )

    def other_finishes(self) -> dict[int, Finish | None]:
        """The last finish reason of each candidate whose reason is not :attr:`finish`."""
        candidates = sorted({*self.parts, *self.finishes})
        main = 0 if 0 in candidates else next(iter(self.finishes), None)
        return {index: self.finishes.get(index) for index in candidates if index != main}

    def close(
        self,
        cause: Cause,
        *,
        t: float | None = None,
        error: GeminiMagicError | None = None,
        limit: float | None = None,
    ) -> None:
        """Set how the exchange ended. A second call changes nothing.

        Args:
            cause: what ended it: end of input, a cut connection, a failure, a timeout, or the user.
            t: seconds since the request was sent.
            error: the error that ended it, where there is one.
            limit: the timeout that was reached, in seconds, where one was.
        """
        if self.status != "running":
            return
        self.limit = limit
        self._flush_text()
        if t is not None:
            self.mark("total", t)
        self.cause = cause
        ending = self._ending(cause, error, limit)
        repeated = repetition_note(self.before, self.answer.text) if self.before else None
        for note in (*ending.notes, *([repeated] if repeated else [])):
            self.notes.add(note)
        self.error = ending.error
        if self.error is not None and self.advice:
            self.error.remedy = f"{self.advice} {self.error.remedy}".rstrip()
        self.status = ending.status
        self.set_phase("done")

    def _ending(
        self, cause: Cause, error: GeminiMagicError | None = None, limit: float | None = None
    ) -> Ending:
        return ending_of(
            cause,
            finish=self.finish,
            blocked=self.blocked,
            failure=self.failure,
            error=error,
            arrived=Arrived(self.chars, count_items(self.placed.items(self.chars))),
            chunks=len(self.raw),
            limit=limit,
            answering=not self.exchanges or bool(self.exchanges[-1].pieces),
            finished=self.finished,
            lost=self.lost,
            others=self.other_finishes(),
            stored=self.steps.stored_id is not None,
        )

    def _flush_text(self) -> None:
        """Add half a character that waited for its other half."""
        for kind, pieces in (("text", self.answer), ("thought", self.thoughts)):
            if tail := self._joiners[kind].flush():
                pieces.append(tail)
