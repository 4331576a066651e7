"""Reading, stopping and deleting stored interactions, and the table of those that were started here."""

import json
import time
import urllib.request

import pytest
from client_stage import until
from fake_server import status
from interactions_server import answer, refusal, text, thought

import gemini_magic
from gemini_magic import interactions
from gemini_magic.client import StartedInteraction
from gemini_magic.errors import CredentialsError, Interrupted, OptionError, ServiceError, WireError
from gemini_magic.journaling import started_interactions
from gemini_magic.response import Response

KEY = "AIzaINTERACTIONS0123456789abcdefghijklm"


@pytest.fixture(autouse=True)
def _key(monkeypatch):
    monkeypatch.setenv("STORED_KEY", KEY)


def where(server, **more):
    return {"backend": "interactions", "base_url": server.base_url, "key_env": "STORED_KEY", **more}


def create(server, **body):
    """Create an interaction as another program would; returns its id."""
    sent = json.dumps(
        {"input": "Why?", "background": True, **({} if "agent" in body else {"model": "m"}), **body}
    )
    url = f"{server.base_url}/v1beta/interactions"
    with urllib.request.urlopen(urllib.request.Request(url, sent.encode())) as response:
        return json.load(response)["id"]


def remember(at, interaction, **fields):
    values = {
        "id": interaction,
        "name": "researcher",
        "is_agent": True,
        "background": True,
        "status": "in_progress",
        "started": time.time(),
        "question": "Why?",
        "server": where(at),
    }
    assert started_interactions().add(StartedInteraction(**{**values, **fields})) == ""


def test_a_finished_interaction_is_read_as_a_response(interactions_server):
    interactions_server.plan(answer(thought("Hm."), text("Because ", "so.")))
    interaction = create(interactions_server, agent="researcher", background=False)
    response = interactions.get(interaction, **where(interactions_server))
    assert (response.text, response.thoughts, response.status) == ("Because so.", "Hm.", "complete")
    assert response.response_id == interaction
    assert response.usage.total == 40
    assert interactions_server.asked("get")[0].headers["x-goog-api-key"] == KEY


def test_an_unfinished_interaction_is_a_response_that_names_its_state(interactions_server):
    interactions_server.plan(answer(text("later")), states=("queued",) * 3)
    interaction = create(interactions_server)
    response = interactions.get(interaction, **where(interactions_server))
    assert (response.text, response.status) == ("", "interrupted")
    assert response.error.message == "The interaction is queued: the server has not finished it."
    assert f"`%gemini interactions follow {interaction}`" in response.error.remedy


def test_follow_waits_for_the_end_of_an_interaction(interactions_server):
    interactions_server.plan(answer(text("Because ", "so.")))
    interaction = create(interactions_server, agent="researcher")
    remember(interactions_server, interaction)
    response = interactions.follow(interaction)
    assert (response.text, response.status, response.response_id) == ("Because so.", "complete", interaction)
    assert started_interactions().find(interaction).status == "completed"
    again = interactions.follow(interaction, **where(interactions_server), no_stream=True)
    assert again.text == "Because so."
    assert len(interactions_server.asked("create")) == 1


def test_an_interrupt_of_follow_cancels_the_interaction(interactions_server, monkeypatch):
    interactions_server.plan(answer(text("Because ", "so.")), gates={4: "never"})
    interaction = create(interactions_server, agent="researcher")
    remember(interactions_server, interaction)
    wait = Response.wait

    def interrupted(response, timeout=None):
        if timeout is None:
            until(lambda: response.text)
            raise KeyboardInterrupt
        return wait(response, timeout)

    monkeypatch.setattr(Response, "wait", interrupted)
    with pytest.raises(Interrupted) as caught:
        interactions.follow(interaction)
    assert caught.value.message == "Stopped after 8 characters. It was cancelled on the server."
    assert interactions_server.cancelled == [interaction]


def test_the_state_of_an_interaction(interactions_server):
    interactions_server.plan(answer(text("x")), states=("queued", "in_progress"))
    interaction = create(interactions_server, agent="researcher")
    remember(interactions_server, interaction)
    states = [interactions.state(interaction) for _ in range(3)]
    assert [(each.status, each.running) for each in states] == [
        ("queued", True),
        ("in_progress", True),
        ("completed", False),
    ]
    assert (states[0].id, states[0].agent, states[0].model) == (interaction, "researcher", "")
    assert started_interactions().find(interaction).status == "completed"


def test_cancel_stops_the_interaction_on_the_server(interactions_server):
    interaction = create(interactions_server)
    assert interactions.cancel(interaction, **where(interactions_server)).status == "cancelled"
    assert interactions_server.cancelled == [interaction]
    assert interactions.get(interaction, **where(interactions_server)).status == "interrupted"


