"""Rounds over a real socket: retries, lost connections, time limits, files and keys belong to the round they happen in."""

from __future__ import annotations

import itertools
import json
import sys
import threading

import pytest
from client_stage import CANARY
from fake_server import FakeServer, cut, event, gate, google_error, raw, stall, status
from fake_server import finish as gemini_finish
from fake_server import text as gemini_text
from interaction_bodies import completed, start, stop, stream
from interaction_bodies import text as piece_of_step

import gemini_magic

text = call = finish = None  # those of the protocol, which the fixture `server` sets


def weather(city: str) -> str:
    """The weather of a city."""
    return f"21 °C in {city}"


class Gemini:
    """Pieces of an answer of ``generateContent``."""

    name = "gemini"
    text = staticmethod(gemini_text)
    finish = staticmethod(gemini_finish)

    def call(self, name="weather", count=1):
        args = {"city": "Paris"} if name == "weather" else {}
        parts = [{"functionCall": {"name": name, "args": args}, "thoughtSignature": "c2ln"}] * count
        return event({"candidates": [{"content": {"role": "model", "parts": parts}, "index": 0}]})


class Interactions:
    """Pieces of an answer of the Interactions API, each a step."""

    name = "interactions"

    def __init__(self):
        self.numbers = itertools.count()

    def text(self, piece):
        number = next(self.numbers)
        return raw(stream(start(number), piece_of_step(number, piece), stop(number), done=False))

    def call(self, name="weather", count=1):
        args = {"city": "Paris"} if name == "weather" else {}
        events = []
        for number in itertools.islice(self.numbers, count):
            fields = {"id": f"c{number}", "name": name, "arguments": args, "signature": "c2ln"}
            events += [start(number, "function_call", **fields), stop(number)]
        return raw(stream(*events, done=False))

    def finish(self, reason="STOP"):
        status = {"STOP": "completed", "MAX_TOKENS": "incomplete"}[reason]
        return raw(stream(completed(status, id="")))


@pytest.fixture(params=[Gemini, Interactions])
def server(monkeypatch, request):
    monkeypatch.setenv("TEST_KEY", CANARY)
    wire = request.param()
    for name in ("text", "call", "finish"):
        monkeypatch.setattr(sys.modules[__name__], name, getattr(wire, name), raising=False)
    with FakeServer() as running:
        running.backend = wire.name
        yield running


def asked(server, tools=(weather,), **options):
    options |= {"backend": server.backend, "base_url": server.base_url, "key_env": "TEST_KEY"}
    return gemini_magic.ask("hi", tools=tools, **options)


def test_text_and_callbacks_have_a_paragraph_for_each_round(server, tmp_path):
    server.script(text("I look."), call(), finish())
    server.script(text("It is "), text("21 °C."), finish())
    pieces = []
    r = asked(server, on_chunk=pieces.append, to=str(tmp_path / "a.md"))
    assert r.text == "".join(pieces) == "I look.\n\nIt is 21 °C."
    assert (tmp_path / "a.md").read_text().startswith(f"{r.text}\n\n---\nTokens: {r.usage.total}")


def test_a_busy_server_in_a_later_round_is_asked_again(server):
    server.script(call(), finish())
    server.script(status(503, body=google_error(503, "Busy.", "UNAVAILABLE")))
    server.script(text("done"), finish())
    r = asked(server)
    assert (r.status, r.text) == ("complete", "done")
    assert [(each.round, each.attempt, each.status) for each in r.attempts] == [
        (0, 0, 200),
        (1, 0, 503),
        (1, 1, 200),
    ]
    assert [run.state for run in r.ledger.tool_runs] == ["done"]
    times = [each.started for each in r.ledger.exchanges]
    assert times == sorted(times)


def test_a_round_that_is_cut_off_keeps_what_the_rounds_before_have_brought(server):
    server.script(text("I look."), call(), finish())
    server.script(text("It is"), cut())
    r = asked(server)
    assert (r.status, r.text) == ("truncated", "I look.\n\nIt is")
    assert [run.result for run in r.ledger.tool_runs] == ["21 °C in Paris"]


