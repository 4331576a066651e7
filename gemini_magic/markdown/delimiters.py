"""Delimiters of emphasis and strikethrough, also beside Chinese, Japanese and Korean text.

CommonMark decides by the neighbours of ``**`` whether it opens or closes emphasis. It expects spaces between
words, so ``**注意：**正文`` is not bold. Here CJK punctuation does not count as punctuation, and a CJK character
beside the delimiters counts as a space would (the rule of the specification markdown-cjk-friendly). Other
text is read as in CommonMark.
"""

from __future__ import annotations

import unicodedata
from functools import lru_cache
from typing import TYPE_CHECKING, Final, NamedTuple

from markdown_it.common.utils import isMdAsciiPunct, isPunctChar, isWhiteSpace
from markdown_it.rules_inline.state_inline import Delimiter

if TYPE_CHECKING:
    from markdown_it.rules_inline import StateInline

__all__ = ["emphasis", "is_cjk", "strikethrough"]

_PAIR: Final = 2  # tildes of a delimiter
_WIDE: Final = frozenset("WFH")
_HANGUL: Final = ((0x1100, 0x11FF), (0x3130, 0x318F), (0xA960, 0xA97F), (0xAC00, 0xD7FF), (0xFFA0, 0xFFDC))
_CJK_SYMBOLS: Final = ((0x2E80, 0x33FF), (0xFE30, 0xFE6F), (0xFF00, 0xFFEF))
_VARIATION_SELECTORS: Final = ((0xFE00, 0xFE0F), (0xE0100, 0xE01EF))


class _Run(NamedTuple):
    """A run of delimiters: its length, and whether it can open and close emphasis."""

    length: int
    opens: bool
    closes: bool


def _is_in(char: str, ranges: tuple[tuple[int, int], ...]) -> bool:
    return any(first <= ord(char) <= last for first, last in ranges)


@lru_cache(maxsize=1024)
def is_cjk(char: str) -> bool:
    """Return whether a character is Chinese, Japanese or Korean text or punctuation; an emoji is not."""
    if char.isascii():
        return False
    if _is_in(char, _HANGUL):
        return True
    # unicodedata does not know emoji; outside of these blocks, wide symbols are emoji.
    is_emoji = unicodedata.category(char) in {"So", "Sk"} and not _is_in(char, _CJK_SYMBOLS)
    return unicodedata.east_asian_width(char) in _WIDE and not is_emoji


def _is_punctuation(char: str) -> bool:
    return isMdAsciiPunct(ord(char)) or isPunctChar(char)


def _char_before(text: str, at: int) -> str:
    """Return the character before a position, past a variation selector; a space at the beginning."""
    before = text[at - 1] if at > 0 else " "
    return text[at - 2] if at > 1 and _is_in(before, _VARIATION_SELECTORS) else before


def _scan(state: StateInline, *, in_word: bool) -> _Run:
    """Read the run of delimiters at the parser's position.

    Args:
        state: the parser's state.
        in_word: whether the delimiters may stand inside a word.
    """
    start = end = state.pos
    while end < state.posMax and state.src[end] == state.src[start]:
        end += 1
    before, after = _char_before(state.src, start), state.src[end] if end < state.posMax else " "
    space_before, space_after = isWhiteSpace(ord(before)), isWhiteSpace(ord(after))
    mark_before, mark_after = _is_punctuation(before), _is_punctuation(after)
    cjk_before, cjk_after = is_cjk(before), is_cjk(after)
    left = not space_after and (cjk_after or not mark_after or space_before or mark_before or cjk_before)
    right = not space_before and (cjk_before or not mark_before or space_after or mark_after or cjk_after)
    return _Run(
        end - start,
        left and (in_word or not right or mark_before),
        right and (in_word or not left or mark_after),
    )


def _push(state: StateInline, text: str, run: _Run, length: int) -> None:
    state.push("text", "", 0).content = text
    state.delimiters.append(
        Delimiter(ord(text[0]), length, len(state.tokens) - 1, end=-1, open=run.opens, close=run.closes)
    )


def emphasis(state: StateInline, silent: bool) -> bool:
    """Parse ``*`` and ``_`` as the library's rule does."""
    marker = state.src[state.pos]
    if silent or marker not in "*_":
        return False
    run = _scan(state, in_word=marker == "*")
    for _ in range(run.length):
        _push(state, marker, run, run.length)
    state.pos += run.length
    return True


def strikethrough(state: StateInline, silent: bool) -> bool:
    """Parse ``~~`` as the library's rule does: the first one of an odd number of tildes is text."""
    if silent or state.src[state.pos] != "~":
        return False
    run = _scan(state, in_word=True)
    if run.length < _PAIR:
        return False
    if run.length % _PAIR:
        state.push("text", "", 0).content = "~"
    for _ in range(run.length // _PAIR):
        _push(state, "~~", run, 0)
    state.pos += run.length
    return True
