"""Workers never wait for a writer that has ended, and no answer is lost while the disk is full."""

import resource
import sqlite3
import threading

import pytest
from client_stage import until
from store_stage import all_results, attempted, begin, store_sql

from gemini_magic.errors import StoreError
from gemini_magic.row_runs import store_attempts, store_writer
from gemini_magic.row_runs.store import Store


@pytest.fixture
def store(tmp_path, monkeypatch):
    monkeypatch.setattr(store_writer, "_RETRY", 0.01)
    with Store.open(tmp_path / "t.rows.sqlite") as opened:
        yield opened


def hand_over_together(store, jobs):
    """Run functions in threads while the writer is busy; returns their errors, None for each that has none."""
    errors = [None] * len(jobs)
    busy, go = threading.Event(), threading.Event()

    def run(number):
        try:
            jobs[number]()
        except StoreError as error:
            errors[number] = error

    def block():
        busy.set()
        go.wait(60)

    store._writer.after_commit = block
    first = threading.Thread(target=store.commit)
    first.start()
    assert busy.wait(60)
    store._writer.after_commit = None
    threads = [threading.Thread(target=run, args=[number]) for number in range(len(jobs))]
    for thread in threads:
        thread.start()
    until(lambda: store._writer._queue.qsize() == len(jobs))
    go.set()
    for thread in [first, *threads]:
        thread.join()
    return errors


def test_what_is_handed_over_during_a_commit_is_one_commit(store):
    grants = begin(store, 50)
    before = store.commits
    errors = hand_over_together(store, [lambda grant=grant: store.sent([grant]) for grant in grants])
    assert errors == [None] * 50
    assert store.commits == before + 2  # the empty one that they waited for, and theirs
    assert store.counts() == {"running": 50}


def test_one_bad_hand_over_does_not_affect_the_others(store):
    grants = begin(store, 5)
    bad = attempted(grants[0], worker="w")._replace(text=object())
    jobs = [lambda each=each: store.commit([each]) for each in (bad, *map(attempted, grants[1:]))]
    errors = hand_over_together(store, jobs)
    assert "cannot be written" in errors[0].message
    assert errors[1:] == [None] * 4
    assert store.counts() == {"waiting": 1, "complete": 4}
    assert "Answers that are lost: 1." in store.take_notices()[0]


def test_a_full_disk_refuses_new_requests_keeps_answers_and_goes_on(store):
    grants = begin(store, 40)
    store.sent(grants[:20])
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    log = store.path.with_name(store.path.name + "-wal")
    resource.setrlimit(resource.RLIMIT_FSIZE, (log.stat().st_size, hard))
    try:
        with pytest.raises(StoreError) as raised:
            store.commit([attempted(grant) for grant in grants[:10]], grants[20:30])
        assert "cannot be written" in raised.value.message
        assert "Free some space on the disk" in raised.value.remedy
        store.hand_over([attempted(grant) for grant in grants[10:20]])
        until(lambda: store.held == 20)
        assert store.counts() == {"running": 20, "waiting": 20}  # reading goes on
        (notice,) = store.take_notices()
        assert "Answers that have arrived are kept in memory, and writing them is tried again" in notice
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    until(lambda: store.held == 0)
    assert store.counts() == {"complete": 20, "waiting": 20}
    assert "can be written again, and all answers are stored" in store.take_notices()[0]
    assert store_sql(store.path, "PRAGMA integrity_check") == [("ok",)]


def test_answers_that_are_lost_at_the_end_are_an_error(store):
    grant, *_ = begin(store)
    store.sent([grant])
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    log = store.path.with_name(store.path.name + "-wal")
    resource.setrlimit(resource.RLIMIT_FSIZE, (log.stat().st_size, hard))
    try:
        store.hand_over([attempted(grant)])
        until(lambda: store.held == 1)
        with pytest.raises(StoreError, match=r"^1 answer could not be written"):
            store.close(patience=0.05)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    with Store.open(store.path) as again:
        assert again.counts() == {"in_doubt": 1, "waiting": 2}


def test_the_end_waits_for_a_disk_that_is_full(store):
    grant, *_ = begin(store)
    store.sent([grant])
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    log = store.path.with_name(store.path.name + "-wal")
    resource.setrlimit(resource.RLIMIT_FSIZE, (log.stat().st_size, hard))
    closing = threading.Thread(target=store.close)
    try:
        store.hand_over([attempted(grant)])
        until(lambda: store.held == 1)
        closing.start()
        until(lambda: store._writer._ended)
        assert store.held == 1  # while it is tried again
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    closing.join(60)
    assert all_results(store)[0].status == "complete"


def test_a_lock_of_another_program_is_an_error_and_no_answer_is_lost(store, monkeypatch):
    grants = begin(store)
    store._writer.call_outside(lambda db: db.execute("PRAGMA busy_timeout=10"))
    other = sqlite3.connect(store.path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreError, match="another program has locked it"):
        store.commit([attempted(grants[0])], [grants[1]])
    other.execute("COMMIT")
    other.close()
    until(lambda: store.held == 0)
    assert store.counts() == {"complete": 1, "waiting": 2}


def test_a_writer_that_breaks_lets_every_worker_go(store, monkeypatch):
    grants = begin(store, 10)

    def broken(db, grants, *_):
        if grants:
            raise SystemExit("broken")

    monkeypatch.setattr(store_writer, "write_sent", broken)
    errors = hand_over_together(store, [lambda grant=grant: store.sent([grant]) for grant in grants])
    assert all("broken" in str(error) for error in errors)
    with pytest.raises(StoreError, match="was closed"):
        store.sent(grants)
    with pytest.raises(StoreError, match="was closed"):
        store.hand_over([attempted(grants[0])])
    monkeypatch.undo()
    store.close()
    assert all_results(store)[0].status == "waiting"


def test_hand_overs_while_the_store_closes_are_written_or_refused(store):
    grants = begin(store, 200)
    written, start = [], threading.Barrier(9)

    def work(mine):
        start.wait()
        for grant in mine:
            try:
                store.commit([attempted(grant)])
            except StoreError:
                return
            written.append(grant)

    threads = [threading.Thread(target=work, args=[grants[n::8]]) for n in range(8)]
    for thread in threads:
        thread.start()
    start.wait()
    store.close()
    for thread in threads:
        thread.join()
    assert sum(row.status == "complete" for row in all_results(store)) == len(written)


def test_attempts_are_written_in_the_order_of_their_end(store):
    assert store_attempts.write_done(None, [], 0.0) is None  # nothing to write, nothing to do
    grant, *_ = begin(store)
    second = grant._replace(attempt=2)
    jobs = [
        lambda: store.commit([attempted(grant, "", status="error", cost=None)]),
        lambda: store.sent([second]),
    ]
    store.sent([grant])
    hand_over_together(store, jobs)
    assert store.counts()["running"] == 1
