"""The record of one request: chunks, events, attempts and notes, appended while they arrive.

The tables that are made from a record are imported when they are first used, as most answers are only read: import the package
and write ``records.NAME`` where that matters.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..lazy import lazy_names
from .candidates import Candidate, block_reason_of, citations_of, grounding_of
from .confirmation import Confirmation, Decision
from .display_options import typed_form
from .exchange import (
    REDACTED,
    Attempt,
    Exchange,
    Pause,
    ServerRun,
    Transfer,
    asking_exchange,
    clean_headers,
    clean_url,
)
from .items import (
    AnswerItem,
    CallItem,
    CodeRun,
    MediaItem,
    OtherItem,
    TextStretch,
    ToolItem,
    count_items,
)
from .ledger import DisplayOptions, Ledger, Phase
from .round_driver import PausedStream, RoundDriver
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
from .steps import AnswerStep, StepLog
from .tool_runs import OPEN_STATES, ToolRun, ToolState
from .turns import (
    answer_turns,
    finished_turns,
    open_calls,
    parts_of_round,
    show_tool_runs,
    text_before_round,
    turn_of_round,
    unfinished_id,
)

if TYPE_CHECKING:
    from .evidence_tables import logprob_rows, safety_rows, source_rows, transcript_rows, url_context_rows
    from .item_table import item_rows
    from .round_table import RoundRow, round_rows
    from .sources import AnswerSources, NumberedSource, Passage, answer_sources
    from .step_table import StepRow, step_rows, steps_with_usage

__all__ = [
    "OPEN_STATES",
    "REDACTED",
    "AnswerItem",
    "AnswerSources",
    "AnswerStep",
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
    "ServerRun",
    "SourceRow",
    "StepLog",
    "StepRow",
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
    "asking_exchange",
    "block_reason_of",
    "citations_of",
    "clean_headers",
    "clean_url",
    "count_items",
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
    "step_rows",
    "steps_with_usage",
    "text_before_round",
    "transcript_rows",
    "turn_of_round",
    "typed_form",
    "unfinished_id",
    "url_context_rows",
]

_HOMES = {
    "logprob_rows": "evidence_tables",
    "safety_rows": "evidence_tables",
    "source_rows": "evidence_tables",
    "transcript_rows": "evidence_tables",
    "url_context_rows": "evidence_tables",
    "item_rows": "item_table",
    "RoundRow": "round_table",
    "round_rows": "round_table",
    "AnswerSources": "sources",
    "NumberedSource": "sources",
    "Passage": "sources",
    "answer_sources": "sources",
    "StepRow": "step_table",
    "step_rows": "step_table",
    "steps_with_usage": "step_table",
}
__getattr__ = lazy_names(globals(), _HOMES)
