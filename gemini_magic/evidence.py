"""What a response knows beside what was said: tables, raw JSON, timing, cost, oddities, the HTTP exchanges.

Everything is read from the ledger when asked for. It sends nothing and shows nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from .content import Request
from .events import Chunk, Usage
from .exchange import Attempt
from .ledger import Ledger
from .listings import ModalityRow, NoteRow, PartRow, modality_rows, part_row, rows_of
from .oddities import oddities
from .prices import Cost, cost_of, said_cost
from .records import ChunkRow, EventRow, UsageRow
from .spoken import Candidate
from .tables import Rows
from .timing import Timing, measure

__all__ = ["Evidence"]


class Evidence:
    """The tables and figures of one ledger."""

    def __init__(self, ledger: Ledger) -> None:
        self.ledger = ledger

    @property
    def raw(self) -> list[Any]:
        """The JSON values exactly as received."""
        return [chunk.value for chunk in self.ledger.raw]

    @property
    def raw_chunks(self) -> list[Chunk]:
        """The chunks with their bytes; ``chunk.raw`` is the JSON text."""
        return list(self.ledger.raw)

    @property
    def chunks(self) -> Rows[ChunkRow]:
        """A row for each JSON value received; ``pd.DataFrame(r.chunks)`` works."""
        return self.ledger.chunk_columns.rows()

    @property
    def events(self) -> Rows[EventRow]:
        """A row for each event the chunks carried."""
        return self.ledger.event_columns.rows()

    @property
    def parts_table(self) -> Rows[PartRow]:
        """A row for each part of each candidate, text that was cut into chunks joined again."""
        candidates = sorted({0, *self.ledger.parts})
        return rows_of(
            PartRow,
            (
                part_row(index, candidate, part)
                for candidate in candidates
                for index, part in enumerate(Candidate(self.ledger, candidate).parts)
            ),
        )

    @property
    def usage(self) -> Usage:
        """The token counts: the last total the server sent, None where it said nothing."""
        return self.ledger.usage or Usage()

    @property
    def usage_history(self) -> Rows[UsageRow]:
        """Every usage report with what it added."""
        return self.ledger.usage_columns.rows()

    @property
    def usage_by_modality(self) -> Rows[ModalityRow]:
        """Every count that a usage report splits by text, image, audio and so on, as sent."""
        return rows_of(ModalityRow, modality_rows(self._metadata()))

    @property
    def cost(self) -> Cost | None:
        """What the answer cost; None where that is not known, and while it runs.

        A gateway's own figure if it sent one, else the list price by the package genai-prices (``pip install
        "gemini-magic[prices]"``), thoughts, cached and tool tokens and the service tier taken into account. List prices
        know no discounts and no free tier.
        """
        ledger = self.ledger
        if ledger.status == "running":
            return None
        model = ledger.model_version or (ledger.request.model if ledger.request else None)
        if "cost" in ledger.extras:
            return said_cost(ledger.extras["cost"], source=ledger.backend, model=model)
        asked = ledger.request.body.get("serviceTier") if ledger.request else None
        tier = ledger.extras.get("serviceTier", asked)
        metadata = [found for _, found in self._metadata() if "totalTokenCount" in found]
        return cost_of(
            ledger.usage,
            model,
            metadata=metadata[-1] if metadata else None,
            tier=tier if isinstance(tier, str) else None,
            when=ledger.started,
        )

    def _metadata(self) -> Iterator[tuple[Chunk, Mapping[str, Any]]]:
        for chunk in list(self.ledger.raw):
            value = chunk.value if b"TokenCount" in chunk.raw else None
            found = value.get("usageMetadata") if isinstance(value, dict) else None
            if isinstance(found, dict):
                yield chunk, found

    @property
    def notes(self) -> Rows[NoteRow]:
        """Oddities of the stream, each with severity, place and explanation.

        First what the readers saw, then what a look over the whole shows, which parses the JSON once more.
        """
        found = oddities(self.ledger)
        return rows_of(
            NoteRow, ((note.kind, note.severity, note.message, note.chunk, note.offset) for note in found)
        )

    @property
    def extras(self) -> dict[str, Any]:
        """What gateways and newer servers add, as sent: ``provider``, ``cache_tier``, ``serviceTier`` or ``cost``."""
        return dict(self.ledger.extras)

    @property
    def request(self) -> Request | None:
        """What was asked; None for a recording."""
        return self.ledger.request

    @property
    def attempts(self) -> Rows[Attempt]:
        """The HTTP exchanges, retries included."""
        return rows_of(Attempt, (each.summary() for each in list(self.ledger.exchanges)))

    @property
    def headers(self) -> dict[str, str]:
        """The headers of the last answer, without cookies."""
        exchanges = self.ledger.exchanges
        return dict(exchanges[-1].response_headers) if exchanges else {}

    @property
    def model_version(self) -> str | None:
        """The model that answered, in the server's word."""
        return self.ledger.model_version

    @property
    def response_id(self) -> str | None:
        """The server's id of the answer."""
        return self.ledger.response_id

    @property
    def started(self) -> datetime:
        """When the request was made (UTC)."""
        return self.ledger.started

    @property
    def timing(self) -> Timing:
        """Where the time went, in seconds; all None for a recording without arrival times."""
        columns = self.ledger.chunk_columns
        times = columns.given("t", columns.length)
        if self.ledger.source == "recording" and times and not any(times):
            return measure({}, (), self.usage)
        return measure(self.ledger.marks, times, self.usage)
