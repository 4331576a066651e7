"""JSON that differs from the documentation is read, noted, and safe in text, tables, SQLite, HTML, files and pickles."""

from __future__ import annotations

import copy
import json
import pickle
import sqlite3

import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from calibration import assert_cpu_below
from fake_server import FakeServer, raw
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import gemini_magic
from gemini_magic import Response
from gemini_magic.backends import Endpoint, backend, names
from gemini_magic.content import Call, Opaque, Request, Text, Turn
from gemini_magic.conversation import answer_turn
from gemini_magic.ledger.ledger import Ledger
from gemini_magic.text import json_safe, read_json
from gemini_magic.views import bundle

GEMINI = backend("gemini")
DEEP = b'{"a":' * 10_000 + b"1" + b"}" * 10_000
LIST = b"[" * 10_000 + b"]" * 10_000
DIGITS = b"1" + b"0" * 5_000  # more than Python converts
HALF = "\\ud83d"
OTHER = "\\ude00"


def chunk_of(parts, **more):
    """A chunk with these parts; `more` goes beside them."""
    return {"candidates": [{"content": {"parts": parts, "role": "model"}, "index": 0, **more}]}


def counted(**counts):
    return {**chunk_of([{"text": "a"}]), "usageMetadata": counts}


def at(place, value=b'"a"'):
    """A chunk as bytes with `value` at a place; the text `a` stands beside it."""
    return {
        "args": b'{"candidates":[{"content":{"parts":[{"text":"a"},{"functionCall":{"name":"f","args":%b}}]}}]}',
        "new part": b'{"candidates":[{"content":{"parts":[{"text":"a"},{"newKind":%b}]}}]}',
        "text": b'{"candidates":[{"content":{"parts":[{"text":%b}]}}]}',
        "thought": b'{"candidates":[{"content":{"parts":[{"text":%b,"thought":true}]}}]}',
        "second": b'{"candidates":[{"index":1,"content":{"parts":[{"text":%b}]}}]}',
        "two texts": b'{"candidates":[{"content":{"parts":[{"text":"a"},{"text":%b}]}}]}',
        "elsewhere": b'{"candidates":[{"content":{"parts":[{"text":"a"}]}}],"elsewhere":%b}',
        "grounding": b'{"candidates":[{"content":{"parts":[{"text":"a"}]},"groundingMetadata":%b}]}',
        "finish": b'{"candidates":[{"content":{"parts":[{"text":"a"}]},"finishReason":%b}]}',
        "count": b'{"candidates":[{"content":{"parts":[{"text":"a"}]}}],"usageMetadata":{"promptTokenCount":%b,"totalTokenCount":9}}',
        "error": b'{"error":{"code":500,"message":"m","details":%b}}',
        "message": b'{"error":{"code":500,"message":%b}}',
        "code": b'{"error":{"code":%b,"message":"m"}}',
    }[place] % value


def escaped(text):
    return b'"' + text.encode() + b'"'


UNUSUAL, LOST = "unexpected-shape", "unreadable-shape"
A = chunk_of([{"text": "a"}])

EVERYWHERE = rb"""{"candidates":[{"content":{"parts":[
{"text":"a","thoughtSignature":"s\ud800"},
{"functionCall":{"name":"f\ud800","args":{"k\ud800":"v\ud800"},"id":"i\ud800"}},
{"functionResponse":{"name":"f\ud800","response":{"k\ud800":["v\ud800"]}}},
{"executableCode":{"code":"c\ud800","language":"L\ud800"}},
{"codeExecutionResult":{"outcome":"o\ud800","output":"u\ud800"}},
{"fileData":{"fileUri":"f\ud800"}},{"newKind\ud800":{"x":"\ud800"}},
{"inlineData":{"mimeType":"image/png\ud800","data":"AAAA"}}]},
"finishReason":"ST\ud800","finishMessage":"m\ud800","citationMetadata":{"citations":[{"uri":"u\ud800"}]},
"groundingMetadata":{"x":"\ud800"}}],"modelVersion":"v\ud800","responseId":"r\ud800","provider":"p\ud800"}""".replace(
    b"\n", b""
)

