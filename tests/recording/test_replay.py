"""Replaying a recording: which exchange answers a request, and at which pace."""

import json
import time

import pytest
from calibration import assert_soon
from client_stage import finished, kinds, start, text
from fake_server import finish, google_error, status
from fake_server import text as say
from recording_stage import GEMINI, NOWHERE, SEPARATORS, chunks, record_many, times

from gemini_magic.errors import RecordingError
from gemini_magic.ledger.ledger import Exchange, Ledger
from gemini_magic.recording import Recorder, Replay, load_exchanges, read_recording, write_recording


@pytest.mark.parametrize("speed", [1.0, 4.0])
def test_replaying_gives_the_same_chunks_at_the_same_pace(recorded, speed):
    path, before = recorded
    began = time.perf_counter()
    ledger = finished(start(NOWHERE, "hello", replay=Replay(path, speed=speed)))
    took = time.perf_counter() - began
    assert (ledger.source, ledger.status) == ("recording", "complete")
    assert chunks(ledger) == chunks(before)
    assert times(ledger) == pytest.approx(times(before), abs=1e-5)  # the recorded times, whatever the speed
    assert text(ledger) == text(before) == "Hello 😀" + SEPARATORS
    assert took >= times(before)[-1] / speed - 0.01  # never faster; slower only as far as the machine is busy
    assert_soon(took, times(before)[-1] / speed + 1.0)
    assert ledger.marks["total"] == pytest.approx(times(before)[-1], abs=0.01)
    assert kinds(ledger) == kinds(before)


def test_speed_0_replays_without_waiting(recorded):
    path, before = recorded
    began = time.perf_counter()
    ledger = finished(start(NOWHERE, "hello", replay=Replay(path, speed=0)))
    assert_soon(time.perf_counter() - began, max(0.05, times(before)[-1] / 2))
    assert chunks(ledger) == chunks(before)


def test_a_replay_can_be_cancelled(recorded):
    path, _ = recorded
    stream = start(NOWHERE, "hello", replay=Replay(path, speed=0.01))
    time.sleep(0.02)
    began = time.perf_counter()
    stream.cancel()
    assert_soon(time.perf_counter() - began, 0.1)
    assert stream.ledger.status == "interrupted"


def test_the_error_for_an_unknown_request_shows_how_the_most_similar_one_differs(recorded):
    path, _ = recorded
    ledger = finished(start(NOWHERE, "hullo", replay=Replay(path)))
    assert ledger.status == "error"
    assert isinstance(ledger.error, RecordingError)
    assert 'the most similar recorded prompt is "hello"' in ledger.error.message
    assert len(str(ledger.error).splitlines()) <= 3
    other = finished(start(NOWHERE, "hello", model="other", replay=Replay(path)))
    assert "models/m:" in other.error.message
    assert "models/other:" in other.error.message


def test_a_request_is_matched_independent_of_its_json_layout_and_its_key(tmp_path):
    path = tmp_path / "hand.jsonl"
    body = json.dumps({"contents": [{"parts": [{"text": "hi"}], "role": "user"}]}, indent=1)
    exchange = Exchange(
        "POST",
        "https://elsewhere/v1beta/models/m:streamGenerateContent?key=k&alt=sse",
        (),
        body.encode(),
    )
    exchange.status, exchange.end = 200, "eof"
    exchange.pieces = [
        (0.0, b'data: {"candidates":[{"content":{"parts":[{"text":"yes"}]},"finishReason":"STOP"}]}\n\n')
    ]
    write_recording(path, [exchange])
    assert text(finished(start(NOWHERE, "hi", replay=Replay(path)))) == "yes"


def test_a_repeated_request_gets_its_answers_in_order_and_then_the_last_one_again(fake_server, tmp_path):
    path = tmp_path / "two.jsonl"
    record_many(fake_server, path, "first", "second")
    texts = [text(finished(start(NOWHERE, "hi", replay=Replay(path, speed=0)))) for _ in range(3)]
    assert texts == ["first", "second", "second"]


def test_any_order_plays_the_answers_of_the_file_and_then_raises_an_error(fake_server, tmp_path):
    path = tmp_path / "any.jsonl"
    record_many(fake_server, path, "first", "second")
    ledgers = [
        finished(start(NOWHERE, f"other {n}", replay=Replay(path, any_order=True, speed=0))) for n in range(3)
    ]
    assert [text(ledger) for ledger in ledgers] == ["first", "second", ""]
    assert isinstance(ledgers[2].error, RecordingError)
    assert "2 answers" in ledgers[2].error.message


def test_attempts_are_recorded_replayed_and_loaded(fake_server, tmp_path):
    path = tmp_path / "tries.jsonl"
    retry = {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "0.05s"}
    fake_server.script(status(429, body=google_error(429, "Slow.", "RESOURCE_EXHAUSTED", retry)))
    fake_server.script(say("ok"), finish())
    before = finished(start(fake_server, recorders=[Recorder(path)]))
    assert [(one.attempt, one.status, one.end) for one in read_recording(path)] == [
        (0, 429, "eof"),
        (1, 200, "eof"),
    ]
    replayed = finished(start(NOWHERE, replay=Replay(path, speed=0)))
    loaded = Ledger()
    load_exchanges(read_recording(path), GEMINI, loaded)
    for ledger in (replayed, loaded):
        assert (ledger.status, text(ledger), ledger.attempt) == ("complete", "ok", 1)
        assert chunks(ledger) == chunks(before)
        assert len(ledger.exchanges) == 2
