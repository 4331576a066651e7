"""Rounds of function calls whose streams are cut and resumed, live, loaded and played."""

from __future__ import annotations

import pytest
from interactions_server import answer, call, text, thought

import gemini_magic
from gemini_magic.backends import backend
from gemini_magic.client import play, reader
from gemini_magic.ledger import Ledger
from gemini_magic.response import Response

ROUND = answer(thought("Hm."), call("look", {"where": "here"}), status="requires_action")
LAST = answer(text("All is ", "fine."))


def look(where: str) -> str:
    """Look somewhere."""
    return f"{where} is fine"


@pytest.fixture(autouse=True)
def _no_long_waits(monkeypatch):
    monkeypatch.setattr(reader, "backoff", lambda number: 0.0)
    monkeypatch.setenv("FAKE_KEY", "k")


@pytest.mark.parametrize(("first", "second"), [((7,), ()), ((), (4,)), ((3, 2), (5, 1))])
def test_each_round_is_resumed_and_each_function_runs_once(interactions_server, tmp_path, first, second):
    server = interactions_server
    server.plan(ROUND, cuts=first)
    server.plan(LAST, cuts=second)
    ran = []

    def counted(where: str) -> str:
        """Look somewhere."""
        ran.append(where)
        return look(where)

    counted.__name__ = "look"
    response = gemini_magic.ask(
        "check",
        model="m",
        backend="interactions",
        base_url=server.base_url,
        server_store=True,
        tools=[counted],
        key_env="FAKE_KEY",
    )
    assert (response.text, response.status, ran) == ("All is fine.", "complete", ["here"])
    assert len(server.asked("create")) == 2
    assert len(server.asked("stream")) == len(first) + len(second)
    sent = server.asked("create")[1].body
    assert sent["previous_interaction_id"] == server.made[0].id
    assert [step["type"] for step in sent["input"]] == ["function_result"]
    response.save(tmp_path / "r.jsonl")
    loaded = Response.load(tmp_path / "r.jsonl")
    played = Ledger(backend="interactions")
    stream = play(response.ledger.exchanges, backend("interactions"), played, speed=0)
    assert stream.wait(60)
    for ledger in (loaded.ledger, played):
        assert ("".join(ledger.answer), ledger.status) == ("All is fine.", "complete")
        assert [(run.name, run.state) for run in ledger.tool_runs] == [("look", "done")]
        assert len(ledger.exchanges) == 2 + len(first) + len(second)
