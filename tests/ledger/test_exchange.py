"""The pieces of a body are stored once with the chunks, and returned byte for byte."""

from __future__ import annotations

import pickle

import pytest
from byte_cuts import byte_by_byte, random_cuts
from fake_server import finish, flood

import gemini_magic
from gemini_magic.ledger.exchange import BodyPieces
from gemini_magic.tables.strings import EncodedStrings
from gemini_magic.wire import Reader

BODIES = {
    "crlf": b"".join(b'data: {"a":{"b":"%d data: {"}}\r\n\r\n' % n for n in range(40)),
    "no space": b"".join(b'data:{"a":%d}\n\n' % n for n in range(40)),
    "equal": b'data: {"a":1}\n\n' * 40,
    "lines": b'data: {"a":\ndata: 1}\n\n: hello\n\ndata: {"a":"\xff"}\n\n' * 10,
    "array": b"[" + b",\r\n".join(b'{"a":%d}' % n for n in range(40)) + b"]",
    "uneven": b"".join(
        b": ping\n\n" * (n % 3) + b'data:%s{"a":%d}\r\n\r\n' % (b" " * (n % 2), n) for n in range(40)
    ),
    "one line": b"data: " + b" ".join(b'{"a":%d}' % n for n in range(40)) + b"\n\n",
    "text": b"no stream at all\n\n{}",
}


def refer_to_chunks(pieces, items, chunks, count):
    """What the client does with the items that a piece completed; returns the new number of chunks."""
    chunks.extend([item.raw for item in items])
    pieces.refer_to_chunks(items, count, chunks.stored)
    return count + len(items)


@pytest.mark.parametrize("name", BODIES)
def test_pieces_are_returned_byte_for_byte(name):
    body = BODIES[name]
    for cut in ([body], byte_by_byte(body), *(random_cuts(body, seed) for seed in range(20))):
        reader, pieces, chunks, count = Reader(), BodyPieces(), EncodedStrings(), 0
        for n, piece in enumerate(cut):
            pieces.append((float(n), piece))
            count = refer_to_chunks(pieces, reader.feed(piece), chunks, count)
        refer_to_chunks(pieces, reader.close(), chunks, count)
        assert [piece for _, piece in pieces] == list(cut)
        assert pieces.size == len(body)
        assert pieces[-1] == (len(cut) - 1.0, cut[-1])
        assert pieces[:2] == [(float(n), piece) for n, piece in enumerate(cut[:2])]
        assert list(pickle.loads(pickle.dumps(pieces))) == list(pieces)


def test_the_bytes_of_a_chunk_are_stored_once(fake_server):
    fake_server.model("m", flood(2000), finish())
    r = gemini_magic.ask("hi", model="m", base_url=fake_server.base_url, journal=False)
    pieces = r.ledger.exchanges[0].pieces
    assert len(r.chunks) == 2001
    apart = {
        id(piece): len(piece if isinstance(piece, bytes) else b"".join(piece)) for piece in pieces._stored
    }
    assert sum(apart.values()) < 0.1 * pieces.size
    assert b"".join(piece for _, piece in pieces).count(b"data: ") == 2001
