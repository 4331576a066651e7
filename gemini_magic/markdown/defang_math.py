"""Defangs formulas: rewrites them so that every front end reads them alike, or not as formulas at all.

Front ends look for formulas in the source, in the rendered page, or in both, and most know ``$`` only. This
module knows TeX and where formulas are in inline source; ``defang_markdown`` handles the rest of a text.
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from markdown_it.rules_inline import StateInline

from .math import BEGIN, FORMULA_START, FormulaSpans, split_opening
from .parser import MD, References
from .tex_allowlist import is_allowed_use, is_typesettable

__all__ = ["Formula", "defang_commands", "defang_formula", "find_formulas"]

# Characters that are not markup, or markup that does nothing in a front end that knows no formulas.
_SAFE: Final = re.compile(r"[\w\s\\{}^+\-=().,;:|'/*&!?\[\]%#<>]*")
_MARKUP: Final = re.compile(r"://|www\.|\]:|&#?\w+;", re.IGNORECASE)
_LESS_THAN: Final = re.compile(r"<(?![\s\d=])")  # it may begin an element
_REWRITTEN: Final = {"~": "\\ ", "](": "] (", "![": "! ["}
_COMMAND: Final = re.compile(r"(\\\\)|\\([A-Za-z]+)")


class Formula(NamedTuple):
    """A formula in inline source.

    Attributes:
        start: the position of its first character.
        stop: the position after its last character.
        opening: its opening delimiter.
        tex: the TeX between the delimiters, or the whole environment.
    """

    start: int
    stop: int
    opening: str
    tex: str


def find_formulas(source: str) -> list[Formula]:
    """Return the formulas in inline source, in order."""
    if not FORMULA_START.search(source):
        return []
    found = FormulaSpans(source)
    MD.inline.tokenize(StateInline(source, MD, {"references": References(), "formulas": found}, []))
    result: list[Formula] = []
    for start, stop in sorted(set(found.spans)):
        if not result or start >= result[-1].stop:
            opening, tex = split_opening(source[start:stop])
            result.append(Formula(start, stop, opening, tex if opening == BEGIN else tex[: -len(opening)]))
    return result


def defang_formula(tex: str, *, display: bool) -> str:
    """Return a formula between dollar signs, on one line; ``""`` if it has to be shown as code.

    Args:
        tex: the formula without its delimiters.
        display: whether it is a display formula (``$$``).
    """
    tex = " ".join(tex.split())
    if not is_typesettable(tex):
        return ""
    tex = _LESS_THAN.sub(r"\\lt ", tex)
    for markup, plain in _REWRITTEN.items():
        tex = tex.replace(markup, plain)
    if not _SAFE.fullmatch(tex) or _MARKUP.search(tex):
        return ""
    tex = " ".join(tex.split())
    return f"$${tex}$$" if display else f"${tex}$"


def defang_commands(text: str) -> str:
    """Return Markdown in which every TeX command that formulas may not use is written as code."""
    return _COMMAND.sub(_command_as_code, text)


def _command_as_code(match: re.Match[str]) -> str:
    name = match[2] or ""
    if is_allowed_use(match.string, match.start(), name):
        return match[0]
    return f"<code>&#92;{name or '&#92;'}</code>"
