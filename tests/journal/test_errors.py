"""Whatever is wrong with the file, the answer comes as ever; it is said once, and what can be saved is."""

import sqlite3
import subprocess
import sys
import time

import pytest
from client_stage import until
from fake_server import finish, gate, text
from journal_stage import ECHO, entries, found, reopened, run, sql, stream

import gemini_magic
from gemini_magic.errors import JournalError
from gemini_magic.journal import database as store
from gemini_magic.journal import migrations as schema
from gemini_magic.journaling import journal


@pytest.fixture(autouse=True)
def _soon(monkeypatch):
    """Tried again sooner than a user would want it."""
    monkeypatch.setattr("gemini_magic.journal.writer._AGAIN", 0.05)
    store_init = store.Database.__init__
    monkeypatch.setattr(
        store.Database, "__init__", lambda self, path, *, wait=0.1: store_init(self, path, wait=wait)
    )


def quick(prompt="hello there", **options):
    """An answer that comes at once, with the problem that its cell would tell."""
    began = time.perf_counter()
    answer = gemini_magic.ask(prompt, **{**ECHO, **options})
    assert time.perf_counter() - began < 2
    assert (answer.status, answer.text) == ("complete", prompt)
    return answer


def problem():
    """The one problem there is, once."""
    said = []
    until(lambda: said.extend(journal().problems()) or said)
    assert len(said) == 1
    assert journal().problems() == []
    return said[0]


def before_all():
    """One answer of a process that has ended."""
    run(f"import gemini_magic; gemini_magic.ask('before', **{ECHO!r})")
    sql("PRAGMA wal_checkpoint(TRUNCATE)")


def place():
    path = journal().path
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


def aside():
    return [path for path in place().parent.iterdir() if "damaged" in path.name]


def test_a_file_that_is_none_is_set_aside_and_a_new_one_begun():
    place().write_bytes(b"not a database, " * 100)
    quick()
    words = problem()
    assert words.startswith("The journal was damaged. It is now ")
    assert [entry.ended.answer for entry in entries()] == ["hello there"]
    (other,) = aside()
    assert str(other) in words
    assert other.read_bytes() == b"not a database, " * 100
    quick("again")
    assert (len(entries()), journal().problems()) == (2, [])


def test_a_file_that_is_damaged_while_an_answer_arrives_loses_nothing_of_it(fake_server):
    quick("an answer before")
    assert len(entries()) == 1
    fake_server.script(text("Hello"), gate("go"), text(" world"), finish())
    answer = stream(fake_server)
    until(lambda: len(entries()) == 2 and reopened(2).text == "Hello")
    sql("PRAGMA wal_checkpoint(TRUNCATE)")
    with place().open("r+b") as file:  # every page but the first
        file.seek(4096)
        file.write(b"\xff" * (place().stat().st_size - 4096))
    fake_server.open("go")
    answer.response.wait(5)
    assert "was damaged" in problem()
    assert [entry.ended.answer for entry in entries()] == ["Hello world"]
    assert reopened(1).text == "Hello world"
    assert len(aside()) >= 1


def test_another_programs_database_is_set_aside():
    with sqlite3.connect(place()) as other:
        other.execute("CREATE TABLE theirs (x)")
    other.close()
    quick()
    assert "was damaged" in problem()
    assert len(entries()) == 1
    assert sql("SELECT name FROM sqlite_master", aside()[0]) == [("theirs",)]


