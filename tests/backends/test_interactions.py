"""What is sent to the Interactions API: the URL, the body, and the requests for stored interactions."""

from __future__ import annotations

import json

import pytest
from dialects import STEPS
from fake_server import Script, raw
from interaction_bodies import completed, stream

import gemini_magic
from gemini_magic.backends import Endpoint, backend, names
from gemini_magic.content import (
    File,
    FunctionDeclaration,
    RemoteServer,
    Request,
    RequestSettings,
    Text,
    Thinking,
    Turn,
)
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
@pytest.mark.parametrize("name", sorted(set(names()) - set(STEPS)))
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


RECEIVED = ({"type": "thought", "signature": "c2ln", "new": 1}, {"type": "model_output", "content": []})
ANSWER = Turn("model", (Text("yes"),), RECEIVED, stored="v1_a")
USER = [{"type": "user_input", "content": [{"type": "text", "text": "hi"}]}]


def test_a_conversation_goes_back_step_for_step_unless_the_server_stores_it():
    body = sent(QUESTION, ANSWER, QUESTION)
    assert body["input"] == [*USER, *RECEIVED, *USER]
    assert "previous_interaction_id" not in body
    stored = sent(QUESTION, ANSWER, QUESTION, server_store=True)
    assert (stored["input"], stored["previous_interaction_id"], stored["store"]) == ("hi", "v1_a", True)


def test_a_conversation_that_only_the_server_has_is_continued_by_its_id():
    before = Turn("model", (), stored="v1_0")
    body = sent(before, QUESTION)
    assert (body["input"], body["previous_interaction_id"], body["store"]) == ("hi", "v1_0", False)
    body = sent(before, QUESTION, ANSWER, QUESTION)
    assert (body["input"], body["previous_interaction_id"]) == ([*USER, *RECEIVED, *USER], "v1_0")
    body = sent(before, QUESTION, ANSWER, QUESTION, server_store=True)
    assert (body["input"], body["previous_interaction_id"]) == ("hi", "v1_a")


def test_an_id_of_a_server_that_is_not_valid_is_not_used():
    for ident in ("a/../b", "x" * 9999, ""):
        body = sent(
            QUESTION, Turn("model", (Text("yes"),), RECEIVED, stored=ident), QUESTION, server_store=True
        )
        assert body["input"] == [*USER, *RECEIVED, *USER]
        assert "previous_interaction_id" not in body
    with pytest.raises(OptionError, match="not the id of an interaction"):
        sent(Turn("model", (), stored="a/../b"), QUESTION)


def test_an_answer_without_parts_that_can_be_shown_is_sent_by_its_steps():
    answer = Turn("model", (), RECEIVED, stored="v1_a")
    assert sent(QUESTION, answer, QUESTION)["input"] == [*USER, *RECEIVED, *USER]
    backend("gemini").encode(Request(model="m", turns=(QUESTION, answer, QUESTION)), HERE)


@pytest.mark.parametrize("name", sorted(set(names()) - set(STEPS)))
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


# -- what does not exist there


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"top_k": 3}, "does not support --top-k"),
        ({"candidates": 2}, "does not support several candidates"),
        ({"logprobs": 1}, "does not support log probabilities"),
        ({"safety": {"harassment": "low"}}, "does not support --safety"),
        ({"service_tier": "batch"}, "does not support the service tier batch"),
        ({"thinking": Thinking(budget=512)}, "does not support a thinking budget"),
        ({"thinking": Thinking(level="off")}, "does not support --thinking off"),
    ],
)
def test_a_setting_that_the_api_does_not_have_is_an_error(settings, message):
    with pytest.raises(OptionError, match=message) as caught:
        encoded(**settings)
    assert caught.value.remedy


def test_a_json_array_is_an_error():
    with pytest.raises(OptionError, match="does not send a JSON array"):
        encoded(endpoint=Endpoint(form="json"))


@pytest.mark.parametrize("level", ["minimal", "low", "medium", "high", "xhigh"])
def test_a_thinking_level_is_sent_and_summaries_are_requested(level):
    config = sent(thinking=Thinking(level=level))["generation_config"]
    assert config == {"thinking_level": level, "thinking_summaries": "auto"}
    assert sent(thinking=Thinking(level="on"))["generation_config"] == {"thinking_summaries": "auto"}


@pytest.mark.parametrize("tier", ["flex", "standard", "priority", "deferred"])
def test_each_tier_is_sent(tier):
    assert sent(service_tier=tier)["service_tier"] == tier


