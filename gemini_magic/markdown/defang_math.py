"""Formulas in Markdown that others render: written so that every front end reads the same, or not as formulas at all.

Front ends find formulas in the source, in the rendered page, or in both, and most know ``$`` only. It knows TeX and where
formulas are in inline source; what becomes of the rest of a text is decided in ``defang``.
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from markdown_it.rules_inline import StateInline

from .math import FORMULA, Found
from .parser import MD, Refs
from .tex_allowlist import known_command, typesettable

__all__ = ["Formula", "formulas_in", "without_commands", "written"]

# What is no markup, or markup that does nothing when a front end knows no formulas.
_PLAIN: Final = re.compile(r"[\w\s\\{}^+\-=().,;:|'/*&!?\[\]%#<>]*")
_LIKE_MARKUP: Final = re.compile(r"://|www\.|\]:|&#?\w+;", re.IGNORECASE)
_LESS: Final = re.compile(r"<(?![\s\d=])")  # it may begin an element
_REWRITTEN: Final = {"~": "\\ ", "](": "] (", "![": "! ["}
_COMMAND: Final = re.compile(r"(\\\\)|\\([A-Za-z]+)")


class Formula(NamedTuple):
    """A formula in inline source: where it is, its opening delimiter and its TeX."""

    start: int
    stop: int
    opening: str
    tex: str


def formulas_in(source: str) -> list[Formula]:
    """Return the formulas in inline source, in order."""
    if not FORMULA.search(source):
        return []
    found = Found(source)
    MD.inline.tokenize(StateInline(source, MD, {"references": Refs(), "formulas": found}, []))
    made: list[Formula] = []
    for start, stop in sorted(set(found.spans)):
        size = 1 if source[start] == "$" and source[start + 1] != "$" else 2
        if not made or start >= made[-1].stop:
            made.append(
                Formula(start, stop, source[start : start + size], source[start + size : stop - size])
            )
    return made


def written(tex: str, *, display: bool) -> str:
    """Return a formula between dollars, on one line; ``""`` for one that is better shown as code."""
    tex = " ".join(tex.split())
    if not typesettable(tex):
        return ""
    tex = _LESS.sub(r"\\lt ", tex)
    for markup, plain in _REWRITTEN.items():
        tex = tex.replace(markup, plain)
    if not _PLAIN.fullmatch(tex) or _LIKE_MARKUP.search(tex):
        return ""
    tex = " ".join(tex.split())
    return f"$${tex}$$" if display else f"${tex}$"


def without_commands(text: str) -> str:
    """Return Markdown in which no command is TeX that a formula may not use; such names are written as code."""
    return _COMMAND.sub(_as_code, text)


def _as_code(match: re.Match[str]) -> str:
    name = match[2]
    return match[0] if not name or known_command(name) else f"<code>&#92;{name}</code>"
