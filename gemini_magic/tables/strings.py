"""Stores for the strings of one column, with the offsets that Arrow needs computed on append."""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import accumulate, pairwise
from typing import Any

from ..text import replace_surrogates
from .storage import Layout, NullableStore, is_contiguous, pack_bits

__all__ = ["EncodedStrings", "LazyStrings", "SparseStrings", "Strings"]

_BLOCK = 1 << 18  # bytes; joining a block takes well under a millisecond


class Strings(NullableStore):
    """A store for a string in some rows; lone surrogates are replaced.

    Args:
        default: the value of the other rows: None or the empty string.
    """

    def __init__(self, default: str | None = None) -> None:
        super().__init__(default)
        self.values: list[str | None] = []
        self._offsets = _Offsets()

    def append(self, value: str | None) -> None:
        """Append one value."""
        if value is not None and value != self.default:
            kept = len(self.values)
            if self.length > kept:
                count = self.pad_count(kept)
                self.values += [self.default] * count
                self._offsets.repeat(count)
            if value.isascii():
                size = len(value)
            else:
                value, size = _encodable(value)
            self._offsets.add(size)
            self.values.append(value)
            if self.known is not None:
                self.known.append(1)
        self.length += 1

    def extend(self, values: Sequence[Any]) -> None:
        """Append values."""
        empty = values.count(self.default)
        if empty == len(values):
            self.length += empty
            return
        full = not empty and self.known is None and self.length == len(self.values) and None not in values
        if full and "".join(values).isascii():
            self._offsets.extend(map(len, values))
            self.values += values
            self.length += len(values)
            return
        for value in values:
            self.append(value)

    def at(self, row: int) -> str | None:
        """Return one string."""
        return self.values[row] if row < len(self.values) else self.default

    def stored(self, rows: Sequence[int]) -> list[str | None]:
        """Return a list."""
        if not is_contiguous(rows):
            return [self.at(row) for row in rows]
        values = self.values[rows.start : rows.stop]
        return values + [self.default] * (len(rows) - len(values))

    decoded = stored

    def layout(self, rows: range) -> Layout:
        """Return the offsets and the bytes."""
        bits = self.bits(rows, len(self.values))
        values = self.values[rows.start : rows.stop]
        full = self.default is not None or (self.known is None and not self.leading)
        texts = values if full else [text or "" for text in values]
        data = "".join(texts).encode()  # type: ignore[arg-type] # no None is left
        return self._offsets.layout(rows, bits, data)


def _encodable(text: str) -> tuple[str, int]:
    """Return the text with lone surrogates replaced, and its length in UTF-8 bytes."""
    try:
        return text, len(text.encode())
    except UnicodeEncodeError:
        return replace_surrogates(text), len(replace_surrogates(text).encode())


class _Offsets:
    """The offsets of strings that follow one another; with 64 bits beyond 2 GB."""

    def __init__(self) -> None:
        self._edges = array("i", [0])

    def add(self, size: int) -> None:
        """Append a string of ``size`` bytes."""
        end = self._edges[-1] + size
        try:
            self._edges.append(end)
        except OverflowError:
            self._edges = array("q", [*self._edges, end])

    def extend(self, sizes: Iterable[int]) -> None:
        """Append strings of these numbers of bytes."""
        edges = list(accumulate(sizes, initial=self._edges[-1]))[1:]
        try:
            self._edges += array(self._edges.typecode, edges)
        except OverflowError:
            self._edges = array("q", [*self._edges, *edges])

    def repeat(self, count: int) -> None:
        """Append ``count`` empty strings."""
        self._edges += self._edges[-1:] * count

    def bounds(self, row: int) -> tuple[int, int]:
        """Return where the string of a row begins and ends."""
        return self._edges[row], self._edges[row + 1]

    def edges(self, start: int, stop: int) -> array[int]:
        """Return the offsets of the strings from row ``start`` to ``stop``, and the end of the last one."""
        return self._edges[start : stop + 1]

    def layout(self, rows: range, bits: bytes | None, data: bytes) -> Layout:
        """Return the layout of some rows.

        Args:
            rows: the rows.
            bits: their validity bitmap, or None.
            data: their UTF-8 bytes.
        """
        edges = self.edges(rows.start, rows.stop) or self._edges[:1]
        if base := edges[0]:
            edges = array(edges.typecode, [edge - base for edge in edges])
        edges += edges[-1:] * (len(rows) + 1 - len(edges))
        return Layout((bits, edges, data), edges.typecode == "q")


class SparseStrings:
    """A store for a string in a few rows; the others are None."""

    def __init__(self) -> None:
        self._texts: dict[int, str] = {}
        self._length = 0

    def append(self, value: str | None) -> None:
        """Append one value."""
        if value is not None:
            self._texts[self._length] = _encodable(value)[0]
        self._length += 1

    def extend(self, values: Sequence[str | None]) -> None:
        """Append values."""
        if values.count(None) == len(values):
            self._length += len(values)
            return
        for value in values:
            self.append(value)

    def at(self, row: int) -> str | None:
        """Return one string."""
        return self._texts.get(row)

    def stored(self, rows: Sequence[int]) -> list[str | None]:
        """Return a list."""
        return list(map(self._texts.get, rows))

    decoded = stored

    def layout(self, rows: range) -> Layout:
        """Return the offsets and the bytes."""
        offsets, flags, texts, done = _Offsets(), bytearray(len(rows)), list[bytes](), rows.start
        for row, text in list(self._texts.items()):  # by row, ascending
            if row in rows:
                offsets.repeat(row - done)
                texts.append(text.encode())
                offsets.add(len(texts[-1]))
                flags[row - rows.start] = 1
                done = row + 1
        return offsets.layout(range(len(rows)), pack_bits(flags), b"".join(texts))


