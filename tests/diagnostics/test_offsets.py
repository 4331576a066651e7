"""The offset of a chunk comes from the reader of the body, and connects notes with chunks."""

from __future__ import annotations

import pickle

import pytest
from fake_server import cut, event, finish, raw, text

import gemini_magic
from gemini_magic.backends import backend
from gemini_magic.diagnostics.offsets import ChunkOffsets
from gemini_magic.events import Decoded, Note
from gemini_magic.ledger import Exchange, Ledger
from gemini_magic.recording import load_exchanges

A = b'{"candidates":[{"content":{"parts":[{"text":"a"}]}}]}'
# The comment holds the bytes of the chunk, and the second chunk is equal to the first.
REPEATED = b": " + A + b"\n\ndata: " + A + b"\r\n\r\ndata:" + A + b"\n\n"


def loaded(body: bytes, size: int = 7) -> Ledger:
    exchange = Exchange("POST", "https://example.org/v1", (), b"{}")
    exchange.status, exchange.end = 200, "eof"
    for at in range(0, len(body), size):
        exchange.pieces.append((0.1, body[at : at + size]))
    ledger = Ledger()
    load_exchanges([exchange], backend("gemini"), ledger)
    return ledger


def test_a_chunk_has_the_offset_at_which_the_reader_found_it():
    first = REPEATED.index(b"data: ") + 6
    for size in (1, 7, 1000):
        assert [chunk.offset for chunk in loaded(REPEATED, size).raw] == [first, REPEATED.rindex(A)]


def test_a_copy_of_the_ledger_keeps_the_offsets():
    ledger = loaded(REPEATED)
    assert [chunk.offset for chunk in pickle.loads(pickle.dumps(ledger)).raw] == [
        chunk.offset for chunk in ledger.raw
    ]


def test_offsets_count_from_the_body_of_the_exchange(fake_server):
    counts = event({"usageMetadata": {"promptTokenCount": 3, "totalTokenCount": 3}})
    fake_server.script(raw(b": busy\n\n"), counts, cut())
    fake_server.script(text("hello"), text(" there"), finish())
    r = gemini_magic.ask("hi", model="m", base_url=fake_server.base_url, journal=False)
    assert [chunk.attempt for chunk in r.ledger.raw] == [0, 1, 1, 1]
    for chunk in r.ledger.raw:
        body = b"".join(piece for _, piece in r.ledger.exchanges[chunk.attempt].pieces)
        assert body.startswith(chunk.raw, chunk.offset)
    offsets = ChunkOffsets(r.ledger)
    one, two = offsets.fill_in([Note("k", "m", chunk=0), Note("k", "m", chunk=2)])
    assert (one.offset, two.offset) == (None, r.ledger.raw[2].offset)
    # With two bodies an offset alone does not name a chunk.
    assert offsets.fill_in([Note("k", "m", offset=9)]) == [Note("k", "m", offset=9)]


@pytest.mark.parametrize(
    ("offset", "chunk"), [(0, 0), (REPEATED.index(b"data: "), 0), (REPEATED.rindex(b"data:"), 1), (999, 1)]
)
def test_a_note_with_an_offset_belongs_to_the_chunk_of_that_event(offset, chunk):
    assert ChunkOffsets(loaded(REPEATED)).fill_in([Note("k", "m", offset=offset)])[0].chunk == chunk


def test_without_offsets_notes_stay_as_they_are():
    ledger = Ledger()
    ledger.begin(Exchange("POST", "https://example.org/v1", (), b"{}"))
    ledger.add(A, 0.1, Decoded([]))
    ledger.add(A, 0.2, Decoded([]), 2**31)  # above 2 GB
    assert [chunk.offset for chunk in ledger.raw] == [None, None]
    for note in (Note("k", "m", chunk=0), Note("k", "m", offset=0), Note("k", "m")):
        assert ChunkOffsets(ledger).fill_in([note]) == [note]
