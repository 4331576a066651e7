"""Reads server-sent events as the standard defines them: WHATWG HTML, section "Interpreting an event stream".

``tolerant_sse`` reads the streams of servers that do not follow the standard.
"""

from __future__ import annotations

from typing import NamedTuple

from .lines import Lines, event_too_large

__all__ = ["DEFAULT_TYPE", "SseEvent", "SseReader"]

DEFAULT_TYPE = "message"  # of an event without an `event` field


class SseEvent(NamedTuple):
    """One dispatched event.

    Attributes:
        data: the values of its ``data`` lines, joined with LF.
        event: its type; ``message`` if the stream does not set one.
        id: the current last event ID.
        retry: the current reconnection time in milliseconds; None if the stream does not set one.
        offset: where in the body its first ``data`` line begins, in bytes.
        value_offset: where in the body the value on that line begins, in bytes.
        verbatim: whether the body has exactly the bytes of ``data`` there; False for several lines and for bad bytes.
    """

    data: str
    event: str
    id: str
    retry: int | None
    offset: int = 0
    value_offset: int = 0
    verbatim: bool = True


class SseReader:
    """An incremental reader of events. It always decodes UTF-8, whatever the header says.

    Args:
        strict: whether an event without its blank line is dropped at the end of input, as the standard requires.
        max_event: the maximum size of an event in bytes; ``feed`` raises :class:`WireError` for a larger one.

    Attributes:
        last_id: the current last event ID.
        retry: the current reconnection time in milliseconds, or None.
    """

    def __init__(self, *, strict: bool = True, max_event: int = 64 * 2**20) -> None:
        self.last_id = ""
        self.retry: int | None = None
        self._strict = strict
        self._max = max_event
        self._lines = Lines(max_event)
        self._data: list[bytes] = []
        self._size = 0
        self._type = b""
        self._id = ""  # becomes last_id when the event is dispatched
        self._offset = self._value_offset = 0

    def feed(self, piece: bytes) -> list[SseEvent]:
        """The events that this piece completes.

        Raises:
            WireError: an event is larger than ``max_event``.
        """
        events: list[SseEvent] = []
        self.feed_into(piece, events)
        return events

    def feed_into(self, piece: bytes, events: list[SseEvent]) -> None:
        """Like :meth:`feed`, but appends to ``events``, also the events before an error."""
        offset, lines = self._lines.feed(piece)
        for line in lines:
            self._add_line(line, offset, events)
            offset += len(line)
        self._lines.check(self._size)

    def close(self) -> list[SseEvent]:
        """End the input: the unfinished event, or nothing if strict."""
        events: list[SseEvent] = []
        offset, last = self._lines.close()
        if not self._strict:
            if last:
                self._add_line(last, offset, events)
            self._add_line(b"", offset, events)
        self._data = []
        return events

    def _add_line(self, line: bytes, offset: int, events: list[SseEvent]) -> None:
        """Process one line, with or without its end. The value is sliced only once, as it may be large."""
        end = len(line) - (line.endswith((b"\r", b"\n")) + line.endswith(b"\r\n"))
        if not end:
            self._dispatch(events)
            return
        colon = line.find(b":", 0, end)
        if colon < 0:
            colon = end
        name = line[:colon]
        begin = colon + 2 if line.startswith(b" ", colon + 1) else colon + 1
        value = line[begin:end]
        if name == b"data":
            if not self._data:
                self._offset, self._value_offset = offset, offset + begin
            self._data.append(value)
            self._size += len(line)
            if self._size > self._max:
                raise event_too_large(self._max)
        elif name == b"event":
            self._type = value
        elif name == b"id":
            if b"\0" not in value:
                self._id = value.decode("utf-8", "replace")
        elif name == b"retry" and value.isdigit():  # bytes.isdigit: ASCII digits, at least one
            self.retry = _number(value)

    def _dispatch(self, events: list[SseEvent]) -> None:
        self.last_id = self._id
        if self._data:
            data, valid = _decode(b"\n".join(self._data))
            kind = self._type.decode("utf-8", "replace") or DEFAULT_TYPE
            verbatim = valid and len(self._data) == 1
            events.append(
                SseEvent(data, kind, self.last_id, self.retry, self._offset, self._value_offset, verbatim)
            )
        self._data, self._size, self._type = [], 0, b""


def _decode(data: bytes) -> tuple[str, bool]:
    """``data`` as text, and whether it is UTF-8; if it is not, bad sequences become U+FFFD."""
    try:
        return data.decode(), True
    except UnicodeDecodeError:
        return data.decode("utf-8", "replace"), False


def _number(digits: bytes) -> int:
    """``digits`` as an int; a number with more than 18 digits becomes 10**18, so that it fits 64 bits."""
    return int(digits) if len(digits) <= 18 else 10**18  # noqa: PLR2004 - fits 64 bits
