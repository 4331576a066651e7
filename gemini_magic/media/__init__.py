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
from .sniff import HEAD_SIZE, MediaFormat, sniff
from .source import MediaSource, readable_size

__all__ = [
    "HEAD_SIZE",
    "Attachment",
    "LocalFile",
    "MediaFormat",
    "MediaSettings",
    "MediaSource",
    "attach",
    "attached_parts",
    "class_names",
    "describe_part",
    "html_part_list",
    "media_parts",
    "named_attachment",
    "part_list",
    "read_files",
    "readable_size",
    "shorten_base64",
    "sniff",
    "summarize_media",
    "thumbnail",
]
