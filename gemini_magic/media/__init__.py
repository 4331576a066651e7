"""Media: what bytes are, and objects and files as parts of a prompt. No network, and no library is imported for it."""

from __future__ import annotations

from ..content import LocalFile, MediaSettings
from .sniff import HEAD_SIZE, MediaFormat, sniff

__all__ = ["HEAD_SIZE", "LocalFile", "MediaFormat", "MediaSettings", "sniff"]
