"""Network and waiting: streams and single requests. The only package that opens a socket."""

from __future__ import annotations

from .endpoint import endpoint_of
from .fetch import Fetched, fetch, fetched
from .secret import Key, Secret
from .stream import Stream, open_stream, play

__all__ = [
    "Fetched",
    "Key",
    "Secret",
    "Stream",
    "endpoint_of",
    "fetch",
    "fetched",
    "open_stream",
    "play",
]
