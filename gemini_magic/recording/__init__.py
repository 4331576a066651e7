"""Recordings of streams: writing, reading, replaying and loading them.

The names are imported when they are first used, because few answers are recorded or replayed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..lazy import lazy_names

if TYPE_CHECKING:
    from .curl import last_curl
    from .export import LedgerLines
    from .files import read_recording, write_recording
    from .identity import request_digest
    from .jsonl import RecordedExchange, parse_recording
    from .load import load_exchanges
    from .practice_interactions import PracticeInteractions, cited_text
    from .practice_server import PracticeServer
    from .recorder import Recorder, check_recordable
    from .replay import CachedReplay, Replay, ReplayedColumn, ReplayOnce

__all__ = [
    "CachedReplay",
    "LedgerLines",
    "PracticeInteractions",
    "PracticeServer",
    "RecordedExchange",
    "Recorder",
    "Replay",
    "ReplayOnce",
    "ReplayedColumn",
    "check_recordable",
    "cited_text",
    "last_curl",
    "load_exchanges",
    "parse_recording",
    "read_recording",
    "request_digest",
    "write_recording",
]

_HOMES = {
    "CachedReplay": "replay",
    "request_digest": "identity",
    "LedgerLines": "export",
    "PracticeServer": "practice_server",
    "PracticeInteractions": "practice_interactions",
    "RecordedExchange": "jsonl",
    "Recorder": "recorder",
    "Replay": "replay",
    "ReplayOnce": "replay",
    "ReplayedColumn": "replay",
    "check_recordable": "recorder",
    "cited_text": "practice_interactions",
    "last_curl": "curl",
    "load_exchanges": "load",
    "parse_recording": "jsonl",
    "read_recording": "files",
    "write_recording": "files",
}
__getattr__ = lazy_names(globals(), _HOMES)
