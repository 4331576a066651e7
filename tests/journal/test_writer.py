"""The journal keeps every answer exactly, from several threads and processes, also when these are killed."""

import multiprocessing
import os
import stat
import subprocess
import sys
import time
import warnings
from concurrent.futures import ThreadPoolExecutor

import pytest
from calibration import assert_soon
from client_stage import until
from fake_server import cut, event, finish, gate, google_error, pause, raw, stall, status, text
from journal_stage import ECHO, ask, entries, found, on_disk, reopened, run, script, sql, stream

import gemini_magic
from gemini_magic.content import Blob, Text
from gemini_magic.errors import JournalError
from gemini_magic.journal import Journal
from gemini_magic.journal.database import Database
from gemini_magic.journaling import journal
from gemini_magic.views import bundle

BUSY = status(503, {"Retry-After": "0"}, google_error(503, "Busy.", "UNAVAILABLE"))
ANSWERS = {
    "complete": [text("Hel"), pause(0.03), text("lo 😀"), pause(0.03), raw(b": \xff\n\n"), finish()],
    "thoughts and a call": [
        text("Hm.", thought=True),
        event({"candidates": [{"content": {"parts": [{"functionCall": {"name": "f", "args": {"x": 1}}}]}}]}),
        finish(),
    ],
    "half a pair": [raw(b'data: {"candidates":[{"content":{"parts":[{"text":"a\\ud83d"}]}}]}\n\n'), finish()],
    "truncated": [text("Hel"), cut()],
    "blocked": [text("Hel"), finish("SAFETY")],
    "refused": [status(400, {}, google_error(400, "No.", "INVALID_ARGUMENT"))],
    "stalled": [text("Hel"), stall()],
}


def plain(ledger):
    return bundle(ledger)["text/plain"]


@pytest.mark.parametrize("what", ANSWERS)
def test_an_entry_becomes_the_same_response_again(fake_server, what):
    fake_server.script(BUSY)
    fake_server.script(*ANSWERS[what])
    before = ask(fake_server, "What is 😀?", retries=1, stall_timeout=0.3 if what == "stalled" else 30.0)
    (entry,) = entries()
    assert (entry.start.model, entry.start.question, entry.status) == ("m", "What is 😀?", before.status)
    assert entry.end.tokens == before.usage.total
    after = reopened(entry.id)
    assert (after.status, after.text, after.thoughts, after.parts) == (
        before.status,
        before.text,
        before.thoughts,
        before.parts,
    )
    assert [(c.raw, c.attempt) for c in after.raw_chunks] == [(c.raw, c.attempt) for c in before.raw_chunks]
    assert [c.t for c in after.raw_chunks] == pytest.approx([c.t for c in before.raw_chunks], abs=1e-5)
    assert (after.usage, after.headers, len(after.attempts)) == (before.usage, before.headers, 2)
    assert [(a.status, a.end, a.problem) for a in after.attempts] == [
        (a.status, a.end, a.problem) for a in before.attempts
    ]
    assert abs((after.started - before.started).total_seconds()) < 0.001
    assert after.ledger.source == "journal"


def test_only_the_owner_can_read_the_file(fake_server):
    fake_server.script(text("Hello"), gate("go"), finish())
    answer = stream(fake_server)
    place = journal().path
    until(lambda: place.exists() and entries())
    assert stat.S_IMODE(place.parent.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in place.parent.iterdir()} == {0o600}
    assert len(list(place.parent.iterdir())) == 3  # the write-ahead log and its index
    fake_server.open("go")
    answer.response.wait(60)


