"""Network and waiting: streams, keys, recordings. The only room that opens a socket."""

from __future__ import annotations

from .credentials import Key, Secret, find_key, key_header
from .endpoint import endpoint_of
from .fetch import fetch
from .loading import read_exchanges
from .recent import recent, recent_folder, recent_recorder
from .recorder import Recorder
from .recording import read_recording, write_recording
from .replay import Replay
from .stream import Stream, open_stream, play

__all__ = [
    "Key",
    "Recorder",
    "Replay",
    "Secret",
    "Stream",
    "endpoint_of",
    "fetch",
    "find_key",
    "key_header",
    "open_stream",
    "play",
    "read_exchanges",
    "read_recording",
    "recent",
    "recent_folder",
    "recent_recorder",
    "write_recording",
]
