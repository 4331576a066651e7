"""Media: what bytes are, and objects and files as parts of a prompt.

No network. No plotting or image library is imported at import time; objects are used by their own methods. The names below are
loaded when they are first used, as most prompts are text: import the package and write ``media.NAME`` where that matters.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..lazy import lazy_names

if TYPE_CHECKING:
    from ..content import LocalFile, MediaSettings
    from .attachments import Attachment, attached_parts, named_attachment, named_value
    from .files import read_files
    from .listing import describe_part, html_part_list, part_list, shorten_base64, summarize_media
    from .objects import is_drawing, is_media, media_parts
    from .pictures import thumbnail
    from .raster import RasterImage, read_raster
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
    from .signatures import HEAD_SIZE, MediaFormat, file_suffix, sniff
    from .sound import PcmFormat, pcm_format, wav_bytes, wav_duration, wav_header
    from .source import MediaSource, class_names, readable_size

__all__ = [
    "HEAD_SIZE",
    "REFERENCE",
    "Attachment",
    "LocalFile",
    "MediaFormat",
    "MediaInsert",
    "MediaSettings",
    "MediaSource",
    "PcmFormat",
    "RasterImage",
    "StoredMedia",
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
    "file_suffix",
    "html_part_list",
    "is_drawing",
    "is_media",
    "media_identity",
    "media_in",
    "media_parts",
    "named_attachment",
    "named_value",
    "part_list",
    "pcm_format",
    "read_files",
    "read_raster",
    "readable_size",
    "references_in",
    "shorten_base64",
    "sniff",
    "summarize_media",
    "summarize_references",
    "thumbnail",
    "wav_bytes",
    "wav_duration",
    "wav_header",
]

_HOMES = {
    "HEAD_SIZE": "signatures",
    "REFERENCE": "request_body",
    "Attachment": "attachments",
    "LocalFile": ".content",
    "MediaFormat": "signatures",
    "MediaInsert": "request_body",
    "MediaSettings": ".content",
    "MediaSource": "source",
    "PcmFormat": "sound",
    "RasterImage": "raster",
    "StoredMedia": "request_body",
    "attached_parts": "attachments",
    "base64_pieces": "request_body",
    "base64_size": "request_body",
    "body_pieces": "request_body",
    "body_size": "request_body",
    "class_names": "source",
    "collapse_media": "request_body",
    "describe_media": "request_body",
    "describe_part": "listing",
    "encode_body": "request_body",
    "expand_media": "request_body",
    "file_suffix": "signatures",
    "html_part_list": "listing",
    "is_drawing": "objects",
    "is_media": "objects",
    "media_identity": "request_body",
    "media_in": "request_body",
    "media_parts": "objects",
    "named_attachment": "attachments",
    "named_value": "attachments",
    "part_list": "listing",
    "pcm_format": "sound",
    "read_files": "files",
    "read_raster": "raster",
    "readable_size": "source",
    "references_in": "request_body",
    "shorten_base64": "listing",
    "sniff": "signatures",
    "summarize_media": "listing",
    "summarize_references": "request_body",
    "thumbnail": "pictures",
    "wav_bytes": "sound",
    "wav_duration": "sound",
    "wav_header": "sound",
}
__getattr__ = lazy_names(globals(), _HOMES)
