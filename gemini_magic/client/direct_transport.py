"""The transport for requests that need no proxy: HTTP/1.1 on a socket or TLS stream, one connection for each request.

Idle connections form a stack for each server: the connection that was used last is used first. To find one takes the
same time however many streams run. The head and the body of a request leave in one write.
"""

from __future__ import annotations

import re
import select
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import NamedTuple, Protocol, TypeAlias

from ..errors import WireError
from .address import Address
from .chunked import ChunkJoiner
from .connection import Connection, enable_keepalive
from .response_parser import ProtocolError, ResponseParser
from .shared_reader import SHARED_READER
from .transport_errors import (
    ConnectError,
    ConnectTimeout,
    LocalProtocolError,
    ReadError,
    ReadTimeout,
    RemoteProtocolError,
    UnsupportedProtocol,
    WriteTimeout,
)

__all__ = [
    "WRITE_LIMIT",
    "DirectTransport",
    "IncomingResponse",
    "OutgoingRequest",
    "RequestContext",
    "ResponseBody",
    "unreadable",
]

WRITE_LIMIT = 30.0  # seconds in which the server accepts no byte of the request
_IDLE_LIMIT = 30.0  # seconds for which an idle connection is kept
_MAX_IDLE = 500  # connections to all servers: as many as a run over rows may use at once
_READ_SIZE = 65536  # bytes
_WRITE_SIZE = 65536  # bytes; more are written in pieces, each with the limit of time above
# A body of which more arrives at once, or in all, is read on its own thread: decoding it would delay other streams.
_MAX_SHARED_READ = 32_768  # bytes
_MAX_SHARED_BODY = 1_000_000  # bytes
_PORTS = {"http": 80, "https": 443}
# What h11 accepts in a request: names are tokens, and values have no control characters (RFC 9110, 5.1 and 5.5).
_HEADERS = re.compile(
    rb"(?:[!#$%&'*+.^_`|~0-9A-Za-z-]++: (?:[^\x00-\x20\x7f]++(?:[ \t]++[^\x00-\x20\x7f]++)*+)?\r\n)*+"
)
_TARGET = re.compile(rb"[!-~]+")
_Origin: TypeAlias = tuple[str, str, int]  # scheme, host, port


class RequestContext(NamedTuple):
    """What a transport must know about a request beside the request.

    Attributes:
        connection: the stream's connection: its time limits, its clock, and the socket that can be shut down.
        request_sent: called once, when the request was sent and before the wait for the response.
        shareable: whether the thread that many streams share may read the body.
        before_first_byte: called once, when the connection stands and before anything is written; an exception of it ends
            the request unsent.
    """

    connection: Connection
    request_sent: Callable[[], None]
    shareable: bool = False
    before_first_byte: Callable[[], None] | None = None


class OutgoingRequest(NamedTuple):
    """A request as a transport sends it.

    Attributes:
        method: the HTTP method.
        address: where it goes.
        headers: names and values, in order.
        body: the pieces of the body.
        context: what else a transport must know.
    """

    method: str
    address: Address
    headers: list[tuple[bytes, bytes]]
    body: Iterable[bytes]
    context: RequestContext


class IncomingBody(Protocol):
    """The body of a response of either transport; its transfer coding is undone, its content coding is not."""

    @property
    def surplus(self) -> bool:
        """Whether bytes followed the end of the response."""

    def read_into(self, take: Callable[[bytes], None]) -> None:
        """Read the body to its end, and call ``take`` with the data of each read from the socket."""

    def close(self) -> None:
        """Keep the connection for another request, or close it when the body was not read to its end."""


class IncomingResponse(NamedTuple):
    """A response whose head has arrived.

    Attributes:
        status: the HTTP status.
        reason: the reason phrase.
        version: ``HTTP/1.1`` and the like.
        headers: names and values, in order and as sent.
        body: the body.
    """

    status: int
    reason: bytes
    version: bytes
    headers: list[tuple[bytes, bytes]]
    body: IncomingBody


def unreadable(header: str) -> WireError:
    """The error for a response with a coding that was not requested, such as ``Content-Encoding: br``."""
    return WireError(
        f"The server's response cannot be read: {header} is not supported.",
        remedy="It was not requested. Check --base-url, and the proxies between this computer and the server.",
    )


