"""Tests of a run over rows against a server that refuses, drops connections and answers half."""

import json
import subprocess
import sys
import time
import urllib.request
from datetime import UTC, datetime

import pytest
from client_stage import until
from fake_server import (
    FakeServer,
    Script,
    bare,
    cut,
    finish,
    gate,
    google_error,
    hang_up,
    headers,
    reset,
    status,
    text,
)
from rows_stage import ask_rows, asked_texts, refused, results, start_asking, statuses, table
from surroundings import CHECKOUT

from gemini_magic.client.rate_limit import RateLimiter
from gemini_magic.errors import StoreError
from gemini_magic.row_runs import leader, limits
from gemini_magic.row_runs.store import Store

HELLO = (text("Hel"), text("lo"), finish())
RETRY = {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "0.05s"}
DAY = {
    "@type": "type.googleapis.com/google.rpc.QuotaFailure",
    "violations": [{"quotaId": "GenerateRequestsPerDayPerProjectPerModel-FreeTier", "quotaValue": "20"}],
}


@pytest.fixture(autouse=True)
def _key(monkeypatch):
    monkeypatch.setenv("TEST_KEY", "AIzaCANARY0123456789abcdefghijklmnopqrs")
    monkeypatch.setattr(leader, "_BACKOFF", (0.01, 0.02))
    monkeypatch.setattr(limits, "_TRUNCATED", 0.01)
    monkeypatch.setattr(limits, "_BACKOFF", (0.01, 0.05))


@pytest.fixture
def server():
    with FakeServer() as running:
        running.model("m", *HELLO)
        yield running


def busy(message="Too many requests."):
    return refused(429, "RESOURCE_EXHAUSTED", message, (RETRY,))


# ----------------------------------------------------------------------------- too many requests


def test_no_more_requests_leave_than_rpm_allows(server, monkeypatch):
    span = 0.3
    monkeypatch.setattr(limits, "RATE_LIMITER", RateLimiter(span=span))
    run = ask_rows(server, table(12), rpm=4)
    assert statuses(run) == ["complete"] * 12
    times = [request.time for request in server.requests]
    assert times[-1] - times[0] >= 1.9 * span
    assert run.progress.useful is not None


def test_the_runner_sees_each_429_and_every_row_is_answered(server):
    server.answers(
        "m", *[Script((busy(),) if number % 3 == 1 else HELLO) for number in range(60)], Script(HELLO)
    )
    run = ask_rows(server, table(30))
    assert statuses(run) == ["complete"] * 30
    refusals = len(server.requests) - 30
    assert refusals > 3
    assert run.progress.requests == len(server.requests)
    assert sum(row.attempts - 1 for row in results(run)) == refusals
    assert run.progress.counts == {"complete": 30}


def test_a_storm_of_429_slows_the_run_down_to_one_row_at_once(server):
    server.answers("m", *[Script(HELLO)] * 20, *[Script((busy(),))] * 40, Script(HELLO))
    run = ask_rows(server, table(60))
    assert statuses(run) == ["complete"] * 60
    assert run.progress.concurrency < 16


def test_a_429_inside_an_answer_with_status_200_counts_as_well(server):
    late = lambda exchange: exchange.send_json(google_error(429, "Slow down.", "RESOURCE_EXHAUSTED", RETRY))  # noqa: E731
    server.answers("m", Script(HELLO), Script((late,)), Script(HELLO))
    run = ask_rows(server, table(5))
    assert statuses(run) == ["complete"] * 5
    assert len(server.requests) == 6


def test_a_row_that_is_refused_again_and_again_while_others_are_answered_fails(server, monkeypatch):
    monkeypatch.setattr(leader, "_MOST_BUSY", 3)

    def answer(exchange):
        large = "text 2" in str(exchange.request.body)
        (busy() if large else lambda made: made.send_json(made.chunk("Hello", thought=False, finish="STOP")))(
            exchange
        )

    server.model("m", answer)
    run = ask_rows(server, table(4))
    assert statuses(run) == ["complete", "complete", "error", "complete"]
    assert results(run)[2].attempts == 3


