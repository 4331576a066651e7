"""Comparisons without a notebook: several answers to one prompt, each a whole response."""

from __future__ import annotations

import json
import pickle
import threading

import pytest
from fake_server import finish, gate, google_error, pause, status, text

import gemini_magic
from gemini_magic import Comparison, compare
from gemini_magic.comparison import PlannedRequest, options_of_column, read_plan, start_columns
from gemini_magic.config import resolve
from gemini_magic.content import Text
from gemini_magic.errors import Interrupted, OptionError, RecordingError, ServiceError, UsageProblem
from gemini_magic.prompts import build_request
from gemini_magic.recording import read_recording

ERROR = google_error(404, "no such model", "NOT_FOUND")


def asked(server, prompt="hi", **options):
    return compare(prompt, base_url=server.base_url, **{"journal": False, "retries": 0} | options)


def two_models(server):
    server.model("a-1", text("one two"), finish())
    server.model("b-1", text("three"), finish())


def test_each_column_is_a_response(fake_server):
    two_models(fake_server)
    c = asked(fake_server, models=["a-1", "b-1"], system="Be brief.")
    assert [each.text for each in c] == ["one two", "three"]
    assert (c[0], c["b-1"], c[-1], c[0:1]) == (c.responses[0], c.responses[1], c.responses[1], (c[0],))
    assert (len(c), c.ok, c.status, c.labels) == (2, True, "complete", ("a-1", "b-1"))
    bodies = [request.body for request in fake_server.requests]
    assert bodies[0] == bodies[1]
    assert len(c[0].chunks) == 2
    assert "2 of 2 answers have ended" in repr(c)


def test_a_column_is_found_by_a_part_of_its_label():
    c = compare("hi", backend="echo", sweep={"temperature": [0, 1]}, repeat=2)
    assert c["temperature=1 · #2"] is c[3]
    with pytest.raises(KeyError, match="names several columns"):
        c["temperature=1"]
    with pytest.raises(KeyError, match="is not the label of a column"):
        c["temperature=2"]
    with pytest.raises(IndexError):
        c[4]


def test_all_requests_are_sent_at_the_same_time(fake_server):
    fake_server.model("a-1", text("one"), gate("go"), finish())
    fake_server.model("b-1", text("two"), gate("go"), finish())
    threading.Thread(target=lambda: (fake_server.wait_for_requests(2), fake_server.open("go"))).start()
    assert asked(fake_server, models=["a-1", "b-1"]).ok


def test_a_column_that_fails_leaves_the_others(fake_server):
    fake_server.model("a-1", text("one"), finish())
    c = asked(fake_server, models=["a-1", "gone-1"])
    assert [each.status for each in c] == ["complete", "error"]
    assert (c.ok, c.status) == (False, "error")
    with pytest.raises(ServiceError):
        c.raise_for_status()
    with pytest.raises(ServiceError):
        asked(fake_server, models=["a-1", "gone-1"], check=True)


def test_the_table_has_a_row_for_each_column(fake_server):
    fake_server.model("a-1", text("one two"), finish())
    c = asked(fake_server, models=["a-1", "gone-1"], price="1,2")
    [row, other] = c.table
    assert row[:4] == ("a-1", c[0].model_version, "complete", 2)
    assert 0 <= row.first_text <= row.total
    assert row.tokens == c[0].usage.total
    assert row.cost == c[0].cost.amount > 0
    assert other[:4] == ("gone-1", "gone-1", "error", 0)
    assert (other.first_text, other.tokens, other.cost) == (None, None, None)
    frame = pytest.importorskip("pandas").DataFrame(c.table)
    assert list(frame["label"]) == ["a-1", "gone-1"]


def test_the_difference_of_two_columns_has_their_labels(fake_server):
    two_models(fake_server)
    difference = asked(fake_server, models=["a-1", "b-1"]).diff("a-1", 1)
    assert difference.names == ("a-1", "b-1")
    assert "- one two" in repr(difference)


