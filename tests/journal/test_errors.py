"""A problem with the journal's file never affects an answer; it is reported once, and no data is lost needlessly."""

import sqlite3
import subprocess
import sys
import time

import pytest
from calibration import assert_soon
from client_stage import until
from fake_server import finish, gate, text
from journal_stage import ECHO, entries, found, reopened, run, sql, stream

import gemini_magic
from gemini_magic.errors import JournalError
from gemini_magic.journal import database, migrations
from gemini_magic.journaling import journal


@pytest.fixture(autouse=True)
def _short_waits(monkeypatch):
    """A failed file is tried again at once, and a lock is waited for briefly."""
    monkeypatch.setattr("gemini_magic.journal.writer._RETRY", 0.05)
    database_init = database.Database.__init__
    monkeypatch.setattr(
        database.Database, "__init__", lambda self, path, *, wait=0.1: database_init(self, path, wait=wait)
    )


def quick(prompt="hello there", **options):
    """Return an answer that must arrive at once, whatever is wrong with the journal."""
    began = time.perf_counter()
    answer = gemini_magic.ask(prompt, **{**ECHO, **options})
    assert_soon(time.perf_counter() - began, 2)
    assert (answer.status, answer.text) == ("complete", prompt)
    return answer


def problem():
    """Return the only problem that the journal reports."""
    problems = []
    until(lambda: problems.extend(journal().take_problems()) or problems)
    assert len(problems) == 1
    assert journal().take_problems() == []
    return problems[0]


def write_one_answer():
    """Write one answer in another process, which ends."""
    run(f"import gemini_magic; gemini_magic.ask('before', **{ECHO!r})")
    sql("PRAGMA wal_checkpoint(TRUNCATE)")


def place():
    path = journal().path
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


def damaged_files():
    return [path for path in place().parent.iterdir() if "damaged" in path.name]


def test_a_file_that_is_not_a_journal_is_renamed_and_a_new_one_created():
    place().write_bytes(b"not a database, " * 100)
    quick()
    message = problem()
    assert message.startswith("The journal was damaged. It was renamed to ")
    assert message.endswith(", and a new journal was created.")
    assert [entry.end.answer for entry in entries()] == ["hello there"]
    (other,) = damaged_files()
    assert str(other) in message
    assert other.read_bytes() == b"not a database, " * 100
    quick("again")
    assert (len(entries()), journal().take_problems()) == (2, [])


def test_when_the_file_is_damaged_in_mid_answer_the_whole_answer_is_written_to_the_new_one(fake_server):
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
    answer.response.wait(60)
    assert "was damaged" in problem()
    assert [entry.end.answer for entry in entries()] == ["Hello world"]
    assert reopened(1).text == "Hello world"
    assert len(damaged_files()) >= 1


def test_a_database_of_another_program_is_renamed():
    with sqlite3.connect(place()) as other:
        other.execute("CREATE TABLE theirs (x)")
    other.close()
    quick()
    assert "was damaged" in problem()
    assert len(entries()) == 1
    assert sql("SELECT name FROM sqlite_master", damaged_files()[0]) == [("theirs",)]


