import os

from fake_server import finish, text
from media_samples import ledger_of, picture

from gemini_magic.api import begin
from gemini_magic.config import Options
from gemini_magic.content import Blob, Text
from gemini_magic.events import Usage
from gemini_magic.notebook.session import Run, Session
from gemini_magic.prompts import build_request
from gemini_magic.response import Response


def ask(session, text, *media, cell=None, message=None, **settings):
    options = Options(**{"backend": "echo", **settings})
    key = session.turn_key(cell, message)
    conversation = session.conversation(options)
    turns = conversation.before(key)
    request = build_request((Text(text), *media), options, turns)
    response = begin(request, options).response.wait(60)
    run = Run(response, request, options, conversation, len(turns), key)
    session.add_run(run)
    session.finish_run(run)
    return [turn.text for turn in request.turns]


def test_a_cell_that_runs_again_replaces_its_turn_in_place():
    session = Session()
    ask(session, "a", cell="1", message="m1", chat="tom")
    ask(session, "b", cell="2", message="m2", chat="tom")
    assert ask(session, "A", cell="1", message="m3", chat="tom") == ["A"]
    assert [turn.text for turn in session.chats["tom"].turns] == ["A", "A", "b", "b"]
    assert ask(session, "c", cell="3", message="m4", chat="tom") == ["A", "A", "b", "b", "c"]


def test_calls_in_a_loop_in_one_cell_are_separate_turns():
    session = Session()
    for _ in range(2):  # the cell is run twice
        message = str(_)
        ask(session, "a", cell="1", message=message, chat="tom")
        ask(session, "b", cell="1", message=message, chat="tom")
    assert [turn.text for turn in session.chats["tom"].turns] == ["a", "a", "b", "b"]


def test_without_a_cell_id_every_run_is_a_new_turn():
    session = Session()
    ask(session, "a", chat="tom")
    ask(session, "a", chat="tom")
    assert len(session.chats["tom"]) == 2


def test_tokens_are_added_up_but_not_those_of_replays_and_offline_answers(fake_server, tmp_path):
    session = Session()
    fake_server.model("m", text("a"), finish())
    server = {"backend": "gemini", "model": "m", "base_url": fake_server.base_url}
    ask(session, "one two")
    assert (session.usage, session.request_count) == (Usage(), 0)
    ask(session, "one two", **server, record=str(tmp_path / "r.jsonl"))
    ask(session, "three", **server)
    ask(session, "one two", **server, replay=str(tmp_path / "r.jsonl"), speed=0)
    _, first, second, replayed = (run.response.usage.total for run in session.runs)
    assert replayed == first > 0
    assert (session.usage.total, session.usage.cached) == (first + second, None)
    assert session.request_count == 2


def test_the_oldest_runs_are_removed_when_all_use_too_much_memory(monkeypatch):
    session = Session()
    ask(session, "first " * 50)
    size = sum(len(piece) for _, piece in session.runs[0].response.ledger.exchanges[0].pieces)
    monkeypatch.setattr("gemini_magic.notebook.session._MAX_BYTES", 2 * size + 100)
    for word in ("again ", "third "):
        ask(session, word * 50)
    assert [run.response.text[:5] for run in session.runs] == ["again", "third"]
    ask(session, "large " * 200)  # larger than the limit, but the newest
    assert [run.response.text[:5] for run in session.runs] == ["large"]


def test_the_media_of_a_run_count_once_as_memory(monkeypatch):
    monkeypatch.setattr("gemini_magic.notebook.session._MAX_BYTES", 100_000)
    session = Session()
    picture = Blob("image/png", os.urandom(40_000))
    for word in ("first", "again"):
        ask(session, word, picture, picture)
    assert [run.response.text for run in session.runs] == ["first", "again"]
    ask(session, "third", Blob("image/png", os.urandom(40_000)))
    assert [run.response.text for run in session.runs] == ["again", "third"]


def with_picture(session, size, cell=None, message=None):
    """Ask for an answer with a picture of so many bytes."""
    key = session.turn_key(cell, message)
    options = Options(backend="echo", media_size=session.media_room(key, 4.0))
    response = Response(ledger_of("Here.", picture(8, 8, size=size)))
    response.ledger.display = response.ledger.display._replace(media_size=options.media_size)
    request = build_request((Text("Draw."),), options, ())
    session.finish_run(Run(response, request, options, session.conversation(options), 0, key))
    return options.media_size


def test_the_media_of_all_answers_in_the_notebook_share_one_limit():
    session = Session()
    assert with_picture(session, 1_500_000, "1", "m1") == 4.0
    assert round(with_picture(session, 1_200_000, "2", "m2"), 2) == 2.0
    left = with_picture(session, 1_500_000, "3", "m3")
    assert round(left, 2) == 0.4
    assert (
        with_picture(session, 100, "4", "m4") == left
    )  # the picture before did not fit, so nothing of it is stored


def test_a_cell_that_runs_again_replaces_its_media():
    session = Session()
    with_picture(session, 1_500_000, "1", "m1")
    assert round(with_picture(session, 600_000, "1", "m1"), 2) == 2.0  # a second call in the same cell
    assert with_picture(session, 1_500_000, "1", "m2") == 4.0


def test_without_cell_ids_each_answer_has_the_limit_for_itself():
    session = Session()
    assert with_picture(session, 1_500_000) == with_picture(session, 1_500_000) == 4.0
