"""Parses one HTTP/1.1 response while its bytes arrive: bytes in, the head and the data of the body out.

A plain head, a body in chunks without trailers, and a body of a known length are parsed here; h11 parses everything
else, and decides about everything that is not valid. It is loaded when it is needed first. The module opens no socket.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from .chunked import ChunkJoiner

if TYPE_CHECKING:
    import h11

__all__ = ["Head", "ProtocolError", "ResponseParser"]

_MAX_HEAD = 100 * 1024  # bytes of a head or of trailers
_DISCONNECTED = "Server disconnected without sending a response."
_INCOMPLETE = "The peer closed connection before the end of the body."
_VERSION = b"HTTP/1.1 "
# A head in the form that RFC 9112 requires of senders, in ASCII. h11 accepts all such heads. The quantifiers are
# possessive, so that a head that does not match is refused in linear time.
_PLAIN_HEAD = re.compile(
    rb"HTTP/1\.1 ([2-5][0-9][0-9])(?: ([!-~]*+(?: ++[!-~]++)*+))?\r\n"
    rb"((?:[!#$%&'*+.^_`|~0-9A-Za-z-]++:[ \t]*+(?:[!-~]++(?:[ \t]++[!-~]++)*+[ \t]*+)?\r\n)*+)\r\n"
)
_LAST_CHUNK = b"0\r\n\r\n"
_SWITCHING = 101
_NO_BODY = (204, 304)


class ProtocolError(Exception):
    """The bytes are not a valid response, or end before the response does."""


class Head(NamedTuple):
    """The head of a response.

    Attributes:
        status: the HTTP status.
        reason: the reason phrase.
        version: ``HTTP/1.1`` and the like.
        headers: names and values, in order and as sent.
    """

    status: int
    reason: bytes
    version: bytes
    headers: list[tuple[bytes, bytes]]


class ResponseParser:
    """Parses the response to one request.

    Args:
        joiner: the joiner of the connection; it knows where the body ends.

    Attributes:
        head: the head, once it has arrived; heads of interim responses (1xx) are skipped.
        data: the data of the body that has arrived since the caller emptied the list.
        ended: whether the response is complete.
    """

    def __init__(self, joiner: ChunkJoiner) -> None:
        self.head: Head | None = None
        self.data: list[bytes] = []
        self.ended = False
        self._joiner = joiner
        self._seen = b""  # the head, as far as it has arrived
        self._last = b""  # the last chunk of a plain body, as far as it has arrived
        self._left: int | None = None  # bytes of a plain body of a known length that have not arrived
        self._keep_alive = True
        self._h11: h11.Connection | None = None
        joiner.begin_response()

    @property
    def reusable(self) -> bool:
        """Whether the connection can be used for another request. Bytes after the response prevent it."""
        return self.ended and self._keep_alive and self._joiner.at_end and not self._joiner.surplus

    def feed(self, data: bytes) -> None:
        """Parse the bytes of one read; no bytes mean the end of input.

        Raises:
            ProtocolError: the response is not valid or not complete. ``data`` has what arrived before the error.
        """
        if not data:
            self._end_of_input(self._joiner.close())
            return
        rest = self._joiner.feed(data, self.data)
        if self._h11 is not None:
            self._parse(rest)
        elif self.head is not None:
            if rest:
                self._plain(rest)
        else:
            self._seen += rest
            if not (self._joiner.in_head and _VERSION.startswith(self._seen[: len(_VERSION)])):
                self._parse_head()

    # -- plain responses

    def _parse_head(self) -> None:
        found = _PLAIN_HEAD.match(self._seen)
        if found is None or not self._joiner.body_is_framed:
            self._hand_over()
            return
        status = int(found[1])
        headers = [
            (name, value.strip(b" \t"))
            for name, _, value in (line.partition(b":") for line in found[3].split(b"\r\n")[:-1])
        ]
        fields = [(name.lower(), value.lower()) for name, value in headers]
        if status in _NO_BODY:
            self._left = 0
        elif not any(name == b"transfer-encoding" for name, _ in fields):
            lengths = [value for name, value in fields if name == b"content-length"]
            if len(lengths) != 1 or not lengths[0].isdigit():
                self._hand_over()
                return
            self._left = int(lengths[0])
        self._keep_alive = not any(name == b"connection" and b"close" in value for name, value in fields)
        self.head = Head(status, found[2] or b"", b"HTTP/1.1", headers)
        rest, self._seen = self._seen[found.end() :], found[0]
        if rest or self._left == 0:
            self._plain(rest)

    def _plain(self, rest: bytes) -> None:
        """What the joiner left of a plain body: data when the length is known, else the last chunk."""
        if self._left is not None:
            data = rest[: self._left]
            self._left -= len(data)
            self.ended = not self._left
            if data:
                self.data.append(data)
            return
        self._last += rest
        if self._last == _LAST_CHUNK:
            self.ended = True
        elif not _LAST_CHUNK.startswith(self._last):
            self._hand_over()

    # -- everything else

    def _hand_over(self) -> None:
        """Let h11 parse the response. It sees the whole head, and a body without the data that has arrived."""
        import h11  # noqa: PLC0415 - rarely needed

        parser = h11.Connection(h11.CLIENT, max_incomplete_event_size=_MAX_HEAD)
        parser.send(h11.Request(method="POST", target="/", headers=[("Host", "x"), ("Content-Length", "0")]))
        parser.send(h11.EndOfMessage())
        self._h11 = parser
        seen, self._seen = self._seen + self._last, b""
        self._parse(seen)

    def _parse(self, rest: bytes) -> None:
        import h11  # noqa: PLC0415 - loaded already

        parser = self._h11
        if parser is None or self.ended or not rest:
            return
        try:
            parser.receive_data(rest)
            while not self.ended:
                event = parser.next_event()
                if event is h11.NEED_DATA or event is h11.PAUSED:
                    return
                self._take(event)
        except h11.RemoteProtocolError as error:
            raise ProtocolError(str(error)) from None

    def _take(self, event: object) -> None:
        """Take an event of h11."""
        import h11  # noqa: PLC0415 - loaded already

        if isinstance(event, h11.Data):
            self.data.append(bytes(event.data))
        elif isinstance(event, h11.Response):
            self._set_head(event)
        elif isinstance(event, h11.EndOfMessage | h11.ConnectionClosed):
            self.ended = True
            parser = self._h11
            self._keep_alive = parser is not None and parser.our_state is parser.their_state is h11.DONE

    def _set_head(self, response: h11.Response) -> None:
        self.head = Head(
            response.status_code,
            bytes(response.reason),
            b"HTTP/" + bytes(response.http_version),
            [(bytes(name), bytes(value)) for name, value in response.headers.raw_items()],
        )

    def _end_of_input(self, held: bytes) -> None:
        self._keep_alive = False
        if self._h11 is None and self.head is None and self._seen:
            self._hand_over()
        self._parse(held)
        if self.ended:
            return
        if self.head is None:
            raise ProtocolError(_DISCONNECTED)
        if self._h11 is None:
            raise ProtocolError(_INCOMPLETE)
        self._finish()

    def _finish(self) -> None:
        """The end of input, for h11: it ends the body of a response without a length."""
        import h11  # noqa: PLC0415 - loaded already

        parser = self._h11
        try:
            if parser is not None:
                parser.receive_data(b"")
                while not self.ended:
                    self._take(parser.next_event())
        except h11.RemoteProtocolError as error:
            raise ProtocolError(str(error)) from None
        self._keep_alive = False
