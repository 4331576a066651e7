"""Media: what bytes are, and objects and files as parts of a prompt.

No network. No plotting or image library is imported at import time; objects are used by their own methods. The names below are
loaded when they are first used, as most prompts are text: import the package and write ``media.NAME`` where that matters.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ..content import LocalFile, MediaSettings
    from .attachments import Attachment, attach, attached_parts, named_attachment
    from .files import read_files
    from .listing import describe_part, html_part_list, part_list, shorten_base64, summarize_media
    from .objects import media_parts
    from .pictures import thumbnail
    from .signatures import HEAD_SIZE, MediaFormat, sniff
    from .source import MediaSource, class_names, readable_size

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

_HOMES = {
    "HEAD_SIZE": ".signatures",
    "Attachment": ".attachments",
    "LocalFile": "..content",
    "MediaFormat": ".signatures",
    "MediaSettings": "..content",
    "MediaSource": ".source",
    "attach": ".attachments",
    "attached_parts": ".attachments",
    "class_names": ".source",
    "describe_part": ".listing",
    "html_part_list": ".listing",
    "media_parts": ".objects",
    "named_attachment": ".attachments",
    "part_list": ".listing",
    "read_files": ".files",
    "readable_size": ".source",
    "shorten_base64": ".listing",
    "sniff": ".signatures",
    "summarize_media": ".listing",
    "thumbnail": ".pictures",
}


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(home, __name__), name)
    globals()[name] = value
    return value