class DirectTransport:
    """Connections to servers, without a proxy. Threads may use it at the same time.

    Args:
        tls: the context for https; None for a transport that is for http only.
    """

    def __init__(self, tls: ssl.SSLContext | None) -> None:
        self._tls = tls
        if tls is not None:
            tls.set_alpn_protocols(["http/1.1"])
        self._lock = threading.Lock()
        self._idle: dict[_Origin, list[_Channel]] = {}
        self._idle_count = 0

    def send(self, request: OutgoingRequest) -> IncomingResponse:
        """Send a request and wait for the head of the response.

        Args:
            request: the request.

        Raises:
            TransportError: the server could not be reached, or its response is not valid.
            ConnectionLost: the stream was cancelled.
            TimedOut: a time limit was reached.
            Exception: what ``before_first_byte`` raised.
        """
        context = request.context
        head = _head_of(request)
        scheme, host, port, *_ = request.address
        if scheme not in _PORTS or (scheme == "https" and self._tls is None):
            raise UnsupportedProtocol(f"Request URL has an unsupported protocol '{scheme}://'.")
        if not host:
            raise UnsupportedProtocol("Request URL is missing the host.")
        origin = (scheme, host, port or _PORTS[scheme])
        channel = self._take(origin) or self._connect(origin, context.connection)
        if context.before_first_byte is not None:
            channel = self._asked(channel, context.before_first_byte, context.connection)
        parser = ResponseParser(channel.joiner)
        failure: RemoteProtocolError | None = None
        try:
            channel.send(head, request.body, context)
            while (found := parser.head) is None:
                data = channel.receive(context.connection)
                try:
                    channel.parse(parser, data)
                except RemoteProtocolError as error:
                    if parser.head is None:
                        raise
                    failure = error  # of the body, a part of which may have arrived in the same read
        except BaseException:
            channel.close()
            raise
        stream = ResponseBody(self, channel, parser, context, failure)
        return IncomingResponse(found.status, found.reason, found.version, found.headers, stream)

    # -- connections

    def _asked(self, channel: _Channel, ask: Callable[[], None], connection: Connection) -> _Channel:
        """Ask for leave to send on a connection; returns the connection, or a new one if it was closed meanwhile."""
        try:
            ask()
        except BaseException:
            self.give_back(channel)
            raise
        if channel.usable():
            return channel
        channel.close()
        return self._connect(channel.origin, connection)

    def _connect(self, origin: _Origin, connection: Connection) -> _Channel:
        """Open a connection.

        Raises:
            ConnectError, ConnectTimeout: the server cannot be reached.
            UnicodeError: the host name cannot be encoded.
        """
        scheme, host, port = origin
        began = time.perf_counter()
        sock: socket.socket | None = None
        try:
            sock = socket.create_connection((host, port), connection.connect_timeout())
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            enable_keepalive(sock)
            if scheme == "https" and self._tls is not None:
                sock.settimeout(connection.connect_timeout())
                sock = self._tls.wrap_socket(sock, server_hostname=host)
        except BaseException as error:
            if sock is not None:
                sock.close()
            if isinstance(error, TimeoutError):
                raise ConnectTimeout(str(error)) from None
            if isinstance(error, OSError):
                raise ConnectError(str(error)) from None
            raise
        connection.connected(time.perf_counter() - began)
        return _Channel(sock, origin)

    def _take(self, origin: _Origin) -> _Channel | None:
        """The connection to this server that became idle last, if it is usable; those that are not are closed."""
        while True:
            with self._lock:
                stack = self._idle.get(origin)
                if not stack:
                    return None
                channel = stack.pop()
                self._idle_count -= 1
            if channel.usable():
                return channel
            channel.close()

    def give_back(self, channel: _Channel) -> None:
        """Keep a connection for another request."""
        channel.idle_since = time.monotonic()
        with self._lock:
            self._idle.setdefault(channel.origin, []).append(channel)
            self._idle_count += 1
            dropped = self._expired(channel.idle_since) if self._idle_count > 1 else []
        for each in dropped:
            each.close()

    def _expired(self, now: float) -> list[_Channel]:
        """Remove the connections that were idle for too long, and the oldest ones beyond the limit."""
        dropped = []
        for origin, stack in list(self._idle.items()):
            while stack and (now - stack[0].idle_since > _IDLE_LIMIT or self._idle_count > _MAX_IDLE):
                dropped.append(stack.pop(0))
                self._idle_count -= 1
            if not stack:
                del self._idle[origin]
        return dropped

    def close(self) -> None:
        """Close the idle connections."""
        with self._lock:
            idle, self._idle, self._idle_count = self._idle, {}, 0
        for stack in idle.values():
            for channel in stack:
                channel.close()

    def close_in_child(self) -> None:
        """Close the idle connections in a forked child, where another thread may have held the lock."""
        self._lock = threading.Lock()
        self.close()


