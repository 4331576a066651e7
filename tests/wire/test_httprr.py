"""Go's httprr traces: traces of its recorders can be read, and its reader accepts written traces."""

from __future__ import annotations

import gzip
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gemini_magic.errors import RecordingError
from gemini_magic.wire import httprr

URL = "https://generativelanguage.googleapis.com/v1beta/models/gemini-2.0-flash:streamGenerateContent?alt=sse"
REQUEST_BODY = (
    b'{"contents":[{"parts":[{"text":"What is the capital of France? One word."}],"role":"user"}]}\n'
)
BODY = b'data: {"candidates": [{"content": {"parts": [{"text": "Paris"}],"role": "model"}}]}\r\n\r\ndata: {"a":1}\r\n\r\n'
REQUEST = (
    f"POST {URL} HTTP/1.1\r\nHost: generativelanguage.googleapis.com\r\nUser-Agent: Go-http-client/1.1\r\n"
    f"Content-Length: {len(REQUEST_BODY)}\r\nContent-Type: application/json\r\n\r\n"
).encode() + REQUEST_BODY
RESPONSE = (
    b"HTTP/2.0 200 OK\r\nConnection: close\r\nContent-Type: text/event-stream\r\nDate: Mon, 18 Aug 2025 13:55:15 GMT\r\n\r\n"
    + BODY
)


def trace(*records: tuple[bytes, bytes], end: bytes = b"\n") -> bytes:
    out = b"httprr trace v1" + end
    for request, response in records:
        out += b"%d %d" % (len(request), len(response)) + end + request + response
    return out


def test_a_stream_that_go_recorded():
    (exchange,) = httprr.parse_trace(trace((REQUEST, RESPONSE)))
    assert exchange == httprr.TraceExchange(
        method="POST",
        url=URL,
        request_headers=(
            ("Host", "generativelanguage.googleapis.com"),
            ("User-Agent", "Go-http-client/1.1"),
            ("Content-Length", str(len(REQUEST_BODY))),
            ("Content-Type", "application/json"),
        ),
        request_body=REQUEST_BODY,
        status=200,
        reason="OK",
        http_version="HTTP/2.0",
        headers=(
            ("Connection", "close"),
            ("Content-Type", "text/event-stream"),
            ("Date", "Mon, 18 Aug 2025 13:55:15 GMT"),
        ),
        body=BODY,
    )


def test_the_order_is_kept_and_bodies_may_contain_any_bytes():
    extra = b"httprr trace v1\n12 34\n\r\n\r\n\x00\xff"
    exchanges = httprr.parse_trace(trace((REQUEST + extra, RESPONSE + extra), (REQUEST, RESPONSE)))
    assert [exchange.body for exchange in exchanges] == [BODY + extra, BODY]
    assert exchanges[0].request_body == REQUEST_BODY + extra


def test_a_trace_of_langchaingo_with_cr_lf_in_first_lines_and_one_bare_lf():
    agent = b"User-Agent: langchaingo-httprr\n"
    request = re.sub(rb"User-Agent: [^\r]*\r\n", agent, REQUEST)
    assert b"\n" + agent + b"Content-Length" in request
    (exchange,) = httprr.parse_trace(trace((request, RESPONSE), end=b"\r\n"))
    assert dict(exchange.request_headers)["User-Agent"] == "langchaingo-httprr"
    assert (exchange.request_body, exchange.body) == (REQUEST_BODY, BODY)
    # A body may begin with a blank line.
    (exchange,) = httprr.parse_trace(trace((request + b"\n", RESPONSE)))
    assert exchange.request_body == REQUEST_BODY + b"\n"


@pytest.mark.parametrize("data", [b"httprr trace v1\n", b"httprr trace v1\r\n", b"httprr trace v1"])
def test_a_trace_without_records_is_empty(data):
    assert httprr.parse_trace(data) == []


def test_traces_of_other_recorders():
    """A path instead of a URL, a body in chunked coding, no reason phrase."""
    request = b"GET /v1beta/models HTTP/1.1\r\nHost: example.org\r\n\r\n"
    response = b"HTTP/1.1 429\r\nTransfer-Encoding: chunked\r\n\r\n4;x=y\r\nWiki\r\n5\r\npedia\r\n0\r\n\r\n"
    (exchange,) = httprr.parse_trace(trace((request, response)))
    assert (exchange.url, exchange.status, exchange.reason) == ("https://example.org/v1beta/models", 429, "")
    assert exchange.body == b"Wikipedia"
    # Go removes the chunk headers; then the header alone does not change the body.
    (exchange,) = httprr.parse_trace(trace((request, response.replace(b"4;x=y\r\nWiki", b"data: Wiki"))))
    assert exchange.body.startswith(b"data: Wiki")


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "first line"),
        (b"httprr trace v2\n", "first line"),
        (gzip.compress(b"httprr trace v1\n", mtime=0), "first line"),
        (b"httprr trace v1\n12\n", r"Record 1 .*\(byte 16\) does not start with two lengths"),
        (b"httprr trace v1\n-1 2\n", "two lengths"),
        (b"httprr trace v1\n1 2 3\n", "two lengths"),
        (trace((REQUEST, RESPONSE)) + b"\n", "Record 2 .* two lengths"),
        (
            trace((REQUEST, RESPONSE))[:-1],
            r"Record 1 .*byte 16.* needs \d+ bytes, but the file has only \d+ more",
        ),
        (b"httprr trace v1\n999999999999999999 1\n", "has only"),
        (trace((b"POST x", RESPONSE)), r"request of record 1 \(byte \d+\) has no blank line"),
        (trace((REQUEST, b"HTTP/1.1 200 OK")), r"response of record 1 \(byte \d+\) has no blank line"),
        (trace((b"hello\r\n\r\n", RESPONSE)), "not a request line"),
        (trace((REQUEST, b"hello\r\n\r\n")), "not a status line"),
        (trace((REQUEST, b"HTTP/1.1 200 OK\r\nno colon\r\n\r\n")), "without a colon: 'no colon"),
        (trace((REQUEST, RESPONSE)).replace(b"\r\n", b"\n"), "two lengths|has only"),
    ],
)
def test_the_error_for_a_damaged_trace_says_what_is_wrong_and_where(data, message):
    with pytest.raises(RecordingError, match=message) as caught:
        httprr.parse_trace(data)
    assert caught.value.remedy
    assert "\n" not in caught.value.message


