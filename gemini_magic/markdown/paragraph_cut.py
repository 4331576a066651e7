"""Finds where the beginning of a long paragraph can be frozen: at a space before which no markup can still change.

Three conditions must hold. The paragraph must stay a paragraph whatever follows (``is_paragraph_text``).
Nothing before it may still claim it, such as a link definition without a title (``paragraph_line``). And at
the cut, all emphasis, code, links and formulas must be closed, whatever is defined later (``paragraph_cut``).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from markdown_it.rules_inline import StateInline
from markdown_it.rules_inline.balance_pairs import link_pairs

from .details import may_open_details
from .footnotes import DEFINITION_START
from .inline_html import COMMENT_LENGTH, PAIR_LENGTH, PARTIAL_HTML, pair_tags
from .math import FormulaSpans, may_open_block
from .parser import MD, References

if TYPE_CHECKING:
    from markdown_it.token import Token

__all__ = ["LONG", "is_paragraph_text", "paragraph_cut", "paragraph_line"]

LONG: Final = 200  # characters of a paragraph that are parsed again with each update, about
_MIN_REST: Final = 60  # characters that a cut leaves at the end, so that it does not come too early
_MIN_LINE: Final = 100  # characters of a line after which it no longer becomes another block
_LETTER: Final = re.compile(r"[^\W\d_]")
_SPACE: Final = re.compile(r"(?<![\s\\])[ \n]")
_COMPLETE_LABEL: Final = re.compile(r"(?<!!)\[[^\[\]*_~`<!\\]*\](?![(\[:])")
_MAY_OPEN: Final = re.compile(r"[`\[]|\\$")


def is_paragraph_text(source: str, tokens: list[Token]) -> bool:
    """Return whether the incomplete last line is text of a top-level paragraph, whatever follows on that line.

    The line must not be able to become the header of a table, the line below one, or a formula.

    Args:
        source: the source that is not frozen.
        tokens: its block tokens.
    """
    line = source[source.rfind("\n") + 1 :]
    in_paragraph = (
        len(tokens) > 2  # noqa: PLR2004 - open, inline, close
        and tokens[-1].type == "paragraph_close"
        and tokens[-1].level == 0
        and not tokens[-3].meta
        and not _may_open(line)
    )
    return in_paragraph and len(line) >= _MIN_LINE and "|" not in line and _LETTER.search(line) is not None


def paragraph_line(source: str, tokens: list[Token]) -> int:
    """Return the line on which the only block, a paragraph, begins.

    Returns -1 if there are other blocks, or if a link definition before the paragraph may still claim a part
    of it.
    """
    if len(tokens) != 3 or tokens[0].type != "paragraph_open" or tokens[0].meta:  # noqa: PLR2004 - as above
        return -1
    line = tokens[0].map[0] if tokens[0].map else 0
    before = source.split("\n", line)[:line]
    # A definition right before the paragraph may still get a title, and one may begin in the paragraph.
    content = tokens[1].content
    unclaimed = not "".join(before[-1:]).strip(" \t") and (
        content[:1] != "[" or DEFINITION_START.match(content) is not None
    )
    return line if unclaimed else -1


def paragraph_cut(content: str) -> int:
    """Return a position of a space or line end in a paragraph's content before which all markup is closed.

    Returns 0 if there is no such position. Only two candidates are tried, the last one and the middle one.
    """
    limit = len(content) - _MIN_REST
    cuts = [match.start() for match in _SPACE.finditer(content, 1, max(1, limit))]
    for cut in (*cuts[-1:], *cuts[len(cuts) // 2 : len(cuts) // 2 + 1]):
        line = content[content.rfind("\n", 0, cut) + 1 : cut]
        if "|" not in line and not _may_open(line) and _is_closed(content[:cut]):
            return cut
    return 0


def _may_open(line: str) -> bool:
    """Return whether an unfinished line may become the first line of another block."""
    return may_open_block(line) or may_open_details(line)


def _is_closed(content: str) -> bool:
    """Return whether no emphasis, code, link, formula, tag or comment is open at the end, whatever is defined later."""
    formulas = FormulaSpans(content)
    state = StateInline(content, MD, {"references": References(), "formulas": formulas}, [])
    MD.inline.tokenize(state)
    if formulas.open:
        return False
    link_pairs(state)
    found = [state.delimiters, *(meta["delimiters"] for meta in state.tokens_meta if meta)]
    if any(delimiter.open and delimiter.end < 0 for delimiters in found for delimiter in delimiters):
        return False
    steps = {}
    for delimiters in found:
        for delimiter in delimiters:
            if delimiter.end >= 0:
                steps[delimiter.token], steps[delimiters[delimiter.end].token] = 1, -1
    tags = pair_tags(state.tokens, steps)
    if tags and state.tokens[tags[-1]].meta["at"] >= len(content) - PAIR_LENGTH:
        return False
    text = "".join(token.content if token.type in {"text", "text_special"} else "x" for token in state.tokens)
    if "<!--" in text[-COMMENT_LENGTH:] or PARTIAL_HTML.search(text):
        return False
    return not _MAY_OPEN.search(_COMPLETE_LABEL.sub("x", text))
