"""Colours code that is still being typed: each new line once, and a few lines before it again.

It knows Pygments and nothing of Markdown. It may be wrong where a lexer looks far back or ahead (a string that ends ten
lines later); who uses it colours the whole code once it is complete.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any, Final

from .highlight import lexer_of, painted, within_reason

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Colours"]

_BACK: Final = 3  # lines that are read again with each new one
_RECENT: Final = 8_000  # characters that are read again at most, however long the tokens are
_MOST: Final = 150_000  # characters, as for complete code
_BEFORE: Final = {"json": "{\n"}  # what makes sense of a line that stands alone

_Mark = tuple[int, int, list[str]]  # offset in the recent source, number of the line, the lexer's states


class Colours:
    """The coloured lines of growing code.

    Attributes:
        lines: HTML of each complete line, its line end included.
        alive: whether it goes on; otherwise the code is to be shown plain.
    """

    def __init__(self, language: str) -> None:
        self.lines: list[str] = []
        self._size = 0
        self._recent = ""  # the source since the first of the marks
        self._marks: deque[_Mark] = deque([(0, 0, ["root"])], _BACK + 1)  # where one may begin again
        self._lexer: Any = None
        self._resumes = False
        self._before = _BEFORE.get(language, "")
        self.alive = False
        try:
            self._lexer = lexer_of(language)
            self._resumes = self._lexer is not None and _resumes(self._lexer)
            self.alive = self._lexer is not None
        except Exception:  # noqa: BLE001 - a lexer that cannot be made; plain code is the answer then
            return

    def grow(self, code: str) -> None:
        """Take more complete lines."""
        self._size += len(code)
        self.alive = self.alive and self._size <= _MOST and within_reason(code)
        if not self.alive or not code:
            return
        try:
            self._grow(code)
        except Exception:  # noqa: BLE001 - any lexer may fail on any text
            self.alive = False

    def peek(self, code: str) -> list[str]:
        """Return the HTML of the lines that are not complete yet, after those that are."""
        if not within_reason(code):
            self.alive = False
        try:
            at, line, states = self._marks[-1]
            text = self._recent[at:] + code
            shown = painted(self._tokens(text, states)) if self._resumes else self._alone(code)
            return shown[len(self.lines) - line :] if self._resumes else shown
        except Exception:  # noqa: BLE001 - any lexer may fail on any text
            return []

    def _alone(self, code: str) -> list[str]:
        """Colour some lines as if there were no others: most lexers that cannot resume know no states."""
        tokens = list(self._lexer.get_tokens(self._before + code))
        if "".join(text for _, text in tokens) != self._before + code:
            raise ValueError("the lexer changes the text")
        return painted(tokens)[self._before.count("\n") :]

    def _grow(self, code: str) -> None:
        if not self._resumes:
            self.lines += self._alone(code)
            return
        _, line, states = self._marks[0]
        text = self._recent + code
        self._marks = deque([(0, line, states)], _BACK + 1)
        self.lines[line:] = painted(self._tokens(text, states, self._marks))
        if len(text) > _RECENT:
            self._marks = deque([self._marks[-1]], _BACK + 1)
        first = self._marks[0][0]
        self._recent = text[first:]
        self._marks = deque(((at - first, line, stack) for at, line, stack in self._marks), _BACK + 1)

    def _tokens(
        self, text: str, states: list[str], marks: deque[_Mark] | None = None
    ) -> Iterator[tuple[Any, str]]:
        """Read text that begins in a state; note in ``marks`` where a line and a token begin together.

        Pygments' lexer with a context does what the plain one does, and lets its states be seen on the way.
        """
        from pygments.lexer import ExtendedRegexLexer, LexerContext  # noqa: PLC0415 - comes with the lexers

        context = LexerContext(text, 0, [*states])
        line = marks[0][1] if marks else 0
        at = 0
        for index, kind, value in ExtendedRegexLexer.get_tokens_unprocessed(self._lexer, context=context):
            if index != at:
                raise ValueError("the lexer skips text")
            if marks is not None and 0 < index == context.pos and text[index - 1] == "\n":
                marks.append((index, line, [*context.stack]))
            yield kind, value
            at += len(value)
            line += value.count("\n")
        if at != len(text):
            raise ValueError("the lexer drops text")
        if marks is not None:
            marks.append((at, line, [*context.stack]))


def _resumes(lexer: Any) -> bool:
    """Say whether a lexer is the plain kind, whose states are all there is to know."""
    from pygments.lexer import RegexLexer  # noqa: PLC0415 - comes with the lexers

    return getattr(type(lexer), "get_tokens_unprocessed", None) is RegexLexer.get_tokens_unprocessed
