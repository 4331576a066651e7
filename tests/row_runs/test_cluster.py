"""Rows on a real cluster with two worker processes, which the tests kill."""

import os
import pickle
import signal
import subprocess
import sys
import textwrap
import threading
import time
from collections import Counter
from pathlib import Path

import cluster_stage
import pytest
from cluster_stage import (
    KEY,
    QUICK,
    SmallLeader,
    addresses,
    asked,
    close_executors,
    executor_for,
    row_threads,
    set_key,
    traces,
)
from distributed import Client, Event, LocalCluster
from fake_server import FakeServer, gate, pause, text
from rows_stage import ask_rows, asked_texts, results, start_asking, statuses, table
from surroundings import CHECKOUT

from gemini_magic.errors import ConnectionFailed, OptionError
from gemini_magic.row_runs import cluster as row_cluster
from gemini_magic.row_runs.cluster_client import check_cluster, unencrypted
from gemini_magic.row_runs.cluster_pump import pack_grants
from gemini_magic.row_runs.values import ExecutorNote, WorkerJoined, WorkerLost

pytestmark = pytest.mark.cluster

LIMIT = 60.0


@pytest.fixture(scope="module")
def cluster():
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(cluster_stage.KEY_ENV, KEY)  # workers inherit it, also those that start later
        with LocalCluster(
            n_workers=2, threads_per_worker=1, dashboard_address=":0", memory_limit=None, processes=True
        ) as running:
            yield running


@pytest.fixture(scope="module")
def client(cluster):
    with Client(cluster) as connected:
        yield connected


@pytest.fixture
def server():
    with FakeServer() as running:
        running.model("rows", pause(0.02), text("an answer", finish="STOP"))
        yield running


@pytest.fixture
def two_workers(client, cluster):
    """Two workers with the same key, also after the test."""
    wait_until(lambda: len(addresses(client)) == 2)
    yield
    cluster.scale(2)
    wait_until(lambda: len(addresses(client)) == 2)
    client.run(set_key, KEY)


@pytest.fixture(autouse=True)
def _no_executors():
    yield
    close_executors(LIMIT)


def wait_until(condition, limit=LIMIT):
    deadline = time.monotonic() + limit
    while not condition():
        assert time.monotonic() < deadline, "the condition did not come true"
        time.sleep(0.02)


def closed(executor):
    executor.close(0)
    assert executor.wait_closed(LIMIT)
    return executor.events(0)


def test_all_rows_are_asked_once_on_both_workers_and_nothing_stays_on_the_scheduler(client, server):
    executor = executor_for(client, server)
    leader = SmallLeader(executor, range(60))
    leader.run()
    assert all(len(answers) == 1 for answers in leader.answers.values())
    answers = [leader.answers[row][0] for row in range(60)]
    assert {(each.status, each.text, each.http_status) for each in answers} == {
        ("complete", "an answer", 200)
    }
    assert all(b"an answer" in each.pieces for each in answers)
    assert {each.worker for each in answers} == set(addresses(client))
    assert leader.others == [WorkerJoined(name) for name, _ in executor.workers()]
    assert asked(server) == {f"row {row}": 1 for row in range(60)}
    assert {each.headers["x-goog-api-key"] for each in server.requests} == {KEY}
    events = client.get_events(executor._topic)
    assert len(events) == 62
    assert KEY.encode() not in pickle.dumps([events, executor._order(0)])
    closed(executor)
    wait_until(lambda: traces(client) == ([], [], []))
    wait_until(lambda: set(client.run(row_threads).values()) == {0})
    wait_until(lambda: not [each for each in threading.enumerate() if each.name.startswith("gemini-cluster")])


def test_at_most_the_limit_is_in_flight_and_a_new_limit_counts_at_once(client, server):
    server.model("rows", gate("go"), text("late", finish="STOP"))
    executor = executor_for(client, server, limit=5)
    leader = SmallLeader(executor, range(30))
    leader.run(lambda: len(server.requests) >= 5)
    leader.step(0.1)
    assert len(leader.open) == 5
    executor.resize(9)
    leader.run(lambda: len(server.requests) >= 9)
    leader.step(0.1)
    assert len(leader.open) == 9
    assert sorted(worker.free for worker in executor.workers()) == [0, 0]
    server.open("go")
    leader.run()
    closed(executor)
    assert asked(server) == {f"row {row}": 1 for row in range(30)}


