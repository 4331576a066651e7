"""ChunkJoiner: fewer chunks, the same responses. h11 reads each stream with and without it and must see no difference."""

import h11
import pytest
from byte_cuts import byte_by_byte, every_cut
from hypothesis import given, settings
from hypothesis import strategies as st

from gemini_magic.client.chunked import ChunkJoiner

CHUNKED = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
EVENT = b'data: {"a":1}\r\n\r\n'


class H11Reading:
    """How h11 reads pieces of bytes, as a client that sends another request whenever it may."""

    def __init__(self):
        self.events = []  # heads, ends of messages and refusals
        self.refusal = ""
        self.bodies = [b""]
        self.dead = False
        self.chunks = 0  # that h11 has met
        self._h11 = self._connection()

    def _connection(self):
        connection = h11.Connection(h11.CLIENT, max_incomplete_event_size=100 * 1024)
        self._ask(connection)
        return connection

    @staticmethod
    def _ask(connection):
        connection.send(
            h11.Request(method="POST", target="/", headers=[("Host", "x"), ("Content-Length", "0")])
        )
        connection.send(h11.EndOfMessage())

    def feed(self, data, *, end=False):
        if self.dead or not (data or end):
            return
        self._h11.receive_data(data)
        try:
            self._read()
        except h11.RemoteProtocolError as error:
            self.refusal = str(error)
            self.events.append("refused")  # how h11 words a refusal depends on where the bytes are cut
            self.dead = True

    def _read(self):
        while True:
            event = self._h11.next_event()
            if event is h11.NEED_DATA:
                return
            if isinstance(event, h11.Data):
                self.bodies[-1] += bytes(event.data)
                self.chunks += event.chunk_start
                continue
            if isinstance(event, h11.EndOfMessage):
                self.events.append(("end", event.headers.raw_items()))
                self.bodies.append(b"")
                if self._h11.their_state is h11.DONE:
                    self._h11.start_next_cycle()
                    self._ask(self._h11)
                    continue
            elif isinstance(event, h11.Response | h11.InformationalResponse):
                self.events.append((event.status_code, event.headers.raw_items()))
                continue
            else:
                self.events.append(event if event is h11.PAUSED else type(event))
            self.dead = True
            return

    def outcome(self):
        return self.events, self.bodies


def compared(pieces):
    """Both readings of the pieces, which are equal at every moment, and the bytes for the parser."""
    plain, ours, joiner, passed_on = H11Reading(), H11Reading(), ChunkJoiner(), []
    for piece in pieces:
        passed_on.append(joiner.feed(piece))
        plain.feed(piece)
        ours.feed(passed_on[-1])
        assert ours.outcome() == plain.outcome()
    kept = joiner.close()
    for seen, last in ((plain, b""), (ours, kept)):
        seen.feed(last)
        seen.feed(b"", end=True)
    assert ours.outcome() == plain.outcome()
    return plain, ours, passed_on


def is_final_head(events):
    return bool(events) and isinstance(events[0][0], int) and events[0][0] >= 200


def compared_bypassing(pieces, begin=0):
    """The same with chunks that bypass the parser from the piece with that number on."""
    plain, ours, joiner = H11Reading(), H11Reading(), ChunkJoiner()
    for number, piece in enumerate(pieces):
        body = None if number < begin else []
        passed_on = joiner.feed(piece, body)
        plain.feed(piece)
        before = list(ours.bodies)
        if not ours.dead:
            ours.bodies[-1] += b"".join(body or [])
        ours.feed(passed_on)
        refused = ours.events[-1:] == ["refused"] and not is_final_head(ours.events[-2:-1])
        if refused and len(ours.bodies) == len(before):
            ours.bodies = before  # a response whose head is refused has no body
        assert ours.outcome() == plain.outcome()
    for seen, last in ((plain, b""), (ours, joiner.close())):
        seen.feed(last)
        seen.feed(b"", end=True)
    assert ours.outcome() == plain.outcome()
    return plain, ours


def chunked(*chunks, last=b"0\r\n\r\n"):
    return b"".join(b"%x\r\n%s\r\n" % (len(chunk), chunk) for chunk in chunks) + last