def test_the_error_for_a_compressed_trace_says_so():
    with pytest.raises(RecordingError) as caught:
        httprr.parse_trace(gzip.compress(trace((REQUEST, RESPONSE))))
    assert caught.value.remedy == "The file looks like gzip. Decompress it first."


def test_a_trace_of_go_is_written_unchanged_except_for_the_length_of_the_body():
    (exchange,) = httprr.parse_trace(trace((REQUEST, RESPONSE)))
    length = b"Content-Length: %d\r\n" % len(BODY)
    assert httprr.render_trace([exchange]) == trace(
        (REQUEST, RESPONSE.replace(b"Connection: close\r\n", length))
    )


def test_requests_are_written_in_the_format_of_write_proxy():
    exchange = httprr.TraceExchange(
        method="POST",
        url=URL,
        request_headers=(
            ("x-zoo", "2"),
            ("content-length", "99"),
            ("accept", "*/*"),
            ("transfer-encoding", "chunked"),
        ),
        request_body=b"{}",
        status=404,
        reason="Not Found",
        http_version="HTTP/1.1",
        headers=(
            ("content-encoding", "gzip"),
            ("transfer-encoding", "chunked"),
            ("content-type", "text/html"),
        ),
        body=b"<p>",
    )
    request = (
        f"POST {URL} HTTP/1.1\r\nHost: generativelanguage.googleapis.com\r\nUser-Agent: Go-http-client/1.1\r\n"
        "Content-Length: 2\r\naccept: */*\r\nx-zoo: 2\r\n\r\n{}"
    ).encode()
    response = b"HTTP/1.1 404 Not Found\r\nContent-Length: 3\r\ncontent-type: text/html\r\n\r\n<p>"
    assert httprr.render_trace([exchange]) == trace((request, response))


def test_exchanges_that_cannot_be_written_are_an_error():
    (good,) = httprr.parse_trace(trace((REQUEST, RESPONSE)))
    for bad in (
        good._replace(url="/path"),
        good._replace(url="https://h/a b"),
        good._replace(headers=(("X", "a\r\nY: b"),)),
        good._replace(reason="a\nb"),
        good._replace(method="GET\n"),
    ):
        with pytest.raises(RecordingError, match="Exchange 2 cannot be written"):
            httprr.render_trace([good, bad])


TOKEN = st.from_regex(r"[A-Za-z][A-Za-z0-9-]{0,12}", fullmatch=True)
VALUE = st.text(
    st.characters(min_codepoint=0x21, max_codepoint=0xFF, exclude_categories=["Cc"]), max_size=20
).map(str.strip)
PAIRS = st.lists(st.tuples(TOKEN.map(lambda name: "X-" + name), VALUE), max_size=4)


@settings(deadline=None)
@given(
    exchanges=st.lists(
        st.builds(
            httprr.TraceExchange,
            method=st.sampled_from(["GET", "POST", "DELETE"]),
            url=st.sampled_from([URL, "http://127.0.0.1:8080/x?y=%20", "https://[::1]:1/"]),
            request_headers=PAIRS.map(tuple), request_body=st.binary(max_size=80),
            status=st.integers(100, 599), reason=TOKEN, http_version=st.sampled_from(["HTTP/1.1", "HTTP/2.0"]),
            headers=PAIRS.map(tuple), body=st.binary(max_size=80),
        ),
        max_size=3,
    )
)  # fmt: skip
def test_round_trip(exchanges):
    data = httprr.render_trace(exchanges)
    again = httprr.parse_trace(data)
    assert httprr.render_trace(again) == data
    for before, after in zip(exchanges, again, strict=True):
        assert set(before.request_headers) <= set(after.request_headers)
        assert set(before.headers) <= set(after.headers)
        assert after._replace(request_headers=(), headers=()) == before._replace(
            request_headers=(), headers=()
        )


@settings(deadline=None)
@given(data=st.binary(max_size=80), at=st.integers(0, 400))
def test_any_damage_raises_an_error_or_is_harmless(data, at):
    good = trace((REQUEST, RESPONSE), (REQUEST, RESPONSE))
    for text in (data, b"httprr trace v1\n" + data, good[:at] + data + good[at:], good[:at]):
        try:
            exchanges = httprr.parse_trace(text)
        except RecordingError as error:
            assert error.remedy
        else:
            assert all(isinstance(exchange, httprr.TraceExchange) for exchange in exchanges)
