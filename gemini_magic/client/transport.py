"""HTTP: connections shared by all streams, sockets that can be cut from outside, and arrival times taken at the socket.

The only module that imports httpx and httpcore. It does not know what the bytes mean nor why they are wanted.
"""

from __future__ import annotations

import contextlib
import os
import re
import socket
import ssl
import threading
import time
from collections.abc import Iterable, Iterator
from typing import Any

import httpcore
import httpx

from ..backends import HttpRequest
from ..errors import ConnectionFailed, WireError
from .chunked import ChunkJoiner
from .connection import Connection, ConnectionLost, HostUnreachable, Sink, keep_alive
from .log_filter import carries
from .proxies import agent_headers, proxy_for, unusable

__all__ = ["HttpAnswer", "send"]

_LIMITS = httpx.Limits(max_connections=None, max_keepalive_connections=200, keepalive_expiry=30.0)
_WRITE_LIMIT = 30.0  # seconds without a byte of the request being taken
_ENDED = re.compile("disconnected|closed connection")  # of httpcore's and h11's messages
_NETWORK = "Check the network, the proxy settings and --base-url."


class _Current(threading.local):
    line: Connection | None = None


_current = _Current()  # the line of the reader whose thread this is


class _NetworkStream(httpcore.NetworkStream):
    """A network stream that tells its reader's line what it waits on and when bytes came.

    The chunks of a body go past httpcore's parser where the line takes them; the parser sees the head and the end. It
    takes longer over a chunk than all else that happens to an event.
    """

    def __init__(self, inner: httpcore.NetworkStream) -> None:
        self._inner = inner
        self._sock: socket.socket | None = inner.get_extra_info("socket")
        self._rechunker = ChunkJoiner()
        self._ended = False

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        while not self._ended:
            data = self._receive(max_bytes, timeout)
            self._ended = not data
            aside = _current.line.aside if _current.line else None
            if found := self._rechunker.feed(data, aside) if data else self._rechunker.close():
                return found
        return b""

    def _receive(self, max_bytes: int, timeout: float | None) -> bytes:
        line = _current.line
        if line is None:
            return self._inner.read(max_bytes, timeout)
        if line.before_read is not None:
            line.before_read()
        patience = line.patience()
        with line.on(self._sock):
            data = self._inner.read(max_bytes, patience)
            line.stamp = time.perf_counter()
        return data

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        line = _current.line
        if line is None:
            self._inner.write(buffer, timeout)
            return
        with line.on(self._sock):
            self._inner.write(buffer, timeout)
        line.sent = time.perf_counter()

    def close(self) -> None:
        self._inner.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        began = time.perf_counter()
        secured = _NetworkStream(self._inner.start_tls(ssl_context, server_hostname, timeout))
        line = _current.line
        if line is not None:
            line.connecting = (line.connecting or 0.0) + time.perf_counter() - began
        return secured

    def get_extra_info(self, info: str) -> Any:
        return self._inner.get_extra_info(info)


class _NetworkBackend(httpcore.SyncBackend):
    """Opens connections whose streams can be cut."""

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
        if _current.line is not None:
            _current.line.connecting = time.perf_counter() - began
        keep_alive(stream.get_extra_info("socket"))
        return _NetworkStream(stream)


class _Transport(httpx.HTTPTransport):
    """httpx's transport (HTTP/1.1 only) over our network backend."""

    def __init__(self, proxy: str | None, *, secure: bool) -> None:
        # Reading the certificates takes longer than a thousand events; without them no certificate is trusted.
        verify = True if secure else ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        super().__init__(verify=verify, http1=True, http2=False, limits=_LIMITS, proxy=proxy)
        # httpx offers no argument for it; tests/client pins that cancelling works, which it would not without.
        self._pool._network_backend = _NetworkBackend()  # noqa: SLF001


_transports: dict[tuple[str | bool | None, ...], _Transport] = {}
_transports_lock = threading.Lock()


def _after_fork() -> None:
    """A child process has no right to its parent's connections."""
    global _transports_lock  # noqa: PLW0603 - the lock may be held by a thread that does not exist here
    _transports.clear()
    _transports_lock = threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


def _transport(url: str) -> _Transport:
    """The shared transport for this URL; a changed environment (proxy, certificates) makes a new one.

    What an ``httpx.Client`` would add is not wanted here: redirects, cookies (what one server sets has no business in
    another stream), credentials of a .netrc, proxies and headers of its own choice.
    """
    proxy = proxy_for(url)
    secure = not url.lower().startswith("http:")
    which = (secure, proxy, os.environ.get("SSL_CERT_FILE"), os.environ.get("SSL_CERT_DIR"))
    with _transports_lock:
        if which not in _transports:
            try:
                _transports[which] = _Transport(proxy, secure=secure)
            except (ImportError, ValueError, OSError, httpx.InvalidURL) as error:
                raise HostUnreachable(unusable(error), again=False) from None
        return _transports[which]


