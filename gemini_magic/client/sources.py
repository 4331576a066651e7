"""Responses that need no network: from a recording, or made by an offline backend.

They have the same shape as a response of the transport: a head, then pieces with their times.
"""

from __future__ import annotations

import time
from typing import Protocol

from ..backends import Backend, HttpRequest
from ..errors import ConnectionFailed
from ..ledger import Exchange
from .connection import Connection, ConnectionLost, HostUnreachable, Sink, TimedOut, TooLarge

__all__ = ["LocalResponse", "RecordedResponse", "ResponseHead"]

_MIN_WAIT = 0.001  # seconds; a shorter wait costs more in thread switches than it is worth


class ResponseHead(Protocol):
    """A response whose head has arrived, from any source."""

    @property
    def status(self) -> int:
        """The HTTP status."""

    @property
    def reason(self) -> str:
        """The reason phrase after the status."""

    @property
    def http_version(self) -> str:
        """``HTTP/1.1`` and the like."""

    @property
    def headers(self) -> tuple[tuple[str, str], ...]:
        """The response headers."""

    @property
    def surplus(self) -> bool:
        """Whether bytes followed the end of the response."""

    def read(self, sink: Sink) -> None:
        """Give the body to ``sink``, piece by piece."""

    def close(self) -> None:
        """Release what the response holds."""


class RecordedResponse:
    """A recorded response, played at ``speed`` times its pace (0: at once); its times stay the recorded ones.

    Args:
        exchange: the recorded exchange.
        speed: how many times as fast, 0 for no waits.
        connection: the stream's connection, which knows whether the stream was cancelled.

    Raises:
        HostUnreachable: the recorded request could not connect.
        ConnectionLost: the recorded request got no response.
        TimedOut: the recorded request reached a time limit before a response.
    """

    def __init__(self, exchange: Exchange, speed: float, connection: Connection) -> None:
        if exchange.status is None:
            if exchange.end == "not connected":
                error = ConnectionFailed(
                    "The recorded request could not connect to the server.",
                    remedy="Record it again while the server can be reached.",
                )
                raise HostUnreachable(error, retryable=True)
            _raise_recorded_timeout(exchange)
            raise ConnectionLost(sent=True)
        self.surplus = False
        self.status = exchange.status
        self.reason = exchange.reason
        self.http_version = exchange.http_version
        self.headers = exchange.response_headers
        self._exchange = exchange
        self._speed = speed
        self._connection = connection

    def read(self, sink: Sink) -> None:
        """Give the recorded pieces to ``sink`` with their times.

        Raises:
            ConnectionLost: the recorded connection was lost, or the stream was cancelled.
            TimedOut: the recorded response had reached a time limit.
            TooLarge: the recorded response had passed the size limit.
        """
        began = time.perf_counter()
        for t, piece in self._exchange.pieces:
            if self._speed:
                wait = t / self._speed - (time.perf_counter() - began)
                if wait > _MIN_WAIT and self._connection.wait_cancelled(wait):
                    raise ConnectionLost(sent=True)
            sink(t, piece)
        _raise_recorded_timeout(self._exchange)
        if self._exchange.end == "too large":
            raise TooLarge(None)
        if self._exchange.end != "eof":
            raise ConnectionLost(sent=True)

    def close(self) -> None:
        """Does nothing: the response holds no connection."""


def _raise_recorded_timeout(exchange: Exchange) -> None:
    if exchange.end == "stalled":
        raise TimedOut("stalled", None)
    if exchange.end == "timeout":
        raise TimedOut("timeout", None)


class LocalResponse:
    """The response of an offline backend.

    Args:
        backend: the backend.
        request: the request that it answers.
        connection: the stream's connection, with the time limits.
    """

    surplus = False
    status = 200
    reason = "OK"
    http_version = ""
    headers: tuple[tuple[str, str], ...] = (("content-type", "text/event-stream"),)

    def __init__(self, backend: Backend, request: HttpRequest, connection: Connection) -> None:
        self._pieces = backend.local(request) if backend.local else iter(())
        self._connection = connection

    def read(self, sink: Sink) -> None:
        """Give the pieces to ``sink`` with the times at which they were made.

        Raises:
            ConnectionLost: the stream was cancelled.
            TimedOut: a time limit was reached.
        """
        for wait, piece in self._pieces:
            timeout = self._connection.read_timeout()
            if wait and self._connection.wait_cancelled(min(wait, timeout)):
                raise ConnectionLost(sent=True)
            if wait > timeout:
                raise self._connection.timed_out()
            self._connection.body_began()
            self._connection.bytes_arrived()
            sink(self._connection.arrival_time(), piece)

    def close(self) -> None:
        """Does nothing: the response holds no connection."""
