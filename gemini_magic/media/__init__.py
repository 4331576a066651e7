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
from .raster import RasterImage, read_raster
from .sniff import HEAD_SIZE, MediaFormat, sniff
from .sound import PcmFormat, pcm_format, wav_bytes, wav_duration, wav_header
from .source import MediaSource, readable_size

__all__ = [
    "HEAD_SIZE",
    "Attachment",
    "LocalFile",
    "MediaFormat",
    "MediaSettings",
    "MediaSource",
    "PcmFormat",
    "RasterImage",
    "attach",
    "attached_parts",
    "class_names",
    "describe_part",
    "html_part_list",
    "media_parts",
    "named_attachment",
    "part_list",
    "pcm_format",
    "read_files",
    "read_raster",
    "readable_size",
    "shorten_base64",
    "sniff",
    "summarize_media",
    "thumbnail",
    "wav_bytes",
    "wav_duration",
    "wav_header",
]
