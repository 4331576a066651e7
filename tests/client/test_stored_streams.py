"""A stored answer whose connection is lost is resumed: nothing twice, nothing missing, and no second request to the model."""

from __future__ import annotations

import copy
import pickle
import random

import pytest
from client_stage import finished, kinds, request, text, until
from fake_server import gate
from interactions_server import (
    InteractionsServer,
    Plan,
    _stamped,
    answer,
    call,
    picture,
    refusal,
    replayed,
    search,
    stream_of,
    thought,
)
from interactions_server import text as words

from gemini_magic.backends import backend
from gemini_magic.client import open_stream, play, reader
from gemini_magic.content import RequestSettings, join_parts
from gemini_magic.errors import OptionError, RecordingError
from gemini_magic.ledger import Exchange, Ledger
from gemini_magic.options import Options
from gemini_magic.recording import Recorder, Replay, load_exchanges
from gemini_magic.response import Response
from gemini_magic.views import status_line

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


def start(server, *, store=True, recorders=(), replay=None, **options):
    settings = RequestSettings(server_store=store)
    chosen = Options(base_url=server.base_url, backend="interactions", **{"retries": 2, **options})
    asked = request("hi", "m", settings=settings)
    ledger = Ledger(asked, backend="interactions")
    return open_stream(
        asked, chosen, ledger=ledger, backend=backend("interactions"), recorders=recorders, replay=replay
    )


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


