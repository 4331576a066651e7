"""HTTP: connections shared by all streams, sockets that another thread can shut down, arrival times at the socket.

Most requests take the direct transport. Those that need a proxy take httpx's, which is imported for the first of them.
The module does not interpret the bytes.
"""

from __future__ import annotations

import atexit
import contextlib
import os
import re
import ssl
import threading
import zlib
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Protocol, TypeAlias

from ..backends import HttpRequest
from ..errors import ConnectionFailed, WireError
from ..media import body_pieces, body_size
from .address import address_of
from .body_secrets import revealed_pieces, size_of_secrets
from .certificates import tls_context, trusted_certificates
from .connection import BrokenBodyError, Connection, ConnectionLost, HostUnreachable, Sink
from .content_coding import BodyDecoder, content_codings, unsupported_coding
from .direct_transport import DirectTransport, IncomingResponse, OutgoingRequest, RequestContext, unreadable
from .log_filter import mask_in_logs
from .proxies import agent_headers, proxy_error, proxy_for
from .transport_errors import (
    ConnectError,
    ConnectTimeout,
    InvalidURL,
    ProxyError,
    ReadTimeout,
    RemoteProtocolError,
    TransportError,
    UnsupportedProtocol,
    WriteTimeout,
)

if TYPE_CHECKING:
    from .proxy_transport import ProxyTransport

__all__ = ["HttpResponse", "RequestContent", "send"]

_ENDED = re.compile("disconnected|closed connection")  # in messages of httpcore and h11
_NETWORK = "Check the network, the proxy settings and --base-url."


def _nothing() -> None:
    pass


_Transport: TypeAlias = "DirectTransport | ProxyTransport"
_transports: dict[tuple[str | bool | None, ...], _Transport] = {}
_tls_contexts: dict[tuple[str | None, ...], ssl.SSLContext] = {}
_transports_lock = threading.Lock()


def _after_fork() -> None:
    """Drop the connections in a forked child: they belong to the parent."""
    global _transports_lock  # noqa: PLW0603 - the lock may be held by a thread that does not exist in the child
    for transport in _transports.values():
        if isinstance(transport, DirectTransport):
            transport.close_in_child()
    _transports.clear()
    _transports_lock = threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


@atexit.register
def _close_all() -> None:
    """Close the idle connections."""
    for transport in _transports.values():
        transport.close()


def _transport(url: str) -> _Transport:
    """The shared transport for this URL; a changed environment (proxy, certificates) makes a new one.

    An ``httpx.Client`` would add redirects, cookies (those of one stream would go out with another), the credentials
    of a .netrc, and its own choice of proxies and headers. None of these belongs here.

    Raises:
        HostUnreachable: the proxy or certificate settings are not usable.
    """
    proxy = proxy_for(url)
    certificates = None if url[:5].lower() == "http:" else trusted_certificates()
    settings = (proxy, *(certificates or ()))
    transport = _transports.get(settings)
    if transport is not None:
        return transport
    with _transports_lock:
        if settings not in _transports:
            try:
                _transports[settings] = _make_transport(proxy, certificates)
            except (ImportError, ValueError, OSError, InvalidURL) as error:
                raise HostUnreachable(proxy_error(error), retryable=False) from None
        return _transports[settings]


def _make_transport(proxy: str | None, certificates: tuple[str | None, ...] | None) -> _Transport:
    """A transport; all that trust the same certificates share a TLS context.

    Args:
        proxy: the proxy's URL, or None.
        certificates: what the environment says about trusted certificates; None for plain http.

    Raises:
        ImportError, ValueError, OSError, InvalidURL: a setting is not valid.
    """
    tls: ssl.SSLContext | None = None
    if certificates is not None:
        if certificates not in _tls_contexts:
            _tls_contexts[certificates] = tls_context()  # it takes longer than a thousand events
        tls = _tls_contexts[certificates]
    if proxy is None:
        return DirectTransport(tls)
    from .proxy_transport import ProxyTransport  # noqa: PLC0415 - with it comes httpcore, for proxies only

    # An empty context trusts no certificate.
    return ProxyTransport(proxy, tls or ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT))


class RequestContent(Protocol):
    """The body of a request, made while it is sent."""

    @property
    def size(self) -> int:
        """Bytes that are sent."""

    def pieces(self) -> Iterator[bytes]:
        """The body in pieces; each is asked for when the pieces before it were sent."""


class _JsonContent:
    """The body of a request to a backend, with its media in place of the references."""

    def __init__(self, request: HttpRequest) -> None:
        self._request = request
        self.size = body_size(request.body, request.media) + size_of_secrets(request.body)

    def pieces(self) -> Iterator[bytes]:
        return revealed_pieces(body_pieces(self._request.body, self._request.media))