def test_a_large_answer_is_fetched_from_its_worker(client, server):
    long = "".join(map(str, range(100_000)))
    server.model("rows", text(long, finish="STOP"))
    executor = executor_for(client, server)
    leader = SmallLeader(executor, range(3))
    leader.run()
    assert [answers[0].text == long for answers in leader.answers.values()] == [True] * 3
    assert max(len(pickle.dumps(event)) for event in client.get_events(executor._topic)) < 1000
    closed(executor)
    wait_until(lambda: traces(client) == ([], [], []))


def test_workers_are_not_taken_for_dead_because_of_a_cache_of_the_client(client, server, monkeypatch):
    monkeypatch.setattr(Client, "scheduler_info", lambda *_, **__: {"workers": {}})
    leader = SmallLeader(executor_for(client, server), range(60))
    leader.run()
    assert not [event for event in leader.others if isinstance(event, WorkerLost)]
    closed(leader.executor)


@pytest.mark.parametrize("again", [True, False], ids=["again", "skip"])
def test_a_killed_worker_costs_its_rows_in_flight_and_the_others_go_on(client, server, two_workers, again):
    server.model("rows", pause(0.1), text("an answer", finish="STOP"))
    executor = executor_for(client, server, limit=16)
    leader = SmallLeader(executor, range(80), again=again)
    leader.run(lambda: len(leader.answers) > 20)
    victim = executor.workers()[0].name
    [pid] = client.run(os.getpid, workers=[victim]).values()
    os.kill(pid, signal.SIGKILL)
    leader.run()
    [lost] = [event for event in leader.others if isinstance(event, WorkerLost)]
    assert lost.worker == victim
    assert lost.reason == f"The worker {victim} has ended."
    assert len(leader.in_doubt) <= 8  # half of the limit
    counts = asked(server)
    twice = [row for row, count in counts.items() if count > 1]
    if again:
        assert set(leader.answers) == set(range(80))
        assert set(twice) <= {f"row {row}" for row in leader.in_doubt}
        assert max(counts.values()) <= 2
        joined = [event.worker for event in leader.others if isinstance(event, WorkerJoined)]
        assert len(joined) == len(set(joined)) >= 2
    else:
        assert twice == []
        assert set(leader.answers) | set(leader.in_doubt) == set(range(80))
    assert not set(leader.unsent) & set(leader.in_doubt)
    closed(executor)


def test_rows_that_a_dead_worker_never_took_are_not_in_doubt(client, server, two_workers):
    server.model("rows", gate("go"), text("an answer", finish="STOP"))
    executor = executor_for(client, server, limit=4)
    leader = SmallLeader(executor, range(4))
    leader.run(lambda: len(server.requests) == 4)
    served = executor._names[executor.workers()[0].name]
    [pid] = client.run(os.getpid, workers=[served.link.address]).values()
    os.kill(pid, signal.SIGSTOP)  # it takes nothing more from its queue
    time.sleep(0.1)
    late = [cluster_stage.grant(row) for row in (10, 11)]
    served.add(late)
    served.link.queue(client).put(("beat",))  # for the call that the stopped worker has made
    served.link.queue(client).put(("rows", pack_grants(late)))
    os.kill(pid, signal.SIGKILL)
    leader.run(lambda: any(isinstance(event, WorkerLost) for event in leader.others))
    assert sorted(leader.unsent) == [10, 11]
    assert len(leader.in_doubt) == 2
    server.open("go")
    leader.run()
    assert {asked(server)[f"row {row}"] for row in (10, 11)} == {1}
    closed(executor)


def test_a_pump_that_stopped_because_of_silence_is_replaced(client, server):
    server.model("rows", pause(0.1), text("an answer", finish="STOP"))
    executor = executor_for(client, server, times=QUICK._replace(beat=100.0, silence=0.7))
    leader = SmallLeader(executor, range(6))
    leader.run()
    leader.run(lambda: any(isinstance(event, WorkerLost) for event in leader.others))
    leader.to_do.extend((row, 1) for row in range(6, 12))
    leader.run()
    assert set(leader.answers) == set(range(12))
    assert leader.in_doubt == []
    assert set(asked(server).values()) == {1}
    assert any(event.worker.endswith("#2") for event in leader.others if isinstance(event, WorkerJoined))
    closed(executor)


