"""Footnotes: a superscript where a footnote is referred to, and each definition as a paragraph where it stands.

Footnotes are not numbered again and not moved to the end, so text that comes later does not change what is
finished. ``[^1](url)`` is a link, not a footnote.
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

__all__ = [
    "DEFINITION_START",
    "PARTIAL_REFERENCE",
    "footnote_definition",
    "footnote_reference",
    "render_footnote_reference",
]

_LABEL: Final = r"\[\^[^\W_][\w.-]{0,39}\]"
_REFERENCE: Final = re.compile(rf"{_LABEL}(?!\()")
DEFINITION_START: Final = re.compile(rf"{_LABEL}:")
"""The beginning of a definition."""

PARTIAL_REFERENCE: Final = re.compile(r"\[\^[\w.-]{0,40}$")
"""An unfinished reference at the end of a text."""


def footnote_definition(state: StateBlock, start: int, end: int, silent: bool) -> bool:
    """Parse a definition: a paragraph that begins with ``[^label]:``, also directly below another paragraph."""
    if state.is_code_block(start):
        return False
    line = state.src[state.bMarks[start] + state.tShift[start] : state.eMarks[start]]
    if not DEFINITION_START.match(line):
        return False
    return silent or paragraph(state, start, end, False)


def footnote_reference(state: StateInline, silent: bool) -> bool:
    """Parse ``[^label]``, with the colon after it where a definition begins."""
    if state.src[state.pos] != "[":
        return False
    match = _REFERENCE.match(state.src, state.pos, state.posMax)
    if match is None:
        return False
    definition = DEFINITION_START.match(state.src, 0, state.posMax) if state.pos == 0 else None
    state.pos = (definition or match).end()
    if not silent:
        token = state.push("footnote_reference", "", 0)
        token.content, token.markup = match[0][2:-1], ":" if definition else ""
    return True


def render_footnote_reference(
    _self: RendererHTML, tokens: Sequence[Token], idx: int, _options: OptionsDict, _env: EnvType
) -> str:
    """Render a reference. A label that is not a number keeps its ``^``, as it may be the beginning of a pattern."""
    label = tokens[idx].content
    attribute = ' class="gm-def"' if tokens[idx].markup else ""
    return f"<sup{attribute}>[{'' if label.isdigit() else '^'}{escape(label)}]</sup>"
