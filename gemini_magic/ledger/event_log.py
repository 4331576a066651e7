"""All events of an exchange in a compact form, and the tables of events and usage made from them."""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import Any

from ..content import Part, Text
from ..events import Delta, Event, Usage, UsageReport
from ..lazy import LazySequence
from ..tables import Columns, ColumnStorage
from ..text import replace_surrogates
from .parts import restore_part
from .row_types import ChunkRow, EventRow, UsageRow, columns_of, describe, event_json

__all__ = ["EventLog", "event_table", "usage_table"]


_TOKEN_COLUMNS = tuple(name for name in ChunkRow._fields if name.endswith("_tokens"))


class EventLog(LazySequence[Event]):
    """The events in order, each with its chunk and time; append-only, for one writer.

    Values that the chunk's row has are not stored again: of a delta of candidate 0 only the part is stored, of a usage
    report nothing.

    Args:
        chunks: the columns of the chunks, which have the times and token counts.
    """

    def __init__(self, chunks: Columns[ChunkRow]) -> None:
        # Events; a Delta is stored as its compact part, a usage report that is in the chunk's row as None.
        self._stored: list[Any] = []
        self._firsts = array("i")  # index of the first event of each chunk
        self._times: dict[int, float] = {}  # of events without a chunk
        self._chunks = chunks

    @cached_property
    def _arrivals(self) -> ColumnStorage:
        return self._chunks.stores["t"]

    @cached_property
    def _rounds(self) -> ColumnStorage:
        return self._chunks.stores["round"]

    @cached_property
    def _counts(self) -> list[ColumnStorage]:
        return [self._chunks.stores[name] for name in _TOKEN_COLUMNS]

    def extend(self, chunks: Sequence[Sequence[Event]], usages: Sequence[Usage]) -> None:
        """Append the events of new chunks, after their rows were appended.

        Args:
            chunks: the events of each chunk.
            usages: the token counts in the row of each.
        """
        stored = self._stored
        for events, usage in zip(chunks, usages, strict=True):
            self._firsts.append(len(stored))
            for event in events:
                if type(event) is Delta and event.candidate == 0:
                    part = event.part  # in the compact form of `restore_part`
                    stored.append(part.text if type(part) is Text and part.signature is None else part)
                elif type(event) is UsageReport and event.usage is usage:
                    stored.append(None)
                else:
                    stored.append(event)

    def add(self, event: Event, t: float) -> None:
        """Append an event without a chunk, ``t`` seconds after the first request was sent."""
        self._times[len(self._stored)] = t
        self._stored.append(event)

    def __len__(self) -> int:
        return len(self._stored)

    def _items(self, rows: Sequence[int]) -> Iterator[Event]:
        return map(self.event, rows)

    def event(self, index: int) -> Event:
        """Return one event."""
        stored: Any = self._stored[index]
        if stored is None:
            chunk = self._chunk(index)
            return UsageReport(Usage(*(store.at(chunk) for store in self._counts)))
        return Delta(restore_part(stored)) if isinstance(stored, str | Part) else stored

    def _chunk(self, index: int) -> int:
        return bisect_right(self._firsts, index) - 1

    def is_usage(self, index: int) -> bool:
        """Whether an event is a usage report."""
        stored = self._stored[index]
        return stored is None or type(stored) is UsageReport

    def round_of(self, index: int) -> int:
        """Return the round of an event; 0 for one before the first chunk."""
        chunk = self._chunk(index)
        return self._rounds.at(chunk) if chunk >= 0 else 0

    def place(self, index: int) -> tuple[int | None, float]:
        """Return the chunk of an event (None if it has none) and its time."""
        if index in self._times:
            return None, self._times[index]
        chunk = self._chunk(index)
        return chunk, self._arrivals.at(chunk)


# The columns refer to the log, and the log does not refer to them: in a reference cycle, an answer that is no longer used
# would keep its memory until the garbage collector runs.


def event_table(log: EventLog) -> Columns[EventRow]:
    """Return the columns of ``Response.events``, filled on access; ``json`` is stored as the event itself."""
    return Columns(EventRow, columns_of(EventRow, event_json), _EventRows(log).new)


def usage_table(log: EventLog) -> Columns[UsageRow]:
    """Return the columns of ``Response.usage_history``, filled on access."""
    return Columns(UsageRow, columns_of(UsageRow), _UsageRows(log).new)


class _EventRows:
    """Makes the rows of the table of events."""

    def __init__(self, log: EventLog) -> None:
        self._log = log
        self._made = 0

    def new(self) -> Iterator[tuple[Any, ...]]:
        """Yield the rows of the events that are new since the last call."""
        log, start = self._log, self._made
        self._made = len(log)
        for index in range(start, self._made):
            event, (chunk, t) = log.event(index), log.place(index)
            kind, raw_text, candidate = describe(event)
            text = None if raw_text is None else replace_surrogates(raw_text)
            yield index, chunk, t, candidate, kind, text, event


class _UsageRows:
    """Makes the rows of the table of usage reports."""

    def __init__(self, log: EventLog) -> None:
        self._log = log
        self._scanned = 0  # events
        self._previous: Usage | None = None  # of the rows of this round made so far
        self._round = 0

    def new(self) -> Iterator[tuple[Any, ...]]:
        """Yield the rows of the reports that are new since the last call."""
        log, start = self._log, self._scanned
        self._scanned = len(log)
        for index in range(start, self._scanned):
            event = log.event(index) if log.is_usage(index) else None
            if isinstance(event, UsageReport):
                if log.round_of(index) != self._round:
                    self._round, self._previous = log.round_of(index), None
                usage, previous = event.usage, self._previous or Usage()
                pairs = zip(usage, previous, strict=True)
                deltas = (None if now is None else now - (then or 0) for now, then in pairs)
                yield *log.place(index), *usage, *deltas
                if usage.total is not None or self._previous is None:
                    self._previous = usage
