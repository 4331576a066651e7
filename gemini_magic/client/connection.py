"""A line to the network as its reader sees it: limits, a clock, and a socket that can be cut from outside.

It knows sockets only as something to shut down; it opens none and knows no HTTP.
"""

from __future__ import annotations

import math
import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from types import TracebackType
from typing import Literal, Self, TypeAlias

from ..errors import ConnectionFailed

__all__ = ["Connection", "ConnectionLost", "HostUnreachable", "Sink", "TimedOut", "TooLarge", "keep_alive"]

Sink: TypeAlias = Callable[[float, bytes], None]
"""Takes a piece of a body with its seconds since the request was sent."""

# A thinking model may be silent for minutes; these notice a peer that is gone (RFC 1122, 4.2.3.6), in seconds.
_KEEPALIVE = {"TCP_KEEPIDLE": 30, "TCP_KEEPINTVL": 10, "TCP_KEEPCNT": 3}
_ROUNDING = 0.001  # seconds by which a timer may fire early


class ConnectionLost(Exception):  # noqa: N818 - says what happened
    """The connection ended before the answer did, or the stream was cancelled.

    Attributes:
        sent: whether the request had gone out.
    """

    def __init__(self, *, sent: bool) -> None:
        super().__init__("the connection was lost")
        self.sent = sent


class TimedOut(Exception):  # noqa: N818 - says what happened
    """A time limit was reached: nothing came (``stalled``), or the whole took too long (``timeout``)."""

    def __init__(self, kind: Literal["stalled", "timeout"], limit: float | None) -> None:
        super().__init__(kind)
        self.kind: Literal["stalled", "timeout"] = kind
        self.limit = limit


class TooLarge(Exception):  # noqa: N818 - says what happened
    """More came than may; ``limit`` is in bytes, None where a recording does not say."""

    def __init__(self, limit: int | None) -> None:
        super().__init__("full")
        self.limit = limit


class HostUnreachable(Exception):  # noqa: N818 - says what happened
    """No connection came about.

    Attributes:
        error: what to tell the user.
        again: whether another try may help.
    """

    def __init__(self, error: ConnectionFailed, *, again: bool) -> None:
        super().__init__(error.message)
        self.error = error
        self.again = again


class Connection:
    """One reader's line to the network.

    Args:
        connect, first_byte, stall: longest waits, in seconds.
        total: longest time for the whole answer, in seconds, or None.

    Attributes:
        cancelled: set when nobody wants the answer any more.
        sent: clock reading after the last byte of the request went out, 0 before.
        stamp: clock reading at the last arrival.
        connecting: seconds it took to connect, None on a connection that was open already.
        answering: whether the body has begun.
        before_read: called on the reader's thread before each wait for bytes, or None.
        aside: where the pieces of a body go that need no HTTP parser, or None.
    """

    def __init__(self, *, connect: float, first_byte: float, stall: float, total: float | None) -> None:
        self.connect = connect
        self.cancelled = threading.Event()
        self.opened = time.perf_counter()
        self.sent = 0.0
        self.stamp = 0.0
        self.connecting: float | None = None
        self.answering = False
        self.before_read: Callable[[], None] | None = None
        self.aside: list[bytes] | None = None
        self._first_byte = first_byte
        self._stall = stall
        self._total = total
        self._socket: socket.socket | None = None
        self._lock = threading.Lock()

    def begin(self, *, sent: bool = False) -> None:
        """A request is about to go out on this line; ``sent`` when there is nothing to send."""
        self.sent = self.stamp = time.perf_counter() if sent else 0.0
        self.connecting = None
        self.answering = False

    def since_sent(self) -> float:
        """Seconds from sending to the last arrival."""
        return max(0.0, self.stamp - self.sent)

    def left(self) -> float | None:
        """Seconds until the total timeout; None without one."""
        return None if self._total is None else self._total - (time.perf_counter() - self.opened)

    def time(self) -> float:
        """Seconds until the total timeout, infinite without one.

        Raises:
            TimedOut: it is reached already.
        """
        left = self.left()
        if left is None:
            return math.inf
        if left <= 0:
            raise TimedOut("timeout", self._total)
        return left

    def connect_limit(self) -> float:
        """How long connecting may take now, in seconds.

        Raises:
            TimedOut: the total timeout is reached already.
        """
        return min(self.connect, self.time())

    def patience(self) -> float:
        """How long the next read may wait, in seconds.

        Raises:
            TimedOut: a limit is reached already.
        """
        left = self.time()
        wait = self._stall
        if not self.answering:
            wait = self._first_byte - (time.perf_counter() - self.sent if self.sent else 0.0)
        if wait <= 0:
            raise TimedOut("stalled", self._first_byte)
        return min(wait, left)

    def expired(self) -> TimedOut:
        """The limit that a read has just run into."""
        left = self.left()
        if left is not None and left <= _ROUNDING:
            return TimedOut("timeout", self._total)
        return TimedOut("stalled", self._stall if self.answering else self._first_byte)

    def on(self, sock: socket.socket | None) -> _Hold:
        """A block that waits on this socket; :meth:`cut` shuts it down meanwhile."""
        return _Hold(self, sock)

    def hold(self, sock: socket.socket | None) -> None:
        """From now on :meth:`cut` shuts this socket down.

        Raises:
            ConnectionLost: the stream was cancelled.
        """
        with self._lock:
            if self.cancelled.is_set():
                raise ConnectionLost(sent=bool(self.sent))
            self._socket = sock

    def release(self) -> None:
        """The socket is nobody's again, and may soon be another stream's."""
        with self._lock:
            self._socket = None

    def cut(self) -> None:
        """Shut the socket down that is being waited on, from any thread; whoever waits returns at once."""
        with self._lock:
            self.cancelled.set()
            if self._socket is not None:
                with suppress(OSError):
                    # The plain socket's method: the TLS one would take the session away under the reader's feet.
                    socket.socket.shutdown(self._socket, socket.SHUT_RDWR)


def keep_alive(sock: socket.socket) -> None:
    """Let the system look after a silent connection, as far as it can."""
    with suppress(OSError):
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        for name, value in _KEEPALIVE.items():
            if hasattr(socket, name):
                sock.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)


class _Hold:
    """Holds a socket for the length of one blocking call."""

    __slots__ = ("_line", "_socket")

    def __init__(self, line: Connection, sock: socket.socket | None) -> None:
        self._line = line
        self._socket = sock

    def __enter__(self) -> Self:
        self._line.hold(self._socket)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._line.release()
