"""From the bytes of a response to the ledger: the wire reader, the decoder and the notes about what is unusual.

A stream uses it while the bytes arrive, and loading a recording uses it for the bytes that were kept. It knows no
socket, no key and no recording.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext

from .backends import Backend, Decoder, with_headers
from .content import Call, CallResult, Opaque
from .diagnostics import add_wire_note, unreadable_body
from .errors import WireError
from .events import Delta, Event, Evidence, Failure
from .ledger import Exchange, Ledger
from .wire import Item, Reader

__all__ = ["Pipeline"]

# Small values need more memory than bytes: a chunk has a row in a table, an object or array has a Python object. So
# they count as more bytes, and a flood of `{}` reaches the size limit before it fills the memory.
_RICH_PARTS: tuple[type, ...] = (Call, CallResult, Opaque)
_CHUNK = 256  # bytes that a chunk, or a text that is no chunk, counts as at least
_EVENT = 128  # bytes that each event of a chunk counts as at least
_RICH = 8  # times its size that a chunk with values of any depth counts
_USUAL = 40  # bytes of a chunk for each bracket that opens; chunks of a model have more
_LARGE = 4096  # bytes from which the brackets of a chunk are counted before it is decoded
_MAX_BRACKETS = 500_000  # beyond the usual ones, in one chunk


class Pipeline:
    """Reads the body of one exchange into a ledger.

    Args:
        exchange: the exchange, already begun in the ledger.
        ledger: receives the chunks and the notes.
        backend: the dialect of the body.
        decode: the decoder of the body's JSON texts, from ``backend.decoder``.
        max_event: bytes that one event may have.
        writing: entered around each change of the ledger.
        expected: kinds of anomalies that the request asked for and that are not noted, such as ``json-object``.
        share: whether the pieces of the exchange are being kept while they are read, so that a chunk's bytes can be
            held once for both.

    Attributes:
        received_json: whether the body held a JSON value so far.
    """

    def __init__(
        self,
        exchange: Exchange,
        ledger: Ledger,
        backend: Backend,
        decode: Decoder,
        *,
        max_event: int,
        writing: AbstractContextManager[object] | None = None,
        expected: tuple[str, ...] = (),
        share: bool = False,
    ) -> None:
        self.received_json = False
        self._counted = 0  # of the chunks
        self._exchange = exchange
        self._ledger = ledger
        self._backend = backend
        self._decode = decode
        self._writing: AbstractContextManager[object] = nullcontext() if writing is None else writing
        self._expected = expected
        self._share = share
        self._reader = Reader(max_event=max_event)
        self._noted = 0  # anomalies of the reader

    @property
    def counted(self) -> int:
        """Bytes that the body counts as for the size limit: small chunks and texts count as more than they have."""
        return self._counted + _CHUNK * self._reader.unreadable

    def feed(self, t: float, data: bytes) -> None:
        """Read the next bytes of the body.

        Args:
            t: when they arrived, in seconds on the ledger's clock.
            data: the bytes.

        Raises:
            WireError: an event is larger than ``max_event``, or holds too many values.
        """
        self._append(t, self._reader.feed(data))

    def close(self, t: float) -> None:
        """End of the body: read what was waiting for more bytes.

        Args:
            t: when the last bytes arrived, in seconds on the ledger's clock.

        Raises:
            WireError: an event is larger than ``max_event``, or holds too many values.
        """
        self._append(t, self._reader.close())

    def refuse(
        self, t: float, status: int, body: bytes, explain: Callable[[Failure], Failure] | None = None
    ) -> Failure:
        """Record an HTTP error, whose body is not a stream.

        Args:
            t: when its last bytes arrived, in seconds on the ledger's clock.
            status: the HTTP status.
            body: the error's body, as far as it was read.
            explain: adds a remedy to the failure.
        """
        failure = with_headers(self._backend.failure(status, body), self._exchange.response_headers)
        if explain is not None:
            failure = explain(failure)
        with self._writing:
            self._ledger.record_refusal(failure, t)
        return failure

    def problem(self) -> WireError | None:
        """Why the body is not a stream; None when it held JSON, or nothing at all."""
        return None if self.received_json else unreadable_body(self._reader, self._backend)

    def _append(self, t: float, items: list[Item]) -> None:
        decode, error = self._decode, None
        for number, item in enumerate(items):
            if len(item.raw) >= _LARGE and _too_many_brackets(item.raw):
                items, error = items[:number], _too_many_values()
                break
        # Outside the lock: decoding a large text takes a while.
        chunks = [(item.raw, decode(item.raw, item.event)) for item in items]
        for raw, decoded in chunks:
            self._counted += _counted_size(raw, decoded.events)
        anomalies = self._reader.anomalies[self._noted :]
        unlogged = self._reader.unlogged
        if not chunks and not anomalies and not unlogged:
            _raise(error)
            return
        ledger, columns = self._ledger, self._ledger.chunk_columns
        with self._writing:
            first = columns.length
            ledger.add_all(chunks, t, [item.offset for item in items])
            if chunks:
                self.received_json = True
                if self._share and self._exchange.pieces:
                    self._exchange.pieces.refer_to_chunks(items, first, columns.stores["json"].stored)
            for anomaly in anomalies:
                if anomaly.kind not in self._expected:
                    add_wire_note(ledger, anomaly)
            ledger.notes.more.update(unlogged)
        self._noted += len(anomalies)
        _raise(error)


def _raise(error: WireError | None) -> None:
    if error is not None:
        raise error


def _too_many_brackets(raw: bytes) -> bool:
    return raw.count(b"{") + raw.count(b"[") - len(raw) // _USUAL > _MAX_BRACKETS


def _too_many_values() -> WireError:
    return WireError(
        f"An event of the stream holds more than {_MAX_BRACKETS:,} objects and arrays, so it was not read.",
        remedy="Check --base-url: this is not what a model sends. Save the response to look at the bytes received.",
    )


def _counted_size(raw: bytes, events: Sequence[Event]) -> int:
    """The bytes that a chunk counts as for the size limit: more if an event has a JSON value of any depth."""
    size = max(_CHUNK, len(raw), _EVENT * len(events))
    for event in events:  # `any` and a function would take three times as long
        if type(event) is Evidence or (type(event) is Delta and type(event.part) in _RICH_PARTS):
            return max(size, _RICH * len(raw))
    return size
