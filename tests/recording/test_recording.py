"""Recording and replaying: the same chunks in the same order at the same pace, and files that survive a kill."""

import gzip
import json
import threading
import time
from pathlib import Path

import pytest
from client_stage import CANARY, canary, finished, kinds, request, start, text, until
from fake_server import finish, gate, google_error, pause, raw, stall, status
from fake_server import text as say

from gemini_magic.backends import backend
from gemini_magic.errors import ConnectionFailed, RecordingError
from gemini_magic.ledger.ledger import Exchange, Ledger
from gemini_magic.recording import Recorder, Replay, load_exchanges, read_recording, write_recording

GEMINI = backend("gemini")
NOWHERE = "http://127.0.0.1:9"
SEPARATORS = "a\u2028b\u2029c\u0085d\x0be"


def chunks(ledger):
    return [(chunk.raw, chunk.attempt) for chunk in ledger.raw]


def times(ledger):
    return [chunk.t for chunk in ledger.raw]


def lines(path):
    return [json.loads(line) for line in path.read_bytes().split(b"\n") if line]


@pytest.fixture
def recorded(fake_server, tmp_path):
    """A recording of one paced answer, and the ledger it came from."""
    path = tmp_path / "one.jsonl"
    fake_server.script(
        say("Hel"), pause(0.06), say("lo 😀"), pause(0.06), say(SEPARATORS), raw(b": \xff\n\n"), finish()
    )
    ledger = finished(start(fake_server, "hello", recorders=[Recorder(path)], key=canary()))
    return path, ledger


def test_the_file_is_what_the_format_says_and_complete_when_the_stream_is_over(recorded):
    path, ledger = recorded
    first, head, *pieces, end = lines(path)
    assert (first["v"], first["exchange"]) == (1, 0)
    assert set(first["request"]) == {"method", "url", "headers", "body"}
    assert json.loads(first["request"]["body"])["contents"][0]["parts"] == [{"text": "hello"}]
    assert (head["status"], head["headers"]["content-type"]) == (200, "text/event-stream")
    assert [line["t"] for line in pieces] == sorted(line["t"] for line in pieces)
    assert any("b64" in line for line in pieces)
    assert end == {"exchange": 0, "end": "eof"}
    kept = read_recording(path)[0]
    assert b"".join(piece for _, piece in kept.pieces) == b"".join(
        piece for _, piece in ledger.exchanges[0].pieces
    )


def test_a_key_is_in_no_file(recorded, tmp_path):
    path, ledger = recorded
    for name in ("again.jsonl", "trace.httprr"):
        write_recording(tmp_path / name, ledger.exchanges)
        assert CANARY.encode() not in (tmp_path / name).read_bytes()
    assert CANARY.encode() not in path.read_bytes()


def test_cookies_and_credentials_stay_out(tmp_path):
    headers = (
        ("X-Goog-Api-Key", CANARY),
        ("Authorization", CANARY),
        ("Cookie", CANARY),
        ("X-Session-Token", CANARY),
        ("Accept", "*/*"),
    )
    exchange = Exchange("POST", f"https://u:{CANARY}@h/p?key={CANARY}&alt=sse", headers, b"{}")
    exchange.status = 200
    exchange.response_headers = (("Set-Cookie", CANARY), ("Content-Type", "x/y"))
    exchange.pieces, exchange.end = [(0.0, b"data: {}\n\n")], "eof"
    for name in ("a.jsonl", "a.httprr"):
        write_recording(tmp_path / name, [exchange])
        assert CANARY.encode() not in (tmp_path / name).read_bytes()
    assert read_recording(tmp_path / "a.jsonl")[0].url == "https://h/p?key=redacted&alt=sse"


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
    assert took < times(before)[-1] / speed + 1.0
    assert ledger.marks["total"] == pytest.approx(times(before)[-1], abs=0.01)
    assert kinds(ledger) == kinds(before)


def test_replaying_without_waiting(recorded):
    path, before = recorded
    began = time.perf_counter()
    ledger = finished(start(NOWHERE, "hello", replay=Replay(path, speed=0)))
    assert time.perf_counter() - began < max(0.05, times(before)[-1] / 2)
    assert chunks(ledger) == chunks(before)


