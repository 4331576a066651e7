"""Where in a body its chunks begin; looked up once, when somebody asks.

It knows bytes and their order, and nothing of what they mean.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable

from msgspec import structs

from ..events import Note
from ..ledger import Ledger

__all__ = ["ChunkOffsets"]

_LINE = 80  # bytes before a chunk in which its field name stands


class ChunkOffsets:
    """Where in the body the chunks of the last exchange begin; looked up once, when somebody asks."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._starts: list[int] | None = None
        self._first = 0
        self._body = b""

    def _look(self) -> list[int]:
        if self._starts is None:
            ledger, self._starts = self._ledger, []
            if ledger.exchanges:
                last = ledger.exchanges[-1]
                self._body = b"".join(piece for _, piece in list(last.pieces))
                own = [
                    chunk
                    for chunk in list(ledger.raw)
                    if (chunk.round, chunk.attempt) == (last.round, last.attempt)
                ]
                self._first, position = (own[0].index if own else 0), 0
                for chunk in own:
                    found = self._body.find(chunk.raw, position)
                    self._starts.append(
                        max(found, position)
                    )  # not there as it is: near where the last one ended
                    position = found + len(chunk.raw) if found >= 0 else position
        return self._starts

    def filled(self, notes: Iterable[Note]) -> list[Note]:
        """The notes with chunk and offset, where one follows from the other."""
        return [self._filled(note) for note in notes]

    def _filled(self, note: Note) -> Note:
        if note.chunk is not None and note.offset is None:
            starts, own = self._look(), note.chunk - self._first
            if 0 <= own < len(starts):
                return structs.replace(note, offset=starts[own])
        elif note.offset is None or note.chunk is not None or self._tries() > 1:
            return note
        elif starts := self._look():
            # An event begins a little before its JSON, at its field name.
            return structs.replace(
                note, chunk=self._first + max(bisect_right(starts, note.offset + 8) - 1, 0)
            )
        return note

    def _tries(self) -> int:
        return sum(bool(exchange.pieces) for exchange in self._ledger.exchanges)

    def bare(self, chunk: int) -> bool:
        """Whether a chunk of an event stream stands on a line without a field name."""
        starts, own = self._look(), chunk - self._first
        if not 0 <= own < len(starts) or b"data:" not in self._body:
            return False
        return not re.split(rb"[\r\n]", self._body[max(starts[own] - _LINE, 0) : starts[own]])[-1].strip()