def test_the_tier_of_the_interactions_api_is_refused_elsewhere():
    request = Request(model="m", turns=(QUESTION,), settings=RequestSettings(service_tier="deferred"))
    with pytest.raises(OptionError, match="needs the Interactions API"):
        backend("gemini").encode(request, Endpoint())


def test_an_agent_is_not_asked_as_a_model():
    with pytest.raises(OptionError, match="is an agent, and not a model") as caught:
        INTERACTIONS.encode(Request(model="deep-research-preview-04-2026", turns=(QUESTION,)), Endpoint())
    assert "--agent deep-research-preview-04-2026" in caught.value.remedy


def test_an_agent_and_a_model_in_one_call_exclude_each_other(fake_server):
    asked = {"backend": "interactions", "base_url": fake_server.base_url}
    with pytest.raises(OptionError, match="--agent antigravity-x and -m m exclude each other"):
        gemini_magic.ask("hi", agent="antigravity-x", model="m", **asked)
    assert fake_server.requests == []


# -- the user's own JSON


def test_parameters_are_settings_or_fields_of_the_request_in_either_spelling():
    body = sent(
        params={
            "maxOutputTokens": 5,
            "speech_config": [],
            "labels": {"a": "b"},
            "responseModalities": ["audio"],
        }
    )
    assert body["generation_config"] == {"max_output_tokens": 5, "speech_config": []}
    assert (body["labels"], body["response_modalities"]) == ({"a": "b"}, ["audio"])
    body = sent(
        seed=3,
        body={"generationConfig": {"maxOutputTokens": 7}, "new_field": {"camelCase": 1}, "store": None},
    )
    assert body["generation_config"] == {"seed": 3, "max_output_tokens": 7}
    assert body["new_field"] == {"camelCase": 1}
    assert "store" not in body


@pytest.mark.parametrize(
    "given",
    [
        {"params": {"topK": 3}},
        {"params": {"candidate_count": 2}},
        {"params": {"thinkingConfig": {}}},
        {"body": {"contents": []}},
        {"body": {"toolConfig": {}}},
        {"body": {"generationConfig": {"responseJsonSchema": {}}}},
    ],
)
def test_a_field_of_the_older_api_is_an_error(given):
    with pytest.raises(OptionError, match="The Interactions API has no field"):
        sent(**given)


# -- schemas


def test_a_schema_is_sent_as_plain_json_schema_in_its_order():
    schema = {
        "type": "object",
        "properties": {
            "z": {"type": "string", "minLength": 2},
            "a": {
                "type": "object",
                "properties": {"propertyOrdering": {"type": "array", "items": {"type": "integer"}}},
            },
        },
        "required": ["z"],
    }
    form = sent(schema=schema)["response_format"]
    assert (form["type"], form["mime_type"]) == ("text", "application/json")
    assert list(form["schema"]["properties"]) == ["z", "a"]
    assert "propertyOrdering" not in form["schema"]
    assert list(form["schema"]["properties"]["a"]["properties"]) == ["propertyOrdering"]
    assert INTERACTIONS.unenforced_rules(schema) == ("z: at least 2 characters",)
    assert sent(json_output=True)["response_format"] == {"type": "text", "mime_type": "application/json"}


def test_an_uploaded_file_is_sent_by_its_address():
    part = File("https://generativelanguage.googleapis.com/v1beta/files/a", "application/pdf")
    (found,) = sent(Turn("user", (part,)))["input"]
    assert found == {"type": "document", "uri": part.uri, "mime_type": "application/pdf"}


def test_the_tokens_of_a_request_are_counted_by_the_older_api():
    request = Request(
        model="m", turns=(QUESTION,), system="Be brief.", settings=RequestSettings(server_store=True)
    )
    http = INTERACTIONS.count.encode(request, Endpoint())
    assert http.url.endswith("/v1beta/models/m:countTokens")
    assert json.loads(http.body)["generateContentRequest"]["systemInstruction"]
    for settings in (RequestSettings(agent="a"), RequestSettings(previous="v1_a")):
        with pytest.raises(OptionError, match="cannot be counted"):
            INTERACTIONS.count.encode(Request(model="m", turns=(QUESTION,), settings=settings), Endpoint())


def test_notes_say_what_an_option_implies():
    def notes(**settings):
        return INTERACTIONS.request_notes(
            Request(model="m", turns=(QUESTION,), settings=RequestSettings(**settings))
        )

    assert notes() == []
    assert notes(server_store=True, server_background=True) == []
    assert notes(server_background=True) == [
        "The server stores this answer, because --server-background needs that."
    ]
    assert notes(agent="a") == ["The server stores this answer, because --agent needs that."]
    assert notes(temperature=0.0, top_p=0.5) == [
        "-t and --top-p are deprecated in the Interactions API: models may ignore them."
    ]


