"""The candidate answers of a ledger and their citations."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final, TypeVar

from .. import schema as schemas
from ..content import Part, Thought, spoken_text
from ..errors import MismatchError, without_traceback
from ..events import Citation, Grounding
from ..text import one_line
from .items import AnswerItem, items_of_parts
from .ledger import Ledger

if TYPE_CHECKING:
    from ..schema import AnswerValue

__all__ = [
    "MAX_QUERIES",
    "MAX_SOURCES",
    "Candidate",
    "block_reason_of",
    "citations_of",
    "grounding_of",
    "merged_grounding",
]

T = TypeVar("T")
MAX_SOURCES: Final = 1_000
MAX_PASSAGES: Final = 5_000
MAX_QUERIES: Final = 100


def block_reason_of(ledger: Ledger) -> str | None:
    """Return why the prompt or the answer was blocked: a reason, or the code of an error; None if it was not."""
    if ledger.blocked is not None:
        return ledger.blocked.reason
    if ledger.failure is not None and ledger.failure.blocked and ledger.failure.status:
        return ledger.failure.status
    finish = ledger.finish
    return finish.reason if ledger.status == "blocked" and finish is not None else None


def citations_of(ledger: Ledger, candidate: int) -> list[Citation]:
    """Return the citations of one candidate without duplicates, in the order received."""
    evidence = [each for each in ledger.evidence if each.candidate == candidate]
    return list(dict.fromkeys(citation for each in evidence for citation in each.citations))


def grounding_of(ledger: Ledger, candidate: int) -> dict[str, Any]:
    """Return the grounding metadata of one candidate as one object; empty if none was sent.

    Servers send it whole, as a growing list with every chunk, or split over chunks. Lists that continue earlier ones are
    joined; the indices in ``groundingSupports`` are adapted if they count the sources of their own chunk.
    """
    merged: dict[str, Any] = {}
    for each in ledger.evidence:
        if each.kind == "grounding" and each.candidate == candidate and isinstance(each.value, dict):
            merged = _merged_grounding(merged, each.value)
    return merged


def merged_grounding(ledger: Ledger, candidate: int) -> Grounding:
    """Return the sources of one candidate, merged as :func:`grounding_of` merges the metadata.

    Beyond 1,000 sources, 5,000 passages or 100 queries nothing is added, so that a flood of metadata takes linear time.
    """
    merged = Grounding()
    for each in list(ledger.evidence):
        if each.grounding is not None and each.candidate == candidate:
            merged = _joined_grounding(merged, each.grounding)
            if (
                len(merged.sources) > MAX_SOURCES
                or len(merged.supports) > MAX_PASSAGES
                or len(merged.queries) > MAX_QUERIES
            ):
                break
    return Grounding(
        merged.sources[:MAX_SOURCES],
        merged.supports[:MAX_PASSAGES],
        merged.queries[:MAX_QUERIES],
        merged.suggestions,
    )


def _joined_grounding(before: Grounding, new: Grounding) -> Grounding:
    sources, supports = _continued(before.sources, new.sources), new.supports
    by = len(before.sources)
    highest = max((index for support in supports for index in support.sources), default=0)
    if by and len(sources) == by + len(new.sources) and highest < len(new.sources):
        supports = tuple(
            support._replace(sources=tuple(index + by for index in support.sources)) for support in supports
        )
    return Grounding(
        tuple(sources),
        tuple(_continued(before.supports, supports)),
        tuple(dict.fromkeys((*before.queries, *new.queries))),
        new.suggestions or before.suggestions,
    )


def _merged_grounding(before: dict[str, Any], new: dict[str, Any]) -> dict[str, Any]:
    sources, own = _list(before.get("groundingChunks")), _list(new.get("groundingChunks"))
    joined = _continued(sources, own)
    supports = _list(new.get("groundingSupports"))
    if sources and len(joined) == len(sources) + len(own) and _highest_index(supports) < len(own):
        new = {**new, "groundingSupports": [_shifted(support, len(sources)) for support in supports]}
    merged = dict(before)
    for name, value in new.items():
        earlier = before.get(name)
        if isinstance(value, list) and isinstance(earlier, list):
            merged[name] = _continued(earlier, value)
        elif value or name not in merged:
            merged[name] = value
    return merged


def _continued(before: Sequence[T], new: Sequence[T]) -> list[T]:
    """Both lists as one: the longer one if it begins with the other, else one after the other."""
    shorter, longer = sorted((before, new), key=len)
    return list(longer) if longer[: len(shorter)] == shorter else [*before, *new]


def _highest_index(supports: list[Any]) -> int:
    indices = [index for support in supports for index in _indices(support) if isinstance(index, int)]
    return max(indices, default=0)


def _indices(support: Any) -> list[Any]:
    return _list(support.get("groundingChunkIndices")) if isinstance(support, dict) else []


def _shifted(support: Any, by: int) -> Any:
    indices = [index + by if isinstance(index, int) else index for index in _indices(support)]
    return {**support, "groundingChunkIndices": indices} if indices else support


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


class Candidate:
    """One candidate answer; ``Response.text`` and its other text attributes are those of candidate 0.

    Attributes:
        index: the candidate's index, from 0.
    """

    def __init__(self, ledger: Ledger, index: int) -> None:
        self._ledger = ledger
        self.index = index

    @property
    def parts(self) -> tuple[Part, ...]:
        """The parts in order; text that arrived in several chunks is one part."""
        parts = self._ledger.parts.get(self.index)
        return () if parts is None else parts.joined()

    @property
    def text(self) -> str:
        """The text of the answer so far."""
        if self.index == 0 and self._ledger.round:
            return self._ledger.answer.text  # with a paragraph for each round
        return spoken_text(self.parts)

    @property
    def thoughts(self) -> str:
        """The summary of the model's thinking so far."""
        return "".join(part.text for part in self.parts if isinstance(part, Thought))

    @property
    def items(self) -> list[AnswerItem]:
        """The answer in order: stretches of text, pictures, audio, code runs, calls and other parts."""
        if self.index == 0:
            length = len(self._ledger.answer.text)
            return self._ledger.placed.items(length)
        return items_of_parts(self.parts)

    @property
    def finish_reason(self) -> str | None:
        """The last finish reason by its documented name, or as sent if it is unknown; None when none was sent."""
        finish = self._ledger.finishes.get(self.index)
        return None if finish is None else finish.reason

    def json(self) -> Any:
        """Return the JSON value of the answer; None while it runs.

        Raises:
            MismatchError: the text has no valid JSON.
        """
        found = self._value()
        if found.json_error is not None:
            raise without_traceback(found.json_error)
        return found.json

    @property
    def parsed(self) -> Any:
        """The answer as an instance of the requested type, as ``Response.parsed`` is; None while it runs.

        Raises:
            MismatchError: the answer is not JSON, or does not fit the schema.
        """
        found = self._value()
        if found.error is not None:
            raise without_traceback(found.error)
        return found.parsed

    @property
    def parse_error(self) -> MismatchError | None:
        """Why :attr:`parsed` has no value; None where it has one, and while it runs."""
        return self._value().error

    def _value(self) -> AnswerValue:
        if self.index == 0 or self._ledger.status == "running":
            return self._ledger.answer_value()
        return schemas.value_of_answer([self.text], self._ledger.schema)

    def __repr__(self) -> str:
        return one_line(f"<Candidate {self.index}: {len(self.text):,} characters, {self.finish_reason}>")