def _head_of(request: OutgoingRequest) -> bytes:
    """The head of a request; raises ``LocalProtocolError`` if a header would be read as something else."""
    target, raw = request.address.target, request.headers
    headers = b"".join([b"%b: %b\r\n" % header for header in raw])
    well_formed = _TARGET.fullmatch(target) and _HEADERS.fullmatch(headers)
    if not well_formed or headers.count(b"\n") != len(raw):
        raise LocalProtocolError("Illegal header or target.")
    return b"%b %b HTTP/1.1\r\n%b\r\n" % (request.method.encode("ascii"), target, headers)


class _Channel:
    """One open connection to a server.

    Args:
        sock: the socket, with TLS where the server needs it.
        origin: the server.

    Attributes:
        sock: the socket.
        joiner: finds the bodies in what arrives on the connection.
        origin: the server.
        idle_since: reading of the monotonic clock when the last response was complete, or when it was opened.
    """

    def __init__(self, sock: socket.socket, origin: _Origin) -> None:
        self.joiner = ChunkJoiner()
        self.origin = origin
        self.idle_since = time.monotonic()
        self.sock = sock
        self._timeout: float | None = None  # of the socket

    def send(self, head: bytes, body: Iterable[bytes], context: RequestContext) -> None:
        """Send a request; short pieces of it leave in one write.

        Raises:
            WriteTimeout: the server accepts nothing.
            ConnectionLost: the stream was cancelled.
        """
        connection, pending = context.connection, head
        with connection.attached(self.sock):
            self.set_timeout(WRITE_LIMIT)
            for piece in body:
                if len(pending) + len(piece) <= _WRITE_SIZE:
                    pending += piece
                elif not self._write(pending):
                    break
                else:
                    pending = piece
            else:
                self._write(pending)
        connection.request_sent()
        context.request_sent()

    def _write(self, data: bytes) -> bool:
        """Write all of the data; returns False if the server has closed the connection: it may have answered before."""
        rest = memoryview(data)
        try:
            while rest:
                rest = rest[self.sock.send(rest[:_WRITE_SIZE]) :]
        except TimeoutError as error:
            raise WriteTimeout(str(error)) from None
        except OSError:
            return False  # reading shows whether there is an answer
        return True

    def receive(self, connection: Connection) -> bytes:
        """Wait for bytes; no bytes mean the end of input.

        Raises:
            ReadError, ReadTimeout: the connection was lost, or nothing arrived in time.
            ConnectionLost: the stream was cancelled.
            TimedOut: a time limit was reached.
        """
        timeout = connection.read_timeout()
        with connection.attached(self.sock):
            self.set_timeout(timeout)
            try:
                data = self.sock.recv(_READ_SIZE)
            except TimeoutError as error:
                raise ReadTimeout(str(error)) from None
            except OSError as error:
                raise ReadError(str(error)) from None
            connection.bytes_arrived()
        return data

    def parse(self, parser: ResponseParser, data: bytes) -> None:
        """Parse the bytes of one read.

        Raises:
            RemoteProtocolError: the response is not valid.
            WireError: the response has a transfer coding that is not supported.
        """
        try:
            parser.feed(data)
        except ProtocolError as error:
            if not self.joiner.coding:
                raise RemoteProtocolError(str(error)) from None
        if self.joiner.coding:
            raise unreadable(f"Transfer-Encoding: {self.joiner.coding}")

    def set_timeout(self, seconds: float) -> None:
        """Set how long calls of the socket may wait."""
        if seconds != self._timeout:  # it takes a system call
            self._timeout = seconds
            self.sock.settimeout(seconds)

    def usable(self) -> bool:
        """Whether the idle connection can be used: it is open, and nothing has arrived that belongs to no request."""
        if time.monotonic() - self.idle_since > _IDLE_LIMIT:
            return False
        if isinstance(self.sock, ssl.SSLSocket) and self.sock.pending():
            return False
        return not _readable(self.sock)

    def close(self) -> None:
        """Close the connection."""
        with suppress(OSError):
            self.sock.close()


