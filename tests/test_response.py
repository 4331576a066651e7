"""The tables of a response, its curl command, and the comparison of two responses."""

from __future__ import annotations

import json
import shlex
import subprocess

import duckdb
import pandas as pd
import polars as pl
import pytest
from fake_server import event, finish, raw, status, text
from surroundings import CANARY

import gemini_magic
from gemini_magic import Response
from gemini_magic.errors import RecordingError

TABLES = ("chunks", "events", "usage_history", "usage_by_modality", "parts_table", "notes", "attempts")

USAGE = {
    "promptTokenCount": 12,
    "candidatesTokenCount": 3,
    "totalTokenCount": 15,
    "promptTokensDetails": [
        {"modality": "TEXT", "tokenCount": 10},
        {"modality": "IMAGE", "tokenCount": 2},
        {"modality": 3},
        7,
    ],
    "candidatesTokensDetails": [{"modality": "TEXT", "tokenCount": 3}],
}


@pytest.fixture
def ask(fake_server, monkeypatch):
    monkeypatch.setenv("FAKE", CANARY)

    def asked(*steps, prompt="hi", **more):
        fake_server.model("m", *steps)
        return gemini_magic.ask(
            prompt, model="m", base_url=fake_server.base_url, key_env="FAKE", retries=0, **more
        )

    return asked


def test_every_library_accepts_every_table_full_or_empty(ask):
    full = ask(text("hm", thought=True), text("a "), text("b"), event({"usageMetadata": USAGE}), finish())
    empty = ask(status(500))
    for name in TABLES:
        some, none = getattr(full, name), getattr(empty, name)
        assert len(some) > 0, name
        for rows in (some, none):
            assert list(pl.DataFrame(rows).columns) == list(rows.to_pandas().columns) == list(rows.columns)
        assert pl.DataFrame(some).schema == pl.DataFrame(none).schema
        assert len(pd.DataFrame(some)) == len(some)
        assert "<table>" in some._repr_html_()


def test_tables_of_parts_counts_and_attempts(ask):
    r = ask(text("hm", thought=True), text("a "), text("b"), event({"usageMetadata": USAGE}), finish())
    assert [(row.kind, row.text, row.size) for row in r.parts_table] == [
        ("thought", "hm", 2),
        ("text", "a b", 3),
    ]
    assert [tuple(row)[2:] for row in r.usage_by_modality.where(chunk=3)] == [
        ("prompt", "text", 10),
        ("prompt", "image", 2),
        ("output", "text", 3),
    ]
    (attempt,) = r.attempts
    assert attempt.status == 200
    assert attempt.size > 500
    assert attempt.seconds == pytest.approx(r.attempts["seconds"][0])


def test_a_note_has_its_chunk_and_byte_offset(ask):
    first = json.dumps({"candidates": [{"content": {"parts": [{"text": "a"}]}}]}).encode()
    body = b"data: " + first + b"\r\n\r\n: still here\r\n\r\n"
    r = ask(raw(body), text("", finish="STOP"))
    (empty,) = r.notes.where("kind=empty-part")
    (comment,) = r.notes.where("kind=comment")
    assert empty.chunk == 1
    sent = b"".join(piece for _, piece in r.ledger.exchanges[-1].pieces)
    assert sent[empty.offset :].startswith(r.raw_chunks[1].raw)
    assert (comment.chunk, comment.offset) == (0, body.index(b": still"))


def test_a_recording_contains_failed_attempts(ask, tmp_path):
    r = ask(status(503))
    again = Response.load(r.save(tmp_path / "a.jsonl"))
    assert [row.problem for row in again.attempts] == [row.problem for row in r.attempts]
    assert r.attempts[0].problem.startswith("503")


def test_the_curl_command_sends_the_same_request_without_a_key(ask, fake_server):
    r = ask(text("it's"), finish(), prompt="Say 'it's' & $HOME `now`\nplease", temperature=0.5)
    command = r.curl()
    assert CANARY not in command
    assert "$FAKE" in command
    assert shlex.split(command.replace("\\\n", " "))[0] == "curl"
    first = fake_server.requests[-1]
    done = subprocess.run(["sh", "-c", command], capture_output=True, text=True, timeout=30, check=False)
    assert "it's" in done.stdout, done.stderr
    again = fake_server.requests[-1]
    assert again is not first
    assert (again.body, again.path) == (first.body, first.path)
    assert again.headers["x-goog-api-key"] == CANARY


