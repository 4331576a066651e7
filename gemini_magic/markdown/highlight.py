"""Highlights source code: returns escaped HTML in which elements and span classes mark the tokens.

It knows Pygments and nothing of Markdown. Code in an unknown language, or too long, stays plain.
"""

from __future__ import annotations

import re
from collections import OrderedDict
from functools import cache, lru_cache
from html import escape
from threading import Lock
from time import thread_time
from typing import TYPE_CHECKING, Any, Final, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

__all__ = [
    "find_lexer",
    "highlight",
    "html_lines",
    "is_short_enough",
    "language_of",
    "split_lines",
    "within_time",
]

_MAX_LENGTH: Final = 150_000  # characters; Pygments takes about 1.2 ms per 1000 (Python), so 0.2 s at worst
_MAX_LINE: Final = 5_000  # characters; some lexers are slow with minified lines
# The time of the processor that highlighting may take: some lexers are quadratic for hostile code, such as Markdown of
# fences without an end. Ordinary code takes 0.5 to 3 µs a character.
_MIN_SECONDS: Final = 0.05
_SECONDS_PER_CHARACTER: Final = 10e-6
# Code is rendered several times: while it arrives, for the saved HTML, and when it is shown again. The time differs, but
# the decision must not, so it is remembered for code that takes a tenth of the limit or more.
_DOUBTFUL_SECONDS: Final = _MIN_SECONDS / 10
_MAX_DECISIONS: Final = 1_000
_AGAIN: Final = 100  # times the limit for code that was highlighted before
_Token = TypeVar("_Token")
_NOT_IN_NAME: Final = re.compile(r"[^A-Za-z0-9_+#.-]")


def language_of(info: str) -> str:
    """Return the language that a fence's info string names, in lower case; ``""`` if it names no language.

    ``{.python}`` and ``python title="x"`` both name python. At most 40 characters of ``[A-Za-z0-9_+#.-]`` are
    kept, because the language becomes part of a class name.
    """
    first = info.strip().split(maxsplit=1)[:1]
    name = _NOT_IN_NAME.sub("", first[0].removeprefix("{").lstrip(".")) if first else ""
    return name[:40].lower()


@cache
def _lexer_names() -> Mapping[str, str]:
    """Return the lexer's name for each alias, built-in lexers only.

    Pygments' own lookup asks installed plugins if it finds no lexer. That is slow, and it would load
    third-party code because an answer named a language.
    """
    from pygments.lexers import get_all_lexers  # noqa: PLC0415 - takes 10 ms; the first code block needs it

    return {alias.lower(): name for name, aliases, _, _ in get_all_lexers(plugins=False) for alias in aliases}


@lru_cache(maxsize=64)
def find_lexer(language: str) -> Any:
    """Return the lexer of a language, None if the language is unknown."""
    from pygments.lexers import find_lexer_class  # noqa: PLC0415 - see above

    name = _lexer_names().get(language)
    found = find_lexer_class(name) if name else None
    return found(stripnl=False, ensurenl=False) if found else None


@cache
def _token_markup() -> dict[Any, str]:
    """Return the markup of Pygments token types: a class that begins with ``gm-``, or an element.

    A type that is not listed has the markup of its parent. Most of the HTML of highlighted code is tags, so
    frequent types have a short element. It reads well without a style sheet, too: keywords are bold and
    comments italic.
    """
    from pygments.token import Token  # noqa: PLC0415 - comes with the lexers

    return {
        Token: "",
        Token.Comment: "i",
        Token.Comment.Preproc: "gm-m",
        Token.Keyword: "b",
        Token.Keyword.Type: "gm-t",
        Token.Keyword.Constant: "var",
        Token.Literal.Number: "samp",
        Token.Literal.String: "bdi",
        Token.Literal.String.Escape: "gm-e",
        Token.Literal.String.Interpol: "gm-e",
        Token.Name.Attribute: "gm-a",
        Token.Name.Builtin: "var",
        Token.Name.Class: "dfn",
        Token.Name.Decorator: "gm-m",
        Token.Name.Exception: "var",
        Token.Name.Function: "dfn",
        Token.Name.Tag: "gm-g",
        Token.Name.Variable: "gm-v",
        Token.Operator: "gm-o",
        Token.Operator.Word: "b",
        Token.Generic.Deleted: "gm-d",
        Token.Generic.Inserted: "gm-i",
        Token.Generic.Heading: "gm-h",
        Token.Generic.Subheading: "gm-h",
        Token.Generic.Prompt: "gm-m",
    }


