"""The rounds of tools over every backend: a call, its result, and the answer; or the clear error of that backend."""

from __future__ import annotations

import json

import pytest
from dialects import CALL, FORMS, SIGNATURE, STEPS, answer, body
from fake_server import Script, raw

import gemini_magic
from gemini_magic.errors import OptionError

LOOPS = [(dialect, form) for dialect, forms in FORMS.items() for form in forms]


def look(where: list) -> dict:
    """Looks somewhere."""
    return {"seen": where}


@pytest.mark.parametrize(("dialect", "form"), LOOPS)
def test_a_call_is_answered_and_the_model_continues(fake_server, dialect, form):
    if dialect == "echo":
        asked = answer(fake_server, dialect, form)
        r = gemini_magic.ask(
            f"@call look {json.dumps(CALL['args'])}\n\nHello, wörld 😀.", tools=[look], **asked
        )
        assert r.text.strip().startswith("Hello, wörld 😀.")
        assert r.status == "complete"
        return
    asked = answer(fake_server, dialect, form)
    if dialect == "gateway":
        with pytest.raises(OptionError, match="The gateway backend does not support tools and functions"):
            gemini_magic.ask("hi", tools=[look], **asked)
        assert fake_server.requests == []
        return
    bodies = (body(dialect, form, *kinds) for kinds in (("thought", "call"), ("text",)))
    scripts = [Script((raw(each),)) for each in bodies]
    if dialect in STEPS:
        fake_server.route(STEPS[dialect], *scripts)
    else:
        fake_server.answers("m", *scripts)
    r = gemini_magic.ask("hi", tools=[look], **asked)
    assert (r.status, r.text) == ("complete", "Hello, wörld 😀.")
    first, second = (request.body for request in fake_server.requests)
    assert first["tools"] == second["tools"]
    if dialect in STEPS:
        question, thought, call, result = second["input"]
        assert question["content"] == [{"type": "text", "text": first["input"]}]
        assert (thought["type"], thought["signature"]) == ("thought", SIGNATURE)
        called = {"name": CALL["name"], "id": CALL["id"], "arguments": CALL["args"], "signature": SIGNATURE}
        assert call == {"type": "function_call", **called}
        answered = {
            "call_id": CALL["id"],
            "name": "look",
            "result": {"output": {"seen": CALL["args"]["where"]}},
        }
        assert result == {"type": "function_result", **answered}
        return
    user, model, results = second["contents"]
    assert [user] == first["contents"]
    assert model["parts"][-1] == {"functionCall": CALL, "thoughtSignature": SIGNATURE}
    assert results["parts"] == [
        {
            "functionResponse": {
                "id": CALL["id"],
                "name": "look",
                "response": {"output": {"seen": CALL["args"]["where"]}},
            }
        }
    ]


def test_the_calls_of_a_declaration_are_only_shown():
    r = gemini_magic.ask('@call book {"table": 3}\nDone.', backend="echo", tools={"name": "book"})
    assert (r.status, r.text) == ("complete", "")
    assert [(call.name, call.args) for call in r.calls] == [("book", {"table": 3})]
    assert len(r.ledger.exchanges) == 1