# name: (chunks as values or bytes, the answer's text, the kinds of its notes)
CASES = {
    # -- counts
    "counts as strings": ([counted(promptTokenCount="7", totalTokenCount="10")], "a", [UNUSUAL]),
    "counts as floats": ([counted(promptTokenCount=7.0, totalTokenCount=10.5)], "a", [UNUSUAL]),
    "counts that are not numbers": ([counted(promptTokenCount="many", totalTokenCount=True)], "a", [LOST]),
    "counts as lists": ([counted(promptTokenCount=[1], totalTokenCount={"a": 1})], "a", [LOST]),
    "counts that are null": ([counted(promptTokenCount=None, totalTokenCount=None)], "a", []),
    "counts that are no numbers": ([at("count", b"NaN"), at("count", b"-Infinity")], "aa", [UNUSUAL]),
    "a count of 10^400": ([at("count", b"1" + b"0" * 400)], "a", [LOST]),
    "a count of 10^400 in a string": ([at("count", b'"1' + b"0" * 400 + b'"')], "a", [LOST]),
    "a count with more digits than Python converts": ([at("count", DIGITS)], "a", [LOST]),
    "counts above int64": ([counted(promptTokenCount=2**63, totalTokenCount="9" * 30)], "a", [LOST]),
    "counts at the ends of int64": (
        [counted(promptTokenCount=2**63 - 1, totalTokenCount=0), counted(promptTokenCount=0, totalTokenCount=2**63 - 1)],
        "aa",
        [],
    ),
    "a negative count": ([counted(promptTokenCount=-5, totalTokenCount=-(2**63))], "a", [LOST]),
    "usage as a list": ([{**A, "usageMetadata": [1, 2]}], "a", [LOST]),
    # -- shapes
    "parts that are null": ([chunk_of(None), A], "a", [UNUSUAL]),
    "a part that is null": ([chunk_of([None, {"text": "a"}])], "a", [UNUSUAL]),
    "parts as an object": ([chunk_of({"text": "a"})], "a", [UNUSUAL]),
    "parts as a string": ([chunk_of("a")], "a", [UNUSUAL]),
    "parts as strings": ([chunk_of(["a", "b"])], "ab", [UNUSUAL]),
    "parts of wrong types": ([chunk_of([1, 2.5, True, [], ["x"], {"text": "a"}])], "a", [LOST]),
    "content as a string": ([{"candidates": [{"content": "a"}]}], "a", [UNUSUAL]),
    "content as a list": ([{"candidates": [{"content": [{"text": "a"}]}]}], "a", [UNUSUAL]),
    "content as a number": ([{"candidates": [{"content": 5}]}, A], "a", [LOST]),
    "content that is null": ([{"candidates": [{"content": None}]}, A], "a", []),
    "text as a number": ([chunk_of([{"text": 5}])], "5", [UNUSUAL]),
    "text as a boolean": ([chunk_of([{"text": True}])], "true", [UNUSUAL]),
    "text as a list": ([chunk_of([{"text": ["x"]}, {"text": "a"}])], "a", [LOST]),
    "text as an object": ([chunk_of([{"text": {"value": "x"}}, {"text": "a"}])], "a", [LOST]),
    "text that is a number as a string": ([chunk_of([{"text": "5"}])], "5", []),
    "candidates that are null": ([{"candidates": None}, A], "a", [UNUSUAL]),
    "a candidate that is null": ([{"candidates": [None]}, A], "a", [UNUSUAL]),
    "candidates as an object": ([{"candidates": A["candidates"][0]}], "a", [UNUSUAL]),
    "candidates as a string": ([{"candidates": "a"}], "a", [UNUSUAL]),
    "no candidates": ([{"candidates": []}, A], "a", []),
    "an index as a string": ([{"candidates": [{"index": "0", "content": {"parts": [{"text": "a"}]}}]}], "a", [UNUSUAL]),
    "an index of 2^40": ([{"candidates": [{"index": 2**40, "content": {"parts": [{"text": "a"}]}}]}], "a", [LOST]),
    "an index below 0": ([{"candidates": [{"index": -1, "content": {"parts": [{"text": "a"}]}}]}], "a", [LOST]),
    "two candidates without an index": (
        [{"candidates": [{"content": {"parts": [{"text": "a"}]}}, {"content": {"parts": [{"newKind": 1}, {"text": "b"}]}}]}],
        "a",
        ["candidate-not-complete"],
    ),
    "empty objects": ([{}, A, {}], "a", []),
    "nothing but empty objects": ([{}, {}], "", []),
    "duplicate keys": ([b'{"candidates":[{"content":{"parts":[{"text":"x","text":"a"}]}}]}'], "a", []),
    "a list of one": ([[A]], "a", ["json-array"]),
    "a list of two": ([[A, A]], "aa", ["json-array"]),
    "a list in a list": ([[[A]]], "a", ["json-array"]),
    "an empty list": ([[], A], "a", ["json-array", "not-object"]),
    "values that are no objects": (["hello", 5, True, None, A], "a", ["not-object"] * 4),
    "a reason in a list": ([chunk_of([{"text": "a"}], finishReason=["STOP"])], "a", [LOST]),
    "a reason that is a float": ([chunk_of([{"text": "a"}], finishReason=1.0)], "a", [UNUSUAL]),
    "a reason of 10^400": ([at("finish", b"1" + b"0" * 400)], "a", ["unknown-finish-reason"]),
    "a reason with more digits than Python converts": ([at("finish", DIGITS)], "a", [UNUSUAL, "unknown-finish-reason"]),
    "a message that is an object": ([chunk_of([{"text": "a"}], finishReason="STOP", finishMessage={})], "a", [LOST]),
    "names that are numbers": ([{**A, "modelVersion": 5, "responseId": 6}], "a", [UNUSUAL]),
    "feedback as a string": ([{**A, "promptFeedback": "x"}], "a", [LOST]),
    "a block reason in a list": ([{"promptFeedback": {"blockReason": ["SAFETY"]}}, A], "a", [LOST]),
    "evidence of wrong types": (
        [chunk_of([{"text": "a"}], groundingMetadata="x", citationMetadata=[1], urlContextMetadata=5)],
        "a",
        [],
    ),
    "citations of wrong types": (
        [chunk_of([{"text": "a"}], citationMetadata={"citations": {"uri": 1}, "citationSources": [None, 5, {"startIndex": 10**30, "uri": []}]})],
        "a",
        [],
    ),
    "extras of any kind": (
        [{**A, "provider": [{}], "createTime": 5, "serviceTier": None, "modelStatus": "x"}],
        "a",
        [],
    ),
    "signatures of wrong types": ([chunk_of([{"text": "a", "thoughtSignature": {"x": 1}}])], "a", [LOST]),
    "calls of wrong types": (
        [chunk_of([{"text": "a"}, *[{"functionCall": call} for call in ("f", [], {"name": 5, "args": "x"}, {"args": [1]}, None, {}, {"id": 7})]])],
        "a",
        [LOST],
    ),
    "arguments in a string": ([chunk_of([{"text": "a"}, {"functionCall": {"name": "f", "args": '{"x": 1}'}}])], "a", [UNUSUAL]),
    "results and code of wrong types": (
        [chunk_of([{"text": "a"}, {"functionResponse": {"name": None, "response": "x"}}, {"functionResponse": 5}, {"executableCode": "1"}, {"executableCode": {"code": 5}}, {"codeExecutionResult": []}])],
        "a",
        [LOST],
    ),
    "media of wrong types": (
        [chunk_of([{"text": "a"}, *[{"inlineData": data} for data in ("x", {"data": 5}, {"data": "!!!!"}, {"mimeType": None, "data": None}, {"data": "\u00e9"})], {"fileData": []}])],
        "a",
        [LOST, LOST],
    ),
    "an empty part": ([chunk_of([{}, {"text": "a"}, {}])], "a", []),
    # -- numbers and nesting
    "NaN and infinities": (
        [at("elsewhere", b"[NaN,Infinity,-Infinity]"), at("args", b'{"x":NaN,"y":[Infinity]}')],
        "aa",
        [UNUSUAL],
    ),
    "a float without end": ([at("args", b'{"x":1e999}')], "a", [UNUSUAL]),
    "a huge number elsewhere": ([at("elsewhere", DIGITS)], "a", []),
    "a huge number in arguments": ([at("args", b'{"x":%b}' % DIGITS)], "a", [UNUSUAL]),
    "a huge number in a new part": ([at("new part", DIGITS)], "a", []),
    "10^400 in arguments": ([at("args", b'{"x":1%b}' % (b"0" * 400))], "a", []),
    **{f"depth in {place}": ([at(place, DEEP)], "a", [UNUSUAL]) for place in ("args", "new part", "elsewhere", "grounding")},
    "depth of lists": ([at("elsewhere", LIST)], "a", [UNUSUAL]),
    "depth in a text": ([at("two texts", DEEP)], "a", [LOST]),
    "depth alone": ([DEEP, A], "a", [UNUSUAL]),
    "depth that is not closed": ([b"[" * 10_000, A], "a", ["json-array", "not-json"]),
    "900 levels": ([at("args", DEEP[:4500] + b"1" + b"}" * 900)], "a", []),
    # -- text
    "bytes that are not UTF-8": ([at("text", b'"a\xff\xfeb"')], "a\ufffd\ufffdb", ["invalid-utf8"]),
    "a character cut in two by its quote": ([at("text", b'"a\xe4\xbd"')], "a\ufffd", ["invalid-utf8"]),
    "surrogates in UTF-8": ([at("text", b'"\xed\xa0\xbd"')], "\ufffd" * 3, ["invalid-utf8"]),
    "a lone first half": ([at("text", escaped(f"a{HALF}z"))], "a\ufffdz", [UNUSUAL]),
    "a lone second half": ([at("text", escaped(f"a{OTHER}z"))], "a\ufffdz", [UNUSUAL]),
    "a first half at the end": ([at("text", escaped(f"a{HALF}"))], "a\ufffd", [UNUSUAL]),
    "a pair cut between chunks": (
        [at("text", escaped(f"a{HALF}")), at("text", escaped(f"{OTHER}z"))],
        "a\U0001f600z",
        [UNUSUAL],
    ),
    "a pair cut between thoughts": ([at("thought", escaped(HALF)), at("thought", escaped(OTHER)), A], "a", [UNUSUAL]),
    "a pair cut in the second candidate": ([at("second", escaped(HALF)), at("second", escaped(OTHER)), A], "a",
        [UNUSUAL, "candidate-not-complete"]),
    "halves everywhere": ([EVERYWHERE], "a", [UNUSUAL, "unknown-finish-reason"]),
    "control characters and markup": ([chunk_of([{"text": "a\x00\x1b[31m\u202e\ufeff\uffff</script>"}])], "a\x00\x1b[31m\u202e\ufeff\uffff</script>", []),
    # -- errors
    "an error that is a string": ([{"error": "it broke"}], "", []),
    "an error that is a number": ([{"error": 42}], "", []),
    "an error that is a list": ([{"error": ["it broke"]}], "", []),
    "an error that says nothing": ([{**A, "error": {}}, {"error": None}, {"error": False}], "a", []),
    "an error in a list": ([[{"error": {"code": 400, "message": "no"}}]], "", ["json-array"]),
    "an error with fields of wrong types": ([{"error": {"code": "x", "message": {"y": 1}, "status": [1], "details": {"z": 1}}}], "", []),
    **{f"an error's code {code!r:.12}": ([at("code", code.encode())], "", []) for code in ("503.0", '"503"', '"²"', '"٥٠٣"', "1" + "0" * 400, "1" + "0" * 5_000, "true")},
    "an error's code that is no number": ([at("code", b"NaN")], "", [UNUSUAL]),
    "an error with halves": ([rb'{"error":{"code":500,"message":"m\ud800","status":"S\ud800","details":[{"reason":"R\ud800"}]}}'], "", [UNUSUAL]),
    "an error nested without end": ([at("error", LIST)], "", [UNUSUAL]),
    "a message nested without end": ([at("message", DEEP)], "", [UNUSUAL]),
    "a wait without end": ([at("message", b'"Please retry in %bs"' % (b"9" * 400))], "", []),
    "a delay without end": ([at("error", b'[{"retryDelay":"%bs"}]' % (b"9" * 400))], "", []),
    "a blocked prompt with halves": ([rb'{"promptFeedback":{"blockReason":"B\ud800","blockReasonMessage":"m\ud800"}}'], "", [UNUSUAL]),
}  # fmt: skip


