"""Divides an answer into sections in reading order: stretches of text, each with its text, and all other items."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple, TypeAlias

from ..ledger import AnswerItem, CallItem, CodeRun, Ledger, MediaItem, TextStretch, ToolItem
from .truncate import Excerpt, TruncatedText

__all__ = [
    "MAX_ITEMS",
    "ONE_DOCUMENT",
    "GrowingAnswer",
    "Section",
    "SectionReader",
    "TextSection",
    "arrange",
    "calls_are_run",
    "hidden_note",
    "split_answer",
]

ONE_DOCUMENT = frozenset({"json", "table"})
"""The formats in which all text of an answer is one document, whatever lies between its parts."""

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
    merge = form in ONE_DOCUMENT
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
        elif form in ONE_DOCUMENT:
            sections.append(TextSection(0, text))
        elif stretch := text[item.start : item.end]:
            sections.append(TextSection(item.start, stretch))
    return sections


def calls_are_run(ledger: Ledger) -> bool:
    """Whether functions were offered to the model, so that its calls are probably run when the round ends."""
    return bool(ledger.tool_runs or (ledger.request is not None and ledger.request.settings.functions))


class GrowingAnswer:
    """What is new of a growing answer: its items in reading order, and the text that was not taken yet.

    Args:
        ledger: the record.
        source: the text that is shown.
        form: the format in which it is shown.

    Attributes:
        length: characters of the text that was read.
        waiting: the end of it, which was not taken.
    """

    def __init__(self, ledger: Ledger, source: Excerpt, form: str) -> None:
        self._ledger = ledger
        self._source = source
        self._form = form
        self._cursor = 0  # pieces of the source that were read
        self.length = 0
        self.waiting: deque[str] = deque()

    @property
    def unread(self) -> list[str]:
        """The pieces of the text that were not read."""
        return self._source[self._cursor :]

    def read(self) -> list[AnswerItem]:
        """Read the new text. Returns the items that are shown, each as far as its text was read."""
        new = self.unread  # before the items: then those between its characters are known
        self._cursor += len(new)
        self.length += sum(map(len, new))
        self.waiting += new
        length = self._ledger.chars if self._source.cut else self.length
        return arrange(self._ledger.placed.items(length), self._form)

    def take(self, count: int) -> Iterator[str]:
        """Yield the next ``count`` characters that were read, or as many as there are."""
        while count > 0 and self.waiting:
            text = self.waiting.popleft()
            if len(text) > count:
                self.waiting.appendleft(text[count:])
                text = text[:count]
            count -= len(text)
            yield text


class SectionReader:
    """Reads a growing answer in order, for output that cannot be changed once it is printed.

    Args:
        ledger: the record.
        source: the text that is shown.
        form: the format in which it is shown.
    """

    def __init__(self, ledger: Ledger, source: Excerpt, form: str) -> None:
        self._ledger = ledger
        self._source = source
        self._form = form
        self._growing = GrowingAnswer(ledger, source, form)
        self._position = self._taken = 0  # the current section, and what was returned of its text

    def read(self, *, ended: bool) -> Iterator[str | AnswerItem]:
        """Yield new text, and the items that cannot change any more.

        Args:
            ended: whether the answer has ended, so that nothing changes.
        """
        items = self._growing.read()
        while self._position < len(items):
            item = items[self._position]
            is_last = self._position == len(items) - 1
            if isinstance(item, TextStretch):
                for text in self._growing.take(item.end - item.start - self._taken):
                    self._taken += len(text)
                    yield text
                if is_last or (self._form in ONE_DOCUMENT and not ended):
                    return
            elif not ended and self._may_change(item, items[self._position + 1 :]):
                return
            else:
                yield item
            self._position += 1
            self._taken = 0

    def leave_out(self, room: int) -> TruncatedText | None:
        """Leave out the text that was not returned yet, apart from ``room`` characters.

        Returns:
            The text that is shown; None if nothing was left out.
        """
        growing = self._growing
        waiting = sum(map(len, growing.waiting))
        if waiting + sum(map(len, growing.unread)) <= room:
            return None
        if waiting > room:
            growing.waiting = deque(["".join(growing.waiting)[:room]])
        self._source.shorten(growing.length - waiting + room)
        return self._source.truncated()

    def _may_change(self, item: AnswerItem, following: list[AnswerItem]) -> bool:
        """Whether an item may still grow: code or a tool that runs, and the last item if it can arrive in pieces.

        A server may not report what became of its tool, so text does not wait for that.
        """
        if isinstance(item, CodeRun):
            return not item.done
        if isinstance(item, CallItem) and calls_are_run(self._ledger):
            return item.run is None or item.run.is_open
        if isinstance(item, ToolItem):
            return not item.done and not any(isinstance(each, TextStretch) for each in following)
        grows = isinstance(item, CallItem) or (isinstance(item, MediaItem) and item.kind == "audio")
        return not following and grows
