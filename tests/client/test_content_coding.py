"""Codings of a body: which are undone, and how the others are reported."""

from __future__ import annotations

import gzip
import json
import tracemalloc
import zlib

import pytest
from byte_cuts import byte_by_byte, every_cut
from client_stage import finished, start, text
from raw_server import RawServer

from gemini_magic.client.content_coding import BodyDecoder, content_codings, unsupported_coding
from gemini_magic.errors import WireError

BODY = b"".join(
    b"data: "
    + json.dumps({"candidates": [{"content": {"parts": [{"text": word}]}, **end}]}).encode()
    + b"\n\n"
    for word, end in (("one ", {}), ("two", {"finishReason": "STOP"}))
)
HALVES = BODY[: len(BODY) // 2], BODY[len(BODY) // 2 :]


def raw_deflate(data):
    packer = zlib.compressobj(wbits=-15)
    return packer.compress(data) + packer.flush()


CODED = {
    "gzip": (["gzip"], gzip.compress(BODY)),
    "gzip of several members": (["gzip"], b"".join(map(gzip.compress, HALVES))),
    "gzip with zeros between members": (
        ["gzip"],
        gzip.compress(HALVES[0]) + bytes(5) + gzip.compress(HALVES[1]),
    ),
    "gzip with text after it": (["gzip"], gzip.compress(BODY) + b"\r\n"),
    "an empty member": (["gzip"], gzip.compress(b"") + gzip.compress(BODY)),
    "deflate": (["deflate"], zlib.compress(BODY)),
    "deflate without a header": (["deflate"], raw_deflate(BODY)),
    "two codings": (["deflate", "gzip"], gzip.compress(zlib.compress(BODY))),
}


@pytest.mark.parametrize("case", CODED)
def test_codings_are_undone_at_every_cut(case):
    codings, coded = CODED[case]
    for pieces in [[coded], byte_by_byte(coded), *every_cut(coded)]:
        decoder = BodyDecoder(codings)
        assert b"".join(map(decoder.feed, pieces)) == BODY


def test_a_long_body_of_many_members_is_read_in_linear_time():
    decoder = BodyDecoder(["gzip"])
    assert len(decoder.feed(gzip.compress(b"x" * 1000) * 20_000)) == 20_000_000


@pytest.mark.parametrize(
    ("values", "codings", "unsupported"),
    [
        ([], [], None),
        (["identity"], [], None),
        (["GZIP"], ["gzip"], None),
        (["x-gzip, deflate"], ["gzip", "deflate"], None),
        (["gzip", "br"], ["gzip", "br"], "br"),
        (["zstd"], ["zstd"], "zstd"),
    ],
)
def test_the_headers_name_the_codings(values, codings, unsupported):
    assert content_codings(values) == codings
    assert unsupported_coding(codings) == unsupported


def answered(head, body=BODY):
    server = RawServer([[b"HTTP/1.1 " + head + b"\r\nContent-Length: %d\r\n\r\n" % len(body) + body]])
    try:
        return finished(start(server, retries=0))
    finally:
        server.close()


def test_a_multi_member_body_is_read_whole():
    ledger = answered(b"200 OK\r\nContent-Encoding: gzip", CODED["gzip of several members"][1])
    assert (ledger.status, text(ledger)) == ("complete", "one two")


@pytest.mark.parametrize(("count", "status"), [(2, "complete"), (1, "error")])
def test_compression_that_breaks_after_the_finish_reason_does_not_spoil_the_answer(count, status):
    packer = zlib.compressobj(wbits=31)
    events = [event + b"\n\n" for event in BODY.split(b"\n\n") if event][:count]
    pieces = [packer.compress(event) + packer.flush(zlib.Z_SYNC_FLUSH) for event in events]
    head = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nConnection: close\r\n\r\n"
    server = RawServer([[head, *pieces, b"\xff" * 20]])
    try:
        ledger = finished(start(server, retries=0))
    finally:
        server.close()
    assert (ledger.status, text(ledger)) == (status, "one two"[: 4 if count == 1 else 7])


@pytest.mark.parametrize("coding", ["br", "zstd"])
def test_an_unsupported_content_encoding_is_named(coding):
    ledger = answered(b"200 OK\r\nContent-Encoding: " + coding.encode(), b"\x8b\x02\x80")
    assert isinstance(ledger.error, WireError)
    assert f"Content-Encoding: {coding}" in ledger.error.message


def test_an_unsupported_transfer_encoding_is_named():
    server = RawServer(
        [[b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"]]
    )
    try:
        ledger = finished(start(server, retries=0))
    finally:
        server.close()
    assert isinstance(ledger.error, WireError)
    assert "Transfer-Encoding: gzip, chunked" in ledger.error.message


def test_the_status_of_an_error_counts_although_its_body_cannot_be_read():
    ledger = answered(b"429 Too Many\r\nContent-Encoding: br", b"\x8b\x02\x80")
    assert (ledger.error.code, ledger.error.message) == (429, "429: Too Many Requests")


def stacked(times, size=2**30):
    """Zeros that were compressed several times."""
    packer = zlib.compressobj(9, wbits=31)
    data = b"".join(packer.compress(bytes(2**20)) for _ in range(size // 2**20)) + packer.flush()
    for _ in range(times - 1):
        data = gzip.compress(data)
    return data


@pytest.mark.parametrize("times", [1, 2, 3])
def test_data_that_expands_without_limit_is_refused_before_it_takes_memory(times):
    bomb = stacked(times, 2**28)
    decoder = BodyDecoder(["gzip"] * times)
    tracemalloc.start()
    try:
        with pytest.raises(WireError, match="expands to far more data"):
            for start in range(0, len(bomb), 2**18):
                decoder.feed(bomb[start : start + 2**18])
        assert tracemalloc.get_traced_memory()[1] < 300 * 2**20
    finally:
        tracemalloc.stop()


def test_outer_codings_may_not_expand_much():
    empty_members = gzip.compress(b"") * 1_000_000
    with pytest.raises(WireError, match="expands to far more data"):
        BodyDecoder(["gzip", "gzip"]).feed(gzip.compress(empty_members))


def test_more_than_three_codings_are_not_supported():
    assert unsupported_coding(["gzip"] * 3) is None
    assert unsupported_coding(["gzip"] * 4) == "gzip, gzip, gzip, …"