@pytest.fixture(scope="module")
def answers():
    """Every case as a response, over a real socket."""
    found = {}
    with FakeServer() as server:
        for name, (chunks, _, _) in CASES.items():
            texts = [one if isinstance(one, bytes) else json.dumps(one).encode() for one in chunks]
            server.script(*[raw(b"data: " + text + b"\r\n\r\n") for text in texts])
            found[name] = gemini_magic.ask("hi", model="m", base_url=server.base_url, retries=0)
    return found


@pytest.fixture(params=CASES)
def case(request, answers):
    return answers[request.param], *CASES[request.param][1:]


def test_unusual_json_is_read_and_noted(case):
    r, text, notes = case
    assert r.text == text
    assert [note.kind for note in r.ledger.notes] == notes
    assert all(len(note.message) < 300 for note in r.notes)
    assert r.status in ("complete", "truncated", "blocked", "error")
    if r.status == "error":  # an error of the server, not of this package
        assert type(r.error).__name__ == "ServiceError"
        assert len(str(r.error).splitlines()) <= 3


def test_unusual_json_is_safe_to_display(case):
    r, *_ = case
    shown = [repr(r), str(r), r.thoughts, repr(r.candidates), str(r.error), r.finish_reason, r.block_reason]
    shown += [r.model_version, r.response_id, r.finish_message, *[note.message for note in r.notes]]
    shown += [candidate.text for candidate in r.candidates]
    for value in (
        r.parts,
        r.calls,
        r.images,
        r.citations,
        r.grounding,
        r.extras,
        r.usage,
        r.timing,
        r.events,
    ):
        shown.append(repr(value))
    for one in shown:
        (one or "").encode()
    assert len(r.raw) == len(r.raw_chunks)
    repr(r.raw)


