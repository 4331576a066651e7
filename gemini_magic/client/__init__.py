"""Streams and single requests. Only this package opens sockets."""

from __future__ import annotations

from .certificates import load_certificates
from .endpoint import endpoint_of
from .fetch import FetchedResponse, fetch, fetch_response
from .known_models import known_models, remember_models
from .secret import Key, Secret
from .stream import Stream, open_stream, play

__all__ = [
    "FetchedResponse",
    "Key",
    "Secret",
    "Stream",
    "endpoint_of",
    "fetch",
    "fetch_response",
    "known_models",
    "load_certificates",
    "open_stream",
    "play",
    "remember_models",
]
