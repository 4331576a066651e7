"""Splits a JSON array, or JSON objects one after the other, into its top-level objects while the bytes arrive."""

from __future__ import annotations

import re
from operator import itemgetter
from typing import TYPE_CHECKING, TypeAlias

from .anomalies import DETAIL_LIMIT, Item
from .json_scan import clean_utf8, escape_controls, is_json, mask_escapes
from .lines import event_too_large

if TYPE_CHECKING:
    from .anomalies import AnomalyLog

__all__ = ["JsonStream", "ObjectScanner", "Split", "log_unreadable", "repair_text", "split_objects"]

_BLOCK = 1 << 16
_MAX_JUNK = 4 * DETAIL_LIMIT
_SPACE = re.compile(rb"[ \t\r\n,\[\]]*")
_TO_BRACE = re.compile(rb'[^{}"]*(?:"[^"]*"[^{}"]*)*')
_JUNK_MARK = re.compile(rb'[{"\r\n]')
_BETWEEN, _OBJECT, _JUNK = range(3)  # states of the scanner


class ObjectScanner:
    """Finds the objects at the top level or in arrays, and any other text between them.

    Strings and escapes are respected, each byte is examined a constant number of times, and an object is
    found as soon as its last brace arrives.

    Args:
        start: the offset of the first byte in the body.

    Attributes:
        found: ``(offset, text)`` of each object, in order; the caller removes them.
        junk: ``(offset, text)`` of everything else: broken objects, other values, other text (its beginning).
    """

    def __init__(self, start: int = 0) -> None:
        self.found: list[tuple[int, bytes]] = []
        self.junk: list[tuple[int, bytes]] = []
        self._base = start  # offset of the current block
        self._state = _BETWEEN
        self._depth = 0
        self._brackets = 0
        self._margin = -1  # position of the next brace at the start of a line in the block, or -1
        self._in_string = False
        self._escaped = False  # the previous block ends in a backslash that escapes the next byte
        self._begin = 0
        self._parts: list[bytes] = []
        self._size = 0

    @property
    def open_size(self) -> int:
        """Bytes of the unfinished object; 0 between objects."""
        return self._size if self._state == _OBJECT else 0

    def feed(self, piece: bytes) -> None:
        """Scan the next bytes."""
        if len(piece) <= _BLOCK:
            self._block(piece)
            return
        for at in range(0, len(piece), _BLOCK):
            self._block(piece[at : at + _BLOCK])

    def close(self) -> bool:
        """End the input; returns whether an object or an array is still open."""
        still_open = self._state == _OBJECT or self._brackets > 0
        if self._state != _BETWEEN:
            self._end_junk()
        return still_open

    def _block(self, block: bytes) -> None:
        clean = mask_escapes(block)
        if self._escaped and block[:1] in (b"\\", b'"'):
            # The first byte is the second half of an escape, so escapes are found from the second byte on.
            clean = b"_" + mask_escapes(block[1:])
        if block:
            self._escaped = clean.endswith(b"\\")
        self._margin = clean.find(b"\n}")
        pos, size = 0, len(block)
        while pos < size:
            if self._state == _BETWEEN:
                pos = self._between(block, clean, pos)
            elif self._state == _OBJECT:
                pos = self._inside(block, clean, pos)
            else:
                pos = self._past_junk(block, clean, pos)
        self._base += size

    def _between(self, block: bytes, clean: bytes, pos: int) -> int:
        space = _SPACE.match(clean, pos)
        end = space.end() if space else pos
        self._brackets += clean.count(b"[", pos, end) - clean.count(b"]", pos, end)
        if end == len(clean):
            return end
        self._begin = self._base + end
        self._parts, self._size = [], 0
        if clean[end] != ord("{"):
            self._state = _JUNK
            return end
        # A brace at the start of a line usually ends an object. The indented arrays that Google sends are split this
        # way, without a scan of the objects.
        if 0 <= self._margin < end:
            self._margin = clean.find(b"\n}", end)
        margin = self._margin
        if margin >= 0:
            text = block[end : margin + 2]
            if is_json(text):
                self.found.append((self._begin, text))
                return margin + 2
        self._state, self._depth, self._in_string = _OBJECT, 0, False
        return end

    def _inside(self, block: bytes, clean: bytes, pos: int) -> int:
        start, size = pos, len(clean)
        while pos < size:
            if self._in_string:
                quote = clean.find(b'"', pos)
                if quote < 0:
                    break
                self._in_string = False
                pos = quote + 1
            run = _TO_BRACE.match(clean, pos)
            pos = run.end() if run else size
            if pos == size:
                break
            mark = clean[pos]
            pos += 1
            if mark == ord("{"):
                self._depth += 1
            elif mark == ord("}"):
                self._depth -= 1
                if self._depth == 0:
                    self._end_object(block[start:pos])
                    return pos
            else:
                self._in_string = True
        self._parts.append(block[start:])
        self._size += size - start
        return size

    def _end_object(self, last: bytes) -> None:
        self._parts.append(last)
        text = b"".join(self._parts)
        self._parts, self._state = [], _BETWEEN
        if is_json(text):
            self.found.append((self._begin, text))
        else:
            self.junk.append((self._begin, text))

    def _past_junk(self, block: bytes, clean: bytes, pos: int) -> int:
        """Skip text outside of objects, up to the next brace that is not in quotes."""
        start = pos
        while mark := _JUNK_MARK.search(clean, pos):
            pos = mark.end()
            sign = mark.group()
            if sign == b'"':
                self._in_string = not self._in_string
            elif sign != b"{":
                self._in_string = False  # a stray quote affects only its own line
            elif not self._in_string:
                self._add_junk(block[start : pos - 1])
                self._end_junk()
                return pos - 1
        self._add_junk(block[start:])
        return len(clean)

    def _add_junk(self, text: bytes) -> None:
        if self._size < _MAX_JUNK:
            self._parts.append(text)
            self._size += len(text)

    def _end_junk(self) -> None:
        text = b"".join(self._parts).rstrip(b" \t\r\n,[")
        self._parts, self._state, self._in_string = [], _BETWEEN, False
        self.junk.append((self._begin, text))


