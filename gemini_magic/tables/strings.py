"""How texts are kept in a column: as they came, with the places where their UTF-8 ends once they stand in a row."""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence
from typing import Any

from ..lenient_json import replace_surrogates
from .storage import Layout, NullableStore, is_contiguous, pack_bits

__all__ = ["EncodedStrings", "LazyStrings", "SparseStrings", "Strings"]

_BLOCK = 1 << 18  # bytes: joining them takes a moment that nobody notices


class Strings(NullableStore):
    """Text in some rows, and where its UTF-8 ends; lone surrogates are replaced.

    Args:
        default: what stands in the other rows: None, or the empty text.
    """

    def __init__(self, default: str | None = None) -> None:
        super().__init__(default)
        self.values: list[str | None] = []
        self._ends = _Ends()

    def append(self, value: str | None) -> None:
        """One more."""
        if value is not None and value != self.default:
            kept = len(self.values)
            if self.length > kept:
                lack = self.pad_count(kept)
                self.values += [self.default] * lack
                self._ends.repeat(lack)
            if value.isascii():
                size = len(value)
            else:
                value, size = _encodable(value)
            self._ends.add(size)
            self.values.append(value)
            if self.known is not None:
                self.known.append(1)
        self.length += 1

    def extend(self, values: Sequence[str | None]) -> None:
        """Some more."""
        for value in values:
            self.append(value)

    def at(self, row: int) -> str | None:
        """Its text."""
        return self.values[row] if row < len(self.values) else self.default

    def stored(self, rows: Sequence[int]) -> list[str | None]:
        """A list of them."""
        if not is_contiguous(rows):
            return [self.at(row) for row in rows]
        values = self.values[rows.start : rows.stop]
        return values + [self.default] * (len(rows) - len(values))

    decoded = stored

    def layout(self, rows: range) -> Layout:
        """Where each begins, and all bytes."""
        bits = self.bits(rows, len(self.values))
        values = self.values[rows.start : rows.stop]
        texts = values if self.default is not None or self.known is None else [text or "" for text in values]
        data = "".join(texts).encode()  # type: ignore[arg-type] # the unknown ones are left out
        return self._ends.layout(rows, bits, data)


def _encodable(text: str) -> tuple[str, int]:
    """A text that can be encoded, and how long that is."""
    try:
        return text, len(text.encode())
    except UnicodeEncodeError:
        return replace_surrogates(text), len(replace_surrogates(text).encode())


class _Ends:
    """Where texts end that stand one after the other; beyond 2 GB in 64 bits."""

    def __init__(self) -> None:
        self._edges = array("i", [0])

    def add(self, size: int) -> None:
        """One more text of so many bytes."""
        end = self._edges[-1] + size
        try:
            self._edges.append(end)
        except OverflowError:
            self._edges = array("q", [*self._edges, end])

    def repeat(self, count: int) -> None:
        """Some empty ones."""
        self._edges += self._edges[-1:] * count

    def edges(self, start: int, stop: int) -> array[int]:
        """Where the texts of some rows begin, and where the last of them ends."""
        return self._edges[start : stop + 1]

    def layout(self, rows: range, bits: bytes | None, data: bytes) -> Layout:
        """The layout of some rows with these bytes."""
        edges = self.edges(rows.start, rows.stop) or self._edges[:1]
        if base := edges[0]:
            edges = array(edges.typecode, [edge - base for edge in edges])
        edges += edges[-1:] * (len(rows) + 1 - len(edges))
        return Layout((bits, edges, data), edges.typecode == "q")


class SparseStrings:
    """Text in a few rows, None in the others."""

    def __init__(self) -> None:
        self._texts: dict[int, str] = {}
        self._length = 0

    def append(self, value: str | None) -> None:
        """One more."""
        if value is not None:
            self._texts[self._length] = _encodable(value)[0]
        self._length += 1

    def extend(self, values: Sequence[str | None]) -> None:
        """Some more."""
        for value in values:
            self.append(value)

    def at(self, row: int) -> str | None:
        """Its text."""
        return self._texts.get(row)

    def stored(self, rows: Sequence[int]) -> list[str | None]:
        """A list of them."""
        return list(map(self._texts.get, rows))

    decoded = stored

    def layout(self, rows: range) -> Layout:
        """Where each begins, and all bytes."""
        ends, flags, texts, done = _Ends(), bytearray(len(rows)), list[bytes](), rows.start
        for row, text in list(self._texts.items()):  # in order
            if row in rows:
                ends.repeat(row - done)
                texts.append(text.encode())
                ends.add(len(texts[-1]))
                flags[row - rows.start] = 1
                done = row + 1
        return ends.layout(range(len(rows)), pack_bits(flags), b"".join(texts))


