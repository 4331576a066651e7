"""Marks in a rendered answer: superscript numbers of sources behind the passages that they support.

A mark stands between two constructs of inline Markdown: never inside a word, a link, code, a formula or an entity. The
parser pushes a token without text when it stands at the place, so everything else of the HTML stays as it is.

1. An offset that is inside a word, or between the parts of one character, moves to its end; spaces before it are skipped.
2. An offset belongs to the last inline token that begins before it. Behind the end of the token, such as in a fence, it
   belongs to the end of the token. An offset before all of them, such as in a fence at the beginning of the text, belongs to
   the beginning of the first one.
3. The parser places a mark where it next stands at or behind its offset, outside of links.

Marks are known when an answer has ended, so they are only in its last rendering.
"""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_left, bisect_right
from html import escape
from itertools import accumulate
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from markdown_it.rules_inline import text as library_text
from markdown_it.token import Token

from .delimiters import is_cjk
from .sanitize import link_allowed

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from markdown_it.rules_inline import StateInline

__all__ = [
    "MarkPlaces",
    "MarkTarget",
    "SourceMark",
    "place_marks",
    "render_source_mark",
    "source_mark",
    "source_mark_html",
    "text_until_mark",
]

_TASK: Final = re.compile(r"\[[ xX]\]\s")
_JOINING: Final = frozenset("\u200d\ufe0e\ufe0f\u20e3") | {chr(code) for code in range(0x1F3FB, 0x1F400)}
_FLAG_LETTERS: Final = range(0x1F1E6, 0x1F200)
_TITLE: Final = 200  # characters of a title
_LONGEST: Final = 200  # characters of a word; a longer one is divided


class MarkTarget(NamedTuple):
    """A source that a mark names.

    Attributes:
        number: the number that is shown.
        uri: where a click leads; ignored unless the link is allowed.
        title: the tooltip.
    """

    number: int
    uri: str = ""
    title: str = ""


class SourceMark(NamedTuple):
    """A mark.

    Attributes:
        offset: its place, in characters of the text.
        targets: the sources that it names.
    """

    offset: int
    targets: tuple[MarkTarget, ...]


class _Marks:
    """The marks of one inline token in the order of their positions.

    Args:
        due: the marks, each with its position in the content of the token, in ascending order.

    Attributes:
        placed: the marks that were placed, each with its position.
        text_end: where the stretch of text ends that was measured last.
    """

    def __init__(self, due: list[tuple[int, SourceMark]]) -> None:
        self._due = due
        self._next = 0
        self.placed: list[tuple[SourceMark, int]] = []
        self.text_end = 0

    @property
    def next(self) -> int | None:
        """The position of the next mark, or None."""
        return self._due[self._next][0] if self._next < len(self._due) else None

    def move(self, position: int) -> None:
        """Move the marks before a position to it."""
        at = self._next
        while at < len(self._due) and self._due[at][0] < position:
            self._due[at] = position, self._due[at][1]
            at += 1

    def take(self, position: int) -> list[Token]:
        """The tokens of the marks that are due at a position."""
        tokens = []
        while self._next < len(self._due) and self._due[self._next][0] <= position:
            mark = self._due[self._next][1]
            self._next += 1
            self.placed.append((mark, position))
            tokens.append(Token("source_mark", "", 0, meta={"mark": mark}))
        return tokens


class MarkPlaces:
    """The marks of a text.

    Attributes:
        by_token: the marks of each inline token, by the identity of the token.
    """

    def __init__(self) -> None:
        self.by_token: dict[int, _Marks] = {}
        self._starts: dict[int, _Lines] = {}

    def add(self, token: Token, lines: _Lines, due: list[tuple[int, SourceMark]]) -> None:
        """Add the marks of a token."""
        self.by_token[id(token)] = _Marks(due)
        self._starts[id(token)] = lines

    def in_source(self) -> list[tuple[int, SourceMark]]:
        """The marks with the characters of the source behind which they were placed, in ascending order."""
        found = [
            (self._starts[token].to_source(position), mark)
            for token, marks in self.by_token.items()
            for mark, position in marks.placed
        ]
        return sorted(found, key=lambda place: place[0])