def test_replaying_can_be_stopped(recorded):
    path, _ = recorded
    stream = start(NOWHERE, "hello", replay=Replay(path, speed=0.01))
    time.sleep(0.02)
    began = time.perf_counter()
    stream.cancel()
    assert time.perf_counter() - began < 0.1
    assert stream.ledger.status == "interrupted"


def test_loading_gives_the_same_ledger_without_a_stream(recorded):
    path, before = recorded
    ledger = Ledger()
    load_exchanges(read_recording(path), GEMINI, ledger)
    assert (ledger.status, text(ledger), chunks(ledger)) == ("complete", text(before), chunks(before))
    assert kinds(ledger) == kinds(before)
    assert ledger.marks["first_text"] == pytest.approx(before.marks["first_text"], abs=1e-5)


def test_a_miss_shows_how_the_nearest_request_differs(recorded):
    path, _ = recorded
    ledger = finished(start(NOWHERE, "hullo", replay=Replay(path)))
    assert ledger.status == "error"
    assert isinstance(ledger.error, RecordingError)
    assert 'the most similar recorded prompt is "hello"' in ledger.error.message
    assert len(str(ledger.error).splitlines()) <= 3
    other = finished(start(NOWHERE, "hello", model="other", replay=Replay(path)))
    assert "models/m:" in other.error.message
    assert "models/other:" in other.error.message


def test_a_request_is_matched_whatever_the_order_of_its_json_and_its_key(tmp_path):
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


def record_many(server, path, *answers, prompt="hi"):
    for answer in answers:
        server.script(say(answer), finish())
        finished(start(server, prompt, recorders=[Recorder(path)]))


def test_the_same_request_gets_its_answers_in_turn_and_then_the_last_again(fake_server, tmp_path):
    path = tmp_path / "two.jsonl"
    record_many(fake_server, path, "first", "second")
    heard = [text(finished(start(NOWHERE, "hi", replay=Replay(path, speed=0)))) for _ in range(3)]
    assert heard == ["first", "second", "second"]


def test_any_request_gets_the_answers_in_order_and_then_a_clear_error(fake_server, tmp_path):
    path = tmp_path / "any.jsonl"
    record_many(fake_server, path, "first", "second")
    heard = [
        finished(start(NOWHERE, f"other {n}", replay=Replay(path, any_order=True, speed=0))) for n in range(3)
    ]
    assert [text(ledger) for ledger in heard] == ["first", "second", ""]
    assert isinstance(heard[2].error, RecordingError)
    assert "2 answers" in heard[2].error.message


def test_tries_are_recorded_replayed_and_loaded(fake_server, tmp_path):
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


@pytest.mark.parametrize(
    ("steps", "options", "ending"),
    [
        ([say("half"), stall()], {"stall_timeout": 0.05}, "stalled"),
        ([say("half"), stall()], {"timeout": 0.1}, "stalled"),
        ([status(404, body=google_error(404, "No such model.", "NOT_FOUND"))], {}, "error"),
        ([raw(b"<html>Sign in</html>")], {}, "error"),
        ([say("half"), raw(json.dumps(google_error(499, "Gone.", "CANCELLED")).encode())], {}, "error"),
        ([say("half", finish="SAFETY")], {}, "blocked"),
    ],
)
def test_every_ending_is_the_same_when_replayed_and_when_loaded(
    fake_server, tmp_path, steps, options, ending
):
    path = tmp_path / "ending.jsonl"
    fake_server.script(*steps)
    before = finished(start(fake_server, recorders=[Recorder(path)], **options))
    replayed = finished(start(NOWHERE, replay=Replay(path, speed=0)))
    loaded = Ledger()
    load_exchanges(read_recording(path), GEMINI, loaded)
    assert [one.status for one in (before, replayed, loaded)] == [ending] * 3
    assert [type(one.error) for one in (replayed, loaded)] == [type(before.error)] * 2
    assert text(replayed) == text(loaded) == text(before)


