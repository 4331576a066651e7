"""Divides an answer into sections in reading order: stretches of text, each with its text, and all other items."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple, TypeAlias

from ..ledger import AnswerItem, TextStretch

__all__ = ["MAX_ITEMS", "Section", "TextSection", "arrange", "hidden_note", "split_answer"]

MAX_ITEMS = 300
"""The number of items beside text that are shown; a page becomes slow with many thousands."""


class TextSection(NamedTuple):
    """A stretch of the answer with its text.

    Attributes:
        start: characters of the answer's text before it.
        text: its text.
    """

    start: int
    text: str


Section: TypeAlias = TextSection | AnswerItem


def arrange(items: Sequence[AnswerItem], form: str) -> list[AnswerItem]:
    """Return the items that are shown, in reading order.

    JSON is one document, so all text is one stretch in the place of the first one. Of very many items, the last ones are left
    out; the text between them stays.

    Args:
        items: the items of the answer.
        form: the format in which the answer is shown.
    """
    merge = form == "json"
    shown: list[AnswerItem] = []
    others, first_text = 0, -1
    for item in items:
        if not isinstance(item, TextStretch):
            others += 1
            if others <= MAX_ITEMS:
                shown.append(item)
        elif first_text >= 0 and (merge or isinstance(shown[-1], TextStretch)):
            position = first_text if merge else len(shown) - 1
            before = shown[position]
            start = before.start if isinstance(before, TextStretch) else item.start
            shown[position] = TextStretch(start, item.end)
        else:
            first_text = len(shown)
            shown.append(item)
    return shown


def hidden_note(items: Iterable[AnswerItem]) -> str:
    """A sentence about the items that are left out; empty if all are shown."""
    count = sum(not isinstance(item, TextStretch) for item in items) - MAX_ITEMS
    if count <= 0:
        return ""
    noun = "part is" if count == 1 else "parts are"
    return f"{count:,} more {noun} not shown. The response's `parts` has all of them."


def split_answer(text: str, items: Sequence[AnswerItem], form: str) -> list[Section]:
    """Return the sections of an answer.

    Args:
        text: the text of the answer, or the beginning of a very long one.
        items: the items of the answer.
        form: the format in which the answer is shown.
    """
    sections: list[Section] = []
    for item in arrange(items, form):
        if not isinstance(item, TextStretch):
            sections.append(item)
        elif form == "json":
            sections.append(TextSection(0, text))
        elif stretch := text[item.start : item.end]:
            sections.append(TextSection(item.start, stretch))
    return sections
