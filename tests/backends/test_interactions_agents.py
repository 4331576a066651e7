"""The requests of agents and of runs in the background, and what a request asks of the server."""

from __future__ import annotations

import json

import pytest

from gemini_magic.backends import Endpoint, RequestedInteraction, backend
from gemini_magic.content import Request, RequestSettings, Text, Thinking, Turn
from gemini_magic.errors import OptionError

INTERACTIONS = backend("interactions")
RESEARCH = "deep-research-preview-04-2026"
QUESTION = Turn("user", (Text("hi"),))


def sent(*, endpoint=None, params=None, body=None, **settings):
    request = Request(
        model="m",
        turns=(QUESTION,),
        settings=RequestSettings(**settings),
        params=params or {},
        body=body or {},
    )
    return json.loads(INTERACTIONS.encode(request, endpoint or Endpoint()).body)


def test_a_research_is_stored_runs_in_the_background_and_streams_its_summaries():
    assert sent(agent=RESEARCH) == {
        "agent": RESEARCH,
        "agent_config": {"type": "deep-research", "thinking_summaries": "auto"},
        "input": "hi",
        "background": True,
        "store": True,
        "stream": True,
    }


def test_another_agent_is_stored_and_runs_in_the_background_if_asked():
    assert sent(agent="antigravity-preview-09-2026") == {
        "agent": "antigravity-preview-09-2026",
        "input": "hi",
        "store": True,
        "stream": True,
    }
    assert sent(agent="my-agent", server_background=True)["background"] is True


def test_a_model_in_the_background_answers_first_with_its_id_only():
    body = sent(server_background=True)
    assert (body["model"], body["background"], body["store"], body["stream"]) == ("m", True, True, False)
    assert sent(server_store=True)["stream"] is True
    assert sent(agent=RESEARCH, endpoint=Endpoint(form="whole"))["stream"] is False


@pytest.mark.parametrize(
    ("agent", "expected"),
    [
        ("antigravity-preview-09-2026", {"type": "antigravity", "max_total_tokens": 5}),
        (RESEARCH, {"type": "deep-research", "thinking_summaries": "auto", "max_total_tokens": 5}),
        ("code-mender-1", {"type": "code-mender", "max_total_tokens": 5}),
        ("mine", {"type": "dynamic", "max_total_tokens": 5}),
    ],
)
def test_settings_of_an_agent_get_their_type(agent, expected):
    given = {"agent_config": {"max_total_tokens": 5}}
    assert sent(agent=agent, body=given)["agent_config"] == expected
    assert sent(agent=agent, params=given)["agent_config"] == expected
    own = {"agent_config": {"type": "mine", "max_total_tokens": 5}}
    assert sent(agent=agent, body=own)["agent_config"]["type"] == "mine"


@pytest.mark.parametrize(
    ("setting", "name"),
    [
        ({"temperature": 0.5}, "temperature"),
        ({"max_tokens": 10}, "max_output_tokens"),
        ({"thinking": Thinking("low")}, "thinking_level, thinking_summaries"),
        ({"params": {"speech_config": {}}}, "speech_config"),
    ],
)
def test_generation_settings_of_an_agent_are_an_error(setting, name):
    with pytest.raises(OptionError, match=f"Agents have no generation settings, but the request sets {name}"):
        sent(agent="antigravity-preview-09-2026", **setting)


@pytest.mark.parametrize("name", ["", "a b", "x" * 101, "a\nb", "\x1b[2J", "a?b"])
def test_a_name_that_cannot_be_an_agent_is_an_error(name):
    with pytest.raises(OptionError, match="is not the name of an agent") as caught:
        sent(agent=name)
    assert "\x1b" not in caught.value.message


def test_what_a_request_asks_of_the_server_is_read_from_its_body():
    read = INTERACTIONS.interactions.requested
    body = {"agent": "antigravity-1", "agent_config": {"max_total_tokens": 5000}, "background": True}
    assert read(json.dumps(body).encode()) == RequestedInteraction(True, True, "antigravity-1", 5000)
    assert read(b'{"model":"m","store":false}') == RequestedInteraction()
    assert read(b'{"model":"m","store":true}') == RequestedInteraction(stored=True)


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b"\xff", b"[" * 100_000])
def test_a_body_that_is_no_request_asks_for_nothing(body):
    assert INTERACTIONS.interactions.requested(body) == RequestedInteraction()


@pytest.mark.parametrize("budget", [0, -1, True, "5", 1.5, 10**40, None, {}])
def test_a_budget_that_is_no_number_of_tokens_is_left_out(budget):
    body = json.dumps({"agent": "a", "agent_config": {"max_total_tokens": budget}}).encode()
    assert INTERACTIONS.interactions.requested(body).budget is None


@pytest.mark.parametrize("given", [{"params": {"store": False}}, {"body": {"store": False}}])
def test_an_answer_in_the_background_that_is_not_stored_is_an_error(given):
    for settings in ({"server_background": True}, {"agent": RESEARCH}):
        with pytest.raises(OptionError, match="An answer in the background has to be stored"):
            sent(**settings, **given)
    assert sent(agent="antigravity-preview-09-2026", **given)["store"] is False


def test_an_agent_and_a_model_in_one_request_are_an_error():
    with pytest.raises(OptionError, match="names both an agent and a model"):
        sent(agent=RESEARCH, body={"model": "m"})
    with pytest.raises(OptionError, match="names both an agent and a model"):
        sent(body={"agent": RESEARCH})
    assert "model" not in sent(body={"agent": RESEARCH, "model": None})
