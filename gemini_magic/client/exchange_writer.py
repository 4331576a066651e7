"""The intake: what arrives goes into the exchange, the recordings and the ledger, until the stream is over.

It does not know where the bytes come from, nor whether another try follows.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from types import TracebackType

from ..backends import Backend
from ..diagnostics import add_wire_note
from ..events import Failure, Severity
from ..ledger import Exchange, Ledger
from ..recording import Recorder
from ..wire import Item, Reader
from .connection import Connection, ConnectionLost
from .secret import Key, Mask
from .sources import Head

__all__ = ["ExchangeWriter", "LedgerGuard"]


def _nothing() -> None:
    pass


def _mask(key: Key | None) -> Mask | None:
    return None if key is None else Mask(key.value)


class LedgerGuard:
    """The right to write into the ledger: exclusive, refused once the stream is over, and seen by who waits.

    Entering raises ``ConnectionLost`` when the stream is over.
    """

    def __init__(self, lock: threading.Lock, line: Connection, changed: Callable[[], None]) -> None:
        self._lock = lock
        self._line = line
        self._changed = changed

    def quiet(self) -> LedgerGuard:
        """The same right, for what nobody needs to wake up for."""
        return LedgerGuard(self._lock, self._line, _nothing)

    def __enter__(self) -> None:
        self._lock.acquire()
        if self._line.cancelled.is_set():
            self._lock.release()
            raise ConnectionLost(sent=True)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._lock.release()
        self._changed()


class ExchangeWriter:
    """Takes one exchange after another.

    Args:
        ledger: where it is written down.
        pen: the right to do so.
        backend: the dialect of the bodies.
        key: the key that was sent, to be masked where a server repeats it.
        recorders: files that get a copy.

    Attributes:
        last: seconds of the last arrival, on the ledger's clock.
        offset: what has to be added to an exchange's own times for that.
        expected: kinds of oddities that were asked for, and are none.
    """

    def __init__(
        self,
        ledger: Ledger,
        pen: LedgerGuard,
        backend: Backend,
        key: Key | None,
        recorders: Sequence[Recorder],
    ) -> None:
        self.last = 0.0
        self.offset = 0.0
        self.expected: tuple[str, ...] = ()
        self._ledger = ledger
        self._pen = pen
        self._quietly = pen.quiet()
        self._backend = backend
        self._decode = backend.decoder()
        self._key = key
        self._mask = _mask(key)
        self._recorders = recorders
        self._exchange: Exchange | None = None
        self._oddities = 0
        self._recorded = False
        self._stopped: set[int] = set()  # recorders whose end was noted

    def begin(self, exchange: Exchange) -> None:
        """A request goes out."""
        self._exchange = exchange
        exchange.backend = self._backend.name
        self._oddities = 0
        self._decode = self._backend.decoder()
        self._mask = _mask(self._key)
        self._recorded = False
        with self._pen:
            self._ledger.begin(exchange)

    def sent(self) -> None:
        """The request has gone out, or never will: the recordings begin, and the server thinks meanwhile."""
        exchange = self._exchange
        if exchange is not None and not self._recorded:
            self._recorded = True
            self._record(lambda recorder: recorder.begin(exchange))

    def head(self, exchange: Exchange, answer: Head) -> None:
        """The head of its answer came."""
        with self._quietly:
            exchange.reason, exchange.http_version = self._hidden(answer.reason), answer.http_version
            exchange.response_headers = tuple(
                (name, self._hidden(value)) for name, value in answer.headers if name.lower() != "set-cookie"
            )
            exchange.status = answer.status  # last: whoever sees it sees the whole head
            self._ledger.version += 1
        self._record(lambda recorder: recorder.head(exchange))

    def keep(self, exchange: Exchange, t: float, data: bytes) -> bytes:
        """Keep a piece of the body as it came, but for the key: returns it with that masked.

        What may be the beginning of a key comes with the next piece, or with :meth:`rest`.
        """
        piece = data if self._mask is None else self._mask.feed(data)
        self.last = self.offset + t
        with self._quietly:
            if piece:
                exchange.pieces.append((t, piece))
            if self._ledger.phase != "streaming":
                self._ledger.mark("first_byte", self.last)
                self._ledger.enter("streaming")
        if piece:
            self._record(lambda recorder: recorder.piece(t, piece))
        return piece

    def rest(self, exchange: Exchange) -> bytes:
        """End of the body: what was held back because it might have been a key."""
        piece = b"" if self._mask is None else self._mask.rest()
        if piece:
            t = self.last - self.offset
            with self._quietly:
                exchange.pieces.append((t, piece))
            self._record(lambda recorder: recorder.piece(t, piece))
        return piece

    def _hidden(self, text: str) -> str:
        return text if self._key is None else self._key.value.hide_text(text)

    def take(self, wire: Reader, items: Sequence[Item]) -> Failure | None:
        """Write down what a piece completed; returns the refusal that came in place of content."""
        decode = self._decode
        # Outside the lock: a large one takes its time.
        read = [(item.raw, decode(item.raw)) for item in items]
        oddities = wire.anomalies[self._oddities :]
        if not read and not oddities:
            return None
        with self._pen:
            chunks = self._ledger.chunk_columns
            first = chunks.length
            self._ledger.add_all(read, self.last, [item.offset for item in items])
            if read and self._exchange is not None and self._exchange.pieces:
                self._exchange.pieces.share(items, first, chunks.stores["json"].given)
            for oddity in oddities:
                if oddity.kind not in self.expected:
                    add_wire_note(self._ledger, oddity)
        self._oddities += len(oddities)
        return None if self._ledger.has_content else self._ledger.failure

    def heard(self) -> bool:
        """Whether this exchange has brought any JSON value."""
        raw = self._ledger.raw
        return bool(raw) and self._exchange is not None and raw[-1].attempt == self._exchange.attempt

    def refuse(self, failure: Failure) -> None:
        """The server refused with an HTTP error."""
        with self._pen:
            self._ledger.fail(failure, self.last)

    def note(self, kind: str, message: str, severity: Severity = "warning") -> None:
        """A note about the exchange."""
        with self._pen:
            self._ledger.note(kind, message, severity=severity)

    def end(self, exchange: Exchange, how: str) -> None:
        """The exchange is over."""
        self.sent()
        exchange.end = how
        self._record(lambda recorder: recorder.end(how, exchange.problem))

    def over(self) -> None:
        """No other exchange follows: the recordings are complete."""
        self._record(lambda recorder: recorder.close())

    def _record(self, action: Callable[[Recorder], None]) -> None:
        for recorder in self._recorders:
            action(recorder)
            if recorder.problem and id(recorder) not in self._stopped:
                self._stopped.add(id(recorder))
                with suppress(ConnectionLost):
                    self.note("not-recorded", f"{recorder.problem}.")