def test_the_stall_timeout_counts_in_each_round(server):
    server.script(call(), finish())
    server.script(text("It is"), stall())
    r = asked(server, stall_timeout=0.3)
    assert (r.status, r.text) == ("stalled", "It is")


def test_the_time_of_functions_does_not_count_for_the_total_timeout(server):
    waited = threading.Event()

    def slow() -> str:
        """Take a while."""
        waited.wait(1.2)
        return "ok"

    server.script(call("slow"), finish())
    server.script(text("done"), finish())
    assert asked(server, [slow], timeout=1.0).status == "complete"


def test_the_total_timeout_covers_the_requests_of_all_rounds(server):
    server.script(call(), gate("never"), finish())
    r = asked(server, timeout=0.2)
    assert r.status == "stalled"
    assert "0.2 s" in r.error.message


def test_an_http_error_in_a_later_round_ends_the_answer_with_it(server):
    server.script(call(), finish())
    server.script(status(400, body=google_error(400, "Bad signature.", "INVALID_ARGUMENT")))
    r = asked(server)
    assert (r.status, r.error.message) == ("error", "400 INVALID_ARGUMENT: Bad signature.")
    assert len(r.ledger.rounds) == 2


def test_an_answer_that_reached_the_token_limit_runs_no_function(server):
    server.script(call(), finish("MAX_TOKENS"))
    r = asked(server)
    assert (r.status, r.ledger.tool_runs) == ("truncated", [])
    assert [each.name for each in r.open_calls] == ["weather"]


def test_signatures_and_empty_ids_are_sent_back_as_received(server):
    server.script(call(), finish())
    server.script(text("done"), finish())
    asked(server)
    if server.backend == "interactions":
        _, called, result = server.requests[1].body["input"]
        assert called == {
            "type": "function_call",
            "id": "c0",
            "name": "weather",
            "arguments": {"city": "Paris"},
            "signature": "c2ln",
        }
        assert (result["call_id"], result["result"]) == ("c0", "21 °C in Paris")
        return
    _, model, user = server.requests[1].body["contents"]
    assert model["parts"] == [
        {"functionCall": {"name": "weather", "args": {"city": "Paris"}}, "thoughtSignature": "c2ln"}
    ]
    assert user["parts"] == [
        {"functionResponse": {"name": "weather", "response": {"output": "21 °C in Paris"}}}
    ]


def test_the_key_is_sent_with_every_round_and_never_in_a_result(server):
    def leak() -> str:
        """Leak."""
        return CANARY

    server.script(call("leak"), finish())
    server.script(text("done"), finish())
    r = asked(server, [leak])
    assert all(CANARY in str(each.headers) for each in server.requests)
    assert all(CANARY not in str(each.body) for each in server.requests)
    assert r.ledger.tool_runs[0].result == "<key>"


def test_stopping_between_two_rounds_ends_the_answer_at_once(server):
    stopped = []

    def stop() -> str:
        """Stop the answer."""
        stopped.append(source.close())
        return "late"

    server.script(text("I look."), call("stop"), finish())
    options = {"backend": server.backend, "base_url": server.base_url, "key_env": "TEST_KEY"}
    source = gemini_magic.stream("hi", tools=[stop], **options)
    r = source.response.wait(60)
    assert (r.status, r.text) == ("interrupted", "I look.")
    assert r.ledger.tool_runs[0].state == "stopped"
    assert len(server.requests) == 1


def test_many_calls_at_once_are_limited(server):
    server.script(call(count=150), finish())
    server.script(text("done"), finish())
    r = asked(server)
    states = [run.state for run in r.ledger.tool_runs]
    assert states == ["done"] * 100 + ["invalid"] * 50
    sent = json.dumps(server.requests[1].body)
    name = "functionResponse" if server.backend == "gemini" else "function_result"
    assert sent.count(f'"{name}"') == 150
