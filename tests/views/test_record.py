"""The record in a saved notebook: complete for the inspector, small, and without keys."""

from __future__ import annotations

import json
import re

import nbformat
import pytest
from inspector_stage import JSON_TEXTS
from record_reader import read_chunks
from surroundings import CANARY, CHECKOUT
from view_stage import feed, finished, new_ledger

from gemini_magic.backends.gemini_decode import decode
from gemini_magic.content import Blob
from gemini_magic.ledger.exchange import Exchange
from gemini_magic.ledger.ledger import Ledger
from gemini_magic.media import encode_body, media_in
from gemini_magic.response import Response
from gemini_magic.tables import Rows
from gemini_magic.views.record import RECORD, record
from gemini_magic.views.snapshot import AnswerSnapshot

ENVELOPE = {
    "candidates": [{"content": {"parts": [{"text": ""}], "role": "model"}, "index": 0}],
    "usageMetadata": {
        "promptTokenCount": 12,
        "candidatesTokenCount": 0,
        "totalTokenCount": 112,
        "promptTokensDetails": [{"modality": "TEXT", "tokenCount": 12}],
        "thoughtsTokenCount": 100,
    },
    "modelVersion": "gemini-2.5-flash",
    "responseId": "abCDefGH1234567",
}


def streamed(texts, ledger=None):
    """A ledger of a stream that sends these texts as the Gemini API does."""
    ledger = ledger or Ledger(None)
    ledger.set_phase("streaming")
    for index, text in enumerate(texts):
        value = json.loads(json.dumps(ENVELOPE))
        value["candidates"][0]["content"]["parts"][0]["text"] = text
        value["usageMetadata"]["candidatesTokenCount"] = 9 * (index + 1)
        raw = json.dumps(value, ensure_ascii=False).encode()
        ledger.add(raw, 0.7 + index * 0.0413177, decode(raw))
    ledger.close("end", t=1 + len(texts) * 0.0413177)
    return ledger


def size(value):
    return len(json.dumps(value, ensure_ascii=False).encode())


def test_the_record_has_the_text_once_and_the_length_of_each_chunk():
    ledger = new_ledger()
    feed(ledger, thought="ab", t=0.5)
    feed(ledger, "cdé", t=0.75)
    feed(ledger, "f", t=1.0, usage={"prompt": 3, "total": 4}, finish="STOP")
    ledger.close("end", t=1.25)
    made = record(ledger)
    assert (made["v"], made["count"], made["capped"]) == (1, 3, {})
    assert (made["text"], made["thoughts"]) == ("cdéf", "ab")
    assert json.loads(made["chunks"]) == {
        "t": [500_000, 250_000, 250_000],
        "size": [2, 2, 2],
        "kinds": ["thought", "text", "text+usage+finish"],
        "kind": [0, 1, 2],
        "finish": [[2, "STOP"]],
        "text": [0, 3, 1],
        "thought": [2, 0, 0],
        "prompt": [None, None, 3],
        "total": [None, None, 4],
        "shapes": [["{}"]],
        "json": [[0], [0], [0]],
    }
    assert made["usage"]["prompt"] == 3
    assert made["timing"] == {"first_thought": 0.5, "first_text": 0.75, "total": 1.25}
    assert made["finish_reason"] == "STOP"


def test_unusual_json_is_restored_byte_for_byte():
    ledger = streamed(["Capitals: ", "**Paris**\n", 'a "quoted" \\ word', "", "tab\t", "😀 ü \u2028"] * 3)
    for raw in JSON_TEXTS:
        ledger.add(raw, 3.0, decode(raw))
    chunks = read_chunks(record(ledger))
    assert [chunk.json.encode() for chunk in chunks] == [chunk.raw for chunk in ledger.raw]
    assert [chunk.text for chunk in chunks] == [row.text for row in Rows(ledger.chunk_columns)]
    assert [chunk.size for chunk in chunks] == [len(chunk.raw) for chunk in ledger.raw]
    assert chunks[1].t == pytest.approx(0.7413177, abs=1e-6)


