"""Streams and single requests. Only this package opens sockets.

The names are imported when they are first used, so that the certificates can be loaded while the rest is imported.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..lazy import lazy_names

if TYPE_CHECKING:
    from .body_secrets import hide_in_body
    from .certificates import load_certificates
    from .encoded_request import encode_request
    from .endpoint import endpoint_of
    from .fetch import FetchedResponse, fetch_body, fetch_into, fetch_response
    from .file_upload import upload_file
    from .known_models import listed_models, remember_models
    from .media_plan import plan_media, without_files
    from .media_uploads import uploaded_request
    from .rate_limit import RATE_LIMITER, rate_scope
    from .retry import Outcome
    from .secret import Key, Secret
    from .single_attempt import Asker, SingleAttempt
    from .started_interactions import StartedInteraction, StartedInteractions
    from .stream import Stream, open_stream, play
    from .uploaded_files import UploadedFile, UploadedFiles

__all__ = [
    "RATE_LIMITER",
    "Asker",
    "FetchedResponse",
    "Key",
    "Outcome",
    "Secret",
    "SingleAttempt",
    "StartedInteraction",
    "StartedInteractions",
    "Stream",
    "UploadedFile",
    "UploadedFiles",
    "encode_request",
    "endpoint_of",
    "fetch_body",
    "fetch_into",
    "fetch_response",
    "hide_in_body",
    "listed_models",
    "load_certificates",
    "open_stream",
    "plan_media",
    "play",
    "rate_scope",
    "remember_models",
    "upload_file",
    "uploaded_request",
    "without_files",
]

_HOMES = {
    "RATE_LIMITER": "rate_limit",
    "Asker": "single_attempt",
    "FetchedResponse": "fetch",
    "Key": "secret",
    "Outcome": "retry",
    "Secret": "secret",
    "SingleAttempt": "single_attempt",
    "StartedInteraction": "started_interactions",
    "StartedInteractions": "started_interactions",
    "Stream": "stream",
    "UploadedFile": "uploaded_files",
    "UploadedFiles": "uploaded_files",
    "encode_request": "encoded_request",
    "endpoint_of": "endpoint",
    "fetch_body": "fetch",
    "fetch_into": "fetch",
    "fetch_response": "fetch",
    "hide_in_body": "body_secrets",
    "listed_models": "known_models",
    "load_certificates": "certificates",
    "open_stream": "stream",
    "plan_media": "media_plan",
    "play": "stream",
    "rate_scope": "rate_limit",
    "remember_models": "known_models",
    "upload_file": "file_upload",
    "uploaded_request": "media_uploads",
    "without_files": "media_plan",
}
__getattr__ = lazy_names(globals(), _HOMES)
