"""Stores for the values of one column, close to the memory layout of Arrow and small while a stream is read.

Rows without a value at the end of a column need no memory. One thread appends; readers ask for rows that were complete
before. The layouts are those of the Arrow columnar format, version 1.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any, NamedTuple, Protocol, TypeGuard

__all__ = [
    "Booleans",
    "ColumnStorage",
    "Layout",
    "NullableNumbers",
    "NullableStore",
    "Numbers",
    "is_contiguous",
    "pack_bits",
]


class Layout(NamedTuple):
    """The Arrow buffers of one column.

    Attributes:
        buffers: the validity bitmap (None if all rows are valid), then the values; for strings the offsets and the
            UTF-8 bytes.
        large: whether the offsets of strings have 64 bits.
    """

    buffers: tuple[Any, ...]
    large: bool = False


class ColumnStorage(Protocol):
    """The values of one column, by row."""

    @property
    def append(self) -> Callable[[Any], object]:
        """Append one value."""

    @property
    def extend(self) -> Callable[[Sequence[Any]], object]:
        """Append values."""

    def at(self, row: int) -> Any:
        """Return one decoded value."""

    def stored(self, rows: Sequence[int]) -> Sequence[Any]:
        """Return values as stored; an array for numbers that are not null."""

    def decoded(self, rows: Sequence[int]) -> list[Any]:
        """Return decoded values."""

    def layout(self, rows: range) -> Layout:
        """Return contiguous rows for Arrow, copied because a buffer that is exported cannot grow."""


def is_contiguous(rows: Sequence[int]) -> TypeGuard[range]:
    """Whether the rows follow one another."""
    return isinstance(rows, range) and rows.step == 1


def pack_bits(flags: bytes | bytearray) -> bytes | None:
    """Return bytes of 0 and 1 as bits, least significant first; None if all are 1."""
    if 0 not in flags:
        return None
    bits = 0
    for place in range(8):
        bits |= int.from_bytes(flags[place::8], "little") << place
    return bits.to_bytes((len(flags) + 7) // 8, "little")


class Numbers:
    """A store for a number in every row.

    Args:
        code: type code of the array module.
    """

    def __init__(self, code: str) -> None:
        self.values = array(code)
        self.append = self.values.append
        self.extend = self.values.extend
        self.at = self.values.__getitem__

    def stored(self, rows: Sequence[int]) -> array[Any]:
        """Return a copy as an array."""
        if is_contiguous(rows):
            return self.values[rows.start : rows.stop]
        return array(self.values.typecode, map(self.values.__getitem__, rows))

    def decoded(self, rows: Sequence[int]) -> list[Any]:
        """Return a list."""
        return self.stored(rows).tolist()

    def layout(self, rows: range) -> Layout:
        """Return the values."""
        return Layout((None, self.stored(rows)))


class Booleans:
    """A store for a boolean in some rows."""

    _MISSING = 2

    def __init__(self) -> None:
        self._values = bytearray()  # 0, 1, or 2 for a row without a value

    def append(self, value: Any) -> None:
        """Append one value."""
        self._values.append(self._MISSING if value is None else bool(value))

    def extend(self, values: Sequence[Any]) -> None:
        """Append values."""
        self._values.extend(self._MISSING if value is None else bool(value) for value in values)

    def at(self, row: int) -> bool | None:
        """Return one value."""
        value = self._values[row]
        return None if value == self._MISSING else bool(value)

    def stored(self, rows: Sequence[int]) -> list[bool | None]:
        """Return values."""
        return [self.at(row) for row in rows]

    def decoded(self, rows: Sequence[int]) -> list[bool | None]:
        """Return values."""
        return self.stored(rows)

    def layout(self, rows: range) -> Layout:
        """Return the validity bitmap and the values, both as bits."""
        values = self._values[rows.start : rows.stop]
        known = bytes(value != self._MISSING for value in values)
        bits = pack_bits(bytes(value == 1 for value in values)) or b"\xff" * ((len(values) + 7) // 8)
        return Layout((pack_bits(known), bits))


class NullableStore:
    """Base of the stores whose rows may have no value.

    Args:
        default: the value of such rows.

    Attributes:
        length: the number of all rows; rows after the last value are not stored.
        leading: the number of rows without a value before the first one that has a value.
        known: one byte for each stored row, 1 if it has a value; None while all stored rows but the leading ones have one.
    """

    def __init__(self, default: Any) -> None:
        self.default = default
        self.length = 0
        self.leading = 0
        self.known: bytearray | None = None

    def pad_count(self, stored: int) -> int:
        """Return how many rows without a value must be stored before the next value, and mark them as unknown.

        Args:
            stored: the number of rows stored so far.
        """
        count = self.length - stored
        if count and self.default is None:
            if not stored:
                self.leading = count
            elif self.known is None:
                self.known = bytearray(self._flags(0, stored) + bytes(count))
            else:
                self.known.extend(bytes(count))
        return count

    def _flags(self, start: int, stop: int) -> bytes:
        """Return one byte for each of some stored rows: 1 if it has a value."""
        if self.known is not None:
            return bytes(self.known[start:stop])
        missing = min(max(0, self.leading - start), max(0, stop - start))
        return bytes(missing) + b"\1" * (stop - start - missing)

    def bits(self, rows: range, stored: int) -> bytes | None:
        """Return the validity bitmap of some rows; None if all have a value.

        Args:
            rows: the rows.
            stored: the number of rows stored so far.
        """
        start, stop = rows.start, rows.stop
        if self.default is not None or (self.known is None and self.leading <= start and stored >= stop):
            return None
        if stored <= start < stop:
            return bytes((len(rows) + 7) // 8)
        flags = self._flags(start, min(stop, max(start, stored)))
        return pack_bits(flags.ljust(len(rows), b"\0"))


class NullableNumbers(NullableStore):
    """A store for a number in some rows. Out-of-range values are stored as null.

    Integers that are the same in all rows, such as the tokens of a prompt, are stored once.

    Args:
        code: type code of the array module.
        default: the value of the other rows: None or 0.

    Attributes:
        same: the number of stored rows if all of them have the first value, which alone is then stored; otherwise 0.
    """

    def __init__(self, code: str, default: Any = None) -> None:
        super().__init__(default)
        self.values = array(code)
        self.same = 0
        self._integers = code != "d"  # of floating-point numbers, some that are equal are not the same

    def append(self, value: Any) -> None:
        """Append one value."""
        if value != self.default:
            if self.same:
                if self.length == self.same and value == self.values[0]:
                    self.same += 1
                    self.length += 1
                    return
                self._store_each()
            if self.length > len(self.values):
                self._pad()
            with suppress(OverflowError):
                self.values.append(value)
                if self.known is not None:
                    self.known.append(1)
                elif not self.length and self._integers:
                    self.same = 1
        self.length += 1

    def extend(self, values: Sequence[Any]) -> None:
        """Append values."""
        empty = values.count(self.default)
        if empty == len(values):
            self.length += empty
            return
        if not empty and (self.same or not self.length):
            self.append(values[0])
            values = values[1:]
            if self.same and values.count(self.values[0]) == len(values):
                self.same += len(values)
                self.length += len(values)
                return
        if not empty and not self.same:
            with suppress(OverflowError):
                self._extend_full(array(self.values.typecode, values))
                return
        for value in values:
            self.append(value)

    def _extend_full(self, new: array[Any]) -> None:
        if self.length > len(self.values):
            self._pad()
        self.values.extend(new)
        if self.known is not None:
            self.known.extend(b"\1" * len(new))
        self.length += len(new)

    def _store_each(self) -> None:
        """Store the value of each row. Other threads read ``same`` first, so it is set last."""
        self.values = self.values * self.same
        self.same = 0

    def _pad(self) -> None:
        self.values.frombytes(bytes(self.values.itemsize * self.pad_count(len(self.values))))

    def at(self, row: int) -> Any:
        """Return one value."""
        if same := self.same:
            return self.values[0] if row < same else self.default
        known = self.known
        if row >= len(self.values) or (row < self.leading if known is None else not known[row]):
            return self.default
        return self.values[row]

    def _stored_values(self, rows: range) -> array[Any]:
        """Return the values of those rows that are stored."""
        if same := self.same:
            return self.values[:1] * (min(rows.stop, same) - rows.start)
        return self.values[rows.start : rows.stop]

    def stored(self, rows: Sequence[int]) -> list[Any]:
        """Return a list."""
        if not is_contiguous(rows):
            return [self.at(row) for row in rows]
        values: list[Any] = self._stored_values(rows).tolist()
        if self.known is not None:
            known = self.known[rows.start : rows.start + len(values)]
            values = [value if is_known else None for value, is_known in zip(values, known, strict=True)]
        elif self.leading > rows.start:
            missing = min(self.leading - rows.start, len(values))
            values[:missing] = [None] * missing
        return values + [self.default] * (len(rows) - len(values))

    decoded = stored

    def layout(self, rows: range) -> Layout:
        """Return the values, with 0 in rows without one."""
        values = self._stored_values(rows)
        known = self.bits(rows, rows.start + len(values))
        missing = bytes(values.itemsize * (len(rows) - len(values)))
        if not values:
            return Layout((known, missing))  # zeros that the system has not needed to write
        values.frombytes(missing)
        return Layout((known, values))
