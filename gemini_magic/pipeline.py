"""From the bytes of a response to the ledger: the wire reader, the decoder and the notes about what is unusual.

A stream uses it while the bytes arrive, and loading a recording uses it for the bytes that were kept. It knows no
socket, no key and no recording.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext

from .backends import Backend, Decoder, ResumedDecoder, with_headers
from .content import Call, CallResult, Opaque, ToolCall, ToolResult
from .diagnostics import add_wire_note, unreadable_body
from .errors import WireError
from .events import Decoded, Delta, Evidence, Failure, StepStart
from .ledger import Exchange, Ledger, ServerRun
from .wire import Item, Reader

__all__ = ["BodyDecoders", "Pipeline"]

# Small values need more memory than bytes: a chunk has a row in a table, an object or array has a Python object. So
# they count as more bytes, and a flood of `{}` reaches the size limit before it fills the memory.
_RICH_PARTS: tuple[type, ...] = (Call, CallResult, Opaque, ToolCall, ToolResult)
_CHUNK = 256  # bytes that a chunk, or a text that is no chunk, counts as at least
_EVENT = 128  # bytes that each event of a chunk counts as at least
_RICH = 8  # times its size that a chunk with values of any depth counts
_VALUE = 96  # bytes that a value in an event may need in memory, however it is decoded
_STEP = 1024  # bytes that a step counts as beside its event: it has a record, and one for the decoder
_PASSAGE = 384  # bytes that a passage with its source counts as beside that
_LARGE = 4096  # bytes from which the values of an event are counted before it is decoded
# Decoding an event keeps all other threads waiting, so the values in one are limited. The largest answers have one for
# each log probability of each token.
_MAX_VALUES = 750_000
_BEFORE_VALUES = (b"{", b"[", b",")
_MAX_EVENTS = 50_000  # decoded from one chunk: they are added to the ledger at once
# A large piece of a body is read in slices, and its chunks are added in batches, so that the lock of the ledger is free
# between them.
_SLICE = 1 << 16  # bytes
_BATCH = 1_000  # chunks


class BodyDecoders:
    """The decoders of the exchanges of one answer.

    Each request to the model has a new one. An exchange that resumes a stored answer has that of the stream before.

    Args:
        backend: the dialect.
        ledger: the record of the answer, from which the events before a cut are read.
    """

    def __init__(self, backend: Backend, ledger: Ledger) -> None:
        self._backend = backend
        self._ledger = ledger
        self._decoder: Decoder | None = None  # of the newest request to the model
        self._first_chunk = 0  # of that request
        self._resumed: ResumedDecoder | None = None

    def for_request(self, method: str, url: str, body: bytes) -> Decoder:
        """The decoder of the answer to a request that is about to be sent.

        Args:
            method: its method.
            url: its URL.
            body: what the model is asked, which a request that reads a stored answer on does not repeat.
        """
        api = self._backend.interactions
        if api is not None and (asked := api.requested(body)).background:
            self._ledger.steps.run = ServerRun(asked.agent, asked.budget)
        if method != "GET" or api is None:
            self._first_chunk = self._ledger.chunk_columns.length
            self._resumed = None
            self._decoder = self._backend.decoder()
            return self._decoder
        decoder = self.resumed()
        if decoder is None:  # the answer was requested by another process, or by another cell
            decoder = self._resumed = api.resumed(self._backend.decoder())
        decoder.begin(api.cursor_of(url))
        return decoder

    def resumed(self) -> ResumedDecoder | None:
        """What goes on with the stream that was read last; None if no stream was read that a server may store."""
        api = self._backend.interactions
        if self._resumed is None and api is not None and self._decoder is not None:
            self._resumed = api.resumed(self._decoder)
            columns = self._ledger.chunk_columns
            self._resumed.learn(columns.stored("json", columns.length)[self._first_chunk :])
        return self._resumed


class Pipeline:
    """Reads the body of one exchange into a ledger.

    Args:
        exchange: the exchange, already begun in the ledger.
        ledger: receives the chunks and the notes.
        backend: the dialect of the body.
        decode: the decoder of the body's JSON texts, from ``backend.decoder``.
        max_event: bytes that one event may have.
        max_total: bytes that the body may count as; reading ends beyond them. None for any number.
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
        max_total: int | None = None,
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
        self._max_total = max_total
        self._reader = Reader(max_event=max_event)
        self._noted = 0  # anomalies of the reader

    @property
    def counted(self) -> int:
        """Bytes that the body counts as for the size limit: small chunks, lines and texts count as more than they have."""
        return self._counted + _CHUNK * self._reader.unreadable + self._reader.held

    def feed(self, t: float, data: bytes) -> None:
        """Read the next bytes of the body.

        Args:
            t: when they arrived, in seconds on the ledger's clock.
            data: the bytes.

        Raises:
            WireError: an event is larger than ``max_event``, or holds too many values.
        """
        if len(data) <= _SLICE:
            self._append(t, self._reader.feed(data))
            return
        items: list[Item] = []
        first = self._ledger.chunk_columns.length
        for start in range(0, len(data), _SLICE):
            new = self._reader.feed(data[start : start + _SLICE])
            self._append(t, new, last=False)
            if self._full:
                return
            items += new
        self._refer(items, first)

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

    @property
    def _full(self) -> bool:
        """Whether the body counts as more bytes than it may have."""
        return self._max_total is not None and self.counted > self._max_total

    def _append(self, t: float, items: list[Item], *, last: bool = True) -> None:
        """Add the chunks of a piece of the body, or of a slice of it.

        All of them are added, also beyond the limit: a recording has the whole piece, and shows what the stream showed.

        Args:
            t: when it arrived.
            items: the chunks.
            last: whether they are all chunks of the piece.
        """
        first = self._ledger.chunk_columns.length
        if len(items) <= _BATCH:
            self._add(t, items, last=last)
            return
        for start in range(0, len(items), _BATCH):
            self._add(t, items[start : start + _BATCH], last=False)
        if last:
            self._refer(items, first)

    def _add(self, t: float, items: list[Item], *, last: bool) -> None:
        # Outside the lock: decoding a large text takes a while.
        chunks, error = self._decoded(items)
        anomalies = self._reader.anomalies[self._noted :]
        unlogged = self._reader.unlogged
        if not chunks and not anomalies and not unlogged:
            _raise(error)
            return
        ledger = self._ledger
        with self._writing:
            first = ledger.chunk_columns.length
            ledger.add_all(chunks, t, [item.offset for item in items[: len(chunks)]])
            if chunks:
                self.received_json = True
                if last:
                    self._refer_to_chunks(items[: len(chunks)], first)
            for anomaly in anomalies:
                if anomaly.kind not in self._expected:
                    add_wire_note(ledger, anomaly)
            ledger.notes.more.update(unlogged)
        self._noted += len(anomalies)
        _raise(error)

    def _decoded(self, items: list[Item]) -> tuple[list[tuple[bytes, Decoded]], WireError | None]:
        """Decode chunks up to one that holds too many values, and return the error about it."""
        decode, chunks = self._decode, list[tuple[bytes, Decoded]]()
        for item in items:
            raw = item.raw
            if len(raw) >= _LARGE and (values := self._excess_values(raw)):
                if values > _MAX_VALUES:
                    return chunks, _too_many("values", _MAX_VALUES)
                self._counted += _VALUE * values
                break
            decoded = decode(raw, item.event)
            if len(decoded.events) > _MAX_EVENTS:
                return chunks, _too_many("parts", _MAX_EVENTS)
            chunks.append((raw, decoded))
            self._counted += _counted_size(raw, decoded)
        return chunks, None

    def _excess_values(self, raw: bytes) -> int:
        """The number of values in an event if they are too many for the memory or for decoding them at once; otherwise 0."""
        limit = _MAX_VALUES
        if self._max_total is not None:
            limit = min(limit, (self._max_total - self.counted) // _VALUE)
        if sum(map(raw.count, _BEFORE_VALUES)) <= limit:
            return 0
        values = _count_values(raw, _MAX_VALUES)  # without the signs in strings
        return values if values > limit else 0

    def _refer(self, items: list[Item], first: int) -> None:
        """Hold the bytes of the chunks of a piece once, after they were added in several batches."""
        if items and self._share and self._exchange.pieces:
            with self._writing:
                self._refer_to_chunks(items, first)

    def _refer_to_chunks(self, items: list[Item], first: int) -> None:
        if self._share and self._exchange.pieces:
            texts = self._ledger.chunk_columns.stores["json"].stored
            self._exchange.pieces.refer_to_chunks(items, first, texts)


def _raise(error: WireError | None) -> None:
    if error is not None:
        raise error


def _too_many(what: str, limit: int) -> WireError:
    return WireError(
        f"An event of the stream holds more than {limit:,} {what}, so it was not read.",
        remedy="Check --base-url: this is not what a model sends. Save the response to look at the bytes received.",
    )


def _count_values(raw: bytes, limit: int) -> int:
    """Count the objects, arrays and items in a JSON text, until there are more than ``limit``."""
    count = inside = 0
    rest = b""
    for start in range(0, len(raw), _SLICE):
        text = (rest + raw[start : start + _SLICE]).replace(rb"\\", b"")
        rest = b"\\" if text.endswith(b"\\") else b""
        pieces = text.removesuffix(b"\\").replace(rb"\"", b"").split(b'"')
        outside = b"".join(pieces[inside::2])
        inside ^= 1 - len(pieces) % 2
        count += sum(map(outside.count, _BEFORE_VALUES))
        if count > limit:
            break
    return count


def _counted_size(raw: bytes, decoded: Decoded) -> int:
    """The bytes that a chunk counts as for the size limit: more if an event has a JSON value of any depth."""
    events = decoded.events
    size = len(raw) if len(raw) > _CHUNK else _CHUNK  # noqa: FURB136 - `max` takes three times as long
    if size < _EVENT * len(events):  # noqa: PLR1730 - as above
        size = _EVENT * len(events)
    for event in events:  # `any` and a function would take three times as long
        if type(event) is Delta:
            if type(event.part) in _RICH_PARTS:
                return _rich_size(raw, size)
        elif type(event) is StepStart:
            steps = sum(type(each) is StepStart for each in events)
            return _rich_size(raw, size) + _STEP * steps
        elif type(event) is Evidence:
            passages = 0 if event.grounding is None else len(event.grounding.supports)
            return _rich_size(raw, size) + _PASSAGE * passages
    return _rich_size(raw, size) if decoded.held else size


def _rich_size(raw: bytes, size: int) -> int:
    return max(size, _RICH * len(raw), _VALUE * sum(map(raw.count, _BEFORE_VALUES)))
