"""The status line of an answer that the server makes without a connection: its state there, its news, its budget."""

import json

import pytest

from gemini_magic.backends import backend
from gemini_magic.content import Request, RequestSettings, Text, Turn
from gemini_magic.events import Usage
from gemini_magic.ledger import Exchange, Ledger, Pause, ServerRun
from gemini_magic.views.server_run import run_budget, run_state
from gemini_magic.views.status import status_facts

AGENT = "deep-research-1"


@pytest.fixture
def ledger():
    settings = RequestSettings(agent=AGENT)
    made = Ledger(
        Request(model="m", turns=(Turn("user", (Text("q"),)),), settings=settings), backend="interactions"
    )
    made.begin(Exchange("POST", "https://host/interactions", (), b""))
    made.request_sent(0.0, delay=0.0)
    return made


def add(ledger, t, **value):
    raw = json.dumps({"id": "v1_1", "agent": AGENT, **value}).encode()
    ledger.add(raw, t, backend("interactions").decoder()(raw, None))
    ledger.steps.run = ServerRun(AGENT, 50_000)
    ledger.set_phase("following", Pause("the server is working", t + 2))


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        ("queued", "queued on the server"),
        ("in_progress", "working on the server"),
        ("dreaming_\x1b[2J_deeply", "dreaming [2J deeply on the server"),
    ],
)
def test_the_state_on_the_server_is_shown(ledger, status, expected):
    add(ledger, 1.0, status=status)
    assert run_state(ledger, 2.0) == expected
    assert expected in status_facts(ledger, now=2.0)


def test_after_some_seconds_without_news_their_age_is_shown(ledger):
    add(ledger, 1.0, status="in_progress")
    assert run_state(ledger, 76.0) == "working on the server, last news 1 min 15 s ago"


def test_a_failed_request_is_named_with_the_time_of_the_next_one(ledger):
    add(ledger, 1.0, status="in_progress")
    ledger.set_phase("following", Pause("503 UNAVAILABLE", 12.0, 1, 1))
    assert run_state(ledger, 2.0) == "working on the server; asking again in 10 s (503 UNAVAILABLE)"


def test_while_pieces_arrive_the_line_is_that_of_any_stream(ledger):
    add(ledger, 1.0, status="in_progress")
    ledger.set_phase("streaming")
    assert run_state(ledger, 2.0) == ""
    assert run_state(ledger, 9.0) == "working on the server, last news 8 s ago"


def test_the_agent_is_named_before_it_answers_and_an_answer_in_the_foreground_has_no_such_state(ledger):
    assert status_facts(ledger, now=1.0)[:2] == [AGENT, "waiting for the first byte"]
    assert run_state(ledger, 2.0) == run_budget(ledger) == ""


def test_the_share_of_the_budget_is_shown(ledger):
    add(ledger, 1.0, status="in_progress")
    assert run_budget(ledger) == "budget 50,000 tokens"
    ledger.usage = Usage(total=15_400)
    assert run_budget(ledger) == "30 % of the budget of 50,000 tokens"
    assert "30 % of the budget of 50,000 tokens" in status_facts(ledger, now=2.0)
    ledger.steps.run = ServerRun(AGENT)
    assert run_budget(ledger) == ""