# -- Vertex AI

VERTEX = backend("vertex-interactions")
PROJECT = Endpoint(project="p-1", location="us-central1")
VERTEX_URL = (
    "https://us-central1-aiplatform.googleapis.com/v1beta1/projects/p-1/locations/us-central1/interactions"
)


def test_vertex_has_the_same_bodies_at_other_urls():
    request = Request(model="m", turns=(QUESTION,), settings=RequestSettings(server_store=True))
    http = VERTEX.encode(request, PROJECT)
    assert http.url == VERTEX_URL == VERTEX.url("m", PROJECT)
    assert http.body == INTERACTIONS.encode(request, HERE).body
    everywhere = VERTEX.url("m", Endpoint(project="p-1"))
    assert (
        everywhere == "https://aiplatform.googleapis.com/v1beta1/projects/p-1/locations/global/interactions"
    )
    api = VERTEX.interactions
    assert (
        api.get(PROJECT, "v1_a", stream=True, cursor="e").url
        == f"{VERTEX_URL}/v1_a?stream=true&last_event_id=e"
    )
    assert (api.cancel(PROJECT, "v1_a").url, api.delete(PROJECT, "v1_a").url) == (
        f"{VERTEX_URL}/v1_a/cancel",
        f"{VERTEX_URL}/v1_a",
    )
    assert VERTEX.auth_for(None, PROJECT).signs_in


def test_the_form_of_vertex_says_that_it_is_not_verified():
    (note,) = VERTEX.request_notes(Request(model="m", turns=(QUESTION,)))
    assert "not been verified" in note


def test_vertex_refuses_an_invalid_project_or_location():
    for endpoint in (Endpoint(project="a b"), Endpoint(project="p", location="mars")):
        with pytest.raises(OptionError):
            VERTEX.url("m", endpoint)


# -- tools


def declared(**written):
    (tool,) = sent(functions=(FunctionDeclaration(name="f", written=written),))["tools"]
    return tool


def test_a_declaration_of_the_older_api_is_written_in_this_one():
    schema = {
        "type": "OBJECT",
        "properties": {"type": {"type": "STRING"}, "n": {"type": "ARRAY", "items": {"type": "INTEGER"}}},
    }
    expected = {
        "type": "object",
        "properties": {"type": {"type": "string"}, "n": {"type": "array", "items": {"type": "integer"}}},
    }
    for field in ("parameters", "parametersJsonSchema", "parameters_json_schema"):
        tool = declared(name="f", description="Does it.", response={"type": "STRING"}, **{field: schema})
        assert tool == {"type": "function", "name": "f", "description": "Does it.", "parameters": expected}
    own = {"type": "function", "name": "f", "new_field": 1}
    assert declared(**own) == own


def test_a_remote_server_is_a_tool_of_its_own():
    server = RemoteServer(name="docs", url="https://mcp.example", headers=(("authorization", "x"),))
    assert sent(mcp_servers=(server,))["tools"] == [
        {
            "type": "mcp_server",
            "name": "docs",
            "url": "https://mcp.example",
            "headers": {"authorization": "x"},
        }
    ]


# -- options and the user's own JSON


@pytest.fixture
def asked(fake_server):
    """Asks over the Interactions API, and returns the body of the request."""
    fake_server.route("/v1beta/interactions", Script((raw(stream(completed(id=""))),)))

    def ask(**options):
        gemini_magic.ask("hi", backend="interactions", base_url=fake_server.base_url, **options)
        return fake_server.requests[-1].body

    return ask


@pytest.mark.parametrize(
    ("options", "place"),
    [
        ({"max_tokens": 3, "param": {"maxOutputTokens": 5}}, "generation_config.max_output_tokens"),
        ({"seed": 3, "body": {"generationConfig": {"seed": 5}}}, "generation_config.seed"),
        ({"system": "a", "body": {"system_instruction": "b"}}, "system_instruction"),
        ({"search": True, "body": {"tools": []}}, "tools"),
    ],
)
def test_an_option_and_the_users_own_json_that_differ_are_an_error(asked, options, place):
    with pytest.raises(OptionError, match=f"both set {place}"):
        asked(**options)


def test_an_agent_takes_options_and_the_users_own_json_together(asked):
    body = asked(agent="antigravity-x", system="Be brief.", body={"agent_config": {"max_total_tokens": 9}})
    assert (body["agent"], body["system_instruction"]) == ("antigravity-x", "Be brief.")
    assert body["agent_config"]["max_total_tokens"] == 9