def test_unusual_json_is_safe_in_tables_and_sqlite(case):
    r, *_ = case
    for table in (r.chunks, r.events, r.usage_history):
        heights = [
            pa.table(table).num_rows,
            pl.DataFrame(table).height,
            len(table.to_pandas()),
            len(pd.DataFrame(table)),
        ]
        assert heights == [len(table)] * 4
        table._repr_html_().encode()
        json.dumps(table.to_dicts(), allow_nan=False).encode()
        with sqlite3.connect(":memory:") as database:
            database.execute("create table t (value)")
            database.executemany("insert into t values (?)", [(value,) for row in table for value in row])
        database.close()
    for row in r.events:
        json.loads(row.json)


def test_unusual_json_is_safe_in_a_saved_notebook(case):
    r, *_ = case
    made = bundle(r.ledger)
    assert json.loads(json.dumps(made, ensure_ascii=False, allow_nan=False).encode()) == made
    assert "</script>" not in made["text/html"]


def test_unusual_json_survives_files_and_pickles(case, tmp_path):
    r, *_ = case
    again = [pickle.loads(pickle.dumps(r)), copy.deepcopy(r)]
    for suffix in ("jsonl", "sse", "httprr"):
        again.append(Response.load(r.save(tmp_path / f"odd.{suffix}")))
    for other in again:
        assert (other.text, other.status, other.usage) == (r.text, r.status, r.usage)
        assert [chunk.raw for chunk in other.raw_chunks] == [chunk.raw for chunk in r.raw_chunks]
        # files without arrival times have a note about that
        # ... and they do not contain the request
        kinds, own = (
            sorted(note.kind for note in each.notes if note.kind not in ("recording-lacks", "other-model"))
            for each in (other, r)
        )
        assert kinds == own


