"""Helpers of the tests of the store: rows that ask, and attempts that end, without a network."""

from __future__ import annotations

import hashlib
import json
import sqlite3
from contextlib import closing

from gemini_magic.ledger import Exchange
from gemini_magic.row_runs.raw import pack_head, pack_pieces
from gemini_magic.row_runs.store_values import RunRecord
from gemini_magic.row_runs.values import Attempted, Grant, Wanted

RUN = RunRecord("1.0", "gemini", "example.org", "m", "Classify: {{ row.text }}")


def digest(text):
    """Return the hash of what is asked."""
    return hashlib.sha256(text.encode()).digest()


def wanted(position, text=None, *, key=None, **changes):
    """Return a row that asks for a text, by default its own."""
    key = f"key {position}".encode() if key is None else key
    return Wanted(position, key, digest(text or f"text {position}"))._replace(**changes)


def begin(store, rows=3):
    """Begin a run with some rows; returns a grant for the first attempt of each."""
    store.begin_run(RUN)
    batch = [wanted(position) for position in range(rows)]
    return [Grant(request, 1, row) for request, row in zip(store.add(batch), batch, strict=True)]


def pieces_of(*texts):
    """Return the pieces of a body with one event for each text, a tenth of a second apart."""
    events = [{"candidates": [{"content": {"role": "model", "parts": [{"text": text}]}}]} for text in texts]
    if events:
        events[-1]["candidates"][0]["finishReason"] = "STOP"
        events[-1]["usageMetadata"] = {
            "promptTokenCount": 5,
            "candidatesTokenCount": 3,
            "totalTokenCount": 8,
        }
    return [(0.1 * (n + 1), f"data: {json.dumps(event)}\r\n\r\n".encode()) for n, event in enumerate(events)]


def attempted(grant, text="an answer", **changes):
    """Return the end of an attempt with an answer, or with what ``changes`` says."""
    exchange = Exchange("POST", "", (), b"")
    exchange.set_head(
        200, reason="OK", http_version="HTTP/1.1", headers=[("content-type", "text/event-stream")]
    )
    half = len(text) // 2
    made = Attempted(
        grant.request,
        grant.attempt,
        "complete",
        "eof",
        http_status=200,
        head=pack_head(exchange),
        pieces=pack_pieces(pieces_of(text[:half], text[half:])),
        text=text,
        model="m-001",
        tokens_in=5,
        tokens_out=3,
        cost=0.01,
        first_text=0.1,
        seconds=0.2,
    )
    return made._replace(**changes)


def refused(grant, error="429 RESOURCE_EXHAUSTED: slow down", **changes):
    """Return the end of an attempt that the server refused, and that may be made again."""
    exchange = Exchange("POST", "", (), b"")
    exchange.set_head(429, reason="Too Many Requests")
    body = json.dumps(
        {"error": {"code": 429, "status": "RESOURCE_EXHAUSTED", "message": "slow down"}}
    ).encode()
    made = Attempted(
        grant.request,
        grant.attempt,
        "waiting",
        "eof",
        http_status=429,
        head=pack_head(exchange),
        pieces=pack_pieces([(0.05, body)]),
        error=error,
        reason="429 RESOURCE_EXHAUSTED",
    )
    return made._replace(**changes)


def all_results(store, batch_size=1000):
    """Return the results of all rows."""
    return [row for batch in store.results(batch_size) for row in batch]


def store_sql(path, statement, values=()):
    """Run an SQL statement on a store; returns the rows."""
    with closing(sqlite3.connect(path, isolation_level=None)) as database:
        return database.execute(statement, values).fetchall()
