"""The tolerant reader on everything that servers and gateways are known to send, at every cut."""

from __future__ import annotations

import json

import pytest
from byte_cuts import byte_by_byte, every_cut, random_cuts
from hypothesis import given, settings
from hypothesis import strategies as st

from gemini_magic.errors import WireError
from gemini_magic.wire import Item, Reader

BOM = b"\xef\xbb\xbf"
A, B, C = b'{"a":1}', b'{"b":[{"x":"}"}]}', b'{"c":"\\n\\"{"}'
SCALE = '{"candidates":[{"content":{"parts":[{"text":"%s"}],"role":"model"},"index":0}]}'
ERROR = b'{\n  "error": {\n    "code": 499,\n    "message": "cancelled",\n    "details": [\n      {"x": 1}\n    ]\n  }\n}'


def read(pieces: list[bytes], **options: bool) -> tuple[list[Item], Reader]:
    reader = Reader(**options)
    items = [item for piece in pieces for item in reader.feed(piece)]
    return items + reader.close(), reader


def values(items: list[Item]) -> list[object]:
    return [json.loads(item.raw) for item in items]


def ends(body: bytes) -> list[bytes]:
    """The same body with LF, CR LF and CR."""
    return [body, body.replace(b"\n", b"\r\n"), body.replace(b"\n", b"\r")]


