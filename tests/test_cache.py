"""`--cache`: an identical request is answered from the journal, and everything shows it."""

from __future__ import annotations

import pytest
from fake_server import cut, event, finish, text
from interactions_server import answer as interaction
from interactions_server import text as words

import gemini_magic
from gemini_magic.content import Blob, Text, Turn
from gemini_magic.errors import GeminiMagicError, OptionError
from gemini_magic.journaling import journal
from gemini_magic.response import Response

PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c4890000000d49444154789c6360606060000000050001a5f645400000000049454e44ae426082"
)


@pytest.fixture(autouse=True)
def _key(monkeypatch):
    monkeypatch.setenv("FAKE_KEY", "a-key-for-the-fake-server")


def asked(server, prompt="hi", **options):
    given = {"model": "a-1", "cache": True, "retries": 0, "speed": 0, "key_env": "FAKE_KEY"} | options
    return gemini_magic.ask(prompt, base_url=server.base_url, **given)


def numbered(server, count):
    for number in range(count):
        server.script(text(f"answer {number}"), finish())


def test_the_second_identical_request_is_answered_from_the_journal(fake_server):
    numbered(fake_server, 2)
    first, second = asked(fake_server, price="1,2"), asked(fake_server, price="1,2")
    assert (first.text, second.text, len(fake_server.requests)) == ("answer 0", "answer 0", 1)
    assert second.ledger.source == "cache"
    assert "from the cache" in second._repr_mimebundle_()["text/plain"]
    assert second.raw == first.raw
    assert [chunk.t for chunk in second.raw_chunks] == [round(chunk.t, 6) for chunk in first.raw_chunks]
    assert first.cost.amount > 0
    assert (second.cost.amount, str(second.cost), second.cost.source) == (0, "$0", "cache")
    [note] = [note for note in second.notes if note.kind == "cache"]
    assert first.started.astimezone().isoformat(" ", "seconds") in note.message
    assert "Nothing was sent" in note.message


def test_an_answer_of_the_cache_is_not_written_to_the_journal_again(fake_server):
    numbered(fake_server, 1)
    for _ in range(3):
        asked(fake_server, journal=True)
    with journal().reader() as reader:
        assert reader.summary().answers == 1


def test_an_answer_of_the_cache_needs_no_key(fake_server, monkeypatch):
    numbered(fake_server, 1)
    asked(fake_server)
    monkeypatch.delenv("FAKE_KEY")
    assert asked(fake_server).text == "answer 0"


def test_it_is_off_by_default(fake_server):
    numbered(fake_server, 2)
    asked(fake_server, cache=True)
    assert asked(fake_server, cache=False).text == "answer 1"


@pytest.mark.parametrize(
    "changed",
    [
        {"model": "b-1"},
        {"prompt": "hi!"},
        {"temperature": 0.5},
        {"system": "Be brief."},
        {"schema": "n int"},
        {"search": True},
        {"param": {"topK": 3}},
        {"turns": (Turn("user", (Text("before"),)),)},
        {"api_version": "v1"},
        {"attach": PNG},
    ],
)
def test_a_request_that_differs_is_sent(fake_server, changed):
    numbered(fake_server, 2)
    asked(fake_server)
    other = asked(fake_server, **changed)
    assert other.ledger.source == "network"
    assert len(fake_server.requests) == 2


def test_an_uploaded_file_is_not_uploaded_again(upload_server, tmp_path):
    path = tmp_path / "long.png"
    path.write_bytes(PNG + bytes(200_000))
    options = {
        "base_url": upload_server.base_url,
        "inline_limit": 0.1,
        "cache": True,
        "speed": 0,
        "model": "m",
    }
    first = gemini_magic.ask("What is it?", attach=str(path), key_env="FAKE_KEY", **options)
    assert len(upload_server.files) == 1
    sent = len(upload_server.requests)
    again = gemini_magic.ask("What is it?", attach=str(path), key_env="FAKE_KEY", **options)
    assert (again.text, again.ledger.source) == (first.text, "cache")
    assert len(upload_server.requests) == sent


def test_another_host_or_backend_is_asked(fake_server):
    numbered(fake_server, 1)
    asked(fake_server)
    elsewhere = asked(fake_server, backend="echo")
    assert elsewhere.ledger.source == "echo"


def test_options_that_do_not_change_the_request_find_the_answer(fake_server):
    numbered(fake_server, 1)
    asked(fake_server)
    again = asked(fake_server, timeout=5, stall_timeout=3, images="none", format="text", temperature=None)
    assert again.ledger.source == "cache"


def test_the_same_bytes_as_another_type_are_sent(fake_server):
    numbered(fake_server, 2)
    asked(fake_server, attach=Blob("application/pdf", b"%PDF-1.4"))
    assert asked(fake_server, attach=Blob("application/pdf", b"%PDF-1.4")).ledger.source == "cache"
    assert asked(fake_server, attach=Blob("text/plain", b"%PDF-1.4")).ledger.source == "network"