def test_a_locked_file_is_written_when_it_is_free(fake_server):
    quick("before")
    assert len(entries()) == 1
    holder = sqlite3.connect(place(), isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    fake_server.script(text("Hello"), finish())
    stream(fake_server, "meanwhile").response.wait(5)
    quick("and another")
    words = problem()
    assert "another program holds it locked. They are when it is free again." in words
    assert not journal().flush(0.1)
    holder.execute("COMMIT")
    holder.close()
    assert [entry.begun.question for entry in entries()] == ["before", "meanwhile", "and another"]
    quick("later")
    assert journal().flush()
    assert journal().problems() == []


def test_a_read_only_file_is_left_alone():
    before_all()
    with place().open("r+b") as file:  # a format that SQLite reads and does not write, whoever runs this
        file.seek(18)
        file.write(b"\x03")
    before = place().read_bytes()
    quick("not kept")
    words = problem()
    assert "attempt to write a readonly database" in words
    assert "journal=False" in words
    assert place().read_bytes() == before


@pytest.mark.parametrize("what", ["a file in the place of its folder", "a folder in its place"])
def test_a_place_where_no_file_can_be(what):
    if what == "a folder in its place":
        place().mkdir()
    else:
        folder = place().parent
        folder.rmdir()
        folder.write_text("in the way")
    quick()
    assert "are not written to the journal" in problem()
    with pytest.raises(JournalError), journal().shelf():
        pass


FULL = """
import resource, signal, sys, time
import gemini_magic
from gemini_magic.journaling import journal
ECHO = {echo!r}
gemini_magic.ask("before", **ECHO)
journal().flush()
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, resource.getrlimit(resource.RLIMIT_FSIZE)[1]))
import os
answer = gemini_magic.ask(os.urandom(200_000).hex(), **ECHO)
journal().flush(0.5)
print(answer.status, len(answer.text))
print(journal().problems())
print(journal().problems())
later = gemini_magic.ask("later", **ECHO)
print(later.status)
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.getrlimit(resource.RLIMIT_FSIZE)[1]))
print(journal().flush(10))
"""


def test_a_disk_that_takes_no_more():
    said = subprocess.run(
        [sys.executable, "-c", FULL.format(echo=ECHO)], capture_output=True, text=True, check=True, timeout=60
    )
    status, problems, again, later, written = said.stdout.splitlines()
    assert status == "complete 400000"
    assert "are not written to the journal" in problems
    assert (again, later, written) == ("[]", "complete", "True")
    assert [entry.status for entry in entries()] == ["complete"] * 3  # it had room again
    assert len(reopened(2).text) == 400_000


def test_a_newer_file_is_left_alone():
    before_all()
    sql("PRAGMA user_version=99")
    sql("PRAGMA wal_checkpoint(TRUNCATE)")
    before = place().read_bytes()
    quick("not kept")
    words = problem()
    assert (
        "it is of a newer gemini_magic (version 99). Update gemini_magic; the file stays as it is." in words
    )
    assert place().read_bytes() == before
    with pytest.raises(JournalError, match="newer gemini_magic"), journal().shelf():
        pass


def test_a_mistake_of_ours_costs_the_journal_and_no_answer(monkeypatch):
    monkeypatch.setattr(store.Database, "write", lambda *_: 1 / 0)
    quick()
    assert "ZeroDivisionError: division by zero" in problem()


def test_the_next_answers_notes_tell_what_is_wrong():
    place().mkdir()
    assert quick().notes == []
    until(lambda: journal()._news)
    (note,) = quick("again").notes
    assert (note.kind, note.severity) == ("journal", "warning")
    assert str(place()) in note.message
    assert quick("and again").notes == []


def test_what_waits_for_a_file_does_not_wait_for_ever(monkeypatch):
    monkeypatch.setattr("gemini_magic.journal.writer._PATIENCE", 0.2)
    place().mkdir()
    quick()
    problem()
    until(lambda: not journal()._runs)
    monkeypatch.setattr("gemini_magic.journal.writer._PATIENCE", 60)
    monkeypatch.setattr("gemini_magic.journal.writer._HELD", 3)
    for number in range(6):
        quick(str(number))
    until(lambda: len(journal()._runs) == 3)


# ------------------------------------------------------------------------------------------ numbered steps


def test_an_older_file_is_brought_up_to_date_once_by_whoever_comes_first(monkeypatch):
    before_all()
    more = (*schema.STEPS, ("ALTER TABLE run ADD COLUMN mood TEXT NOT NULL DEFAULT 'good'",))
    monkeypatch.setattr(store, "STEPS", more)
    with store.Database(place()) as one, store.Database(place()) as two:
        assert one.fact("told") is two.fact("told") is None
    assert sql("PRAGMA user_version") == [(2,)]
    assert sql("SELECT mood, question FROM run") == [("good", "before")]
    quick("after")
    assert found("after") == ["after"]
    assert len(entries()) == 2


def test_a_step_that_fails_leaves_the_file_as_it_was(monkeypatch):
    before_all()
    more = (*schema.STEPS, ("ALTER TABLE run ADD COLUMN mood TEXT", "CREATE TABLE run (x)"))
    monkeypatch.setattr(store, "STEPS", more)
    quick("after")
    assert "table run already exists" in problem()
    assert sql("PRAGMA user_version") == [(len(schema.STEPS),)]
    assert "mood" not in str(sql("SELECT sql FROM sqlite_master"))


def test_a_block_that_is_damaged_costs_what_comes_after_it(fake_server):
    fake_server.script(text("Hello"), gate("go"), text(" world"), finish())
    answer = stream(fake_server)
    until(lambda: place().exists() and reopened_text() == "Hello")
    fake_server.open("go")
    answer.response.wait(5)
    assert entries()[0].ended.answer == "Hello world"
    sql("UPDATE block SET lines = zeroblob(50) WHERE id = (SELECT max(id) FROM block)")
    assert reopened(1).text == "Hello"
    sql("UPDATE block SET lines = zeroblob(50)")
    with pytest.raises(JournalError, match="Answer 1 of the journal holds no exchange") as raised:
        reopened(1)
    assert "`%gemini journal forget 1` removes it." in raised.value.remedy


def reopened_text():
    return reopened(1).text if entries() else ""
