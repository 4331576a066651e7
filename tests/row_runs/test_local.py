"""Tests of `gemini_magic.row_runs.local`: threads that take grants, and what they hand over."""

import threading

import pytest

from gemini_magic.row_runs.local import LOCAL, LocalExecutor
from gemini_magic.row_runs.values import Attempted, Grant, Wanted


def grant(number):
    return Grant(number, 1, Wanted(number, b"i%d" % number, b"h"))


class Attempt:
    def __init__(self, maker, given, may_send):
        self.maker, self.given, self.may_send = maker, given, may_send
        self.cancelled = threading.Event()

    def run(self):
        if self.given.request in self.maker.broken:
            raise ZeroDivisionError("bug")
        if not self.may_send():
            return Attempted(self.given.request, 1, "waiting", "not sent", sent=False)
        self.maker.began.release()
        self.maker.go.wait(60)
        ended = "cancelled" if self.cancelled.is_set() else "eof"
        return Attempted(self.given.request, 1, "interrupted" if ended == "cancelled" else "complete", ended)

    def cancel(self):
        self.cancelled.set()
        self.maker.go.set()


class Maker:
    def __init__(self):
        self.broken = set()
        self.began = threading.Semaphore(0)
        self.go = threading.Event()

    def start(self, given, may_send):
        return Attempt(self, given, may_send)


@pytest.fixture
def maker():
    made = Maker()
    yield made
    made.go.set()


class Leave:
    """What the threads have handed over, and the answer to the question whether they may send."""

    def __init__(self):
        self.calls = []
        self.allowed = True

    def __call__(self, given, done):
        self.calls.append((None if given is None else given.request, tuple(each.request for each in done)))
        return given is not None and self.allowed


def collect(executor, count):
    found = []
    while len(found) < count:
        new = executor.events(10)
        assert new, f"only {len(found)} events"
        found += new
    return {each.request: each for each in found}


def test_an_answer_is_handed_over_with_the_next_grant_or_alone(maker):
    leave = Leave()
    executor = LocalExecutor(maker, leave)
    maker.go.set()
    executor.put(LOCAL, [grant(1), grant(2), grant(3)])
    found = collect(executor, 3)
    assert {each.status for each in found.values()} == {"complete"}
    assert leave.calls == [(1, ()), (2, (1,)), (3, (2,)), (None, (3,))]
    executor.close(0)


def test_no_more_threads_run_than_the_limit(maker):
    executor = LocalExecutor(maker, Leave())
    executor.resize(3)
    assert executor.workers()[0].free == 4  # one more than threads, so that none waits for the leader
    executor.put(LOCAL, [grant(number) for number in range(4)])
    for _ in range(3):
        assert maker.began.acquire(timeout=60)
    assert executor.workers()[0].free == 0
    executor.resize(16)
    assert executor.workers()[0].free == 20
    executor.put(LOCAL, [grant(number) for number in range(4, 8)])
    for _ in range(5):
        assert maker.began.acquire(timeout=60)
    executor.resize(1)
    maker.go.set()
    collect(executor, 8)
    executor.put(LOCAL, [grant(9)])
    collect(executor, 1)
    executor.close(0)


def test_without_leave_a_grant_comes_back_unsent(maker):
    leave = Leave()
    leave.allowed = False
    executor = LocalExecutor(maker, leave)
    executor.put(LOCAL, [grant(1)])
    found = collect(executor, 1)[1]
    assert (found.status, found.sent) == ("waiting", False)
    executor.close(0)


def test_close_returns_waiting_grants_and_ends_those_in_flight(maker):
    executor = LocalExecutor(maker, Leave())
    executor.put(LOCAL, [grant(1), grant(2)])
    assert maker.began.acquire(timeout=60)
    executor.close(60)
    assert executor.workers()[0].free == 0
    assert collect(executor, 1)[2].sent is False
    executor.close(0)
    assert collect(executor, 1)[1].status == "interrupted"


def test_a_bug_in_an_attempt_is_the_error_of_its_row(maker):
    maker.broken.add(1)
    maker.go.set()
    executor = LocalExecutor(maker, Leave())
    executor.put(LOCAL, [grant(1), grant(2)])
    found = collect(executor, 2)
    assert "ZeroDivisionError: bug" in found[1].error
    assert found[2].status == "complete"
    executor.close(0)


def test_a_question_that_fails_unexpectedly_ends_no_thread_without_an_event(maker):
    def leave(given, done):
        raise ZeroDivisionError("bug")

    executor = LocalExecutor(maker, leave)
    executor.resize(2)
    executor.put(LOCAL, [grant(number) for number in range(6)])
    found = []
    while len(found) < 6:
        events = executor.events(10)
        assert events
        found += events
    assert {(each.status, each.sent) for each in found} == {("error", False)}
    assert "ZeroDivisionError" in found[0].error
