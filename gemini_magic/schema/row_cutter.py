"""Cuts the elements of an array out of a JSON text that is still growing, and accepts the usual mistakes of models in JSON.

The text is read once, in pieces of any size. A regular expression jumps from bracket to bracket and a search to the end of
each string, so the time is linear and small. What surrounds the array is skipped: prose, code fences, other members of an
object. A row that is not valid JSON is a row too, with its text, and the rows after it are read.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final, NamedTuple

from ..text import MAX_DEPTH

__all__ = ["MAX_ROW", "CutRow", "RowCutter"]

MAX_ROW: Final = 1_000_000
"""Characters of a row that are kept. The rest of a longer row is skipped, and the row is not valid."""

_MAX_KEY: Final = 200  # characters of a key that are compared with the path
_BRACKET: Final = re.compile(r'["{}\[\]]')
_SIGN: Final = re.compile(r'["{}\[\]:,]')
_BEGIN: Final = re.compile(r"[\[{]")
_GAP: Final = re.compile(r"[\s,]*")
_SPACE: Final = re.compile(r"\s*")
_WORD: Final = re.compile(r'[^\s,\[\]{}"]*')
_LITERAL: Final = re.compile(r"true|false|null|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?|-?(?:NaN|Infinity)")


class CutRow(NamedTuple):
    """One element of the array.

    Attributes:
        start, end: the range of characters of the whole text.
        line: the line of the whole text on which it begins, from 1.
        text: its JSON text, at most :data:`MAX_ROW` characters.
        problem: why it must not be parsed; empty if it may be JSON.
    """

    start: int
    end: int
    line: int
    text: str
    problem: str = ""


class RowCutter:
    """Cuts rows out of a growing text.

    Rows are the elements of the first array, at the top of the text or under the path, or a sequence of objects without
    an array (NDJSON).

    Args:
        path: the keys of the objects that contain the array, from the outside to the inside; empty for an array at the top.
        objects: whether rows are objects. Then an array begins only where an object follows the bracket, so that ``[1]`` in
            prose does not begin one, and text between rows is skipped.

    Attributes:
        found: whether the array has begun.
        begin: how many characters of the text are before it.
        ended: whether the array has ended, so that the rest of the text is ignored.
    """

    def __init__(self, path: Sequence[str] = (), *, objects: bool = True) -> None:
        self._path = tuple(path)
        self._objects = objects
        self._state = self._seek
        self._base = 0  # characters of all pieces before the current one
        self._line, self._counted = (
            1,
            0,
        )  # the line, and up to where in the current piece line ends are counted
        self._rows: list[CutRow] = []
        self._cut = 0  # rows so far
        self._array = False  # whether the rows are in an array
        self._fresh = True  # only space so far on the current line
        # The row that is open.
        self._start, self._start_line = 0, 1
        self._pieces: list[str] = []
        self._size = 0
        self._stack: list[str] = []
        self._deeper = 0  # brackets that are open above the maximum depth
        self._too_deep = self._in_string = self._escaped = False
        # The place in an object that surrounds the array.
        self._depth = 0
        self._off_path = 0  # the depth at which it left the path; 0 on the path
        self._keys: list[str] = []
        self._key: list[str] | None = None  # the pieces of a string that may be a key
        self._last = ""  # the last string
        self.found = self.ended = False
        self.begin = 0

    def feed(self, text: str) -> list[CutRow]:
        """Read the next piece of the text; return the rows that it completes."""
        at, self._counted, self._rows = 0, 0, []
        while at < len(text) and not self.ended:
            at = self._state(text, at)
        self._count_lines(text, len(text))
        self._base += len(text)
        return self._rows

    def open_text(self, limit: int = MAX_ROW) -> str:
        """The first ``limit`` characters of the row that is not complete; empty between rows."""
        found: list[str] = []
        for piece in self._pieces:
            found.append(piece)
            limit -= len(piece)
            if limit <= 0:
                break
        text = "".join(found)
        return text[:limit] if limit < 0 else text

    @property
    def open_row(self) -> CutRow | None:
        """The row that is not complete; None between rows. A word between objects is not a row."""
        if not self._pieces or (self._objects and self._state == self._word):
            return None
        return CutRow(self._start, self._base, self._start_line, self.open_text())

    @property
    def complete(self) -> bool:
        """Whether the array has ended; of a sequence without an array, whether the text may end here."""
        return self.ended or (self.found and not self._array and self.open_row is None)

    # -- before the array

    def _seek(self, text: str, at: int) -> int:
        if not self._objects and not self._path:
            return self._seek_line(text, at)
        found = _BEGIN.search(text, at)
        if found is None:
            return len(text)
        self._mark(text, found.start())
        self._state = self._after_bracket if found[0] == "[" else self._after_brace
        return found.end()

    def _seek_line(self, text: str, at: int) -> int:
        """Find the array as the first thing on a line: text such as ``[1]`` in prose is not one."""
        if not self._fresh:
            end = text.find("\n", at) + 1
            self._fresh = bool(end)
            return end or len(text)
        at = _match_end(_SPACE, text, at)
        if at < len(text):
            if text[at] == "[":
                self._mark(text, at)
                self._begin_array()
                return at + 1
            self._fresh = False
        return at

    def _after_bracket(self, text: str, at: int) -> int:
        at = _match_end(_SPACE, text, at)
        if at < len(text):
            if text[at] in "{]/":  # or a comment
                self._begin_array()
            else:
                self._state = self._seek
        return at

    def _after_brace(self, text: str, at: int) -> int:
        at = _match_end(_SPACE, text, at)
        if at == len(text):
            return at
        if text[at] not in "\"'":
            self._state = self._between if self.found else self._seek
        elif self._path:
            self._depth, self._off_path, self._keys, self._state = 1, 0, [], self._walk
        else:
            self.found, self.begin = True, self._start
            self._begin_row("{")
        return at

    def _begin_array(self) -> None:
        self._array = self.found = True
        self.begin = self._start
        self._state = self._between

    # -- in an object around the array

    def _walk(self, text: str, at: int) -> int:
        """Read the members of the objects around the array; what is on other paths is skipped."""
        if self._in_string:
            return self._walk_string(text, at)
        found = _SIGN.search(text, at)
        if found is None:
            return len(text)
        sign = found[0]
        if sign == '"':
            self._in_string = True
            self._key = None if self._off_path else []
        elif sign in "{[":
            self._walk_into(sign)
        elif sign in "}]":
            self._depth -= 1
            if self._depth < self._off_path:
                self._off_path = 0
            if not self._depth:
                self._state = self._seek
        elif sign == ":" and not self._off_path:
            self._keys[self._depth - 1 :] = [self._last]
        return found.end()

    def _walk_string(self, text: str, at: int) -> int:
        end = self._skip_string(text, at)
        if self._key is not None:
            if sum(map(len, self._key)) <= _MAX_KEY:
                self._key.append(text[at:end])
            if not self._in_string:
                self._last, self._key = "".join(self._key)[:-1], None
        return end

    def _walk_into(self, sign: str) -> None:
        on_path = not self._off_path and tuple(self._keys) == self._path[: self._depth]
        if on_path and sign == "[" and self._depth == len(self._path):
            self._begin_array()
            return
        self._depth += 1
        if not self._off_path and not (on_path and sign == "{" and self._depth <= len(self._path)):
            self._off_path = self._depth

    # -- between rows

    def _between(self, text: str, at: int) -> int:
        if not self._array:
            return self._between_objects(text, at)
        at = _match_end(_GAP, text, at)
        if at == len(text):
            return at
        sign = text[at]
        if sign in '{["':
            self._mark(text, at)
            self._begin_row(sign)
            return at + 1
        if sign == "]":
            self._end_array()
        elif sign == "#":
            self._state = self._line_comment
        elif sign == "/":
            self._state = self._after_slash
        elif sign != "}":
            self._mark(text, at)
            self._state = self._word
            return at
        return at + 1

    def _between_objects(self, text: str, at: int) -> int:
        """Between the objects of NDJSON."""
        at = text.find("{", at)
        if at < 0:
            return len(text)
        self._mark(text, at)
        self._state = self._after_brace
        return at + 1

    def _end_array(self) -> None:
        """End the array. An empty one may be an example in prose, so another one may follow it."""
        self.ended = bool(self._cut or self._path)
        self._array = self.found = self.ended
        self._state = self._seek

    def _after_slash(self, text: str, at: int) -> int:
        self._state = {"/": self._line_comment, "*": self._block_comment}.get(text[at], self._between)
        return at if self._state == self._between else at + 1

    def _line_comment(self, text: str, at: int) -> int:
        end = text.find("\n", at) + 1
        if not end:
            return len(text)
        self._state = self._between
        return end

    def _block_comment(self, text: str, at: int) -> int:
        """Skip to ``*/``; the star may be in an earlier piece."""
        if self._escaped and text[at] == "/":
            self._escaped, self._state = False, self._between
            return at + 1
        self._escaped = False
        end = text.find("*/", at)
        if end < 0:
            self._escaped = text.endswith("*")
            return len(text)
        self._state = self._between
        return end + 2

    def _word(self, text: str, at: int) -> int:
        """Read a number or another literal, or skip any other word."""
        end = _match_end(_WORD, text, at)
        self._keep(text[at:end])
        if end == len(text):
            return end
        word = self.open_text()
        if self._objects and not _LITERAL.fullmatch(word):
            self._drop()
        else:
            self._finish(self._base + end)
        return end

    # -- in a row

    def _mark(self, text: str, at: int) -> None:
        """Note where a row may begin."""
        self._count_lines(text, at)
        self._start, self._start_line = self._base + at, self._line

    def _begin_row(self, sign: str) -> None:
        """Begin a row after its first character."""
        self._keep(sign)
        if sign == '"':
            self._in_string, self._state = True, self._string_row
        else:
            self._stack, self._state = [sign], self._row

    def _row(self, text: str, at: int) -> int:
        start = at
        while at < len(text):
            if self._in_string:
                at = self._skip_string(text, at)
                continue
            found = _BRACKET.search(text, at)
            if found is None:
                at = len(text)
                break
            at, sign = found.end(), found[0]
            if sign == '"':
                self._in_string = True
            elif sign in "{[":
                self._open(sign)
            elif self._close("{" if sign == "}" else "["):
                self._keep(text[start:at])
                self._finish(self._base + at)
                return at
        self._keep(text[start:at])
        return at

    def _string_row(self, text: str, at: int) -> int:
        end = self._skip_string(text, at)
        self._keep(text[at:end])
        if not self._in_string:
            self._finish(self._base + end)
        return end

    def _open(self, sign: str) -> None:
        if len(self._stack) < MAX_DEPTH:
            self._stack.append(sign)
        else:
            self._deeper += 1
            self._too_deep = True

    def _close(self, opening: str) -> bool:
        """Close a bracket; return whether the row is complete.

        A brace also closes lists that were left open in it. A bracket that closes nothing is ignored.
        """
        stack = self._stack
        if self._deeper:
            self._deeper -= 1
        elif stack[-1] == opening:
            stack.pop()
        elif opening == "{" and opening in stack:
            while stack.pop() != opening:
                pass
        return not stack

    def _skip_string(self, text: str, at: int) -> int:
        """Return the position after the end of the string, or the end of the piece if the string continues."""
        if self._escaped:
            self._escaped = False
            at += 1
        while True:
            end = text.find('"', at)
            stop = len(text) if end < 0 else end
            odd = False
            if stop > at and text[stop - 1] == "\\":
                part = text[at:stop]
                odd = bool((len(part) - len(part.rstrip("\\"))) & 1)
            if end < 0:
                self._escaped = odd
                return stop
            at = end + 1
            if not odd:
                self._in_string = False
                return at

    def _keep(self, piece: str) -> None:
        room = MAX_ROW - self._size
        self._size += len(piece)
        if room > 0 and piece:
            self._pieces.append(piece if len(piece) <= room else piece[:room])

    def _finish(self, end: int) -> None:
        problem = ""
        if self._size > MAX_ROW:
            problem = f"it is longer than {MAX_ROW:,} characters"
        elif self._too_deep:
            problem = f"it is nested more than {MAX_DEPTH} levels deep"
        text = self._pieces[0] if len(self._pieces) == 1 else "".join(self._pieces)
        self._rows.append(CutRow(self._start, end, self._start_line, text, problem))
        self._cut += 1
        self._drop()

    def _drop(self) -> None:
        self._pieces, self._size, self._stack = [], 0, []
        self._deeper, self._too_deep, self._in_string = 0, False, False
        self._state = self._between

    def _count_lines(self, text: str, at: int) -> None:
        self._line += text.count("\n", self._counted, at)
        self._counted = at


def _match_end(pattern: re.Pattern[str], text: str, at: int) -> int:
    """The end of a match at a position, for a pattern that also matches nothing."""
    found = pattern.match(text, at)
    return at if found is None else found.end()
