"""Tests of `gemini_magic.row_runs.raw`."""

import pytest

from gemini_magic.ledger import Exchange
from gemini_magic.row_runs.raw import fill_exchange, pack_head, pack_pieces, unpack_pieces

PIECES = [(0.1, b"data: {"), (0.1 + 0.2, b""), (12.5, "}\n\n é".encode())]


def exchange(**head):
    made = Exchange("POST", "http://a/b", (), b"{}")
    if head:
        made.set_head(**head)
    return made


def test_pieces_keep_their_arrival_times_and_their_bytes():
    assert unpack_pieces(pack_pieces(PIECES)) == PIECES
    assert unpack_pieces(pack_pieces([])) == []


@pytest.mark.parametrize(
    "change", [lambda packed: packed[:-1], lambda packed: packed[:7], lambda packed: packed + b"x"]
)
def test_damaged_pieces_raise_a_value_error(change):
    with pytest.raises(ValueError, match="damaged"):
        unpack_pieces(change(pack_pieces(PIECES)))


def test_too_many_pieces_raise_a_value_error_before_they_are_made():
    count = 2_000_001
    with pytest.raises(ValueError, match="damaged pieces: 2,000,001 are too many"):
        unpack_pieces(count.to_bytes(4, "little") + bytes(12 * count))


def test_a_kept_response_fills_an_exchange():
    first = exchange(
        status=200, reason="OK", http_version="HTTP/1.1", headers=[("content-type", "text/plain")]
    )
    for piece in PIECES:
        first.pieces.append(piece)
    second = exchange()
    fill_exchange(second, pack_head(first), pack_pieces(first.pieces), "eof")
    assert (second.status, second.reason, second.http_version) == (200, "OK", "HTTP/1.1")
    assert (second.response_headers, second.end) == (first.response_headers, "eof")
    assert list(second.pieces) == PIECES


def test_an_attempt_without_a_response_has_no_head():
    assert pack_head(exchange()) == b""


def test_a_damaged_head_raises_a_value_error():
    with pytest.raises(ValueError, match="damaged head"):
        fill_exchange(exchange(), b"{", b"", "eof")
