"""Highlights code that is still growing: each new line once, and a few lines before it again.

It knows Pygments and nothing of Markdown. The result may be wrong where a lexer looks far back or ahead, such
as a string that ends ten lines later. The caller therefore highlights the whole code once it is complete.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any, Final

from .highlight import find_lexer, html_lines, is_short_enough, within_time

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["LiveHighlighter"]

_LINES_AGAIN: Final = 3  # lines that are lexed again with each new one
_MAX_AGAIN: Final = 8_000  # characters that are lexed again at most, however long the tokens are
_MAX_LENGTH: Final = 150_000  # characters, as for complete code
_CONTEXT: Final = {"json": "{\n"}  # put before lines that are lexed alone, so that the lexer understands them

_Checkpoint = tuple[int, int, list[str]]  # offset in the recent source, line number, stack of lexer states


class LiveHighlighter:
    """The highlighted lines of growing code.

    Args:
        language: in lower case.

    Attributes:
        lines: HTML of each complete line, with its line end.
        active: whether the code can be highlighted; otherwise it is to be shown plain.
    """

    def __init__(self, language: str) -> None:
        self.lines: list[str] = []
        self._size = 0
        self._recent = ""  # the source since the first checkpoint
        self._checkpoints: deque[_Checkpoint] = deque(
            [(0, 0, ["root"])], _LINES_AGAIN + 1
        )  # where the lexer can resume
        self._lexer: Any = None
        self._can_resume = False
        self._context = _CONTEXT.get(language, "")
        self.active = False
        try:
            self._lexer = find_lexer(language)
            self._can_resume = self._lexer is not None and _can_resume(self._lexer)
            self.active = self._lexer is not None
        except Exception:  # noqa: BLE001 - without a lexer the code stays plain
            return

    def feed(self, code: str) -> None:
        """Add complete lines."""
        self._size += len(code)
        self.active = self.active and self._size <= _MAX_LENGTH and is_short_enough(code)
        if not self.active or not code:
            return
        try:
            self._add_lines(code)
        except Exception:  # noqa: BLE001 - any lexer may fail on any text
            self.active = False

    def preview(self, code: str) -> list[str]:
        """Return the HTML of the lines that follow the complete ones and are not complete yet."""
        if not is_short_enough(code):
            self.active = False
        try:
            at, line, states = self._checkpoints[-1]
            text = self._recent[at:] + code
            shown = html_lines(self._lex(text, states)) if self._can_resume else self._highlight_alone(code)
            return shown[len(self.lines) - line :] if self._can_resume else shown
        except TimeoutError:
            self.active = False
            return []
        except Exception:  # noqa: BLE001 - any lexer may fail on any text
            return []

    def _highlight_alone(self, code: str) -> list[str]:
        """Highlight lines without those before them: most lexers that cannot resume have no states."""
        code_length = len(self._context) + len(code)
        tokens = list(within_time(self._lexer.get_tokens(self._context + code), code_length))
        if "".join(text for _, text in tokens) != self._context + code:
            raise ValueError("the lexer changes the text")
        return html_lines(tokens)[self._context.count("\n") :]

    def _add_lines(self, code: str) -> None:
        if not self._can_resume:
            self.lines += self._highlight_alone(code)
            return
        _, line, states = self._checkpoints[0]
        text = self._recent + code
        self._checkpoints = deque([(0, line, states)], _LINES_AGAIN + 1)
        self.lines[line:] = html_lines(self._lex(text, states, self._checkpoints))
        if len(text) > _MAX_AGAIN:
            self._checkpoints = deque([self._checkpoints[-1]], _LINES_AGAIN + 1)
        first = self._checkpoints[0][0]
        self._recent = text[first:]
        self._checkpoints = deque(
            ((at - first, line, stack) for at, line, stack in self._checkpoints), _LINES_AGAIN + 1
        )

    def _lex(
        self, text: str, states: list[str], checkpoints: deque[_Checkpoint] | None = None
    ) -> Iterator[tuple[Any, str]]:
        """Lex text that begins in these states; add to ``checkpoints`` where a line and a token begin together.

        Pygments' lexer with a context yields the same tokens as the plain one and exposes its states on the
        way.

        Raises:
            ValueError: the lexer skips or drops text.
        """
        from pygments.lexer import ExtendedRegexLexer, LexerContext  # noqa: PLC0415 - comes with the lexers

        context = LexerContext(text, 0, [*states])
        line = checkpoints[0][1] if checkpoints else 0
        at = 0
        lexed = ExtendedRegexLexer.get_tokens_unprocessed(self._lexer, context=context)
        for index, kind, value in within_time(lexed, len(text)):
            if index != at:
                raise ValueError("the lexer skips text")
            if checkpoints is not None and 0 < index == context.pos and text[index - 1] == "\n":
                checkpoints.append((index, line, [*context.stack]))
            yield kind, value
            at += len(value)
            line += value.count("\n")
        if at != len(text):
            raise ValueError("the lexer drops text")
        if checkpoints is not None:
            checkpoints.append((at, line, [*context.stack]))


def _can_resume(lexer: Any) -> bool:
    """Return whether a lexer is of the plain kind, whose states are all that it remembers."""
    from pygments.lexer import RegexLexer  # noqa: PLC0415 - comes with the lexers

    return getattr(type(lexer), "get_tokens_unprocessed", None) is RegexLexer.get_tokens_unprocessed
