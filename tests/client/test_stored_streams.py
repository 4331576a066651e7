"""A stored answer whose connection is lost is read on: nothing twice, nothing missing, and no second request to the model."""

from __future__ import annotations

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
