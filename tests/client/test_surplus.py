"""Bytes that follow a complete answer: the connection is dropped, so that they never become the next answer."""

from __future__ import annotations

import json

import pytest
from client_stage import finished, kinds, start, text, until
from raw_server import RawServer


def event(words):
    value = {"candidates": [{"content": {"parts": [{"text": words}]}, "finishReason": "STOP"}]}
    return b"data: " + json.dumps(value).encode() + b"\n\n"


def chunked(words):
    body = event(words)
    return b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n" % (len(body), body)


def counted(words, *lengths):
    body = event(words)
    fields = b"".join(b"Content-Length: %s\r\n" % length for length in lengths or (b"%d" % len(body),))
    return b"HTTP/1.1 200 OK\r\n" + fields + b"\r\n" + body


EMPTY = b"HTTP/1.1 204 No Content\r\n\r\n"
STRANGER = chunked("stranger")


SURPLUS = {
    "a line end after chunks": [chunked("one") + b"\r\n"],
    "a line end after a counted body": [counted("one") + b"\r\n"],
    "a second response after chunks": [chunked("one") + STRANGER],
    "a second response after a counted body": [counted("one") + STRANGER],
    "a second response to equal lengths": [counted("one", b"%d, %d" % ((len(event("one")),) * 2)) + STRANGER],
    "half a second response": [chunked("one") + STRANGER[:40]],
    "a second response later": [chunked("one"), STRANGER],
    "a second response, cut elsewhere": [chunked("one")[:-2], b"\r\n" + STRANGER],
}


@pytest.mark.parametrize("case", SURPLUS)
def test_a_surplus_is_not_the_next_answer(case):
    server = RawServer([SURPLUS[case], [chunked("two")]])
    try:
        assert text(finished(start(server))) == "one"
        until(lambda: server.answered)
        assert text(finished(start(server))) == "two"
        assert server.connections == 2
    finally:
        server.close()


@pytest.mark.parametrize("surplus", [b"hello", event("stranger"), b"5\r\nhello\r\n0\r\n\r\n", STRANGER])
def test_a_body_after_a_response_that_has_none_is_not_the_next_answer(surplus):
    server = RawServer([[EMPTY + surplus], [chunked("two")]])
    try:
        finished(start(server, retries=0))
        until(lambda: server.answered)
        assert text(finished(start(server))) == "two"
        assert server.connections == 2
    finally:
        server.close()


def test_a_surplus_is_noted():
    server = RawServer([[chunked("one") + STRANGER]])
    try:
        ledger = finished(start(server))
        assert (ledger.status, text(ledger), kinds(ledger)) == ("complete", "one", ["surplus-bytes"])
    finally:
        server.close()


def test_a_connection_without_a_surplus_is_used_again():
    server = RawServer([[chunked("one")], [counted("two")], [EMPTY], [chunked("three")]])
    try:
        assert [text(finished(start(server, retries=0))) for _ in range(4)] == ["one", "two", "", "three"]
        assert server.connections == 1
    finally:
        server.close()
