"""What was received, as evidence: chunks, events, counts, attempts, notes, times and money, read from one ledger.

Everything is read when asked for; nothing is kept twice, but for the findings of a second look, which is taken once. What
the answer says, and what can be done with it, is the response's.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from .content import Part, Request
from .events import Chunk, Usage
from .exchange import Attempt
from .ledger import Ledger
from .lint import all_notes
from .listings import ModalityRow, NoteRow, attempt_rows, modality_rows, note_rows, part_rows
from .prices import Cost, gateway_cost, listed_cost
from .records import ChunkRow, EventRow, UsageRow
from .spoken import Candidate
from .tables import Rows
from .timing import Timing, measure

__all__ = ["Received"]

_PRICED = ("gemini", "vertex")  # dialects whose prices Google publishes
_HOST = "googleapis.com"


class Received:
    """The evidence of one exchange.

    Args:
        ledger: the record it shows.
    """

    def __init__(self, ledger: Ledger) -> None:
        self.ledger = ledger
        self._noted: tuple[object, Rows[NoteRow]] | None = None

    # -- as it came

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
        """A row for each JSON value received; ``pl.DataFrame(r.chunks)`` and ``r.chunks.to_pandas()`` work."""
        return self.ledger.chunk_columns.rows()

    @property
    def events(self) -> Rows[EventRow]:
        """A row for each event the chunks carried."""
        return self.ledger.event_columns.rows()

    @property
    def parts(self) -> Rows[Part]:
        """The answer's parts in order: ``r.parts[0].text``; as a table, what kind they are and what they hold."""
        return part_rows(Candidate(self.ledger, 0).parts)

    @property
    def notes(self) -> Rows[NoteRow]:
        """Oddities of the stream, each with severity, kind, explanation, and the chunk and byte where it was seen.

        Those that only a look over the whole shows are looked for when this is first asked for.
        """
        ledger = self.ledger
        state = (len(ledger.raw), len(ledger.notes), ledger.status)
        if self._noted is None or self._noted[0] != state:
            self._noted = state, note_rows(all_notes(ledger))
        return self._noted[1]

    @property
    def extras(self) -> dict[str, Any]:
        """What gateways and newer servers add, as sent: ``provider``, ``cache_tier``, ``serviceTier`` or ``cost``."""
        return dict(self.ledger.extras)

    # -- tokens and money

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
        """Tokens by modality (text, image, audio, …), cumulative and added; empty where the server does not tell."""
        return modality_rows(self.ledger.raw)

    @property
    def cost(self) -> Cost | None:
        """What the answer cost: as its gateway says, else by the list prices of ``genai-prices``, where it is installed.

        None where that is not known: while the answer is arriving, for a model or a service tier without a known price,
        for servers other than Google's, and without the table (``pip install "gemini-magic[prices]"``).
        """
        ledger = self.ledger
        if ledger.status == "running":
            return None
        if "cost" in ledger.extras:
            return gateway_cost(ledger.extras["cost"])
        if ledger.backend not in _PRICED or not self._from_google():
            return None
        latest = {(row.kind, row.modality): row.tokens for row in self.usage_by_modality}
        tier = ledger.extras.get("serviceTier") or ledger.extras.get("trafficType")
        return listed_cost(
            self.model_version or (ledger.request.model if ledger.request else ledger.exchanges[-1].model),
            self.usage,
            tier=tier if tier is None else str(tier),
            at=ledger.started,
            details=latest,
        )

    def _from_google(self) -> bool:
        host = urlsplit(self.ledger.exchanges[-1].url).hostname if self.ledger.exchanges else None
        return host is not None and (host == _HOST or host.endswith(f".{_HOST}"))

    # -- the wire

    @property
    def request(self) -> Request | None:
        """What was asked; None for a recording."""
        return self.ledger.request

    @property
    def attempts(self) -> Rows[Attempt]:
        """The HTTP exchanges, retries included: status, when each went out, how long it took, what went wrong."""
        return attempt_rows(self.ledger.exchanges)

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
        """Where the time went, in seconds, by the moments at which the socket gave each piece."""
        return measure(self.ledger.marks, self.ledger.chunk_columns.rows()["t"], self.usage)
