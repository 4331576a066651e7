"""Streams and single requests. Only this package opens sockets."""

from __future__ import annotations

from .certificates import load_certificates
from .endpoint import endpoint_of
from .fetch import FetchedResponse, fetch, fetch_response
from .known_models import known_models, remember_models
from .media_plan import plan_media, without_files
from .media_uploads import uploaded_request
from .secret import Key, Secret
from .stream import Stream, open_stream, play
from .uploaded_files import UploadedFile, UploadedFiles

__all__ = [
    "FetchedResponse",
    "Key",
    "Secret",
    "Stream",
    "UploadedFile",
    "UploadedFiles",
    "endpoint_of",
    "fetch",
    "fetch_response",
    "known_models",
    "load_certificates",
    "open_stream",
    "plan_media",
    "play",
    "remember_models",
    "uploaded_request",
    "without_files",
]
