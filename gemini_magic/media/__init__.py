"""Media: what bytes are, and objects and files as parts of a prompt.

No network. No plotting or image library is imported at import time; objects are used by their own methods.
"""

from __future__ import annotations

from ..content import LocalFile, MediaSettings
from .attachments import Attachment, attach, attached_parts, named_attachment
from .files import read_files
from .listing import describe_part, html_part_list, part_list, shorten_base64, summarize_media
from .objects import class_names, media_parts
from .pictures import thumbnail
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
    media_identity,
    media_in,
    references_in,
    summarize_references,
)
from .sniff import HEAD_SIZE, MediaFormat, sniff
from .source import MediaSource, readable_size

__all__ = [
    "HEAD_SIZE",
    "REFERENCE",
    "Attachment",
    "LocalFile",
    "MediaFormat",
    "MediaInsert",
    "MediaSettings",
    "MediaSource",
    "StoredMedia",
    "attach",
    "attached_parts",
    "base64_pieces",
    "base64_size",
    "body_pieces",
    "body_size",
    "class_names",
    "collapse_media",
    "describe_media",
    "describe_part",
    "encode_body",
    "expand_media",
    "html_part_list",
    "media_identity",
    "media_in",
    "media_parts",
    "named_attachment",
    "part_list",
    "read_files",
    "readable_size",
    "references_in",
    "shorten_base64",
    "sniff",
    "summarize_media",
    "summarize_references",
    "thumbnail",
]
