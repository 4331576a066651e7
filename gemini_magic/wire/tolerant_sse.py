"""Reads server-sent events the way servers really send them, and hands out the JSON objects inside.

It mends framing only: it does not know what the JSON means, and never changes a value.

A line is read as soon as it ends. An object that stands whole on its line is handed out at once, so a
stream without blank lines is as live as any other. Lines that are not whole wait for more: until their
brackets close, until a line comes that cannot continue them, or until the blank line. Then are tried, in
this order: the ``data`` values joined; all lines joined, also those without a field name; each ``data``
line alone. What remains is recorded as ``not-json``.
"""

from __future__ import annotations

import sys
from bisect import bisect_right
from itertools import accumulate
from typing import TYPE_CHECKING, NamedTuple

from .anomalies import Item
from .json_scan import clean_utf8, is_json, open_brackets
from .json_stream import Split, log_unreadable, split_objects
from .lines import BOM, Lines, event_too_large
from .sse import DEFAULT_TYPE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .anomalies import AnomalyLog

__all__ = ["TolerantSseReader"]

_PREFIX = b"data: "
_BLANK = (b"\r\n", b"\n", b"\r")
_FIELDS = {b"event": "field-event", b"id": "field-id", b"retry": "field-retry"}
_BLOCK = 1 << 16
_LONG = 4 * _BLOCK  # above this a piece is read in blocks: fewer copies of a large event at a time
_LONGEST_NAME = 6  # "event:"


class _Line(NamedTuple):
    """A line that waits for more.

    Attributes:
        bare: whether it has no field name.
        value: its content, without the field name.
        offset: where in the body ``value`` begins, in bytes.
    """

    bare: bool
    value: bytes
    offset: int