class _Lines:
    r"""Where the lines of an inline token's content stand in the source.

    Args:
        content: where each line begins in the content.
        source: where each line begins in the source.
        escapes: positions in the content before which the source has one more character (``\|`` in a table).
        length: of the content.
    """

    def __init__(self, content: list[int], source: list[int], escapes: Sequence[int], length: int) -> None:
        self._content, self._source, self._escapes, self.length = content, source, escapes, length
        self.begin = source[0]

    def to_content(self, offset: int) -> int:
        """The position in the content that belongs to a character of the source."""
        line = max(0, bisect_right(self._source, offset) - 1)
        position = self._content[line] + max(0, offset - self._source[line])
        # Each escape before the position makes the source one character longer.
        position -= bisect_left([at + number for number, at in enumerate(self._escapes)], position)
        end = self._content[line + 1] - 1 if line + 1 < len(self._content) else self.length
        return max(0, min(position, end))

    def to_source(self, position: int) -> int:
        """The character of the source that belongs to a position in the content."""
        line = max(0, bisect_right(self._content, position) - 1)
        return self._source[line] + position - self._content[line] + bisect_left(self._escapes, position)


def place_marks(tokens: Sequence[Token], source: str, marks: Iterable[SourceMark]) -> MarkPlaces:
    """Find the positions of marks in the content of inline tokens.

    Args:
        tokens: the block tokens of the source.
        source: the text of which the offsets of the marks count the characters.
        marks: the marks.
    """
    places = MarkPlaces()
    inline = _inline_lines(tokens, source)
    begins = [lines.begin for _, lines in inline]
    due: dict[int, list[tuple[int, SourceMark]]] = {}
    for mark in sorted(marks, key=lambda mark: mark.offset):
        offset = _outside_word(source, min(mark.offset, len(source)))
        index = bisect_left(begins, offset) - 1
        if index >= 0:
            token, lines = inline[index]
            due.setdefault(index, []).append((_position(token.content, lines.to_content(offset)), mark))
        elif inline:
            due.setdefault(0, []).append((_position(inline[0][0].content, 0), mark))
    for index, positions in due.items():
        places.add(*inline[index], sorted(positions, key=lambda place: place[0]))
    return places


def _inline_lines(tokens: Sequence[Token], source: str) -> list[tuple[Token, _Lines]]:
    """The inline tokens with a text, each with the places of its lines, in the order of the source."""
    rows = source.split("\n")
    starts = list(accumulate((len(row) + 1 for row in rows), initial=0))
    cursors: dict[int, int] = {}  # by row: where the next cell of a table may begin
    found = []
    for place, token in enumerate(tokens):
        if token.type != "inline" or token.map is None or not token.content:
            continue
        cell = place > 0 and tokens[place - 1].type in {"td_open", "th_open"}
        content, lines, at = [], [], 0
        for number, line in enumerate(token.content.split("\n"), token.map[0]):
            text = line.strip()
            row = rows[number] if number < len(rows) else ""
            column = _column(row, text, cursors.get(number, 0), cell=cell)
            if column < 0 and number + 1 < min(token.map[1], len(rows)):  # a summary below its tag
                number += 1  # noqa: PLW2901 - the text is one line
                column = _column(rows[number], text, 0, cell=False)
            content.append(at + len(line) - len(line.lstrip()))
            lines.append(starts[min(number, len(rows) - 1)] + max(0, column))
            if cell:
                cursors[number] = max(0, column) + len(text) + text.count("|")
            at += len(line) + 1
        if content:
            escapes = [at for at, char in enumerate(token.content) if char == "|"] if cell else []
            found.append((token, _Lines(content, lines, escapes, len(token.content))))
    return sorted(found, key=lambda each: each[1].begin)