# A description, the body with LF line ends, the objects in it, and the counts of its anomalies.
CASES = [
    ("plain", b"data: " + A + b"\n\ndata: " + B + b"\n\n", [A, B], {}),
    ("empty body", b"", [], {}),
    ("blank lines only", b"\n\n \n\n", [], {}),
    ("BOM", BOM + b"data: " + A + b"\n\ndata: " + B + b"\n\n", [A, B], {"bom": 1}),
    ("BOM again before a line", b"data: " + A + b"\n\n" + BOM + b"data: " + B + b"\n\n", [A, B], {"bom": 1}),
    ("comments", b": ping\n\ndata: " + A + b"\n\n:\n\n: ping\ndata: " + B + b"\n\n", [A, B], {"comment": 3}),
    ("comment inside an event", b'data: {"a":\n: ping\ndata: 1}\n\n', [A], {"comment": 1}),
    ("no space", b"data:" + A + b"\n\ndata:" + B + b"\n\n", [A, B], {"no-space": 2}),
    ("two spaces", b"data:  " + A + b"  \n\n", [A], {}),
    ("other fields", b"event: message\nid: 1\nretry: 3000\ndata: " + A + b"\n\nevent: end\nid\ndata: " + B + b"\n\n",
     [A, B], {"field-event": 2, "field-id": 2, "field-retry": 1}),
    ("fields without data", b"id: 1\n\nevent: ping\n\ndata: " + A + b"\n\n", [A], {"field-id": 1, "field-event": 1}),
    ("one document on many data lines", b'data: {"b":\ndata: [\ndata: {"x":"}"}\ndata: ]\ndata: }\n\n', [B], {}),
    ("DONE", b"data: " + A + b"\n\ndata: [DONE]\n\n", [A], {"done-marker": 1}),
    ("DONE without a blank line before", b"data: " + A + b"\ndata: [DONE]\n", [A], {"done-marker": 1, "unterminated": 1}),
    ("DONE is not the end", b"data:[DONE]\n\ndata: " + A + b"\n\n", [A], {"done-marker": 1, "no-space": 1}),
    ("interactions end", b"event: done\ndata: [DONE]\n\n", [], {"field-event": 1, "done-marker": 1}),
    ("error as an event", b"data: " + A + b'\n\ndata: {"x":1,"error":{"code":500}}\n\n', [A, b'{"x":1,"error":{"code":500}}'], {}),
    ("error in a list", b'data: [{"error":{"code":400}}]\n\n', [b'{"error":{"code":400}}'], {"json-array": 1}),
    ("list on many lines", b"data: [\ndata: " + A + b",\ndata: " + B + b"\ndata: ]\n\n", [A, B], {"json-array": 1}),
    ("bare indented error at the end", b"data: " + A + b"\n\n" + ERROR + b"\n", [A, ERROR], {"bare-lines": 9, "unterminated": 1}),
    ("bare indented error between events", b"data: " + A + b"\n\n" + ERROR + b"\n\ndata: " + B + b"\n\n",
     [A, ERROR, B], {"bare-lines": 9}),
    ("bare error directly after an event", b"data: " + A + b"\n" + ERROR + b"\n\n", [A, ERROR], {"bare-lines": 9, "no-blank-line": 1}),
    ("bare error on one line", b"data: " + A + b"\n\n" + B + b"\n", [A, B], {"bare-lines": 1, "unterminated": 1}),
    ("data then bare lines", b"data: " + A + b'\n\ndata: {\n  "error": {\n    "code": 500\n  }\n}\n\n',
     [A, b'{\n  "error": {\n    "code": 500\n  }\n}'], {"bare-lines": 4}),
    ("data then bare lines, no blank line anywhere",
     b'data: {"p":[1],\n"q": 2,\n"r": {}}\ndata: {"p":[2],\n"q": 3,\n"r": {}}\n',
     [b'{"p":[1],"q":2,"r":{}}', b'{"p":[2],"q":3,"r":{}}'], {"bare-lines": 4, "no-blank-line": 1, "unterminated": 1}),
    ("several documents on a line", b"data: " + A + B + b" " + C + b"\n\n", [A, B, C], {"several-documents": 1}),
    ("several documents on data lines", b"data: " + A + b"\ndata: " + B + b"\n\n", [A, B], {"no-blank-line": 1}),
    ("several, the last one continues on the next line", b'data: {"a":1} {"a":\ndata: 1}\n\n', [A, A], {"several-documents": 1}),
    ("no blank line anywhere", b"data: " + A + b"\ndata: " + B + b"\ndata: " + C + b"\n", [A, B, C], {"no-blank-line": 2, "unterminated": 1}),
    ("last event without blank line", b"data: " + A + b"\n\ndata: " + B + b"\n", [A, B], {"unterminated": 1}),
    ("last event without line end", b"data: " + A + b"\n\ndata: " + B, [A, B], {"unterminated": 1}),
    ("unknown field before data", b"x-meta: 1\ndata: " + A + b"\n\n", [A], {"not-json": 1}),
    ("unknown field inside a document", b'data: {"a":\nfoo: bar\ndata: 1}\n\n', [A], {"bare-lines": 1}),
    ("blank data", b"data:\n\ndata: \n\ndata\n\ndata: " + A + b"\n\n", [A], {"blank-data": 3}),
    ("more blank lines", b"\n\ndata: " + A + b"\n\n\n\n\ndata: " + B + b"\n\n", [A, B], {}),
    ("broken, then good", b'data: {"a":{"b":1}\n\ndata: ' + A + b"\n\n", [A], {"not-json": 1}),
    ("broken, then good, without blank lines", b'data: {"a":{"b":1}\ndata: ' + A + b"\n", [A], {"not-json": 1, "unterminated": 1}),
    ("open string, then good, without blank lines", b'data: {"a":"b\ndata: ' + A + b"\n\n", [A], {"not-json": 1}),
    ("open bracket, then two good", b'data: {"a":[\ndata: ' + A + b"\ndata: " + B + b"\n\n", [A, B], {"not-json": 1, "no-blank-line": 1}),
    ("an extra closing brace", b"data: " + A + b"}\n\ndata: " + B + b"\n\n", [A, B], {"not-json": 1}),
    ("text, then good", b"data: one\ndata: two\ndata: " + A + b"\n\n", [A], {"not-json": 1}),
    ("text between events", b"data: " + A + b"\n\nupstream error\n\ndata: " + B + b"\n\n", [A, B], {"bare-lines": 1, "not-json": 1}),
    ("JSON of other types", b'data: null\n\ndata: "x"\n\ndata: 12\n\ndata: []\n\ndata: [1, ' + A + b', "{}"]\n\n', [A],
     {"not-object": 6, "json-array": 2}),
    ("cut in the middle", b"data: " + A + b'\n\ndata: {"candidates":[{"cont', [A], {"not-json": 1, "unterminated": 1}),
    ("cut in a document on many lines", b'data: {"a":[\ndata: {"x":1}\ndata: ,{"y', [], {"not-json": 1, "unterminated": 1}),
    ("NaN, Infinity, lone surrogates", b'data: {"a":NaN,"b":-Infinity,"c":"\\ud800","d":1e999}\n\n',
     [b'{"a":NaN,"b":-Infinity,"c":"\\ud800","d":1e999}'], {}),
    ("number of 5,000 digits and a surrogate", b'data: {"a":' + b"9" * 5000 + b',"c":"\\ud800"}\n\n',
     [b'{"a":' + b"9" * 5000 + b',"c":"\\ud800"}'], {}),
    ("a page instead of a stream", b"<!DOCTYPE html>\n<p>Bad gateway: {502}\n\n</p>\n", [], {"not-json": 1, "unterminated": 1}),
    ("raw tab in a string", b'data: {"a":"b\tc"}\n\ndata: ' + A + b"\n\n", [rb'{"a":"b\tc"}', A], {"control-character": 1}),
    ("raw control character in a string", b'data: {"a":"b\x01c"}\n\n', [rb'{"a":"b\u0001c"}'], {"control-character": 1}),
    ("raw tab between tokens", b'data: {"a":\t1}\n\n', [A], {}),
    ("raw line feed in a string", b'data: {"a":"b\nc"}\n\ndata: ' + A + b"\n\n", [rb'{"a":"b\nc"}', A],
     {"control-character": 1, "bare-lines": 1}),
    ("raw line feed in a string on data lines", b'data: {"a":"b\ndata: c"}\n\ndata: ' + A + b"\n\n", [rb'{"a":"b\nc"}', A],
     {"control-character": 1}),
    ("raw line feeds before what looks like fields", b'data: {"a":"b\n: c\nid: 7\nevent: x"}\n\n', [rb'{"a":"b\n: c\nid: 7\nevent: x"}'],
     {"control-character": 1, "bare-lines": 3}),
    ("raw line feed before a brace", b'data: {"a":"f()\n{\n}"}\n\ndata: ' + A + b"\n\n", [rb'{"a":"f()\n{\n}"}', A],
     {"control-character": 1, "bare-lines": 2}),
    ("blank line in a string", b'data: {"a":"b\n\nc\n\nd"}\n\ndata: ' + A + b"\n\n", [rb'{"a":"b\n\nc\n\nd"}', A],
     {"control-character": 1, "bare-lines": 2, "blank-line-inside": 1}),
    ("blank line in a string on data lines", b'data: {"a":"b\n\ndata: c"}\n\ndata: ' + A + b"\n\n", [rb'{"a":"b\n\nc"}', A],
     {"control-character": 1, "blank-line-inside": 1}),
    ("blank line between tokens", b'data: {"a":\n\n1}\n\ndata: ' + A + b"\n\n", [A, A], {"bare-lines": 1, "blank-line-inside": 1}),
    ("blank line between tokens on data lines", b'data: {"b":[\n\ndata: {"x":"}"}]}\n\n', [B], {"blank-line-inside": 1}),
    ("open string and blank line, then good", b'data: {"a":"b\n\ndata: ' + A + b"\n\ndata: " + B + b"\n\n", [A, B], {"not-json": 1}),
    ("open string, then a bare indented error", b'data: {"a":"b\n\n' + ERROR + b"\n\ndata: " + A + b"\n\n", [ERROR, A],
     {"not-json": 1, "bare-lines": 9}),
    ("open string, then a comment and a named event", b'data: {"a":"b\n\n: ping\n\nevent: x\ndata: ' + A + b"\n\n", [A],
     {"not-json": 1, "comment": 1, "field-event": 1}),
    ("open string and blank line, then good ones on many lines",
     b'data: {"a":"b\n\ndata: {\ndata: "a":\ndata: 1}\n\ndata: {\ndata: "c":\ndata: 1}\n\n', [A, b'{"c":1}'], {"not-json": 1}),
    ("open bracket and blank line, then good arrays", b'data: [{"a":[\n\ndata: [' + A + b"]\n\ndata: [" + B + b"]\n\n", [A, B],
     {"not-json": 1, "json-array": 3}),
    ("open string and blank line at the end", b"data: " + A + b'\n\ndata: {"a":"b\n\n', [A], {"not-json": 1}),
    ("open bracket and blank line, then two good", b'data: {"a":[\n\ndata: ' + A + b"\n\ndata: " + B + b"\n\n", [A, B], {"not-json": 1}),
    ("plain text", b"upstream connect error", [], {"not-json": 1, "unterminated": 1}),
    ("text before the stream", b"Warning: \xc3\xa9\n\nmore\ndata: " + A + b"\n\n", [A], {"not-json": 1}),
]  # fmt: skip


