"""The value of an answer: its JSON, the object of the requested type, and what is wrong with them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from ..errors import MismatchError
from .json_answer import JsonAnswer, read_answer, read_lines
from .schema import Schema

__all__ = ["AnswerValue", "value_of_answer"]


class AnswerValue(NamedTuple):
    """The value of an answer.

    Attributes:
        json: the JSON value; None where the text is not JSON.
        parsed: the object of the requested type, or the JSON value without a type; None where it does not fit.
        json_error: why the text is not JSON, or None.
        error: why there is no object: ``json_error``, or the problems of a value that does not fit; None where there is one.
        notes: sentences about what is unusual in the text.
    """

    json: Any = None
    parsed: Any = None
    json_error: MismatchError | None = None
    error: MismatchError | None = None
    notes: tuple[str, ...] = ()


def value_of_answer(texts: Sequence[str], schema: Schema | None) -> AnswerValue:
    """Return the value of an answer.

    Args:
        texts: what may be the JSON, best first, such as the text of the last round and the whole answer.
        schema: the requested schema; None for any JSON.
    """
    found: JsonAnswer | None = None
    problem: MismatchError | None = None
    for text in texts:
        try:
            found = read_answer(text)
            break
        except MismatchError as error:
            problem = problem or error
    if found is None and schema is not None and schema.many:
        found = next((lines for text in texts if (lines := read_lines(text)) is not None), None)
    if found is None:
        return AnswerValue(json_error=problem, error=problem)
    if schema is None:
        return AnswerValue(found.value, found.value, notes=found.notes)
    try:
        parsed = schema.load(found.value)
    except MismatchError as error:
        return AnswerValue(found.value, error=error, notes=found.notes)
    return AnswerValue(found.value, parsed, notes=found.notes)
