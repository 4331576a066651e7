"""Notes about a stream: what is unusual about it, in which chunk and at which byte of the body."""

from __future__ import annotations

from .notes import all_notes, display_notes
from .wire_notes import MEGABYTE, add_wire_note, body_too_large, unreadable_body

__all__ = ["MEGABYTE", "add_wire_note", "all_notes", "body_too_large", "display_notes", "unreadable_body"]
