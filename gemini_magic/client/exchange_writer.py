"""Writes the response to a request into the exchange, the recordings and the ledger, until the stream is over.

It does not know where the bytes come from, nor whether another attempt follows.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from types import TracebackType
from typing import TYPE_CHECKING, NamedTuple

from ..backends import Backend, Decoder
from ..errors import WireError
from ..events import Failure, Severity
from ..ledger import Exchange, Ledger
from ..pipeline import Pipeline
from .body_secrets import secrets_in
from .connection import Connection, ConnectionLost
from .secret import Key, Mask
from .sources import ResponseHead

if TYPE_CHECKING:
    from ..recording import Recorder

__all__ = ["ExchangeWriter", "LedgerGuard", "Recordings", "Target"]


def _nothing() -> None:
    pass


class LedgerGuard:
    """A context manager for writing into the ledger: exclusive, refused once the stream is over, announced to waiters.

    Entering it raises ``ConnectionLost`` when the stream is over.

    Args:
        lock: the lock of the ledger's writers.
        connection: the stream's connection, which knows whether the stream is over.
        changed: called after each change.
    """

    def __init__(self, lock: threading.Lock, connection: Connection, changed: Callable[[], None]) -> None:
        self._lock = lock
        self._connection = connection
        self._changed = changed

    def without_notice(self) -> LedgerGuard:
        """The same guard for changes that no waiter has to wake up for."""
        return LedgerGuard(self._lock, self._connection, _nothing)

    def __enter__(self) -> None:
        self._lock.acquire()
        if self._connection.cancelled:
            self._lock.release()
            raise ConnectionLost(sent=True)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._lock.release()
        self._changed()


class Recordings:
    """The recording files of one stream. A file that cannot be written is noted once and stops nothing.

    Args:
        recorders: one for each file.
        ledger: receives the notes.
        guard: guards the ledger.
    """

    def __init__(self, recorders: Sequence[Recorder], ledger: Ledger, guard: LedgerGuard) -> None:
        self._recorders = recorders
        self._ledger = ledger
        self._guard = guard
        self._failed: set[int] = set()  # recorders whose failure was noted

    def begin(self, exchange: Exchange) -> None:
        """Write the request of the next exchange."""
        self._each(lambda recorder: recorder.begin(exchange))

    def write_new(self) -> None:
        """Write what the exchange has received since the last call."""
        self._each(lambda recorder: recorder.write_new())

    def close(self) -> None:
        """Close the files: no other exchange follows."""
        self._each(lambda recorder: recorder.close())

    def _each(self, action: Callable[[Recorder], None]) -> None:
        for recorder in self._recorders:
            action(recorder)
            if recorder.problem and id(recorder) not in self._failed:
                self._failed.add(id(recorder))
                with suppress(ConnectionLost), self._guard:
                    self._ledger.note("not-recorded", f"{recorder.problem}.", severity="warning")


class Target(NamedTuple):
    """Where the exchanges of one stream are written.

    Attributes:
        ledger, guard: the ledger and its guard.
        backend: the dialect of the bodies.
        key: the key that is sent, which is masked where a server repeats it.
        recordings: the files that get a copy.
        max_event: bytes that one event may have.
        max_total: bytes that a body may count as.
    """

    ledger: Ledger
    guard: LedgerGuard
    backend: Backend
    key: Key | None
    recordings: Recordings
    max_event: int
    max_total: int


class ExchangeWriter:
    """Writes one exchange: masks the key and the secrets of the request's body, keeps the bytes, records them, and reads them into the ledger.

    The methods are called in this order: ``begin``, ``request_sent``, ``write_head``, then ``write`` and ``finish`` or
    ``write_error`` and ``finish_error``, and ``end`` in any case.

    Args:
        exchange: the exchange, with its request.
        target: where it is written.
        decoder: decodes the events of its body.
        expected: kinds of anomalies that the request asked for, such as ``json-object``.
        last: when the exchange before it received its last bytes, in seconds on the ledger's clock.

    Attributes:
        last: when the last bytes arrived, in seconds on the ledger's clock.
    """

    def __init__(
        self,
        exchange: Exchange,
        target: Target,
        decoder: Decoder,
        *,
        expected: tuple[str, ...] = (),
        last: float = 0.0,
    ) -> None:
        self.last = last
        self._exchange = exchange
        self._ledger = target.ledger
        self._guard = target.guard
        self._unnoticed = target.guard.without_notice()
        secrets = [*([] if target.key is None else [target.key.value]), *secrets_in(exchange.body)]
        self._masks = [Mask(secret) for secret in secrets]
        self._secrets = secrets
        self._recordings = target.recordings
        self._recorded = False
        self._offset = 0.0  # from the exchange's own times to the ledger's clock, in seconds
        self._error_body = bytearray()
        self._pipeline = Pipeline(
            exchange,
            target.ledger,
            target.backend,
            decoder,
            max_event=target.max_event,
            max_total=target.max_total,
            writing=target.guard,
            expected=expected,
            share=not target.ledger.deferred,
        )

    @property
    def received_json(self) -> bool:
        """Whether this exchange has brought a JSON value."""
        return self._pipeline.received_json

    @property
    def counted(self) -> int:
        """Bytes that the chunks count as for the size limit; small ones count as more than they have."""
        return self._pipeline.counted

    def begin(self) -> None:
        """Add the exchange to the ledger: its request is about to be sent."""
        with self._guard:
            self._ledger.begin(self._exchange)

    def note_key_header(self, header: str, prefix: str, variable: str) -> None:
        """Note how the key is sent, for the ``curl`` command of the exchange.

        Args:
            header: the header that carries it.
            prefix: the text before the key in the header.
            variable: the environment variable that holds such a key.
        """
        self._exchange.set_key(header, prefix, variable)

    def request_sent(self, started: float, *, delay: float, connect: float | None) -> None:
        """Note that the request was sent, and begin to record: the server is busy meanwhile.

        Args:
            started: seconds since the first request of the stream was sent.
            delay: seconds from opening the stream until then.
            connect: seconds it took to connect, None on a connection that was open already.
        """
        self._offset = max(started, self.last)
        with self._unnoticed:  # views update regularly, and there is no event for other waiters
            self._ledger.request_sent(self._offset, delay=delay, connect=connect)
        self._begin_recording()

    def write_head(self, head: ResponseHead) -> None:
        """Write the status and the headers of the response."""
        with self._unnoticed:
            self._exchange.set_head(
                head.status,
                reason=self._masked(head.reason),
                http_version=head.http_version,
                headers=[
                    (name, self._masked(value))
                    for name, value in head.headers
                    if name.lower() != "set-cookie"
                ],
            )
            self._ledger.touch()
        self._recordings.write_new()

    def write(self, t: float, data: bytes) -> Failure | None:
        """Write a piece of the body.

        Args:
            t: when it arrived, in seconds since the request was sent.
            data: the bytes.

        Returns:
            The server's refusal, when one arrived in place of content.

        Raises:
            ConnectionLost: the stream was cancelled.
            WireError: an event is larger than it may be.
        """
        self._pipeline.feed(self._offset + t, self._keep(t, data))
        return None if self._ledger.has_content else self._ledger.failure

    def finish(self) -> WireError | None:
        """Write the end of the body: what was waiting for more bytes.

        Returns:
            Why the body is not a stream; None when it held JSON, or nothing at all.
        """
        self._pipeline.feed(self.last, self._keep_rest())
        self._pipeline.close(self.last)
        return self._pipeline.problem()

    def write_error(self, t: float, data: bytes) -> int:
        """Write a piece of the body of an HTTP error. Returns how many bytes of the body were written."""
        self._error_body += self._keep(t, data)
        return len(self._error_body)

    def finish_error(self, status: int, explain: Callable[[Failure], Failure]) -> Failure:
        """Write the refusal that an HTTP error stands for.

        Args:
            status: the HTTP status.
            explain: adds a remedy to the failure.
        """
        self._error_body += self._keep_rest()
        return self._pipeline.refuse(self.last, status, bytes(self._error_body), explain)

    def note(self, kind: str, message: str, severity: Severity = "warning") -> None:
        """Add a note about the exchange to the ledger."""
        with self._guard:
            self._ledger.note(kind, message, severity=severity)

    def end(self, how: str, problem: str | None) -> None:
        """Close the exchange.

        Args:
            how: how it ended, as recordings write it.
            problem: why it brought no answer, None when it did.
        """
        self._begin_recording()
        self._exchange.finish(how, problem)
        self._recordings.write_new()

    def _begin_recording(self) -> None:
        if not self._recorded:
            self._recorded = True
            self._recordings.begin(self._exchange)

    def _keep(self, t: float, data: bytes) -> bytes:
        """Keep a piece of the body with the key masked; returns it so.

        Bytes that may be the beginning of the key are held until the next piece, or :meth:`_keep_rest`.
        """
        piece = data
        for mask in self._masks:
            piece = mask.feed(piece)
        self.last = self._offset + t
        with self._unnoticed:
            if piece:
                self._exchange.pieces.append((t, piece))
            if self._ledger.phase != "streaming":
                self._ledger.mark("first_byte", self.last)
                self._ledger.set_phase("streaming")
        if piece:
            self._recordings.write_new()
        return piece

    def _keep_rest(self) -> bytes:
        """Keep what was held because it might have been the beginning of the key."""
        piece = b""
        for mask in self._masks:
            piece = mask.feed(piece) + mask.flush()
        if piece:
            with self._unnoticed:
                self._exchange.pieces.append((self.last - self._offset, piece))
            self._recordings.write_new()
        return piece

    def _masked(self, text: str) -> str:
        for secret in self._secrets:
            text = secret.mask_text(text)
        return text
