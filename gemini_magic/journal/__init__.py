"""The journal: every answer a server gave, in one SQLite file of the user's, as far as it has arrived.

A thread of its own writes; nobody waits for it. It stores the lines that it is given and knows neither what is in
them nor who asked.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .entries import AnswerEnd, AnswerStart, Entry, EntryRow, Limits, entry_rows
from .writer import Journal

if TYPE_CHECKING:
    from .reader import JournalReader as JournalReader

__all__ = ["AnswerEnd", "AnswerStart", "Entry", "EntryRow", "Journal", "Limits", "entry_rows"]