STREAMS = {
    "events": CHUNKED + chunked(EVENT, EVENT, EVENT),
    "nothing": CHUNKED + chunked(),
    "sizes in capitals, with zeros": CHUNKED + b"0A\r\n0123456789\r\n00000b\r\n0123456789a\r\n000\r\n\r\n",
    "extensions": CHUNKED + b'3;a=b\r\nabc\r\n4;q="x;y"\r\nabcd\r\n5 \t\r\nabcde\r\n0;last\r\n\r\n',
    "trailers": CHUNKED + chunked(b"abc", last=b"0\r\nExpires: never\r\nX: y\r\n\r\n"),
    "trailers with LF": CHUNKED + chunked(b"abc", last=b"0\r\nX: y\n\n"),
    "kept alive": CHUNKED + chunked(b"ab") + CHUNKED + chunked(b"cd", b"ef"),
    "length, then chunks": b"HTTP/1.1 429 Slow\r\ncontent-length: 4\r\n\r\n4\r\na"
    + CHUNKED
    + chunked(b"ab", b"c"),
    "length of zero, then chunks": b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
    + CHUNKED
    + chunked(b"ab", b"c"),
    "no content, then chunks": b"HTTP/1.1 204 No\r\nTransfer-Encoding: chunked\r\n\r\n"
    + CHUNKED
    + chunked(b"ab", b"c"),
    "early hints": b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Hints\r\nLink: x\r\n\r\n"
    + CHUNKED
    + chunked(b"a", b"b"),
    "close-delimited": b"HTTP/1.1 200 OK\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
    "HTTP/1.0": CHUNKED.replace(b"1.1", b"1.0") + chunked(b"ab", b"cd"),
    "lines that end in LF": CHUNKED.replace(b"\r\n", b"\n") + chunked(b"ab", b"cd"),
    "field in other letters": CHUNKED.replace(b"Transfer-Encoding: chunked", b"tRANSFER-eNCODING:\t Chunked ")
    + chunked(b"ab", b"cd"),
    "length beside chunks": CHUNKED.replace(b"\r\n\r\n", b"\r\nContent-Length: 3\r\n\r\n")
    + chunked(b"ab", b"cd"),
    "folded field": CHUNKED.replace(b": chunked", b":\r\n chunked") + chunked(b"ab", b"cd"),
    "chunks inside chunks": CHUNKED + chunked(chunked(b"ab"), b"\r\n", b"\r\n0\r\n\r\n"),
    "cut in a chunk": CHUNKED + b"9\r\nabc",
    "cut in a size": CHUNKED + chunked(b"abc", last=b"1"),
    "cut in a first size": CHUNKED + b"1",
    "cut after a chunk": CHUNKED + chunked(b"abc", last=b""),
    "cut in an extension": CHUNKED + chunked(b"abc", last=b"5;a"),
    "cut in the end": CHUNKED + chunked(b"abc", last=b"0\r\n\r"),
    "cut in a head": CHUNKED[:30],
    "a size that is not a number": CHUNKED + chunked(b"abc", last=b"zz\r\nabc\r\n"),
    "a first size that is missing": CHUNKED + b"\r\nabc",
    "a size that is missing after a chunk": CHUNKED + chunked(b"abc", last=b"\r\n3\r\nabc\r\n"),
    "sizes Python would take": CHUNKED + chunked(b"abc", last=b"0x1\r\na\r\n"),
    "a sign before a size": CHUNKED + b"+1\r\na\r\n",
    "a size with an underscore": CHUNKED + b"1_0\r\na\r\n",
    "a size ended by LF": CHUNKED + chunked(b"abc", last=b"3\nabc\r\n"),
    "a very large size": CHUNKED + b"fffffffffffffff\r\nabc",
    "too large a size": CHUNKED + chunked(b"abc", last=b"1" * 30 + b"\r\nabc"),
    "a size a little too large": CHUNKED + chunked(b"abc", last=b"0" * 20 + b"3\r\nabc\r\n0\r\n\r\n"),
    "folded length": b"HTTP/1.1 200 OK\r\nContent-Length:\r\n 3\r\n\r\nabc" + CHUNKED + chunked(b"ab", b"c"),
    "a CR in an extension": CHUNKED + chunked(b"abc", last=b"3;a\rb\r\nabc\r\n0\r\n\r\n"),
    "data longer than its size": CHUNKED + b"3\r\nabcdef\r\n3\r\nabc\r\n0\r\n\r\n",
    "no line end after data": CHUNKED + b"3\r\nabc3\r\nabc\r\n0\r\n\r\n",
    "LF after data": CHUNKED + b"3\r\nabc\n3\r\nabc\r\n0\r\n\r\n",
    "a bad trailer": CHUNKED + chunked(b"abc", last=b"0\r\nno trailer\r\n\r\n"),
    "bytes after the end": b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nab",
    "another coding": CHUNKED.replace(b"chunked", b"gzip, chunked") + chunked(b"abc"),
    "two codings": CHUNKED.replace(b"\r\n\r\n", b"\r\nTransfer-Encoding: chunked\r\n\r\n") + chunked(b"abc"),
    "two lengths": b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\na"
    + CHUNKED
    + chunked(b"abc"),
    "switching": CHUNKED.replace(b"200 OK", b"101 Other") + chunked(b"abc"),
    "not HTTP": b"\x05\x00" + CHUNKED + chunked(b"abc"),
    "a blank line first": b"\r\n" + CHUNKED + chunked(b"abc"),
}


@pytest.mark.parametrize("stream", STREAMS.values(), ids=STREAMS)
def test_every_cut_of_a_stream_gives_the_same_responses(stream):
    for pieces in every_cut(stream):
        compared(pieces)
        compared_bypassing(pieces)