def test_the_record_of_a_typical_answer_is_small():
    """20,000 characters in 500 chunks: 195 kB of JSON received. A notebook file has each number of a list on its own line."""
    ledger = streamed([f"word number {n:03} of a longish answer, " for n in range(500)])
    made = record(ledger)
    cell = nbformat.v4.new_code_cell(outputs=[nbformat.v4.new_output("display_data", data={RECORD: made})])
    written = len(nbformat.writes(nbformat.v4.new_notebook(cells=[cell])))
    wire = sum(len(chunk.raw) for chunk in ledger.raw)
    print(f"wire {wire:,}, text {len(made['text']):,}, file {written:,} bytes")
    assert wire > 180_000
    assert written < len(made["text"]) + 32_000
    assert [chunk.json.encode() for chunk in read_chunks(made)] == [chunk.raw for chunk in ledger.raw]


HUGE = {
    "long text": lambda: streamed(["some words of an answer " * 200] * 100),
    "quotes": lambda: streamed(['"\\\n' * 3000] * 40),
    "many chunks": lambda: streamed(["ab "] * 8_000),
    "an image": lambda: streamed_raw(
        json.dumps({"candidates": [{"content": {"parts": [{"inlineData": {"data": "A" * 3_000_000}}]}}]})
    ),
    "shapes": lambda: streamed_raw(*(json.dumps({f"key{n}" * 20: [n] * n}) for n in range(300))),
    "numbers": lambda: streamed_raw(json.dumps({"n": [n / 7 for n in range(50_000)]})),
    "text from the server": lambda: finished(finish=None, failure={"message": "no " * 500_000, "code": 500}),
}


def streamed_raw(*texts):
    ledger = Ledger(None)
    for text in texts:
        ledger.add(text.encode(), 1.0, decode(text.encode()))
    ledger.close("end", t=2.0)
    return ledger


@pytest.mark.parametrize("megabytes", [0.01, 0.1, 1.0])
@pytest.mark.parametrize("what", HUGE)
def test_the_record_keeps_its_size_limit_and_names_what_is_incomplete(what, megabytes):
    ledger = HUGE[what]()
    ledger.note("long", "words " * 10_000)
    ledger.display = ledger.display._replace(record_size=megabytes)
    made = record(ledger)
    assert size(made) <= megabytes * 1_000_000
    chunks = read_chunks(made)
    assert made["count"] == len(ledger.raw)
    capped = made["capped"]
    assert ("chunks" in capped) == (len(chunks) < len(ledger.raw))
    assert ("json" in capped) == (sum(chunk.json is not None for chunk in chunks) < len(ledger.raw))
    assert ("text" in capped) == (len(made["text"]) < ledger.chars)
    for chunk, kept in zip(chunks, ledger.raw, strict=False):
        if chunk.json is not None and "left out" not in chunk.json and "text" not in capped:
            assert chunk.json.encode() == kept.raw


def test_capped_states_numbers():
    made = record(HUGE["many chunks"](), 0.2)
    kept = len(read_chunks(made))
    assert 100 < kept < 8_000
    assert made["capped"]["chunks"] == f"{kept:,} of 8,000 chunks"
    assert record(streamed(["a"]), 0.1)["capped"] == {}


def test_long_values_are_shortened_and_remain_valid_json():
    made = record(HUGE["an image"]())
    [chunk] = read_chunks(made)
    data = json.loads(chunk.json)["candidates"][0]["content"]["parts"][0]["inlineData"]["data"]
    assert data.startswith("AAAA")
    assert data.endswith("2,999,801 characters left out")
    escapes = json.loads(read_chunks(record(streamed_raw(json.dumps({"x": "é\n" * 9000}))))[0].json)
    assert escapes["x"].endswith("left out")