def test_a_pump_that_dask_has_started_once_more_is_replaced(client, server):
    executor = executor_for(client, server)
    leader = SmallLeader(executor, range(6))
    leader.run()
    link = executor._watch._tickets[0]
    hello = {"kind": "hello", "epoch": "another", "ticket": 0, "address": link.address}
    client.log_event(executor._topic, hello)  # as from the same task on a restarted worker
    leader.run(lambda: any(isinstance(event, WorkerLost) for event in leader.others))
    assert leader.others[-1].reason == f"The worker {link.name} was restarted."
    leader.to_do.extend((row, 1) for row in range(6, 20))
    leader.run(lambda: len(executor.workers()) == 2)
    leader.run()
    assert f"{link.name} #2" in {name for name, _ in executor.workers()}
    assert asked(server) == {f"row {row}": 1 for row in range(20)}
    closed(executor)
    wait_until(lambda: traces(client) == ([], [], []))


def test_a_worker_without_a_key_gets_no_rows_and_is_named_once(client, server, two_workers):
    keyless, other = addresses(client)
    client.run(set_key, None, workers=[keyless])
    executor = executor_for(client, server)
    links = executor._watch._links  # their futures are set by another thread
    wait_until(lambda: any(each.future and each.future.done() for each in list(links.values())))
    looks = executor._watch.last_look
    wait_until(lambda: executor._watch.last_look > looks + 0.2)  # a slow leader: its pump has ended meanwhile
    leader = SmallLeader(executor, range(20))
    leader.run()
    [refused] = [event for event in leader.others if isinstance(event, WorkerLost)]
    assert refused[:3] == (keyless, (), ())
    assert refused.reason.startswith(
        f"The worker {keyless} gets no rows. No key was found in {cluster_stage.KEY_ENV}. Set the environment"
    )
    assert {answers[0].worker for answers in leader.answers.values()} == {other}
    closed(executor)


def test_a_worker_with_another_key_than_its_peers_gets_no_rows(client, cluster, server, two_workers):
    cluster.scale(3)
    client.wait_for_workers(3, timeout=LIMIT)
    stranger = next(iter(addresses(client)))
    client.run(set_key, "AIza-another-key-of-a-test", workers=[stranger])
    executor = executor_for(client, server)
    leader = SmallLeader(executor, range(20))
    leader.run()
    [refused] = [event for event in leader.others if isinstance(event, WorkerLost)]
    source = f"environment variable {cluster_stage.KEY_ENV}"
    assert refused.reason == (
        f"The worker {stranger} gets no rows. It has another key ({source}) than the other workers ({source}). "
        "Give all workers the same key."
    )
    assert stranger not in {answers[0].worker for answers in leader.answers.values()}
    closed(executor)


def test_without_any_worker_that_can_take_rows_the_run_ends_with_the_reason(client, server, two_workers):
    client.run(set_key, None)
    executor = executor_for(client, server)
    leader = SmallLeader(executor, range(5))
    leader.run()
    assert isinstance(leader.error, ConnectionFailed)
    assert leader.error.message == "No worker of the cluster can take rows."
    assert cluster_stage.KEY_ENV in leader.error.remedy
    assert len(leader.others) == 2  # both reasons were handed out before
    assert server.requests == []
    closed(executor)


def test_a_worker_with_another_version_gets_no_rows(client, server, two_workers):
    def set_version(value):
        module = sys.modules["gemini_magic"]
        before, module.__version__ = module.__version__, value
        return before

    old, _ = addresses(client)
    [version] = client.run(set_version, "0.0.1", workers=[old]).values()
    try:
        executor = executor_for(client, server)
        leader = SmallLeader(executor, range(5))
        leader.run()
        closed(executor)
    finally:
        client.run(set_version, version, workers=[old])
    [refused] = [event for event in leader.others if isinstance(event, WorkerLost)]
    assert refused.reason == (
        f"The worker {old} gets no rows. It runs gemini_magic 0.0.1, not {version}. Install the same version."
    )


