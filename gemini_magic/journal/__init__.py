"""The journal: every answer a server gave, in one SQLite file of the user's, as far as it has arrived.

A separate thread writes the file, so that no answer waits for the disk. The journal stores the lines of a recording
without reading them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .entries import AnswerEnd, AnswerStart, Entry, EntryRow, Limits, entry_rows
from .writer import Journal

if TYPE_CHECKING:
    from .reader import JournalReader as JournalReader

__all__ = ["AnswerEnd", "AnswerStart", "Entry", "EntryRow", "Journal", "Limits", "entry_rows"]
