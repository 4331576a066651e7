"""Every recorded or documented stream of interactions, cut after each event, is resumed to the same answer."""

from __future__ import annotations

import json

import pytest
from corpus_streams import ROOT
from interactions_server import Plan, replayed

from gemini_magic.backends import backend
from gemini_magic.content import join_parts
from gemini_magic.ledger import Ledger

pytestmark = pytest.mark.corpus
FOLDER = ROOT / "interactions"
INDEX = json.loads((FOLDER / "index.json").read_text("utf-8")) if FOLDER.is_dir() else []
STREAMS = [entry for entry in INDEX if entry["framing"] == "sse" and not entry["revision"].startswith("2025")]
DIALECT = backend("interactions")


def events_of(entry, ids):
    """The events of a body; every so many of them have an id, or with None those that have one."""
    lines = (FOLDER / entry["file"]).read_bytes().splitlines()
    events = []
    for line in lines:
        if line.startswith(b"data:") and line[5:].strip() != b"[DONE]":
            try:
                events.append(json.loads(line[5:]))
            except ValueError:
                break  # the body ends inside the event
    if ids is None:
        return events
    events = [{name: value for name, value in event.items() if name != "event_id"} for event in events]
    return [
        event | ({"event_id": f"e{n}"} if ids and n % ids == ids - 1 else {})
        for n, event in enumerate(events)
    ]


def add(ledger, decoder, events):
    for event in events:
        raw = json.dumps({name: value for name, value in event.items() if name != "was"}).encode()
        ledger.add(raw, 0.0, decoder(raw))


def state(ledger):
    return (
        "".join(ledger.answer),
        "".join(ledger.thoughts),
        list(join_parts(ledger.parts.get(0, ()))),
        list(ledger.evidence),
        [(step.index, step.type, step.id, step.char, step.raw) for step in ledger.steps.all()],
        (ledger.finish, ledger.usage, ledger.continuation, ledger.failure, ledger.response_id),
    )


def rest_of(events, cursor):
    if cursor is None:
        return events
    return events[next(n for n, event in enumerate(events) if event.get("event_id") == cursor) + 1 :]


@pytest.mark.parametrize(("ids", "pieces"), [(1, 0), (3, 3), (0, 3), (None, 0)])
@pytest.mark.parametrize("entry", STREAMS, ids=lambda entry: entry["id"])
def test_a_recorded_stream_is_resumed_after_each_event(entry, ids, pieces):
    events = events_of(entry, ids)
    known = [event["event_id"] for event in events if "event_id" in event]
    if len(known) != len(set(known)):  # place-holders of the documentation, which no server sends
        events = events_of(entry, 0)
    uncut = Ledger(backend="interactions")
    add(uncut, DIALECT.decoder(), events)
    for cut in range(1, len(events), 1 + len(events) // 12):
        ledger, decoder = Ledger(backend="interactions"), DIALECT.decoder()
        add(ledger, decoder, events[:cut])
        resumed = DIALECT.interactions.resumed(decoder)
        resumed.learn(chunk.raw for chunk in ledger.raw)
        cursor = resumed.cursor
        resumed.begin(cursor)
        add(ledger, resumed, replayed(rest_of(events, cursor), Plan(events, pieces=pieces)))
        assert state(ledger) == state(uncut), cut
