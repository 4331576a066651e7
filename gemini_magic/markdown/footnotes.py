"""Footnotes: a mark where one is referred to, and each note as a paragraph where it stands.

Notes are not numbered anew and not moved to the end, so nothing that comes later changes what is finished. It knows
nothing of links; ``[^1](address)`` is one.
"""

from __future__ import annotations

import re
from html import escape
from typing import TYPE_CHECKING, Final

from markdown_it.rules_block.paragraph import paragraph

if TYPE_CHECKING:
    from collections.abc import Sequence

    from markdown_it.renderer import RendererHTML
    from markdown_it.rules_block import StateBlock
    from markdown_it.rules_inline import StateInline
    from markdown_it.token import Token
    from markdown_it.utils import EnvType, OptionsDict

__all__ = ["HALF_MARK", "NOTE", "draw_mark", "mark", "note"]

_LABEL: Final = r"\[\^[^\W_][\w.-]{0,39}\]"
_MARK: Final = re.compile(rf"{_LABEL}(?!\()")
NOTE: Final = re.compile(rf"{_LABEL}:")
"""How a note begins."""

HALF_MARK: Final = re.compile(r"\[\^[\w.-]{0,40}$")
"""A mark at the end of a text that is being typed."""


def note(state: StateBlock, start: int, end: int, silent: bool) -> bool:
    """Parse a note: a paragraph that begins with ``[^label]:``, also right below another paragraph."""
    if state.is_code_block(start):
        return False
    line = state.src[state.bMarks[start] + state.tShift[start] : state.eMarks[start]]
    if not NOTE.match(line):
        return False
    return silent or paragraph(state, start, end, False)


def mark(state: StateInline, silent: bool) -> bool:
    """Parse ``[^label]``, and the colon after it where a note begins."""
    if state.src[state.pos] != "[":
        return False
    match = _MARK.match(state.src, state.pos, state.posMax)
    if match is None:
        return False
    begun = NOTE.match(state.src, 0, state.posMax) if state.pos == 0 else None
    state.pos = (begun or match).end()
    if not silent:
        token = state.push("note_mark", "", 0)
        token.content, token.markup = match[0][2:-1], ":" if begun else ""
    return True


def draw_mark(
    _self: RendererHTML, tokens: Sequence[Token], idx: int, _options: OptionsDict, _env: EnvType
) -> str:
    """Draw a mark: a number as one, a word with its sign, as it may be the beginning of a pattern."""
    label = tokens[idx].content
    begins = ' class="gm-def"' if tokens[idx].markup else ""
    return f"<sup{begins}>[{'' if label.isdigit() else '^'}{escape(label)}]</sup>"
