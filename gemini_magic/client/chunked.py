"""Joins the HTTP chunks of each socket read into one, or takes the data of a body past the HTTP parser altogether.

It knows just enough of HTTP/1.1 to find the bodies (RFC 9112, 6 and 7.1). Anything unusual is passed on unchanged, and
the parser decides about it.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TypeAlias

__all__ = ["ChunkJoiner"]

# A function of the class, not a bound method: a joiner that refers to itself would wait for the garbage collector.
_Step: TypeAlias = "Callable[[ChunkJoiner, bytes, list[bytes]], bytes]"

_STATUS = re.compile(rb"HTTP/1\.1 ([1-9][0-9][0-9])(?: .*)?")
_BLANK = re.compile(rb"\n\r?\n")  # ends a head or the trailers; there h11 accepts LF as a line end, too
_MAX_BLOCK = 100 * 1024  # bytes of a head or of the trailers
# The bytes between the data of two chunks: a CR LF and the line with the size. A CR LF is put before the first line.
_BOUNDARY = re.compile(rb"\r\n([0-9A-Fa-f]{1,15})(?:[ \t]*|;[^\r\n]*)\r\n")
_PARTIAL_BOUNDARY = re.compile(rb"\r?|\r\n[0-9A-Fa-f]{0,15}|\r\n[0-9A-Fa-f]{1,15}(?:[ \t]*|;[^\r\n]*)\r?")
_MAX_BOUNDARY = 1024  # bytes
_NO_BODY = (204, 304)
_SWITCHING = 101
_FINAL = 200  # the lowest status of a final response
_MAX_DIGITS = 15  # of a length


class ChunkJoiner:
    """Rewrites the bytes that one connection receives: the same responses, with at most one chunk for each call.

    Only the division of a body into chunks changes, and chunk extensions are removed. Bytes are held back only while
    the size of a chunk is incomplete; data never is. Responses to HEAD and CONNECT are not supported.

    Attributes:
        surplus: whether bytes followed the end of a response before another request was sent. They belong to no answer,
            so the connection must not be used again.
        coding: the transfer coding of the response, if it is one that the parser refuses; else empty.
    """

    def __init__(self) -> None:
        self._step: _Step = ChunkJoiner._head
        self._block = bytearray()  # of a head or of trailers, already passed on
        self._left = 0  # bytes of the body or of the chunk that have not arrived
        self._held = b""  # the beginning of a boundary
        self._open = False  # whether the parser waits for the CR LF after a chunk's data
        self._body: list[bytes] | None = None
        self._answered = False  # the response to the last request has ended
        self.surplus = False
        self.coding = ""

    def begin_response(self) -> None:
        """Expect the response to another request."""
        self._answered = False

    @property
    def in_head(self) -> bool:
        """Whether the final head of the response has not arrived yet, as far as that is clear."""
        return self._step == ChunkJoiner._head and not self._answered

    @property
    def body_is_framed(self) -> bool:
        """Whether the head is complete and says where the body ends."""
        return self._step in _IN_BODY or self.at_end

    @property
    def at_end(self) -> bool:
        """Whether the response is complete."""
        return self._answered and self._step == ChunkJoiner._head

    def feed(self, data: bytes, body: list[bytes] | None = None) -> bytes:
        """Rewrite the bytes of one read.

        Args:
            data: the bytes.
            body: receives the data of the chunks of the body that is being read or begins; the parser then sees an
                empty body. None leaves the data to the parser.

        Returns:
            The bytes for the parser; empty when more bytes are needed first.
        """
        if self._step == ChunkJoiner._pass_through:
            return data
        # Not the body of a response that belongs to no request.
        self._body = body if self._step == ChunkJoiner._chunks or self.in_head else None
        out: list[bytes] = []
        while data:
            data = self._step(self, data, out)
        return b"".join(out)

    def close(self) -> bytes:
        """End of input: returns the bytes that were held back."""
        held = self._held if self._open else self._held[2:]
        self._held = b""
        self._step = ChunkJoiner._pass_through
        return held

    def _pass_through(self, data: bytes, out: list[bytes]) -> bytes:
        """Leave everything from here on to the parser."""
        out.append(data)
        return b""

    def _through_block(self, data: bytes, out: list[bytes]) -> tuple[bytes, bytes | None]:
        """Pass on a head or trailers. Returns the bytes after them, and the whole block once it is complete."""
        block = self._block
        begin = max(0, len(block) - 2)
        block += data
        empty = 1 if block.startswith(b"\n") else 2 * block.startswith(b"\r\n")
        blank = None if empty else _BLANK.search(block, begin)
        end = blank.end() if blank else empty
        if not end:
            out.append(data)
            if len(block) > _MAX_BLOCK:
                self._step = ChunkJoiner._pass_through
            return b"", None
        whole, rest = bytes(block[:end]), bytes(block[end:])
        self._block = bytearray()
        out.append(data[: len(data) - len(rest)])
        return rest, whole

    def _head(self, data: bytes, out: list[bytes]) -> bytes:
        self.surplus = self.surplus or self._answered
        rest, head = self._through_block(data, out)
        if head is not None:
            self._step = self._body_after(head)
        return rest

    def _body_after(self, head: bytes) -> _Step:
        """Choose the next step after a head."""
        status, *lines = (line.removesuffix(b"\r") for line in head.split(b"\n"))
        found = _STATUS.fullmatch(status)
        if found is None:
            return ChunkJoiner._pass_through
        code = int(found[1])
        if code == _SWITCHING:
            return ChunkJoiner._pass_through
        if code < _FINAL:
            return ChunkJoiner._head
        if code in _NO_BODY:
            return self._end()
        fields = [line.partition(b":") for line in lines]
        codings = [
            value.strip(b" \t").lower() for name, _, value in fields if name.lower() == b"transfer-encoding"
        ]
        if codings == [b"chunked"]:
            self._held, self._open = b"\r\n", False
            return ChunkJoiner._chunks
        if codings:
            self.coding = b", ".join(codings).decode("latin-1")
        lengths = list(
            {
                value.strip(b" \t")
                for name, _, listed in fields
                if name.lower() == b"content-length"
                for value in listed.split(b",")
            }
        )
        if codings or len(lengths) != 1 or not lengths[0].isdigit() or len(lengths[0]) > _MAX_DIGITS:
            return ChunkJoiner._pass_through
        self._left = int(lengths[0])
        return ChunkJoiner._counted if self._left else self._end()

    def _end(self) -> _Step:
        """The step after the end of a response."""
        self._answered = True
        self._body = None  # another response may follow
        return ChunkJoiner._head

    def _counted(self, data: bytes, out: list[bytes]) -> bytes:
        """A body of a known length."""
        body, rest = data[: self._left], data[self._left :]
        out.append(body)
        self._left -= len(body)
        if not self._left:
            self._step = self._end()
        return rest

    def _chunks(self, data: bytes, out: list[bytes]) -> bytes:
        """A chunked body up to its last chunk, whose size is zero."""
        if self._held:
            data, self._held = self._held + data, b""
        match, size = _BOUNDARY.match, len(data)
        pieces: list[bytes] = []
        at, end = 0, self._left  # of the data of one chunk
        while end < size:
            if end > at:
                pieces.append(data[at:end])
            boundary = match(data, end)
            if boundary is None:
                self._left = 0
                self._deliver(pieces, out)
                return self._unfinished(data[end:])
            at = boundary.end()
            length = int(boundary[1], 16)
            if not length:
                self._left = 0
                self._deliver(pieces, out)
                self._body = None
                out.append(data[end if self._open else end + 2 : at])
                self._step = ChunkJoiner._trailers
                return data[at:]
            end = at + length
        pieces.append(data[at:])
        self._left = end - size
        self._deliver(pieces, out)
        return b""

    def _deliver(self, pieces: list[bytes], out: list[bytes]) -> None:
        """Make one chunk of these pieces, without the CR LF at its end: that is written before whatever follows."""
        if self._body is not None:
            self._body += pieces
            return
        size = sum(map(len, pieces))
        if size:
            out.append(b"\r\n%x\r\n" % size if self._open else b"%x\r\n" % size)
            out += pieces
            self._open = True

    def _unfinished(self, rest: bytes) -> bytes:
        """At an incomplete boundary: hold back what may become one, pass anything else through."""
        if len(rest) < _MAX_BOUNDARY and _PARTIAL_BOUNDARY.fullmatch(rest):
            self._held = rest
            return b""
        self._step = ChunkJoiner._pass_through
        if self._open:
            return rest
        # The parser expects a size next; the bytes in place of the line end must not be read as one.
        return rest[2:] if rest.startswith(b"\r\n") else b"\r\n" + rest

    def _trailers(self, data: bytes, out: list[bytes]) -> bytes:
        """The end of a chunked body."""
        rest, trailers = self._through_block(data, out)
        if trailers is not None:
            self._step = self._end()
        return rest


_IN_BODY = (ChunkJoiner._chunks, ChunkJoiner._trailers, ChunkJoiner._counted)  # noqa: SLF001 - steps of this module
