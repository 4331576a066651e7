"""Block quotes in linear time.

The library's rule first collects the lines of a quote, and counts every line that follows without a blank line between
as a possible continuation of its last paragraph. If the quote ends in another block, such as a fence, these lines are
looked at in vain, and again for each of the next quotes. Here the rule sees a few lines at first, and more only if the
quote did not end within them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from markdown_it.rules_block import blockquote

if TYPE_CHECKING:
    from markdown_it.ruler import RuleOptionsType
    from markdown_it.rules_block import StateBlock

__all__ = ["TERMINATES", "quote_rule"]

TERMINATES: Final[RuleOptionsType] = {"alt": ["paragraph", "reference", "blockquote", "list"]}
"""The options of the rule: the blocks that a quote ends (CommonMark)."""

_LINES: Final = 16  # that the rule sees at first
_MORE: Final = 8  # times as many the next time; a nested quote is parsed 8/7 times for each quote around it
_AHEAD: Final = 2  # lines that a rule may look ahead


def quote_rule(state: StateBlock, start: int, end: int, silent: bool) -> bool:
    """Parse a block quote with the library's rule; the result is the same as with all lines."""
    lines = _LINES
    while not silent and start + lines < end:
        tokens, tight, references = len(state.tokens), state.tight, state.env.setdefault("references", {})
        count = len(references)
        if not blockquote(state, start, start + lines, silent):
            return False
        if state.line <= start + lines - _AHEAD:
            return True
        del state.tokens[tokens:]
        while len(references) > count:  # definitions that may have lacked their title
            references.popitem()
        state.line, state.tight = start, tight
        lines *= _MORE
    return blockquote(state, start, end, silent)