def test_a_server_that_was_not_there_is_a_recording_too(tmp_path):
    path = tmp_path / "gone.jsonl"
    finished(start(NOWHERE, recorders=[Recorder(path)], retries=0))
    for ledger in (finished(start(NOWHERE, replay=Replay(path, speed=0), retries=0)), Ledger()):
        if ledger.status == "running":
            load_exchanges(read_recording(path), GEMINI, ledger)
        assert ledger.status == "error"
        assert isinstance(ledger.error, ConnectionFailed)


def test_a_stopped_stream_leaves_a_recording_that_says_so(fake_server, tmp_path):
    path = tmp_path / "stopped.jsonl"
    fake_server.script(say("half"), stall())
    stream = start(fake_server, recorders=[Recorder(path)])
    until(lambda: text(stream.ledger))
    stream.cancel()
    until(lambda: lines(path)[-1].get("end") == "cancelled")
    loaded = Ledger()
    load_exchanges(read_recording(path), GEMINI, loaded)
    assert (loaded.status, text(loaded)) == ("interrupted", "half")


def test_a_writer_killed_in_mid_line_costs_that_line_only(recorded):
    path, before = recorded
    *_, last, _ = path.read_bytes().splitlines(keepends=True)
    whole = path.read_bytes()
    path.write_bytes(whole[: whole.index(last) + 20])
    exchange = read_recording(path)[0]
    assert exchange.end is None
    written = [piece for _, piece in before.exchanges[0].pieces]
    assert [piece for _, piece in exchange.pieces] == written[:-1]
    loaded = Ledger()
    load_exchanges([exchange], GEMINI, loaded)
    assert "recording-lacks" in kinds(loaded)


def test_recording_goes_on_behind_a_line_that_a_kill_has_cut(recorded, fake_server):
    path, _ = recorded
    path.write_bytes(path.read_bytes()[:-9])
    record_many(fake_server, path, "next")
    first, second = read_recording(path)
    assert first.missing
    assert b"next" in second.pieces[0][1]
    assert [line["exchange"] for line in lines_that_parse(path) if "request" in line] == [0, 1]


def lines_that_parse(path):
    found = []
    for line in path.read_bytes().split(b"\n"):
        try:
            found.append(json.loads(line))
        except ValueError:
            continue
    return found


def test_streams_that_write_to_one_file_at_once(fake_server, tmp_path):
    path = tmp_path / "many.jsonl"
    fake_server.model("m", say("one "), gate("go"), say("two"), finish())
    streams = [start(fake_server, f"prompt {n}", recorders=[Recorder(path)]) for n in range(8)]
    fake_server.wait_for_requests(8)
    fake_server.open("go")
    for stream in streams:
        finished(stream)
    exchanges = read_recording(path)
    assert len(exchanges) == 8
    assert all(one.end == "eof" and b"two" in b"".join(p for _, p in one.pieces) for one in exchanges)
    assert len({one.body for one in exchanges}) == 8


def test_a_file_begun_anew(fake_server, tmp_path):
    path = tmp_path / "new.jsonl"
    record_many(fake_server, path, "old")
    fake_server.script(say("new"), finish())
    finished(start(fake_server, recorders=[Recorder(path, append=False)]))
    assert [line["exchange"] for line in lines(path) if "request" in line] == [0]
    assert b"old" not in path.read_bytes()


def test_a_file_that_cannot_be_written_does_not_stop_the_stream(fake_server, tmp_path):
    (tmp_path / "file").write_text("")
    fake_server.script(say("ok"), finish())
    ledger = finished(start(fake_server, recorders=[Recorder(tmp_path / "file" / "x.jsonl")]))
    assert (ledger.status, text(ledger)) == ("complete", "ok")
    assert kinds(ledger).count("not-recorded") == 1


def test_a_full_disk_does_not_stop_the_stream(fake_server):
    fake_server.script(say("ok"), finish())
    ledger = finished(start(fake_server, recorders=[Recorder(Path("/dev/full"))]))
    assert (ledger.status, text(ledger)) == ("complete", "ok")
    assert kinds(ledger).count("not-recorded") == 1