def test_a_worker_that_joins_in_mid_run_gets_rows(client, cluster, server, two_workers):
    server.model("rows", gate("go"), text("an answer", finish="STOP"))
    executor = executor_for(client, server, limit=6)
    leader = SmallLeader(executor, range(40))
    leader.run(lambda: len(server.requests) == 6)
    cluster.scale(3)
    client.wait_for_workers(3, timeout=LIMIT)
    [new] = set(addresses(client)) - {name for name, _ in executor.workers()}
    leader.run(lambda: WorkerJoined(new) in leader.others)
    server.open("go")
    leader.run()
    assert new in {answers[0].worker for answers in leader.answers.values()}
    assert set(leader.answers) == set(range(40))
    closed(executor)


def test_two_runs_on_one_cluster_do_not_mix(client, server):
    server.model("others", pause(0.02), text("another answer", finish="STOP"))
    leaders = [
        SmallLeader(executor_for(client, server, model=model), range(count))
        for model, count in (("rows", 40), ("others", 30))
    ]
    threads = [threading.Thread(target=leader.run) for leader in leaders]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(LIMIT)
    for leader, count, words in zip(leaders, (40, 30), ("an answer", "another answer"), strict=True):
        assert {row: [each.text for each in answers] for row, answers in leader.answers.items()} == {
            row: [words] for row in range(count)
        }
        closed(leader.executor)
    wait_until(lambda: traces(client) == ([], [], []))


def test_a_stop_lets_rows_in_flight_end_and_reports_every_other_grant(client, server):
    server.model("rows", gate("go"), text("an answer", finish="STOP"))
    executor = executor_for(client, server, limit=6)
    leader = SmallLeader(executor, range(30))
    leader.run(lambda: len(server.requests) == 6)
    executor.close(20.0)
    leader.step(0.1, granting=False)
    assert executor.workers() == []
    server.open("go")
    while leader.open:
        leader.step(granting=False)
    assert {answers[0].status for answers in leader.answers.values()} == {"complete"}
    assert len(leader.answers) == 6
    assert executor.wait_closed(LIMIT)


def test_a_stop_without_grace_cancels_rows_in_flight(client, server):
    server.model("rows", gate("never"), text("an answer", finish="STOP"))
    executor = executor_for(client, server, limit=6)
    leader = SmallLeader(executor, range(6))
    leader.run(lambda: len(server.requests) == 6)
    executor.close(20.0)
    executor.close(0.0)
    while leader.open:
        leader.step(granting=False)
    assert {(answers[0].status, answers[0].sent) for answers in leader.answers.values()} == {
        ("interrupted", True)
    }
    assert executor.wait_closed(LIMIT)
    server.wait_for_disconnect(6)


def test_a_large_answer_that_its_worker_has_lost_leaves_the_row_in_doubt(client, server, monkeypatch):
    monkeypatch.setattr(row_cluster, "_INLINE", 0)  # every answer waits on its worker
    monkeypatch.setattr(row_cluster, "take_answer", cluster_stage.lose_answer)
    leader = SmallLeader(executor_for(client, server), [1], again=False)
    leader.run()
    assert leader.in_doubt == [1]
    assert leader.others[-1].reason.endswith("had an answer that could not be fetched.")
    closed(leader.executor)


def ask_on(client, server, count, **arguments):
    given = {"model": "rows", "key_env": cluster_stage.KEY_ENV, "cluster": client}
    return ask_rows(server, table(count), **given | arguments)


def test_a_run_on_a_cluster_stores_every_answer_and_needs_no_key_here(client, server, tmp_path, monkeypatch):
    monkeypatch.delenv(cluster_stage.KEY_ENV)
    server.model("rows", text('{"label": "bug", "urgency": 3}', finish="STOP"))
    store = tmp_path / "t.rows.sqlite"
    run = ask_on(client, server, 40, schema="label bug|idea, urgency int", store=store)
    assert run.progress.counts == {"complete": 40}
    assert set(Counter(asked_texts(server)).values()) == {1}
    response = run.response(results(run)[0].request)
    assert response.parsed == {"label": "bug", "urgency": 3}
    assert len(response.chunks) == 1
    again = ask_on(client, server, 50, schema="label bug|idea, urgency int", store=store)
    assert (again.progress.unasked, len(server.requests)) == ({"done": 40}, 50)
    wait_until(lambda: traces(client) == ([], [], []))