class TolerantSseReader:
    """The tolerant reader of an event stream.

    Args:
        log: where oddities go.
        max_event: bytes one event may have.
    """

    def __init__(self, log: AnomalyLog, max_event: int) -> None:
        self._log = log
        self._max = max_event
        self._lines = Lines(max_event, prefix=_PREFIX)
        self._held: list[_Line] = []  # lines of an unfinished document
        self._held_at = 0
        self._held_size = 0
        self._depth: int | None = None  # brackets the held lines leave open; None when they are plain text
        self._last = 0  # the last significant byte of the held lines
        self._event = False  # a line of the current event was seen
        self._given = False  # an object of the current event was handed out
        self._type: str | None = None  # what the last `event` field of the current event names
        self._ended = False
        self._named = False  # some line of the stream had a field name

    def feed_into(self, piece: bytes, items: list[Item]) -> None:
        """Append the objects this piece completes to ``items``.

        Raises:
            WireError: an event passed ``max_event``; what came before it is in ``items``.
        """
        if len(piece) > _LONG:
            for at in range(0, len(piece), _BLOCK):
                self._piece(piece[at : at + _BLOCK], items)
        else:
            self._piece(piece, items)

    def _piece(self, piece: bytes, items: list[Item]) -> None:
        offset, lines = self._lines.feed(piece)
        if self._lines.trimmed:
            self._long(lines.pop(0), self._lines.trimmed, offset, items)
            offset += self._lines.trimmed
        for line in lines:
            size = len(line)
            if line.startswith(b"data: {") and not self._held and size <= self._max:
                end = size - 2 if line.endswith(b"\r\n") else size - 1
                raw = line[6:end]
                if not is_json(raw):
                    self._line(line, offset, items)
                elif self._given or not raw.isascii():
                    self._give(raw, offset, items)
                else:
                    self._event = self._given = self._named = True
                    items.append(Item(raw, offset + 6, True, self._type))
            elif line in _BLANK:
                if self._held:
                    self._blank(items, offset)
                else:
                    self._event = self._given = False
                    self._type = None
            else:
                self._line(line, offset, items)
            offset += size
        self._lines.check(self._held_size)

    def _long(self, value: bytes, size: int, offset: int, items: list[Item]) -> None:
        """A long ``data: `` line, cut down to its value already."""
        if size <= self._max and not self._held and value.startswith(b"{") and is_json(value):
            self._give(value, offset, items)
        elif size > self._max:
            raise event_too_large(self._max)
        else:
            self._line(_PREFIX + value, offset, items)

    def close_into(self, items: list[Item]) -> None:
        """End of input: the last line counts without its end, the last event without its blank line."""
        self._ended = True
        self._max = sys.maxsize  # it was within the cap when it was fed
        offset, last = self._lines.close()
        if last:
            self._line(last, offset, items)
        if self._event:
            self._log.add("unterminated", self._held_at if self._held else offset)
        self._flush(items)

    def _give(self, raw: bytes, offset: int, items: list[Item]) -> None:
        """Hand out one object that ``is_json`` and is all of a line that begins with ``data: ``, at ``offset``."""
        if self._given:
            self._log.add("no-blank-line", offset)
        self._event = self._given = self._named = True
        text = clean_utf8(raw)
        if text is not raw:
            self._log.add("invalid-utf8", offset)
        items.append(Item(text, offset + len(_PREFIX), text is raw, self._type))

    def _blank(self, items: list[Item], offset: int) -> None:
        if not self._named:
            self._held_size += 1
            self._held.append(_Line(True, b"", offset))  # a page of text, not a stream: kept in one
            return
        self._flush(items)
        self._event = self._given = False
        self._type = None

    def _line(self, line: bytes, offset: int, items: list[Item]) -> None:
        """Any line that is neither blank nor one whole object."""
        if len(line) > self._max:
            raise event_too_large(self._max)
        line, begin = line.rstrip(b"\r\n"), offset
        if line.startswith(BOM):
            self._log.add("bom", offset)
            line, begin = line[len(BOM) :], offset + len(BOM)
        colon = line.find(b":", 0, _LONGEST_NAME)
        name = line if colon < 0 else line[:colon]
        if name == b"data":
            self._name_seen(items)
            self._data(line[5:], offset, begin + 5, items)
        elif colon == 0:
            self._name_seen(items)
            self._log.add("comment", offset, line[1:].strip())
        elif name in _FIELDS:
            self._name_seen(items)
            self._event = True
            value = line[colon + 1 :] if colon > 0 else b""
            self._log.add(_FIELDS[name], offset, value.strip())
            if name == b"event":
                self._type = _event_type(value)
        elif line.strip():
            if self._named:
                self._log.add("bare-lines", offset, line)
            self._value(_Line(True, line, begin), offset, items)

    def _name_seen(self, items: list[Item]) -> None:
        """The first field name ends the page of text that may have come before it."""
        if not self._named:
            self._flush(items)
            self._named = True

    def _data(self, value: bytes, offset: int, begin: int, items: list[Item]) -> None:
        """The rest of a line behind its field name, which begins at ``begin``; the line begins at ``offset``."""
        if value.startswith(b" "):
            value, begin = value[1:], begin + 1
        elif value:
            self._log.add("no-space", offset)
        if not value.strip() and not self._held:
            self._event = True
            self._log.add("blank-data", offset)
            return
        self._value(_Line(False, value, begin), offset, items)

    def _value(self, line: _Line, offset: int, items: list[Item]) -> None:
        """One line of content: whole, a continuation, or the beginning of something."""
        value = line.value
        self._event = True
        text = value.strip()
        if text == b"[DONE]":
            self._flush(items)
            self._log.add("done-marker", offset)
            return
        if self._held and self._cannot_continue(text):
            self._flush(items)
        if not self._held:
            if text[:1] in (b"{", b"["):
                if is_json(text):
                    self._hand_out(split_objects(value), value, [line], offset, items)
                    return
                self._depth = 0
            else:
                self._depth = None
            self._held_at = offset
        self._held.append(line)
        self._held_size += len(value) + 1
        if self._held_size > self._max:
            raise event_too_large(self._max)
        self._last = text[-1] if text else self._last
        if self._depth is not None:
            opened, in_string = open_brackets(value)
            self._depth += opened
            # A line break inside a string can never become JSON, so there is nothing to wait for.
            if in_string or self._depth <= 0:
                self._flush(items)

    def _cannot_continue(self, text: bytes) -> bool:
        """Whether ``text`` begins something new: rather a fresh start than one bad event eating the rest."""
        if self._depth is None:
            return text[:1] in (b"{", b"[")
        return text[:1] == b"{" and self._last not in b"{[,:"

    def _hand_out(
        self, split: Split, text: bytes, lines: Sequence[_Line], offset: int, items: list[Item]
    ) -> None:
        """Hand out the objects in ``text``, which is the values of ``lines`` joined, and record what else is in it."""
        found, rest = split
        if text.lstrip().startswith(b"["):
            self._log.add("json-array", offset)
        elif len(found) > 1:
            self._log.add("several-documents", offset)
        if self._given and found:
            self._log.add("no-blank-line", offset)
        self._given = self._given or bool(found)
        if found and clean_utf8(text) is not text:
            self._log.add("invalid-utf8", offset)
        items.extend(_items(found, lines, self._type))
        for _, raw in rest:
            log_unreadable(self._log, offset, raw)
        if not found and not rest:
            log_unreadable(self._log, offset, text.strip())

    def _flush(self, items: list[Item]) -> None:
        """Make the best of the lines that wait."""
        held, offset = self._held, self._held_at
        self._held, self._held_size = [], 0
        if not held:
            return
        whole = _joined(held)
        if self._depth is None:
            log_unreadable(self._log, offset, whole.strip())
            return
        data = [line for line in held if not line.bare]
        split: Split = ([], [])
        for lines in (data, held) if len(data) < len(held) else (held,):
            text = whole if lines is held else _joined(lines)
            split = split_objects(text)
            if split[0] and not split[1]:
                self._hand_out(split, text, lines, offset, items)
                return
        # Cut in the middle, a nested object on a line of its own must not pass for a document.
        if len(held) > 1 and not self._ended:
            split = _line_by_line(held)
        self._hand_out(split, whole, held, offset, items)