Split: TypeAlias = tuple[list[tuple[int, bytes]], list[tuple[int, bytes]]]
"""The objects in a text, and what else is in it; each with the position of its first byte."""


def split_objects(text: bytes) -> Split:
    """Find the objects in ``text``: one alone, those in arrays, those one after the other. Bytes are not changed."""
    begin = text.lstrip()
    if begin[:1] == b"{" and is_json(text):
        return [(len(text) - len(begin), begin.rstrip())], []
    scanner = ObjectScanner()
    scanner.feed(text)
    scanner.close()
    return scanner.found, scanner.junk


def log_unreadable(log: AnomalyLog, offset: int, text: bytes) -> None:
    """Log ``text`` as ``not-object`` if it is JSON of another type, else as ``not-json``."""
    # The text may be several values of an array, with commas between them.
    other = len(text) < _MAX_JUNK and (is_json(text) or is_json(b"[" + text.strip(b" \t\r\n,[]") + b"]"))
    log.add("not-object" if other else "not-json", offset, text)


def repair_text(log: AnomalyLog, offset: int, raw: bytes) -> bytes:
    """``raw`` itself if it is standard JSON in UTF-8; otherwise a repaired copy. Each repair is logged.

    Args:
        log: collects ``invalid-utf8`` and ``control-character``.
        offset: where in the body ``raw`` begins, in bytes.
        raw: one JSON value, as :func:`is_json` accepts it.
    """
    text = clean_utf8(raw)
    if text is not raw:
        log.add("invalid-utf8", offset)
    escaped = escape_controls(text)
    if escaped is not text:
        log.add("control-character", offset)
    return escaped


class JsonStream:
    """The reader for a body that begins with a brace or a bracket.

    Args:
        log: collects the anomalies: ``not-json``, ``not-object``, ``invalid-utf8``, ``control-character``,
            ``mixed-framing``, ``unterminated``.
        max_event: the maximum size of an object in bytes.
        start: the offset of the first byte in the body.
    """

    def __init__(self, log: AnomalyLog, max_event: int, start: int = 0) -> None:
        self._log = log
        self._max = max_event
        self._scanner = ObjectScanner(start)
        self._end = start

    def feed_into(self, piece: bytes, items: list[Item]) -> None:
        """Append the objects this piece completes to ``items``.

        Raises:
            WireError: an object is larger than ``max_event``; the objects before it are in ``items``.
        """
        self._end += len(piece)
        self._scanner.feed(piece)
        self._collect(items)
        if self._scanner.open_size > self._max:
            raise event_too_large(self._max)

    def close_into(self, items: list[Item]) -> None:
        """End the input: an unfinished object is logged."""
        still_open = self._scanner.close()
        self._collect(items)
        if still_open:
            self._log.add("unterminated", self._end)

    def _collect(self, items: list[Item]) -> None:
        found, junk = self._scanner.found, self._scanner.junk
        self._scanner.found, self._scanner.junk = [], []
        if not junk:
            for offset, raw in found:
                self._add_item(offset, raw, items)
            return
        # Sorted by offset, so that the order does not depend on how the body was cut into pieces.
        both = [(offset, raw, True) for offset, raw in found] + [(offset, raw, False) for offset, raw in junk]
        for offset, raw, is_object in sorted(both, key=itemgetter(0)):
            if is_object:
                self._add_item(offset, raw, items)
            else:
                self._log_junk(offset, raw)

    def _add_item(self, offset: int, raw: bytes, items: list[Item]) -> None:
        if len(raw) > self._max:
            raise event_too_large(self._max)
        text = repair_text(self._log, offset, raw)
        items.append(Item(text, offset, text is raw))

    def _log_junk(self, offset: int, raw: bytes) -> None:
        if raw == b"data:":
            # The body starts as plain JSON and continues as events.
            self._log.add("mixed-framing", offset)
        elif raw:
            log_unreadable(self._log, offset, raw)