def test_a_run_says_which_worker_gets_no_rows(client, server, two_workers):
    keyless = next(iter(addresses(client)))
    client.run(set_key, None, workers=[keyless])
    run = ask_on(client, server, 10)
    assert run.progress.counts == {"complete": 10}
    [notice] = run.progress.notices
    assert notice.startswith(f"The worker {keyless} gets no rows. No key was found")


def test_a_run_without_any_worker_with_a_key_asks_nothing(client, server, two_workers):
    client.run(set_key, None)
    run = ask_on(client, server, 10)
    assert run.progress.ending == "No worker of the cluster can take rows."
    assert run.progress.state == "error"
    assert server.requests == []


def test_a_stopped_run_goes_on_later_and_asks_no_row_twice(client, server, tmp_path):
    server.model("rows", pause(0.1), text("an answer", finish="STOP"))
    store = tmp_path / "t.rows.sqlite"
    options = {"model": "rows", "key_env": cluster_stage.KEY_ENV, "base_url": server.base_url}
    run = start_asking(server, table(40), options=options, store=store, cluster=client, concurrency=8)
    wait_until(lambda: run.progress.requests > 8)
    run.stop()
    assert run.wait(LIMIT)
    assert run.progress.state == "stopped"
    done = run.progress.counts["complete"]
    assert run.progress.counts == {"complete": done}
    assert len(server.requests) == done < 40
    wait_until(lambda: traces(client) == ([], [], []))
    assert statuses(ask_on(client, server, 40, store=store)) == ["complete"] * 40
    assert set(Counter(asked_texts(server)).values()) == {1}


def test_the_batch_tier_and_a_cluster_exclude_each_other(client, server, tmp_path):
    with pytest.raises(OptionError, match="The batch tier does not use a cluster"):
        ask_on(client, server, 10, service_tier="batch", store=tmp_path / "t.rows.sqlite")
    assert server.requests == []


def test_rows_in_doubt_after_a_killed_worker_are_asked_again_only_on_request(
    client, server, two_workers, tmp_path
):
    server.model("rows", pause(0.1), text("an answer", finish="STOP"))
    store = tmp_path / "t.rows.sqlite"
    options = {"model": "rows", "key_env": cluster_stage.KEY_ENV, "base_url": server.base_url}
    run = start_asking(server, table(80), options=options, store=store, cluster=client, concurrency=16)
    wait_until(lambda: run.progress.requests > 20)
    pid = next(iter(client.run(os.getpid).values()))
    os.kill(pid, signal.SIGKILL)
    assert run.wait(LIMIT)
    in_doubt = run.progress.counts.get("in_doubt", 0)
    assert 1 <= in_doubt <= 8
    assert run.progress.counts == {"complete": 80 - in_doubt, "in_doubt": in_doubt}
    assert max(Counter(asked_texts(server)).values()) == 1
    assert [notice for notice in run.progress.notices if notice.endswith("has ended.")]
    again = ask_on(client, server, 80, store=store, in_doubt="again")
    assert statuses(again) == ["complete"] * 80
    assert sum(Counter(asked_texts(server)).values()) <= 80 + in_doubt


def test_while_the_workers_are_busy_a_note_says_so(client, server, monkeypatch):
    monkeypatch.setattr(row_cluster, "_WAIT_NOTED", 0.2)
    free = Event("free", client=client)
    busy = [client.submit(lambda event: event.wait(), free, pure=False) for _ in range(2)]
    wait_until(lambda: sum(map(len, client.processing().values())) == 2)
    leader = SmallLeader(executor_for(client, server), range(5))
    leader.run(lambda: leader.others)
    assert [event.message for event in leader.others] == [
        "The workers are busy with other tasks. Rows go on when one of their threads is free."
    ]
    free.set()
    leader.run()
    client.gather(busy)
    closed(leader.executor)


LEADER = """
    import sys
    from cluster_stage import *
    from distributed import Client

    class Server:
        base_url = sys.argv[2]

    if __name__ == "__main__":
        times = QUICK._replace(silence=2.0)
        executor = executor_for(Client(sys.argv[1]), Server(), limit=8, times=times)
        SmallLeader(executor, range(1000)).run(limit=60)
"""