def test_a_used_up_quota_of_the_day_stops_with_the_time_it_opens_again(server, tmp_path):
    exhausted = refused(429, "RESOURCE_EXHAUSTED", "Quota exceeded.", (RETRY, DAY))
    server.answers("m", *[Script(HELLO)] * 3, Script((exhausted,)))
    store = tmp_path / "t.rows.sqlite"
    run = ask_rows(server, table(50), concurrency=1, store=store)
    assert run.progress.state == "stopped"
    assert "quota of the day" in run.progress.ending
    assert 'wait="day"' in run.progress.remedy
    assert len(server.requests) == 4
    server.model("m", *HELLO)
    assert statuses(ask_rows(server, table(50), store=store)) == ["complete"] * 50


def test_with_wait_day_the_run_waits_until_the_quota_opens_again(server, monkeypatch):
    monkeypatch.setattr(leader, "reopens", lambda: datetime.fromtimestamp(time.time() + 0.1, UTC))
    monkeypatch.setattr(leader, "_MIDNIGHT", 0.0)
    exhausted = refused(429, "RESOURCE_EXHAUSTED", "Quota exceeded.", (DAY,))
    server.answers("m", Script(HELLO), Script((exhausted,)), Script(HELLO))
    run = ask_rows(server, table(4), concurrency=1, wait="day")
    assert statuses(run) == ["complete"] * 4
    assert len(server.requests) == 5


# ---------------------------------------------------------------------------- broken connections


@pytest.mark.parametrize(
    "steps",
    [
        (hang_up(),),
        (reset(),),
        (bare(b"HTTP/1.1 200 OK\r\nContent-Type: text/ev"), hang_up()),
        (headers(), cut()),
        (text("Hel"), cut()),
    ],
    ids=["closed", "reset", "half a head", "half a chunk", "half an answer"],
)
def test_no_row_is_sent_twice_when_connections_break(server, steps):
    server.answers("m", Script(HELLO), *[Script(HELLO), Script(steps)] * 30)
    run = ask_rows(server, table(40))
    asked = asked_texts(server)
    assert len(asked) == len(set(asked)) == 40
    counts = run.progress.counts
    assert counts["complete"] == 21
    assert sum(counts.values()) == 40
    assert all(row.error for row in results(run) if row.status != "complete")


def test_idle_connections_that_the_server_closes_cost_no_row(server):
    answered = []

    def close_after(exchange):
        answered.append(1)
        exchange.send_json(exchange.chunk("Hello", thought=False, finish="STOP"))

    server.model("m", close_after, headers={"Connection": "close"})
    run = ask_rows(server, table(30))
    assert statuses(run) == ["complete"] * 30
    assert len(server.requests) == 30


def test_a_server_that_cannot_be_reached_stops_the_run_and_its_rows_stay_waiting(tmp_path):
    store = tmp_path / "t.rows.sqlite"
    with FakeServer() as gone:
        pass
    run = ask_rows(gone, table(5), store=store, retries=1)
    assert run.progress.state == "stopped"
    assert "could not be reached" in run.progress.ending
    assert run.progress.requests == 0
    with FakeServer() as server:
        server.model("m", *HELLO)
        assert statuses(ask_rows(server, table(5), store=store)) == ["complete"] * 5