def _column(row: str, text: str, cursor: int, *, cell: bool) -> int:
    """Where a text begins in a line of the source; -1 if it is not there."""
    if cell:
        return row.find(text.replace("|", "\\|"), cursor)
    whole = row.rstrip()
    return len(whole) - len(text) if whole.endswith(text) else row.find(text)


def _outside_word(text: str, offset: int) -> int:
    """The end of the word or character that an offset is inside of; otherwise the offset behind the last text before it."""
    offset = _end_of_word(text, offset)
    while offset > 0 and text[offset - 1].isspace():
        offset -= 1
    return offset


def _end_of_word(text: str, offset: int) -> int:
    end = min(len(text), offset + _LONGEST)
    while 0 < offset < end and _is_inside(text, offset):
        offset += 1
    return offset


def _is_inside(text: str, offset: int) -> bool:
    before, after = text[offset - 1], text[offset]
    if after in _JOINING or before == "\u200d" or unicodedata.category(after)[0] == "M":
        return True
    if ord(before) in _FLAG_LETTERS and ord(after) in _FLAG_LETTERS:
        begin = offset
        while begin > max(0, offset - _LONGEST) and ord(text[begin - 1]) in _FLAG_LETTERS:
            begin -= 1
        return (offset - begin) % 2 == 1
    words = (before.isalnum() or before == "_") and (after.isalnum() or after == "_")
    return words and not (is_cjk(before) or is_cjk(after))


def _position(content: str, position: int) -> int:
    """A position behind the box of a task, which is only a box before a space."""
    if position <= len("[ ] ") and _TASK.match(content):
        return len(content)
    return _outside_word(content, position)


# -- rules of the inline parser


def _marks_of(state: StateInline) -> _Marks | None:
    marks: dict[int, _Marks] | None = state.env.get("source_marks")
    return marks.get(id(state.tokens)) if marks else None


def source_mark(state: StateInline, silent: bool) -> bool:
    """Place the marks that are due where the parser stands; consumes nothing."""
    marks = None if silent or state.linkLevel else _marks_of(state)
    if marks is None or marks.next is None or marks.next > state.pos:
        return False
    text, at = state.src, state.pos
    if text.startswith("://", at):  # the scheme before it may belong to an address
        return False
    end = _end_of_word(text, at)
    if at < end < at + _LONGEST:
        marks.move(end)
        return False
    for token in marks.take(at):
        state.push(token.type, token.tag, 0).meta = token.meta
    return False


def text_until_mark(state: StateInline, silent: bool) -> bool:
    """Parse text with the library's rule, but only until the next mark.

    Each stretch of text is measured once, as the time would be quadratic in the number of its marks otherwise.
    """
    marks = None if silent else _marks_of(state)
    due = None if marks is None else marks.next
    if marks is None or due is None or due <= state.pos:
        return library_text(state, silent)
    start = state.pos
    if start >= marks.text_end:
        if not library_text(state, True):
            return False
        marks.text_end = state.pos
    state.pos = min(marks.text_end, due)
    state.pending += state.src[start : state.pos]
    return True


def render_source_mark(_self: Any, tokens: Sequence[Token], idx: int, _options: Any, _env: Any) -> str:
    """Render a mark: its numbers, each a link where its source has an address."""
    return source_mark_html(tokens[idx].meta["mark"])


def source_mark_html(mark: SourceMark) -> str:
    """The HTML of a mark, not sanitized."""
    return f'<sup class="gm-cite">{" ".join(map(_target_html, mark.targets))}</sup>'


def _target_html(target: MarkTarget) -> str:
    title = f' title="{escape(target.title[:_TITLE])}"' if target.title else ""
    if not link_allowed(target.uri):
        return str(target.number)
    return f'<a href="{escape(target.uri)}"{title}>{target.number}</a>'