def same(items: list[Item], expected: list[bytes]) -> bool:
    return [json.dumps(value) for value in values(items)] == [
        json.dumps(json.loads(text)) for text in expected
    ]


def check_offsets(body: bytes, items: list[Item]) -> None:
    """Each item is at its offset: byte for byte when it is verbatim, else with its first byte."""
    for item in items:
        assert body.startswith(item.raw if item.verbatim else b"{", item.offset)
    assert [item.offset for item in items] == sorted({item.offset for item in items})


@pytest.mark.parametrize(("body", "expected", "counts"), [c[1:] for c in CASES], ids=[c[0] for c in CASES])
def test_every_case_at_every_cut_with_every_line_end(body, expected, counts):
    for text in ends(body):
        cuts = every_cut(text) if len(text) < 1000 else [[text], byte_by_byte(text), random_cuts(text, 1)]
        for pieces in cuts:
            items, reader = read(pieces)
            try:
                assert same(items, expected)
            except ValueError:  # numbers too long for int()
                assert [item.raw for item in items] == expected
            assert reader.counts == counts
            check_offsets(text, items)
            assert {anomaly.kind for anomaly in reader.anomalies} == set(reader.counts)


def test_the_text_is_returned_byte_for_byte():
    text = '{"z" : 1.0, "text":"\u2028 \u2029 \x85 é \\u0041 😀","z":2e0}'.encode()
    for body in ends(b"data: " + text + b"\n\n"):
        for pieces in every_cut(body):
            assert [(item.raw, item.offset) for item in read(pieces)[0]] == [(text, 6)]