class HttpAnswer:
    """An answer whose head has come: its status and headers, and its body piece by piece.

    ``status``, ``reason``, ``http_version`` and ``headers`` are the head's.
    """

    def __init__(self, response: httpx.Response, line: Connection) -> None:
        self.status = response.status_code
        self.reason = response.reason_phrase
        self.http_version = response.http_version
        self.headers = tuple(response.headers.multi_items())
        self._response = response
        self._line = line

    def read(self, sink: Sink) -> None:
        """Read the body to its end: ``sink(seconds since sent, bytes)`` for each read from the socket.

        Content-encoding is undone. What the sink raises ends the reading.

        Raises:
            ConnectionLost: the connection ended too early.
            TimedOut: a time limit was reached.
            WireError: the content-encoding is broken.
        """
        line, held = self._line, list[bytes]()

        def hand_on() -> None:
            if held:
                line.answering = True
                data = held[0] if len(held) == 1 else b"".join(held)
                held.clear()
                sink(line.since_sent(), data)

        with _watched(line):
            # One HTTP chunk may hold a word only; all that came with one read are handed on together, at the latest
            # before the next read waits.
            line.before_read = hand_on
            line.aside = None if "content-encoding" in self._response.headers else held
            try:
                for piece in self._response.iter_bytes():
                    held.append(piece)  # what goes aside is put there meanwhile
            except httpx.HTTPError:
                line.before_read = None
                hand_on()  # it came with the same read as what broke, but before it
                raise
            finally:
                line.before_read = line.aside = None
            hand_on()

    def close(self) -> None:
        """Give the connection back, or close it when the body was not read to its end."""
        with contextlib.suppress(Exception):
            self._response.close()


@contextlib.contextmanager
def _watched(line: Connection) -> Iterator[None]:
    """Run a network call for a line, with httpx's errors turned into ours."""
    _current.line = line
    try:
        yield
    except (httpx.InvalidURL, httpx.UnsupportedProtocol) as error:
        failed = ConnectionFailed(f"The address cannot be used: {_plain(error)}.", remedy="Check --base-url.")
        raise HostUnreachable(failed, again=False) from None
    except httpx.HTTPError as error:
        raise _ours(error, line) from None
    finally:
        _current.line = None


def _ours(error: httpx.HTTPError, line: Connection) -> Exception:
    """The same failure in our words, without a URL, a header or an object of httpx."""
    match error:
        case httpx.ReadTimeout() | httpx.WriteTimeout():
            return line.expired()
        case httpx.ConnectTimeout():
            left = line.left()
            if left is not None and left <= 0:
                return line.expired()
            failed = ConnectionFailed(
                f"No connection within {line.connect:g} s.",
                remedy=f"{_NETWORK} --connect-timeout waits longer.",
            )
            return HostUnreachable(failed, again=True)
        case httpx.ConnectError() | httpx.ProxyError():
            words = _plain(error)
            certificate = "CERTIFICATE" in words.upper()
            remedy = "SSL_CERT_FILE names the certificates to trust." if certificate else _NETWORK
            failed = ConnectionFailed(f"No connection: {words}.", remedy=remedy)
            return HostUnreachable(failed, again=not certificate)
        case httpx.DecodingError():
            return WireError(
                "The server's compression is broken.",
                remedy="Ask again; a proxy on the way may be the cause.",
            )
        case httpx.RemoteProtocolError() if not (line.answering or _ENDED.search(str(error))):
            # An answer, only none that can be read: to ask again could be billed again.
            return WireError("The server's answer is not HTTP.", remedy=_NETWORK)
        case _:
            return ConnectionLost(sent=bool(line.sent))


def _plain(error: Exception) -> str:
    return " ".join(str(error).split()).rstrip(".") or type(error).__name__


def send(
    request: HttpRequest, line: Connection, key: tuple[str, str] | None, *, own_host: bool
) -> HttpAnswer:
    """Send a request and wait for the head of its answer.

    Args:
        request: the request, without a key.
        line: the reader's line.
        key: header name and value of the key, in clear; None to send none.
        own_host: whether the host is the backend's own, which may know who asks.

    Raises:
        HostUnreachable: the server was not reached.
        ConnectionLost: the connection ended before the head came.
        TimedOut: a time limit was reached.
    """
    line.begin()
    headers = [*request.headers, *agent_headers(own_host=own_host), *(() if key is None else (key,))]
    carries(key)
    with _watched(line):
        transport = _transport(request.url)
        timeout = {"connect": line.connect_limit(), "write": _WRITE_LIMIT, "read": None, "pool": None}
        prepared = httpx.Request(
            request.method,
            request.url,
            headers=headers,
            content=request.body,
            extensions={"timeout": timeout},
        )
        return HttpAnswer(transport.handle_request(prepared), line)
