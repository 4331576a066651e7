"""The pump of a worker, without Dask: its messages are lists."""

import pickle
import threading
from queue import Empty, SimpleQueue

import pytest
from cluster_stage import grant

from gemini_magic.client import Key, Secret
from gemini_magic.options import Options
from gemini_magic.row_runs import cluster_pump
from gemini_magic.row_runs.cluster_pump import (
    Pump,
    PumpOrder,
    key_print,
    pack_grants,
    take_answer,
    unpack_answer,
    unpack_grants,
)
from gemini_magic.row_runs.values import Attempted

WAIT = 60.0


class Attempt:
    def __init__(self, maker, grant, may_send):
        self.maker, self.grant, self.may_send = maker, grant, may_send
        self.cancelled = False

    def run(self):
        self.maker.begun.put(self.grant.request)
        assert self.maker.gate.wait(WAIT)
        if self.grant.request < 0:
            raise ZeroDivisionError("of the user's class")
        if not self.may_send():
            return Attempted(*self.grant[:2], "waiting", "not sent", sent=False)
        return Attempted(*self.grant[:2], "complete", "eof", text=self.maker.text)

    def cancel(self):
        self.cancelled = True
        self.maker.gate.set()


class Plan:
    """Attempts that wait for a gate."""

    options = Options(backend="echo")

    def __init__(self, text="ok", *, is_open=True):
        self.text, self.begun, self.gate = text, SimpleQueue(), threading.Event()
        if is_open:
            self.gate.set()

    def __reduce__(self):
        return _plan, ()  # the test has the plan that the pump uses

    def open(self, key):
        assert key is None
        return self

    def start(self, grant, may_send):
        return Attempt(self, grant, may_send)


_current = []


def _plan():
    return _current[0]


class Worker:
    """A pump on a thread, and the messages to it and from it."""

    def __init__(self, plan, *, silence=WAIT, inline=1000, product="1.0", form=1):
        _current[:] = [plan]
        order = PumpOrder("topic", 7, "1.0", 1, b"salt", pickle.dumps(plan), silence, inline)
        self.to_pump, self.from_pump, self.result = SimpleQueue(), SimpleQueue(), None
        self.pump = Pump(
            order,
            product,
            form,
            address="tcp://w",
            epoch="e1",
            send=self.from_pump.put,
            receive=self._receive,
        )
        self.thread = threading.Thread(target=self._run)
        self.thread.start()

    def _receive(self, seconds):
        try:
            return self.to_pump.get(timeout=seconds)
        except Empty:
            return None

    def _run(self):
        self.result = self.pump.run()

    def rows(self, *requests):
        self.to_pump.put(("rows", pack_grants([grant(each) for each in requests])))

    def next(self):
        return self.from_pump.get(timeout=WAIT)

    def join(self):
        self.thread.join(WAIT)
        assert not self.thread.is_alive()
        return self.result


def test_a_pump_says_hello_answers_each_row_and_ends_after_a_stop():
    worker = Worker(Plan())
    hello = worker.next()
    assert {name: hello[name] for name in ("kind", "ticket", "address", "product", "form", "problem")} == {
        "kind": "hello",
        "ticket": 7,
        "address": "tcp://w",
        "product": "1.0",
        "form": 1,
        "problem": "",
    }
    worker.rows(1, 2, 3)
    answers = [unpack_answer(worker.next()["data"]) for _ in range(3)]
    assert {each.request for each in answers} == {1, 2, 3}
    assert {each.text for each in answers} == {"ok"}
    worker.to_pump.put(("stop", 5.0))
    assert worker.next()["kind"] == "bye"
    worker.to_pump.put(("end",))
    assert worker.join() == "stopped"


def test_rows_in_flight_have_the_grace_of_a_stop_and_are_cancelled_after_it():
    plan = Plan(is_open=False)
    worker = Worker(plan)
    worker.next()
    worker.rows(1, 2)
    plan.begun.get(timeout=WAIT), plan.begun.get(timeout=WAIT)
    worker.to_pump.put(("stop", 60.0))
    worker.to_pump.put(("stop", 0.0))  # a second stop shortens the grace
    answers = [unpack_answer(worker.next()["data"]) for _ in range(2)]
    assert [each.sent for each in answers] == [False, False]
    assert worker.next()["kind"] == "bye"
    assert worker.join() == "stopped"


def test_a_pump_without_a_sign_of_life_finishes_its_rows_and_stops():
    plan = Plan(is_open=False)
    worker = Worker(plan, silence=0.05)
    worker.next()
    worker.rows(1)
    plan.begun.get(timeout=WAIT)
    worker.thread.join(0.2)  # longer than the silence
    assert worker.thread.is_alive()
    plan.gate.set()
    assert unpack_answer(worker.next()["data"]).text == "ok"
    assert worker.join() == "silence"


