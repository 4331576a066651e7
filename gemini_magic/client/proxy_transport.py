"""The transport for requests through a proxy: httpx's own, on sockets that another thread can shut down.

Only this module imports httpcore; it is loaded with the first request through a proxy.
"""

from __future__ import annotations

import contextlib
import socket
import ssl
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Self

import httpcore

from ..errors import WireError
from . import transport_errors
from .chunked import ChunkJoiner
from .connection import Connection, enable_keepalive
from .direct_transport import WRITE_LIMIT, IncomingResponse, OutgoingRequest, unreadable
from .plain_httpx import httpx

__all__ = ["ProxyTransport"]

_LIMITS = httpx.Limits(max_connections=None, max_keepalive_connections=200, keepalive_expiry=30.0)


_CONNECT = b"CONNECT "


class _ExchangeContext(float):
    """The exchange that a network stream reads and writes for.

    A network stream must know the connection to report to, and where the body goes. But httpcore gives its network
    backend nothing of a request except the values of the request's ``timeout`` extension, which it passes unchanged to
    every connect, read and write: on new and on pooled connections, and through proxies. So this object is each of
    these values. For httpcore it is a number, the seconds that connecting may take; for our streams it is the exchange.
    It comes with every call, so nothing depends on the thread, and a pooled connection keeps nothing of an earlier
    exchange.

    Args:
        connection: the stream's connection.
        request_sent: called once, on the reader's thread, when the request was sent and before the first wait.
        before_first_byte: called once, before the first byte of the request is written.

    Attributes:
        connection: as above.
        body: receives the data of the body's HTTP chunks, which then bypasses the parser; None to parse everything.
        surplus: whether bytes followed the end of the response.
    """

    connection: Connection
    body: list[bytes] | None
    surplus: bool
    _request_sent: Callable[[], None]
    _before_first_byte: Callable[[], None]
    _deliver: Callable[[], None]

    def __new__(
        cls,
        connection: Connection,
        request_sent: Callable[[], None],
        before_first_byte: Callable[[], None] | None = None,
    ) -> Self:
        context = super().__new__(cls, connection.connect_timeout())
        context.connection = connection
        context.body = None
        context.surplus = False
        context._request_sent = request_sent
        context._before_first_byte = before_first_byte or _nothing
        context._deliver = _nothing
        return context

    def before_write(self, data: bytes) -> None:
        """Ask for leave to send the request. A request for a tunnel through the proxy is not the request yet."""
        if data and not data.startswith(_CONNECT):  # the end of a request has no data
            before_first_byte, self._before_first_byte = self._before_first_byte, _nothing
            before_first_byte()

    def before_read(self) -> None:
        """Note that the request was sent, or deliver what has arrived. Called on the reader's thread before each wait."""
        request_sent, self._request_sent = self._request_sent, _nothing
        request_sent()
        self._deliver()

    def begin_body(self, deliver: Callable[[], None], body: list[bytes] | None) -> None:
        """Begin to read the body.

        Args:
            deliver: called before each wait for bytes.
            body: the attribute from now on.
        """
        self._deliver, self.body = deliver, body

    def end_body(self) -> None:
        """Stop reading the body."""
        self._deliver, self.body = _nothing, None


def _nothing() -> None:
    pass


class _NetworkStream(httpcore.NetworkStream):
    """A network stream that reports which socket it waits on, and when bytes arrive, to the exchange's connection.

    The data of a body's chunks bypasses httpcore's parser where the exchange accepts it; the parser sees the head and
    the end. Parsing one chunk takes longer than everything else that happens to an event.

    Args:
        inner: the wrapped stream.
        opened_by: the exchange whose request opened the stream. It stands in for the timeout where httpcore passes
            none, which is while it negotiates with a SOCKS proxy.
    """

    def __init__(self, inner: httpcore.NetworkStream, opened_by: _ExchangeContext | None) -> None:
        self._inner = inner
        self._opened_by = opened_by
        self._sock: socket.socket | None = inner.get_extra_info("socket")
        self._chunks = ChunkJoiner()
        self._ended = False
        self._reader: _ExchangeContext | None = None  # the exchange of the last read

    def _context(self, timeout: float | None) -> _ExchangeContext | None:
        """The exchange of a call with this timeout."""
        if isinstance(timeout, _ExchangeContext):
            self._opened_by = None
            return timeout
        return self._opened_by

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        context = self._context(timeout)
        if context is not self._reader:
            self._reader = context
            self._chunks.begin_response()
        while not self._ended:
            data = (
                self._inner.read(max_bytes, timeout) if context is None else self._receive(max_bytes, context)
            )
            self._ended = not data
            body = None if context is None else context.body
            found = self._chunks.feed(data, body) if data else self._chunks.close()
            if self._chunks.surplus and not self._ended:
                self._drop(context)
            if self._chunks.coding:
                raise unreadable(f"Transfer-Encoding: {self._chunks.coding}")
            if found:
                return found
        return b""

    def _drop(self, context: _ExchangeContext | None) -> None:
        """Close the connection, because bytes follow the response that belong to no request.

        The pool finds the socket closed and does not use it again; the next answer cannot begin with these bytes.
        """
        self._ended = True
        if context is not None:
            context.surplus = True
        with contextlib.suppress(Exception):
            self._inner.close()

    def _receive(self, max_bytes: int, context: _ExchangeContext) -> bytes:
        context.before_read()
        connection = context.connection
        timeout = connection.read_timeout()
        with connection.attached(self._sock):
            data = self._inner.read(max_bytes, timeout)
            connection.bytes_arrived()
        return data

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        context = self._context(timeout)
        if context is None:
            self._inner.write(buffer, timeout)
            return
        context.before_write(buffer)
        with context.connection.attached(self._sock):
            self._inner.write(buffer, WRITE_LIMIT)
        context.connection.request_sent()

    def close(self) -> None:
        self._inner.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        context = self._context(timeout)
        began = time.perf_counter()
        secured = _NetworkStream(self._inner.start_tls(ssl_context, server_hostname, timeout), context)
        if context is not None:
            context.connection.connected(time.perf_counter() - began)
        return secured

    def get_extra_info(self, info: str) -> Any:
        return self._inner.get_extra_info(info)


