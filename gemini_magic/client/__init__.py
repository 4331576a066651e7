"""Network and waiting: streams, keys, recordings. The only room that opens a socket."""

from __future__ import annotations

from .credentials import Key, Secret, find_key, key_header
from .endpoint import endpoint_of
from .fetch import fetch
from .jsonl import parse as parse_recording
from .loading import read_exchanges
from .recorder import Recorder
from .recording import read_recording, write_recording
from .replay import Replay
from .stream import Stream, open_stream, play
from .tape import Tape

__all__ = [
    "Key",
    "Recorder",
    "Replay",
    "Secret",
    "Stream",
    "Tape",
    "endpoint_of",
    "fetch",
    "find_key",
    "key_header",
    "open_stream",
    "parse_recording",
    "play",
    "read_exchanges",
    "read_recording",
    "write_recording",
]