def test_pumps_whose_leader_is_killed_finish_their_rows_and_stop(client, cluster, server, tmp_path):
    server.model("rows", gate("go"), text("an answer", finish="STOP"))
    script = tmp_path / "leader.py"
    script.write_text(textwrap.dedent(LEADER))
    paths = os.pathsep.join([str(CHECKOUT), str(Path(cluster_stage.__file__).parent)])
    leader = subprocess.Popen(
        [sys.executable, str(script), cluster.scheduler_address, server.base_url],
        env={**os.environ, "PYTHONPATH": paths},
    )
    try:
        server.wait_for_requests(8, timeout=LIMIT)
    finally:
        leader.kill()
        leader.wait()
    time.sleep(0.2)
    assert sum(client.run(row_threads).values()) == 8  # rows in flight are finished
    server.open("go")
    wait_until(lambda: sum(client.run(row_threads).values()) == 0)
    wait_until(lambda: traces(client) == ([], [], []))
    assert len(server.requests) == 8


CLUSTER = """
    import sys, threading
    from distributed import LocalCluster

    if __name__ == "__main__":
        cluster = LocalCluster(n_workers=1, threads_per_worker=1, dashboard_address=":0")
        print(cluster.scheduler_address, flush=True)
        threading.Event().wait()
"""


def test_without_its_scheduler_the_run_ends_with_its_rows_in_doubt(server, tmp_path):
    server.model("rows", gate("never"), text("an answer", finish="STOP"))
    script = tmp_path / "scheduler.py"
    script.write_text(textwrap.dedent(CLUSTER))
    paths = os.pathsep.join([str(CHECKOUT), str(Path(cluster_stage.__file__).parent)])
    scheduler = subprocess.Popen(
        [sys.executable, str(script)],
        env={**os.environ, "PYTHONPATH": paths, cluster_stage.KEY_ENV: KEY},
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        own = Client(scheduler.stdout.readline().strip(), timeout=3, set_as_default=False)
        executor = executor_for(own, server, limit=4)
        leader = SmallLeader(executor, range(10))
        leader.run(lambda: len(server.requests) == 4)
        scheduler.kill()
        leader.run(lambda: leader.error is not None)
        assert leader.error.message.startswith("The scheduler of the cluster is gone")
        assert sorted(leader.in_doubt) == [0, 1, 2, 3]
        executor.close(10.0)
        assert executor.wait_closed(LIMIT)
        assert executor.events(0) == []
    finally:
        scheduler.kill()
        scheduler.communicate()
        own.close()


def test_an_adaptive_cluster_without_workers_starts_one(cluster, server):
    with LocalCluster(n_workers=0, threads_per_worker=1, dashboard_address=":0") as small:
        small.adapt(minimum=0, maximum=1, interval="50ms")
        with Client(small, set_as_default=False) as own:
            executor = executor_for(own, server)
            leader = SmallLeader(executor, range(5))
            leader.run()
            assert set(leader.answers) == set(range(5))
            closed(executor)


def test_only_a_connected_client_is_a_cluster(client, cluster):
    assert check_cluster(client) is client
    with pytest.raises(
        OptionError, match=r"not distributed.LocalCluster.\nWrite cluster=cluster.get_client\(\)"
    ):
        check_cluster(cluster)
    with pytest.raises(OptionError, match=r"not builtins\.str"):
        check_cluster("tcp://127.0.0.1:8786")
    ended = Client(cluster, set_as_default=False)
    ended.close()
    with pytest.raises(OptionError, match="not connected"):
        check_cluster(ended)


@pytest.mark.parametrize(
    ("address", "warned"),
    [
        ("tcp://10.0.0.1:8786", True),
        ("tcp://scheduler.example:8786", True),
        ("ws://10.0.0.1:80", True),
        ("tls://10.0.0.1:8786", False),
        ("tcp://127.0.0.1:8786", False),
        ("tcp://[::1]:8786", False),
        ("inproc://10.0.0.1/1/1", False),
    ],
)
def test_an_unencrypted_network_is_mentioned(address, warned):
    notes = unencrypted(address)
    assert [type(note) for note in notes] == [ExecutorNote] * warned
    assert all(address in note.message for note in notes)