def test_a_schema_is_checked_in_each_column():
    c = compare("@json", backend="echo", schema="n int", repeat=2)
    assert all(each.schema is not None and each.parse_error is not None for each in c)


@pytest.mark.parametrize(
    "wrong",
    [
        {"models": ["a-1", "a-1"]},
        {"models": ["a-1", "b-1"], "model": "c-1"},
        {"repeat": 0},
        {"repeat": True},
        {"models": ["a-1", "b-1"], "tools": 5},
        {"models": ["a-1", "b-1"], "tool": ["weather"]},
        {"models": ["a-1", "b-1"], "to": "x.md"},
        {"models": ["a-1", "b-1"], "temperature": "hot"},
        {"models": ["a-1", "b-1"], "sweep": {"param": ["generationConfig"]}},
        {"models": ["a-1", "b-1"], "replay": "/nowhere.jsonl"},
        {},
    ],
)
def test_nothing_is_sent_if_something_is_not_valid(fake_server, wrong):
    two_models(fake_server)
    with pytest.raises((UsageProblem, RecordingError)):
        asked(fake_server, **wrong)
    assert fake_server.requests == []


def test_nothing_is_sent_if_one_column_has_no_key(fake_server, monkeypatch):
    two_models(fake_server)
    monkeypatch.setenv("GEMINI_API_KEY", "")
    with pytest.raises(UsageProblem):
        compare("hi", models=["echo:e", "gemini:a-1"], journal=False)


def test_ask_and_stream_refuse_the_options_of_comparisons():
    for options in ({"compare": "a-1,b-1"}, {"sweep": ["temperature=0,1"]}, {"repeat": 2}):
        with pytest.raises(OptionError, match="send one request") as caught:
            gemini_magic.ask("hi", backend="echo", **options)
        assert "gemini_magic.compare" in caught.value.remedy


def test_an_interrupt_stops_all_columns_and_keeps_what_arrived(fake_server, monkeypatch):
    fake_server.model("a-1", text("one"), finish())
    fake_server.model("b-1", text("two"), gate("never"))

    def interrupted_wait(comparison):
        comparison[0].wait()
        while not comparison[1].text:
            comparison[1].stream.wait_change(comparison[1].ledger.version, 1)
        raise KeyboardInterrupt

    monkeypatch.setattr(Comparison, "wait", interrupted_wait)
    with pytest.raises(Interrupted, match="1 of 2 answers are complete") as caught:
        asked(fake_server, models=["a-1", "b-1"])
    c = caught.value.comparison
    assert [each.status for each in c] == ["complete", "interrupted"]
    assert c[1].text == "two"


def test_the_rate_limit_counts_all_columns_of_a_model(fake_server):
    fake_server.model("a-1", text("one"), finish())
    options, sources = resolve(
        {"model": "a-1", "base_url": fake_server.base_url, "repeat": 3, "rpm": 2, "journal": False}
    )
    planned = [
        PlannedRequest(plan, build_request([Text("hi")], options, ()), options_of_column(options), sources)
        for plan in read_plan(options, {"repeat": 3})
    ]
    c = start_columns(planned)
    while sum(each.status == "complete" for each in c) < 2 or "queued" not in {
        each.ledger.phase for each in c
    }:
        running = next(each for each in c if each.status == "running")
        running.stream.wait_change(running.ledger.version, 0.05)
    assert len(fake_server.requests) == 2
    c.cancel()
    assert sorted(each.status for each in c) == ["complete", "complete", "interrupted"]


# ------------------------------------------------------------------------------ files


def test_one_recording_holds_all_columns_and_replays_them(fake_server, tmp_path):
    path = tmp_path / "columns.jsonl"
    fake_server.model("a-1", text("one"), finish())
    for piece in ("first", "second", "third"):
        fake_server.script(text(piece), finish())
    c = asked(fake_server, model="a-1", repeat=3, record=str(path))
    assert sorted(each.column for each in read_recording(path)) == ["#1", "#2", "#3"]
    sent = len(fake_server.requests)
    for _ in range(2):  # a second replay shows the same
        again = asked(fake_server, model="a-1", repeat=3, replay=str(path), speed=0)
        assert [each.text for each in again] == [each.text for each in c]
    assert len(fake_server.requests) == sent
    assert [each.text for each in Comparison.load(path)] == [
        again[label].text for label in Comparison.load(path).labels
    ]


