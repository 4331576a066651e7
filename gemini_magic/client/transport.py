"""HTTP: a connection pool shared by all streams, sockets that another thread can shut down, arrival times at the socket.

Only this module imports httpx and httpcore. It does not interpret the bytes.
"""

from __future__ import annotations

import contextlib
import os
import re
import socket
import ssl
import threading
import time
import zlib
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Self

import httpcore
import httpx

from ..backends import HttpRequest
from ..errors import ConnectionFailed, WireError
from .certificates import tls_context, trusted_certificates
from .chunked import ChunkJoiner
from .connection import BrokenBodyError, Connection, ConnectionLost, HostUnreachable, Sink, enable_keepalive
from .content_coding import BodyDecoder, content_codings, unsupported_coding
from .log_filter import mask_in_logs
from .proxies import agent_headers, proxy_error, proxy_for

__all__ = ["HttpResponse", "send"]

_LIMITS = httpx.Limits(max_connections=None, max_keepalive_connections=200, keepalive_expiry=30.0)
_WRITE_LIMIT = 30.0  # seconds in which the server accepts no byte of the request
_ENDED = re.compile("disconnected|closed connection")  # in messages of httpcore and h11
_NETWORK = "Check the network, the proxy settings and --base-url."


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

    Attributes:
        connection: as above.
        body: receives the data of the body's HTTP chunks, which then bypasses the parser; None to parse everything.
        surplus: whether bytes followed the end of the response.
    """

    connection: Connection
    body: list[bytes] | None
    surplus: bool
    _request_sent: Callable[[], None]
    _deliver: Callable[[], None]

    def __new__(cls, connection: Connection, request_sent: Callable[[], None]) -> Self:
        context = super().__new__(cls, connection.connect_timeout())
        context.connection = connection
        context.body = None
        context.surplus = False
        context._request_sent = request_sent
        context._deliver = _nothing
        return context

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
                raise _unreadable(f"Transfer-Encoding: {self._chunks.coding}")
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
        with context.connection.attached(self._sock):
            self._inner.write(buffer, _WRITE_LIMIT)
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


class _Transport(httpx.HTTPTransport):
    """httpx's transport (HTTP/1.1 only) over our network backend."""

    def __init__(self, proxy: str | None, *, secure: bool) -> None:
        # Loading the certificates takes longer than a thousand events. An empty context trusts no certificate.
        verify = tls_context() if secure else ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        super().__init__(verify=verify, http1=True, http2=False, limits=_LIMITS, proxy=proxy)
        # httpx has no argument for it. tests/client checks that cancelling works, which depends on it.
        self._pool._network_backend = _NetworkBackend()  # noqa: SLF001


_transports: dict[tuple[str | bool | None, ...], _Transport] = {}
_transports_lock = threading.Lock()


def _after_fork() -> None:
    """Drop the pools in a forked child: the connections belong to the parent."""
    global _transports_lock  # noqa: PLW0603 - the lock may be held by a thread that does not exist in the child
    _transports.clear()
    _transports_lock = threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


def _transport(url: str) -> _Transport:
    """The shared transport for this URL; a changed environment (proxy, certificates) makes a new one.

    An ``httpx.Client`` would add redirects, cookies (those of one stream would go out with another), the credentials
    of a .netrc, and its own choice of proxies and headers. None of these belongs here.

    Raises:
        HostUnreachable: the proxy or certificate settings are not usable.
    """
    proxy = proxy_for(url)
    secure = not url.lower().startswith("http:")
    settings = (secure, proxy, *trusted_certificates())
    with _transports_lock:
        if settings not in _transports:
            try:
                _transports[settings] = _Transport(proxy, secure=secure)
            except (ImportError, ValueError, OSError, httpx.InvalidURL) as error:
                raise HostUnreachable(proxy_error(error), retryable=False) from None
        return _transports[settings]


class HttpResponse:
    """A response whose head has arrived: its status and headers, and its body piece by piece.

    ``status``, ``reason``, ``http_version`` and ``headers`` are the head's.
    """

    def __init__(self, response: httpx.Response, context: _ExchangeContext) -> None:
        self.status = response.status_code
        self.reason = response.reason_phrase
        self.http_version = response.http_version
        self.headers = tuple(response.headers.multi_items())
        self._response = response
        self._context = context

    def read(self, sink: Sink) -> None:
        """Read the body to its end: ``sink(seconds since sent, bytes)`` for each read from the socket.

        The content-encoding is undone. An exception of the sink ends the reading.

        Raises:
            ConnectionLost: the connection ended too early.
            TimedOut: a time limit was reached.
            WireError: the content-encoding is broken, or not supported.
        """
        context, connection, held = self._context, self._context.connection, list[bytes]()
        codings = content_codings(self._response.headers.get_list("content-encoding"))
        if (coding := unsupported_coding(codings)) is not None:
            raise _unreadable(f"Content-Encoding: {coding}")
        decoder = BodyDecoder(codings) if codings else None

        def deliver() -> None:
            if any(held):
                connection.body_began()
                data = held[0] if len(held) == 1 else b"".join(held)
                held.clear()
                sink(connection.arrival_time(), data)

        with _translated(connection):
            # An HTTP chunk may hold a single word. All chunks of one read are delivered together, at the latest before
            # the next read waits.
            context.begin_body(deliver, held if decoder is None else None)
            try:
                for piece in self._response.iter_raw():
                    # Data that bypasses the parser is put into `held` meanwhile.
                    held.append(piece if decoder is None else _decoded(decoder, piece))
            except (httpx.HTTPError, WireError):
                context.end_body()
                deliver()  # it arrived in the same read as the bytes that broke, but before them
                raise
            finally:
                context.end_body()
            deliver()

    @property
    def surplus(self) -> bool:
        """Whether bytes followed the end of the response; the connection was closed then."""
        return self._context.surplus

    def close(self) -> None:
        """Return the connection to the pool, or close it when the body was not read to its end."""
        with contextlib.suppress(Exception):
            self._response.close()


