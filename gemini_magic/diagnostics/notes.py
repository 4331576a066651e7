"""Every oddity of a stream with its place: what the readers noted, then what a look over the whole shows.

Looked for once for each state of a ledger, however many ask.
"""

from __future__ import annotations

from weakref import WeakKeyDictionary

from ..events import Note
from ..ledger import Ledger
from .offsets import ChunkOffsets
from .rules import check_stream

__all__ = ["all_notes", "display_notes"]

_CHUNKS, _BYTES = 20_000, 8_000_000  # what a look takes half a second for

_found: WeakKeyDictionary[Ledger, tuple[int, list[Note]]] = WeakKeyDictionary()


def all_notes(ledger: Ledger) -> list[Note]:
    """All of them; parses the JSON once more."""
    version, notes = _found.get(ledger, (-1, []))
    if version != ledger.version:
        version = ledger.version
        offsets = ChunkOffsets(ledger)
        notes = offsets.fill_in([*list(ledger.notes), *check_stream(ledger, offsets)])
        _found[ledger] = version, notes
    return notes


def display_notes(ledger: Ledger) -> list[Note]:
    """All of them once the stream has ended; of one that runs or is huge, what the readers noted."""
    columns = ledger.chunk_columns
    small = columns.length <= _CHUNKS and sum(columns.given("size", columns.length)) <= _BYTES
    return all_notes(ledger) if small and ledger.status != "running" else list(ledger.notes)
