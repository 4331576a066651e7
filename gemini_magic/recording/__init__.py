"""Recordings of streams: writing, reading, replaying and loading them."""

from __future__ import annotations

from .curl import last_curl
from .export import LedgerLines
from .files import MAX_TOTAL, read_recording, write_recording
from .jsonl import RecordedExchange, parse_recording
from .load import load_exchanges
from .recorder import Recorder, check_recordable
from .replay import Replay, ReplayOnce

__all__ = [
    "MAX_TOTAL",
    "LedgerLines",
    "RecordedExchange",
    "Recorder",
    "Replay",
    "ReplayOnce",
    "check_recordable",
    "last_curl",
    "load_exchanges",
    "parse_recording",
    "read_recording",
    "write_recording",
]
