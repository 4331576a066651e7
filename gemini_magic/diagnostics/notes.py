"""All notes about a stream: those of the readers, and those of the checks of the whole stream.

The checks run once for each state of a ledger; later calls get the same list.
"""

from __future__ import annotations

from weakref import WeakKeyDictionary

from ..events import Note
from ..ledger import Ledger
from .offsets import ChunkOffsets
from .rules import check_stream
from .value_notes import value_notes

__all__ = ["all_notes", "display_notes"]

_MAX_CHUNKS, _MAX_BYTES = 20_000, 8_000_000  # a stream of this size is checked in about half a second

_checked: WeakKeyDictionary[Ledger, tuple[int, list[Note]]] = WeakKeyDictionary()  # version, notes


def all_notes(ledger: Ledger) -> list[Note]:
    """All notes about a stream, with chunk and offset where they are known. The JSON is parsed once more."""
    version, notes = _checked.get(ledger, (-1, []))
    if version != ledger.version:
        version = ledger.version
        offsets = ChunkOffsets(ledger)
        notes = offsets.fill_in(
            [*ledger.notes.with_counts(), *check_stream(ledger, offsets), *value_notes(ledger)]
        )
        _checked[ledger] = version, notes
    return notes


def display_notes(ledger: Ledger) -> list[Note]:
    """The notes to show with an answer: all of them, but only the readers' while it streams or when it is very long."""
    columns = ledger.chunk_columns
    small = columns.length <= _MAX_CHUNKS and sum(columns.stored("size", columns.length)) <= _MAX_BYTES
    if small and ledger.status != "running":
        return all_notes(ledger)
    return [*ledger.notes.with_counts(), *value_notes(ledger)]
