"""The candidate answers of a ledger and their citations."""

from __future__ import annotations

from typing import Any, NamedTuple

from ..content import Part, Text, Thought, encodable, join_parts
from .ledger import Ledger

__all__ = ["Candidate", "Citation", "citations_of"]


class Citation(NamedTuple):
    """A passage of the answer that the server attributes to a source. Values that were not sent are None.

    Attributes:
        start, end: byte offsets of the passage in the UTF-8 form of the answer (Gemini API, ``CitationSource``).
        uri, title, license: of the source.
    """

    start: int | None
    end: int | None
    uri: str | None
    title: str | None
    license: str | None


def citations_of(ledger: Ledger, candidate: int) -> list[Citation]:
    """Return the citations of one candidate without duplicates, in the order received.

    The Developer API sends them as ``citationSources``, Vertex AI as ``citations``.
    """
    found: dict[Citation, None] = {}
    for each in ledger.evidence:
        if each.name == "citationMetadata" and each.candidate == candidate and isinstance(each.value, dict):
            for name in ("citationSources", "citations"):
                sources = each.value.get(name)
                for source in sources if isinstance(sources, list) else ():
                    if isinstance(source, dict):
                        found[_citation(source)] = None
    return list(found)


def _citation(source: dict[str, Any]) -> Citation:
    start, end = (
        value if isinstance(value := source.get(name), int) else None for name in ("startIndex", "endIndex")
    )
    uri, title, terms = (
        None if source.get(name) is None else str(source[name]) for name in ("uri", "title", "license")
    )
    return Citation(start, end, uri, title, terms)


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
        return encodable(join_parts(self._ledger.parts.get(self.index, ())))

    @property
    def text(self) -> str:
        """The text of the answer so far."""
        return "".join(part.text for part in self.parts if isinstance(part, Text))

    @property
    def thoughts(self) -> str:
        """The summary of the model's thinking so far."""
        return "".join(part.text for part in self.parts if isinstance(part, Thought))

    @property
    def finish_reason(self) -> str | None:
        """The last finish reason as the server sent it; None when it sent none."""
        finish = self._ledger.finishes.get(self.index)
        return None if finish is None else finish.reason

    def __repr__(self) -> str:
        return f"<Candidate {self.index}: {len(self.text):,} characters, {self.finish_reason}>"
