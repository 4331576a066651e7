"""Recorder: what it writes while a stream runs, and what a file that cannot be written does to the stream."""

import json
import threading
from pathlib import Path

from client_stage import CANARY, finished, kinds, request, start, text, until
from fake_server import finish, gate, stall
from fake_server import text as say
from recording_stage import GEMINI, lines, record_many

from gemini_magic.ledger.ledger import Ledger
from gemini_magic.recording import Recorder, load_exchanges, read_recording, write_recording


def test_the_file_has_the_documented_format_and_is_complete_when_the_stream_is_over(recorded):
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


def test_no_file_contains_the_key(recorded, tmp_path):
    path, ledger = recorded
    for name in ("again.jsonl", "trace.httprr"):
        write_recording(tmp_path / name, ledger.exchanges)
        assert CANARY.encode() not in (tmp_path / name).read_bytes()
    assert CANARY.encode() not in path.read_bytes()


def test_the_recording_of_a_stopped_stream_says_that_it_was_cancelled(fake_server, tmp_path):
    path = tmp_path / "stopped.jsonl"
    fake_server.script(say("half"), stall())
    stream = start(fake_server, recorders=[Recorder(path)])
    until(lambda: text(stream.ledger))
    stream.cancel()
    until(lambda: lines(path)[-1].get("end") == "cancelled")
    loaded = Ledger()
    load_exchanges(read_recording(path), GEMINI, loaded)
    assert (loaded.status, text(loaded)) == ("interrupted", "half")


def test_recording_continues_after_an_incomplete_line(recorded, fake_server):
    path, _ = recorded
    path.write_bytes(path.read_bytes()[:-9])
    record_many(fake_server, path, "next")
    first, second = read_recording(path)
    assert first.missing
    assert b"next" in second.pieces[0][1]
    assert [line["exchange"] for line in lines(path) if "request" in line] == [0, 1]


def test_several_streams_can_record_into_one_file_at_once(fake_server, tmp_path):
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


def test_append_false_replaces_the_content_of_the_file(fake_server, tmp_path):
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


def test_the_echo_backend_is_recorded_and_cancelled_like_a_server(tmp_path):
    path = tmp_path / "echo.jsonl"
    ledger = finished(start("http://echo.invalid", "one two", dialect="echo", recorders=[Recorder(path)]))
    assert (ledger.source, ledger.status, text(ledger)) == ("echo", "complete", "one two")
    assert ledger.request == request("one two")
    assert len(read_recording(path)[0].pieces) == 2
    slow = start("http://echo.invalid", "@wait 5\none two", dialect="echo")
    threading.Timer(0.05, slow.cancel).start()
    assert slow.wait(60)
    assert slow.ledger.status == "interrupted"
