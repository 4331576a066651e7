"""Tests of an interrupt while `gm.rows` waits: the rows in flight end, a second one ends them, the store has the rest."""

import signal
import threading

import pytest
from client_stage import until
from fake_server import FakeServer, Script, finish, gate, text
from rows_stage import ask_rows, asked_texts, statuses, table

from gemini_magic.errors import Interrupted
from gemini_magic.row_runs import start
from gemini_magic.row_runs.leader import Leader
from gemini_magic.row_runs.store import Store

HELLO = (text("Hello"), finish())


@pytest.fixture(autouse=True)
def _key(monkeypatch):
    monkeypatch.setenv("TEST_KEY", "AIzaCANARY0123456789abcdefghijklmnopqrs")


@pytest.fixture
def server():
    with FakeServer() as running:
        yield running


def interrupt_after(server, requests):
    """Interrupt the main thread once the server has received so many requests."""

    def wait():
        server.wait_for_requests(requests)
        signal.raise_signal(signal.SIGINT)

    thread = threading.Thread(target=wait)
    thread.start()
    return thread


def test_an_interrupt_lets_the_rows_in_flight_end_and_the_same_call_goes_on_later(
    server, tmp_path, monkeypatch
):
    stop = Leader.stop

    def stop_and_open(self, **given):
        stop(self, **given)
        server.open("go")

    monkeypatch.setattr(Leader, "stop", stop_and_open)
    store = tmp_path / "t.rows.sqlite"
    server.answers("m", Script(HELLO), Script((gate("go"), *HELLO)))
    thread = interrupt_after(server, 4)
    with pytest.raises(Interrupted, match="not asked again") as caught:
        ask_rows(server, table(40), store=store)
    thread.join()
    assert caught.value.response.progress.state == "interrupted"
    asked = len(server.requests)
    assert asked < 40
    with Store.open(store) as opened:
        assert opened.counts()["complete"] == asked
    run = ask_rows(server, table(40), store=store)
    assert statuses(run) == ["complete"] * 40
    assert len(asked_texts(server)) == 40


def test_a_second_interrupt_ends_the_rows_in_flight(server, tmp_path, monkeypatch):
    stop = Leader.stop

    def stop_and_interrupt(self, *, now, interrupted):
        stop(self, now=now, interrupted=interrupted)
        if not now:
            threading.Timer(0.05, signal.raise_signal, [signal.SIGINT]).start()

    monkeypatch.setattr(Leader, "stop", stop_and_interrupt)
    store = tmp_path / "t.rows.sqlite"
    server.answers("m", Script(HELLO), Script((gate("never"), *HELLO)))
    thread = interrupt_after(server, 4)
    with pytest.raises(KeyboardInterrupt):
        ask_rows(server, table(40), store=store)
    thread.join()
    with Store.open(store) as opened:
        counts = opened.counts()
    assert counts["complete"] == 1
    assert counts["interrupted"] == len(server.requests) - 1


def interrupting(monkeypatch, owner, name, *, before):
    """Let a function interrupt the main thread before or after its work."""
    work = getattr(owner, name)

    def interrupt(*arguments, **given):
        if before:
            signal.raise_signal(signal.SIGINT)
        result = work(*arguments, **given)
        signal.raise_signal(signal.SIGINT)
        return result

    monkeypatch.setattr(owner, name, interrupt)


@pytest.mark.parametrize("before", [True, False], ids=["before", "after"])
@pytest.mark.parametrize(
    ("owner", "name"),
    [
        (Store, "_start"),
        (Store, "begin_run"),
        (start, "check_store"),
        (start, "RowRun"),
        (start, "watch_rows"),
    ],
)
def test_an_interrupt_in_the_moment_a_run_begins_leaves_the_store_free_and_no_run_behind(
    server, tmp_path, monkeypatch, owner, name, before
):
    store = tmp_path / "t.rows.sqlite"
    server.model("m", *HELLO)
    with monkeypatch.context() as moment:
        interrupting(moment, owner, name, before=before)
        with pytest.raises(KeyboardInterrupt):
            ask_rows(server, table(3), store=store)
    until(lambda: not store.with_name(f"{store.name}.lock").exists())
    run = ask_rows(server, table(3), store=store, in_doubt="again").retry()
    assert statuses(run) == ["complete"] * 3


def test_the_answers_of_an_interrupted_run_without_a_store_are_in_the_exception(server, monkeypatch):
    stop = Leader.stop

    def stop_and_open(self, **given):
        stop(self, **given)
        server.open("go")

    monkeypatch.setattr(Leader, "stop", stop_and_open)
    server.answers("m", Script(HELLO), Script((gate("go"), *HELLO)))
    thread = interrupt_after(server, 3)
    with pytest.raises(Interrupted, match="store=FILE") as caught:
        ask_rows(server, table(40))
    thread.join()
    assert statuses(caught.value.response).count("complete") == len(server.requests)
