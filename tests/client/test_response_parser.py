"""ResponseParser: every response in every cut is read as h11 reads it; plain ones without h11, linear in their size."""

import h11
import pytest
from byte_cuts import byte_by_byte, every_cut
from calibration import assert_cpu_below
from hypothesis import given, settings
from hypothesis import strategies as st

from gemini_magic.client import response_parser
from gemini_magic.client.chunked import ChunkJoiner
from gemini_magic.client.response_parser import ProtocolError, ResponseParser

EVENT = b'data: {"a":1}\r\n\r\n'
CHUNKED = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
BODY = b"5\r\nhello\r\n6;x=y\r\n world\r\n"


def head(*lines, status=b"HTTP/1.1 200 OK", end=b"\r\n"):
    return end.join([status, *lines, b"", b""])


RESPONSES = {
    "chunks": CHUNKED + BODY + b"0\r\n\r\n",
    "no chunks": CHUNKED + b"0\r\n\r\n",
    "trailers": CHUNKED + BODY + b"0\r\nExpires: never\r\n\r\n",
    "an extension of the last chunk": CHUNKED + BODY + b"0;a=b\r\n\r\n",
    "many zeros": CHUNKED + BODY + b"0000\r\n\r\n",
    "a length": head(b"Content-Length: 5") + b"hello",
    "a length of zero": head(b"content-length:0"),
    "the same length twice": head(b"Content-Length: 5", b"Content-Length: 5") + b"hello",
    "the same length in a list": head(b"Content-Length: 5, 5") + b"hello",
    "two lengths": head(b"Content-Length: 5", b"Content-Length: 6") + b"hello!",
    "a length that is no number": head(b"Content-Length: five") + b"hello",
    "until the end of input": head(b"Content-Type: text/plain") + b"hello",
    "HTTP/1.0": head(b"Content-Length: 5", status=b"HTTP/1.0 200 OK") + b"hello",
    "HTTP/1.0 until the end of input": head(status=b"HTTP/1.0 200 OK") + b"hello",
    "HTTP/1.2": head(b"Content-Length: 5", status=b"HTTP/1.2 200 OK") + b"hello",
    "no content": head(status=b"HTTP/1.1 204 No Content"),
    "no content, with a length": head(b"Content-Length: 5", status=b"HTTP/1.1 304 Not Modified"),
    "no reason": head(b"Content-Length: 5", status=b"HTTP/1.1 200") + b"hello",
    "an empty reason": head(b"Content-Length: 5", status=b"HTTP/1.1 200 ") + b"hello",
    "a reason with spaces": head(b"Content-Length: 5", status=b"HTTP/1.1 429 Too  Many Requests ") + b"hello",
    "a reason that is not ASCII": head(b"Content-Length: 5", status=b"HTTP/1.1 200 \xc3\xa9") + b"hello",
    "close": head(b"Connection: Close", b"Content-Length: 5") + b"hello",
    "keep-alive": head(b"Connection: keep-alive, x", b"Content-Length: 5") + b"hello",
    "a value that is not ASCII": head(b"X: \xc3\xa9", b"Content-Length: 5") + b"hello",
    "values with spaces": head(b"X: \t a  b\t", b"Y:", b"Z: ", b"Content-Length: 5") + b"hello",
    "a folded header": head(b"X: a", b" b", b"Content-Length: 5") + b"hello",
    "a space before the colon": head(b"X : a", b"Content-Length: 5") + b"hello",
    "a header without a colon": head(b"X", b"Content-Length: 5") + b"hello",
    "a control character": head(b"X: a\x0bb", b"Content-Length: 5") + b"hello",
    "a null character": head(b"X: a\x00b", b"Content-Length: 5") + b"hello",
    "a bare line end": head(b"X: a\rb", b"Content-Length: 5") + b"hello",
    "line feeds": head(b"Content-Length: 5", end=b"\n") + b"hello",
    "interim responses": head(status=b"HTTP/1.1 100 Continue")
    + head(b"Link: x", status=b"HTTP/1.1 103 Early Hints")
    + CHUNKED
    + BODY
    + b"0\r\n\r\n",
    "switching": head(b"Upgrade: x", status=b"HTTP/1.1 101 Switching") + b"hello",
    "an empty line first": b"\r\n" + head(b"Content-Length: 5") + b"hello",
    "chunks and a length": head(b"Content-Length: 3", b"Transfer-Encoding: chunked") + BODY + b"0\r\n\r\n",
    "a broken chunk size": CHUNKED + BODY + b"zz\r\n",
    "a chunk that is too long": CHUNKED + b"3\r\nhello\r\n0\r\n\r\n",
    "no line end after a chunk": CHUNKED + b"5\r\nhelloX0\r\n\r\n",
    "cut in the head": CHUNKED[:-10],
    "cut in a chunk": CHUNKED + BODY + b"9\r\nabc",
    "cut in a chunk size": CHUNKED + BODY + b"9",
    "cut before the end": CHUNKED + BODY,
    "cut in the last line": CHUNKED + BODY + b"0\r\n",
    "cut in a body of a known length": head(b"Content-Length: 50") + b"hello",
    "no HTTP": b"SSH-2.0-OpenSSH_9\r\n\r\n",
    "TLS": b"\x15\x03\x01\x00\x02\x02\x46",
    "nothing": b"",
    "a second response": CHUNKED + BODY + b"0\r\n\r\n" + CHUNKED + BODY + b"0\r\n\r\n",
    "a second response after a length": head(b"Content-Length: 5") + b"hello" + CHUNKED + BODY,
    "a line end after the body": head(b"Content-Length: 5") + b"hello\r\n",
}


