"""Recorded answers with calls go back to the server with the signatures, ids and arguments that they came with."""

from __future__ import annotations

import json

import pytest
from corpus_decode import read
from corpus_streams import REQUIRED, load

from gemini_magic.backends import Endpoint, backend
from gemini_magic.content import Call, Request, Text, Turn, join_parts
from gemini_magic.conversation import answer_turn
from gemini_magic.tools import result_of, results_turn

pytestmark = pytest.mark.corpus

QUESTION = Turn("user", (Text("hi"),))


def with_calls():
    """The recorded answers with calls, each with its raw parts and the parts that were decoded."""
    for recorded in (*load(), *load("generate")):
        if b"functionCall" not in recorded.body:
            continue
        ledger = read([recorded.body], recorded.status)
        parts = ledger.parts.get(0, ())
        if any(isinstance(part, Call) for part in parts):
            raw = [
                part
                for value in (json.loads(chunk.raw) for chunk in ledger.raw)
                for candidate in value.get("candidates", ())[:1]
                for part in candidate.get("content", {}).get("parts", ())
            ]
            yield recorded.id, raw, parts


def test_signatures_ids_and_arguments_go_back_as_they_came():
    count = 0
    for name, raw, parts in with_calls():
        turn = answer_turn(parts)
        calls = [part for part in join_parts(parts) if isinstance(part, Call)]
        answered = results_turn([result_of(call, "done").result for call in calls])
        request = Request(model="gemini-3-flash-preview", turns=(QUESTION, turn, answered))
        _, model, user = json.loads(backend("gemini").encode(request, Endpoint()).body)["contents"]
        count += 1
        assert signatures(model["parts"]) == signatures(raw), name
        whole = [part["functionCall"] for part in raw if "functionCall" in part]
        sent = [part["functionCall"] for part in model["parts"] if "functionCall" in part]
        if not any("willContinue" in call for call in whole):
            assert sent == [{"args": {}, **call} for call in whole], name
        results = [part["functionResponse"] for part in user["parts"]]
        assert [(each.get("id"), each["name"]) for each in results] == [
            (call.get("id"), call["name"]) for call in sent
        ], name
    assert count > 20 or not REQUIRED


def signatures(parts):
    return [part["thoughtSignature"] for part in parts if "thoughtSignature" in part]