def test_answers_are_written_when_a_lock_is_released(fake_server):
    quick("before")
    assert len(entries()) == 1
    holder = sqlite3.connect(place(), isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    fake_server.script(text("Hello"), finish())
    stream(fake_server, "meanwhile").response.wait(60)
    quick("and another")
    message = problem()
    assert "another program has locked it. They will be written when the lock is released." in message
    assert not journal().flush(0.1)
    holder.execute("COMMIT")
    holder.close()
    assert [entry.start.question for entry in entries()] == ["before", "meanwhile", "and another"]
    quick("later")
    assert journal().flush()
    assert journal().take_problems() == []


def test_a_read_only_file_is_not_changed():
    write_one_answer()
    with place().open("r+b") as file:  # a format version that SQLite only reads, also as root
        file.seek(18)
        file.write(b"\x03")
    before = place().read_bytes()
    quick("not kept")
    message = problem()
    assert "attempt to write a readonly database" in message
    assert "journal=False" in message
    assert place().read_bytes() == before


@pytest.mark.parametrize("obstacle", ["a file instead of the folder", "a folder instead of the file"])
def test_a_path_where_no_file_can_be_created_is_reported(obstacle):
    if obstacle == "a folder instead of the file":
        place().mkdir()
    else:
        folder = place().parent
        folder.rmdir()
        folder.write_text("in the way")
    quick()
    assert "are not being written to the journal" in problem()
    with pytest.raises(JournalError), journal().reader():
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
print(journal().take_problems())
print(journal().take_problems())
later = gemini_magic.ask("later", **ECHO)
print(later.status)
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.getrlimit(resource.RLIMIT_FSIZE)[1]))
print(journal().flush(10))
"""


def test_answers_are_written_when_a_full_disk_has_room_again():
    done = subprocess.run(
        [sys.executable, "-c", FULL.format(echo=ECHO)], capture_output=True, text=True, check=True, timeout=60
    )
    status, problems, again, later, written = done.stdout.splitlines()
    assert status == "complete 400000"
    assert "are not being written to the journal" in problems
    assert (again, later, written) == ("[]", "complete", "True")
    assert [entry.status for entry in entries()] == ["complete"] * 3
    assert len(reopened(2).text) == 400_000


def test_a_file_of_a_newer_version_is_not_changed():
    write_one_answer()
    sql("PRAGMA user_version=99")
    sql("PRAGMA wal_checkpoint(TRUNCATE)")
    before = place().read_bytes()
    quick("not kept")
    message = problem()
    assert (
        "a newer gemini_magic wrote it (version 99). Update gemini_magic; the file is left unchanged."
        in message
    )
    assert place().read_bytes() == before
    with pytest.raises(JournalError, match="newer gemini_magic"), journal().reader():
        pass


def test_a_bug_in_the_journal_does_not_affect_an_answer(monkeypatch):
    monkeypatch.setattr(database.Database, "write", lambda *_: 1 / 0)
    quick()
    assert "ZeroDivisionError: division by zero" in problem()


def test_the_next_answer_has_a_note_about_the_problem():
    place().mkdir()
    assert quick().notes == []
    until(lambda: journal()._problems)
    (note,) = quick("again").notes
    assert (note.kind, note.severity) == ("journal", "warning")
    assert str(place()) in note.message
    assert quick("and again").notes == []


def test_answers_are_not_held_in_memory_for_ever_when_the_file_cannot_be_written(monkeypatch):
    monkeypatch.setattr("gemini_magic.journal.writer._MAX_HOLD", 0.2)
    place().mkdir()
    quick()
    problem()
    until(lambda: not journal()._runs)
    monkeypatch.setattr("gemini_magic.journal.writer._MAX_HOLD", 60)
    monkeypatch.setattr("gemini_magic.journal.writer._MAX_HELD", 3)
    for number in range(6):
        quick(str(number))
    until(lambda: len(journal()._runs) == 3)


# ------------------------------------------------------------------------------------------ migrations


def test_an_older_file_is_migrated_once(monkeypatch):
    write_one_answer()
    more = (*migrations.MIGRATIONS, ("ALTER TABLE run ADD COLUMN mood TEXT NOT NULL DEFAULT 'good'",))
    monkeypatch.setattr(database, "MIGRATIONS", more)
    with database.Database(place()) as one, database.Database(place()) as two:
        assert one.metadata("introduced") is two.metadata("introduced") is None
    assert sql("PRAGMA user_version") == [(len(more),)]
    assert sql("SELECT mood, question FROM run") == [("good", "before")]
    quick("after")
    assert found("after") == ["after"]
    assert len(entries()) == 2


def test_a_failed_migration_leaves_the_file_unchanged(monkeypatch):
    write_one_answer()
    more = (*migrations.MIGRATIONS, ("ALTER TABLE run ADD COLUMN mood TEXT", "CREATE TABLE run (x)"))
    monkeypatch.setattr(database, "MIGRATIONS", more)
    quick("after")
    assert "table run already exists" in problem()
    assert sql("PRAGMA user_version") == [(len(migrations.MIGRATIONS),)]
    assert "mood" not in str(sql("SELECT sql FROM sqlite_master"))


def test_an_entry_with_a_damaged_block_is_read_up_to_it(fake_server):
    fake_server.script(text("Hello"), gate("go"), text(" world"), finish())
    answer = stream(fake_server)
    until(lambda: place().exists() and reopened_text() == "Hello")
    fake_server.open("go")
    answer.response.wait(60)
    assert entries()[0].end.answer == "Hello world"
    sql("UPDATE block SET lines = zeroblob(50) WHERE id = (SELECT max(id) FROM block)")
    assert reopened(1).text == "Hello"
    sql("UPDATE block SET lines = zeroblob(50)")
    with pytest.raises(JournalError, match="Answer 1 of the journal contains no exchange") as raised:
        reopened(1)
    assert "`%gemini journal forget 1` removes it." in raised.value.remedy


def reopened_text():
    return reopened(1).text if entries() else ""
