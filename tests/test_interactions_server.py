"""The server of the Interactions tests: it stores streams, replays them, and refuses what the API refuses."""

from __future__ import annotations

import http.client
import json
from contextlib import contextmanager

import pytest
from interactions_server import (
    InteractionsServer,
    answer,
    call,
    folded,
    picture,
    refusal,
    search,
    stream_of,
    text,
    thought,
)

STEPS = (
    thought("Let me ", "see."),
    text("Hello, ", "wörld ", "😀."),
    call("look", {"where": "here"}),
    search("q"),
)


@pytest.fixture(scope="module")
def running():
    with InteractionsServer() as server:
        yield server


@pytest.fixture
def server(running):
    yield running
    running.forget_all()


@contextmanager
def connected(server):
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)
    try:
        yield connection
    finally:
        connection.close()


def ask(server, method, path="", **body):
    """The status and the body of a response, as far as it arrived."""
    with connected(server) as connection:
        sent = json.dumps(body) if body else None
        connection.request(method, "/v1beta/interactions" + path, sent)
        response = connection.getresponse()
        try:
            return response.status, response.read()
        except http.client.IncompleteRead as cut:
            return response.status, cut.partial


def create(server, **fields):
    return ask(server, "POST", **{"model": "m", "input": "hi", "stream": True, **fields})


def events(body):
    found = [line[6:] for line in body.split(b"\n") if line.startswith(b"data: ")]
    return [json.loads(line) for line in found if line != b"[DONE]" and line.endswith(b"}")]


def test_a_stream_has_the_wire_format_of_the_recorded_ones(server):
    server.plan(answer(*STEPS), ids=0)
    status, body = create(server)
    assert status == 200
    assert body.startswith(b'event: interaction.created\ndata: {"event_type": "interaction.created"')
    assert body.endswith(b"event: done\ndata: [DONE]\n\n")
    assert body == stream_of(server.made[0].events)


@pytest.mark.parametrize("ids", [1, 3, 0])
@pytest.mark.parametrize("pieces", [0, 2])
def test_a_cut_stream_is_replayed_after_each_event(server, ids, pieces):
    whole = answer(*STEPS)
    for cut in range(len(whole)):
        server.plan(whole, ids=ids, cuts=(cut,), pieces=pieces)
        received = events(create(server)[1])
        assert len(received) == cut
        made = server.made[-1]
        cursor = next((event["event_id"] for event in reversed(received) if "event_id" in event), None)
        after = "" if cursor is None else f"&last_event_id={cursor}"
        rest = events(ask(server, "GET", f"/{made.id}?stream=true{after}")[1])
        kept = (
            0
            if cursor is None
            else next(n for n, e in enumerate(received) if e.get("event_id") == cursor) + 1
        )
        assert folded([*received[:kept], *rest]) == folded(made.events)


def test_each_end_of_a_cut_is_seen_by_the_client(server):
    server.plan(answer(*STEPS), cuts=(3,), end="done")
    assert create(server)[1].endswith(b"[DONE]\n\n")
    server.plan(answer(*STEPS), cuts=(3,), end="end")
    assert len(events(create(server)[1])) == 3
    server.plan(answer(*STEPS), cuts=(3,), end="reset")
    with pytest.raises(ConnectionResetError):
        create(server)


def test_a_replay_may_put_text_into_the_start_and_the_input_before_it(server):
    server.plan(answer(text("Hello, ", "world.")), ids=0, starts=True, echo=True)
    create(server)
    rest = events(ask(server, "GET", f"/{server.made[0].id}?stream=true")[1])
    steps = folded(rest)
    assert [step["type"] for step in steps] == ["user_input", "model_output"]
    assert steps[1]["content"][0]["text"] == "Hello, world."
    assert rest[4]["step"]["content"][0]["text"] == "Hello, "


def test_a_background_interaction_is_polled_until_its_end(server):
    server.plan(answer(*STEPS, picture("AAAA")), states=("queued", "in_progress"))
    first = json.loads(create(server, stream=False, background=True)[1])
    assert first["status"] == "queued"
    assert first["steps"] == []
    looks = [json.loads(ask(server, "GET", f"/{first['id']}")[1]) for _ in range(3)]
    assert [look["status"] for look in looks] == ["queued", "in_progress", "completed"]
    assert [step["type"] for step in looks[-1]["steps"]][:3] == ["user_input", "thought", "model_output"]


def test_a_cancelled_stream_ends_with_that_status(server):
    server.plan(answer(*STEPS), gates={4: "go"})
    with connected(server) as connection:
        connection.request(
            "POST", "/v1beta/interactions", json.dumps({"model": "m", "input": "hi", "stream": True})
        )
        response = connection.getresponse()
        value = json.loads(ask(server, "POST", f"/{server.made[0].id}/cancel")[1])
        assert value["status"] == "cancelled"
        assert events(response.read())[-1]["interaction"]["status"] == "cancelled"
    assert server.cancelled == [server.made[0].id]


def test_a_deleted_interaction_is_not_found(server):
    create(server)
    made = server.made[0].id
    assert ask(server, "DELETE", f"/{made}")[0] == 200
    status, body = ask(server, "GET", f"/{made}")
    assert (status, json.loads(body)["error"]["code"]) == (404, "not_found")


def test_an_interaction_that_is_not_stored_has_no_id(server):
    body = create(server, store=False)[1]
    assert events(body)[0]["interaction"]["id"] == ""
    assert server.interactions == {}
    assert "id" not in json.loads(create(server, store=False, stream=False)[1])


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"topK": 3}, "parameter_unknown"),
        ({"agent": "a"}, "invalid_request"),
        ({"background": True, "store": False}, "invalid_request"),
        ({"previous_interaction_id": "v1_nothing"}, "not_found"),
    ],
)
def test_what_the_api_refuses_is_refused(server, fields, code):
    assert json.loads(create(server, **fields)[1])["error"]["code"] == code


def test_failures_are_answered_in_turn(server):
    server.fail("create", refusal(429, "rate_limit_exceeded", "Slow down."), times=2)
    assert [create(server)[0] for _ in range(3)] == [429, 429, 200]
    assert len(server.asked("create")) == 3
