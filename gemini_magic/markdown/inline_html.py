"""The inline HTML that is not shown as text: ``<br>``, pairs such as ``<sub>2</sub>``, and comments.

Only exact spellings without attributes count. A tag of a pair is real only if its counterpart stands in the same
inline source, at most ``PAIR_LENGTH`` characters away, and inside the same emphasis and link. So the HTML of
every block is balanced, and the pairs before a place in a long paragraph do not depend on the text behind it.
All other tags are text. A comment is read like code: it ends at the first ``-->`` of its paragraph, at most
``COMMENT_LENGTH`` characters later, and it shows nothing.
"""

from __future__ import annotations

import re
from html import escape
from typing import TYPE_CHECKING, Any, Final

from .math import FormulaSpans

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from markdown_it.rules_inline import StateInline
    from markdown_it.token import Token

__all__ = [
    "COMMENT_LENGTH",
    "PAIR_LENGTH",
    "PARTIAL_HTML",
    "comment",
    "find_tags",
    "inline_tag",
    "pair_tags",
    "render_hard_break",
    "render_inline_tag",
]

PAIR_LENGTH: Final = 200
"""Characters from the opening tag of a pair to its closing tag, at most."""
COMMENT_LENGTH: Final = 2_000
"""Characters of a comment, at most."""
PARTIAL_HTML: Final = re.compile(r"<(?:[A-Za-z/][^\s<>]{0,300}|br /?|!-?)?$")
"""The beginning of a tag, a comment or an autolink at the end of a text."""

_TAG: Final = re.compile(r"<(?:br ?/?|(?P<slash>/?)(?P<name>sub|sup|kbd|u|mark))>")


def inline_tag(state: StateInline, silent: bool) -> bool:
    """Parse a tag. Whether it has a counterpart is decided by ``pair_tags`` when the emphasis is known."""
    match = _TAG.match(state.src, state.pos, state.posMax)
    if match is None:
        return False
    if not silent:
        name = match["name"]
        token = state.push("inline_tag", name, 0) if name else state.push("hardbreak", "br", 0)
        token.content = token.markup = match[0]
        token.meta = {"at": state.pos, "step": -1 if match["slash"] else 1}
    state.pos = match.end()
    return True


def comment(state: StateInline, silent: bool) -> bool:
    """Parse a comment."""
    start = state.pos
    if not state.src.startswith("<!--", start, state.posMax):
        return False
    end = state.src.find("-->", start + 2, min(state.posMax, start + COMMENT_LENGTH))
    found: FormulaSpans | None = state.env.get("formulas")
    found = found if found is not None and found.text is state.src else None
    if end < 0:
        if found is not None and state.posMax == len(state.src) < start + COMMENT_LENGTH:
            found.open_comments.append(start)
        return False
    state.pos = end + 3
    if found is not None:
        found.comments.append((start, state.pos))
    if not silent:
        state.push("comment", "", 0)
    return True


def pair_tags(tokens: Sequence[Token], steps: Mapping[int, int] | None = None) -> list[int]:
    """Find the pairs of tags and set the nesting of their tokens.

    Args:
        tokens: the tokens of one inline source.
        steps: the nesting of tokens that are not emphasis yet, by index.

    Returns:
        The indices of the opening tags that have no counterpart but may still get one if text follows.
    """
    stack: list[int] = []
    for index, token in enumerate(tokens):
        step = token.nesting or (steps.get(index, 0) if steps else 0)
        if token.type == "inline_tag":
            _pair_tag(tokens, stack, index)
        elif step > 0:
            stack.append(index)
        elif step < 0:
            while stack and tokens[stack.pop()].type == "inline_tag":
                pass
    return [index for index in stack if tokens[index].type == "inline_tag"]


def _pair_tag(tokens: Sequence[Token], stack: list[int], index: int) -> None:
    """Put an opening tag on the stack, or find the opening tag of a closing one: past other tags only."""
    token = tokens[index]
    if token.meta["step"] > 0:
        stack.append(index)
        return
    for place in range(len(stack) - 1, -1, -1):
        other = tokens[stack[place]]
        if other.type != "inline_tag" or token.meta["at"] - other.meta["at"] > PAIR_LENGTH:
            return
        if other.tag == token.tag:
            other.nesting, token.nesting = 1, -1
            del stack[place:]
            return


def find_tags(tokens: Sequence[Token]) -> list[tuple[int, str]]:
    """Return the position and the source of every ``<br>`` and of every tag that has a counterpart.

    Args:
        tokens: the tokens of one inline source; the nesting of its tags may not be known yet.
    """
    pair_tags(tokens)
    return [
        (token.meta["at"], token.markup)
        for token in tokens
        if token.markup.startswith("<")
        and (token.type == "hardbreak" or (token.type == "inline_tag" and token.nesting))
    ]


# The functions below become methods of the library's renderer.
def render_inline_tag(_self: Any, tokens: Sequence[Token], idx: int, _options: Any, _env: Any) -> str:
    """Render a tag, or its source if it has no counterpart."""
    token = tokens[idx]
    return token.content if token.nesting else escape(token.content)


def render_hard_break(_self: Any, tokens: Sequence[Token], idx: int, _options: Any, _env: Any) -> str:
    r"""Render a line break; a tag's has no ``\n``, so that a line end behind it leaves no blank line in the HTML."""
    return "<br>" if tokens[idx].markup.startswith("<") else "<br>\n"
