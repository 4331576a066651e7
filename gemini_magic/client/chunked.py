"""Makes one chunk of all the chunks that came with one socket read, or takes the body past the HTTP parser altogether.

It knows just enough of HTTP/1.1 to find the bodies (RFC 9112, 6 and 7.1) and judges nothing: whatever is unusual goes
on as it came, and the parser above decides.
"""

from __future__ import annotations

import re
from collections.abc import Callable

__all__ = ["ChunkJoiner"]

_STATUS = re.compile(rb"HTTP/1\.1 ([1-9][0-9][0-9])(?: .*)?")
_BLANK = re.compile(rb"\n\r?\n")  # ends a head or the trailers; h11 takes LF for a line end there, too
_LONGEST = 100 * 1024  # bytes of a head or of the trailers
# What stands between the data of two chunks, and before the first one if a CR LF is put in front of it.
_SEAM = re.compile(rb"\r\n([0-9A-Fa-f]{1,15})(?:[ \t]*|;[^\r\n]*)\r\n")
_PART_OF_SEAM = re.compile(rb"\r?|\r\n[0-9A-Fa-f]{0,15}|\r\n[0-9A-Fa-f]{1,15}(?:[ \t]*|;[^\r\n]*)\r?")
_LONGEST_SEAM = 1024  # bytes
_NO_BODY = (204, 304)
_SWITCHING = 101
_FINAL = 200  # the lowest status that ends an exchange
_DIGITS = 15  # of a length


class ChunkJoiner:
    """Rewrites what one connection receives: the same responses, in as few chunks as there are calls.

    Only the division of a body into chunks changes, and chunk extensions are left out. Bytes are kept back only where
    a chunk's size is not yet complete, never data. Responses to HEAD and CONNECT are not expected here.
    """

    def __init__(self) -> None:
        self._step: Callable[[bytes, list[bytes]], bytes] = self._head
        self._block = bytearray()  # of a head or of trailers, passed on already
        self._left = 0  # bytes of the body or of the chunk still to come
        self._seam = b""  # its beginning, kept back
        self._open = False  # whether the parser above waits for the CR LF after a chunk's data
        self._aside: list[bytes] | None = None

    def feed(self, data: bytes, aside: list[bytes] | None = None) -> bytes:
        """What to hand on for ``data``; empty when more is needed first.

        Args:
            data: what was read.
            aside: when the body that is being read has chunks, their data goes here, and for the parser it is empty.
        """
        if self._step == self._as_it_is:
            return data
        self._aside = aside if self._step == self._chunks else None
        out: list[bytes] = []
        while data:
            data = self._step(data, out)
        return b"".join(out)

    def close(self) -> bytes:
        """End of input: what was kept back."""
        kept = self._seam if self._open else self._seam[2:]
        self._seam = b""
        self._step = self._as_it_is
        return kept

    def _as_it_is(self, data: bytes, out: list[bytes]) -> bytes:
        """From here on it is the parser's affair."""
        out.append(data)
        return b""

    def _through_block(self, data: bytes, out: list[bytes]) -> tuple[bytes, bytes | None]:
        """Pass on a head or trailers: what comes after them, and they themselves once they are complete."""
        block = self._block
        begin = max(0, len(block) - 2)
        block += data
        empty = 1 if block.startswith(b"\n") else 2 * block.startswith(b"\r\n")
        blank = None if empty else _BLANK.search(block, begin)
        end = blank.end() if blank else empty
        if not end:
            out.append(data)
            if len(block) > _LONGEST:
                self._step = self._as_it_is
            return b"", None
        whole, rest = bytes(block[:end]), bytes(block[end:])
        self._block = bytearray()
        out.append(data[: len(data) - len(rest)])
        return rest, whole

    def _head(self, data: bytes, out: list[bytes]) -> bytes:
        rest, head = self._through_block(data, out)
        if head is not None:
            self._step = self._body_after(head)
        return rest

    def _body_after(self, head: bytes) -> Callable[[bytes, list[bytes]], bytes]:
        """How to go on after a head."""
        status, *lines = (line.removesuffix(b"\r") for line in head.split(b"\n"))
        found = _STATUS.fullmatch(status)
        if found is None:
            return self._as_it_is
        code = int(found[1])
        if code == _SWITCHING:
            return self._as_it_is
        if code < _FINAL or code in _NO_BODY:
            return self._head
        fields = [line.partition(b":") for line in lines]
        codings = [
            value.strip(b" \t").lower() for name, _, value in fields if name.lower() == b"transfer-encoding"
        ]
        if codings == [b"chunked"]:
            self._seam, self._open = b"\r\n", False
            return self._chunks
        lengths = [value.strip(b" \t") for name, _, value in fields if name.lower() == b"content-length"]
        if codings or len(lengths) != 1 or not lengths[0].isdigit() or len(lengths[0]) > _DIGITS:
            return self._as_it_is
        self._left = int(lengths[0])
        return self._counted if self._left else self._head

    def _counted(self, data: bytes, out: list[bytes]) -> bytes:
        """A body of a known length."""
        mine, rest = data[: self._left], data[self._left :]
        out.append(mine)
        self._left -= len(mine)
        if not self._left:
            self._step = self._head
        return rest

    def _chunks(self, data: bytes, out: list[bytes]) -> bytes:
        """A chunked body up to its last chunk, whose size is zero."""
        if self._seam:
            data, self._seam = self._seam + data, b""
        match, size = _SEAM.match, len(data)
        pieces: list[bytes] = []
        at, end = 0, self._left  # of the data of one chunk
        while end < size:
            if end > at:
                pieces.append(data[at:end])
            seam = match(data, end)
            if seam is None:
                self._left = 0
                self._hand_out(pieces, out)
                return self._unfinished(data[end:])
            at = seam.end()
            length = int(seam[1], 16)
            if not length:
                self._left = 0
                self._hand_out(pieces, out)
                self._aside = None  # another response may follow
                out.append(data[end if self._open else end + 2 : at])
                self._step = self._trailers
                return data[at:]
            end = at + length
        pieces.append(data[at:])
        self._left = end - size
        self._hand_out(pieces, out)
        return b""

    def _hand_out(self, pieces: list[bytes], out: list[bytes]) -> None:
        """One chunk of all these, without the CR LF at its end: that comes before whatever is next."""
        if self._aside is not None:
            self._aside += pieces
            return
        size = sum(map(len, pieces))
        if size:
            out.append(b"\r\n%x\r\n" % size if self._open else b"%x\r\n" % size)
            out += pieces
            self._open = True

    def _unfinished(self, rest: bytes) -> bytes:
        """Where a chunk's size should stand: keep back what may become one, give the rest away as it is."""
        if len(rest) < _LONGEST_SEAM and _PART_OF_SEAM.fullmatch(rest):
            self._seam = rest
            return b""
        self._step = self._as_it_is
        if self._open:
            return rest
        # The parser is about to read a size; what stands where the line should end must not pass for one.
        return rest[2:] if rest.startswith(b"\r\n") else b"\r\n" + rest

    def _trailers(self, data: bytes, out: list[bytes]) -> bytes:
        """The end of a chunked body."""
        rest, trailers = self._through_block(data, out)
        if trailers is not None:
            self._step = self._head
        return rest