def _joined(lines: Sequence[_Line]) -> bytes:
    return lines[0].value if len(lines) == 1 else b"\n".join([line.value for line in lines])


def _line_by_line(lines: Sequence[_Line]) -> Split:
    """The objects on ``data`` lines that are whole by themselves, and all other lines as one text."""
    found: list[tuple[int, bytes]] = []
    rest: list[bytes] = []
    position = 0  # of the line, in the values joined
    for line in lines:
        begin = line.value.lstrip()
        if not line.bare and begin[:1] == b"{" and is_json(begin):
            found.append((position + len(line.value) - len(begin), begin.rstrip()))
        else:
            rest.append(line.value)
        position += len(line.value) + 1
    return found, [(0, b"\n".join(rest))]


def _items(found: Sequence[tuple[int, bytes]], lines: Sequence[_Line], event: str | None) -> list[Item]:
    """The objects as items, each with its offset in the body.

    Args:
        found: each with its position in the values of ``lines``, joined.
        lines: those values, with their offsets.
        event: the type of their event.
    """
    starts = [0, *accumulate(len(line.value) + 1 for line in lines)]
    items: list[Item] = []
    for position, raw in found:
        number = bisect_right(starts, position) - 1
        text = clean_utf8(raw)
        verbatim = text is raw and position + len(raw) < starts[number + 1]
        items.append(Item(text, lines[number].offset + position - starts[number], verbatim, event))
    return items


def _event_type(value: bytes) -> str | None:
    """The type that an ``event`` field names; None for the default type."""
    name = value.removeprefix(b" ").decode("utf-8", "replace")
    return None if name in ("", DEFAULT_TYPE) else name
