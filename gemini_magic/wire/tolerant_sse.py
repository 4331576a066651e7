"""Reads server-sent events as servers really send them, and returns the JSON objects in them.

Only errors in the framing are repaired; the JSON is neither interpreted nor changed.

A line is read as soon as it ends. An object that is complete on its line is returned at once, so a stream without
blank lines is not delayed. Incomplete lines are pending: until their brackets close, until a line arrives that cannot
continue them, or until the blank line. Then these texts are tried in turn: the ``data`` values joined; all lines
joined, including those without a field name; each ``data`` line alone. Any other text is logged as ``not-json``.

A server that does not escape the line feeds in its strings sends documents with line breaks and blank lines inside
strings. So pending lines stay pending after a line that ends inside a string, and after a blank line while a bracket
is open. If such a guess does not lead to an object, its lines are read again without it.
"""

from __future__ import annotations

import re
import sys
from bisect import bisect_right
from itertools import accumulate
from typing import TYPE_CHECKING, NamedTuple

from .anomalies import Item
from .json_scan import is_json, is_standard_json, open_brackets
from .json_stream import Split, log_unreadable, repair_text, split_objects
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
# A larger piece is read in blocks, so that there are fewer copies of a large event at a time.
_LONG = 4 * _BLOCK
_LONGEST_NAME = 6  # "event:"
# The beginning of a document. Inside a string its quote would end the string, and no JSON could follow.
_DOCUMENT = re.compile(rb'[\[{][\[{\s]*"(?!\s*(?:[,:}\]]|\Z))')


class _Line(NamedTuple):
    """A line of content.

    Attributes:
        bare: whether it has no field name.
        value: its content, without the field name.
        offset: where in the body ``value`` begins, in bytes.
        start: where in the body the line begins, in bytes.
    """

    bare: bool
    value: bytes
    offset: int
    start: int


_LINE = 192  # bytes of memory for one such line