def test_media_are_compared_by_their_content(fake_server, tmp_path):
    numbered(fake_server, 2)
    one, other = tmp_path / "one.png", tmp_path / "other.png"
    one.write_bytes(PNG)
    other.write_bytes(PNG)
    asked(fake_server, attach=str(one))
    assert asked(fake_server, attach=str(other)).ledger.source == "cache"
    other.write_bytes(PNG + b"\0")
    assert asked(fake_server, attach=str(other)).ledger.source == "network"


@pytest.mark.parametrize(
    "steps",
    [
        (text("half"), cut()),
        (text("half"), finish("MAX_TOKENS")),
        (text("no"), finish("SAFETY")),
        (
            event(
                {
                    "candidates": [
                        {"content": {"parts": [{"functionCall": {"name": "f", "args": {}}}]}, "index": 0}
                    ]
                }
            ),
            finish(),
        ),
    ],
    ids=["cut", "truncated", "blocked", "calls a function"],
)
def test_an_answer_that_cannot_be_given_again_is_requested_again(fake_server, steps):
    fake_server.script(*steps)
    fake_server.script(text("whole"), finish())
    asked(fake_server)
    assert asked(fake_server).text == "whole"
    assert len(fake_server.requests) == 2


def test_an_answer_that_does_not_fit_its_schema_is_requested_again(fake_server):
    fake_server.script(text("no JSON"), finish())
    fake_server.script(text('{"n": 1}'), finish())
    asked(fake_server, schema="n int")
    assert asked(fake_server, schema="n int").parsed == {"n": 1}
    assert asked(fake_server, schema="n int").ledger.source == "cache"
    assert len(fake_server.requests) == 2


def test_a_journal_that_is_off_is_an_error(fake_server, monkeypatch):
    with pytest.raises(OptionError, match="--cache needs the journal, which is off") as caught:
        asked(fake_server, journal=False)
    assert "journal=False" in caught.value.remedy
    monkeypatch.setattr(type(journal()), "unavailable", lambda _: "this Python has no SQLite")
    with pytest.raises(OptionError, match="no SQLite"):
        asked(fake_server)
    assert fake_server.requests == []


def test_a_journal_that_cannot_be_read_is_an_error(fake_server):
    numbered(fake_server, 1)
    path = journal().path
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"not a database, and longer than the head of one" * 9)
    with pytest.raises(GeminiMagicError, match="journal cannot be used"):
        asked(fake_server)
    assert fake_server.requests == []


def test_a_forgotten_answer_is_requested_again(fake_server):
    numbered(fake_server, 2)
    asked(fake_server)
    with journal().reader() as reader:
        reader.forget(reader.newest(1))
    assert asked(fake_server).text == "answer 1"


def test_a_recording_takes_precedence(fake_server, tmp_path):
    numbered(fake_server, 1)
    path = tmp_path / "r.jsonl"
    asked(fake_server, record=str(path))
    assert asked(fake_server, replay=str(path)).ledger.source == "recording"


def test_a_stream_of_the_cache_yields_its_events(fake_server):
    numbered(fake_server, 1)
    asked(fake_server)
    options = {"model": "a-1", "base_url": fake_server.base_url, "cache": True, "speed": 0}
    source = gemini_magic.stream("hi", **options)
    assert [each.part.text for each in source if hasattr(each, "part")][:1] == ["answer 0"]


def test_repetitions_are_distinct(fake_server):
    numbered(fake_server, 4)
    options = {
        "model": "a-1",
        "base_url": fake_server.base_url,
        "key_env": "FAKE_KEY",
        "cache": True,
        "speed": 0,
    }
    first = asked(fake_server)
    two = gemini_magic.compare("hi", repeat=2, **options)
    assert [each.ledger.source for each in two] == ["cache", "network"]
    assert two[0].text == first.text
    three = gemini_magic.compare("hi", repeat=3, **options)
    assert [each.ledger.source for each in three] == ["cache", "cache", "network"]
    assert [each.text for each in three][:2] == [each.text for each in two]
    assert next(iter(three.table)).cost == 0
    assert len(fake_server.requests) == 3


def test_a_reply_to_an_answer_of_the_cache_is_sent_once(fake_server):
    numbered(fake_server, 2)
    asked(fake_server)
    assert asked(fake_server).reply("and?").text == "answer 1"
    again: Response = asked(fake_server).reply("and?")
    assert (again.text, again.ledger.source) == ("answer 1", "cache")


def test_an_entry_of_an_older_version_is_not_found_and_stays(fake_server):
    """Answers that were written before the journal stored what was asked have no identity."""
    numbered(fake_server, 2)
    asked(fake_server)
    with journal().reader() as reader:
        reader._db.execute("UPDATE run SET identity = NULL")
    assert asked(fake_server).text == "answer 1"


def test_an_answer_whose_stream_was_resumed_is_given_again_whole(interactions_server):
    server = interactions_server
    server.plan(interaction(words("One, ", "two, ", "three.")), cuts=(5,))
    given = {"backend": "interactions", "server_store": True}
    first = asked(server, retries=1, **given)
    assert (first.text, len(first.attempts)) == ("One, two, three.", 2)
    second = asked(server, **given)
    assert (second.text, second.status, second.ledger.source) == ("One, two, three.", "complete", "cache")
    assert len(server.asked("create")) == 1
    assert "resumed once" in second._repr_mimebundle_()["text/plain"]
