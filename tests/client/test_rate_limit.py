"""--rpm: at most a number of requests a minute, in the order in which they were queued."""

from __future__ import annotations

import pytest
from calibration import assert_soon
from client_stage import canary, finished, kinds, start, text, time_taken, until
from fake_server import finish, google_error, status
from fake_server import text as chunk

from gemini_magic.client import rate_limit, reader
from gemini_magic.client.rate_limit import RateLimiter

HELLO = (chunk("Hello"), finish())


class Clock:
    def __init__(self):
        self.now = 1000.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def limiter(clock):
    return RateLimiter(clock)


def test_a_request_over_the_limit_waits_until_the_oldest_is_a_minute_old(limiter, clock):
    for _ in range(3):
        assert limiter.enqueue("here", 3).remaining() == 0
        clock.now += 10
    late = limiter.enqueue("here", 3)
    assert late.remaining() == 30
    clock.now += 29.5
    assert late.remaining() == 0.5
    clock.now += 0.5
    assert late.remaining() == 0
    assert limiter.enqueue("here", 3).remaining() == 10


def test_scopes_do_not_wait_for_each_other(limiter):
    assert limiter.enqueue(("host", "model"), 1).remaining() == 0
    assert limiter.enqueue(("host", "other"), 1).remaining() == 0
    assert limiter.enqueue(("host", "model"), 1).remaining() == 60


def test_queued_requests_keep_their_order_and_compute_their_wait(limiter, clock):
    assert limiter.enqueue("here", 2).remaining() == 0
    clock.now += 5
    assert limiter.enqueue("here", 2).remaining() == 0
    waiting = [limiter.enqueue("here", 2) for _ in range(4)]
    assert [each.remaining() for each in waiting] == [55, 60, 115, 120]
    assert waiting[3].remaining() == 120  # asking does not change anything
    clock.now += 55
    assert [each.remaining() for each in reversed(waiting)] == [65, 60, 5, 0]


def test_a_slot_that_leaves_lets_the_others_move_up(limiter):
    first, second, third = (limiter.enqueue("here", 1) for _ in range(3))
    assert first.remaining() == 0
    assert [second.remaining(), third.remaining()] == [60, 120]
    second.leave()
    second.leave()
    assert third.remaining() == 60


def test_a_slot_counts_once_and_not_after_leaving(limiter):
    first = limiter.enqueue("here", 1)
    assert [first.remaining(), first.remaining()] == [0, 0]
    first.leave()
    assert limiter.enqueue("here", 1).remaining() == 60


def test_requests_without_a_limit_count_for_requests_with_one(limiter):
    limiter.count("here")
    assert limiter.enqueue("here", 1).remaining() == 60
    assert limiter.enqueue("here", 2).remaining() == 60  # it stands behind the other


def test_no_window_of_a_minute_has_more_requests_than_the_limit(limiter, clock):
    begun, waiting = [], []
    for step in range(400):
        if step < 60:
            waiting.append(limiter.enqueue("here", 7))
        for each in [each for each in waiting if each.remaining() == 0]:
            waiting.remove(each)
            begun.append(clock.now)
        clock.now += 1.5
    assert len(begun) == 60
    assert all(later - earlier >= 60 for earlier, later in zip(begun, begun[7:], strict=False))


def test_a_forked_child_starts_with_empty_queues(limiter):
    limiter.enqueue("here", 1).remaining()
    limiter.enqueue("here", 1)
    limiter.clear_in_child()
    assert limiter.enqueue("here", 1).remaining() == 60


# ------------------------------------------------------------------------------------- streams in the queue


@pytest.fixture
def minute(monkeypatch, clock):
    """A separate limiter whose clock stands still until the test moves it; its value is that clock."""
    monkeypatch.setattr(reader, "RATE_LIMITER", RateLimiter(clock))
    monkeypatch.setattr(reader, "_POLL", 0.01)
    return clock


def test_a_queued_stream_shows_why_it_waits_and_notes_how_long(fake_server, minute, monkeypatch):
    monkeypatch.setattr(reader, "_UNNOTED_WAIT", 0.1)
    fake_server.model("m", *HELLO)
    assert "queued" not in kinds(finished(start(fake_server, rpm=1)))
    second = start(fake_server, rpm=1)
    until(lambda: second.ledger.phase == "queued")
    assert second.ledger.pause.why == "at most 1 request a minute"
    assert second.ledger.pause.until >= 60
    assert not second.wait(0.3)
    assert len(fake_server.requests) == 1
    minute.now += 60
    ledger = finished(second)
    assert text(ledger) == "Hello"
    assert ledger.pause is None
    assert ledger.exchanges[0].waited >= 0.2
    assert ledger.delay == pytest.approx(ledger.exchanges[0].waited, abs=0.1)
    assert_soon(ledger.marks["total"], 0.2)  # times are since the request was sent
    assert next(note.message for note in ledger.notes if note.kind == "queued").endswith("a minute.")


def test_every_attempt_counts_as_a_request(fake_server, minute, monkeypatch):
    monkeypatch.setattr(reader, "backoff", lambda number: 0.0)
    refusal = status(503, body=google_error(503, "busy", "UNAVAILABLE"))
    fake_server.script(refusal)
    fake_server.script(refusal)
    fake_server.script(*HELLO)
    stream = start(fake_server, rpm=2)
    fake_server.wait_for_requests(2)
    until(lambda: stream.ledger.phase == "queued")
    assert not stream.wait(0.1)
    assert len(fake_server.requests) == 2
    minute.now += 60
    assert text(finished(stream)) == "Hello"


def test_each_key_and_model_has_its_own_queue(fake_server, minute):
    for name in ("m", "n"):
        fake_server.model(name, *HELLO)
    for name, key in (("m", None), ("n", None), ("m", canary())):
        stream = start(fake_server, model=name, key=key, rpm=1)
        assert finished(stream).exchanges[0].waited == 0


def test_a_queued_stream_can_be_cancelled(fake_server, monkeypatch):
    monkeypatch.setattr(reader, "RATE_LIMITER", limiter := RateLimiter())
    fake_server.model("m", *HELLO)
    finished(start(fake_server, rpm=1))
    stream, behind = start(fake_server, rpm=1), None
    until(lambda: stream.ledger.phase == "queued")
    assert_soon(time_taken(stream.cancel), 0.1)
    assert stream.ledger.status == "interrupted"
    assert stream.ledger.exchanges == []
    behind = start(fake_server, rpm=1)
    until(lambda: behind.ledger.phase == "queued")
    assert behind.ledger.pause.until == pytest.approx(60, abs=2)  # the slot before it has left
    behind.cancel()
    until(lambda: not any(limiter._queues.values()))
    assert len(fake_server.requests) == 1


def test_the_total_timeout_includes_the_wait_in_the_queue(fake_server, monkeypatch):
    monkeypatch.setattr(reader, "RATE_LIMITER", RateLimiter())
    fake_server.model("m", *HELLO)
    finished(start(fake_server, rpm=1))
    ledger = finished(start(fake_server, rpm=1, timeout=0.2))
    assert (ledger.status, ledger.cause, ledger.limit) == ("stalled", "timeout", 0.2)
    assert len(fake_server.requests) == 1


def test_offline_responses_do_not_queue():
    for _ in range(3):
        assert finished(start(None, dialect="echo", rpm=1)).status == "complete"


def test_all_streams_of_a_process_share_one_limiter():
    assert reader.RATE_LIMITER is rate_limit.RATE_LIMITER
