"""Tests of `gemini_magic.row_runs.limits`: waits, the pause after a refusal, how many at once, and the quota of a day."""

from datetime import UTC, datetime

import pytest

from gemini_magic.client.rate_limit import RateLimiter
from gemini_magic.row_runs import limits as limits_module
from gemini_magic.row_runs.limits import AtOnce, ProcessLimits, reopens, tokens_of, useful_at_once


class Clock:
    def __init__(self):
        self.now = 1000.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def limits(clock):
    return ProcessLimits(clock)


def test_without_limits_nothing_waits(limits):
    assert limits.wait("a") == 0
    assert limits.wait("a", 10**9) == 0
    assert not limits.paused("a")


def test_a_refusal_pauses_its_scope_for_the_delay_of_the_server_and_one_second(limits, clock):
    assert limits.refused("a", 42.0, 1) == 43.0
    assert limits.paused("a")
    assert not limits.paused("b")
    clock.now += 42.9
    assert limits.wait("a") == pytest.approx(0.1)
    clock.now += 0.2
    assert limits.wait("a") == 0


def test_a_shorter_delay_does_not_shorten_the_pause(limits):
    limits.refused("a", 42.0, 1)
    assert limits.refused("a", 1.0, 2) == 43.0


def test_without_a_delay_the_pause_doubles(limits, clock):
    waits = []
    for times in range(1, 8):
        waits.append(limits.refused("a", None, times))
        clock.now += 100
    assert waits == [1, 2, 4, 8, 16, 30, 30]


def test_input_tokens_wait_until_enough_of_them_are_a_minute_old(limits, clock):
    for _ in range(2):
        assert limits.wait("a", 400, 1000) == 0
        limits.count_tokens("a", 400)
        clock.now += 10
    assert limits.wait("a", 400, 1000) == 40
    assert limits.wait("a", 200, 1000) == 0
    assert limits.wait("b", 400, 1000) == 0
    clock.now += 40
    assert limits.wait("a", 400, 1000) == 0


def test_a_row_that_is_larger_than_the_limit_starts_when_the_minute_is_empty(limits, clock):
    assert limits.wait("a", 5000, 1000) == 0
    limits.count_tokens("a", 5000)
    assert limits.wait("a", 5000, 1000) == 60


def test_rows_at_once_double_until_the_server_refuses_and_then_grow_by_a_tenth():
    pace = AtOnce(64)
    seen = [pace.limit]
    for _ in range(200):
        pace.answered()
        if pace.limit != seen[-1]:
            seen.append(pace.limit)
    assert seen == [4, 8, 16, 32, 64]
    pace.refused(0)
    assert pace.limit == 32
    for _ in range(32):
        pace.answered()
    assert pace.limit == 36


def test_a_limit_that_the_user_chose_is_reached_in_two_steps():
    for most, steps in ((500, [125, 500]), (200, [50, 200]), (10, [4, 10]), (2, [2])):
        pace = AtOnce(most, chosen=True)
        seen = [pace.limit]
        for _ in range(most):
            pace.answered()
            if pace.limit != seen[-1]:
                seen.append(pace.limit)
        assert seen == steps


def test_a_limit_that_the_user_chose_halves_after_a_refusal_and_then_grows_by_a_tenth():
    pace = AtOnce(200, chosen=True)
    pace.refused(0)
    assert pace.limit == 25
    for _ in range(25):
        pace.answered()
    assert pace.limit == 28


def test_refusals_of_requests_that_left_together_halve_once():
    pace = AtOnce(64)
    for _ in range(60):
        pace.answered()
    assert pace.limit == 64
    for _ in range(64):
        pace.refused(0)
    assert (pace.limit, pace.generation) == (32, 1)
    for _ in range(10):
        pace.refused(pace.generation)
    assert pace.limit == 1


def test_rows_at_once_do_not_grow_beyond_what_the_rate_can_use():
    pace = AtOnce(500)
    for _ in range(1000):
        pace.answered(useful=10)
    assert pace.limit == 16  # the first step that is enough


def test_useful_rows_at_once_are_the_rate_times_the_seconds_of_an_answer():
    assert useful_at_once(15.0, 4.0) == 60
    assert useful_at_once(0.1, 1.0) == 1
    assert useful_at_once(None, 4.0) is None
    assert useful_at_once(15.0, None) is None


def test_tokens_are_estimated_from_bytes_and_from_the_rows_before():
    assert tokens_of(400) == 100
    assert tokens_of(400, 0.5) == 200


@pytest.mark.parametrize(
    ("now", "opens"),
    [
        (datetime(2026, 7, 1, 12, tzinfo=UTC), datetime(2026, 7, 2, 7, tzinfo=UTC)),
        (datetime(2026, 1, 1, 12, tzinfo=UTC), datetime(2026, 1, 2, 8, tzinfo=UTC)),
        (datetime(2026, 1, 2, 7, 59, tzinfo=UTC), datetime(2026, 1, 2, 8, tzinfo=UTC)),
    ],
)
def test_a_quota_of_the_day_opens_at_midnight_in_california(now, opens):
    assert reopens(now) == opens


# ------------------------------------------------------------------------------- requests a minute


def test_requests_a_minute_are_shared_with_single_questions(monkeypatch, clock):
    shared = RateLimiter(clock)
    monkeypatch.setattr(limits_module, "RATE_LIMITER", shared)
    turns = limits_module.RequestsAMinute("a", 2)
    shared.count("a")
    assert turns.take() == 0
    assert turns.take() == 60
    clock.now += 60
    assert [turns.take(), turns.take()] == [0, 0]
    assert turns.take() > 0
    turns.close()
    assert limits_module.RequestsAMinute("a", None).take() == 0