def test_the_end_of_a_pump_lets_its_rows_finish():
    plan = Plan(is_open=False)
    worker = Worker(plan)
    worker.next()
    worker.rows(1)
    plan.begun.get(timeout=WAIT)
    worker.to_pump.put(("end",))
    worker.thread.join(0.1)
    plan.gate.set()
    answer = unpack_answer(worker.next()["data"])
    assert (answer.status, answer.sent) == ("complete", True)
    assert worker.join() == "stopped"


def test_without_another_thread_a_row_waits_for_one_that_is_free(monkeypatch):
    plan = Plan(is_open=False)
    worker = Worker(plan)
    worker.next()
    worker.rows(1)
    plan.begun.get(timeout=WAIT)

    def refuse(thread):
        plan.gate.set()
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(cluster_pump.threading.Thread, "start", refuse)
    worker.rows(2)
    assert {unpack_answer(worker.next()["data"]).request for _ in range(2)} == {1, 2}
    worker.to_pump.put(("end",))
    worker.join()


def test_a_large_answer_waits_for_the_leader_and_is_given_once():
    worker = Worker(Plan("".join(map(str, range(3000)))))
    worker.next()
    worker.rows(5)
    message = worker.next()
    assert message == {"kind": "large", "epoch": "e1", "request": 5, "attempt": 1}
    assert unpack_answer(take_answer("e1", 5, 1)).text.endswith("2999")
    assert take_answer("e1", 5, 1) is None
    worker.to_pump.put(("end",))
    worker.join()


def test_a_pump_without_a_leader_keeps_no_large_answer():
    worker = Worker(Plan("".join(map(str, range(3000)))), silence=0.05)
    worker.next()
    worker.rows(5)
    assert worker.next()["kind"] == "large"
    assert worker.join() == "silence"
    assert cluster_pump._held == {}


def test_a_row_whose_attempt_raises_is_a_failed_row():
    worker = Worker(Plan())
    worker.next()
    worker.rows(-1)
    answer = unpack_answer(worker.next()["data"])
    assert (answer.status, answer.error) == ("error", "ZeroDivisionError: of the user's class")
    worker.to_pump.put(("end",))
    worker.join()


def test_threads_for_rows_are_used_again():
    plan = Plan()
    worker = Worker(plan)
    worker.next()
    for row in range(20):
        worker.rows(row)
        worker.next()
    assert worker.pump._threads <= 2  # the second one if the first was not yet idle
    worker.to_pump.put(("end",))
    worker.join()


@pytest.mark.parametrize("versions", [{"product": "0.9"}, {"form": 2}])
def test_a_pump_of_another_version_says_so_and_reads_no_plan(versions):
    worker = Worker(Plan(), **versions)
    _current.clear()
    hello = worker.next()
    assert {name: hello[name] for name in versions} == versions
    assert (hello["print"], hello["problem"]) == ("", "")
    assert worker.join() == "refused"


def test_a_pump_without_a_key_says_why(monkeypatch):
    monkeypatch.delenv("NO_SUCH_KEY", raising=False)
    plan = Plan()
    plan.options = Options(base_url="http://127.0.0.1:1", key_env="NO_SUCH_KEY")
    worker = Worker(plan)
    problem = worker.next()["problem"]
    assert problem.startswith("No key was found in NO_SUCH_KEY. Set the environment variable NO_SUCH_KEY")
    assert worker.join() == "refused"


def test_the_print_of_a_key_depends_on_the_key_its_headers_and_the_salt():
    key = Key(Secret("AIza-a-key-of-this-test"), "environment")
    digits = key_print(b"salt", key)
    assert len(digits) == 8
    assert int(digits, 16) >= 0
    assert digits == key_print(b"salt", key._replace(source="elsewhere"))
    others = {
        key_print(b"pepper", key),
        key_print(b"salt", key._replace(value=Secret("AIza-another-key"))),
        key_print(b"salt", key._replace(headers=(("x-goog-user-project", "p"),))),
    }
    assert len(others | {digits}) == 4
    assert key_print(b"salt", None) == ""


def test_grants_travel_whole():
    grants = [grant(row) for row in range(100)]
    data = pack_grants(grants)
    assert unpack_grants(data) == grants
    assert len(data) < len(pickle.dumps(grants)) / 2


@pytest.mark.parametrize("data", [b"", b"\x00", b"\x01abc", b"\x02abc", b"\x00\xc1", b"\x00\x91\x01"])
def test_bytes_that_are_no_answer_are_refused(data):
    with pytest.raises(ValueError, match="not a"):
        unpack_answer(data)
