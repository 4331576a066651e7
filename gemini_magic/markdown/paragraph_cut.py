"""Where a long paragraph may be cut: at a space before which nothing can still change its meaning.

It knows inline markup only; whether the line may still turn into something else is decided elsewhere.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from markdown_it.rules_inline import StateInline
from markdown_it.rules_inline.balance_pairs import link_pairs

from .footnotes import NOTE
from .math import Found, may_stand_alone
from .parser import MD, Refs

if TYPE_CHECKING:
    from markdown_it.token import Token

__all__ = ["LONG", "is_firm", "paragraph_line", "quiet_cut"]

LONG: Final = 200  # characters of a paragraph that are parsed again with each update, about
_KEPT: Final = 60  # characters at the end that are not looked at: the cut should not come too early
_FIRM: Final = 100  # characters of a line after which it stays what it is
_LETTER: Final = re.compile(r"[^\W\d_]")
_SPACE: Final = re.compile(r"(?<![\s\\])[ \n]")
_LABEL: Final = re.compile(r"(?<!!)\[[^\[\]*_~`<!\\]*\](?![(\[:])")
_UNSURE: Final = re.compile(r"[`\[]|\\$")


def is_firm(source: str, tokens: list[Token]) -> bool:
    """Say whether the unfinished last line is text of a paragraph whatever it goes on with.

    It may not become the head of a table, or the line under one, or a formula.
    """
    line = source[source.rfind("\n") + 1 :]
    in_paragraph = (
        len(tokens) > 2  # noqa: PLR2004 - open, inline, close
        and tokens[-1].type == "paragraph_close"
        and tokens[-1].level == 0
        and not tokens[-3].meta
        and not may_stand_alone(line)
    )
    return in_paragraph and len(line) >= _FIRM and "|" not in line and _LETTER.search(line) is not None


def paragraph_line(source: str, tokens: list[Token]) -> int:
    """Return the line on which the only block, a paragraph, begins; -1 if something before it may still claim it."""
    if len(tokens) != 3 or tokens[0].type != "paragraph_open" or tokens[0].meta:  # noqa: PLR2004 - as above
        return -1
    line = tokens[0].map[0] if tokens[0].map else 0
    before = source.split("\n", line)[:line]
    # A definition that stands right before it may still get a title, and one may begin in it.
    content = tokens[1].content
    unclaimed = not "".join(before[-1:]).strip(" \t") and (
        content[:1] != "[" or NOTE.match(content) is not None
    )
    return line if unclaimed else -1


def quiet_cut(content: str) -> int:
    """Return a position in a paragraph's content, a space or line end, before which all markup is closed; 0 if none."""
    limit = len(content) - _KEPT
    cuts = [match.start() for match in _SPACE.finditer(content, 1, max(1, limit))]
    for cut in (*cuts[-1:], *cuts[len(cuts) // 2 : len(cuts) // 2 + 1]):
        line = content[content.rfind("\n", 0, cut) + 1 : cut]
        if "|" not in line and not may_stand_alone(line) and _closed(content[:cut]):
            return cut
    return 0


def _closed(content: str) -> bool:
    """Say whether no emphasis, code, link or formula is open at the end, whatever is defined later."""
    formulas = Found(content)
    state = StateInline(content, MD, {"references": Refs(), "formulas": formulas}, [])
    MD.inline.tokenize(state)
    if formulas.open:
        return False
    link_pairs(state)
    found = [state.delimiters, *(meta["delimiters"] for meta in state.tokens_meta if meta)]
    if any(delimiter.open and delimiter.end < 0 for delimiters in found for delimiter in delimiters):
        return False
    text = "".join(token.content if token.type in {"text", "text_special"} else "x" for token in state.tokens)
    return not _UNSURE.search(_LABEL.sub("x", text))
