"""The strict reader: the vectors of web-platform-tests ``eventsource/`` and examples from the standard."""

from __future__ import annotations

import pytest
from byte_cuts import every_cut

from gemini_magic.errors import WireError
from gemini_magic.wire import SseEvent, SseReader

BOM = b"\xef\xbb\xbf"


def read(pieces: list[bytes], *, strict: bool = True) -> tuple[list[SseEvent], SseReader]:
    reader = SseReader(strict=strict)
    events = [event for piece in pieces for event in reader.feed(piece)]
    return events + reader.close(), reader


# Name of the test in web-platform-tests, body, expected (type, data) pairs.
WPT = [
    ("event-data", b"data:msg\ndata:msg\n\n:\nfalsefield:msg\n\nfalsefield:msg\nData:data\n\ndata\n\ndata:end\n\n",
     [("message", "msg\nmsg"), ("message", ""), ("message", "end")]),
    ("format-bom", BOM + b"data:1\n\n" + BOM + b"data:2\n\ndata:3\n\n", [("message", "1"), ("message", "3")]),
    ("format-bom-2", BOM + BOM + b"data:1\n\ndata:2\n\ndata:3\n\n", [("message", "2"), ("message", "3")]),
    ("format-comments", b"data:1\r:\0\n:\r\ndata:2\n:" + b"x" * 2048 + b"\rdata:3\n:data:fail\r:" + b"x" * 2048 + b"\ndata:4\n\n",
     [("message", "1\n2\n3\n4")]),
    ("format-data-before-final-empty-line", b"retry:1000\ndata:test1\n\nid:test\ndata:test2\n", [("message", "test1")]),
    ("format-field-data", b"data:\n\ndata\ndata\n\ndata:test\n\n", [("message", ""), ("message", "\n"), ("message", "test")]),
    ("format-field-event", b"event:test\ndata:x\n\ndata:x\n\n", [("test", "x"), ("message", "x")]),
    ("format-field-event-empty", b"event: \ndata:data\n\n", [("message", "data")]),
    ("format-field-parsing", b"data:\0\ndata:  2\rData:1\ndata\0:2\ndata:1\r\0data:4\nda-ta:3\rdata_5\ndata:3\rdata:\r\n data:32\ndata:4\n\n",
     [("message", "\0\n 2\n1\n3\n\n4")]),
    ("format-field-unknown", b"data:test\n data\ndata\nfoobar:xxx\njustsometext\n:thisisacommentyay\n\n", [("message", "test\n")]),
    ("format-leading-space", b"data:\ttest\rdata: \ndata:test\n\n", [("message", "\ttest\n\ntest")]),
    ("format-newlines", b"data:test\r\ndata\ndata:test\r\n\r\n", [("message", "test\n\ntest")]),
    ("format-null-character", b"data:\0\n\n\n\n", [("message", "\0")]),
    ("format-utf-8", "data:ok…\n\n".encode(), [("message", "ok…")]),
]  # fmt: skip


@pytest.mark.parametrize(("body", "expected"), [case[1:] for case in WPT], ids=[case[0] for case in WPT])
def test_web_platform_tests_at_every_cut(body, expected):
    for pieces in [[body], *every_cut(body)] if len(body) < 500 else [[body], [body[:900], body[900:]]]:
        events, _ = read(pieces)
        assert [(event.event, event.data) for event in events] == expected


def test_ids():
    """format-field-id, -id-2, -id-3 and -id-null."""
    ids = [event.id for event in read([b"id: \xe2\x80\xa6\ndata:1\n\ndata:2\n\n"])[0]]
    assert ids == ["…", "…"]
    ids = [event.id for event in read([b"id\ndata:x\n\nid:a\ndata:y\n\nid\ndata:z\n\n"])[0]]
    assert ids == ["", "a", ""]
    ids = [event.id for event in read([b"id: ok\ndata:x\n\nid: b\0d\ndata:y\n\n"])[0]]
    assert ids == ["ok", "ok"]


def test_the_id_of_an_event_that_is_not_dispatched_is_ignored():
    body = b"retry:1000\ndata:test1\n\nid:test\ndata:test2\n"
    for pieces in every_cut(body):
        events, reader = read(pieces)
        assert [event.data for event in events] == ["test1"]
        assert (reader.last_id, reader.retry) == ("", 1000)


@pytest.mark.parametrize(
    ("value", "expected"),
    [(b"3000", 3000), (b"03000", 3000), (b"1000x", 2000), (b"-5", 2000), (b"1_000", 2000), (b"", 2000),
     ("٣".encode(), 2000), (b" 7", 7), (b"9" * 5000, 10**18)],
)  # fmt: skip
def test_retry_accepts_only_ascii_digits(value, expected):
    """format-field-retry, -retry-bogus and -retry-empty."""
    events, reader = read([b"retry:2000\nretry:" + value + b"\ndata:x\n\n"])
    assert events[0].retry == reader.retry == expected


def test_an_event_without_data_is_not_dispatched_and_its_type_is_dropped():
    events, reader = read([b"id:7\n\nevent:lost\n\n\n\ndata:x\n\n"])
    assert [(event.event, event.data, event.id) for event in events] == [("message", "x", "7")]
    assert reader.last_id == "7"


def test_a_cr_ends_the_line_at_once():
    reader = SseReader()
    assert reader.feed(b"data:x\r") == []
    assert [event.data for event in reader.feed(b"\r")] == ["x"]
    assert reader.feed(b"\n") == []  # this LF belongs to the CR before it
    assert [event.data for event in reader.feed(b"data:y\n\n")] == ["y"]


def test_no_other_character_ends_a_line():
    text = "a\u2028b\u2029c\x85d\x0be\x0cf\x1cg"
    for pieces in every_cut(f"data:{text}\n\n".encode()):
        assert [event.data for event in read(pieces)[0]] == [text]


def test_invalid_utf8_is_replaced_as_the_encoding_standard_defines():
    for pieces in every_cut(b"data:\xe2\x80x\xff\xf0\x9f\x98\n\n"):
        assert [event.data for event in read(pieces)[0]] == ["\ufffdx\ufffd\ufffd"]


def test_a_reader_that_is_not_strict_returns_the_unfinished_event():
    for body in (b"data:x", b"data:x\n", b"data:x\r\n"):
        assert [event.data for event in read([body], strict=False)[0]] == ["x"]
        assert read([body])[0] == []


def test_offsets_count_the_bytes_of_the_body():
    body = BOM + b"data:1\r\n\r\n: c\r\ndata:2\r\n\r\n"
    for pieces in every_cut(body):
        assert [event.offset for event in read(pieces)[0]] == [3, body.index(b"data:2")]


def test_an_event_above_the_limit():
    reader = SseReader(max_event=100)
    with pytest.raises(WireError, match="larger than 100 bytes"):
        for _ in range(30):
            reader.feed(b"data:xxxx\n")
    with pytest.raises(WireError):
        SseReader(max_event=100).feed(b"data:" + b"x" * 100)