@pytest.fixture
def many_server():
    """A server in another process, which answers all requests of a moment together."""
    with subprocess.Popen(
        [sys.executable, str(CHECKOUT / "benchmarks" / "rows_server.py"), "3", "0.1"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        yield f"http://127.0.0.1:{process.stdout.readline().strip()}"
        process.stdin.close()


def test_500_at_once_open_at_most_500_connections(many_server):
    run = start_asking(many_server, table(2000), concurrency=500)
    assert run.wait(120)
    assert run.progress.counts == {"complete": 2000}
    with urllib.request.urlopen(f"{many_server}/count") as response:
        counted = json.load(response)
    assert counted["requests"] == 2000
    assert 200 < counted["opened"] <= 501  # and the one that counts


# ------------------------------------------------------------------------------------ revoked key


def test_a_key_that_is_revoked_in_mid_run_stops_it_after_five_equal_refusals(server, tmp_path):
    store = tmp_path / "t.rows.sqlite"
    revoked = Script((refused(403, "PERMISSION_DENIED", "The key was revoked."),))
    server.answers("m", *[Script(HELLO)] * 300, revoked)
    run = ask_rows(server, table(2000), store=store, concurrency=8)
    assert run.progress.state == "stopped"
    assert "revoked" in run.progress.ending
    assert 305 <= len(server.requests) <= 305 + 2 * 8  # those in flight
    server.model("m", *HELLO)
    again = ask_rows(server, table(400), store=store)
    assert again.progress.unasked == {"done": 300}
    assert statuses(again) == ["complete"] * 400


def test_scattered_refusals_do_not_stop_a_large_run(server):
    bad = Script((status(400, body=google_error(400, "bad picture", "INVALID_ARGUMENT")),))
    server.answers("m", *([Script(HELLO)] * 29 + [bad]) * 10, Script(HELLO))
    run = ask_rows(server, table(400), concurrency=4)
    assert run.progress.state == "stopped"  # 5 equal ones within the first 200
    run = ask_rows(server, table(400), concurrency=4, max_errors=50)
    assert run.progress.state == "complete"


# ------------------------------------------------------------------------------------------ store


def test_a_store_that_cannot_be_written_stops_the_run_before_the_next_row_is_sent(
    server, tmp_path, monkeypatch
):
    commit = Store.commit

    def failing(self, **given):
        if given.get("sent") and len(server.requests) >= 10:
            self.hand_over(given["done"])  # it keeps answers and tries again
            raise StoreError("The disk is full.", remedy="Free some space.")
        commit(self, **given)

    monkeypatch.setattr(Store, "commit", failing)
    store = tmp_path / "t.rows.sqlite"
    run = ask_rows(server, table(50), store=store)
    assert run.progress.state == "error"
    assert run.progress.ending == "The disk is full."
    with pytest.raises(StoreError, match="disk is full"):
        run.raise_for_status()
    asked = len(server.requests)
    monkeypatch.undo()
    monkeypatch.setenv("TEST_KEY", "AIzaCANARY0123456789abcdefghijklmnopqrs")
    again = ask_rows(server, table(50), store=store)
    assert again.progress.unasked == {"done": asked}
    assert len(server.requests) == 50


def test_an_error_while_rows_are_read_lets_the_rows_in_flight_end(server):
    def data():
        yield from table(600)
        raise ValueError("the source is broken")

    run = ask_rows(server, data())
    assert run.progress.state == "error"
    assert "the source is broken" in run.progress.ending
    assert run.progress.counts == {"complete": len(server.requests)}


# ----------------------------------------------------------------------------- bytes in flight


def test_prompts_in_flight_have_a_limit_of_bytes(server, monkeypatch):
    monkeypatch.setattr(leader, "_MOST_BYTES", 1000)
    rows = [{"id": number, "text": f"{number} " + "x" * (600 if number else 1)} for number in range(12)]
    server.answers("m", Script(HELLO), Script((gate("go"), *HELLO)))
    run = start_asking(server, rows, "{{ row.text }}")
    server.wait_for_requests(3)
    until(lambda: run.progress.in_flight == 2)
    assert len(server.requests) == 3  # the first row, and two that exceed the limit together
    server.open("go")
    assert run.wait(60)
    assert statuses(run) == ["complete"] * 12


def test_a_prompt_above_the_limit_of_bytes_goes_alone(server, monkeypatch):
    monkeypatch.setattr(leader, "_MOST_BYTES", 10)
    run = ask_rows(server, table(8), "{{ row.text }} is long enough")
    assert statuses(run) == ["complete"] * 8