def _markup_of(kind: Any) -> str:
    known_markup = _token_markup()
    markup = known_markup.get(kind)
    if markup is None:
        markup = known_markup[kind] = _markup_of(kind.parent) if kind.parent else ""
    return markup


def split_lines(text: str) -> list[str]:
    r"""Split a text after each ``\n``, and nowhere else."""
    lines = [f"{line}\n" for line in text.split("\n")]
    last = lines.pop()[:-1]
    return [*lines, last] if last else lines


def within_time(tokens: Iterable[_Token], length: int, times: int = 1) -> Iterator[_Token]:
    """Yield lexer tokens as long as the lexer takes time in proportion to the length of the code.

    Args:
        tokens: from a lexer that works while they are taken.
        length: how many characters the lexer reads.
        times: the limit is so many times the usual one.

    Raises:
        TimeoutError: the lexer takes too long for this code.
    """
    end = thread_time() + times * (_MIN_SECONDS + _SECONDS_PER_CHARACTER * length)
    for number, token in enumerate(tokens):
        if number % 64 == 0 and thread_time() > end:
            raise TimeoutError("the lexer takes too long for this code")
        yield token


def html_lines(tokens: Iterable[tuple[Any, str]]) -> list[str]:
    """Return the HTML of each line of lexer tokens, with its line end. No element crosses a line."""
    lines: list[str] = []
    runs: list[tuple[str, list[str]]] = []  # of the current line
    for kind, text in tokens:
        name = _markup_of(kind)
        for piece in split_lines(text):
            if runs and (runs[-1][0] == name or piece.isspace()):
                runs[-1][1].append(piece)
            else:
                runs.append((name, [piece]))
            if piece.endswith("\n"):
                lines.append(_line_html(runs))
                runs.clear()
    if runs:
        lines.append(_line_html(runs))
    return lines


def _line_html(runs: list[tuple[str, list[str]]]) -> str:
    pieces = []
    for name, parts in runs:
        text = escape("".join(parts), quote=False)
        inside = text.rstrip("\n") if name else ""
        opening, closing = (f'span class="{name}"', "span") if name.startswith("gm-") else (name, name)
        pieces.append(f"<{opening}>{inside}</{closing}>{text[len(inside) :]}" if inside else text)
    return "".join(pieces)


def is_short_enough(code: str) -> bool:
    """Return whether code is short enough to be highlighted."""
    return len(code) <= _MAX_LENGTH and not any(len(line) > _MAX_LINE for line in code.split("\n"))


class _Decisions:
    """Whether the lexer was fast enough for code that takes much time; the latest are kept."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._known: OrderedDict[tuple[str, int, int], bool] = OrderedDict()

    def find(self, code: str, language: str) -> bool | None:
        """Return the decision about code, None if there was none."""
        return self._known.get((language, len(code), hash(code)))

    def keep(self, code: str, language: str, *, fast: bool) -> None:
        """Remember a decision; the first one about a code is kept."""
        with self._lock:
            self._known.setdefault((language, len(code), hash(code)), fast)
            while len(self._known) > _MAX_DECISIONS:
                self._known.popitem(last=False)


_decisions = _Decisions()


def _tokens_of(code: str, language: str) -> list[tuple[Any, str]]:
    """Return the tokens of code; none if the language is unknown, or if the lexer takes or took too long for it."""
    known, lexer = _decisions.find(code, language), find_lexer(language)
    if known is False or lexer is None:
        return []
    began = thread_time()
    try:
        tokens = list(within_time(lexer.get_tokens(code), len(code), _AGAIN if known else 1))
    except TimeoutError:
        _decisions.keep(code, language, fast=False)
        return []
    if thread_time() - began > _DOUBTFUL_SECONDS:
        _decisions.keep(code, language, fast=True)
    return tokens


@lru_cache(maxsize=32)  # a closed fence in an open list is rendered again with each update
def highlight(code: str, language: str) -> str:
    """Return code as HTML, highlighted if Pygments knows the language.

    The text never changes: without its tags the result is ``code``, escaped. No element crosses a line.

    Args:
        code: the source code.
        language: in lower case; may be empty.
    """
    plain = escape(code, quote=False)
    if not language or not is_short_enough(code):
        return plain
    try:
        tokens = _tokens_of(code, language)
        # Some lexers change the text.
        return "".join(html_lines(tokens)) if "".join(text for _, text in tokens) == code else plain
    except Exception:  # noqa: BLE001 - any lexer may fail on any text; then the code stays plain
        return plain
