"""Media in the journal: each is stored once, within the limits, and removed with the last answer that has it."""

import json
import os
import sqlite3
from contextlib import closing

import pytest
from fake_server import finish, text
from journal_stage import ask, entries, on_disk, reopened, sql

from gemini_magic.content import Blob, Text
from gemini_magic.journal.migrations import APPLICATION_ID, MIGRATIONS
from gemini_magic.journaling import journal
from gemini_magic.recording import read_recording

PICTURE = Blob("image/png", os.urandom(300_000))


def asked(server, question, *media, **options):
    server.script(text("A cat."), finish())
    return ask(server, (Text(question), *media), **options)


def stored():
    return [row[0] for row in sql("SELECT digest FROM media ORDER BY digest")]


def test_a_medium_of_several_answers_is_stored_once(fake_server):
    for question in ("What?", "Why?", "When?"):
        asked(fake_server, question, PICTURE, PICTURE)
    assert journal().flush()
    assert stored() == [PICTURE.digest]
    assert on_disk().count(PICTURE.data[:100]) <= 2  # the table, and its page in the write-ahead log
    assert len(on_disk()) < 3 * len(PICTURE.data)


def test_an_entry_has_its_media_again(fake_server, tmp_path):
    asked(fake_server, "What?", PICTURE)
    response = reopened(entries()[-1].id)
    exchange = response.ledger.exchanges[0]
    assert exchange.media[PICTURE.digest].data == PICTURE.data
    assert json.loads(exchange.body)["contents"][0]["parts"][1]["inlineData"] == {
        "mimeType": "image/png",
        "data": f"sha256:{PICTURE.digest}",
    }
    response.save(tmp_path / "saved.jsonl")
    assert read_recording(tmp_path / "saved.jsonl")[0].media[PICTURE.digest].data == PICTURE.data


def test_a_medium_is_removed_with_the_last_answer_that_has_it(fake_server):
    asked(fake_server, "What?", PICTURE)
    asked(fake_server, "Why?", PICTURE)
    first, second = (entry.id for entry in entries())
    with journal().reader() as reader:
        reader.forget([first])
    assert stored() == [PICTURE.digest]
    with journal().reader() as reader:
        assert reader.forget([second])
    assert stored() == []
    assert sql("SELECT * FROM run_media") == []
    assert PICTURE.data[:100] not in on_disk()


def test_the_size_limit_counts_media(fake_server):
    pictures = [Blob("image/png", os.urandom(150_000)) for _ in range(10)]
    for number, picture in enumerate(pictures):
        asked(fake_server, f"Question {number}", picture, journal_size=1.0)
        journal().flush()
    left = [entry.start.question for entry in entries()]
    assert "Question 0" not in left
    assert left[-1] == "Question 9"
    assert len(stored()) == len(left)


def test_a_medium_that_is_large_for_the_journal_is_not_stored(fake_server):
    asked(fake_server, "What?", PICTURE, journal_size=1.0)
    journal().flush()
    assert stored() == []
    exchange = reopened(entries()[-1].id).ledger.exchanges[0]
    assert exchange.media[PICTURE.digest][1:] == ("image/png", len(PICTURE.data), None)


def test_a_journal_of_the_first_version_is_migrated_and_keeps_its_answers(fake_server):
    path = journal().path
    path.parent.mkdir(parents=True, exist_ok=True)
    with closing(sqlite3.connect(path, isolation_level=None)) as database:
        for statement in MIGRATIONS[0]:
            database.execute(statement)
        database.execute("PRAGMA user_version=1")
        database.execute(f"PRAGMA application_id={APPLICATION_ID}")
        database.execute(
            "INSERT INTO run (started, heartbeat, host, pid, start_time, model, backend, question, before, status, answer)"
            " VALUES (1, 1, 'h', 1, '', 'm', 'gemini', 'old question', '', 'complete', 'old answer')"
        )
    asked(fake_server, "What?", PICTURE)
    assert [entry.start.question for entry in entries()] == ["old question", "What?"]
    assert sql("PRAGMA user_version") == [(len(MIGRATIONS),)]
    assert stored() == [PICTURE.digest]


@pytest.mark.parametrize("size", [0.05, 500])
def test_an_answer_with_media_is_written_whatever_the_limit(fake_server, size):
    asked(fake_server, "What?", PICTURE, journal_size=size)
    assert reopened(entries()[-1].id).text == "A cat."