@pytest.mark.parametrize(
    "name",
    [
        "events",
        "extensions",
        "kept alive",
        "length, then chunks",
        "length of zero, then chunks",
        "no content, then chunks",
        "early hints",
        "field in other letters",
        "lines that end in LF",
    ],
)
def test_ordinary_responses_have_fewer_chunks(name):
    plain, ours, _ = compared([STREAMS[name]])
    assert ours.chunks < plain.chunks


def _piece_of(body):
    return st.sampled_from([b"", b"\r\n", b"0\r\n\r\n", b"5;x\r\n", b"\n", b"\r", b" ", body])


@st.composite
def streams(draw):
    """Some responses in a row, perhaps with an error in them, cut anywhere."""
    stream = b""
    for _ in range(draw(st.integers(1, 3))):
        body = draw(st.binary(max_size=60) | st.sampled_from([EVENT * 3, b"\r\n0\r\n\r\n"]))
        head = draw(st.sampled_from([CHUNKED, CHUNKED, b"HTTP/1.1 103 Hints\r\n\r\n" + CHUNKED, b"", None]))
        if head is None:
            stream += b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)
            continue
        sizes = draw(st.lists(st.integers(1, 20), min_size=1, max_size=8))
        chunks, at = [], 0
        while at < len(body):
            size = sizes[len(chunks) % len(sizes)]
            chunks.append(body[at : at + size])
            at += size
        stream += head + chunked(
            *chunks, last=draw(st.sampled_from([b"0\r\n\r\n", b"0\r\nX: y\r\n\r\n", b""]))
        )
    if draw(st.booleans()):
        at = draw(st.integers(0, len(stream)))
        gone = draw(st.integers(0, 3))
        stream = stream[:at] + draw(_piece_of(draw(st.binary(max_size=4)))) + stream[at + gone :]
    cuts = sorted(draw(st.sets(st.integers(0, len(stream)), max_size=8)))
    return [stream[a:b] for a, b in zip([0, *cuts], [*cuts, len(stream)], strict=True)]


@settings(max_examples=250, deadline=None)
@given(streams())
def test_random_streams_give_the_same_responses(pieces):
    pieces = [piece for piece in pieces if piece]
    compared(pieces)
    for begin in (0, 2):
        compared_bypassing(pieces, begin)


def test_a_refusal_that_h11_words_differently_for_other_cuts_is_the_same_refusal():
    front = CHUNKED + b"e\r\n" + bytes(14) + b"\r"
    plain, ours, _ = compared([front, b"\r\n\n0\r\n\r\n"])
    assert plain.events[-1] == ours.events[-1] == "refused"
    assert plain.refusal != ours.refusal


def test_each_read_makes_one_chunk():
    body = chunked(*[EVENT] * 1000)
    pieces = [CHUNKED, *(body[at : at + 1000] for at in range(0, len(body), 1000))]
    plain, ours, passed_on = compared(pieces)
    assert plain.bodies[0] == EVENT * 1000
    assert plain.chunks > 900
    assert ours.chunks <= len(pieces)
    assert all(passed_on)


def test_a_body_that_bypasses_the_parser_is_empty_for_the_parser():
    body = chunked(*[EVENT] * 10)
    plain, ours = compared_bypassing([CHUNKED, body[:100], body[100:], CHUNKED, body])
    assert plain.bodies[:2] == [EVENT * 10, EVENT * 10]
    assert ours.chunks == 0


def test_an_incomplete_size_is_held_until_the_next_read():
    joiner = ChunkJoiner()
    assert joiner.feed(CHUNKED + b"1") == CHUNKED
    assert joiner.feed(b"") == b""
    assert joiner.feed(b"0\r") == b""
    assert joiner.feed(b"\nabc") == b"3\r\nabc"


@pytest.mark.parametrize("kind", ["head", "extension", "trailer"])
def test_an_endless_head_extension_or_trailer_is_not_collected(kind):
    front = {"head": CHUNKED[:-2], "extension": CHUNKED + b"5;", "trailer": CHUNKED + b"0\r\n"}[kind]
    joiner, seen = ChunkJoiner(), H11Reading()
    seen.feed(joiner.feed(front))
    for _ in range(300):
        seen.feed(joiner.feed(b"x" * 1000))
    assert "too long" in seen.refusal
    assert len(joiner._block) < 110_000
    assert len(joiner._held) < 1100


def test_a_long_head_byte_by_byte_takes_linear_time():
    """A head of the maximal size, one byte at a time. It would take seconds if each search began anew."""
    head = CHUNKED[:-2] + b"X: " + b"y" * 90_000 + b"\r\n\r\n"
    joiner = ChunkJoiner()
    assert b"".join(map(joiner.feed, byte_by_byte(head))) == head
    assert joiner.feed(b"1\r\na\r\n1\r\nb\r\n") == b"2\r\nab"
