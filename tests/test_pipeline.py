"""The pipeline from bytes to the ledger: any cut gives the same ledger; anomalies become notes, refusals failures."""

import json
from itertools import pairwise

import pytest
from byte_cuts import every_cut

import gemini_magic.pipeline as pipeline_module
from gemini_magic.backends import backend
from gemini_magic.errors import WireError
from gemini_magic.ledger.ledger import Exchange, Ledger
from gemini_magic.pipeline import Pipeline

GEMINI = backend("gemini")
BODY = (
    b': ping\n\ndata: {"candidates":[{"content":{"parts":[{"text":"a"}]}}]}\n\n'
    b'data: {"candidates":[{"content":{"parts":[{"text":"b"}]},"finishReason":"STOP"}]}\n\n'
)


def pipeline_of(**options):
    ledger, exchange = Ledger(), Exchange("POST", "http://h/p", (), b"{}")
    ledger.begin(exchange)
    options = {"max_event": 10**6} | options
    return ledger, Pipeline(exchange, ledger, GEMINI, GEMINI.decoder(), **options)


def read(pieces, **options):
    ledger, pipeline = pipeline_of(**options)
    for number, piece in enumerate(pieces):
        pipeline.feed(float(number), piece)
    pipeline.close(float(len(pieces)))
    return ledger, pipeline


def kinds(ledger):
    return [note.kind for note in ledger.notes]


def test_any_cut_of_a_body_gives_the_same_chunks_and_notes():
    whole, pipeline = read([BODY])
    assert pipeline.received_json
    assert pipeline.problem() is None
    assert ("".join(whole.answer), kinds(whole)) == ("ab", ["comment"])
    for pieces in every_cut(BODY):
        ledger, _ = read(pieces)
        assert [chunk.raw for chunk in ledger.raw] == [chunk.raw for chunk in whole.raw]
        assert kinds(ledger) == kinds(whole)


def test_a_chunk_has_the_time_of_the_piece_that_completed_it():
    ledger, _ = read([BODY[:-10], BODY[-10:]])
    assert [chunk.t for chunk in ledger.raw] == [0.0, 1.0]


def test_an_anomaly_that_the_request_asked_for_is_not_noted():
    body = [json.dumps({"candidates": []}).encode()]
    assert kinds(read(body)[0]) == ["json-object"]
    assert kinds(read(body, expected=("json-object",))[0]) == []


def test_a_body_without_json_is_a_problem_and_an_empty_one_is_not():
    ledger, pipeline = read([b"<html>Sign in</html>"])
    assert "Sign in" in pipeline.problem().message
    assert "not-json" in kinds(ledger)
    assert read([])[1].problem() is None


def test_an_event_above_the_limit_is_an_error():
    _, pipeline = pipeline_of(max_event=100)
    with pytest.raises(WireError):
        pipeline.feed(0.0, b'data: {"a": "' + b"x" * 1000)


def test_an_http_error_becomes_the_failure_of_the_ledger():
    ledger, pipeline = pipeline_of()
    body = json.dumps({"error": {"code": 503, "message": "busy", "status": "UNAVAILABLE"}}).encode()
    failure = pipeline.refuse(1.5, 503, body)
    assert (failure.code, failure.message) == (503, "busy")
    assert ledger.failure is failure
    assert not pipeline.received_json


def test_every_change_of_the_ledger_is_made_inside_the_given_context():
    class Writing:
        entered = 0

        def __enter__(self):
            Writing.entered += 1
            before.append(len(ledger.raw))

        def __exit__(self, *error):
            after.append(len(ledger.raw))

    before, after = [], []
    ledger, pipeline = pipeline_of(writing=Writing())
    pipeline.feed(0.0, BODY)
    assert (before, after, Writing.entered) == ([0], [2], 1)
    pipeline.feed(0.0, b"")
    assert Writing.entered == 1


@pytest.mark.parametrize(
    ("unit", "kind"), [(b"x\n{\n", "not-json"), (b"1\n", "not-object"), (b"data: 1\n\n", "not-object")]
)
def test_unreadable_texts_are_noted_a_hundred_times_and_then_counted(unit, kind):
    ledger, _ = read([b"data: {}\n\n" + unit * 1_000])
    count = kinds(ledger).count(kind)
    more = ledger.notes.more.get(kind, 0)
    assert count <= 100
    assert more == 0 or count == 100
    if unit == b"x\n{\n":
        assert count + more >= 1_000
        assert f"… and {more:,} more notes of this kind." in [
            note.message for note in ledger.notes.with_counts()
        ]