def _readable(sock: socket.socket) -> bool:
    """Whether a read would return at once: with bytes, or because the server has closed the connection."""
    if not hasattr(select, "poll"):  # Windows
        return bool(select.select([sock], [], [], 0)[0])
    poll = select.poll()
    poll.register(sock, select.POLLIN)
    return bool(poll.poll(0))


class ResponseBody:
    """The body of a response; its transfer coding is undone, its content coding is not.

    Args:
        transport: the transport, which gets the connection back.
        channel: the connection.
        parser: the parser, which has the head already.
        context: the request's context.
        failure: the error behind the data that the parser has already.
    """

    def __init__(
        self,
        transport: DirectTransport,
        channel: _Channel,
        parser: ResponseParser,
        context: RequestContext,
        failure: RemoteProtocolError | None = None,
    ) -> None:
        self._transport = transport
        self._channel = channel
        self._open = True
        self._parser = parser
        self._connection = context.connection
        self._shareable = context.shareable and failure is None
        self._failure = failure
        self._shared_bytes = 0
        self._take: Callable[[bytes], None] = _ignore

    @property
    def surplus(self) -> bool:
        """Whether bytes followed the end of the response; the connection is not used again then."""
        return self._channel.joiner.surplus

    def read_into(self, take: Callable[[bytes], None]) -> None:
        """Read the body to its end, and call ``take`` with the data of each read from the socket.

        With many streams, ``take`` is called on the thread that they share.

        Raises:
            TransportError, WireError, ConnectionLost, TimedOut: as :meth:`DirectTransport.send`.
        """
        self._take = take
        SHARED_READER.body_began()
        try:
            self._deliver()
            while not self._parser.ended:
                if self._shareable and SHARED_READER.wanted:
                    self._share()
                else:
                    self._read_once()
        finally:
            SHARED_READER.body_ended()
            self._take = _ignore

    def _read_once(self) -> None:
        """Wait for bytes, and deliver the data in them."""
        self._deliver()
        if self._failure is not None:
            raise self._failure
        if not self._parser.ended:
            self._parse(self._channel.receive(self._connection))

    def _parse(self, data: bytes) -> None:
        try:
            self._channel.parse(self._parser, data)
        finally:
            self._deliver()  # also what arrived in the same read as the bytes that broke, but before them

    def _deliver(self) -> None:
        """Deliver the data that has arrived since the last call."""
        data = self._parser.data
        if data:
            joined = data[0] if len(data) == 1 else b"".join(data)
            data.clear()
            self._take(joined)

    # -- on the shared thread

    def _share(self) -> None:
        """Let the shared thread read, until the body ends or is too large for a thread that others wait for."""
        connection, channel = self._connection, self._channel
        connection.attach(channel.sock)
        try:
            channel.set_timeout(0.0)
            SHARED_READER.read(self)
        finally:
            connection.detach()

    def fileno(self) -> int:
        """The descriptor of its socket."""
        return self._channel.sock.fileno()

    def read_available(self) -> bool:
        """Read what has arrived, without waiting. Returns whether the shared thread is to read on.

        Raises:
            TransportError, WireError: the connection was lost, or the response is not valid.
        """
        sock, size = self._channel.sock, 0
        while True:
            try:
                data = sock.recv(_READ_SIZE)
            except (BlockingIOError, ssl.SSLWantReadError):
                return True
            except ssl.SSLWantWriteError:
                self._shareable = False  # TLS has something to say first, which may have to wait
                return False
            except OSError as error:
                raise ReadError(str(error)) from None
            self._connection.bytes_arrived()
            self._parse(data)
            size += len(data)
            if self._parser.ended:
                return False
            if not (isinstance(sock, ssl.SSLSocket) and sock.pending()):
                break
        self._shared_bytes += size
        if size > _MAX_SHARED_READ or self._shared_bytes > _MAX_SHARED_BODY:
            self._shareable = False
        return self._shareable

    def read_deadline(self) -> float:
        """Clock reading at which the wait for the next bytes ends.

        Raises:
            TimedOut: a limit is reached already.
        """
        return time.perf_counter() + self._connection.read_timeout()

    @staticmethod
    def read_timed_out() -> Exception:
        """The exception for a wait that has reached the deadline."""
        return ReadTimeout("no data")

    # -- the end

    def close(self) -> None:
        """Keep the connection for another request, or close it when the body was not read to its end."""
        if not self._open:
            return
        self._open = False
        if self._parser.reusable:
            self._transport.give_back(self._channel)
        else:
            self._channel.close()


def _ignore(_: bytes) -> None:
    pass
