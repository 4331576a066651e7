"""The notes of a stream are collected once for each state of its ledger."""

from __future__ import annotations

import pytest
from fake_server import finish, raw, text

import gemini_magic
from gemini_magic.diagnostics import all_notes, display_notes, notes


@pytest.fixture
def ledger(fake_server):
    fake_server.model("m", raw(b": ping\n\n"), text("a"), text("", finish="STOP"), finish())
    return gemini_magic.ask("hi", model="m", base_url=fake_server.base_url, journal=False).ledger


def test_a_whole_stream_is_checked_once_until_its_ledger_changes(ledger, monkeypatch):
    calls = []

    def check(ledger, offsets):
        calls.append(ledger.version)
        return check_stream(ledger, offsets)

    check_stream = notes.check_stream
    monkeypatch.setattr(notes, "check_stream", check)
    first = all_notes(ledger)
    assert all_notes(ledger) is display_notes(ledger) is first
    assert [note.kind for note in first] == ["comment", "empty-part"]
    ledger.note("extra", "A note that was added later.")
    assert [note.kind for note in all_notes(ledger)].count("extra") == 1
    assert len(calls) == 2


def test_while_a_stream_runs_or_when_it_is_very_long_only_the_notes_of_the_readers_are_shown(
    ledger, monkeypatch
):
    assert [note.kind for note in display_notes(ledger)] != ["comment"]
    monkeypatch.setattr(notes, "_MAX_CHUNKS", 1)
    assert [note.kind for note in display_notes(ledger)] == ["comment"]
    monkeypatch.undo()
    ledger.status = "running"
    assert [note.kind for note in display_notes(ledger)] == ["comment"]