class TolerantSseReader:
    """The tolerant reader of an event stream.

    Args:
        log: collects the anomalies.
        max_event: the maximum size of an event in bytes.
    """

    def __init__(self, log: AnomalyLog, max_event: int) -> None:
        self._log = log
        self._max = max_event
        self._lines = Lines(max_event, prefix=_PREFIX)
        self._pending: list[_Line] = []  # the lines of an unfinished document
        self._pending_offset = 0
        self._pending_size = 0
        # The brackets that the pending lines leave open; None if these are plain text.
        self._depth: int | None = None
        self._in_string = False  # the pending lines end inside a string
        self._guess = (
            0  # the first pending line that belongs to the document only if the guess is right; 0: none
        )
        self._may_guess = True
        self._gap = False  # a blank line is among the pending lines
        self._last = 0  # the last byte of the pending lines that is not white space
        self._event = False  # the current event has a line
        self._returned = False  # an object of the current event was returned
        self._type: str | None = None  # what the last `event` field of the current event names
        self._ended = False
        self._named = False  # a line of the stream had a field name

    @property
    def held(self) -> int:
        """Bytes of memory that the lines of an unfinished document need besides the bytes of the body."""
        return _LINE * len(self._pending)

    def feed_into(self, piece: bytes, items: list[Item]) -> None:
        """Append the objects that this piece completes to ``items``.

        Raises:
            WireError: an event is larger than ``max_event``; the objects before it are in ``items``.
        """
        if len(piece) > _LONG:
            for at in range(0, len(piece), _BLOCK):
                self._add_piece(piece[at : at + _BLOCK], items)
        else:
            self._add_piece(piece, items)

    def _add_piece(self, piece: bytes, items: list[Item]) -> None:
        offset, lines = self._lines.feed(piece)
        if self._lines.trimmed:
            self._add_long_line(lines.pop(0), self._lines.trimmed, offset, items)
            offset += self._lines.trimmed
        for line in lines:
            size = len(line)
            if line.startswith(b"data: {") and not self._pending and size <= self._max:
                end = size - 2 if line.endswith(b"\r\n") else size - 1
                raw = line[6:end]
                if not is_standard_json(raw):
                    self._add_line(line, offset, items)
                elif self._returned or not raw.isascii():
                    self._add_item(raw, offset, items)
                else:
                    self._event = self._returned = self._named = True
                    items.append(Item(raw, offset + 6, True, self._type))
            elif line in _BLANK:
                if self._pending:
                    self._end_event(items, offset)
                else:
                    self._event = self._returned = False
                    self._type = None
            else:
                self._add_line(line, offset, items)
            offset += size
        self._lines.check(self._pending_size)

    def _add_long_line(self, value: bytes, size: int, offset: int, items: list[Item]) -> None:
        """A long line that begins with ``data: ``, as its value; ``size`` is the length of the line."""
        if size <= self._max and not self._pending and value.startswith(b"{") and is_json(value):
            self._add_item(value, offset, items)
        elif size > self._max:
            raise event_too_large(self._max)
        else:
            self._add_line(_PREFIX + value, offset, items)

    def close_into(self, items: list[Item]) -> None:
        """End the input: the last line is read without its end, the last event without its blank line."""
        self._ended = True
        self._max = sys.maxsize  # its size was checked when it was fed
        offset, last = self._lines.close()
        if last:
            self._add_line(last, offset, items)
        if self._event:
            self._log.add("unterminated", self._pending_offset if self._pending else offset)
        self._flush(items)

    def _add_item(self, raw: bytes, offset: int, items: list[Item]) -> None:
        """Return an object that is the whole value of the ``data: `` line at ``offset``."""
        if self._returned:
            self._log.add("no-blank-line", offset)
        self._event = self._returned = self._named = True
        text = repair_text(self._log, offset, raw)
        items.append(Item(text, offset + len(_PREFIX), text is raw, self._type))

    def _end_event(self, items: list[Item], offset: int) -> None:
        if not self._named:
            self._pending_size += 1
            self._pending.append(
                _Line(True, b"", offset, offset)
            )  # a page of text, not a stream: logged as one
            return
        if self._may_guess and self._depth is not None:
            self._gap = True
            self._event = self._returned = False
            self._append_guess(_Line(True, b"", offset, offset))
            return
        self._flush(items)
        self._event = self._returned = False
        self._type = None

    def _add_line(self, line: bytes, offset: int, items: list[Item]) -> None:
        """Process a line that is neither blank nor one complete object."""
        if len(line) > self._max:
            raise event_too_large(self._max)
        line, begin = line.rstrip(b"\r\n"), offset
        if line.startswith(BOM):
            self._log.add("bom", offset)
            line, begin = line[len(BOM) :], offset + len(BOM)
        colon = line.find(b":", 0, _LONGEST_NAME)
        name = line if colon < 0 else line[:colon]
        if self._may_continue(line, name):
            if not self._begins_document(line.strip(), bare=True):
                self._add_value(_Line(True, line, begin, offset), offset, items)
                return
            self._flush(items, whole=False)
        if name == b"data":
            self._see_name(items)
            self._add_data(line[5:], offset, begin + 5, items)
        elif colon == 0:
            self._see_name(items)
            self._log.add("comment", offset, line[1:].strip())
        elif name in _FIELDS:
            self._see_name(items)
            self._event = True
            value = line[colon + 1 :] if colon > 0 else b""
            self._log.add(_FIELDS[name], offset, value.strip())
            if name == b"event":
                if self._gap:
                    self._flush(items)
                self._type = _event_type(value)
        elif line.strip():
            if self._named:
                self._log.add("bare-lines", offset, line)
            self._add_value(_Line(True, line, begin, offset), offset, items)

    def _may_continue(self, line: bytes, name: bytes) -> bool:
        """Whether a line without ``data:`` may belong to a document that a line feed or a blank line interrupted.

        Inside a string it may look like anything, such as a comment or an ``id`` field.
        """
        if not self._pending or name == b"data":
            return False
        return self._in_string or (self._gap and name not in _FIELDS and not line.startswith(b":"))

    def _see_name(self, items: list[Item]) -> None:
        """The first field name ends a page of text before it."""
        if not self._named:
            self._flush(items)
            self._named = True

    def _add_data(self, value: bytes, offset: int, begin: int, items: list[Item]) -> None:
        """Process the rest of a ``data`` line, which begins at ``begin``; the line begins at ``offset``."""
        if value.startswith(b" "):
            value, begin = value[1:], begin + 1
        elif value:
            self._log.add("no-space", offset)
        if not value.strip() and not self._pending:
            self._event = True
            self._log.add("blank-data", offset)
            return
        self._add_value(_Line(False, value, begin, offset), offset, items)

    def _add_value(self, line: _Line, offset: int, items: list[Item]) -> None:
        """Process one line of content: a complete text, or a part of one."""
        value = line.value
        self._event = True
        text = value.strip()
        if text == b"[DONE]":
            self._flush(items)
            self._event = True
            self._log.add("done-marker", offset)
            return
        while self._pending and self._begins_document(text, bare=line.bare):
            self._flush(items, whole=not self._guess)
            self._event = True
        if not self._pending:
            if text[:1] in (b"{", b"["):
                if is_json(text):
                    self._return_objects(split_objects(value), value, [line], offset, items)
                    return
                self._depth = 0
            else:
                self._depth = None
            self._pending_offset = offset
        if self._in_string or self._gap:
            self._append_guess(line)
        else:
            self._append(line)
        self._last = text[-1] if text else self._last
        if self._depth is not None:
            opened, self._in_string = open_brackets(value, in_string=self._in_string)
            self._depth += opened
            if self._in_string:
                if not self._may_guess:
                    self._flush(items)
            elif self._depth <= 0:
                self._flush(items, whole=False)

    def _append(self, line: _Line) -> None:
        self._pending.append(line)
        self._pending_size += len(line.value) + 1
        if self._pending_size > self._max:
            raise event_too_large(self._max)

    def _append_guess(self, line: _Line) -> None:
        """Append a line of which it is not certain that it continues the pending ones."""
        self._guess = self._guess or len(self._pending)
        self._append(line)

    def _begins_document(self, text: bytes, *, bare: bool) -> bool:
        """Whether ``text`` begins a new document, so that a broken event does not consume the rest of the stream."""
        if self._depth is None:
            return text[:1] in (b"{", b"[")
        bracket = text[:1] in (b"{", b"[")
        if self._in_string:
            after_blank = self._gap and not self._pending[-1].value
            return _DOCUMENT.match(text) is not None or (bracket and after_blank and not bare)
        if self._gap and bracket and is_json(text):
            return True
        return text[:1] == b"{" and self._last not in b"{[,:"

    def _return_objects(
        self, split: Split, text: bytes, lines: Sequence[_Line], offset: int, items: list[Item]
    ) -> None:
        """Return the objects in ``text``, the joined values of ``lines``, and log the rest of it."""
        found, rest = split
        if text.lstrip().startswith(b"["):
            self._log.add("json-array", offset)
        elif len(found) > 1:
            self._log.add("several-documents", offset)
        if self._returned and found:
            self._log.add("no-blank-line", offset)
        self._returned = self._returned or bool(found)
        items.extend(self._items(found, lines))
        for _, raw in rest:
            log_unreadable(self._log, offset, raw)
        if not found and not rest:
            log_unreadable(self._log, offset, text.strip())

    def _items(self, found: Sequence[tuple[int, bytes]], lines: Sequence[_Line]) -> list[Item]:
        """The objects as items, each with its offset in the body.

        Args:
            found: each with its position in the values of ``lines``, joined.
            lines: those values, with their offsets.
        """
        starts = [0, *accumulate(len(line.value) + 1 for line in lines)]
        items: list[Item] = []
        for position, raw in found:
            number = bisect_right(starts, position) - 1
            offset = lines[number].offset + position - starts[number]
            text = repair_text(self._log, offset, raw)
            verbatim = text is raw and position + len(raw) < starts[number + 1]
            items.append(Item(text, offset, verbatim, self._type))
        return items

    def _flush(self, items: list[Item], *, whole: bool = True) -> None:
        """Return the objects in the pending lines, and log the rest of them.

        Args:
            items: receives the objects.
            whole: whether nothing may stay pending. If False, and the guess about the lines was wrong, a document that
                begins in them stays pending.
        """
        pending, offset, guess = self._pending, self._pending_offset, self._guess
        gap = self._gap
        self._pending, self._pending_size = [], 0
        self._in_string, self._guess, self._gap = False, 0, False
        if not pending:
            return
        if not guess:
            self._return_lines(pending, offset, items, ended=self._ended)
            return
        text = _joined(pending)
        split = split_objects(text)
        if split[0] and not split[1]:
            for line in pending[guess:]:
                if line.bare and line.value:
                    self._log.add("bare-lines", line.offset, line.value)
            if gap:
                blank = next((line for line in pending[guess:] if not line.value), pending[guess])
                self._log.add("blank-line-inside", blank.offset)
            self._return_objects(split, text, pending, offset, items)
            return
        self._return_lines(pending[:guess], offset, items, ended=False)
        self._read_again(pending[guess:], items)
        if whole:
            self._flush(items)

    def _read_again(self, lines: Sequence[_Line], items: list[Item]) -> None:
        """Read lines that do not continue the document before them."""
        self._may_guess = False
        for line in lines:
            if not line.bare:
                self._add_value(line, line.start, items)
            elif line.value:
                self._add_line(line.value, line.start, items)
            else:
                self._end_event(items, line.offset)
        self._may_guess = True

    def _return_lines(self, lines: Sequence[_Line], offset: int, items: list[Item], *, ended: bool) -> None:
        """Return the objects in these lines, and log the rest of them.

        Args:
            lines: the lines.
            offset: where in the body the first one begins.
            items: receives the objects.
            ended: whether the input ends in these lines.
        """
        whole = _joined(lines)
        if self._depth is None:
            log_unreadable(self._log, offset, whole.strip())
            return
        data = [line for line in lines if not line.bare]
        split: Split = ([], [])
        for some in (data, lines) if len(data) < len(lines) else (lines,):
            text = whole if some is lines else _joined(some)
            split = split_objects(text)
            if split[0] and not split[1]:
                self._return_objects(split, text, some, offset, items)
                return
        # If the input ends in the middle, a nested object that is alone on its line must not be taken for a document.
        if len(lines) > 1 and not ended:
            split = _line_by_line(lines)
        self._return_objects(split, whole, lines, offset, items)


def _joined(lines: Sequence[_Line]) -> bytes:
    return lines[0].value if len(lines) == 1 else b"\n".join([line.value for line in lines])


def _line_by_line(lines: Sequence[_Line]) -> Split:
    """The objects that are complete on one ``data`` line, and all other lines as one text."""
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


def _event_type(value: bytes) -> str | None:
    """The type that an ``event`` field names; None for the default type."""
    name = value.removeprefix(b" ").decode("utf-8", "replace")
    return None if name in ("", DEFAULT_TYPE) else name
