"""The pieces of a body are stored once with the chunks, and returned byte for byte."""

from __future__ import annotations

import base64
import pickle

import pytest
from byte_cuts import byte_by_byte, random_cuts
from fake_server import event, finish, flood
from media_samples import png

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


LARGE = b'{"a":1,"data":"%s"}' % (b"abcdefgh" * 40_000)
LARGE_BODIES = {
    "between": b'data: {"a":0}\n\ndata: ' + LARGE + b'\n\ndata: {"a":2}\n\n',
    "alone": LARGE,
    "two": b"data: " + LARGE + b"\r\n\r\ndata: " + LARGE + b"\r\n\r\n",
    "array": b"[" + LARGE + b",\n" + LARGE + b"]",
    "lines": b"data: " + LARGE.replace(b',"data"', b',\ndata: "data"') + b"\n\n",
}


@pytest.mark.parametrize("name", LARGE_BODIES)
@pytest.mark.parametrize("size", [1_000, 65_536])
def test_the_pieces_of_a_large_chunk_are_stored_once_and_returned_byte_for_byte(name, size):
    body = LARGE_BODIES[name]
    cut = [body[at : at + size] for at in range(0, len(body), size)]
    reader, pieces, chunks, count = Reader(), BodyPieces(), EncodedStrings(), 0
    for n, piece in enumerate(cut):
        pieces.append((float(n), piece))
        count = refer_to_chunks(pieces, reader.feed(piece), chunks, count)
    refer_to_chunks(pieces, reader.close(), chunks, count)
    assert [piece for _, piece in pieces] == cut
    assert list(pickle.loads(pickle.dumps(pieces))) == list(pieces)
    kept = sum(len(each) for each in pieces._stored if isinstance(each, bytes))
    assert (kept <= 4 * size) == (
        name != "lines"
    )  # the lines of an event are joined, so the chunk has other bytes


def test_an_answer_with_a_picture_holds_it_in_two_and_a_half_copies(fake_server):
    picture = png(64, 64, size=2_000_000)
    data = base64.b64encode(picture).decode()
    fake_server.model(
        "m",
        event(
            {
                "candidates": [
                    {"content": {"parts": [{"inlineData": {"mimeType": "image/png", "data": data}}]}}
                ]
            }
        ),
        finish(),
    )
    r = gemini_magic.ask("hi", model="m", base_url=fake_server.base_url, journal=False)
    assert r.images[0].data == picture
    stored = r.ledger.exchanges[0].pieces._stored
    kept = sum(len(each) for each in stored if isinstance(each, bytes))
    assert kept < 0.2 * len(picture)  # beside the JSON text (4/3) and the decoded bytes (1)
    assert data.encode() in b"".join(piece for _, piece in r.ledger.exchanges[0].pieces)


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
