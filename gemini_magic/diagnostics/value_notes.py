"""Notes about the value of an answer that was requested with a schema: one for each problem."""

from __future__ import annotations

from ..events import Note
from ..ledger import Ledger

__all__ = ["value_notes"]

_CHECKED = ("complete", "truncated")  # endings of which the text is worth checking


def value_notes(ledger: Ledger) -> list[Note]:
    """The notes about the value of an answer that has ended; empty for one without a schema.

    Any other ending than a complete or a truncated answer is a separate error.
    """
    if ledger.schema is None or ledger.status not in _CHECKED:
        return []
    if ledger.rounds and ledger.rounds[-1].calls and not ledger.chars:
        return []  # an answer of calls alone, whose functions do not run here
    found = ledger.answer_value()
    notes = [Note("json-text", message) for message in found.notes]
    if found.error is not None:
        notes += [Note("mismatch", problem, "warning") for problem in found.error.problems]
    return notes
