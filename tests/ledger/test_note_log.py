"""Notes are limited per kind and counted beyond that."""

from __future__ import annotations

from gemini_magic.content import Text
from gemini_magic.events import Decoded, Delta, Note
from gemini_magic.ledger import Ledger
from gemini_magic.response import Response


def test_there_are_at_most_a_hundred_notes_of_a_kind_and_one_that_counts_the_others():
    ledger = Ledger()
    for number in range(1_234):
        ledger.note(
            "page-not-read", f"The page {number} could not be read.", severity="warning", chunk=number
        )
        ledger.add(b"{}", 1.0, Decoded([Note("reason-spelling", f"The reason {number} was read as STOP.")]))
    ledger.note("gap", "one")
    assert len(ledger.notes) == 201
    notes = [row for row in Response(ledger).notes if "more notes of this kind" in row.message]
    assert [(row.kind, row.severity, row.message) for row in notes] == [
        ("page-not-read", "warning", "… and 1,134 more notes of this kind."),
        ("reason-spelling", "info", "… and 1,134 more notes of this kind."),
    ]


def test_candidates_beyond_a_thousand_are_in_the_events_only():
    ledger = Ledger()
    for index in range(2_000):
        ledger.add(b"{}", 1.0, Decoded([Delta(Text("a"), index * 1_000_000)]))
    response = Response(ledger)
    assert len(response.candidates) == 1_000
    assert len(response.events) == 2_000
    assert [row.kind for row in response.notes].count("many-candidates") == 1
