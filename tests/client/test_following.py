"""Answers that the server makes without a connection are followed to their end: by streams, or by reading their state."""

import pytest
from fake_server import hang_up, status
from interactions_server import answer, call, kind_of, refusal, text, thought

import gemini_magic
from gemini_magic.errors import ServiceError, StalledError
from gemini_magic.response import Response
from gemini_magic.views import status_line

KEY = "AIzaINTERACTIONS0123456789abcdefghijklm"
STEPS = (thought("Let me ", "see."), text("Because ", "of ", "that."), text(" And more."))
EVENTS = len(answer(*STEPS))


@pytest.fixture(autouse=True)
def _quick(monkeypatch):
    monkeypatch.setenv("STORED_KEY", KEY)
    monkeypatch.setattr("gemini_magic.client.background_run._STREAM_PAUSE", 0.0)
    monkeypatch.setattr("gemini_magic.client.background_run._FIRST_PAUSE", 0.0)
    monkeypatch.setattr("gemini_magic.client.background_run.backoff", lambda _: 0.0)
    monkeypatch.setattr("gemini_magic.client.reader.backoff", lambda _: 0.0)


def options(server, **more):
    return {
        "backend": "interactions",
        "base_url": server.base_url,
        "key_env": "STORED_KEY",
        "server_background": True,
        **({} if "agent" in more else {"model": "m"}),
        **more,
    }


def kinds(server):
    return [kind_of(each) for each in server.requests]


def test_a_model_in_the_background_is_followed_by_its_stream(interactions_server):
    interactions_server.plan(answer(*STEPS))
    response = gemini_magic.ask("Why?", **options(interactions_server))
    assert (response.text, response.thoughts, response.status) == (
        "Because of that. And more.",
        "Let me see.",
        "complete",
    )
    assert kinds(interactions_server) == ["create", "stream"]
    assert response.usage.total == 40
    assert all(each.headers["x-goog-api-key"] == KEY for each in interactions_server.requests)


def test_an_agent_whose_stream_is_whole_is_not_asked_again(interactions_server):
    interactions_server.plan(answer(*STEPS))
    response = gemini_magic.ask("Why?", **options(interactions_server, agent="deep-research-1"))
    assert response.text == "Because of that. And more."
    assert kinds(interactions_server) == ["create"]


@pytest.mark.parametrize(
    ("cut", "end"),
    [
        *((cut, "close") for cut in range(1, EVENTS)),
        *((cut, end) for cut in (1, 5, EVENTS - 1) for end in ("end", "done", "reset")),
    ],
)
def test_a_stream_that_is_cut_anywhere_is_followed_to_the_same_answer(interactions_server, cut, end):
    interactions_server.plan(answer(*STEPS), cuts=(cut, 1), ids=3, pieces=4, end=end)
    response = gemini_magic.ask("Why?", retries=0, **options(interactions_server, agent="deep-research-1"))
    assert (response.text, response.thoughts, response.status) == (
        "Because of that. And more.",
        "Let me see.",
        "complete",
    )
    assert set(kinds(interactions_server)[1:]) == {"stream"}


def test_a_server_that_has_no_stream_of_a_run_is_asked_for_its_state(interactions_server):
    interactions_server.plan(answer(*STEPS), states=("queued", "in_progress", "in_progress"))
    interactions_server.fail("stream", refusal(400, "invalid_request", "Cannot stream."))
    response = gemini_magic.ask("Why?", **options(interactions_server))
    assert (response.text, response.status) == ("Because of that. And more.", "complete")
    assert kinds(interactions_server) == ["create", "stream", "get", "get", "get", "get"]
    assert response.usage.total == 40


def test_without_streaming_only_the_state_is_read(interactions_server):
    interactions_server.plan(answer(*STEPS))
    response = gemini_magic.ask("Why?", **options(interactions_server, no_stream=True))
    assert response.text == "Because of that. And more."
    assert kinds(interactions_server) == ["create", "get", "get"]


def test_a_failure_that_passes_is_repeated_and_costs_no_second_run(interactions_server):
    interactions_server.plan(answer(*STEPS))
    interactions_server.fail("stream", refusal(503, "service_unavailable", "Busy."), times=2)
    response = gemini_magic.ask("Why?", retries=0, **options(interactions_server))
    assert response.ok
    assert kinds(interactions_server) == ["create", "stream", "stream", "stream"]


def test_too_many_failures_end_the_following_and_say_that_the_server_goes_on(interactions_server):
    interactions_server.fail("stream", refusal(503, "service_unavailable", "Busy."), times=9)
    response = gemini_magic.ask("Why?", **options(interactions_server))
    assert isinstance(response.error, ServiceError)
    assert response.error.code == 503
    assert response.error.remedy.startswith(
        "The server goes on with the answer. `%gemini resume` follows it;"
    )
    assert len(interactions_server.asked("stream")) == 4
    assert interactions_server.asked("cancel") == []


