"""Colours source code: text and a language name in, escaped HTML out, its words marked by elements and span classes.

It knows Pygments and nothing of Markdown; a language it does not know, or code too long, stays plain.
"""

from __future__ import annotations

import re
from functools import cache, lru_cache
from html import escape
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = ["highlight", "language_of", "lexer_of", "lines_of", "painted", "within_reason"]

_MOST: Final = 150_000  # characters; Pygments takes about 1.2 ms per 1000 (Python), so 0.2 s at worst
_LONGEST_LINE: Final = 5_000  # a minified line makes some lexers slow and helps no reader
_NOT_A_NAME: Final = re.compile(r"[^A-Za-z0-9_+#.-]")


def language_of(info: str) -> str:
    """Return the language a fence's info string names, in lower case, ``""`` when it names none.

    ``{.python}`` and ``python title="x"`` both mean python; at most 40 characters of
    ``[A-Za-z0-9_+#.-]`` are kept, as it becomes part of a class name.
    """
    first = info.strip().split(maxsplit=1)[:1]
    name = _NOT_A_NAME.sub("", first[0].removeprefix("{").lstrip(".")) if first else ""
    return name[:40].lower()


@cache
def _aliases() -> Mapping[str, str]:
    """Map each alias to a lexer's name, built-in lexers only.

    Pygments' own lookup asks installed plugins when it finds nothing: slow, and code of strangers
    would be loaded because an answer named it.
    """
    from pygments.lexers import get_all_lexers  # noqa: PLC0415 - 10 ms, needed by the first code block only

    return {alias.lower(): name for name, aliases, _, _ in get_all_lexers(plugins=False) for alias in aliases}


@lru_cache(maxsize=64)
def lexer_of(language: str) -> Any:
    """Return the lexer of a language, None for one that is not known."""
    from pygments.lexers import find_lexer_class  # noqa: PLC0415 - see above

    name = _aliases().get(language)
    found = find_lexer_class(name) if name else None
    return found(stripnl=False, ensurenl=False) if found else None


@cache
def _names() -> dict[Any, str]:
    """Map Pygments token types to our names for them; a type that is not here takes its parent's.

    A name is an element or a class. Most of a coloured answer's HTML is tags, so what is frequent has an element of its
    own, and one that reads well where nothing styles it: bold keywords, slanted comments.
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


def _name_of(kind: Any) -> str:
    names = _names()
    known = names.get(kind)
    if known is None:
        known = names[kind] = _name_of(kind.parent) if kind.parent else ""
    return known


def lines_of(text: str) -> list[str]:
    r"""Split a text after each ``\n``, and nowhere else."""
    lines = [f"{line}\n" for line in text.split("\n")]
    last = lines.pop()[:-1]
    return [*lines, last] if last else lines


def painted(tokens: Iterable[tuple[Any, str]]) -> list[str]:
    """Return the HTML of lexer tokens line by line, line ends kept; no element crosses a line."""
    lines: list[str] = []
    runs: list[tuple[str, list[str]]] = []  # of the line
    for kind, text in tokens:
        name = _name_of(kind)
        for piece in lines_of(text):
            if runs and (runs[-1][0] == name or piece.isspace()):
                runs[-1][1].append(piece)
            else:
                runs.append((name, [piece]))
            if piece.endswith("\n"):
                lines.append(_line(runs))
                runs.clear()
    if runs:
        lines.append(_line(runs))
    return lines


def _line(runs: list[tuple[str, list[str]]]) -> str:
    pieces = []
    for name, parts in runs:
        text = escape("".join(parts), quote=False)
        inside = text.rstrip("\n") if name else ""
        opening, closing = (f'span class="{name}"', "span") if name.startswith("gm-") else (name, name)
        pieces.append(f"<{opening}>{inside}</{closing}>{text[len(inside) :]}" if inside else text)
    return "".join(pieces)


def within_reason(code: str) -> bool:
    """Say whether code is short enough to be coloured."""
    return len(code) <= _MOST and not any(len(line) > _LONGEST_LINE for line in code.split("\n"))


@lru_cache(maxsize=32)  # a finished fence in an open list is drawn again with each update
def highlight(code: str, language: str) -> str:
    """Return ``code`` as HTML text, coloured when ``language`` (lower case) is one Pygments knows.

    The text is never changed: without its tags the result is ``code``, escaped. No element crosses a line.
    """
    plain = escape(code, quote=False)
    if not language or not within_reason(code):
        return plain
    try:
        lexer = lexer_of(language)
        tokens = list(lexer.get_tokens(code)) if lexer else []
        # Some lexers do not give back the very text they were given.
        return "".join(painted(tokens)) if "".join(text for _, text in tokens) == code else plain
    except Exception:  # noqa: BLE001 - any lexer may fail on any text; plain code is the answer then
        return plain
