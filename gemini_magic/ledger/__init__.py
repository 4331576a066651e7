"""The record of one request: chunks, events, attempts and notes, appended while they arrive."""

from __future__ import annotations

from .candidates import Candidate, citations_of, grounding_of
from .evidence_tables import logprob_rows, safety_rows, source_rows, transcript_rows, url_context_rows
from .exchange import REDACTED, Attempt, Exchange, Pause, Transfer, clean_headers, clean_url
from .item_table import item_rows
from .items import (
    AnswerItem,
    CallItem,
    CodeRun,
    MediaItem,
    OtherItem,
    TextStretch,
    ToolItem,
)
from .ledger import DisplayOptions, Ledger, Phase
from .row_types import (
    ChunkRow,
    EventRow,
    LogprobRow,
    ModalityRow,
    NoteRow,
    PartRow,
    SafetyRow,
    SourceRow,
    TranscriptRow,
    UrlContextRow,
    UsageRow,
    filled_columns,
    modality_rows,
    part_row,
    rows_of,
)
from .sources import AnswerSources, NumberedSource, Passage, answer_sources

__all__ = [
    "REDACTED",
    "AnswerItem",
    "AnswerSources",
    "Attempt",
    "CallItem",
    "Candidate",
    "ChunkRow",
    "CodeRun",
    "DisplayOptions",
    "EventRow",
    "Exchange",
    "Ledger",
    "LogprobRow",
    "MediaItem",
    "ModalityRow",
    "NoteRow",
    "NumberedSource",
    "OtherItem",
    "PartRow",
    "Passage",
    "Pause",
    "Phase",
    "SafetyRow",
    "SourceRow",
    "TextStretch",
    "ToolItem",
    "TranscriptRow",
    "Transfer",
    "UrlContextRow",
    "UsageRow",
    "answer_sources",
    "citations_of",
    "clean_headers",
    "clean_url",
    "filled_columns",
    "grounding_of",
    "item_rows",
    "logprob_rows",
    "modality_rows",
    "part_row",
    "rows_of",
    "safety_rows",
    "source_rows",
    "transcript_rows",
    "url_context_rows",
]