@contextlib.contextmanager
def _translated(connection: Connection) -> Iterator[None]:
    """Raise our exceptions in place of httpx's."""
    try:
        yield
    except (httpx.InvalidURL, httpx.UnsupportedProtocol) as error:
        failed = ConnectionFailed(
            f"The server's address is not valid: {_text(error)}.", remedy="Check --base-url."
        )
        raise HostUnreachable(failed, retryable=False) from None
    except httpx.HTTPError as error:
        raise _translation(error, connection) from None


@contextlib.contextmanager
def _host_names_checked() -> Iterator[None]:
    """Raise our exception for a host name of the server or the proxy that cannot be encoded."""
    try:
        yield
    except UnicodeError as error:
        failed = ConnectionFailed(
            f"The host name of the server or of the proxy is not valid: {_text(error)}.",
            remedy="Check --base-url, HTTPS_PROXY and ALL_PROXY.",
        )
        raise HostUnreachable(failed, retryable=False) from None


def _translation(error: httpx.HTTPError, connection: Connection) -> Exception:
    """The same failure as an exception of ours, without a URL, a header or an object of httpx."""
    match error:
        case httpx.ReadTimeout() | httpx.WriteTimeout():
            return connection.timed_out()
        case httpx.ConnectTimeout():
            remaining = connection.remaining()
            if remaining is not None and remaining <= 0:
                return connection.timed_out()
            failed = ConnectionFailed(
                f"No connection within {connection.connect_limit:g} s.",
                remedy=f"{_NETWORK} To wait longer, increase --connect-timeout.",
            )
            return HostUnreachable(failed, retryable=True)
        case httpx.ProxyError() if str(error).startswith("407"):
            failed = ConnectionFailed(
                "The proxy refused the connection: 407 Proxy Authentication Required.",
                remedy="Set HTTPS_PROXY to http://USER:PASSWORD@HOST:PORT.",
            )
            return HostUnreachable(failed, retryable=False)
        case httpx.ConnectError() | httpx.ProxyError():
            text = _text(error)
            certificate = "CERTIFICATE" in text.upper()
            remedy = (
                "Set SSL_CERT_FILE or REQUESTS_CA_BUNDLE to the file of certificates that Python should trust."
                if certificate
                else _NETWORK
            )
            failed = ConnectionFailed(f"Could not connect: {text}.", remedy=remedy)
            return HostUnreachable(failed, retryable=not certificate)
        case httpx.RemoteProtocolError() if not (connection.in_body or _ENDED.search(str(error))):
            # The server did answer, although not readably: another attempt could be billed again.
            return WireError("The server's response is not valid HTTP.", remedy=_NETWORK)
        case _:
            return ConnectionLost(sent=bool(connection.sent))


def _unreadable(header: str) -> WireError:
    return WireError(
        f"The server's response cannot be read: {header} is not supported.",
        remedy="It was not requested. Check --base-url, and the proxies between this computer and the server.",
    )


def _decoded(decoder: BodyDecoder, data: bytes) -> bytes:
    try:
        return decoder.feed(data)
    except zlib.error:
        raise BrokenBodyError(
            "The server's compression is broken.",
            remedy="Try again. A proxy between this computer and the server may be the cause.",
        ) from None


def _text(error: Exception) -> str:
    return " ".join(str(error).split()).rstrip(".") or type(error).__name__


def send(
    request: HttpRequest,
    connection: Connection,
    key: tuple[str, str] | None,
    *,
    own_host: bool,
    request_sent: Callable[[], None] = _nothing,
) -> HttpResponse:
    """Send a request and wait for the head of its response.

    Args:
        request: the request, without a key.
        connection: the connection of the stream.
        key: name and value of the header that carries the key, in clear; None to send no key.
        own_host: whether the host is the backend's own, which may learn the client's versions.
        request_sent: called once, when the request was sent and before the wait for the response.

    Raises:
        HostUnreachable: the server could not be reached.
        ConnectionLost: the connection ended before the head arrived.
        TimedOut: a time limit was reached.
        WireError: the response is not HTTP.
    """
    connection.begin_request()
    headers = [*request.headers, *agent_headers(own_host=own_host), *(() if key is None else (key,))]
    mask_in_logs(key)
    with _translated(connection), _host_names_checked():
        transport = _transport(request.url)
        context = _ExchangeContext(connection, request_sent)
        timeout = {"connect": context, "write": context, "read": context, "pool": None}
        prepared = httpx.Request(
            request.method,
            request.url,
            headers=headers,
            content=request.body,
            extensions={"timeout": timeout},
        )
        return HttpResponse(transport.handle_request(prepared), context)
