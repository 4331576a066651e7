"""Stored answers are remembered when they begin, and stopped on the server when the user stops them."""

import gc
import os
import subprocess
import sys
import threading
import weakref

import pytest
from client_stage import until
from fake_server import status
from interactions_server import answer, refusal, stream_of, text

import gemini_magic
from gemini_magic.client.server_cancel import ServerCancel, ServerCancelled
from gemini_magic.errors import Interrupted
from gemini_magic.journaling import journal, started_interactions

KEY = "AIzaINTERACTIONS0123456789abcdefghijklm"


@pytest.fixture(autouse=True)
def _key(monkeypatch):
    monkeypatch.setenv("STORED_KEY", KEY)


def options(server, **more):
    return {
        "backend": "interactions",
        "base_url": server.base_url,
        "key_env": "STORED_KEY",
        "timeout": 60,
        **({} if "agent" in more else {"model": "m"}),
        **more,
    }


def agent(server, **more):
    return options(server, agent="antigravity-1", server_background=True, **more)


def begun(server, **more):
    """A stream of a background run that has sent its first words and then waits."""
    server.plan(answer(text("Working", " done")), gates={4: "open"})
    stream = gemini_magic.stream("Why?", **{**agent(server), **more})
    for _ in stream:
        if stream.response.text:
            return stream
    raise AssertionError(stream.response.error)


def test_a_stored_answer_is_remembered_with_its_server_and_its_last_state(interactions_server):
    response = gemini_magic.ask("Why\nnot?", **options(interactions_server, server_store=True))
    assert response.ok
    until(
        lambda: started_interactions().all()[0].status == "completed"
    )  # it is written after the answer ends
    [found] = started_interactions().all()
    assert (found.id, found.name, found.is_agent, found.background, found.status, found.question) == (
        response.response_id,
        "m",
        False,
        False,
        "completed",
        "Why not?",
    )
    assert found.server == {
        "backend": "interactions",
        "base_url": interactions_server.base_url,
        "key_env": "STORED_KEY",
    }
    assert abs(found.started - response.started.timestamp()) < 1
    assert KEY not in repr(found)


def test_an_agent_is_remembered_by_its_name_while_it_runs(interactions_server):
    stream = begun(interactions_server)
    until(lambda: started_interactions().all())
    [found] = started_interactions().all()
    assert (found.name, found.is_agent, found.background, found.status) == (
        "antigravity-1",
        True,
        True,
        "in_progress",
    )
    stream.close()


def test_an_answer_that_the_server_does_not_store_is_not_remembered(interactions_server):
    assert gemini_magic.ask("Why?", **options(interactions_server)).ok
    assert started_interactions().all() == []


def test_without_a_journal_the_question_is_not_kept(interactions_server):
    gemini_magic.ask("secret", **options(interactions_server, server_store=True, journal=False))
    assert [each.question for each in started_interactions().all()] == [""]


def test_a_list_that_cannot_be_written_is_a_warning_with_the_id(interactions_server, monkeypatch):
    monkeypatch.setattr(
        "gemini_magic.client.started_interactions.replace_private",
        lambda *_: (_ for _ in ()).throw(PermissionError(13, "Permission denied")),
    )
    response = gemini_magic.ask("Why?", **options(interactions_server, server_store=True))
    assert response.ok
    [note] = [note for note in response.notes if note.kind == "not-remembered"]
    assert note.severity == "warning"
    assert response.response_id in note.message
    assert "Permission denied" in note.message


def test_a_stopped_background_run_is_cancelled_on_the_server(interactions_server):
    stream = begun(interactions_server)
    stream.close()
    assert stream.response.stream.wait_stopped(30)
    assert interactions_server.cancelled == [stream.response.response_id]
    [request] = interactions_server.asked("cancel")
    assert request.headers["x-goog-api-key"] == KEY
    error = stream.response.error
    assert isinstance(error, Interrupted)
    assert error.message == "Stopped after 7 characters. It was cancelled on the server."
    assert [each.status for each in started_interactions().all()] == ["cancelled"]
    assert "cancelled" in [note.kind for note in stream.response.notes]


