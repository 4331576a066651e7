"""Loading a recording gives the ledger that the stream had."""

import json

import pytest
from client_stage import finished, kinds, start, text
from fake_server import event, google_error, raw, stall, status
from fake_server import text as say
from recording_stage import GEMINI, NOWHERE, chunks

from gemini_magic.errors import ConnectionFailed, RecordingError
from gemini_magic.ledger import Exchange
from gemini_magic.ledger.ledger import Ledger
from gemini_magic.recording import Recorder, Replay, load_exchanges, read_recording, write_recording


def test_loading_gives_the_same_ledger_without_a_stream(recorded):
    path, before = recorded
    ledger = Ledger()
    load_exchanges(read_recording(path), GEMINI, ledger)
    assert (ledger.status, text(ledger), chunks(ledger)) == ("complete", text(before), chunks(before))
    assert kinds(ledger) == kinds(before)
    assert ledger.marks["first_text"] == pytest.approx(before.marks["first_text"], abs=1e-5)


@pytest.mark.parametrize(
    ("steps", "options", "ending"),
    [
        ([say("half"), stall()], {"stall_timeout": 0.05}, "stalled"),
        ([say("half"), stall()], {"timeout": 0.1}, "stalled"),
        ([raw(b'data: {"candidates":[{"con'), stall()], {"stall_timeout": 0.05}, "stalled"),
        ([say("half"), raw(b'data: {"candidates":[{"con'), stall()], {"stall_timeout": 0.05}, "stalled"),
        ([say("half", finish="STOP"), stall()], {"stall_timeout": 0.05}, "stalled"),
        ([say("ha"), say("lf", finish="STOP"), event({}), stall()], {"stall_timeout": 0.05}, "complete"),
        (
            [say("half"), event(google_error(500, "Broken.", "INTERNAL")), stall()],
            {"stall_timeout": 0.05},
            "error",
        ),
        ([event({"detail": "Not here."})], {}, "error"),
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


def test_a_failed_connection_is_the_same_when_replayed_and_when_loaded(tmp_path):
    path = tmp_path / "gone.jsonl"
    finished(start(NOWHERE, recorders=[Recorder(path)], retries=0))
    replayed, loaded = finished(start(NOWHERE, replay=Replay(path, speed=0), retries=0)), Ledger()
    load_exchanges(read_recording(path), GEMINI, loaded)
    for ledger in (replayed, loaded):
        assert ledger.status == "error"
        assert isinstance(ledger.error, ConnectionFailed)
    assert replayed.error.message == "The recorded request could not connect to the server."


def test_only_the_incomplete_last_line_of_a_killed_writer_is_lost(recorded):
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


def answered(recorder, name, number):
    """Begin an exchange of an answer; returns the function that ends it."""
    exchange = Exchange("POST", "https://a.test/x", {}, b"{}", round=number, started=float(number))
    recorder.begin(exchange)

    def end():
        exchange.set_head(200)
        candidate = {"content": {"parts": [{"text": f"{name}{number} "}]}, "finishReason": "STOP"}
        exchange.pieces.append((0.1, b"data: %s\n\n" % json.dumps({"candidates": [candidate]}).encode()))
        exchange.finish("eof")
        recorder.write_new()

    return end


@pytest.mark.parametrize("order", ["abab", "abba", "aabb", "abaabb"])
def test_answers_that_were_recorded_at_the_same_time_are_told_apart(tmp_path, order):
    path = tmp_path / "both.jsonl"
    recorders = {"a": Recorder(path), "b": Recorder(path)}
    ends = {}
    for place, name in enumerate(order):
        ends.pop(name, lambda: None)()  # a round begins when the one before has ended
        ends[name] = answered(recorders[name], name, order[:place].count(name))
    for end in ends.values():
        end()
    for recorder in recorders.values():
        recorder.finish()
    loaded = Ledger()
    load_exchanges(read_recording(path), GEMINI, loaded)
    last = order[-1]
    assert text(loaded).split() == [f"{last}{number}" for number in range(order.count(last))]
    assert len(loaded.rounds) == order.count(last)


def test_exchanges_of_several_answers_that_are_written_together_are_told_apart(tmp_path):
    path, recorder = tmp_path / "one.jsonl", Recorder(tmp_path / "one.jsonl")
    for number in (0, 1):
        answered(recorder, "x", number)()
    recorder.finish()
    own = read_recording(path)
    write_recording(path, [*own, *own])
    found = read_recording(path)
    assert [each.first for each in found] == [None, 0, None, 2]
    loaded = Ledger()
    load_exchanges(found, GEMINI, loaded)
    assert text(loaded).split() == ["x0", "x1"]


def test_a_recording_of_an_older_version_that_mixes_answers_is_refused(tmp_path):
    path = tmp_path / "both.jsonl"
    recorders = [Recorder(path), Recorder(path)]
    for number in (0, 1):
        for end in [answered(recorder, "x", number) for recorder in recorders]:
            end()
    for recorder in recorders:
        recorder.close()
    lines = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    for line in lines:
        line.pop("first", None)
    path.write_text("".join(f"{json.dumps(line)}\n" for line in lines))
    with pytest.raises(RecordingError, match="recorded at the same time") as caught:
        load_exchanges(read_recording(path), GEMINI, Ledger())
    assert "file of its own" in caught.value.remedy
