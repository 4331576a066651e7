"""Colours source code: text and a language name in, escaped HTML with our own span classes out.

It knows Pygments and nothing of Markdown; a language it does not know, or code too long, stays plain.
"""

from __future__ import annotations

import re
from functools import cache, lru_cache
from html import escape
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["highlight", "language_of"]

_MOST: Final = 100_000  # characters; Pygments takes about 1.2 ms per 1000 (Python), so 0.1 s at worst
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
def _lexer(language: str) -> Any:
    from pygments.lexers import find_lexer_class  # noqa: PLC0415 - see above

    name = _aliases().get(language)
    found = find_lexer_class(name) if name else None
    return found(stripnl=False, ensurenl=False) if found else None


@cache
def _classes() -> dict[Any, str]:
    """Map Pygments token types to our classes; a type not named here takes its parent's."""
    from pygments.token import Token  # noqa: PLC0415 - comes with the lexers

    return {
        Token: "",
        Token.Comment: "gm-comment",
        Token.Comment.Preproc: "gm-meta",
        Token.Keyword: "gm-keyword",
        Token.Keyword.Type: "gm-type",
        Token.Keyword.Constant: "gm-builtin",
        Token.Literal.Number: "gm-number",
        Token.Literal.String: "gm-string",
        Token.Literal.String.Escape: "gm-escape",
        Token.Literal.String.Interpol: "gm-escape",
        Token.Name.Attribute: "gm-attribute",
        Token.Name.Builtin: "gm-builtin",
        Token.Name.Class: "gm-function",
        Token.Name.Decorator: "gm-meta",
        Token.Name.Exception: "gm-builtin",
        Token.Name.Function: "gm-function",
        Token.Name.Tag: "gm-tag",
        Token.Name.Variable: "gm-variable",
        Token.Operator: "gm-operator",
        Token.Operator.Word: "gm-keyword",
        Token.Generic.Deleted: "gm-deleted",
        Token.Generic.Inserted: "gm-inserted",
        Token.Generic.Heading: "gm-heading",
        Token.Generic.Subheading: "gm-heading",
        Token.Generic.Prompt: "gm-meta",
    }


def _class_of(kind: Any) -> str:
    classes = _classes()
    known = classes.get(kind)
    if known is None:
        known = classes[kind] = _class_of(kind.parent) if kind.parent else ""
    return known


def _coloured(code: str, lexer: Any) -> str | None:
    """Return the spans, or None when the lexer did not give back the very text it was given."""
    runs: list[tuple[str, list[str]]] = []
    length = 0
    for kind, text in lexer.get_tokens(code):
        name = _class_of(kind)
        length += len(text)
        if runs and (runs[-1][0] == name or text.isspace()):
            runs[-1][1].append(text)
        else:
            runs.append((name, [text]))
    if length != len(code) or "".join("".join(parts) for _, parts in runs) != code:
        return None
    pieces = []
    for name, parts in runs:
        text = escape("".join(parts), quote=False)
        pieces.append(f'<span class="{name}">{text}</span>' if name else text)
    return "".join(pieces)


@lru_cache(maxsize=32)  # a finished fence in an open list is drawn again with each update
def highlight(code: str, language: str) -> str:
    """Return ``code`` as HTML text, coloured when ``language`` (lower case) is one Pygments knows.

    The text is never changed: without its tags the result is ``code``, escaped.
    """
    plain = escape(code, quote=False)
    if not language or len(code) > _MOST or any(len(line) > _LONGEST_LINE for line in code.split("\n")):
        return plain
    try:
        lexer = _lexer(language)
        coloured = _coloured(code, lexer) if lexer else None
    except Exception:  # noqa: BLE001 - any lexer may fail on any text; plain code is the answer then
        return plain
    return plain if coloured is None else coloured
