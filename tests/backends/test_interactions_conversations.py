"""Conversations over the Interactions API: stored on the server, or sent back step for step."""

from __future__ import annotations

import json

import pytest
from dialects import CALL, body
from fake_server import Script, raw, status

import gemini_magic
from gemini_magic.backends import Endpoint, backend
from gemini_magic.content import (
    Blob,
    Call,
    Code,
    CodeResult,
    Opaque,
    Request,
    Text,
    Thought,
    ToolCall,
    ToolResult,
    Turn,
)
from gemini_magic.conversation import Conversation
from gemini_magic.errors import OptionError
from gemini_magic.ledger import answer_turns

PATH = "/v1beta/interactions"


def stored(ident, *kinds):
    """An answer that the server stores under an id."""
    whole = json.loads(body("interactions", "whole", *kinds))
    return Script((raw(json.dumps({**whole, "id": ident}).encode()),))


def asked(server, **more):
    return {
        "backend": "interactions",
        "model": "m",
        "base_url": server.base_url,
        "retries": 0,
        "no_stream": True,
    } | more


def look(where: list) -> str:
    """Looks somewhere."""
    return "seen"


def test_a_reply_refers_to_the_stored_answer_and_sends_only_what_is_new(fake_server):
    fake_server.route(PATH, stored("v1_a", "text"), stored("v1_b", "text"))
    first = gemini_magic.ask("one", server_store=True, system="Be brief.", **asked(fake_server))
    second = first.reply("two")
    second.reply("three")
    bodies = [request.body for request in fake_server.requests]
    assert [each.get("previous_interaction_id") for each in bodies] == [None, "v1_a", "v1_b"]
    assert [each["input"] for each in bodies] == ["one", "two", "three"]
    assert {each["system_instruction"] for each in bodies} == {"Be brief."}
    assert [each["store"] for each in bodies] == [True] * 3


def test_a_reply_without_server_store_sends_the_steps(fake_server):
    fake_server.route(PATH, stored("v1_a", "thought", "text"))
    first = gemini_magic.ask("one", server_store=True, **asked(fake_server))
    first.reply("two", server_store=False)
    sent = fake_server.requests[-1].body
    assert [step["type"] for step in sent["input"]] == ["user_input", "thought", "model_output", "user_input"]
    assert "previous_interaction_id" not in sent


def test_a_previous_answer_is_continued_and_its_replies_continue_it_too(fake_server):
    fake_server.route(PATH, stored("", "text"))
    first = gemini_magic.ask("one", previous="v1_0", **asked(fake_server))
    first.reply("two")
    one, two = (request.body for request in fake_server.requests)
    assert (one["previous_interaction_id"], one["input"], one["store"]) == ("v1_0", "one", False)
    assert two["previous_interaction_id"] == "v1_0"
    assert [step["type"] for step in two["input"]] == ["user_input", "model_output", "user_input"]


def test_a_previous_answer_and_another_conversation_are_refused(fake_server):
    with pytest.raises(OptionError, match="--previous continues a stored answer"):
        gemini_magic.ask("one", previous="v1_0", turns=[Turn("user", (Text("a"),))], **asked(fake_server))
    assert fake_server.requests == []


def test_the_results_of_functions_are_sent_to_the_stored_answer(fake_server):
    fake_server.route(PATH, stored("v1_a", "thought", "call"), stored("v1_b", "text"))
    r = gemini_magic.ask("one", tools=[look], server_store=True, **asked(fake_server))
    assert r.status == "complete"
    second = fake_server.requests[-1].body
    assert second["previous_interaction_id"] == "v1_a"
    answered = {"call_id": CALL["id"], "name": "look", "result": "seen"}
    assert second["input"] == [{"type": "function_result", **answered}]
    r.reply("two")
    third = fake_server.requests[-1].body
    assert (third["previous_interaction_id"], third["input"]) == ("v1_b", "two")


def test_the_results_of_functions_go_back_with_every_step_if_nothing_is_stored(fake_server):
    fake_server.route(PATH, stored("", "thought", "call"), stored("", "text"))
    gemini_magic.ask("one", tools=[look], **asked(fake_server))
    second = fake_server.requests[-1].body
    kinds = ["user_input", "thought", "function_call", "function_result"]
    assert [step["type"] for step in second["input"]] == kinds
    assert "previous_interaction_id" not in second


def test_an_answer_that_did_not_end_well_is_sent_itself(fake_server):
    fake_server.route(PATH, stored("v1_a", "unfinished"), stored("v1_b", "text"))
    first = gemini_magic.ask("one", server_store=True, **asked(fake_server))
    assert first.status == "truncated"
    first.reply("two")
    assert "previous_interaction_id" not in fake_server.requests[-1].body


