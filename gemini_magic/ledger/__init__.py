"""The record of one request: chunks, events, attempts and notes, appended while they arrive."""

from __future__ import annotations

from .candidates import Candidate, citations_of, grounding_of
from .exchange import REDACTED, Attempt, Exchange, Pause, Transfer, clean_headers, clean_url
from .items import (
    AnswerItem,
    CallItem,
    CodeRun,
    MediaItem,
    OtherItem,
    TextStretch,
    ToolItem,
    TranscriptItem,
)
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
    "AnswerItem",
    "Attempt",
    "CallItem",
    "Candidate",
    "ChunkRow",
    "CodeRun",
    "DisplayOptions",
    "EventRow",
    "Exchange",
    "Ledger",
    "MediaItem",
    "ModalityRow",
    "NoteRow",
    "OtherItem",
    "PartRow",
    "Pause",
    "Phase",
    "TextStretch",
    "ToolItem",
    "TranscriptItem",
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
