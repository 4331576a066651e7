"""HTTP: one shared client, sockets that can be cut from outside, and arrival times taken at the socket.

The only module that imports httpx and httpcore. It does not know what the bytes mean nor why they are wanted.
"""

from __future__ import annotations

import contextlib
import os
import platform
import socket
import ssl
import threading
import time
import urllib.request
from collections.abc import Iterable, Iterator
from importlib.metadata import PackageNotFoundError, version
from typing import Any, Literal
from urllib.parse import urlsplit

import httpcore
import httpx

from ..backends import HttpRequest
from ..errors import ConnectionFailed, WireError

__all__ = ["Answer", "Expired", "Line", "Lost", "send"]

_LIMITS = httpx.Limits(max_connections=500, max_keepalive_connections=50, keepalive_expiry=30.0)


class Lost(Exception):  # noqa: N818 - says what happened
    """The connection ended before the answer did.

    Attributes:
        sent: whether the request had been sent completely.
    """

    def __init__(self, *, sent: bool) -> None:
        super().__init__("the connection was lost")
        self.sent = sent


class Expired(Exception):  # noqa: N818 - says what happened
    """A time limit was reached: nothing came (``stalled``), or the whole took too long (``timeout``)."""

    def __init__(self, kind: Literal["stalled", "timeout"], limit: float) -> None:
        super().__init__(kind)
        self.kind: Literal["stalled", "timeout"] = kind
        self.limit = limit


class Line:
    """One reader's line to the network: its limits, its clock, and the socket it waits on.

    Args:
        connect, first_byte, stall: longest waits, in seconds.
        total: longest time for the whole answer, in seconds, or None.
    """

    def __init__(self, *, connect: float, first_byte: float, stall: float, total: float | None) -> None:
        self.connect = connect
        self.cancelled = threading.Event()
        self.opened = time.perf_counter()
        self.sent = 0.0
        self.stamp = 0.0
        self.connecting: float | None = None
        self.answering = False
        self._first_byte = first_byte
        self._stall = stall
        self._total = total
        self._socket: socket.socket | None = None
        self._lock = threading.Lock()

    def begin(self) -> None:
        """A request is about to go out on this line."""
        self.sent = self.stamp = 0.0
        self.connecting = None
        self.answering = False

    def elapsed(self) -> float:
        """Seconds since the request was sent (0 before that)."""
        return time.perf_counter() - self.sent if self.sent else 0.0

    def since_sent(self) -> float:
        """Seconds from sending to the last arrival."""
        return max(0.0, self.stamp - self.sent)

    def left(self) -> float | None:
        """Seconds until the total timeout; None without one."""
        return None if self._total is None else self._total - (time.perf_counter() - self.opened)

    def patience(self) -> float:
        """How long the next read may wait, in seconds.

        Raises:
            Expired: a limit is reached already.
        """
        wait = self._stall if self.answering else self._first_byte - self.elapsed()
        left = self.left()
        if left is not None and left <= 0:
            raise Expired("timeout", self._total or 0.0)
        if wait <= 0:
            raise Expired("stalled", self._first_byte)
        return wait if left is None else min(wait, left)

    def expired(self) -> Expired:
        """The limit that a read has just run into."""
        left = self.left()
        if left is not None and left <= 0.001:  # noqa: PLR2004 - a millisecond of rounding
            return Expired("timeout", self._total or 0.0)
        return Expired("stalled", self._stall if self.answering else self._first_byte)

    @contextlib.contextmanager
    def on(self, sock: socket.socket | None) -> Iterator[None]:
        """Wait on this socket; :meth:`cut` shuts it down meanwhile."""
        with self._lock:
            if self.cancelled.is_set():
                raise Lost(sent=bool(self.sent))
            self._socket = sock
        try:
            yield
        finally:
            with self._lock:
                self._socket = None

    def cut(self) -> None:
        """Shut the socket down that is being waited on, from any thread; whoever waits returns at once."""
        with self._lock:
            self.cancelled.set()
            if self._socket is not None:
                with contextlib.suppress(OSError):
                    # The plain socket's method: the TLS one would take the session away under the reader's feet.
                    socket.socket.shutdown(self._socket, socket.SHUT_RDWR)


class _Current(threading.local):
    """The line of the reader whose thread this is."""

    line: Line | None = None


_current = _Current()


class _NetworkStream(httpcore.NetworkStream):
    """A network stream that tells its reader's line what it waits on and when bytes came."""

    def __init__(self, inner: httpcore.NetworkStream) -> None:
        self._inner = inner

    def _sock(self) -> socket.socket | None:
        found = self._inner.get_extra_info("socket")
        return found if isinstance(found, socket.socket) else None

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        line = _current.line
        if line is None:
            return self._inner.read(max_bytes, timeout)
        with line.on(self._sock()):
            data = self._inner.read(max_bytes, line.patience())
        line.stamp = time.perf_counter()
        return data

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        line = _current.line
        if line is None:
            self._inner.write(buffer, timeout)
            return
        with line.on(self._sock()):
            self._inner.write(buffer, timeout)
        line.sent = time.perf_counter()

    def close(self) -> None:
        self._inner.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        line = _current.line
        began = time.perf_counter()
        with line.on(self._sock()) if line else contextlib.nullcontext():
            secured = _NetworkStream(self._inner.start_tls(ssl_context, server_hostname, timeout))
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
        return _NetworkStream(stream)


