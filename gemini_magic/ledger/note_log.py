"""The notes of a ledger: the first ones of each kind, and how many there are beyond them."""

from __future__ import annotations

from ..events import Note

__all__ = ["NoteLog"]

_MAX_NOTES = 100  # of each kind: a hostile server can cause millions


class NoteLog(list[Note]):
    """Notes in the order they were made, at most 100 of a kind; append-only, for one writer.

    Attributes:
        more: how many notes there are beyond these, by kind.
    """

    def __init__(self) -> None:
        super().__init__()
        self.more: dict[str, int] = {}
        self._counts: dict[str, int] = {}

    def add(self, note: Note) -> None:
        """Append a note, or count it if there are enough of its kind."""
        count = self._counts.get(note.kind, 0)
        if count < _MAX_NOTES:
            self._counts[note.kind] = count + 1
            self.append(note)
        else:
            self.more[note.kind] = self.more.get(note.kind, 0) + 1

    def has(self, kind: str) -> bool:
        """Whether there is a note of this kind."""
        return kind in self._counts

    def add_once(self, note: Note) -> None:
        """Append a note if it is the first of its kind."""
        if note.kind not in self._counts:
            self.add(note)

    def with_counts(self) -> list[Note]:
        """The notes, and for each kind with more of them a note that says how many."""
        notes = list(self)
        severities = {note.kind: note.severity for note in notes}
        return notes + [
            Note(kind, f"… and {count:,} more notes of this kind.", severities.get(kind, "info"))
            for kind, count in list(self.more.items())
        ]
