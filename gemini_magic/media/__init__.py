"""Media: what bytes are, and objects and files as parts of a prompt. No network, and no library is imported for it."""

from __future__ import annotations

from ..content import LocalFile, MediaSettings
from .request_body import (
    REFERENCE,
    MediaInsert,
    StoredMedia,
    base64_pieces,
    base64_size,
    body_pieces,
    body_size,
    collapse_media,
    describe_media,
    encode_body,
    expand_media,
    file_size,
    media_identity,
    media_in,
    references_in,
    summarize_references,
)
from .sniff import HEAD_SIZE, MediaFormat, sniff

__all__ = [
    "HEAD_SIZE",
    "REFERENCE",
    "LocalFile",
    "MediaFormat",
    "MediaInsert",
    "MediaSettings",
    "StoredMedia",
    "base64_pieces",
    "base64_size",
    "body_pieces",
    "body_size",
    "collapse_media",
    "describe_media",
    "encode_body",
    "expand_media",
    "file_size",
    "media_identity",
    "media_in",
    "references_in",
    "sniff",
    "summarize_references",
]
