"""A stored answer whose connection is lost is read on: nothing twice, nothing missing, and no second request to the model."""

from __future__ import annotations

import random

import pytest
from client_stage import finished, kinds, request, text
from interactions_server import InteractionsServer, answer, call, picture, search, thought
from interactions_server import text as words

from gemini_magic.backends import backend
from gemini_magic.client import open_stream, reader
from gemini_magic.content import RequestSettings, join_parts
from gemini_magic.ledger import Ledger
from gemini_magic.options import Options

CITED = [
    {"type": "url_citation", "url": "https://example.com/a", "title": "A", "start_index": 0, "end_index": 5}
]
STEPS = (
    thought("Let me ", "see."),
    words("Hello, ", "wörld ", "😀.", cites=CITED),
    search("weather"),
    call("look", {"where": "hier drüben", "deep": [1, 2]}),
    picture("R0lGODlhAQABAIAAAAAAAP///ywAAAAAAQABAAACAUwAOw==", "image/gif"),
    words("The ", "end.", start="At last. "),
)
WHOLE = answer(*STEPS)


@pytest.fixture(autouse=True)
def _no_long_waits(monkeypatch):
    monkeypatch.setattr(reader, "backoff", lambda number: 0.0)


@pytest.fixture(scope="module")
def running():
    with InteractionsServer() as server:
        yield server


@pytest.fixture
def server(running):
    yield running
    running.forget_all()


def start(server, *, store=True, **options):
    settings = RequestSettings(server_store=store)
    chosen = Options(base_url=server.base_url, backend="interactions", **{"retries": 2, **options})
    asked = request("hi", "m", settings=settings)
    ledger = Ledger(asked, backend="interactions")
    return open_stream(asked, chosen, ledger=ledger, backend=backend("interactions"))


def seen(ledger):
    """Everything of an answer that users see, as values that can be compared."""
    steps = [(each.index, each.type, each.id, each.name, each.char, each.raw) for each in ledger.steps.all()]
    return {
        "status": ledger.status,
        "error": str(ledger.error),
        "text": text(ledger),
        "thoughts": "".join(ledger.thoughts),
        "parts": joined(ledger.parts[0]),
        "items": len(ledger.placed),
        "evidence": list(ledger.evidence),
        "usage": ledger.usage,
        "finish": ledger.finish,
        "steps": steps,
        "id": ledger.response_id,
    }


def joined(parts):
    """Parts in which neighbouring texts are one."""
    return list(join_parts(parts))


@pytest.fixture(scope="module")
def uncut(running):
    running.plan(WHOLE, ids=1, id="v1_same")
    found = seen(finished(start(running)))
    running.forget_all()
    assert found["status"] == "complete"
    return found


@pytest.mark.parametrize("how", ["close", "end", "done", "reset"])
@pytest.mark.parametrize(
    ("ids", "pieces", "starts"), [(1, 0, False), (3, 2, True), (0, 0, False), (0, 3, True)]
)
def test_a_stream_that_is_cut_after_any_event_gives_the_same_answer(server, uncut, ids, pieces, starts, how):
    events = range(1, len(WHOLE)) if how == "close" else range(1, len(WHOLE), 4)
    for cut in events:
        server.plan(WHOLE, ids=ids, cuts=(cut,), end=how, pieces=pieces, starts=starts, id="v1_same")
        ledger = finished(start(server))
        assert seen(ledger) == uncut, (cut, how)
        assert [len(server.asked(kind)) for kind in ("create", "stream")] == [1, 1]
        assert "resumed" in kinds(ledger)
        server.forget_all()


def without_numbers(found):
    """What users see, without the server's numbers of the steps: a server may count the user's input in a replay."""
    return found | {"steps": [step[1:] for step in found["steps"]]}


@pytest.mark.parametrize("seed", range(30))
def test_an_answer_that_is_cut_several_times_in_any_way_is_the_same(server, uncut, seed):
    chance = random.Random(seed)
    cuts = [chance.randint(1, len(WHOLE)), *(chance.randint(0, len(WHOLE)) for _ in range(seed % 4))]
    server.plan(
        WHOLE,
        ids=chance.choice([0, 1, 1, 2, 3]),
        cuts=cuts,
        end=chance.choice(["close", "end", "done", "reset"]),
        pieces=chance.choice([0, 1, 2, 3, 7]),
        starts=chance.random() < 0.3,
        echo=chance.random() < 0.5,
        id="v1_same",
    )
    server.ignores_cursor = chance.random() < 0.3
    ledger = finished(start(server, retries=8))
    assert without_numbers(seen(ledger)) == without_numbers(uncut)
    assert len(server.asked("create")) == 1


@pytest.mark.parametrize(
    ("ids", "cuts", "ignores_cursor"), [(2, (1, 3, 0, 3), False), (1, (1,), True), (1, (9, 11, 7, 1), True)]
)
def test_a_server_that_counts_the_users_input_in_some_replays_loses_and_repeats_nothing(
    server, uncut, ids, cuts, ignores_cursor
):
    server.plan(WHOLE, ids=ids, cuts=cuts, end="end", echo=True, id="v1_same")
    server.ignores_cursor = ignores_cursor
    ledger = finished(start(server, retries=8))
    assert without_numbers(seen(ledger)) == without_numbers(uncut)
    assert "user_input" not in [step.type for step in ledger.steps.all()]