# ----------------------------------------------------------------------------------------- other formats


def test_an_httprr_trace_both_ways(recorded, tmp_path):
    path, before = recorded
    trace = tmp_path / "one.httprr"
    write_recording(trace, read_recording(path))
    assert trace.read_bytes().startswith(b"httprr trace v1\n")
    packed = tmp_path / "one.httprr.gz"
    packed.write_bytes(gzip.compress(trace.read_bytes()))
    for file in (trace, packed):
        ledger = finished(start(NOWHERE, "hello", replay=Replay(file)))
        assert (ledger.status, chunks(ledger)) == ("complete", chunks(before))
        assert set(times(ledger)) == {0.0}
        assert "recording-lacks" in kinds(ledger)


def test_a_bare_body_both_ways(recorded, tmp_path):
    path, before = recorded
    body = tmp_path / "one.sse"
    write_recording(body, read_recording(path))
    assert body.read_bytes() == b"".join(piece for _, piece in before.exchanges[0].pieces)
    ledger = finished(start(NOWHERE, "whatever", replay=Replay(body)))
    assert (ledger.status, chunks(ledger)) == ("complete", chunks(before))
    assert "recording-lacks" in kinds(ledger)


@pytest.mark.parametrize(
    ("name", "data", "words"),
    [
        ("no.jsonl", None, "cannot be read"),
        ("empty.jsonl", b"", "no exchange"),
        ("poem.jsonl", b"Shall I compare thee\n", "not a recording: line 1 is not valid"),
        ("list.jsonl", b"[1, 2]\n", "not a recording: line 1 is not valid"),
        ("later.jsonl", b'{"v":2,"exchange":0,"request":{}}\n', "version 2"),
        ("bad.httprr", b"not a trace", "httprr"),
        ("none.httprr", b"httprr trace v1\n", "no exchange"),
        ("bad.httprr.gz", b"not gzip", "gzip"),
    ],
)
def test_files_that_are_no_recordings(tmp_path, name, data, words):
    path = tmp_path / name
    if data is not None:
        path.write_bytes(data)
    with pytest.raises(RecordingError, match=words):
        Replay(path)


def test_what_cannot_be_written(tmp_path):
    exchange = Exchange("POST", "http://h/p", (), b"{}")
    for name, exchanges in (
        ("a.txt", [exchange]),
        ("a.jsonl", []),
        ("a.httprr", [exchange]),
        ("a.sse", [exchange]),
    ):
        with pytest.raises(RecordingError):
            write_recording(tmp_path / name, exchanges)
        assert not (tmp_path / name).exists()


def test_echo_streams_like_everything_else(tmp_path):
    path = tmp_path / "echo.jsonl"
    ledger = finished(start("http://echo.invalid", "one two", dialect="echo", recorders=[Recorder(path)]))
    assert (ledger.source, ledger.status, text(ledger)) == ("echo", "complete", "one two")
    assert ledger.request == request("one two")
    assert len(read_recording(path)[0].pieces) == 2
    slow = start("http://echo.invalid", "@wait 5\none two", dialect="echo")
    threading.Timer(0.05, slow.cancel).start()
    assert slow.wait(1)
    assert slow.ledger.status == "interrupted"


@pytest.mark.parametrize("moment", ["Infinity", "-Infinity", "NaN", "1e999"])
def test_a_time_without_end_is_as_good_as_none(recorded, moment):
    path, ledger = recorded
    kept = path.read_text("utf-8").splitlines()
    places = [number for number, line in enumerate(kept) if '"t":' in line]
    for place in places[1:]:
        line = json.loads(kept[place])
        kept[place] = kept[place].replace(f'"t":{json.dumps(line["t"])}', f'"t":{moment}')
    path.write_text("\n".join(kept) + "\n", "utf-8")
    (again,) = read_recording(path)
    (exchange,) = ledger.exchanges
    assert [piece for _, piece in again.pieces] == [piece for _, piece in exchange.pieces]
    assert {t for t, _ in again.pieces} == {lines(path)[places[0]]["t"]}