def test_delete_removes_the_interaction_and_forgets_it(interactions_server):
    interaction = create(interactions_server)
    remember(interactions_server, interaction)
    interactions.delete(interaction)
    assert interactions_server.deleted == [interaction]
    assert started_interactions().all() == []
    with pytest.raises(ServiceError) as caught:
        interactions.state(interaction, **where(interactions_server))
    assert caught.value.code == 404
    assert "`%gemini interactions list` lists those that were started here." in caught.value.remedy


def test_options_replace_the_server_with_which_an_interaction_was_started(interactions_server, fake_server):
    interaction = create(interactions_server)
    remember(
        interactions_server, interaction, server={"backend": "interactions", "base_url": fake_server.base_url}
    )
    interactions.state(interaction, base_url=interactions_server.base_url, key_env="STORED_KEY")
    assert len(interactions_server.asked("get")) == 1


def test_the_list_asks_for_the_states_of_unfinished_interactions_only(interactions_server):
    ids = [create(interactions_server, background=number == 2) for number in range(3)]
    for number, (interaction, known) in enumerate(
        zip(ids, ("in_progress", "completed", "queued"), strict=True)
    ):
        remember(interactions_server, interaction, status=known, started=time.time() + number)
    remember(interactions_server, "v1_unknown", started=time.time() - 1)
    rows = interactions.list()
    assert [(row.id, row.state) for row in rows] == [
        (ids[2], "in progress"),
        (ids[1], "completed"),
        (ids[0], "completed"),
        ("v1_unknown", "deleted"),
    ]
    assert len(interactions_server.asked("get")) == 3
    assert (rows[0].name, rows[0].question) == ("researcher", "Why?")


def test_the_list_shows_the_last_known_state_when_the_server_cannot_be_asked(
    interactions_server, monkeypatch
):
    for number in range(3):
        remember(interactions_server, f"v1_{number}")
    interactions_server.fail("get", refusal(503, "service_unavailable", "Busy."), times=3)
    assert {row.state for row in interactions.list()} == {"in progress (when last seen)"}
    monkeypatch.delenv("STORED_KEY")
    assert {row.state for row in interactions.list()} == {"in progress (when last seen)"}
    interactions_server.forget_all()
    assert {row.state for row in interactions.list(ask=False)} == {"in progress (when last seen)"}
    assert interactions_server.requests == []


def test_at_most_twenty_interactions_are_asked_for(interactions_server):
    for number in range(25):
        remember(interactions_server, f"v1_{number}", started=time.time() + number)
    states = [row.state for row in interactions.list()]
    assert states == ["deleted"] * 20 + ["in progress (when last seen)"] * 5


@pytest.mark.parametrize("bad", ["", "../x", "a/b", "a b", "a?b=1", "x" * 2000, "\x1b[2J"])
def test_an_id_that_cannot_be_one_is_an_error_and_sends_nothing(interactions_server, bad):
    for function in (interactions.get, interactions.state, interactions.cancel, interactions.delete):
        with pytest.raises(OptionError, match="is not the id of an interaction") as caught:
            function(bad, **where(interactions_server))
        assert "\x1b" not in caught.value.message
    assert interactions_server.requests == []


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b"{", b'{"status":3}', b"\xff", b"[" * 100_000])
def test_an_answer_that_is_no_interaction_is_an_error(interactions_server, body):
    interactions_server.fail("get", status(200, {"Content-Type": "application/json"}, body))
    with pytest.raises(WireError, match="The server's answer is not an interaction"):
        interactions.state("v1_1", **where(interactions_server))


def test_a_backend_that_stores_nothing_is_named():
    with pytest.raises(OptionError, match="The echo backend stores no interactions") as caught:
        interactions.state("v1_1", backend="echo")
    assert "backend='interactions'" in caught.value.remedy


def test_the_backend_that_stores_answers_is_the_default(monkeypatch):
    for name in ("GEMINI_API_KEY", "GOOGLE_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(CredentialsError):  # and not an error about the backend
        interactions.state("v1_1")


def test_a_missing_key_is_an_error(interactions_server, monkeypatch):
    monkeypatch.delenv("STORED_KEY")
    with pytest.raises(CredentialsError):
        interactions.state("v1_1", **where(interactions_server))


def test_the_key_is_in_no_message_and_in_no_response(interactions_server):
    interactions_server.fail("get", refusal(401, "authentication", f"The key {KEY} is not valid."))
    with pytest.raises(ServiceError) as caught:
        interactions.get("v1_1", **where(interactions_server))
    assert KEY not in f"{caught.value} {caught.value.remedy}"
    interactions_server.plan(answer(text(f"Your key is {KEY}.")))
    interaction = create(interactions_server, background=False)
    response = interactions.get(interaction, **where(interactions_server))
    assert response.text.startswith("Your key is ")
    assert KEY not in f"{response.text} {response.raw} {response.request} {response.curl()}"


def test_the_module_is_loaded_when_it_is_first_used():
    assert gemini_magic.interactions is interactions
    assert "interactions" in dir(gemini_magic)
