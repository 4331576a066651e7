"""The candidate answers of a ledger and their citations."""

from __future__ import annotations

from ..content import Part, Text, Thought, encodable, join_parts
from ..events import Citation
from .ledger import Ledger

__all__ = ["Candidate", "citations_of"]


def citations_of(ledger: Ledger, candidate: int) -> list[Citation]:
    """Return the citations of one candidate without duplicates, in the order received."""
    evidence = [each for each in ledger.evidence if each.candidate == candidate]
    return list(dict.fromkeys(citation for each in evidence for citation in each.citations))


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