class EncodedStrings:
    """Texts that came as bytes and stay so; shown with U+FFFD for what is no UTF-8.

    They are put together to blocks as they come: an object for each would take a tenth more, and Arrow wants one piece.
    """

    def __init__(self) -> None:
        self._ends = _Ends()
        self._blocks: list[bytes] = []
        self._firsts = array("q")  # the row with which each block begins
        self._latest: tuple[int, list[bytes]] = (0, [])  # rows that are in blocks, and those after them
        self._size = 0  # bytes of these

    def append(self, value: bytes) -> None:
        """One more."""
        if self._size + len(value) > _BLOCK:
            self._seal()
        self._ends.add(len(value))
        self._latest[1].append(value)
        self._size += len(value)

    def extend(self, values: Sequence[bytes]) -> None:
        """Some more."""
        for value in values:
            self.append(value)

    def _seal(self) -> None:
        first, latest = self._latest
        if latest:
            self._firsts.append(first)
            self._blocks.append(b"".join(latest))
            self._latest, self._size = (first + len(latest), []), 0  # in one step: somebody may be reading

    def at(self, row: int) -> str:
        """Its text."""
        return self.stored((row,))[0].decode("utf-8", "replace")

    def stored(self, rows: Sequence[int]) -> list[bytes]:
        """The bytes."""
        first, latest = self._latest
        found, place = list[bytes](), 0
        while place < len(rows):
            row = rows[place]
            if row >= first:
                found.append(latest[row - first])
                place += 1
                continue
            block, begin, after = self._block(row)
            edges = self._ends.edges(begin, after)
            base = edges[0]
            while place < len(rows) and begin <= (row := rows[place]) < after:
                found.append(block[edges[row - begin] - base : edges[row - begin + 1] - base])
                place += 1
        return found

    def _block(self, row: int) -> tuple[bytes, int, int]:
        """The block that holds a row, its first row, and the first one after it."""
        place = bisect_right(self._firsts, row) - 1
        after = self._firsts[place + 1] if place + 1 < len(self._blocks) else self._latest[0]
        return self._blocks[place], self._firsts[place], after

    def decoded(self, rows: Sequence[int]) -> list[str]:
        """Their texts."""
        return [value.decode("utf-8", "replace") for value in self.stored(rows)]

    def layout(self, rows: range) -> Layout:
        """Where each begins, and all bytes."""
        data = self._joined(rows)
        made = self._ends.layout(rows, None, data)
        if data.isascii() or _each_is_text(data, made.buffers[1]):
            return made
        return _strings_layout(self.decoded(rows))

    def _joined(self, rows: range) -> bytes:
        first, latest = self._latest
        if rows.start or not latest or first + len(latest) != rows.stop:
            return b"".join(self.stored(rows))
        # Those before the latest: by now it may be a block itself.
        return b"".join([*self._blocks[: bisect_left(self._firsts, first)], *latest])


def _each_is_text(data: bytes, edges: Sequence[int]) -> bool:
    """Whether bytes are UTF-8, and no character stands across an edge."""
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return all(data[edge] & 0xC0 != 0x80 for edge in edges if edge < len(data))  # noqa: PLR2004 - continuation bytes


class LazyStrings(list[Any]):
    """Values in a cheaper form than the one that is shown.

    Args:
        read: turns one into the text that is shown, or None.
    """

    def __init__(self, read: Callable[[Any], str | None]) -> None:
        super().__init__()
        self._read = read

    def at(self, row: int) -> str | None:
        """Its text."""
        return self._read(self[row])

    def stored(self, rows: Sequence[int]) -> list[Any]:
        """The values."""
        return [self[row] for row in rows]

    def decoded(self, rows: Sequence[int]) -> list[str | None]:
        """Their texts."""
        return [self._read(self[row]) for row in rows]

    def layout(self, rows: range) -> Layout:
        """The texts."""
        return _strings_layout(self.decoded(rows))


def _strings_layout(texts: Sequence[str | None]) -> Layout:
    store = Strings()
    store.extend(texts)
    return store.layout(range(len(texts)))
