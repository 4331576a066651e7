"""What is sent to the Interactions API: the URL, the body, and the requests for stored interactions."""

from __future__ import annotations

import json

import pytest

from gemini_magic.backends import Endpoint, backend, names
from gemini_magic.content import Request, RequestSettings, Text, Turn
from gemini_magic.errors import OptionError

INTERACTIONS = backend("interactions")
HERE = Endpoint()
QUESTION = Turn("user", (Text("hi"),))
URL = "https://generativelanguage.googleapis.com/v1beta/interactions"


def encoded(*turns, endpoint=HERE, params=None, body=None, system=None, **settings):
    request = Request(
        model="gemini-3.8-flash",
        turns=turns or (QUESTION,),
        system=system,
        settings=RequestSettings(**settings),
        params=params or {},
        body=body or {},
    )
    return INTERACTIONS.encode(request, endpoint)


def sent(*turns, **more):
    return json.loads(encoded(*turns, **more).body)


def test_a_question_is_sent_as_text_and_the_server_is_asked_to_store_nothing():
    http = encoded(system="Be brief.", max_tokens=20, seed=3, stop=("END",), temperature=0.5)
    assert (http.method, http.url) == ("POST", URL)
    assert dict(http.headers)["accept"] == "text/event-stream"
    assert json.loads(http.body) == {
        "model": "gemini-3.8-flash",
        "input": "hi",
        "system_instruction": "Be brief.",
        "generation_config": {
            "temperature": 0.5,
            "max_output_tokens": 20,
            "seed": 3,
            "stop_sequences": ["END"],
        },
        "store": False,
        "stream": True,
    }


def test_a_whole_answer_is_requested_without_stream():
    http = encoded(endpoint=Endpoint(form="whole"))
    assert dict(http.headers)["accept"] == "application/json"
    assert json.loads(http.body)["stream"] is False


@pytest.mark.parametrize(
    ("option", "flag"),
    [
        ({"agent": "deep-research-preview-04-2026"}, "--agent"),
        ({"previous": "v1_a"}, "--previous"),
        ({"server_store": True}, "--server-store"),
        ({"server_background": True}, "--server-background"),
    ],
)
@pytest.mark.parametrize("name", sorted(set(names()) - {"interactions"}))
def test_other_backends_refuse_the_options_of_the_interactions_api(name, option, flag):
    request = Request(model="m", turns=(QUESTION,), settings=RequestSettings(**option))
    with pytest.raises(OptionError, match=f"{flag} needs the Interactions API") as caught:
        backend(name).encode(request, Endpoint())
    assert "--backend interactions" in caught.value.remedy


def test_a_stored_interaction_is_read_followed_stopped_and_deleted():
    api = INTERACTIONS.interactions
    got = api.get(Endpoint(), "v1_a")
    assert (got.method, got.url, dict(got.headers)["accept"]) == (
        "GET",
        f"{URL}/v1_a?stream=false",
        "application/json",
    )
    followed = api.get(Endpoint(), "v1_a", stream=True, cursor="e/1&x")
    assert followed.url == f"{URL}/v1_a?stream=true&last_event_id=e%2F1%26x"
    assert dict(followed.headers)["accept"] == "text/event-stream"
    stopped, deleted = api.cancel(Endpoint(), "v1_a"), api.delete(Endpoint(), "v1_a")
    assert (stopped.method, stopped.url) == ("POST", f"{URL}/v1_a/cancel")
    assert (deleted.method, deleted.url) == ("DELETE", f"{URL}/v1_a")


@pytest.mark.parametrize("ident", ["", ".", "..", "a/b", "a?b", "a b", "é", "x" * 600, "a\n"])
def test_an_id_that_could_lead_elsewhere_is_refused(ident):
    api = INTERACTIONS.interactions
    for build in (api.get, api.cancel, api.delete):
        with pytest.raises(OptionError, match="not the id of an interaction"):
            build(Endpoint(), ident)


def test_an_interaction_is_read_with_its_state_and_its_counts():
    read = INTERACTIONS.interactions.read
    found = read(
        {
            "id": "v1_a",
            "status": "in_progress",
            "model": "m",
            "created": "2026-10-08T17:20:06Z",
            "previous_interaction_id": "v1_0",
            "usage": {"total_input_tokens": 3, "total_tokens": 5},
        }
    )
    assert (found.id, found.status, found.running, found.model, found.previous) == (
        "v1_a",
        "in_progress",
        True,
        "m",
        "v1_0",
    )
    assert (found.usage.prompt, found.usage.total, found.created.year) == (3, 5, 2026)
    failed = read({"id": "", "status": "failed", "errors": [{"code": "api_error", "message": "No."}]})
    assert (failed.id, failed.running, failed.failure.message) == ("", False, "No.")


@pytest.mark.parametrize("value", [None, [], "x", {}, {"status": 3}, {"status": None, "id": "v1"}])
def test_an_answer_without_an_interaction_is_none(value):
    assert INTERACTIONS.interactions.read(value) is None


def test_hostile_fields_of_an_interaction_are_left_out():
    value = {"status": "x" * 9999, "id": "../..", "usage": {"total_tokens": "9" * 99}, "errors": {"a": 1}}
    found = INTERACTIONS.interactions.read(value)
    assert (found.id, found.usage, found.failure, len(found.status)) == ("", None, None, 300)


STEPS = ({"type": "thought", "signature": "c2ln", "new": 1}, {"type": "model_output", "content": []})
ANSWER = Turn("model", (Text("yes"),), STEPS, stored="v1_a")
USER = [{"type": "user_input", "content": [{"type": "text", "text": "hi"}]}]


def test_a_conversation_goes_back_step_for_step_unless_the_server_stores_it():
    body = sent(QUESTION, ANSWER, QUESTION)
    assert body["input"] == [*USER, *STEPS, *USER]
    assert "previous_interaction_id" not in body
    stored = sent(QUESTION, ANSWER, QUESTION, server_store=True)
    assert (stored["input"], stored["previous_interaction_id"], stored["store"]) == ("hi", "v1_a", True)


def test_a_conversation_that_only_the_server_has_is_continued_by_its_id():
    before = Turn("model", (), stored="v1_0")
    body = sent(before, QUESTION)
    assert (body["input"], body["previous_interaction_id"], body["store"]) == ("hi", "v1_0", False)
    body = sent(before, QUESTION, ANSWER, QUESTION)
    assert (body["input"], body["previous_interaction_id"]) == ([*USER, *STEPS, *USER], "v1_0")
    body = sent(before, QUESTION, ANSWER, QUESTION, server_store=True)
    assert (body["input"], body["previous_interaction_id"]) == ("hi", "v1_a")


@pytest.mark.parametrize("name", sorted(set(names()) - {"interactions"}))
def test_other_backends_refuse_a_conversation_that_only_the_server_has(name):
    request = Request(model="m", turns=(Turn("model", (), stored="v1_0"), QUESTION))
    with pytest.raises(OptionError, match="needs the Interactions API"):
        backend(name).encode(request, Endpoint())
    backend(name).encode(Request(model="m", turns=(QUESTION, ANSWER, QUESTION)), Endpoint())


def test_the_server_continues_its_own_answer_without_input():
    request = Request(
        model="m",
        turns=(QUESTION, Turn("model", (Text("half"),), stored="v1_a")),
        settings=RequestSettings(server_store=True),
        continuation="tok",
    )
    body = json.loads(INTERACTIONS.encode(request, Endpoint()).body)
    assert "input" not in body
    assert (body["previous_interaction_id"], body["continuation_token"]) == ("v1_a", "tok")