def test_text_is_in_the_journal_before_the_answer_ends(fake_server, tmp_path):
    fake_server.script(text("Hello"), gate("go"), text(" world"), finish())
    answer = stream(fake_server, "a question of its own")
    until(lambda: journal().path.exists() and entries() and reopened(1).text == "Hello")
    assert [entry.status for entry in entries()] == ["running"]
    early = reopened(1)
    assert (early.status, list(early.notes)) == ("interrupted", [])
    shown = plain(early.ledger)
    assert "· still arriving in this kernel, 5 characters so far ·" in shown
    assert "Run `%gemini show 1` again later to see more of it." in shown
    assert "resume" not in shown
    assert "sk again" not in shown
    early.save(tmp_path / "early.jsonl")  # a file that will not change any more
    assert "still arriving when it was looked up" in plain(
        gemini_magic.Response.load(tmp_path / "early.jsonl").ledger
    )
    assert found("own") == ["a question of its own"]
    fake_server.open("go")
    answer.response.wait(60)
    assert reopened(1).text == "Hello world"
    assert [entry.status for entry in entries()] == ["complete"]


def test_a_stopped_answer_is_kept(fake_server):
    fake_server.script(text("Hello"), stall())
    answer = stream(fake_server)
    until(lambda: answer.response.text)
    answer.close()
    assert [(e.status, e.end.answer) for e in entries()] == [("interrupted", "Hello")]
    assert reopened(1).status == "interrupted"


def test_a_request_that_was_never_sent_is_not_kept(fake_server):
    fake_server.model("m", text("Hello"), finish())
    ask(fake_server, rpm=1)
    waiting = stream(fake_server, rpm=1)
    until(lambda: waiting.response.ledger.phase == "queued")
    waiting.close()
    assert len(entries()) == 1
    assert journal().flush()


def test_a_long_answer_is_written_in_several_blocks(fake_server):
    long = "0123456789" * 400_000
    fake_server.script(text(long), text(long), finish())
    assert ask(fake_server).text == 2 * long
    assert journal().flush(10)
    assert reopened(1).text == 2 * long
    assert sql("SELECT count(*) FROM block")[0][0] > 4


def test_many_answers_at_once(fake_server):
    for number in range(8):
        fake_server.model(f"m{number}", text(f"answer {number}"), pause(0.1), finish())
    streams = [stream(fake_server, str(number), model=f"m{number}") for number in range(8)]
    for answer in streams:
        answer.response.wait(60)
    answers = {entry.start.question: entry.end.answer for entry in entries()}
    assert answers == {str(number): f"answer {number}" for number in range(8)}


def test_several_processes_create_the_file_at_once_and_write_to_it():
    code = f"import gemini_magic\nfor n in range(5): gemini_magic.ask(f'{{n}} from here', **{ECHO!r})"
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(run, [code] * 4))
    there = entries()
    assert len(there) == 20
    assert len({entry.process for entry in there}) == 4
    assert {entry.status for entry in there} == {"complete"}
    assert sql("PRAGMA integrity_check") == [("ok",)]
    assert len({(entry.process, entry.start.question) for entry in there}) == 20
    assert reopened(there[7].id).text == there[7].end.answer


def test_a_script_that_exits_right_after_an_answer_writes_its_end():
    gemini_magic.ask("before", **ECHO)
    run(f"import gemini_magic; gemini_magic.ask('hello', **{ECHO!r})")
    assert [entry.status for entry in entries()] == ["complete"] * 2


def _child(queue):
    queue.put(gemini_magic.ask("from the child", **ECHO).status)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork")
def test_a_forked_child_writes_its_own_answers(fake_server):
    fake_server.script(text("Hello"), gate("go"), finish())
    answer = stream(fake_server, "from the parent")
    until(lambda: journal().path.exists() and entries())
    context = multiprocessing.get_context("fork")
    queue = context.Queue()
    with warnings.catch_warnings():
        warnings.simplefilter(
            "ignore", DeprecationWarning
        )  # about forking a process with threads, which is tested here
        child = context.Process(target=_child, args=(queue,))
        child.start()
    assert queue.get(timeout=60) == "complete"
    child.join(60)
    fake_server.open("go")
    answer.response.wait(60)
    assert [(e.start.question, e.status) for e in entries()] == [
        ("from the parent", "complete"),
        ("from the child", "complete"),
    ]
    assert len({entry.process.pid for entry in entries()}) == 2
    assert sql("PRAGMA integrity_check") == [("ok",)]


