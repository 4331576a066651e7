"""Reads the items of a growing answer, and the value of one that has ended: each once for all readers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .. import schema as schemas
from .parts import TextPieces

if TYPE_CHECKING:
    from ..schema import AnswerValue, ItemLog, Schema

__all__ = ["AnswerValues"]


class AnswerValues:
    """The values in the text of one answer."""

    def __init__(self) -> None:
        self._items: list[ItemLog] = []  # at most one
        self._value: AnswerValue | None = None

    def items(self, answer: TextPieces, schema: Schema | None, before: str, *, ended: bool) -> ItemLog:
        """Return the items of an answer that is an array, after reading what is new of its text.

        Args:
            answer: the text so far.
            schema: the schema of the answer; None without one.
            before: the first part of an answer that was resumed.
            ended: whether the text is whole.
        """
        if not self._items:
            self._items.append(schemas.ItemLog(schema or schemas.Schema({}), before))
        found = self._items[0]
        found.read(answer, ended=ended)
        return found

    def value(
        self, answer: TextPieces, schema: Schema | None, before: str, start: int, *, ended: bool
    ) -> AnswerValue:
        """Return the value of an answer that has ended; until then there is none.

        Args:
            answer: the text.
            schema: the schema of the answer; None without one.
            before: the first part of an answer that was resumed.
            start: where the text of its last round begins.
            ended: whether the text is whole.
        """
        if not ended:
            return schemas.AnswerValue()
        if self._value is None:
            text = answer.text
            texts = dict.fromkeys((before + text[start:], before + text, text))
            self._value = schemas.value_of_answer(list(texts), schema)
        return self._value