def test_a_long_body_is_passed_to_curl_on_standard_input(ask, fake_server, tmp_path):
    r = ask(text("ok"), finish(), prompt="x" * 200_000)
    (tmp_path / "ask.sh").write_text(r.curl())
    done = subprocess.run(
        ["sh", tmp_path / "ask.sh"], capture_output=True, text=True, timeout=30, check=False
    )
    assert "ok" in done.stdout, done.stderr
    assert fake_server.requests[-1].body == fake_server.requests[-2].body


def test_the_curl_command_of_a_recording_has_no_key_for_a_server_that_only_the_user_named(ask, tmp_path):
    r = ask(text("ok"), finish())
    assert "KEY" not in Response.load(r.save(tmp_path / "a.jsonl")).curl()
    with pytest.raises(RecordingError, match="not known"):
        Response.load(r.save(tmp_path / "a.sse")).curl()


def test_two_responses_are_compared(ask, tmp_path):
    one = ask(text("first line\nsecond <b>line</b>"), finish())
    other = ask(text("first line\nanother line"), finish("MAX_TOKENS"), prompt="hello")
    found = one.diff(other)
    assert not found.same
    changed = {change.name for change in found.changes if not change.same}
    assert {"prompt", "status", "finish reason", "answer"} <= changed
    assert "-second <b>line</b>" in found.text
    shown, html = repr(found), found._repr_html_()
    assert "≠ prompt" in html
    assert ">+ another line</ins>" in html
    assert "second &lt;b&gt;line" in html
    assert "<b>" not in html
    assert "hello" in shown
    assert "+ another line" in shown
    found.names = ("quick", "<deep>")
    assert repr(found).splitlines()[0].split() == ["quick", "<deep>"]
    assert "&lt;deep&gt;</th>" in found._repr_html_()
    loaded = Response.load(one.save(tmp_path / "a.jsonl"))
    assert one.diff(loaded).same
    assert repr(loaded.diff(loaded)).startswith("All compared values are equal.")
    with pytest.raises(TypeError, match=r"^diff\(\) expects a Response, not str\.$"):
        one.diff("other")


def test_requests_of_recordings_are_compared(fake_server, tmp_path):
    loaded = []
    for number, (prompt, heat) in enumerate((("Hi <b>there</b>", 0.1), ("Ho", 0.9))):
        fake_server.script(text("one"), finish())
        r = gemini_magic.ask(
            prompt,
            model="m",
            base_url=fake_server.base_url,
            journal=False,
            temperature=heat,
            system="Be brief.",
        )
        loaded.append(Response.load(r.save(tmp_path / f"{number}.jsonl")))
    found = loaded[0].diff(loaded[1])
    changed = {change.name: (change.left, change.right) for change in found.changes if not change.same}
    assert changed["prompt"] == ("Hi <b>there</b>", "Ho")
    named = {change.name: change.left for change in found.changes}
    assert (named["requested model"], named["earlier turns"], named["system"]) == ("m", 0, "Be brief.")
    assert "0.1" in named["config"]
    assert "<b>" not in found._repr_html_()


def test_a_long_difference_is_shortened(ask):
    one = ask(text("\n".join(f"a{n}" for n in range(900))), finish())
    other = ask(text("\n".join(f"b{n}" for n in range(900))), finish())
    assert "more lines" in repr(one.diff(other))
    assert len(one.diff(other)._repr_html_()) < 30_000


def test_no_column_name_needs_quotes_in_sql():
    r = gemini_magic.ask("one two", backend="echo", journal=False)
    for name in TABLES:
        rows = getattr(r, name)
        assert len(duckdb.sql(f"select {', '.join(rows.columns)} from rows").fetchall()) == len(rows)
    assert r.attempts[0].end == r.attempts[0].ended == "eof"
