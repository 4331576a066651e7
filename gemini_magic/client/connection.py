"""One stream's connection to the network: its time limits, its clock, and a socket that another thread can shut down.

The module opens no socket and knows no HTTP.
"""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from types import TracebackType
from typing import Literal, Self, TypeAlias

from ..errors import ConnectionFailed, WireError

__all__ = [
    "END_GRACE",
    "BrokenBodyError",
    "Connection",
    "ConnectionLost",
    "HostUnreachable",
    "NotSent",
    "Sink",
    "TimedOut",
    "TooLarge",
    "enable_keepalive",
]

Sink: TypeAlias = Callable[[float, bytes], None]
"""Takes a piece of a body and its arrival time in seconds since the request was sent."""

# A thinking model may be silent for minutes; keep-alive probes detect a lost peer (RFC 1122, 4.2.3.6). Seconds.
_KEEPALIVE = {"TCP_KEEPIDLE": 30, "TCP_KEEPINTVL": 10, "TCP_KEEPCNT": 3}
END_GRACE = 5.0  # seconds to wait for more after a finish reason that ends the answer
_ROUNDING = 0.001  # seconds by which a timer may fire early


class ConnectionLost(Exception):  # noqa: N818 - named after what happened
    """The connection ended before the answer did, or the stream was cancelled.

    Attributes:
        sent: whether the request had been sent.
    """

    def __init__(self, *, sent: bool) -> None:
        super().__init__("the connection was lost")
        self.sent = sent


class TimedOut(Exception):  # noqa: N818 - named after what happened
    """A time limit was reached.

    Attributes:
        kind: ``stalled`` when no bytes arrived in time, ``timeout`` when the whole answer took too long.
        limit: the limit in seconds, None where a recording does not hold it.
    """

    def __init__(self, kind: Literal["stalled", "timeout"], limit: float | None) -> None:
        super().__init__(kind)
        self.kind: Literal["stalled", "timeout"] = kind
        self.limit = limit


class BrokenBodyError(WireError):
    """The content-encoding of a body is broken; what was decoded before is good."""


class TooLarge(Exception):  # noqa: N818 - named after what happened
    """The body passed its size limit.

    Attributes:
        limit: the limit in bytes, None where a recording does not hold it.
    """

    def __init__(self, limit: int | None) -> None:
        super().__init__("the body is too large")
        self.limit = limit


class NotSent(Exception):  # noqa: N818 - named after what happened
    """The request was refused directly before its first byte."""


class HostUnreachable(Exception):  # noqa: N818 - named after what happened
    """The server could not be reached.

    Attributes:
        error: the error that the user sees.
        retryable: whether another attempt may succeed.
    """

    def __init__(self, error: ConnectionFailed, *, retryable: bool) -> None:
        super().__init__(error.message)
        self.error = error
        self.retryable = retryable


