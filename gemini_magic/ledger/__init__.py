"""The record of one request: chunks, events, attempts and notes, appended while they arrive."""

from __future__ import annotations

from .candidates import Candidate, citations_of, grounding_of
from .exchange import REDACTED, Attempt, Exchange, Pause, Transfer, clean_headers, clean_url
from .ledger import DisplayOptions, Ledger, Phase
from .row_types import (
    ChunkRow,
    EventRow,
    ModalityRow,
    NoteRow,
    PartRow,
    UsageRow,
    modality_rows,
    part_row,
    rows_of,
)

__all__ = [
    "REDACTED",
    "Attempt",
    "Candidate",
    "ChunkRow",
    "DisplayOptions",
    "EventRow",
    "Exchange",
    "Ledger",
    "ModalityRow",
    "NoteRow",
    "PartRow",
    "Pause",
    "Phase",
    "Transfer",
    "UsageRow",
    "citations_of",
    "clean_headers",
    "clean_url",
    "grounding_of",
    "modality_rows",
    "part_row",
    "rows_of",
]
