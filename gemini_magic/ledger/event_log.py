"""Every event of an exchange, in little room, and the tables that are made of them."""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from typing import Any

from ..content import Part, compact_part, restore_part
from ..events import Delta, Event, Usage, UsageReport
from ..lazy import LazySequence
from ..lenient_json import replace_surrogates
from ..tables import Columns
from .row_types import ChunkRow, EventRow, UsageRow, columns_of, describe, event_json

__all__ = ["EventLog"]


class EventLog(LazySequence[Event]):
    """The events in order, each with the chunk that brought it and its time; append-only, for one writer.

    What an event says that is kept elsewhere is not kept again: of a part of the first candidate it has the part, of a
    usage report nothing. The tables of events and of usage are made of it when somebody asks.

    Args:
        chunks: the chunks, whose rows have the times and the counts.

    Attributes:
        event_columns: the columns of ``Response.events``; ``json`` is stored as the event itself.
        usage_columns: the columns of ``Response.usage_history``.
    """

    def __init__(self, chunks: Columns[ChunkRow]) -> None:
        # Events; in place of a Delta what has to be kept of its part, and None for the usage that is in the chunk's row.
        self._kept: list[Any] = []
        self._firsts = array("i")  # with which event each chunk begins
        self._times: dict[int, float] = {}  # of events that belong to no chunk
        self._arrivals = chunks.stores["t"]
        self._counts = [chunks.stores[name] for name in ChunkRow._fields if name.endswith("_tokens")]
        self._former: Usage | None = None  # of the rows made already
        self._counted = 0  # events that the table of usage has seen
        self.event_columns: Columns[EventRow] = Columns(
            EventRow, columns_of(EventRow, event_json), self._event_rows
        )
        self.usage_columns: Columns[UsageRow] = Columns(UsageRow, columns_of(UsageRow), self._usage_rows)

    def extend(self, events: Sequence[Event], usage: Usage) -> None:
        """Add the events of the next chunk, whose row is there already, with the usage that is in it."""
        self._firsts.append(len(self._kept))
        for event in events:
            if type(event) is Delta and event.candidate == 0:
                self._kept.append(compact_part(event.part))
            elif type(event) is UsageReport and event.usage is usage:
                self._kept.append(None)
            else:
                self._kept.append(event)

    def add(self, event: Event, t: float) -> None:
        """Add an event that belongs to no chunk."""
        self._times[len(self._kept)] = t
        self._kept.append(event)

    def __len__(self) -> int:
        return len(self._kept)

    def _items(self, rows: Sequence[int]) -> Iterator[Event]:
        return map(self._event, rows)

    def _event(self, index: int) -> Event:
        kept: Any = self._kept[index]
        if kept is None:
            chunk = self._chunk(index)
            return UsageReport(Usage(*(store.at(chunk) for store in self._counts)))
        return Delta(restore_part(kept)) if isinstance(kept, str | Part) else kept

    def _chunk(self, index: int) -> int:
        return bisect_right(self._firsts, index) - 1

    def _place(self, index: int) -> tuple[int | None, float]:
        """An event's chunk, None for none, and its time."""
        if index in self._times:
            return None, self._times[index]
        chunk = self._chunk(index)
        return chunk, self._arrivals.at(chunk)

    def _event_rows(self) -> Iterator[tuple[Any, ...]]:
        for index in range(self.event_columns.length, len(self._kept)):
            event, (chunk, t) = self._event(index), self._place(index)
            kind, shown, candidate = describe(event)
            text = None if shown is None else replace_surrogates(shown)
            yield index, chunk, t, candidate, kind, text, event

    def _usage_rows(self) -> Iterator[tuple[Any, ...]]:
        seen, self._counted = self._counted, len(self._kept)
        for index in range(seen, self._counted):
            if self._kept[index] is not None and type(self._kept[index]) is not UsageReport:
                continue
            event = self._event(index)
            if isinstance(event, UsageReport):
                usage, former = event.usage, self._former or Usage()
                pairs = zip(usage, former, strict=True)
                deltas = (None if now is None else now - (then or 0) for now, then in pairs)
                yield *self._place(index), *usage, *deltas
                if usage.total is not None or self._former is None:
                    self._former = usage