def test_the_request_is_recorded_without_keys_and_without_media():
    ledger = new_ledger()
    body = json.dumps({"contents": [{"parts": [{"text": "hi"}, {"inlineData": {"data": "iVBO" * 9000}}]}]})
    url = f"https://user:pass@example.org/v1/models/m:stream?alt=sse&key={CANARY}&api_token=abc"
    headers = [("Accept", "text/event-stream"), ("X-Goog-Api-Key", CANARY), ("Cookie", "a=b")]
    first = Exchange("POST", url, headers, body.encode())
    first.status, first.end, first.problem = 503, "eof", f"HTTP 503: {CANARY}"
    ledger.begin(first)
    ledger.begin(Exchange("POST", url, headers, body.encode(), attempt=1))
    feed(ledger, "x", finish="STOP")
    ledger.close("end", t=2.0)
    made = record(ledger)
    assert (
        made["request"]["url"]
        == "https://example.org/v1/models/m:stream?alt=sse&key=redacted&api_token=redacted"
    )
    assert made["request"]["headers"] == {"accept": "text/event-stream", "x-goog-api-key": "<redacted>"}
    sent = json.loads(made["request"]["body"])["contents"][0]["parts"]
    assert sent[0] == {"text": "hi"}
    assert sent[1]["inlineData"]["data"].endswith("characters left out")
    assert [(one["attempt"], one["status"]) for one in made["attempts"]] == [(0, 503), (1, None)]
    assert CANARY not in json.dumps(made)
    assert record(finished())["request"] is None
    assert made["capped"] == {}
    ledger.exchanges[-1].body = b"x " * 20_000
    assert record(ledger, 0.1)["capped"]["request"].endswith("of 40,000 characters of the request")


def test_the_request_describes_its_media():
    picture = Blob("image/png", bytes(781_459))
    body, inserts = encode_body({"data": picture, "text": f"sha256:{picture.digest} is a digest"})
    ledger = new_ledger()
    ledger.begin(Exchange("POST", "https://x.test", (), body, media=media_in(inserts)))
    sent = json.loads(record(ledger)["request"]["body"])
    assert sent["data"] == f"[image/png, 781 kB, sha256 {picture.digest[:12]}…]"
    assert sent["text"] == f"sha256:{picture.digest} is a digest"


def test_a_running_answer_has_a_record():
    made = record(feed(new_ledger(), "so far"))
    assert (made["status"], made["text"], len(read_chunks(made))) == ("running", "so far", 1)
    assert record(new_ledger())["count"] == 0


def test_the_example_in_the_documentation_is_correct():
    page = (CHECKOUT / "docs" / "record.md").read_text("utf-8")
    [example] = re.findall(r"```json\n(.*?)```", page, re.DOTALL)
    example_json = re.search(r"these two chunks are `(.*)` and `(.*)`\.", page)
    chunks = read_chunks({"text": "Hello", "thoughts": "", "chunks": example})
    assert [chunk.json for chunk in chunks] == [example_json[1], example_json[2]]
    assert [chunk.size for chunk in chunks] == [len(example_json[1]), len(example_json[2])]
    for name in record(finished()):
        assert f"`{name}`" in page
    for name in json.loads(record(streamed(["a"]))["chunks"]):
        assert f"`{name}`" in page


def test_the_record_has_the_notes_of_the_response():
    odd = Response.load(CHECKOUT / "gemini_magic" / "data" / "odd.jsonl")
    kept = record(odd.ledger)["notes"]
    assert [(note["kind"], note["severity"], note["chunk"], note["offset"]) for note in kept] == [
        (note.kind, note.severity, note.chunk, note.offset) for note in odd.notes
    ]
    assert {"usage-shrank", "duplicate-text", "unknown-field"} <= {note["kind"] for note in kept}
    warnings = AnswerSnapshot(odd.ledger).warnings
    [shrank] = [note for note in odd.notes if note.kind == "usage-shrank"]
    assert f"⚠ {shrank.message}" in warnings
    assert len(warnings) == sum(note.severity != "info" for note in odd.notes)