def test_unusual_line_separators_are_text():
    text = '{"t":"a\u2028b\u2029c\u0085d"}'.encode()
    for pieces in every_cut(b"data: " + text + b"\n\n"):
        assert [item.raw for item in read(pieces)[0]] == [text]
    # These two are not allowed unescaped in JSON, but they do not end a line either.
    items, reader = read([b'data: {"t":"a\x0b\x0c"}\n\n'])
    assert [item.raw for item in items] == [rb'{"t":"a\u000b\u000c"}']
    assert reader.counts == {"control-character": 1}


def test_offsets_count_the_bytes_of_the_body():
    body = BOM + b": hi\r\ndata: " + A + b"\r\n\r\nid: 7\r\ndata: {\r\n" + b'"b":1\r\n}\r\n\r\noops\r\n\r\n'
    for pieces in every_cut(body):
        items, reader = read(pieces)
        assert [item.offset for item in items] == [body.index(A), body.index(b'{\r\n"b"')]
        assert [item.verbatim for item in items] == [True, False]
        anomalies = {anomaly.kind: (anomaly.offset, anomaly.detail) for anomaly in reader.anomalies}
        assert anomalies == {
            "bom": (0, ""),
            "comment": (3, "hi"),
            "field-id": (body.index(b"id"), "7"),
            "bare-lines": (body.index(b'"b"'), '"b":1'),
            "not-json": (body.index(b"oops"), "oops"),
        }


NAMED = (
    b": x\n\nevent: interaction.start\ndata: " + A + b"\n\n"  # the name applies to its event
    b"data: " + A + b"\n\n"  # and not to later ones
    b"event:  two words \nid: 3\ndata:" + A + b"\n\n"  # the first space is not part of it
    b"event: lost\n\ndata: " + A + b"\n\n"  # an event without data is not dispatched
    b"event: first\nevent: last\ndata: " + A + b"\n\n"
    b"event: gone\nevent\ndata: " + A + b"\n\n"  # an empty name means the default
    b"event: message\ndata: " + A + b"\n\n"  # the name of the default
    b'event: lines\ndata: {"a":\ndata: 1}\n\n'
    b'event: changed\ndata: {"a":\n: x\ndata: "\xff"}\n\n'
    b"event: \xc3\xa9\xff\ndata: " + A + b"\n\n"
)
NAMES = ["interaction.start", None, " two words ", None, "last", None, None, "lines", "changed", "é\ufffd"]


@pytest.mark.parametrize("strict", [False, True])
def test_an_item_has_the_name_of_its_event(strict):
    for body in ends(NAMED):
        for pieces in every_cut(body):
            assert [item.event for item in read(pieces, strict=strict)[0]] == NAMES