def test_a_conversation_continues_after_unusual_json(case):
    r, *_ = case
    answer = answer_turn(r.ledger.parts.get(0, ()))
    question = Turn("user", (Text("and?"),))
    turns = (question, answer, question) if answer else (question,)
    sent = GEMINI.encode(Request(model="m", turns=turns), Endpoint("http://127.0.0.1:9"))
    json.loads(sent.body)


def test_the_values_read_from_unusual_json(answers):
    assert answers["counts as strings"].usage[::5] == (7, 10)
    assert answers["counts as floats"].usage[::5] == (7, 10)
    assert answers["counts above int64"].usage == (None,) * 6
    assert answers["a count of 10^400"].usage.total == 9
    assert answers["counts at the ends of int64"].usage_history[1].prompt_delta == 1 - 2**63
    assert answers["arguments in a string"].calls == [Call("f", {"x": 1})]
    assert answers["an index of 2^40"].candidates[0].text == "a"
    assert answers["two candidates without an index"].parts == (Text("a"),)
    assert answers["two candidates without an index"].candidates[1].parts == (
        Opaque({"newKind": 1}),
        Text("b"),
    )
    assert answers["a pair cut between thoughts"].thoughts == "\U0001f600"
    assert answers["a pair cut in the second candidate"].candidates[1].text == "\U0001f600"
    assert answers["a pair cut between chunks"].parts == (Text("a\U0001f600z"),)
    assert answers["NaN and infinities"].calls[0].args == {"x": None, "y": [None]}
    assert answers["a huge number in arguments"].calls[0].args == {"x": DIGITS.decode()}
    assert answers["10^400 in arguments"].calls[0].args == {"x": 10**400}
    assert str(answers["depth in args"].calls[0].args).startswith("{'a': {'a': {'a'")
    assert answers["signatures of wrong types"].parts == (Text("a"),)
    assert answers["a reason that is a float"].finish_reason == "STOP"
    assert len(answers["a reason of 10^400"].finish_reason) == 100
    assert answers["names that are numbers"].model_version == "5"
    assert "promptTokenCount" in answers["counts above int64"].notes[0].message
    assert answers["halves everywhere"].calls[0].id == "i\ufffd"
    codes = {name.split(" ")[-1]: r.error.code for name, r in answers.items() if "error's code '" in name}
    assert set(codes.values()) == {503, None}
    assert answers["a wait without end"].error.retry_after > 10**6


