"""Recordings of streams: writing, reading and replaying them."""

from __future__ import annotations

from .export import Tape
from .files import read_recording, write_recording
from .jsonl import Recorded, parse
from .load import read_exchanges
from .recorder import Recorder
from .replay import Replay, ReplayOnce

__all__ = [
    "Recorded",
    "Recorder",
    "Replay",
    "ReplayOnce",
    "Tape",
    "parse",
    "read_exchanges",
    "read_recording",
    "write_recording",
]
