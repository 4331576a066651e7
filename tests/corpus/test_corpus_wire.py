"""Every recorded stream gives its documents, however its bytes are cut and its lines end."""

from __future__ import annotations

import json

import pytest
from corpus_streams import REQUIRED, ROOT, Recorded, load, readings

from gemini_magic.wire import Item, Reader

pytestmark = pytest.mark.corpus
STREAMS = load()


def read(pieces: list[bytes]) -> tuple[list[Item], Reader]:
    reader = Reader()
    items = [item for piece in pieces for item in reader.feed(piece)]
    return items + reader.close(), reader


def test_the_corpus_exists_when_it_is_required():
    if not STREAMS:
        print(f"no recorded streams in {ROOT}: this test reads nothing")
    assert STREAMS or not REQUIRED
    assert not STREAMS or len(STREAMS) >= 228


@pytest.mark.parametrize("recorded", STREAMS, ids=lambda recorded: recorded.id)
def test_every_reading_gives_every_document(recorded: Recorded):
    whole, reader = read([recorded.body])
    assert len(whole) == recorded.expected["documents"]
    assert reader.framing == ("sse" if recorded.framing == "sse" else "json")
    assert "not-json" not in reader.counts
    for item in whole:
        assert item.verbatim
        assert recorded.body.startswith(item.raw, item.offset)
    values = [json.loads(item.raw) for item in whole]
    for label, pieces in readings(recorded.body, recorded.framing):
        items, again = read(pieces)
        assert [json.loads(item.raw) for item in items] == values, label
        assert again.counts == reader.counts, label