def test_the_text_of_a_killed_process_is_kept(fake_server):
    fake_server.script(text("Hello"), text(" world"), stall())
    options = {"model": "m", "base_url": fake_server.base_url, "journal": True}
    with script(f"import gemini_magic; gemini_magic.ask('a question', **{options!r})"):
        until(lambda: journal().path.exists() and entries() and reopened(1).text == "Hello world", 20)
        assert entries()[0].status == "running"
        assert "· still arriving in another kernel, 11 characters so far ·" in plain(reopened(1).ledger)
    (entry,) = entries()
    assert (entry.status, entry.end.answer) == ("interrupted", "Hello world")
    again = reopened(1)
    assert (again.status, again.text) == ("interrupted", "Hello world")
    assert again.error.message == "The kernel ended after 11 characters."
    assert "· the kernel ended ·" in plain(again.ledger)
    assert "topped" not in plain(again.ledger)
    assert "this kernel only" in again.error.remedy
    assert found("world") == ["a question"]


def test_a_process_killed_before_the_first_byte_leaves_an_empty_entry(fake_server):
    fake_server.script(stall())
    options = {"model": "m", "base_url": fake_server.base_url, "journal": True}
    with script(f"import gemini_magic; gemini_magic.ask('a question', **{options!r})"):
        until(lambda: journal().path.exists() and entries(), 20)
        assert reopened(1).error.message == "Still arriving in another kernel, no text so far."
    assert [(entry.status, entry.end.answer) for entry in entries()] == [("interrupted", "")]
    assert (reopened(1).text, reopened(1).error.message) == ("", "The kernel ended; no text had arrived.")


# ------------------------------------------------------------------------------------ which answers are kept, how long


def test_scripts_and_free_answers_are_kept_only_if_the_option_is_set(fake_server, tmp_path):
    fake_server.model("m", text("Hello"), finish())
    ask(fake_server, journal=None)
    gemini_magic.ask("hi", backend="echo")
    assert not journal().path.exists()
    path = tmp_path / "one.jsonl"
    ask(fake_server, journal=False, record=str(path))
    ask(fake_server, replay=str(path))
    gemini_magic.ask("hi", **ECHO)
    assert [entry.start.backend for entry in entries()] == ["gemini", "echo"]


def test_the_question_is_the_text_of_the_last_turn(fake_server):
    fake_server.model("m", text("Hello"), finish())
    ask(fake_server, (Text("Look: "), Blob("image/png", b"x"), Text("what?")), system="Be brief.")
    assert [entry.start.question for entry in entries()] == ["Look: what?"]


def test_the_oldest_entries_are_removed_when_the_file_is_too_large(monkeypatch):
    for number in range(6):
        gemini_magic.ask(f"{number} {os.urandom(60_000).hex()}", journal_size=0.7, **ECHO)
        assert journal().flush()
    kept = [entry.start.question[0] for entry in entries()]
    assert kept == [str(number) for number in range(6)][-len(kept) :]
    assert 1 <= len(kept) < 5
    gemini_magic.ask(f"6 {os.urandom(600_000).hex()}", journal_size=0.1, **ECHO)
    assert [entry.start.question[0] for entry in entries()] == ["6"]  # the newest entry always stays
    gemini_magic.ask("small", journal_size=0.1, **ECHO)
    entries()
    sql("PRAGMA wal_checkpoint(TRUNCATE)")
    assert journal().path.stat().st_size < 200_000


