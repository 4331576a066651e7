"""Counts the words of a text."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import accumulate, islice
from typing import Final

__all__ = ["count_words", "word_count"]

_COUNTED: Final = 1_000_000  # characters whose words are counted exactly
_WORD: Final = re.compile(r"(?<!\S)[^\w\s]*\w\S*")


def word_count(pieces: Sequence[str]) -> str:
    """Count the words of a text: ``1 word`` or ``1,234 words``; empty without text. See :func:`count_words`."""
    count, exact = count_words(pieces)
    if count is None:
        return ""
    return f"{count:,} word{'' if count == 1 else 's'}" if exact else f"about {count:,} words"


def count_words(pieces: Sequence[str]) -> tuple[int | None, bool]:
    """Count the words of a text. Markup such as ``|`` or ``---`` is not counted.

    Returns:
        The number, and whether it is exact: that of a very long text is estimated from its beginning. None without text.
    """
    pieces = list(pieces)  # a copy, because the reader thread may append
    length = sum(map(len, pieces))
    text = (
        "".join(pieces)
        if length <= _COUNTED
        else "".join(islice(pieces, _pieces_to_count(pieces)))[:_COUNTED]
    )
    if not text.strip():
        return None, True
    count = sum(1 for _ in _WORD.finditer(text))
    if length > _COUNTED:
        about = round(count * length / _COUNTED)
        return round(about, 2 - len(str(about))), False
    return count, True


def _pieces_to_count(pieces: Sequence[str]) -> int:
    """The number of pieces that contain the characters that are counted."""
    return next(at for at, length in enumerate(accumulate(map(len, pieces)), 1) if length >= _COUNTED)
