"""The answers of a decision as values, and how they are shown."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from html import escape
from types import MappingProxyType
from typing import Any, NamedTuple

from ..response import Response
from ..text import short_line, visible

__all__ = ["Decision", "Decisions"]

_SHOWN = 60  # characters of an id, of a question and of an answer in the table
_HEAD = ("", "question", "answer", "confidence")


class Decision(NamedTuple):
    """The answer to one question.

    Attributes:
        question: the question.
        value: True or False, the id of an option, or the expected place on the scale (0 is the lowest level).
        confidence: the probability of the most probable outcome; None if the server did not send it.
        probability: the probability of yes; None for other questions.
        probabilities: the probability of each option, or of each level by its number; empty for yes or no.
    """

    question: str
    value: bool | str | float
    confidence: float | None = None
    probability: float | None = None
    probabilities: Mapping[str, float] = MappingProxyType({})


class Decisions(Mapping[str, Decision]):
    """The answers to the questions of a decision, by their ids.

    Attributes:
        response: the response that they come from, with the answer as received, the token counts and the cost.

    Args:
        response: as above; its answer fits the questions.
        questions: the questions in the API's form.
    """

    def __init__(self, response: Response, questions: Mapping[str, Mapping[str, Any]]) -> None:
        self.response = response
        parsed: dict[str, Any] = response.parsed
        self._answers = {key: _answer(key, question, parsed) for key, question in questions.items()}

    def __getitem__(self, key: str) -> Decision:
        return self._answers[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._answers)

    def __len__(self) -> int:
        return len(self._answers)

    def _rows(self) -> list[tuple[str, str, str, str]]:
        return [
            (
                short_line(key, _SHOWN),
                short_line(each.question, _SHOWN),
                short_line(_shown(each.value), _SHOWN),
                "" if each.confidence is None else f"{each.confidence:.0%}",
            )
            for key, each in self._answers.items()
        ]

    def __repr__(self) -> str:
        lines = [f"{key}: {value} ({confidence})" for key, _, value, confidence in self._rows()]
        return visible("\n".join(lines))

    def _repr_html_(self) -> str:
        head = "".join(f"<th>{name}</th>" for name in _HEAD)
        rows = "".join(
            f"<tr>{''.join(f'<td>{escape(visible(cell))}</td>' for cell in row)}</tr>" for row in self._rows()
        )
        table = f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"
        return f'<div class="mathjax_ignore tex2jax_ignore">{table}</div>'


def _shown(value: bool | str | float) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return value if isinstance(value, str) else f"{value:.4g}"


def _answer(key: str, question: Mapping[str, Any], parsed: Mapping[str, Any]) -> Decision:
    return Decision(
        question["instructions"],
        parsed[key],
        parsed.get(f"{key}_confidence"),
        parsed.get(f"{key}_probability"),
        MappingProxyType(parsed.get(f"{key}_probabilities", {})),
    )
