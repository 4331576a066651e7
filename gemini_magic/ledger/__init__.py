"""The record of one request: chunks, events, attempts and notes, appended while they arrive."""

from __future__ import annotations

from .candidates import Candidate, citations_of, grounding_of
from .confirmation import Confirmation, Decision
from .display_options import typed_form
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
from .round_driver import PausedStream, RoundDriver
from .round_rows import RoundRow, round_rows
from .rounds import Round, add_usage, paragraph_gap
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
from .tool_runs import OPEN_STATES, ToolRun, ToolState
from .turns import answer_turns, finished_turns, open_calls, parts_of_round, show_tool_runs

__all__ = [
    "OPEN_STATES",
    "REDACTED",
    "AnswerItem",
    "AnswerSources",
    "Attempt",
    "CallItem",
    "Candidate",
    "ChunkRow",
    "CodeRun",
    "Confirmation",
    "Decision",
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
    "PausedStream",
    "Phase",
    "Round",
    "RoundDriver",
    "RoundRow",
    "SafetyRow",
    "SourceRow",
    "TextStretch",
    "ToolItem",
    "ToolRun",
    "ToolState",
    "TranscriptRow",
    "Transfer",
    "UrlContextRow",
    "UsageRow",
    "add_usage",
    "answer_sources",
    "answer_turns",
    "citations_of",
    "clean_headers",
    "clean_url",
    "filled_columns",
    "finished_turns",
    "grounding_of",
    "item_rows",
    "logprob_rows",
    "modality_rows",
    "open_calls",
    "paragraph_gap",
    "part_row",
    "parts_of_round",
    "round_rows",
    "rows_of",
    "safety_rows",
    "show_tool_runs",
    "source_rows",
    "transcript_rows",
    "typed_form",
    "url_context_rows",
]