def test_the_total_timeout_leaves_the_run_to_the_server(interactions_server):
    interactions_server.plan(answer(text("Working", " done")), gates={4: "never"})
    response = gemini_magic.ask("Why?", timeout=1.0, **options(interactions_server, agent="a"))
    assert isinstance(response.error, StalledError)
    assert response.text == "Working"
    assert "The server goes on with the answer." in response.error.remedy
    assert interactions_server.asked("cancel") == []


def test_silence_is_normal_while_the_server_works(interactions_server):
    interactions_server.plan(answer(text("Working", " done")), gates={4: "open"}, cuts=())
    stream = gemini_magic.stream("Why?", stall_timeout=0.2, **options(interactions_server, agent="a"))
    while not interactions_server.asked("stream"):
        stream.response.wait(0.01)
    interactions_server.open("open")
    response = stream.response.wait(60)
    assert (response.text, response.status) == ("Working done", "complete")


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        ("failed", "error"),
        ("cancelled", "interrupted"),
        ("incomplete", "truncated"),
        ("budget_exceeded", "truncated"),
    ],
)
def test_a_run_that_ends_badly_is_followed_to_that_end(interactions_server, state, expected):
    interactions_server.plan(answer(text("Part."), status=state))
    response = gemini_magic.ask("Why?", **options(interactions_server, agent="a", no_stream=True))
    assert response.status == expected
    assert kinds(interactions_server)[-1] == "get"


def test_a_refused_creation_is_an_error_and_nothing_is_followed(interactions_server):
    interactions_server.fail("create", refusal(404, "model_not_found", "No such agent."))
    response = gemini_magic.ask("Why?", **options(interactions_server, agent="a"))
    assert response.error.code == 404
    assert kinds(interactions_server) == ["create"]


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"{}", b'{"status":"in_progress"}', b'{"id":"../x","status":"queued"}']
)
def test_a_creation_without_a_usable_id_is_not_followed(interactions_server, body):
    interactions_server.fail("create", status(200, {"Content-Type": "application/json"}, body))
    response = gemini_magic.ask("Why?", retries=0, **options(interactions_server))
    assert not response.ok
    assert kinds(interactions_server) == ["create"]


def test_a_recording_of_a_followed_run_plays_the_same_answer(interactions_server, tmp_path):
    file = str(tmp_path / "run.jsonl")
    interactions_server.plan(answer(*STEPS), states=("queued", "in_progress", "in_progress"))
    interactions_server.fail("stream", refusal(400, "invalid_request", "Cannot stream."))
    first = gemini_magic.ask("Why?", record=file, **options(interactions_server))
    asked = len(interactions_server.requests)
    again = gemini_magic.ask("Why?", replay=file, speed=0, **options(interactions_server))
    loaded = Response.load(file)
    for response in (again, loaded):
        assert (response.text, response.thoughts, response.status) == (first.text, first.thoughts, "complete")
        assert len(response.attempts) == len(first.attempts)
    assert len(interactions_server.requests) == asked


def test_a_recording_that_ends_while_the_server_works_ends_there(interactions_server, tmp_path):
    file = str(tmp_path / "run.jsonl")
    interactions_server.plan(answer(text("Working", " done")), gates={4: "never"})
    gemini_magic.ask("Why?", timeout=1.0, record=file, **options(interactions_server, agent="a"))
    again = gemini_magic.ask("Why?", replay=file, speed=0, **options(interactions_server, agent="a"))
    assert again.text == "Working"
    assert again.status == "stalled"


def test_a_function_that_an_agent_calls_is_run_and_the_next_round_is_followed(interactions_server):
    interactions_server.plan(answer(call("look", {"where": "here"}), status="requires_action"))
    interactions_server.plan(answer(text("Found it.")))

    def look(where: str) -> str:
        """Look somewhere."""
        return f"seen {where}"

    response = gemini_magic.ask("Why?", tools=[look], **options(interactions_server))
    assert (response.text, response.status) == ("Found it.", "complete")
    assert kinds(interactions_server) == ["create", "stream", "create", "stream"]


@pytest.mark.parametrize("fallback", [False, True])
def test_a_creation_that_got_no_answer_is_not_sent_again(interactions_server, fallback):
    interactions_server.fail("create", hang_up())
    response = gemini_magic.ask("Why?", fallback=fallback, **options(interactions_server))
    assert kinds(interactions_server) == ["create"]
    assert response.error.remedy.startswith("The server may have begun the answer")


def test_the_looks_are_neither_attempts_nor_resumptions_in_the_status_line(interactions_server, tmp_path):
    file = str(tmp_path / "run.jsonl")
    interactions_server.plan(answer(*STEPS), states=("queued", "in_progress", "in_progress"))
    interactions_server.fail("stream", refusal(400, "invalid_request", "Cannot stream."))
    first = gemini_magic.ask("Why?", record=file, **options(interactions_server))
    for response in (first, Response.load(file)):
        assert len(response.attempts) == 6
        line = status_line(response.ledger)
        assert "attempts" not in line
        assert "resumed" not in line