class _Transport(httpx.HTTPTransport):
    """httpx's transport (HTTP/1.1 only) over our network backend."""

    def __init__(self, proxy: str | None) -> None:
        super().__init__(http1=True, http2=False, limits=_LIMITS, proxy=proxy)
        # httpx offers no argument for it; tests/client pins that cancelling works, which it would not without.
        self._pool._network_backend = _NetworkBackend()  # noqa: SLF001


_clients: dict[str | None, httpx.Client] = {}
_clients_lock = threading.Lock()


def _after_fork() -> None:
    """A child process has no right to its parent's connections."""
    global _clients_lock  # noqa: PLW0603 - the lock may be held by a thread that does not exist here
    _clients.clear()
    _clients_lock = threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


def _proxy_for(url: str) -> str | None:
    """The proxy that the environment names for this URL (``HTTPS_PROXY``, ``ALL_PROXY``, ``NO_PROXY``)."""
    parts = urlsplit(url)
    proxies = urllib.request.getproxies()
    proxy = proxies.get(parts.scheme) or proxies.get("all")
    if not proxy or urllib.request.proxy_bypass(parts.hostname or ""):
        return None
    return proxy if "://" in proxy else f"http://{proxy}"


def _client(url: str) -> httpx.Client:
    proxy = _proxy_for(url)
    with _clients_lock:
        if proxy not in _clients:
            # trust_env stays off: proxies are chosen above, and a .netrc must not add credentials.
            _clients[proxy] = httpx.Client(
                transport=_Transport(proxy), follow_redirects=False, trust_env=False
            )
        return _clients[proxy]


def _agent() -> str:
    try:
        own = version("gemini-magic")
    except PackageNotFoundError:
        own = "0"
    return f"gemini-magic/{own} gl-python/{platform.python_version()}"


class Answer:
    """An answer whose head has come: its status and headers, and its body piece by piece.

    Attributes:
        status, reason, http_version, headers: the head.
    """

    def __init__(self, response: httpx.Response, line: Line) -> None:
        self.status = response.status_code
        self.reason = response.reason_phrase
        self.http_version = response.http_version
        self.headers = tuple(response.headers.multi_items())
        self._response = response
        self._line = line

    def pieces(self) -> Iterator[tuple[float, bytes]]:
        """``(seconds since sent, bytes)`` of the body, content-encoding undone.

        Raises:
            Lost: the connection ended too early.
            Expired: a time limit was reached.
            WireError: the content-encoding is broken.
        """
        with _watched(self._line):
            for piece in self._response.iter_bytes():
                if piece:
                    yield self._line.since_sent(), piece
                self._line.answering = True

    def close(self) -> None:
        """Give the connection back, or close it when the body was not read to its end."""
        with contextlib.suppress(Exception):
            self._response.close()


@contextlib.contextmanager
def _watched(line: Line) -> Iterator[None]:
    """Run a network call for a line, with httpx's errors turned into ours."""
    _current.line = line
    try:
        yield
    except (httpx.ReadTimeout, httpx.WriteTimeout):
        raise line.expired() from None
    except httpx.ConnectTimeout:
        raise ConnectionFailed(
            f"No connection within {line.connect:g} s.",
            remedy="Check the network, the proxy settings and --base-url; --connect-timeout waits longer.",
        ) from None
    except httpx.PoolTimeout:
        raise ConnectionFailed(
            "All connections are busy.", remedy="Wait for some of the running streams to end."
        ) from None
    except (httpx.ConnectError, httpx.ProxyError) as error:
        if line.sent:
            raise Lost(sent=True) from None
        raise ConnectionFailed(
            f"No connection: {_plain(error)}.", remedy="Check the network, the proxy settings and --base-url."
        ) from None
    except httpx.DecodingError:
        raise WireError(
            "The server's compression is broken.", remedy="Ask again; a proxy on the way may be the cause."
        ) from None
    except (httpx.InvalidURL, httpx.UnsupportedProtocol) as error:
        raise ConnectionFailed(
            f"The address cannot be used: {_plain(error)}.", remedy="Check --base-url."
        ) from None
    except httpx.TransportError:
        raise Lost(sent=bool(line.sent)) from None
    finally:
        _current.line = None


def _plain(error: Exception) -> str:
    return " ".join(str(error).split()).rstrip(".") or type(error).__name__


def send(request: HttpRequest, line: Line, key: tuple[str, str] | None, *, own_host: bool) -> Answer:
    """Send a request and wait for the head of its answer.

    Args:
        request: the request, without a key.
        line: the reader's line.
        key: header name and value of the key, in clear; None to send none.
        own_host: whether the host is the backend's own, which may know who asks.

    Raises:
        ConnectionFailed: the server was not reached.
        Lost: the connection ended before the head came.
        Expired: a time limit was reached.
    """
    line.begin()
    headers = [*request.headers, ("user-agent", _agent())]
    if own_host:
        headers.append(("x-goog-api-client", _agent()))
    if key is not None:
        headers.append(key)
    with _watched(line):
        client = _client(request.url)
        timeout = httpx.Timeout(line.connect, read=None, write=30.0)
        prepared = client.build_request(
            request.method, request.url, headers=headers, content=request.body, timeout=timeout
        )
        return Answer(client.send(prepared, stream=True), line)
