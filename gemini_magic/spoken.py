"""What was said, candidate by candidate, read from a ledger: text, parts, citations.

It reads when asked and keeps nothing; how an answer ended as a whole is the response's.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from .content import Part, Text, Thought, cleaned, joined
from .ledger import Ledger

__all__ = ["Candidate", "Citation", "citations_of"]


class Citation(NamedTuple):
    """A passage of the answer that the server found elsewhere; None for what it did not say.

    Attributes:
        start, end: where in the answer, in bytes of its UTF-8 form (Gemini API, ``CitationSource``).
        uri, title, license: of the source.
    """

    start: int | None
    end: int | None
    uri: str | None
    title: str | None
    license: str | None


def citations_of(ledger: Ledger, candidate: int) -> list[Citation]:
    """The citations of one candidate, each once, in the order they came.

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
    """One candidate answer; the response's own ``text`` and kin are candidate 0's."""

    def __init__(self, ledger: Ledger, index: int) -> None:
        self._ledger = ledger
        self.index = index

    @property
    def parts(self) -> tuple[Part, ...]:
        """The parts in order, text that was cut into chunks joined again."""
        return cleaned(joined(self._ledger.parts.get(self.index, ())))

    @property
    def text(self) -> str:
        """The answer's text."""
        return "".join(part.text for part in self.parts if isinstance(part, Text))

    @property
    def thoughts(self) -> str:
        """The summary of the model's thinking."""
        return "".join(part.text for part in self.parts if isinstance(part, Thought))

    @property
    def finish_reason(self) -> str | None:
        """The last reason the server gave, in its own word."""
        finish = self._ledger.finishes.get(self.index)
        return None if finish is None else finish.reason

    def __repr__(self) -> str:
        return f"<Candidate {self.index}: {len(self.text):,} characters, {self.finish_reason}>"
