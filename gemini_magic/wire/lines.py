"""Splits pieces of bytes into lines. Only CR LF, LF and CR end a line; U+2028, U+2029, U+0085 and form feeds are text."""

from __future__ import annotations

from ..errors import WireError

__all__ = ["BOM", "Lines", "event_too_large"]

_BLOCK = 1 << 16
_LARGE = (
    1 << 12
)  # bytes from which a piece becomes a block without a copy, as it may be stored elsewhere as well
BOM = b"\xef\xbb\xbf"


def event_too_large(limit: int) -> WireError:
    """The error for an event that is larger than ``limit`` bytes."""
    return WireError(
        f"An event of the stream is larger than {limit:,} bytes.",
        remedy="Raise the limit with --max-event (max_event of a Reader), or request fewer or smaller images.",
    )


class Lines:
    """An incremental line splitter; the cost is linear in the bytes, however they are cut into pieces.

    Args:
        max_line: the size in bytes above which :meth:`check` raises.
        prefix: a long line that begins with it is returned without it and without its line end, which saves a copy.

    Attributes:
        trimmed: the full length of the first line of the last ``feed`` if it was returned like that; else 0.
    """

    def __init__(self, max_line: int, prefix: bytes = b"") -> None:
        self.trimmed = 0
        self._prefix = prefix
        self._max = max_line
        self._start = 0  # the offset of the unfinished line
        # The unfinished line: small pieces are joined to blocks, blocks only when the line ends. (A buffer that grows
        # is moved in memory many times, which costs more for a large event than it saves.)
        self._blocks: list[bytes] = []
        self._small: list[bytes] = []
        self._small_size = 0
        self._tail_size = 0
        self._after_cr = False  # the last line ended in CR, so a following LF belongs to it
        self._front: bytes | None = b""  # the first bytes, as long as they may be the start of a BOM

    def feed(self, piece: bytes) -> tuple[int, list[bytes]]:
        """Add a piece; returns the offset of the first finished line, and the lines with their ends.

        The offset counts the bytes of the body as received. A CR ends its line at once; an LF that follows in the next
        piece is skipped, and is only possible before the first line. A line above the limit is returned too, so that
        the lines before it are not lost: :meth:`check` raises afterwards.
        """
        self.trimmed = 0
        if self._front is not None:
            piece = self._past_bom(piece)
        if self._after_cr and piece:
            self._after_cr = False
            if piece.startswith(b"\n"):
                piece = piece[1:]
                self._start += 1
        start = self._start
        if b"\n" not in piece and b"\r" not in piece:
            self._add(piece)
            return start, []
        lines: list[bytes] = list(piece.splitlines(keepends=True))  # bytes end at CR LF, LF and CR only
        total = self._tail_size + len(piece)
        rest = b""
        if piece.endswith((b"\n", b"\r")):
            self._after_cr = piece.endswith(b"\r")
        else:
            rest = lines.pop()
        if self._tail_size:
            self._add(lines[0])
            lines[0] = self._take_tail(trim=True)
        if rest:
            self._add(rest)
        self._start = start + total - len(rest)
        return start, lines

    def close(self) -> tuple[int, bytes]:
        """The unfinished last line, without an end, and its offset; empty when there is none."""
        if self._front:
            self._add(self._front)
        self._front = None
        return self._start, self._take_tail()

    def check(self, pending: int = 0) -> None:
        """Raise :class:`WireError` if the unfinished line and ``pending`` bytes before it exceed the limit."""
        if self._tail_size + pending > self._max:
            raise event_too_large(self._max)

    def _add(self, piece: bytes) -> None:
        self._small.append(piece)
        self._small_size += len(piece)
        self._tail_size += len(piece)
        if len(piece) >= _LARGE or self._small_size > _BLOCK:
            self._blocks.append(b"".join(self._small))  # of one piece: the piece itself
            self._small, self._small_size = [], 0

    def _take_tail(self, *, trim: bool = False) -> bytes:
        parts, size = [*self._blocks, *self._small], self._tail_size
        if trim and self._blocks and self._prefix and parts[0].startswith(self._prefix):
            self.trimmed = size
            parts[0] = parts[0][len(self._prefix) :]
            parts[-1] = parts[-1].rstrip(b"\r\n")
        self._blocks, self._small, self._small_size, self._tail_size = [], [], 0, 0
        return b"".join(parts)

    def _past_bom(self, piece: bytes) -> bytes:
        """``piece`` without a byte order mark at the start of the body; empty while that is not decided."""
        front = (self._front or b"") + piece
        if len(front) < len(BOM) and BOM.startswith(front):
            self._front = front
            return b""
        self._front = None
        if front.startswith(BOM):
            self._start = len(BOM)
            return front[len(BOM) :]
        return front