class EncodedStrings:
    """A store for strings that are appended and stored as bytes; invalid UTF-8 decodes to U+FFFD.

    The bytes are joined into blocks: an object for each string would need a tenth more memory, and Arrow needs one
    buffer.
    """

    def __init__(self) -> None:
        self._offsets = _Offsets()
        self._blocks: list[bytes] = []
        self._firsts = array("q")  # first row of each block
        self._latest: tuple[int, list[bytes]] = (0, [])  # number of rows in blocks, and the values after them
        self._size = 0  # bytes of the values that are not in a block

    def append(self, value: bytes) -> None:
        """Append one value."""
        if self._size + len(value) > _BLOCK:
            self._seal()
        self._offsets.add(len(value))
        self._latest[1].append(value)
        self._size += len(value)

    def extend(self, values: Sequence[bytes]) -> None:
        """Append values."""
        size = sum(map(len, values))
        if self._size + size > _BLOCK:
            for value in values:
                self.append(value)
            return
        self._offsets.extend(map(len, values))
        self._latest[1].extend(values)
        self._size += size

    def _seal(self) -> None:
        first, latest = self._latest
        if latest:
            self._firsts.append(first)
            self._blocks.append(b"".join(latest))
            self._latest, self._size = (
                (first + len(latest), []),
                0,
            )  # one assignment, because another thread may be reading

    def at(self, row: int) -> str:
        """Return one string."""
        return self._value(row).decode("utf-8", "replace")

    def _value(self, row: int) -> bytes:
        first, latest = self._latest
        if row >= first:
            return latest[row - first]
        block, begin, _ = self._block(row)
        start, stop = self._offsets.bounds(row)
        base, _ = self._offsets.bounds(begin)
        return block[start - base : stop - base]

    def stored(self, rows: Sequence[int]) -> list[bytes]:
        """Return the values as bytes."""
        if not is_contiguous(rows):
            return [self._value(row) for row in rows]
        found: list[bytes] = []
        first, latest = self._latest
        for data, cuts in self._blocks_of(range(rows.start, min(rows.stop, first))):
            found += [data[start:stop] for start, stop in pairwise(cuts)]
        return found + latest[max(0, rows.start - first) : max(0, rows.stop - first)]

    def decoded(self, rows: Sequence[int]) -> list[str]:
        """Return the strings."""
        if not is_contiguous(rows):
            return [self._value(row).decode("utf-8", "replace") for row in rows]
        found: list[str] = []
        first, latest = self._latest
        for data, cuts in self._blocks_of(range(rows.start, min(rows.stop, first))):
            if data.isascii():  # decoded once and cut afterwards
                text = data.decode("ascii")
                found += [text[start:stop] for start, stop in pairwise(cuts)]
            else:
                found += [data[start:stop].decode("utf-8", "replace") for start, stop in pairwise(cuts)]
        rest = latest[max(0, rows.start - first) : max(0, rows.stop - first)]
        return found + [value.decode("utf-8", "replace") for value in rest]

    def _blocks_of(self, rows: range) -> Iterator[tuple[bytes, list[int]]]:
        """Yield the bytes of contiguous rows, block by block, with the places at which to cut them into values."""
        row = rows.start
        while row < rows.stop:
            block, begin, after = self._block(row)
            edges = self._offsets.edges(row, min(after, rows.stop))
            base, _ = self._offsets.bounds(begin)
            yield block[edges[0] - base : edges[-1] - base], [edge - edges[0] for edge in edges]
            row = after

    def _block(self, row: int) -> tuple[bytes, int, int]:
        """Return the block that holds a row, its first row, and the first row after it."""
        place = bisect_right(self._firsts, row) - 1
        after = self._firsts[place + 1] if place + 1 < len(self._blocks) else self._latest[0]
        return self._blocks[place], self._firsts[place], after

    def layout(self, rows: range) -> Layout:
        """Return the offsets and the bytes."""
        data = self._joined(rows)
        layout = self._offsets.layout(rows, None, data)
        if data.isascii() or _each_is_utf8(data, layout.buffers[1]):
            return layout
        return _strings_layout(self.decoded(rows))

    def _joined(self, rows: range) -> bytes:
        first, latest = self._latest
        if rows.start or not latest or first + len(latest) != rows.stop:
            return b"".join(self.stored(rows))
        # Only the blocks before `latest`, which may have become a block meanwhile.
        return b"".join([*self._blocks[: bisect_left(self._firsts, first)], *latest])


def _each_is_utf8(data: bytes, edges: Sequence[int]) -> bool:
    """Whether the bytes are UTF-8 and no character crosses an offset."""
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return all(data[edge] & 0xC0 != 0x80 for edge in edges if edge < len(data))  # noqa: PLR2004 - continuation bytes


class LazyStrings(list[Any]):
    """A store for values that become strings when they are read.

    Args:
        read: turns a value into a string or None.
    """

    def __init__(self, read: Callable[[Any], str | None]) -> None:
        super().__init__()
        self._read = read

    def at(self, row: int) -> str | None:
        """Return one string."""
        return self._read(self[row])

    def stored(self, rows: Sequence[int]) -> list[Any]:
        """Return the values as stored."""
        return [self[row] for row in rows]

    def decoded(self, rows: Sequence[int]) -> list[str | None]:
        """Return the strings."""
        return [self._read(self[row]) for row in rows]

    def layout(self, rows: range) -> Layout:
        """Return the layout of the strings."""
        return _strings_layout(self.decoded(rows))


def _strings_layout(texts: Sequence[str | None]) -> Layout:
    store = Strings()
    store.extend(texts)
    return store.layout(range(len(texts)))
