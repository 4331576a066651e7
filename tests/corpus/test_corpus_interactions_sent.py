"""Requests that the Interactions API has accepted: the same content is sent in the same fields, and they are read again."""

from __future__ import annotations

import json

import pytest
from corpus_streams import REQUIRED, ROOT

from gemini_magic.backends import Endpoint, backend
from gemini_magic.content import (
    CallResult,
    FunctionDeclaration,
    Request,
    RequestSettings,
    Text,
    ToolChoice,
    Turn,
)

pytestmark = pytest.mark.corpus
INDEX = ROOT / "interactions" / "index.json"
ENTRIES = json.loads(INDEX.read_text("utf-8")) if INDEX.is_file() else []
ACCEPTED = [json.loads(entry["request"]) for entry in ENTRIES if entry.get("request")]
INTERACTIONS = backend("interactions")


def test_there_are_requests():
    assert ACCEPTED or not REQUIRED


def request_of(body):
    """A request with the content of a body."""
    (step,) = body["input"]
    parts = [
        Text(each["text"])
        if each["type"] == "text"
        else CallResult(each["name"], each["result"], each["call_id"])
        for each in step["content"]
    ]
    config, tools = body.get("generation_config", {}), body.get("tools", [])
    functions = [
        FunctionDeclaration(name=each["name"], description=each["description"], parameters=each["parameters"])
        for each in tools
        if each["type"] == "function"
    ]
    choice = config.get("tool_choice")
    settings = RequestSettings(
        temperature=config.get("temperature"),
        tools=("search",) if {"type": "google_search"} in tools else (),
        functions=tuple(functions),
        tool_choice=ToolChoice(choice) if choice else None,
        server_store=body.get("store", False),
        previous=body.get("previous_interaction_id"),
    )
    turns = (Turn("user", tuple(parts)),)
    return Request(model=body["model"], turns=turns, system=body.get("system_instruction"), settings=settings)


def as_steps(given):
    """An input in its longest form, in which results are content of a step of the user."""
    if isinstance(given, str):
        given = [{"type": "user_input", "content": [{"type": "text", "text": given}]}]
    return [
        {"type": "user_input", "content": [each]} if each["type"] == "function_result" else each
        for each in given
    ]


@pytest.mark.parametrize("number", range(len(ACCEPTED)))
def test_an_accepted_request_is_sent_and_read_again(number):
    accepted = ACCEPTED[number]
    form = "sse" if accepted["stream"] else "whole"
    sent = json.loads(INTERACTIONS.encode(request_of(accepted), Endpoint(form=form)).body)
    stored = sent.pop("store")
    assert stored is accepted.get("store", False)
    expected = {name: value for name, value in accepted.items() if name != "store"}
    assert {**sent, "input": as_steps(sent["input"])} == expected
    body = json.dumps(accepted).encode()
    found = INTERACTIONS.read_request("", body)
    assert (found.model, found.turns_before) == (accepted["model"], 0)
    results = INTERACTIONS.read_results(body, {})
    assert [each.name for each in results] == [
        each["name"] for each in accepted["input"][0]["content"] if each["type"] == "function_result"
    ]
    assert isinstance(found.question, str) == (not results)