class Connection:
    """The connection of one stream, over all its attempts.

    All state changes through the methods; the attributes are read-only for other modules. The reader's thread calls
    everything except :meth:`cancel` and :meth:`shutdown`, which any thread may call.

    Args:
        connect: longest time to connect, in seconds.
        first_byte: longest wait for the first byte of a body, in seconds.
        stall: longest wait for each later byte, in seconds.
        total: longest time for the whole stream, in seconds, or None.
        opened: clock reading when the stream was opened; 0 for its first round.
        spent: seconds of ``total`` that the rounds before have used.
    """

    def __init__(
        self,
        *,
        connect: float,
        first_byte: float,
        stall: float,
        total: float | None,
        opened: float = 0.0,
        spent: float = 0.0,
    ) -> None:
        self._connect = connect
        self._first_byte = first_byte
        self._stall = stall
        self._total = total
        self._spent = spent
        self._began = time.perf_counter()
        self._opened = opened or self._began
        self._sent = 0.0
        self._arrived = 0.0
        self._connect_seconds: float | None = None
        self._in_body = False
        self._end_deadline: float | None = None
        self._cancelled = threading.Event()
        self._socket: socket.socket | None = None
        self._lock = threading.Lock()

    # -- state

    @property
    def opened(self) -> float:
        """Clock reading (``time.perf_counter``) when the stream was opened."""
        return self._opened

    @property
    def sent(self) -> float:
        """Clock reading after the last byte of the request was sent; 0 before."""
        return self._sent

    @property
    def connect_seconds(self) -> float | None:
        """Seconds it took to connect; None when the connection was open already."""
        return self._connect_seconds

    @property
    def connect_limit(self) -> float:
        """Longest time to connect, in seconds."""
        return self._connect

    @property
    def in_body(self) -> bool:
        """Whether a byte of the body has arrived."""
        return self._in_body

    @property
    def cancelled(self) -> bool:
        """Whether the stream was cancelled or has ended."""
        return self._cancelled.is_set()

    # -- events of one request, in this order

    def begin_request(self) -> None:
        """Note that a request is about to be sent."""
        self._sent = self._arrived = 0.0
        self._connect_seconds = None
        self._in_body = False
        self._end_deadline = None

    def connected(self, seconds: float) -> None:
        """Note a step of connecting (TCP, TLS) that took this many seconds."""
        self._connect_seconds = (self._connect_seconds or 0.0) + seconds

    def request_sent(self) -> None:
        """Note that the bytes of the request were written."""
        self._sent = time.perf_counter()

    def bytes_arrived(self) -> None:
        """Note that a read has returned."""
        self._arrived = time.perf_counter()

    def body_began(self) -> None:
        """Note that the body has begun: from now on the stall timeout applies."""
        self._in_body = True

    def expect_end(self, *, expected: bool) -> None:
        """Note whether the answer seems complete, so that only the end of the body is missing.

        If it is, reading ends after a short grace period, whatever the server sends to keep the connection alive.
        """
        if not expected:
            self._end_deadline = None
        elif self._end_deadline is None:
            self._end_deadline = time.perf_counter() + END_GRACE

    def arrival_time(self) -> float:
        """Seconds from sending the request to the last arrival."""
        return max(0.0, self._arrived - self._sent)

    # -- time limits

    def remaining(self) -> float | None:
        """Seconds until the total timeout; None without one."""
        if self._total is None:
            return None
        return self._total - self.spent

    @property
    def spent(self) -> float:
        """Seconds that this round and the ones before it have used of the total timeout."""
        return self._spent + time.perf_counter() - self._began

    def limit_wait(self, seconds: float) -> float:
        """Shorten a wait to the total timeout.

        Raises:
            TimedOut: the total timeout is reached already.
        """
        remaining = self.remaining()
        if remaining is None:
            return seconds
        if remaining <= 0:
            raise TimedOut("timeout", self._total)
        return min(seconds, remaining)

    def connect_timeout(self) -> float:
        """Seconds that connecting may take now.

        Raises:
            TimedOut: the total timeout is reached already.
        """
        return self.limit_wait(self._connect)

    def read_timeout(self) -> float:
        """Seconds that the next read may wait.

        Raises:
            TimedOut: a limit is reached already.
        """
        wait = self._stall
        if not self._in_body:
            wait = self._first_byte - (time.perf_counter() - self._sent if self._sent else 0.0)
        wait = self.limit_wait(wait)
        if wait <= 0:
            raise TimedOut("stalled", self._first_byte)
        if self._end_deadline is not None:
            grace = self._end_deadline - time.perf_counter()
            if grace <= 0:
                raise TimedOut("stalled", END_GRACE)
            wait = min(wait, grace)
        return wait

    def timed_out(self) -> TimedOut:
        """The exception for a read that has just reached its timeout."""
        remaining = self.remaining()
        if remaining is not None and remaining <= _ROUNDING:
            return TimedOut("timeout", self._total)
        if self._end_deadline is not None and self._end_deadline - time.perf_counter() <= _ROUNDING:
            return TimedOut("stalled", END_GRACE)
        return TimedOut("stalled", self._stall if self._in_body else self._first_byte)

    # -- cancelling

    def attached(self, sock: socket.socket | None) -> _Attached:
        """A ``with`` block for one blocking call on a socket, which :meth:`shutdown` ends early."""
        return _Attached(self, sock)

    def attach(self, sock: socket.socket | None) -> None:
        """Name the socket that the reader is about to wait on, so that :meth:`shutdown` can shut it down.

        Raises:
            ConnectionLost: the stream was cancelled.
        """
        with self._lock:
            if self._cancelled.is_set():
                raise ConnectionLost(sent=bool(self._sent))
            self._socket = sock

    def detach(self) -> None:
        """Note that the reader no longer waits on the socket: another stream may use it next."""
        with self._lock:
            self._socket = None

    def cancel(self) -> None:
        """Refuse every later read and write, without touching the socket."""
        self._cancelled.set()

    def shutdown(self) -> None:
        """Cancel, and shut down the socket that the reader waits on: its blocking call returns at once."""
        with self._lock:
            self._cancelled.set()
            if self._socket is not None:
                with suppress(OSError):
                    # The plain socket's method: the TLS one would remove the session that the reader is using.
                    socket.socket.shutdown(self._socket, socket.SHUT_RDWR)

    def wait_cancelled(self, seconds: float) -> bool:
        """Sleep for this many seconds, or until the stream is cancelled. Returns whether it is."""
        return self._cancelled.wait(seconds)


def enable_keepalive(sock: socket.socket) -> None:
    """Let the operating system probe a silent connection, with the settings that it supports."""
    with suppress(OSError):
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        for name, value in _KEEPALIVE.items():
            if hasattr(socket, name):
                sock.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)


class _Attached:
    """Keeps a socket attached for the length of one blocking call."""

    __slots__ = ("_connection", "_socket")

    def __init__(self, connection: Connection, sock: socket.socket | None) -> None:
        self._connection = connection
        self._socket = sock

    def __enter__(self) -> Self:
        self._connection.attach(self._socket)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._connection.detach()
