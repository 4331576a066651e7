"""Bodies that are JSON without events: arrays, single objects, objects one after the other."""

from __future__ import annotations

import json

import pytest
from byte_cuts import byte_by_byte, every_cut

from gemini_magic.errors import WireError
from gemini_magic.wire import Item, Reader

CHUNKS = [
    {"candidates": [{"content": {"parts": [{"text": 'a "quoted" {brace} \\ [x] \n'}]}}]},
    {"text": "\\", "more": ["}", "{", '"', '\\"'], "empty": {}},
    {"usageMetadata": {"totalTokenCount": 3}},
]


def read(pieces: list[bytes]) -> tuple[list[Item], Reader]:
    reader = Reader()
    items = [item for piece in pieces for item in reader.feed(piece)]
    return items + reader.close(), reader


def values(items: list[Item]) -> list[object]:
    return [json.loads(item.raw) for item in items]


BODIES = {
    "google": "[" + "\n,\r\n".join(json.dumps(chunk, indent=2) for chunk in CHUNKS) + "\n]\n",
    "minified": json.dumps(CHUNKS, separators=(",", ":")),
    "no indent": json.dumps(CHUNKS, indent=0),
    "one per line": "\n".join(json.dumps(chunk) for chunk in CHUNKS),
    "one after the other": "".join(json.dumps(chunk) for chunk in CHUNKS),
    "nested arrays": f"[[{json.dumps(CHUNKS[0])}], [{json.dumps(CHUNKS[1])}, {json.dumps(CHUNKS[2])}]]",
    "space and BOM": "\ufeff \r\n\t" + json.dumps(CHUNKS, indent="\t"),
    "CR": ("[" + ",".join(json.dumps(chunk, indent=1) for chunk in CHUNKS) + "]").replace("\n", "\r"),
}


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES.keys())
def test_every_form_at_every_cut(body):
    data = body.encode()
    for pieces in every_cut(data):
        items, reader = read(pieces)
        assert values(items) == CHUNKS
        assert reader.framing == "json"
        assert reader.counts.keys() <= {"json-array", "json-object", "bom"}
        for item in items:
            assert data.startswith(item.raw, item.offset)


def test_an_object_comes_with_its_last_brace():
    body = b'[{"a": {\n"b": "}"}\n}\n,\r\n{"c": 2}]'
    reader = Reader()
    came = [(at, item.raw) for at, byte in enumerate(byte_by_byte(body)) for item in reader.feed(byte)]
    first = b'{"a": {\n"b": "}"}\n}'
    assert came == [(len(first), first), (len(body) - 2, b'{"c": 2}')]


def test_one_error_object_whatever_the_content_type_says():
    body = b'{\n  "error": {\n    "code": 404,\n    "message": "no such model",\n    "status": "NOT_FOUND"\n  }\n}\n'
    for pieces in every_cut(body):
        items, reader = read(pieces)
        assert values(items)[0]["error"]["code"] == 404
        assert [(odd.kind, odd.offset) for odd in reader.anomalies] == [("json-object", 0)]


def test_the_error_comes_in_a_list():
    items, reader = read([b'[{"error": {"code": 400}}]'])
    assert values(items) == [{"error": {"code": 400}}]
    assert reader.counts == {"json-array": 1}


@pytest.mark.parametrize(
    "body", [b'[{"a":1},{"b":', b'[{"a":1},{"b":"x', b'[{"a":1},{"b":{"c":2}', b'[{"a":1}\n,\r\n{"b']
)
def test_cut_in_the_middle_keeps_what_was_whole(body):
    for pieces in every_cut(body):
        items, reader = read(pieces)
        assert values(items) == [{"a": 1}]
        (broken,) = [odd for odd in reader.anomalies if odd.kind == "not-json"]
        assert broken.offset == body.index(b'{"b')
        assert broken.detail == body[broken.offset :].decode()
        assert reader.counts["unterminated"] == 1


def test_an_array_without_its_end_is_unterminated():
    items, reader = read([b'[{"a":1}\n'])
    assert values(items) == [{"a": 1}]
    assert reader.counts == {"json-array": 1, "unterminated": 1}


def test_what_is_no_object_is_recorded_and_hides_nothing():
    body = b'[{"a":1}, 5, "x{y}", null, {"b":2}, oops "{"c":3}\n{"d":4}, {bad}, {"e":5}] trailing <p>'
    for pieces in every_cut(body):
        items, reader = read(pieces)
        assert [next(iter(value)) for value in values(items)] == ["a", "b", "d", "e"]
        assert [(odd.kind, odd.detail) for odd in reader.anomalies if odd.kind.startswith("not")] == [
            ("not-object", '5, "x{y}", null'),
            ("not-json", 'oops "{"c":3}'),
            ("not-json", "{bad}"),
            ("not-json", "trailing <p>"),
        ]


def test_bare_json_that_goes_on_as_events():
    items, reader = read([b'{"error":{"code":1}}\n\ndata: {"a":1}\r\n\r\ndata: {"b":2}\r\n\r\n'])
    assert values(items) == [{"error": {"code": 1}}, {"a": 1}, {"b": 2}]
    assert reader.counts == {"json-object": 1, "mixed-framing": 2}


def test_bad_utf8_is_replaced_at_every_cut():
    for pieces in every_cut(b'[{"a":"\xe2\x80","b":"\xf0\x9f\x98\x80"},{"c":"\xff"}]'):
        items, reader = read(pieces)
        assert values(items) == [{"a": "\ufffd", "b": "😀"}, {"c": "\ufffd"}]
        assert reader.counts["invalid-utf8"] == 2


def test_oddities_come_in_the_order_of_the_body():
    for pieces in every_cut(b'{"a":1} x {"a":"\xff"} y'):
        _, reader = read(pieces)
        kinds = [odd.kind for odd in reader.anomalies]
        assert kinds == ["json-object", "not-json", "invalid-utf8", "not-json"]


def test_large_documents_cross_the_blocks_the_scanner_works_in():
    text = '\\"{' * 50_000 + "é" * 50_000
    chunks = [{"text": text}, {"parts": ["\\"] * 40_000}]
    body = json.dumps(chunks, ensure_ascii=False).encode()
    for size in (len(body), 65_536, 65_537, 4_099):
        items, _ = read([body[at : at + size] for at in range(0, len(body), size)])
        assert values(items) == chunks


def test_one_object_above_the_cap():
    for size in (1, 7, 1000):
        reader = Reader(max_event=50)
        body = b'[{"a":1},{"b":"' + b"x" * 100 + b'"},{"c":1}]'
        came: list[Item] = []
        with pytest.raises(WireError, match="larger than 50 bytes") as caught:
            for at in range(0, len(body), size):
                came += reader.feed(body[at : at + size])
            reader.close()
        assert values(came) == [{"a": 1}]
        assert caught.value.remedy
