"""Streams and single requests. Only this package opens sockets.

The names are imported when they are first used, so that the certificates can be loaded while the rest is imported.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..lazy import lazy_names

if TYPE_CHECKING:
    from .certificates import load_certificates
    from .endpoint import endpoint_of
    from .fetch import FetchedResponse, fetch_body, fetch_response
    from .known_models import listed_models, remember_models
    from .secret import Key, Secret
    from .stream import Stream, open_stream, play

__all__ = [
    "FetchedResponse",
    "Key",
    "Secret",
    "Stream",
    "endpoint_of",
    "fetch_body",
    "fetch_response",
    "listed_models",
    "load_certificates",
    "open_stream",
    "play",
    "remember_models",
]

_HOMES = {
    "FetchedResponse": "fetch",
    "Key": "secret",
    "Secret": "secret",
    "Stream": "stream",
    "endpoint_of": "endpoint",
    "fetch_body": "fetch",
    "fetch_response": "fetch",
    "listed_models": "known_models",
    "load_certificates": "certificates",
    "open_stream": "stream",
    "play": "stream",
    "remember_models": "known_models",
}
__getattr__ = lazy_names(globals(), _HOMES)