def test_small_values_count_as_more_bytes_so_that_a_flood_does_not_fill_the_memory():
    ordinary = (
        b'data: {"candidates":[{"content":{"parts":[{"text":"'
        + b"some words " * 30
        + b'"}]},"index":0}]}\n\n'
    )
    counted = {}
    for name, body in {
        "ordinary": ordinary * 100,
        "empty objects": b"data: {}\n\n" * 1_000,
        "text": b"x\n{\n" * 1_000,
        "parts": b'data: {"candidates":[{"content":{"parts":[' + b"{}," * 999 + b"{}]}}]}\n\n",
        "arguments": b'data: {"candidates":[{"content":{"parts":[{"functionCall":{"name":"f","args":{"a":['
        + b"[]," * 999
        + b"[]]}}}]}}]}\n\n",
    }.items():
        _, pipeline = read([body])
        counted[name] = pipeline.counted / len(body)
    assert counted["ordinary"] < 1
    assert counted["empty objects"] > 25
    assert counted["text"] > 60
    assert counted["parts"] > 30
    assert counted["arguments"] > 30


def test_an_event_of_very_many_values_is_refused_before_it_is_decoded_and_the_events_before_it_are_kept():
    flood = b'data: {"candidates":[{"content":{"parts":[' + b"{}," * 600_000 + b"{}]}}]}\n\n"
    ledger, pipeline = pipeline_of(max_event=10**8)
    with pytest.raises(WireError, match="750,000 values"):
        pipeline.feed(1.0, BODY + flood)
    assert "".join(ledger.answer) == "ab"


def test_commas_and_brackets_in_strings_are_not_values():
    text = "[1, {2, " * 300_000 + r"\\\"[,"
    chunk = json.dumps({"candidates": [{"content": {"parts": [{"text": text}]}}]}).encode()
    ledger, _ = read([b"data: " + chunk + b"\n\n"], max_event=10**8)
    assert "".join(ledger.answer) == text
    assert kinds(ledger) == []


def test_values_are_counted_alike_wherever_the_slices_are_cut(monkeypatch):
    raw = rb'{"a":["\\", "\",[{", {"b\\\"":1}, [2, "c"]]}'
    for size in range(1, len(raw) + 1):
        monkeypatch.setattr(pipeline_module, "_SLICE", size)
        assert pipeline_module._count_values(raw, 100) == 8


def test_an_event_of_very_many_parts_is_refused_and_the_events_before_it_are_kept():
    flood = b'data: {"candidates":[{"content":{"parts":[' + b'{"text":"a"},' * 60_000 + b"{}]}}]}\n\n"
    ledger, pipeline = pipeline_of(max_event=10**8)
    with pytest.raises(WireError, match="50,000 parts"):
        pipeline.feed(1.0, BODY + flood)
    assert "".join(ledger.answer) == "ab"


def test_an_event_whose_values_exceed_the_size_limit_counts_and_is_not_decoded():
    flood = b'data: {"candidates":[{"content":{"parts":[' + b'{"text":"a"},' * 9_000 + b"{}]}}]}\n\n"
    ledger, pipeline = read([BODY, flood], max_event=10**8, max_total=10**6)
    assert pipeline.counted > 10**6
    assert "".join(ledger.answer) == "ab"
    ledger, pipeline = read([BODY, flood], max_event=10**8, max_total=2 * 10**6)
    assert "".join(ledger.answer) == "ab" + "a" * 9_000


def test_reading_ends_within_a_piece_when_the_size_limit_is_reached():
    ledger, pipeline = pipeline_of(max_total=100_000)
    pipeline.feed(0.0, b"data: {}\n\n" * 100_000)
    assert 100_000 < pipeline.counted < 2_000_000
    assert 390 < len(ledger.raw) < 8_000  # the chunks of one slice


def test_a_large_piece_is_added_in_batches_between_which_the_ledger_is_free():
    class Writing:
        def __enter__(self):
            lengths.append(len(ledger.raw))

        def __exit__(self, *error):
            pass

    lengths = []
    event = b'data: {"candidates":[{"content":{"parts":[{"text":"a"}]}}]}\n\n'
    body = event * 10_000
    ledger, exchange = Ledger(), Exchange("POST", "http://h/p", (), b"{}")
    ledger.begin(exchange)
    pipeline = Pipeline(
        exchange, ledger, GEMINI, GEMINI.decoder(), max_event=10**6, writing=Writing(), share=True
    )
    exchange.pieces.append((0.5, body))
    pipeline.feed(0.5, body)
    assert max(after - before for before, after in pairwise(lengths)) <= 1_000
    assert len(ledger.raw) == 10_000
    assert list(exchange.pieces) == [(0.5, body)]
    assert isinstance(exchange.pieces._stored[0], tuple)  # the bytes of the chunks are held once
