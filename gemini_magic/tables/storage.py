"""How the values of one column are kept: compact while a stream is read, and nearly as Arrow lays them out.

What has no value, and none after it, takes no room. One writer appends; readers ask for rows that were complete before.
The layouts are those of the Arrow columnar format, version 1.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any, NamedTuple, Protocol, TypeGuard

__all__ = ["Layout", "NullableNumbers", "NullableStore", "Numbers", "Store", "is_contiguous", "pack_bits"]


class Layout(NamedTuple):
    """One column as Arrow has it.

    Attributes:
        buffers: which rows are known (a bit each, None for all), then the values, or where each string begins and their
            UTF-8 bytes.
        large: whether the strings begin at 64-bit places.
    """

    buffers: tuple[Any, ...]
    large: bool = False


class Store(Protocol):
    """The values of one column, by row."""

    @property
    def append(self) -> Callable[[Any], object]:
        """Adds one."""

    @property
    def extend(self) -> Callable[[Sequence[Any]], object]:
        """Adds some."""

    def at(self, row: int) -> Any:
        """One value, as it is shown."""

    def stored(self, rows: Sequence[int]) -> Sequence[Any]:
        """Values as they were given; of full numbers an array."""

    def decoded(self, rows: Sequence[int]) -> list[Any]:
        """Values as they are shown."""

    def layout(self, rows: range) -> Layout:
        """Adjoining rows for Arrow: copies, for nobody may hold what grows."""


def is_contiguous(rows: Sequence[int]) -> TypeGuard[range]:
    """Whether rows stand one after the other."""
    return isinstance(rows, range) and rows.step == 1


def pack_bits(flags: bytes | bytearray) -> bytes | None:
    """Bytes of 0 and 1 as bits, the lowest first; None when all are 1."""
    if 0 not in flags:
        return None
    bits = 0
    for place in range(8):
        bits |= int.from_bytes(flags[place::8], "little") << place
    return bits.to_bytes((len(flags) + 7) // 8, "little")


class Numbers:
    """A number in each row.

    Args:
        code: type code of the array module.
    """

    def __init__(self, code: str) -> None:
        self.values = array(code)
        self.append = self.values.append
        self.extend = self.values.extend
        self.at = self.values.__getitem__

    def stored(self, rows: Sequence[int]) -> array[Any]:
        """A copy of their array."""
        if is_contiguous(rows):
            return self.values[rows.start : rows.stop]
        return array(self.values.typecode, map(self.values.__getitem__, rows))

    def decoded(self, rows: Sequence[int]) -> list[Any]:
        """A list of them."""
        return self.stored(rows).tolist()

    def layout(self, rows: range) -> Layout:
        """The values."""
        return Layout((None, self.stored(rows)))


class NullableStore:
    """Rows of which some have no value.

    Args:
        default: what is shown in these.
    """

    def __init__(self, default: Any) -> None:
        self.default = default
        self.length = 0  # of all rows; those beyond the last value are not kept
        self.known: bytearray | None = (
            None  # a byte for each row that is kept; None while nothing else is needed
        )

    def pad_count(self, kept: int) -> int:
        """How many rows without a value have to be kept before the next value."""
        lack = self.length - kept
        if lack and self.default is None:
            if self.known is None:
                self.known = bytearray(b"\1" * kept)
            self.known.extend(bytes(lack))
        return lack

    def bits(self, rows: range, kept: int) -> bytes | None:
        """Which rows have a value, a bit each, the lowest first; None when all have one."""
        start, stop = rows.start, rows.stop
        if self.default is not None or (self.known is None and kept >= stop):
            return None
        flags = bytes(self.known[start:stop]) if self.known is not None else b"\1" * max(0, kept - start)
        flags = flags[: len(rows)].ljust(len(rows), b"\0")
        return pack_bits(flags)


class NullableNumbers(NullableStore):
    """A number in some rows; one that does not fit the type is as good as none.

    Args:
        code: type code of the array module.
        default: what stands in the other rows: None, or 0.
    """

    def __init__(self, code: str, default: Any = None) -> None:
        super().__init__(default)
        self.values = array(code)

    def append(self, value: Any) -> None:
        """One more."""
        if value != self.default:
            if self.length > len(self.values):
                self._pad()
            with suppress(OverflowError):
                self.values.append(value)
                if self.known is not None:
                    self.known.append(1)
        self.length += 1

    def extend(self, values: Sequence[Any]) -> None:
        """Some more."""
        lack = values.count(self.default)
        if lack == 0:
            with suppress(OverflowError):
                new = array(self.values.typecode, values)
                if self.length > len(self.values):
                    self._pad()
                self.values.extend(new)
                if self.known is not None:
                    self.known.extend(b"\1" * len(new))
                self.length += len(new)
                return
        elif lack == len(values):
            self.length += lack
            return
        for value in values:
            self.append(value)

    def _pad(self) -> None:
        self.values.frombytes(bytes(self.values.itemsize * self.pad_count(len(self.values))))

    def at(self, row: int) -> Any:
        """Its value."""
        if row >= len(self.values) or (self.known is not None and not self.known[row]):
            return self.default
        return self.values[row]

    def stored(self, rows: Sequence[int]) -> list[Any]:
        """A list of them."""
        if not is_contiguous(rows):
            return [self.at(row) for row in rows]
        values: list[Any] = self.values[rows.start : rows.stop].tolist()
        if self.known is not None:
            known = self.known[rows.start : rows.start + len(values)]
            values = [value if there else None for value, there in zip(values, known, strict=True)]
        return values + [self.default] * (len(rows) - len(values))

    decoded = stored

    def layout(self, rows: range) -> Layout:
        """The values, 0 where there is none."""
        known = self.bits(rows, len(self.values))
        values = self.values[rows.start : rows.stop]
        values.frombytes(bytes(values.itemsize * (len(rows) - len(values))))
        return Layout((known, values))