def read_by_h11(data):
    """Status, reason, version, headers, body, whether it ended well, and whether the connection can be used again."""
    parser = h11.Connection(h11.CLIENT, max_incomplete_event_size=100 * 1024)
    parser.send(h11.Request(method="POST", target="/", headers=[("Host", "x"), ("Content-Length", "0")]))
    parser.send(h11.EndOfMessage())
    found, body, ended, closed = None, b"", False, False
    parser.receive_data(data)
    try:
        while not ended:
            event = parser.next_event()
            if event is h11.NEED_DATA:
                if closed or found is None:
                    break
                closed = True
                parser.receive_data(b"")
            elif isinstance(event, h11.Response):
                found = event
            elif isinstance(event, h11.Data):
                body += bytes(event.data)
            elif isinstance(event, h11.EndOfMessage):
                ended = True
            elif not isinstance(event, h11.InformationalResponse):
                break
    except h11.RemoteProtocolError:
        pass
    again = ended and not closed and parser.our_state is parser.their_state is h11.DONE
    if found is None:
        return None
    headers = [(bytes(name), bytes(value)) for name, value in found.headers.raw_items()]
    again = again and not parser.trailing_data[0]
    return found.status_code, found.reason, b"HTTP/" + found.http_version, headers, body, ended, again


def read(pieces):
    """The same by our parser; the pieces arrive one after the other, and then the end of input."""
    parser, body, unread = ResponseParser(joiner := ChunkJoiner()), b"", False
    for piece in [*pieces, b""]:
        if parser.ended:
            unread = bool(piece)  # the transport finds it before it uses the connection again
            break
        try:
            parser.feed(piece)
        except ProtocolError:
            break
        finally:
            body += b"".join(parser.data)
            parser.data.clear()
        if joiner.coding:
            break
    if parser.head is None:
        return None
    return *parser.head, body, parser.ended, parser.reusable and not unread


def same_but_more_careful(ours, reference):
    """Whether both are equal; ours may close a connection that h11 would use again."""
    return ours == reference or (reference and ours == (*reference[:-1], False))


@pytest.mark.parametrize("case", RESPONSES)
def test_every_cut_of_a_response_is_read_as_h11_reads_it(case):
    data = RESPONSES[case]
    reference = read_by_h11(data)
    assert same_but_more_careful(read([data]), reference)
    assert same_but_more_careful(read(byte_by_byte(data)), reference)
    for pieces in every_cut(data):
        assert same_but_more_careful(read(pieces), reference), pieces


@pytest.mark.parametrize(
    "case", ["chunks", "no chunks", "a length", "no content", "no reason", "keep-alive", "values with spaces"]
)
def test_plain_responses_need_no_h11_and_their_connection_is_used_again(case, monkeypatch):
    monkeypatch.setattr(response_parser.ResponseParser, "_hand_over", lambda parser: 1 / 0)
    assert read([RESPONSES[case]])[-2:] == (True, True)
    assert read(byte_by_byte(RESPONSES[case]))[-2:] == (True, True)


@pytest.mark.parametrize(
    "case", ["close", "HTTP/1.0", "until the end of input", "a second response", "a line end after the body"]
)
def test_a_connection_that_the_server_ends_or_goes_on_writing_to_is_not_used_again(case):
    assert read([RESPONSES[case]])[-2:] == (True, False)


@settings(max_examples=300, deadline=None)
@given(
    st.lists(
        st.sampled_from(
            [
                b"HTTP/1.1 200 OK\r\n",
                b"HTTP/1.1 ",
                b"204 ",
                b"\r\n",
                b"\n",
                b" ",
                b"X: y\r\n",
                b"Content-Length: 3\r\n",
                b"Transfer-Encoding: chunked\r\n",
                b"Connection: close\r\n",
                b"abc",
                b"3\r\n",
                b"0",
                b"\x00",
                b";",
            ]
        ),
        max_size=12,
    )
)
def test_random_responses_are_read_as_h11_reads_them(pieces):
    data = b"".join(pieces)
    assert same_but_more_careful(read(pieces), read_by_h11(data))


@pytest.mark.parametrize(
    "filler",
    [
        b"X: " + b" " * 40_000 + b"\x01",
        b"X: a" + b" " * 40_000 + b"\x01",
        b"X: " + b"a " * 20_000 + b"\x01",
        b"X:\r\n" * 20_000 + b"\x01",
        b"a" * 80_000,
    ],
)
def test_a_head_that_is_refused_is_refused_in_linear_time(filler):
    data = b"HTTP/1.1 200 " + filler + b"\r\n\r\n"

    def read_both():
        read([data])
        read([b"HTTP/1.1 200 OK\r\n" + filler + b"\r\n\r\n"])

    assert_cpu_below(read_both, 0.5)