class HttpResponse:
    """A response whose head has arrived: its status and headers, and its body piece by piece.

    ``status``, ``reason``, ``http_version`` and ``headers`` are the head's.
    """

    def __init__(self, response: IncomingResponse, connection: Connection) -> None:
        self.status = response.status
        self.reason = response.reason.decode("ascii", "ignore")
        self.http_version = response.version.decode("ascii", "ignore")
        self.headers = _decoded_headers(response.headers)
        self._stream = response.body
        self._connection = connection

    def read(self, sink: Sink) -> None:
        """Read the body to its end: ``sink(seconds since sent, bytes)`` for each read from the socket.

        The content-encoding is undone. An exception of the sink ends the reading.

        Raises:
            ConnectionLost: the connection ended too early.
            TimedOut: a time limit was reached.
            WireError: the content-encoding is broken, or not supported.
        """
        connection = self._connection
        codings = content_codings([value for name, value in self.headers if name == "content-encoding"])
        if (coding := unsupported_coding(codings)) is not None:
            raise unreadable(f"Content-Encoding: {coding}")
        decoder = BodyDecoder(codings) if codings else None

        def take(data: bytes) -> None:
            if decoder is not None:
                data = _decoded(decoder, data)
            if data:
                connection.body_began()
                sink(connection.arrival_time(), data)

        with _translated(connection):
            self._stream.read_into(take)

    @property
    def surplus(self) -> bool:
        """Whether bytes followed the end of the response; its connection is not used again then."""
        return self._stream.surplus

    def close(self) -> None:
        """Keep the connection for another request, or close it when the body was not read to its end."""
        with contextlib.suppress(Exception):
            self._stream.close()


def _decoded_headers(headers: list[tuple[bytes, bytes]]) -> tuple[tuple[str, str], ...]:
    """Names in lower case and values; in UTF-8, or else in Latin-1, if they are not all ASCII."""
    found = [(name.lower(), value) for name, value in headers]
    for encoding in ("utf-8", "latin-1"):
        with contextlib.suppress(UnicodeDecodeError):
            return tuple((name.decode(encoding), value.decode(encoding)) for name, value in found)
    raise AssertionError  # Latin-1 decodes all bytes


@contextlib.contextmanager
def _translated(connection: Connection) -> Iterator[None]:
    """Raise the exceptions of a stream in place of the transports'."""
    try:
        yield
    except (InvalidURL, UnsupportedProtocol) as error:
        failed = ConnectionFailed(
            f"The server's address is not valid: {_text(error)}.", remedy="Check --base-url."
        )
        raise HostUnreachable(failed, retryable=False) from None
    except TransportError as error:
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


def _translation(error: TransportError, connection: Connection) -> Exception:
    """The same failure as an exception of ours, without a URL or a header."""
    match error:
        case ReadTimeout() | WriteTimeout():
            return connection.timed_out()
        case ConnectTimeout():
            remaining = connection.remaining()
            if remaining is not None and remaining <= 0:
                return connection.timed_out()
            failed = ConnectionFailed(
                f"No connection within {connection.connect_limit:g} s.",
                remedy=f"{_NETWORK} To wait longer, increase --connect-timeout.",
            )
            return HostUnreachable(failed, retryable=True)
        case ProxyError() if str(error).startswith("407"):
            failed = ConnectionFailed(
                "The proxy refused the connection: 407 Proxy Authentication Required.",
                remedy="Set HTTPS_PROXY to http://USER:PASSWORD@HOST:PORT.",
            )
            return HostUnreachable(failed, retryable=False)
        case ConnectError() | ProxyError():
            text = _text(error)
            certificate = "CERTIFICATE" in text.upper()
            remedy = (
                "Set SSL_CERT_FILE or REQUESTS_CA_BUNDLE to the file of certificates that Python should trust."
                if certificate
                else _NETWORK
            )
            failed = ConnectionFailed(f"Could not connect: {text}.", remedy=remedy)
            return HostUnreachable(failed, retryable=not certificate)
        case RemoteProtocolError() if not (connection.in_body or _ENDED.search(str(error))):
            # The server did answer, although not readably: another attempt could be billed again.
            return WireError("The server's response is not valid HTTP.", remedy=_NETWORK)
        case _:
            return ConnectionLost(sent=bool(connection.sent))


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
    shareable: bool = False,
    content: RequestContent | None = None,
    before_first_byte: Callable[[], None] | None = None,
) -> HttpResponse:
    """Send a request and wait for the head of its response.

    Args:
        request: the request, without a key.
        connection: the connection of the stream.
        key: name and value of the header that carries the key, in clear; None to send no key.
        own_host: whether the host is the backend's own, which may learn the client's versions.
        request_sent: called once, when the request was sent and before the wait for the response.
        shareable: whether the thread that many streams share may read the body, and call the sink for it.
        content: what is sent in place of the request's body.
        before_first_byte: called once, when the connection stands and before anything is written; an exception of it ends
            the request unsent.

    Raises:
        HostUnreachable: the server could not be reached.
        ConnectionLost: the connection ended before the head arrived.
        TimedOut: a time limit was reached.
        WireError: the response is not HTTP.
    """
    connection.begin_request()
    mask_in_logs(key)
    with _translated(connection), _host_names_checked():
        transport = _transport(request.url)
        address = address_of(request.url)
        named = [*request.headers, *agent_headers(own_host=own_host), *(() if key is None else (key,))]
        headers = [
            (b"Host", address.netloc),
            *((name.encode("ascii"), value.encode("ascii")) for name, value in named),
        ]
        content = content or _JsonContent(request)
        if content.size or request.method not in ("GET", "DELETE"):
            headers.append((b"Content-Length", b"%d" % content.size))
        context = RequestContext(connection, request_sent, shareable, before_first_byte)
        prepared = OutgoingRequest(request.method, address, headers, content.pieces(), context)
        return HttpResponse(transport.send(prepared), connection)