def test_a_cancellation_that_fails_for_a_moment_is_repeated(interactions_server, monkeypatch):
    monkeypatch.setattr("gemini_magic.client.server_cancel._PAUSES", (0.0, 0.0))
    stream = begun(interactions_server)
    interactions_server.fail("cancel", refusal(503, "service_unavailable", "Busy."), times=2)
    stream.close()
    assert stream.response.stream.wait_stopped(30)
    assert len(interactions_server.asked("cancel")) == 3
    assert stream.response.error.message.endswith("It was cancelled on the server.")


@pytest.mark.parametrize("code", [400, 403, 404])
def test_a_cancellation_that_the_server_refuses_is_a_warning(interactions_server, code):
    stream = begun(interactions_server)
    interactions_server.fail("cancel", refusal(code, "failed_precondition", f"No, {KEY}."))
    stream.close()
    assert stream.response.stream.wait_stopped(30)
    assert len(interactions_server.asked("cancel")) == 1
    [note] = [note for note in stream.response.notes if note.kind == "not-cancelled"]
    assert note.severity == "warning"
    assert f"`%gemini interactions cancel {stream.response.response_id}` tries again." in note.message
    assert note.message in stream.response.error.message
    assert KEY not in note.message


def test_an_answer_in_the_foreground_is_not_cancelled_on_the_server(interactions_server):
    interactions_server.plan(answer(text("Working", " done")), gates={4: "open"})
    stream = gemini_magic.stream("Why?", **options(interactions_server, server_store=True))
    for _ in stream:
        if stream.response.text:
            break
    stream.close()
    assert stream.response.stream.wait_stopped(30)
    assert interactions_server.asked("cancel") == []


def test_an_answer_that_has_ended_is_not_cancelled(interactions_server):
    response = gemini_magic.ask("Why?", **agent(interactions_server))
    assert response.ok
    response.stream.cancel("stop")
    assert response.stream.wait_stopped(30)
    assert interactions_server.asked("cancel") == []


def test_cancelling_returns_before_the_server_has_answered(interactions_server, monkeypatch):
    answered = threading.Event()
    monkeypatch.setattr(ServerCancel, "_sent", lambda _: ServerCancelled(done=answered.wait(60)))
    stream = begun(interactions_server)
    stream.close()
    assert stream.response.status == "interrupted"
    assert not stream.response.stream.wait_stopped(0)
    answered.set()
    assert stream.response.stream.wait_stopped(30)


def test_a_server_that_changes_the_id_again_and_again_fills_no_folder(interactions_server):
    updates = [
        {"event_type": "interaction.status_update", "interaction_id": f"v1_{number}", "status": "in_progress"}
        for number in range(50)
    ]
    interactions_server.fail("create", status(200, {"Content-Type": "text/event-stream"}, stream_of(updates)))
    gemini_magic.ask("Why?", **options(interactions_server, server_store=True, retries=0))
    assert len(started_interactions().all()) == 1


def test_a_script_that_stops_a_run_and_ends_at_once_cancels_it_on_the_server(interactions_server, tmp_path):
    interactions_server.plan(answer(text("Working", " done")), gates={4: "never"})
    script = (
        "import gemini_magic\n"
        f"stream = gemini_magic.stream('Why?', **{agent(interactions_server)!r})\n"
        "next(event for event in stream if stream.response.text)\n"
        "stream.close()\n"
    )
    env = {**os.environ, "HOME": str(tmp_path), "XDG_DATA_HOME": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", script], env=env, capture_output=True, text=True, check=False
    )
    assert done.stderr == ""
    assert interactions_server.cancelled == [interactions_server.made[0].id]


def test_an_agent_is_named_in_the_journal(interactions_server):
    gemini_magic.ask("Why?", journal=True, **agent(interactions_server))
    with journal().reader() as reader:
        assert [entry.start.model for entry in reader.entries(reader.newest(1))] == ["antigravity-1"]


def test_a_cancelled_run_is_freed_without_the_garbage_collector(interactions_server):
    stream = begun(interactions_server)
    stream.close()
    assert stream.response.stream.wait_stopped(30)
    gone = weakref.ref(stream.response.stream)
    gc.disable()
    try:
        del stream
        until(lambda: gone() is None, 10)
    finally:
        gc.enable()