def test_a_value_that_is_nested_too_deeply_is_replaced_by_its_text():
    value = read_json(b'{"top":[1,%b,"]"]}' % DEEP)
    assert value["top"][::2] == [1, "]"]
    inner = value["top"][1]
    while isinstance(inner, dict):
        inner = inner["a"]
    assert inner == (b'{"a":' * inner.count(":") + b"1" + b"}" * inner.count(":")).decode()
    assert read_json(b'{"a":{"b":["[{\\"",{}]}}', max_depth=2) == {"a": {"b": '["[{\\"",{}]'}}
    assert json_safe(read_json(rb'{"\ud800":[NaN,"\ud83d\ude00"]}')) == {"\ufffd": [None, "\U0001f600"]}
    for broken in (b"", b"{", b"[" * 5_000, b"]" * 5_000, b'{"a":' * 5_000, b"\xff", b'["' + b'\\"' * 50_000):
        with pytest.raises(ValueError):
            read_json(broken)


@pytest.mark.parametrize(
    "piece", [b"<script ", b"<style>", b"<", b"</script", b"<head", b"&amp", b"retry in 1."]
)
def test_an_endless_error_page_takes_linear_time(piece):
    page = b"<html>" + piece * (2**20 // len(piece))
    assert_cpu_below(
        lambda: GEMINI.failure(503, page), 2
    )  # a search to the end of the page for each tag takes minutes


def test_an_error_page_with_an_unclosed_head_still_shows_its_text():
    page = b"<html><head><title>x</title><body><h1>Down</h1><script>x</script> for tea <b"
    assert GEMINI.failure(503, page).message == "Down for tea <b"


ANY = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters()) | st.sampled_from(["", "STOP", "5", "-1", "1e9"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=6,
)  # fmt: skip
KEYS = st.sampled_from(
    ["candidates", "content", "parts", "text", "thought", "index", "finishReason", "finishMessage", "usageMetadata",
     "promptTokenCount", "totalTokenCount", "promptFeedback", "blockReason", "error", "code", "message", "details",
     "functionCall", "name", "args", "inlineData", "data", "mimeType", "executableCode", "thoughtSignature",
     "groundingMetadata", "modelVersion", "provider", "type", "content", "output", "usage", "input_tokens", "cost",
     "final", "is_final", "done", "warnings", "detail", "mime_type"]
)  # fmt: skip
SHAPES = st.recursive(
    ANY, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=4), max_leaves=20
)


@settings(
    max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)
@given(st.sampled_from(names()), st.lists(SHAPES.filter(lambda value: isinstance(value, dict)) | SHAPES.map(lambda value: {"candidates": value})
                | SHAPES.map(lambda value: {"candidates": [{"content": {"parts": value}}]})
                | SHAPES.map(lambda value: {"error": value}), max_size=3))  # fmt: skip
def test_random_json_never_raises(dialect, values):
    ledger, decode = Ledger(backend=dialect), backend(dialect).decoder()
    for value in values:
        text = json.dumps(value).encode()
        ledger.add(text, 0.0, decode(text))
    ledger.close("end", t=0.0)
    r = Response(ledger)
    r.text.encode()
    repr(r).encode()
    for table in (r.chunks, r.events, r.usage_history):
        pa.table(table)
    json.dumps(bundle(ledger), ensure_ascii=False, allow_nan=False).encode()
