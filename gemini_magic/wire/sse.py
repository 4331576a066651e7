"""Server-sent events by the book: WHATWG HTML, section "Interpreting an event stream".

It knows nothing of JSON or Gemini and mends nothing; the tolerant reading is in ``documents``.
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
        event: its type, ``message`` when none was given.
        id: the last event ID in force.
        retry: the reconnection time in force in milliseconds, None when the stream set none.
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
    """An incremental reader of events; UTF-8 always, whatever the header says.

    Args:
        strict: the standard's rule that an event without its blank line is dropped at the end of input.
            False hands it out.
        max_event: bytes one event may have; above it ``feed`` raises :class:`WireError`.

    Attributes:
        last_id: the last event ID in force.
        retry: the reconnection time in force in milliseconds, or None.
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
        """The events this piece completes.

        Raises:
            WireError: an event passed ``max_event``.
        """
        events: list[SseEvent] = []
        self.feed_into(piece, events)
        return events

    def feed_into(self, piece: bytes, events: list[SseEvent]) -> None:
        """Like :meth:`feed`, but what came before an error is in ``events``."""
        offset, lines = self._lines.feed(piece)
        for line in lines:
            self._take(line, offset, events)
            offset += len(line)
        self._lines.check(self._size)

    def close(self) -> list[SseEvent]:
        """End of input: nothing when strict, else the event that was not finished."""
        events: list[SseEvent] = []
        offset, last = self._lines.close()
        if not self._strict:
            if last:
                self._take(last, offset, events)
            self._take(b"", offset, events)
        self._data = []
        return events

    def _take(self, line: bytes, offset: int, events: list[SseEvent]) -> None:
        """One line, with or without its end; the value is cut out once, as it may be large."""
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
    """``digits`` as an int; a number too long to mean a time is cut to its last 18 digits' room."""
    return int(digits) if len(digits) <= 18 else 10**18  # noqa: PLR2004 - fits 64 bits