def test_all_documents_of_an_event_have_its_name_and_bare_json_has_none():
    for body, names in (
        (b"event: x\ndata: " + A + B + b"\n\ndata: " + C + b"\n\n", ["x", "x", None]),
        (b"event: x\ndata: [" + A + b"," + B + b"]\n\n", ["x", "x"]),
        (b"event: x\ndata: " + A + b"\nevent: y\ndata: " + B + b"\n", ["x", "y"]),  # no blank lines
        (b"event: x\n" + ERROR + b"\n\n", ["x"]),
        (b"event: x\ndata: " + A, ["x"]),
        (b"[" + A + b",\n" + B + b"]", [None, None]),
        (A + b"\n\nevent: x\ndata: " + B + b"\n\n", [None, None]),
    ):
        for text in ends(body):
            for pieces in every_cut(text):
                assert [item.event for item in read(pieces)[0]] == names


def test_long_events_have_their_names():
    body = (
        b"event: x\ndata: " + json.dumps({"x": "0123456789" * 20_000}).encode() + b"\n\ndata: " + A + b"\n\n"
    )
    for size in (512, 70_000, len(body)):
        pieces = [body[at : at + size] for at in range(0, len(body), size)]
        for strict in (False, True):
            assert [item.event for item in read(pieces, strict=strict)[0]] == ["x", None]


@pytest.mark.parametrize("strict", [False, True])
def test_an_item_is_verbatim_where_the_body_has_its_bytes(strict):
    whole = (
        b"data:   " + A + b"  \n\n",
        b"data:" + A + b"\n\n",
        'data: {"a":"\ufffd"}\n\n'.encode(),
        b"data: " + A + b"\n",
        b"data:\ndata: " + A + b"\n\n",
    )
    changed = (b'data: {"a":"\xff"}\n\n', b'data: {"a":"\xf0\x9f\x98"}\n\n', b'data: {"a":\ndata: 1}\n\n')
    for body in whole + changed:
        for pieces in every_cut(body):
            for item in read(pieces, strict=strict)[0]:
                if body == whole[-1] and strict:
                    assert (item.offset, item.verbatim) == (6, False)
                    continue
                assert item.offset == body.index(b"{")
                assert item.verbatim is (body in whole)
                assert body.startswith(item.raw, item.offset) is item.verbatim


def test_each_object_on_a_line_has_its_offset():
    body = b"data: [1, " + A + b",  " + B + b'] \n\ndata:\t{"a":"\xff"} ' + C + b"\n\n"
    for pieces in every_cut(body):
        items = read(pieces)[0]
        assert [item.offset for item in items] == [body.index(each) for each in (A, B, b'{"a":"\xff"}', C)]
        assert [item.verbatim for item in items] == [True, True, False, True]


def test_every_unreadable_event_is_logged_with_the_beginning_of_its_text():
    body = b"data: one\n\ndata: " + A + b"\n\ndata: {two\n\ndata: " + b"x" * 5000 + b"\n\n"
    _, reader = read([body])
    assert [anomaly.detail for anomaly in reader.anomalies] == ["one", "{two", "x" * 2000]
    assert [anomaly.offset for anomaly in reader.anomalies] == [
        0,
        body.index(b"data: {two"),
        body.index(b"data: xx"),
    ]


def test_a_page_of_html_is_one_anomaly_with_its_text():
    page = b"<!DOCTYPE html>\n<html>\n\n<style>a{b:c}</style>\n\n<h1>502 Bad Gateway</h1>\n</html>\n"
    for pieces in every_cut(page):
        items, reader = read(pieces)
        assert items == []
        (anomaly,) = [anomaly for anomaly in reader.anomalies if anomaly.kind == "not-json"]
        assert (anomaly.detail, anomaly.offset) == (page.decode().strip(), 0)


def test_objects_are_returned_as_soon_as_their_line_ends():
    body = b'data: {"a":1}\r\ndata: {"b":1}\rdata: {\n"c":\n1}\n: x\n{"d":1}\ndata: {"e":1}'
    reader = Reader()
    received = [
        (at, *values([item])[0]) for at, byte in enumerate(byte_by_byte(body)) for item in reader.feed(byte)
    ]
    at = [body.index(end) + len(end) - 1 for end in (b"1}\r", b'{"b":1}\r', b"\n1}\n", b'"d":1}\n')]
    assert received == list(zip(at, "abcd", strict=True))
    assert values(reader.close()) == [{"e": 1}]


