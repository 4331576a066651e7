"""All events of an exchange in a compact form, and the tables of events and usage made from them."""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from typing import Any

from ..content import Part
from ..events import Delta, Event, Usage, UsageReport
from ..lazy import LazySequence
from ..lenient_json import replace_surrogates
from ..tables import Columns
from .parts import compact_part, restore_part
from .row_types import ChunkRow, EventRow, UsageRow, columns_of, describe, event_json

__all__ = ["EventLog"]


class EventLog(LazySequence[Event]):
    """The events in order, each with its chunk and time; append-only, for one writer.

    Values that the chunk's row has are not stored again: of a delta of candidate 0 only the part is stored, of a usage
    report nothing. The tables of events and usage are filled on access.

    Args:
        chunks: the columns of the chunks, which have the times and token counts.

    Attributes:
        event_columns: the columns of ``Response.events``; ``json`` is stored as the event itself.
        usage_columns: the columns of ``Response.usage_history``.
    """

    def __init__(self, chunks: Columns[ChunkRow]) -> None:
        # Events; a Delta is stored as its compact part, a usage report that is in the chunk's row as None.
        self._stored: list[Any] = []
        self._firsts = array("i")  # index of the first event of each chunk
        self._times: dict[int, float] = {}  # of events without a chunk
        self._arrivals = chunks.stores["t"]
        self._counts = [chunks.stores[name] for name in ChunkRow._fields if name.endswith("_tokens")]
        self._previous: Usage | None = None  # of the rows made so far
        self._scanned = 0  # events that the usage table has read
        self.event_columns: Columns[EventRow] = Columns(
            EventRow, columns_of(EventRow, event_json), self._event_rows
        )
        self.usage_columns: Columns[UsageRow] = Columns(UsageRow, columns_of(UsageRow), self._usage_rows)

    def extend(self, events: Sequence[Event], usage: Usage) -> None:
        """Append the events of the next chunk, after its row was appended.

        Args:
            events: the events.
            usage: the token counts in the chunk's row.
        """
        self._firsts.append(len(self._stored))
        for event in events:
            if type(event) is Delta and event.candidate == 0:
                self._stored.append(compact_part(event.part))
            elif type(event) is UsageReport and event.usage is usage:
                self._stored.append(None)
            else:
                self._stored.append(event)

    def add(self, event: Event, t: float) -> None:
        """Append an event without a chunk, ``t`` seconds after the first request was sent."""
        self._times[len(self._stored)] = t
        self._stored.append(event)

    def __len__(self) -> int:
        return len(self._stored)

    def _items(self, rows: Sequence[int]) -> Iterator[Event]:
        return map(self._event, rows)

    def _event(self, index: int) -> Event:
        stored: Any = self._stored[index]
        if stored is None:
            chunk = self._chunk(index)
            return UsageReport(Usage(*(store.at(chunk) for store in self._counts)))
        return Delta(restore_part(stored)) if isinstance(stored, str | Part) else stored

    def _chunk(self, index: int) -> int:
        return bisect_right(self._firsts, index) - 1

    def _chunk_and_time(self, index: int) -> tuple[int | None, float]:
        """Return the chunk of an event (None if it has none) and its time."""
        if index in self._times:
            return None, self._times[index]
        chunk = self._chunk(index)
        return chunk, self._arrivals.at(chunk)

    def _event_rows(self) -> Iterator[tuple[Any, ...]]:
        for index in range(self.event_columns.length, len(self._stored)):
            event, (chunk, t) = self._event(index), self._chunk_and_time(index)
            kind, raw_text, candidate = describe(event)
            text = None if raw_text is None else replace_surrogates(raw_text)
            yield index, chunk, t, candidate, kind, text, event

    def _usage_rows(self) -> Iterator[tuple[Any, ...]]:
        start, self._scanned = self._scanned, len(self._stored)
        for index in range(start, self._scanned):
            if self._stored[index] is not None and type(self._stored[index]) is not UsageReport:
                continue
            event = self._event(index)
            if isinstance(event, UsageReport):
                usage, previous = event.usage, self._previous or Usage()
                pairs = zip(usage, previous, strict=True)
                deltas = (None if now is None else now - (then or 0) for now, then in pairs)
                yield *self._chunk_and_time(index), *usage, *deltas
                if usage.total is not None or self._previous is None:
                    self._previous = usage