class _NetworkBackend(httpcore.SyncBackend):
    """Opens connections whose sockets another thread can shut down."""

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        began = time.perf_counter()
        stream = super().connect_tcp(host, port, timeout, local_address, socket_options)
        context = timeout if isinstance(timeout, _ExchangeContext) else None
        if context is not None:
            context.connection.connected(time.perf_counter() - began)
        enable_keepalive(stream.get_extra_info("socket"))
        return _NetworkStream(stream, context)


class ProxyTransport(httpx.HTTPTransport):
    """httpx's transport (HTTP/1.1 only) over our network backend.

    Args:
        proxy: the URL of the proxy.
        tls: the context for https.

    Raises:
        ImportError, ValueError, InvalidURL: the proxy is not supported, or its URL is not valid.
    """

    def __init__(self, proxy: str, tls: ssl.SSLContext) -> None:
        with _translated():
            super().__init__(verify=tls, http1=True, http2=False, limits=_LIMITS, proxy=proxy)
        # httpx has no argument for it. tests/client checks that cancelling works, which depends on it.
        self._pool._network_backend = _NetworkBackend()  # noqa: SLF001

    def send(self, request: OutgoingRequest) -> IncomingResponse:
        """Send a request and wait for the head of the response.

        Raises:
            TransportError: the proxy or the server could not be reached, or the response is not valid.
            ConnectionLost: the stream was cancelled.
            TimedOut: a time limit was reached.
        """
        given, address = request.context, request.address
        context = _ExchangeContext(given.connection, given.request_sent, given.before_first_byte)
        timeouts = {"connect": context, "write": context, "read": context, "pool": None}
        with _translated():
            response = self.handle_request(
                httpx.Request(
                    request.method,
                    httpx.URL(
                        scheme=address.scheme,
                        host=address.host,
                        port=address.port,
                        raw_path=address.target,
                    )
                    if address.host
                    else httpx.URL(""),
                    headers=request.headers,
                    stream=_RequestStream(request.body),
                    extensions={"timeout": timeouts},
                )
            )
        return IncomingResponse(
            response.status_code,
            response.reason_phrase.encode("ascii", "ignore"),
            response.http_version.encode("ascii", "ignore"),
            response.headers.raw,
            _Body(response.stream, context),
        )


@contextlib.contextmanager
def _translated() -> Iterator[None]:
    """Raise the exception of the same name from ``transport_errors`` in place of httpx's."""
    try:
        yield
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        names = (kind.__name__ for kind in type(error).__mro__)
        found = (getattr(transport_errors, name, None) for name in names)
        raise next(filter(None, found), transport_errors.TransportError)(str(error)) from None


class _RequestStream(httpx.SyncByteStream):
    """The body of a request as httpx iterates over it."""

    def __init__(self, pieces: Iterable[bytes]) -> None:
        self._pieces = pieces

    def __iter__(self) -> Iterator[bytes]:
        return iter(self._pieces)


class _Body:
    """The body of a response; its transfer coding is undone, its content coding is not.

    Args:
        stream: the body as httpx reads it.
        context: the exchange.
    """

    def __init__(self, stream: Any, context: _ExchangeContext) -> None:
        self._stream = stream
        self._context = context

    @property
    def surplus(self) -> bool:
        """Whether bytes followed the end of the response; the connection was closed then."""
        return self._context.surplus

    def read_into(self, take: Callable[[bytes], None]) -> None:
        """Read the body to its end, and call ``take`` with the data of each read from the socket.

        Raises:
            TransportError, WireError, ConnectionLost, TimedOut: as :meth:`ProxyTransport.send`.
        """
        context, held = self._context, list[bytes]()

        def deliver() -> None:
            if any(held):
                data = held[0] if len(held) == 1 else b"".join(held)
                held.clear()
                take(data)

        # An HTTP chunk may hold a single word. All chunks of one read are delivered together, at the latest before the
        # next read waits.
        context.begin_body(deliver, held)
        try:
            with _translated():
                for piece in self._stream:
                    held.append(piece)  # data that bypasses the parser is put into `held` meanwhile
        except (transport_errors.TransportError, WireError):
            context.end_body()
            deliver()  # it arrived in the same read as the bytes that broke, but before them
            raise
        finally:
            context.end_body()
        deliver()

    def close(self) -> None:
        """Return the connection to the pool, or close it when the body was not read to its end."""
        self._stream.close()
