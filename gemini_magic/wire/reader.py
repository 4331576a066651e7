"""Reads any response body: the first byte decides between server-sent events and plain JSON. Headers are not used."""

from __future__ import annotations

from typing import Protocol

from ..errors import WireError
from .anomalies import CONTENT_KINDS, Anomaly, AnomalyLog, Item
from .json_stream import JsonStream, log_unreadable, repair_text, split_objects
from .lines import BOM
from .sse import DEFAULT_TYPE, SseEvent, SseReader
from .tolerant_sse import TolerantSseReader

__all__ = ["Reader"]

_SPACE = b" \t\r\n"
_BEFORE_FRAMING = _SPACE + BOM  # bytes that do not decide the framing


class _Engine(Protocol):
    def feed_into(self, piece: bytes, items: list[Item]) -> None: ...
    def close_into(self, items: list[Item]) -> None: ...


class Reader:
    """Turns the pieces of a body into JSON objects. The objects do not depend on how the body is cut into pieces.

    Time and memory are linear in the bytes. No bytes raise anything but :class:`WireError`.

    Args:
        strict: whether to read events as WHATWG HTML defines ("Interpreting an event stream"): an unfinished last event
            is dropped, lines without a field name are ignored, one event is one JSON text. Plain JSON is still read.
        max_event: the maximum size of an event in bytes.

    Attributes:
        framing: ``sse`` or ``json``; None until a byte decides it.
    """

    def __init__(self, *, strict: bool = False, max_event: int = 64 * 2**20) -> None:
        self.framing: str | None = None
        self._strict = strict
        self._max = max_event
        self._log = AnomalyLog()
        self._front: list[bytes] = []  # the bytes before the framing was known
        self._engine: _Engine | None = None
        self._error: WireError | None = None
        self._closed = False

    @property
    def anomalies(self) -> list[Anomaly]:
        """The anomalies in the order they were found. The list only grows, so a consumer can keep a cursor."""
        return self._log.anomalies

    @property
    def counts(self) -> dict[str, int]:
        """How often each kind of anomaly was found."""
        return self._log.counts

    @property
    def held(self) -> int:
        """Bytes of memory that an unfinished event needs besides the bytes of the body."""
        return self._engine.held if isinstance(self._engine, TolerantSseReader) else 0

    @property
    def unreadable(self) -> int:
        """How many texts were found that are not JSON objects."""
        return sum(self._log.counts.get(kind, 0) for kind in CONTENT_KINDS)

    @property
    def unlogged(self) -> dict[str, int]:
        """How often unreadable content was found beyond the anomalies, by kind."""
        return {kind: count for kind in CONTENT_KINDS if (count := self._log.unlogged(kind))}

    def feed(self, piece: bytes) -> list[Item]:
        """The objects that this piece completes.

        Raises:
            WireError: an event is larger than ``max_event``, or the reader is closed. If the piece also completes
                objects, they are returned and the next call raises.
        """
        if self._closed:
            raise WireError(
                "A closed Reader cannot read more bytes.", remedy="Use a new Reader for each body."
            )
        self._raise_postponed()
        items: list[Item] = []
        engine = self._engine
        if engine is None:
            self._front.append(piece)
            if not piece.strip(_BEFORE_FRAMING):
                return items
            engine, piece = self._decide()
        try:
            engine.feed_into(piece, items)
        except WireError as error:
            self._error = error
            if not items:
                raise
        return items

    def close(self) -> list[Item]:
        """End the input: the objects that were not complete before. A second call returns nothing.

        Raises:
            WireError: the error that the last ``feed`` postponed.
        """
        if self._closed:
            return []
        self._closed = True
        self._raise_postponed()
        items: list[Item] = []
        engine = self._engine
        if engine is None and b"".join(self._front).strip(_SPACE):
            engine, front = self._decide()
            engine.feed_into(front, items)
        if engine is not None:
            engine.close_into(items)
        return items

    def _raise_postponed(self) -> None:
        if self._error is not None:
            raise self._error

    def _decide(self) -> tuple[_Engine, bytes]:
        """The engine for the bytes so far, and the bytes to feed it first."""
        front = b"".join(self._front)
        self._front = []
        if front.startswith(BOM):
            self._log.add("bom", 0)
        begin = front.removeprefix(BOM).lstrip(_SPACE)
        if begin[:1] in (b"{", b"["):
            start = len(front) - len(begin)
            self.framing = "json"
            self._log.add("json-array" if begin[:1] == b"[" else "json-object", start)
            self._engine = JsonStream(self._log, self._max, start)
            return self._engine, begin
        self.framing = "sse"
        engine = _StrictSseReader if self._strict else TolerantSseReader
        self._engine = engine(self._log, self._max)
        return self._engine, front


class _StrictSseReader:
    """Reads events as the standard defines them; each is one JSON text."""

    def __init__(self, log: AnomalyLog, max_event: int) -> None:
        self._log = log
        self._events = SseReader(strict=True, max_event=max_event)

    def feed_into(self, piece: bytes, items: list[Item]) -> None:
        events: list[SseEvent] = []
        try:
            self._events.feed_into(piece, events)
        finally:
            for event in events:
                self._read(event, items)

    def close_into(self, items: list[Item]) -> None:
        for event in self._events.close():
            self._read(event, items)

    def _read(self, event: SseEvent, items: list[Item]) -> None:
        text = event.data.encode()
        if text == b"[DONE]":
            self._log.add("done-marker", event.offset)
            return
        found, rest = split_objects(text)
        if len(found) == 1 and not rest:
            position, raw = found[0]
            name = None if event.event == DEFAULT_TYPE else event.event
            offset = event.value_offset + position
            repaired = repair_text(self._log, offset, raw)
            items.append(Item(repaired, offset, event.verbatim and repaired is raw, name))
        else:
            log_unreadable(self._log, event.offset, text)