def question(text, ident):
    return Turn("user", (Text(text),)), Turn("model", (Text("a"),), stored=ident)


def test_answers_after_a_question_that_changed_are_not_continued_by_their_id():
    conversation = Conversation()
    for key in ("a", "b"):
        conversation.put(question(key, f"v1_{key}"), key=key)
    assert [turn.stored for turn in conversation.turns] == [None, "v1_a", None, "v1_b"]
    conversation.put(question("other", "v1_c"), key="a")
    assert [turn.stored for turn in conversation.turns] == [None, "v1_c", None, None]


def test_a_trimmed_conversation_is_not_continued_by_its_id():
    conversation = Conversation()
    for key in ("a", "b"):
        conversation.put(question(key, f"v1_{key}"), key=key)
    conversation.trim(2)
    assert conversation.turns[-1].stored == "v1_b"
    conversation.trim(1)
    assert [turn.stored for turn in conversation.turns] == [None, None]


def test_a_reply_to_an_agent_asks_the_agent_again(fake_server):
    fake_server.route(PATH, stored("v1_a", "text"), stored("v1_b", "text"))
    options = asked(fake_server)
    del options["model"]
    first = gemini_magic.ask("one", agent="antigravity-preview-09-2026", **options)
    first.reply("two")
    bodies = [request.body for request in fake_server.requests]
    assert {each["agent"] for each in bodies} == {"antigravity-preview-09-2026"}
    assert not any("model" in each for each in bodies)
    assert (bodies[1]["previous_interaction_id"], bodies[1]["input"]) == ("v1_a", "two")


EVERYTHING = ("thought", "text", "code", "blob", "grounding", "unknown", "call")


@pytest.mark.parametrize("name", ["gemini", "vertex", "adaptive", "echo"])
def test_an_answer_with_steps_can_be_continued_by_another_backend(fake_server, name):
    fake_server.route(PATH, stored("v1_a", *EVERYTHING))
    first = gemini_magic.ask("one", **asked(fake_server))
    turns = (*first.request.turns, *answer_turns(first.ledger), Turn("user", (Text("two"),)))
    contents = json.loads(backend(name).encode(Request(model="m", turns=turns), Endpoint(project="p")).body)[
        "contents"
    ]
    assert [turn["role"] for turn in contents][:2] == ["user", "model"]
    parts = contents[1]["parts"]
    assert any(part.get("text", "").startswith("Hello") for part in parts)
    assert any("functionCall" in part for part in parts)


def test_an_answer_of_another_backend_can_be_continued_with_steps():
    parts = (
        Thought("unsigned"),
        Thought("signed", "c2ln"),
        Text("a"),
        Text("b", "c2ln"),
        Blob("image/png", b"x"),
        Code("1", "PYTHON", id="c"),
        CodeResult("OUTCOME_FAILED", "no", id="c"),
        ToolCall("GOOGLE_SEARCH_WEB", "t", {"queries": ["q"]}, raw={"id": "t"}),
        ToolResult("GOOGLE_SEARCH_WEB", "t", [{}], raw={"id": "t"}),
        ToolCall("google_search", "s", {"queries": ["q"]}, signature="c2ln"),
        ToolResult("google_search", "s", [{}], is_error=False),
        Call("f", {"x": 1}, "call-1"),
        Opaque({"hologram": {}}),
    )
    turns = (Turn("user", (Text("one"),)), Turn("model", parts), Turn("user", (Text("two"),)))
    body = json.loads(backend("interactions").encode(Request(model="m", turns=turns), Endpoint()).body)
    kinds = [step["type"] for step in body["input"]]
    assert kinds == [
        "user_input",
        "thought",
        "model_output",
        "code_execution_call",
        "code_execution_result",
        "google_search_call",
        "google_search_result",
        "function_call",
        "user_input",
    ]
    assert [each["type"] for each in body["input"][2]["content"]] == ["text", "text", "image"]
    assert body["input"][4]["is_error"] is True
    assert body["input"][5] == {
        "type": "google_search_call",
        "id": "s",
        "arguments": {"queries": ["q"]},
        "signature": "c2ln",
    }


def test_a_stored_answer_that_is_gone_has_a_remedy(fake_server):
    gone = status(404, body={"error": {"code": "not_found", "message": "Interaction not found."}})
    fake_server.route(PATH, Script((gone,)))
    r = gemini_magic.ask("one", previous="v1_0", **asked(fake_server))
    assert r.error.message == "404 not_found: Interaction not found."
    assert "Leave out --previous" in r.error.remedy
