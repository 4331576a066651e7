"""Connects notes with chunks: where in the body a chunk begins, and which chunk an offset belongs to."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from functools import cached_property

from msgspec import structs

from ..events import Note
from ..ledger import Ledger

__all__ = ["ChunkOffsets"]

_FIELD_NAME = 8  # bytes: the line of an event begins so far before its JSON text at most, as in "data: "
_BEFORE = 80  # bytes before a chunk in which its field name is looked for


class ChunkOffsets:
    """The offsets of the chunks of the last exchange in its body, as the reader of the body found them.

    Args:
        ledger: the record; its state at the first question counts.
    """

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    @cached_property
    def _first(self) -> int:
        """The number of the first chunk of the last exchange."""
        ledger = self._ledger
        if not ledger.exchanges:
            return ledger.chunk_columns.length
        last, count = ledger.exchanges[-1], ledger.chunk_columns.length
        rounds, attempts = (ledger.chunk_columns.stored(name, count) for name in ("round", "attempt"))
        pairs = zip(rounds, attempts, strict=True)
        own = (index for index, pair in enumerate(pairs) if pair == (last.round, last.attempt))
        return next(own, count)

    @cached_property
    def _offsets(self) -> Sequence[int]:
        """The offsets of its chunks, in order; empty when they are not known."""
        offsets = self._ledger.chunk_offsets[self._first : self._ledger.chunk_columns.length]
        return () if -1 in offsets else offsets

    @cached_property
    def _body(self) -> bytes:
        return b"".join(piece for _, piece in list(self._ledger.exchanges[-1].pieces))

    def fill_in(self, notes: Iterable[Note]) -> list[Note]:
        """The notes with both chunk and offset, where one follows from the other."""
        return [self._fill_in(note) for note in notes]

    def _fill_in(self, note: Note) -> Note:
        if note.chunk is not None and note.offset is None:
            offset = self._offset_of(note.chunk)
            return note if offset is None else structs.replace(note, offset=offset)
        if note.offset is None or note.chunk is not None or self._bodies() > 1 or not self._offsets:
            return note
        position = bisect_right(self._offsets, note.offset + _FIELD_NAME)
        return structs.replace(note, chunk=self._first + max(position - 1, 0))

    def _bodies(self) -> int:
        return sum(bool(exchange.pieces) for exchange in self._ledger.exchanges)

    def _offset_of(self, chunk: int) -> int | None:
        """Where a chunk begins; None for a chunk of another exchange."""
        position = chunk - self._first
        return self._offsets[position] if 0 <= position < len(self._offsets) else None

    def has_field_name(self, chunk: int) -> bool:
        """Whether the line on which a chunk begins has a field name; True where the body is not an event stream."""
        offset = self._offset_of(chunk)
        if offset is None or b"data:" not in self._body:
            return True
        before = self._body[max(offset - _BEFORE, 0) : offset]
        return bool(re.split(rb"[\r\n]", before)[-1].strip())