def test_a_retry_belongs_to_its_column_in_a_recording(fake_server, tmp_path):
    path = tmp_path / "columns.jsonl"
    busy = google_error(503, "busy", "UNAVAILABLE")
    fake_server.script(status(503, body=busy))
    fake_server.model("a-1", pause(0.02), text("one"), finish())
    c = asked(fake_server, model="a-1", repeat=2, record=str(path), retries=1)
    assert sorted(len(each.attempts) for each in c) == [1, 2]
    again = asked(fake_server, model="a-1", repeat=2, replay=str(path), speed=0, retries=1)
    assert [len(each.attempts) for each in again] == [len(each.attempts) for each in c]
    assert again.ok


def test_a_recording_without_columns_answers_repetitions_in_their_order(fake_server, tmp_path):
    path = tmp_path / "asked.jsonl"
    for piece in ("first", "second"):
        fake_server.script(text(piece), finish())
        gemini_magic.ask("hi", base_url=fake_server.base_url, model="a-1", record=str(path), journal=False)
    for _ in range(2):
        again = asked(fake_server, model="a-1", repeat=3, replay=str(path), speed=0)
        assert [each.text for each in again] == ["first", "second", "second"]
    in_order = asked(fake_server, "other", models=["x-1", "y-1"], replay=str(path), replay_any=True, speed=0)
    assert [each.text for each in in_order] == ["first", "second"]


def test_a_saved_comparison_is_loaded_with_its_labels(fake_server, tmp_path):
    two_models(fake_server)
    c = asked(fake_server, models=["a-1", "b-1"])
    path = c.save(tmp_path / "c.jsonl")
    loaded = Comparison.load(path)
    assert loaded.labels == c.labels
    assert [each.text for each in loaded] == ["one two", "three"]
    assert json.loads(path.read_text("utf-8").splitlines()[0])["column"] == "a-1"
    with pytest.raises(RecordingError, match=r"saved as \.jsonl"):
        c.save(tmp_path / "c.sse")
    c[0].save(tmp_path / "one.jsonl")
    assert len(Comparison.load(tmp_path / "one.jsonl")) == 1


def test_a_comparison_can_be_pickled(fake_server):
    two_models(fake_server)
    copied = pickle.loads(pickle.dumps(asked(fake_server, models=["a-1", "b-1"])))
    assert [each.text for each in copied] == ["one two", "three"]
    assert copied["b-1"].ok


def test_a_recording_of_one_answer_is_no_comparison(fake_server, tmp_path):
    fake_server.script(text("first"), finish())
    path = tmp_path / "asked.jsonl"
    gemini_magic.ask("hi", base_url=fake_server.base_url, model="a-1", record=str(path), journal=False)
    with pytest.raises(RecordingError, match="contains no comparison"):
        Comparison.load(path)


def test_a_replay_prints_the_columns_again(fake_server, capsys):
    two_models(fake_server)
    asked(fake_server, models=["a-1", "gone-1"]).replay(0)
    shown = capsys.readouterr().out
    assert "── a-1 ──\none two" in shown
    assert "── gone-1 ──" in shown
    assert "404" in shown


# ------------------------------------------------------------------------------ display


def test_a_comparison_displays_all_columns_and_the_table(fake_server):
    two_models(fake_server)
    shown = asked(fake_server, models=["a-1", "b-1"])._repr_mimebundle_()
    assert set(shown) == {"text/html", "text/markdown", "text/plain"}
    for value in shown.values():
        for part in ("a-1", "b-1", "one two", "three", "first text (s)"):
            assert part in value