def test_old_entries_are_removed():
    for number in range(3):
        gemini_magic.ask(str(number), **ECHO)
    assert len(entries()) == 3
    sql("UPDATE run SET started = started - 86400 * 10 WHERE id < 3")
    gemini_magic.ask("now", journal_days=9.5, **ECHO)
    assert [entry.start.question for entry in entries()] == ["2", "now"]


@pytest.mark.parametrize("searched", [False, True])
def test_no_trace_of_a_forgotten_entry_is_left_on_the_disk(fake_server, searched):
    secret = "Quetzalcoatlus"
    fake_server.script(text("Hello"), finish())
    fake_server.script(text(f"It was a {secret}."), finish())
    ask(fake_server, "keep this")
    ask(fake_server, f"Tell me of the {secret}.")
    if searched:
        assert found(secret.lower())
    assert len(entries()) == 2
    assert secret.encode() in on_disk()
    with journal().reader() as reader:
        assert reader.forget([2])
    assert secret.encode() not in on_disk()
    assert secret.lower().encode() not in on_disk()
    assert [entry.start.question for entry in entries()] == ["keep this"]
    assert sql("SELECT count(*) FROM block WHERE run = 2") == [(0,)]


# ------------------------------------------------------------------------------------ the file and its writer


def test_the_file_is_closed_while_there_are_no_requests(monkeypatch):
    monkeypatch.setattr("gemini_magic.journal.writer._IDLE", 0.2)
    gemini_magic.ask("hi", **ECHO)
    until(lambda: journal()._thread is None)
    assert [path.name for path in journal().path.parent.iterdir()] == ["journal.sqlite"]
    gemini_magic.ask("again", **ECHO)
    assert len(entries()) == 2


def test_the_user_is_informed_once():
    gemini_magic.ask("hi", **ECHO)
    assert journal().take_introduction()
    assert not journal().take_introduction()
    assert journal().flush()
    until(lambda: sql("SELECT name FROM metadata") == [("introduced",)])
    later = Journal(journal().path)
    with later.reader():
        pass
    assert not later.take_introduction()


def test_the_next_process_informs_the_user_if_the_first_did_not():
    code = f"import gemini_magic; gemini_magic.ask('hello', **{ECHO!r})"
    run(code)
    asking = f"{code}\nfrom gemini_magic.journaling import journal\njournal().flush(); print(journal().take_introduction())"
    for _ in range(2):
        process = subprocess.run([sys.executable, "-c", asking], capture_output=True, text=True, check=True)
        assert process.stdout == "True\n"
        asking = asking.replace("print(", "print(not ")


def test_the_file_does_not_exist_before_the_first_answer():
    with pytest.raises(JournalError, match="There is no journal yet") as raised, journal().reader():
        pass
    assert "first answer" in raised.value.remedy
    assert not journal().path.parent.exists()


def test_a_stream_never_waits_for_the_journal(fake_server, monkeypatch):
    """With a disk that takes a second for each write, an answer is as fast as without a journal."""
    write = Database.write
    monkeypatch.setattr(Database, "write", lambda *a: (time.sleep(1), write(*a))[1])
    fake_server.script(*[step for n in range(20) for step in (text(f"{n} "), pause(0.01))], finish())
    began = time.perf_counter()
    answer = ask(fake_server)
    assert_soon(time.perf_counter() - began, 0.9)
    assert_soon(answer.timing.longest_gap, 0.5)
    assert journal().flush(10)
    assert reopened(1).text == answer.text


def test_the_tokens_of_replays_and_offline_answers_are_not_counted(fake_server, tmp_path):
    fake_server.script(text("a"), finish())
    recording = str(tmp_path / "r.jsonl")
    used = ask(fake_server, record=recording).usage.total
    ask(fake_server, replay=recording, speed=0)
    gemini_magic.ask("hi", **ECHO)
    journal().flush()
    assert [entry.end.tokens for entry in entries()] == [used, None, None]
    assert [reopened(entry.id).usage.total for entry in entries()][:2] == [used, used]
