"""Notes about a stream: what is unusual about it, in which chunk and at which byte of the body.

The names are imported when they are first used: the diagnostics of a whole stream run when it has ended.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..lazy import lazy_names

if TYPE_CHECKING:
    from .notes import all_notes, display_notes
    from .wire_notes import MEGABYTE, add_wire_note, body_too_large, unreadable_body

__all__ = [
    "MEGABYTE",
    "add_wire_note",
    "all_notes",
    "body_too_large",
    "display_notes",
    "unreadable_body",
]

_HOMES = {
    "MEGABYTE": "wire_notes",
    "add_wire_note": "wire_notes",
    "all_notes": "notes",
    "body_too_large": "wire_notes",
    "display_notes": "notes",
    "unreadable_body": "wire_notes",
}
__getattr__ = lazy_names(globals(), _HOMES)