def test_a_character_in_two_pieces_is_joined_and_an_invalid_one_is_replaced():
    text = (SCALE % "Grüße 😀 \u2028").encode()
    for pieces in every_cut(b"data: " + text + b"\r\n\r\n"):
        assert [item.raw for item in read(pieces)[0]] == [text]
    for pieces in every_cut(b'data: {"a":"\xf0\x9f\x98","b":"\xe9t\xe9"}\n\ndata: [{"a":"\xff"}]\n\n'):
        items, reader = read(pieces)
        assert values(items) == [{"a": "\ufffd", "b": "\ufffdt\ufffd"}, {"a": "\ufffd"}]
        assert reader.counts["invalid-utf8"] == 2


def test_the_first_byte_that_is_not_space_decides_the_framing():
    for body, framing in (
        (b": x", "sse"),
        (b"data: 1", "sse"),
        (b"[", "json"),
        (b"{", "json"),
        (b"<", "sse"),
    ):
        for front in (b"", b"\r\n \t", BOM, BOM + b"\n"):
            reader = Reader()
            for byte in byte_by_byte(front):
                reader.feed(byte)
                assert reader.framing is None
            reader.feed(body)
            assert reader.framing == framing


def test_long_lines_give_the_same_items():
    """Above some length a line is put together in another way; the result must be the same."""
    long = b'{"x":"' + b"0123456789" * 20_000 + b'"}'
    lines = [b"data: " + long, b"", b"data: " + long[:-1], b"", b"data:" + long, b"", b"data: [" + long + b"]", long, b"",
             b'data: {"y":', b"data: " + long, b"data: }", b"", b": " + long, b"data: " + long + A, b"data: " + A, b"", b"data: " + long]  # fmt: skip
    for end in (b"\r\n", b"\n", b"\r"):
        body = end.join(lines)
        whole, reader = read([body])
        assert [len(item.raw) // 1000 for item in whole] == [200] * 6 + [0, 0, 200]
        assert [anomaly.kind for anomaly in reader.anomalies if anomaly.kind == "not-json"] == ["not-json"]
        check_offsets(body, whole)
        assert [item.verbatim for item in whole] == [True] * 4 + [False] + [True] * 4
        for size in (512, 4099, 70_000):
            items, again = read([body[at : at + size] for at in range(0, len(body), size)])
            assert items == whole
            assert again.anomalies == reader.anomalies


def test_a_body_of_only_white_space_has_no_framing():
    items, reader = read([b" \r\n", b"\n"])
    assert (items, reader.framing, reader.anomalies) == ([], None, [])


def test_the_objects_before_an_event_above_the_limit_are_returned():
    huge = b"data: {" + b" " * 200 + b"}\n\n"
    for body in (
        b"data: " + A + b"\n\n" + huge,
        b"data: " + A + b"\n\n" + b'data: {"x":\n' + b"data:   1,\n" * 40,
    ):
        for pieces in ([body], byte_by_byte(body), random_cuts(body, 1, 20)):
            reader = Reader(max_event=100)
            received: list[Item] = []
            with pytest.raises(WireError, match="larger than 100 bytes") as caught:
                for piece in pieces:
                    received += reader.feed(piece)
                reader.close()
            assert values(received) == [{"a": 1}]
            assert "max_event" in caught.value.remedy
            with pytest.raises(WireError):
                reader.feed(b"data: {}\n\n")


def test_a_stream_of_small_events_may_be_larger_than_the_limit_of_one_event():
    reader = Reader(max_event=100)
    received = [item for _ in range(50) for item in reader.feed(b"data: " + A + b"\n\n: ping\n\n")]
    assert len(received + reader.close()) == 50


def test_a_closed_reader_returns_no_items_and_accepts_no_bytes():
    reader = Reader()
    reader.feed(b"data: " + A)
    assert len(reader.close()) == 1
    assert reader.close() == []
    with pytest.raises(WireError, match="closed Reader"):
        reader.feed(b"x")


def test_the_strict_reader_follows_the_standard():
    body = (
        b"data: "
        + A
        + b'\n\ndata: {"b":\ndata: 1}\n\nevent: x\n{"bare":1}\n\ndata: '
        + A
        + A
        + b"\n\ndata: [DONE]\n\ndata: "
        + A
    )
    for text in ends(body):
        for pieces in every_cut(text):
            items, reader = read(pieces, strict=True)
            assert values(items) == [{"a": 1}, {"b": 1}]
            assert [(anomaly.kind, anomaly.detail) for anomaly in reader.anomalies] == [
                ("not-json", (A + A).decode()),
                ("done-marker", ""),
            ]
            assert [(item.offset, item.verbatim) for item in items] == [
                (6, True),
                (text.index(b'{"b"'), False),
            ]


def test_deeply_nested_json_is_returned_unchanged_if_its_brackets_match():
    deep = b'{"a":' * 100_000 + b"1" + b"}" * 100_000
    for body in (b"data: " + deep + b"\n\ndata: " + A + b"\n\n", b"[" + deep + b"," + A + b"]"):
        items, reader = read([body])
        assert [item.raw for item in items] == [deep, A]
        assert "not-json" not in reader.counts
    items, reader = read([b"data: " + deep[:-1] + b"\n\ndata: " + A + b"\n\n"])
    assert [item.raw for item in items] == [A]
    assert reader.counts["not-json"] == 1


PIECES = st.sampled_from(
    [b"data: ", b"data:", b"data", b"event: x", b"id: 1", b"retry: 5", b":", b"\n", b"\r", b"\r\n", b"\n\n", b"{", b"}",
     b"[", b"]", b'"', b"\\", b'\\"', b",", b":", b" ", b"1", b"null", b"NaN", b"[DONE]", b'{"a":1}', b'{"a":"b"}', b'{"a":',
     b'"\\ud800"', BOM, b"\xef", b"\xbb", b"\xff", "é\u2028😀".encode(), b"<p>", b"text", b"\0"]
)  # fmt: skip
BODIES = st.one_of(st.binary(max_size=60), st.lists(PIECES, max_size=25).map(b"".join))


@settings(deadline=None, max_examples=300)
@given(body=BODIES, at=st.integers(0, 200), strict=st.booleans())
def test_any_bytes_give_the_same_items_at_any_cut_without_an_error(body, at, strict):
    whole, reader = read([body], strict=strict)
    for item in whole:
        assert isinstance(json.loads(item.raw), dict)
        item.raw.decode()
    assert all(body.startswith(item.raw, item.offset) for item in whole if item.verbatim)
    if not strict:
        check_offsets(body, whole)
    for pieces in (byte_by_byte(body), [body[:at], body[at:]]):
        items, again = read(pieces, strict=strict)
        assert items == whole
        assert again.counts == reader.counts
        assert again.anomalies == reader.anomalies
        assert again.framing == reader.framing


@settings(deadline=None, max_examples=60)
@given(
    texts=st.lists(st.dictionaries(st.text(), st.text() | st.lists(st.text() | st.dictionaries(st.text(), st.none()))), min_size=1),
    ascii_only=st.booleans(), indent=st.sampled_from([None, 0, 2]), form=st.sampled_from(["data", "multi", "bare", "array", "lines"]),
    seed=st.integers(0, 9),
)  # fmt: skip
def test_any_objects_are_read_in_any_framing(texts, ascii_only, indent, form, seed):
    documents = [json.dumps(text, ensure_ascii=ascii_only, indent=indent) for text in texts]
    body = {
        "data": lambda: "".join(f"data: {json.dumps(json.loads(d))}\r\n\r\n" for d in documents),
        "multi": lambda: "".join(
            "".join(f"data: {line}\n" for line in d.split("\n")) + "\n" for d in documents
        ),
        "bare": lambda: ": x\n" + "".join(f"data: {d}\n" for d in documents),
        "array": lambda: f"[{','.join(documents)}]",
        "lines": lambda: "\n".join(documents),
    }[form]().encode()
    items, reader = read(random_cuts(body, seed, 20))
    check_offsets(body, items)
    assert all(item.verbatim for item in items) or form in ("multi", "bare")
    assert values(items) == texts
    assert "not-json" not in reader.counts


@pytest.mark.parametrize(
    "broken",
    [b'data: {"a":"b\n\n', b'data: {"a":[{"b":1}\n\n', b'data: [{"a":1\n\n', b'data: {"a":"b\n\n: ping\n\n'],
)
@pytest.mark.parametrize(
    "good", [b"data: " + A + b"\n\n", b"data: [" + A + b"]\n\n", b'data: {\ndata: "a":1}\n\n']
)
def test_a_broken_event_does_not_delay_the_events_after_it(broken, good):
    reader = Reader()
    reader.feed(broken)
    for _ in range(3):
        assert values(reader.feed(good)) == [{"a": 1}]
