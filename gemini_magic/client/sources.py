"""Answers that need no network: from a recording, or made by an offline backend.

They look like an answer from the transport: a head, then pieces with their times.
"""

from __future__ import annotations

import time
from typing import Protocol

from ..backends import Backend, HttpRequest
from ..errors import ConnectionFailed
from ..ledger import Exchange
from .connection import Connection, ConnectionLost, HostUnreachable, Sink, TimedOut, TooLarge

__all__ = ["Head", "LocalAnswer", "RecordedAnswer"]

_BATCH = 0.001  # seconds; shorter waits are not worth a switch of threads


class Head(Protocol):
    """What every answer has, wherever it comes from."""

    @property
    def status(self) -> int:
        """The HTTP status."""

    @property
    def reason(self) -> str:
        """The words beside it."""

    @property
    def http_version(self) -> str:
        """``HTTP/1.1`` and the like."""

    @property
    def headers(self) -> tuple[tuple[str, str], ...]:
        """The response headers."""

    def read(self, sink: Sink) -> None:
        """Hand the body to ``sink``, piece by piece."""

    def close(self) -> None:
        """Let go of what is held."""


class RecordedAnswer:
    """A recorded exchange, played at ``speed`` times its pace (0: at once); the times stay the recorded ones.

    Raises:
        HostUnreachable: no connection had come about.
        ConnectionLost: no answer had come.
        TimedOut: a time limit had been reached before any answer.
    """

    def __init__(self, exchange: Exchange, speed: float, connection: Connection) -> None:
        if exchange.status is None:
            if exchange.end == "not connected":
                error = ConnectionFailed(
                    "No connection (recorded so).", remedy="Record it again with a server that answers."
                )
                raise HostUnreachable(error, retryable=True)
            _raise_limit(exchange)
            raise ConnectionLost(sent=True)
        self.status = exchange.status
        self.reason = exchange.reason
        self.http_version = exchange.http_version
        self.headers = exchange.response_headers
        self._exchange = exchange
        self._speed = speed
        self._connection = connection

    def read(self, sink: Sink) -> None:
        """Hand on the recorded pieces with their times.

        Raises:
            ConnectionLost: the recorded exchange was cut, or the stream was cancelled.
            TimedOut: the recorded exchange had reached a time limit.
            TooLarge: it had passed the size limit.
        """
        began = time.perf_counter()
        for t, piece in self._exchange.pieces:
            if self._speed:
                wait = t / self._speed - (time.perf_counter() - began)
                if wait > _BATCH and self._connection.wait_cancelled(wait):
                    raise ConnectionLost(sent=True)
            sink(t, piece)
        _raise_limit(self._exchange)
        if self._exchange.end == "too large":
            raise TooLarge(None)
        if self._exchange.end != "eof":
            raise ConnectionLost(sent=True)

    def close(self) -> None:
        """Nothing is held."""


def _raise_limit(exchange: Exchange) -> None:
    if exchange.end == "stalled":
        raise TimedOut("stalled", None)
    if exchange.end == "timeout":
        raise TimedOut("timeout", None)


class LocalAnswer:
    """What an offline backend answers."""

    status = 200
    reason = "OK"
    http_version = ""
    headers: tuple[tuple[str, str], ...] = (("content-type", "text/event-stream"),)

    def __init__(self, backend: Backend, request: HttpRequest, connection: Connection) -> None:
        self._pieces = backend.local(request) if backend.local else iter(())
        self._connection = connection

    def read(self, sink: Sink) -> None:
        """Hand on the pieces with the times at which they were made.

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
        """Nothing is held."""