@pytest.mark.parametrize("ids", [1, 0])
def test_a_stream_that_is_cut_many_times_is_resumed_while_it_brings_something_new(server, uncut, ids):
    cuts = [2, *range(5, len(WHOLE), 3)] if ids == 0 else [2] * (len(WHOLE) // 2)
    server.plan(WHOLE, ids=ids, cuts=cuts, id="v1_same")
    ledger = finished(start(server, retries=1))
    assert seen(ledger) == uncut
    assert len(server.asked("create")) == 1
    assert len(server.asked("stream")) > 3
    assert f"resumed {len(server.asked('stream'))} times" in status_line(ledger)


def test_attempts_that_bring_nothing_new_count_as_retries(server):
    server.plan(WHOLE, cuts=(9, 0, 0, 0))
    ledger = finished(start(server, retries=3))
    assert (ledger.status, ledger.cause, text(ledger)) == ("truncated", "cut", "Hello, ")
    assert len(server.asked("stream")) == 3
    assert "`%gemini resume` reads it from there" in ledger.error.remedy


def test_without_retries_nothing_is_resumed(server):
    server.plan(WHOLE, cuts=(8,))
    ledger = finished(start(server, retries=0))
    assert (ledger.status, ledger.cause) == ("truncated", "cut")
    assert len(server.requests) == 1


def test_an_answer_that_is_not_stored_is_not_resumed(server):
    server.plan(WHOLE, cuts=(8,))
    ledger = finished(start(server, store=False))
    assert (ledger.status, ledger.cause) == ("truncated", "cut")
    assert len(server.requests) == 1
    assert "in a new request" in ledger.error.remedy


def test_a_stored_answer_is_not_requested_twice_if_nothing_but_its_id_has_arrived(server, uncut):
    server.plan(WHOLE, cuts=(1,), id="v1_same")
    ledger = finished(start(server))
    assert seen(ledger) == uncut
    assert len(server.asked("create")) == 1
    assert "possibly-billed" not in kinds(ledger)


def test_a_request_that_brings_no_event_is_repeated_as_before(server):
    server.plan(WHOLE, cuts=(0,))
    ledger = finished(start(server))
    assert ledger.status == "complete"
    assert (len(server.asked("create")), len(server.asked("stream"))) == (2, 0)


def test_silence_in_a_stored_stream_is_resumed(server, uncut):
    server.plan(WHOLE, cuts=(9,), end="stall", id="v1_same")
    ledger = finished(start(server, stall_timeout=0.3))
    assert seen(ledger) == uncut


def test_an_error_in_the_stream_that_passes_is_resumed(server, uncut):
    error = {"event_type": "error", "error": {"code": "gateway_timeout", "message": "Late."}}
    server.plan([*WHOLE[:9], error, *WHOLE[9:]], cuts=(10,), end="done", id="v1_same", unrepeated=(9,))
    ledger = finished(start(server))
    assert seen(ledger) == uncut


def test_a_refused_resumption_is_repeated_while_the_refusal_passes(server, uncut):
    server.plan(WHOLE, cuts=(9,), id="v1_same")
    server.fail("stream", refusal(503, "service_unavailable", "Busy."), times=2)
    ledger = finished(start(server, retries=3))
    assert seen(ledger) == uncut
    assert len(server.asked("stream")) == 3


@pytest.mark.parametrize(
    ("code", "word"), [(404, "not_found"), (403, "permission_denied"), (503, "service_unavailable")]
)
def test_a_refusal_that_stays_leaves_the_answer_as_it_was_cut(server, code, word):
    server.plan(WHOLE, cuts=(10,))
    server.fail("stream", refusal(code, word, "No such thing."), times=9)
    ledger = finished(start(server, retries=2))
    assert (ledger.status, ledger.cause, text(ledger)) == ("truncated", "cut", "Hello, wörld ")
    assert "The connection was lost" in ledger.error.message
    notes = [note.message for note in ledger.notes if note.kind == "not-resumed"]
    assert len(notes) == 1
    assert "No such thing" in notes[0]
    loaded = Ledger(backend="interactions")
    load_exchanges(ledger.exchanges, backend("interactions"), loaded)
    assert text(loaded) == text(ledger)


@pytest.mark.parametrize("code", [400, 404, 416])
def test_a_server_that_does_not_know_the_event_is_asked_for_the_whole_stream(server, uncut, code):
    server.plan(WHOLE, cuts=(9,), id="v1_same")
    server.fail("stream", refusal(code, "out_of_range", "Unknown event."))
    ledger = finished(start(server))
    assert seen(ledger) == uncut
    first, second = server.asked("stream")
    assert "last_event_id" in first.query
    assert "last_event_id" not in second.query


def test_a_server_that_ignores_the_event_is_understood(server, uncut):
    server.ignores_cursor = True
    server.plan(WHOLE, cuts=(12,), id="v1_same")
    assert seen(finished(start(server))) == uncut


def test_the_input_of_the_user_in_a_replay_is_left_out(server, uncut):
    server.plan(WHOLE, cuts=(12,), ids=0, echo=True, id="v1_same")
    assert seen(finished(start(server))) == uncut


def test_an_id_that_is_none_leads_to_no_request(server):
    server.plan(WHOLE, cuts=(9,), id="../../v1beta/files?x=1#")
    ledger = finished(start(server))
    assert ledger.status == "truncated"
    assert [each.method for each in server.requests] == ["POST"]


@pytest.mark.parametrize("cause", ["interrupt", "stop"])
def test_a_stream_can_be_stopped_while_it_waits_to_reconnect(server, monkeypatch, cause):
    monkeypatch.setattr(reader, "backoff", lambda number: 60.0)
    server.plan(WHOLE, cuts=(10,))
    stream = start(server)
    until(lambda: stream.ledger.phase == "resuming")
    assert "reconnecting in" in status_line(stream.ledger)
    assert "connection was lost" in status_line(stream.ledger)
    stream.cancel(cause)
    assert (stream.ledger.status, text(stream.ledger)) == ("interrupted", "Hello, wörld ")
    assert server.asked("stream") == []


def test_a_stream_can_be_stopped_while_it_reconnects(server):
    server.plan(WHOLE, cuts=(9,))
    server.fail("stream", gate("never"))
    stream = start(server)
    until(lambda: server.asked("stream"))
    assert "reconnecting" in status_line(stream.ledger)
    stream.cancel("stop")
    assert finished(stream).status == "interrupted"


def test_the_total_timeout_includes_resuming(server):
    server.plan(WHOLE, cuts=(9,))
    server.fail("stream", gate("never"))
    ledger = finished(start(server, timeout=0.3))
    assert (ledger.status, ledger.cause) == ("stalled", "timeout")


def test_the_size_limit_counts_all_streams_of_an_answer(server):
    steps = [words(*["x" * 2000] * 100)]
    server.plan(answer(*steps), ids=0, cuts=(60, 70, 80, 90))
    ledger = finished(start(server, max_total=0.4))
    assert (ledger.status, ledger.cause) == ("truncated", "full")


def test_many_streams_are_resumed_at_the_same_time(server, uncut):
    for number in range(24):
        server.plan(WHOLE, ids=number % 4, cuts=(3 + number, 2, 5), pieces=number % 3, end="reset")
    streams = [start(server, retries=3) for _ in range(24)]
    for stream in streams:
        assert seen(finished(stream)) | {"id": None} == uncut | {"id": None}
    assert len(server.asked("create")) == 24


def read_again(server, **settings):
    """A stream that reads the stored answer of the last interaction."""
    asked = request(
        "hi", "m", settings=RequestSettings(server_store=True, **settings), stored_id=server.made[-1].id
    )
    chosen = Options(base_url=server.base_url, backend="interactions", retries=2)
    return open_stream(
        asked, chosen, ledger=Ledger(asked, backend="interactions"), backend=backend("interactions")
    )


def test_a_stored_answer_is_read_by_its_id_without_a_request_to_the_model(server, uncut):
    server.plan(WHOLE, cuts=(9, 7, 3), echo=True, ids=0, id="v1_same")
    finished(start(server, retries=0))
    found = seen(finished(read_again(server)))
    assert found | {"steps": [step[1:] for step in found["steps"]]} == uncut | {
        "steps": [step[1:] for step in uncut["steps"]]
    }
    assert [len(server.asked(kind)) for kind in ("create", "stream")] == [1, 3]


def test_a_stored_answer_that_still_runs_on_the_server_is_stopped_there(server):
    server.plan(WHOLE, gates={9: "never"}, cuts=(5,))
    finished(start(server, retries=0))
    stream = read_again(server, server_background=True)
    until(lambda: text(stream.ledger))
    stream.cancel("stop")
    assert stream.wait_stopped(10)
    assert server.cancelled == [server.made[0].id]


def test_a_backend_that_stores_nothing_refuses_an_id():
    asked = request("hi", "m", stored_id="v1_x")
    with pytest.raises(OptionError, match="stores no answers"):
        open_stream(asked, Options(), ledger=Ledger(asked), backend=backend("gemini"))


# --------------------------------------------------------------------------------------- recordings


@pytest.mark.parametrize("ids", [1, 3, 0])
def test_a_recorded_answer_that_was_resumed_is_loaded_and_played_as_it_was(server, uncut, ids):
    server.plan(WHOLE, cuts=(9, 4), ids=ids, id="v1_same")
    ledger = finished(start(server))
    dialect = backend("interactions")
    loaded = Ledger(backend="interactions")
    load_exchanges(ledger.exchanges, dialect, loaded)
    played = Ledger(backend="interactions")
    finished(play(ledger.exchanges, dialect, played, speed=0))
    for again in (loaded, played):
        assert seen(again) == uncut
        assert len(again.exchanges) == len(ledger.exchanges)
    assert [chunk.raw for chunk in loaded.raw] == [chunk.raw for chunk in ledger.raw]


@pytest.mark.parametrize("retries", [0, 2])
def test_a_recording_answers_the_requests_that_resumed_it(server, uncut, tmp_path, retries):
    path = tmp_path / "resumed.jsonl"
    server.plan(WHOLE, cuts=(9,), id="v1_same")
    finished(start(server, recorders=(Recorder(path),)))
    server.forget_all()
    again = finished(start(server, replay=Replay(path, speed=0), retries=retries))
    assert seen(again) == uncut
    assert server.requests == []


def test_a_recording_of_a_cut_answer_is_played_as_it_was_cut(server, tmp_path):
    path = tmp_path / "cut.jsonl"
    server.plan(WHOLE, cuts=(10,))
    finished(start(server, recorders=(Recorder(path),), retries=0))
    again = finished(start(server, replay=Replay(path, speed=0), retries=2))
    assert (again.status, text(again)) == ("truncated", "Hello, wörld ")


@pytest.fixture
def resumed(server):
    """A response that was resumed twice."""
    server.plan(WHOLE, cuts=(9, 4), id="v1_same")
    ledger = finished(start(server))
    return Response(ledger)


def test_a_resumed_answer_is_saved_and_loaded_in_each_format(server, uncut, resumed, tmp_path):
    for name in ("r.jsonl", "r.httprr"):
        resumed.save(tmp_path / name)
        again = Response.load(tmp_path / name, backend_name="interactions")
        assert seen(again.ledger) == uncut, name
    assert seen(copy.copy(resumed).ledger) == uncut
    assert seen(pickle.loads(pickle.dumps(resumed)).ledger) == uncut
    with pytest.raises(RecordingError, match="one body"):
        resumed.save(tmp_path / "r.sse")


def test_the_request_of_a_resumed_answer_is_the_one_that_asked(server, resumed):
    assert "--data-raw" in resumed.curl()
    assert '"input":"hi"' in resumed.curl().replace('": "', '":"')
    assert [each.url.rpartition("/")[2].partition("?")[0] for each in resumed.attempts] == [
        "interactions",
        "v1_same",
        "v1_same",
    ]
    assert [each.problem for each in resumed.attempts] == [
        "the connection was lost",
        "the connection was lost",
        None,
    ]


# ------------------------------------------------------------------------------------- without a network


def recorded(method, url, body, number, end):
    exchange = Exchange(method, url, (), b"{}", attempt=number, backend="interactions", started=float(number))
    exchange.set_head(200, headers=(("content-type", "text/event-stream"),))
    exchange.pieces.append((0.0, body))
    exchange.finish(end)
    return exchange


@pytest.mark.parametrize(("ids", "pieces"), [(1, 0), (3, 2), (0, 5)])
def test_a_stream_that_is_cut_after_any_byte_gives_the_same_answer(uncut, ids, pieces):
    dialect = backend("interactions")
    plan = Plan(WHOLE, ids=ids, pieces=pieces, id="v1_same")
    events = _stamped(plan, "v1_same", {"model": "m"})
    body, base = stream_of(events), "https://example.com/v1beta/interactions"
    for length in range(1, len(body), 41):
        first = recorded("POST", base, body[:length], 0, "connection lost")
        cut = Ledger(backend="interactions")
        load_exchanges([first], dialect, cut)
        if cut.finish is not None:
            continue  # nothing is missing
        cursor = cut.steps.cursor
        at = (
            0
            if cursor is None
            else next(n for n, each in enumerate(events) if each.get("event_id") == cursor) + 1
        )
        rest = stream_of(replayed(events[at:], plan))
        url = f"{base}/v1_same?stream=true" + ("" if cursor is None else f"&last_event_id={cursor}")
        whole = Ledger(backend="interactions")
        load_exchanges([first, recorded("GET", url, rest, 1, "eof")], dialect, whole)
        assert seen(whole) == uncut, (length, body[:length][-60:])
