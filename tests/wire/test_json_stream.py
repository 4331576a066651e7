"""Bodies that are plain JSON: arrays, single objects, objects one after the other."""

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
def test_every_format_at_every_cut(body):
    data = body.encode()
    for pieces in every_cut(data):
        items, reader = read(pieces)
        assert values(items) == CHUNKS
        assert reader.framing == "json"
        assert reader.counts.keys() <= {"json-array", "json-object", "bom"}
        for item in items:
            assert data.startswith(item.raw, item.offset)


def test_raw_control_characters_in_the_strings_of_an_array_are_read():
    body = b'[{"a":"b\n}\tc\n\nd"},\n{"a":"e"}\n]'
    for pieces in every_cut(body):
        items, reader = read(pieces)
        assert values(items) == [{"a": "b\n}\tc\n\nd"}, {"a": "e"}]
        assert reader.counts == {"json-array": 1, "control-character": 1}
        assert [item.verbatim for item in items] == [False, True]


def test_an_object_is_returned_with_its_last_brace():
    body = b'[{"a": {\n"b": "}"}\n}\n,\r\n{"c": 2}]'
    reader = Reader()
    received = [(at, item.raw) for at, byte in enumerate(byte_by_byte(body)) for item in reader.feed(byte)]
    first = b'{"a": {\n"b": "}"}\n}'
    assert received == [(len(first), first), (len(body) - 2, b'{"c": 2}')]


def test_a_single_error_object():
    body = b'{\n  "error": {\n    "code": 404,\n    "message": "no such model",\n    "status": "NOT_FOUND"\n  }\n}\n'
    for pieces in every_cut(body):
        items, reader = read(pieces)
        assert values(items)[0]["error"]["code"] == 404
        assert [(anomaly.kind, anomaly.offset) for anomaly in reader.anomalies] == [("json-object", 0)]


def test_an_error_object_in_a_list():
    items, reader = read([b'[{"error": {"code": 400}}]'])
    assert values(items) == [{"error": {"code": 400}}]
    assert reader.counts == {"json-array": 1}


@pytest.mark.parametrize(
    "body", [b'[{"a":1},{"b":', b'[{"a":1},{"b":"x', b'[{"a":1},{"b":{"c":2}', b'[{"a":1}\n,\r\n{"b']
)
def test_a_body_that_is_cut_off_gives_its_complete_objects(body):
    for pieces in every_cut(body):
        items, reader = read(pieces)
        assert values(items) == [{"a": 1}]
        (broken,) = [anomaly for anomaly in reader.anomalies if anomaly.kind == "not-json"]
        assert broken.offset == body.index(b'{"b')
        assert broken.detail == body[broken.offset :].decode()
        assert reader.counts["unterminated"] == 1


def test_an_array_without_its_closing_bracket_is_unterminated():
    items, reader = read([b'[{"a":1}\n'])
    assert values(items) == [{"a": 1}]
    assert reader.counts == {"json-array": 1, "unterminated": 1}


def test_other_values_are_logged_and_do_not_hide_objects():
    body = b'[{"a":1}, 5, "x{y}", null, {"b":2}, oops "{"c":3}\n{"d":4}, {bad}, {"e":5}] trailing <p>'
    for pieces in every_cut(body):
        items, reader = read(pieces)
        assert [next(iter(value)) for value in values(items)] == ["a", "b", "d", "e"]
        assert [
            (anomaly.kind, anomaly.detail) for anomaly in reader.anomalies if anomaly.kind.startswith("not")
        ] == [
            ("not-object", '5, "x{y}", null'),
            ("not-json", 'oops "{"c":3}'),
            ("not-json", "{bad}"),
            ("not-json", "trailing <p>"),
        ]


def test_plain_json_that_continues_as_events():
    items, reader = read([b'{"error":{"code":1}}\n\ndata: {"a":1}\r\n\r\ndata: {"b":2}\r\n\r\n'])
    assert values(items) == [{"error": {"code": 1}}, {"a": 1}, {"b": 2}]
    assert reader.counts == {"json-object": 1, "mixed-framing": 2}


def test_bad_utf8_is_replaced_at_every_cut():
    for pieces in every_cut(b'[{"a":"\xe2\x80","b":"\xf0\x9f\x98\x80"},{"c":"\xff"}]'):
        items, reader = read(pieces)
        assert values(items) == [{"a": "\ufffd", "b": "😀"}, {"c": "\ufffd"}]
        assert reader.counts["invalid-utf8"] == 2


def test_anomalies_are_in_the_order_of_the_body():
    for pieces in every_cut(b'{"a":1} x {"a":"\xff"} y'):
        _, reader = read(pieces)
        kinds = [anomaly.kind for anomaly in reader.anomalies]
        assert kinds == ["json-object", "not-json", "invalid-utf8", "not-json"]


def test_documents_that_are_larger_than_a_block_of_the_scanner():
    text = '\\"{' * 50_000 + "é" * 50_000
    chunks = [{"text": text}, {"parts": ["\\"] * 40_000}]
    body = json.dumps(chunks, ensure_ascii=False).encode()
    for size in (len(body), 65_536, 65_537, 4_099):
        items, _ = read([body[at : at + size] for at in range(0, len(body), size)])
        assert values(items) == chunks


def test_an_object_above_the_limit():
    for size in (1, 7, 1000):
        reader = Reader(max_event=50)
        body = b'[{"a":1},{"b":"' + b"x" * 100 + b'"},{"c":1}]'
        received: list[Item] = []
        with pytest.raises(WireError, match="larger than 50 bytes") as caught:
            for at in range(0, len(body), size):
                received += reader.feed(body[at : at + size])
            reader.close()
        assert values(received) == [{"a": 1}]
        assert caught.value.remedy
