"""What a row costs in the store, and how long it takes to find out what is left of many rows."""

import itertools
import json
import sqlite3
import threading
import time
import tracemalloc
from contextlib import closing

import pytest
from calibration import assert_cpu_below, assert_ratio_below
from store_stage import attempted, begin, wanted

from gemini_magic.row_runs.store import Store
from gemini_magic.row_runs.store_schema import DONE

ROWS = 5_000


@pytest.fixture(scope="module")
def many(tmp_path_factory):
    """A store in which all rows but ten are answered."""
    path = tmp_path_factory.mktemp("store") / "t.rows.sqlite"
    with Store.open(path) as store:
        grants = begin(store, ROWS)
        answer = attempted(grants[0], head=b"", pieces=b"")
        store.commit([answer._replace(request=grant.request) for grant in grants[10:]])
    with Store.open(path) as store:
        yield store


def plain_rows(database, rows, workers):
    """Returns a function that writes so many rows and their answers with SQLite alone, and starts as many threads."""
    database.execute("PRAGMA journal_mode=WAL")
    database.execute(
        "CREATE TABLE rows (position INTEGER PRIMARY KEY, key BLOB UNIQUE, state TEXT, answer BLOB)"
    )
    numbers = itertools.count(0, rows)

    def write():
        first = next(numbers)
        for start in range(first, first + rows, 20):
            database.execute("BEGIN")
            for position in range(start, start + 20):
                database.execute(
                    "INSERT INTO rows VALUES (?, ?, 'sent', NULL)", (position, str(position).encode())
                )
                answer = json.dumps({"position": position, "text": "A sentence that the model wrote. " * 20})
                database.execute(
                    "UPDATE rows SET state = 'done', answer = ? WHERE position = ?", (answer, position)
                )
            database.execute("COMMIT")
        threads = [threading.Thread(target=threading.Event().is_set) for _ in range(workers)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    return write


def test_a_row_takes_a_few_times_as_long_as_with_sqlite_alone(tmp_path):
    plain = closing(sqlite3.connect(tmp_path / "plain.sqlite", isolation_level=None))
    with plain as database, Store.open(tmp_path / "t.rows.sqlite") as store:
        rows, batch, workers = 500, 100, 50
        (one,) = begin(store, 1)
        template = attempted(one, "A sentence that the model wrote. " * 20)
        numbers = iter(range(0, 100 * rows, rows))

        def write():
            first = next(numbers)
            grants = []
            for start in range(first, first + rows, batch):
                asked = [wanted(position) for position in range(start, start + batch)]
                store.match(asked)
                grants += zip(store.add(asked), asked, strict=True)
            left, taking = iter(grants), threading.Lock()

            def work():
                done = []
                while True:
                    with taking:
                        request, row = next(left, (None, None))
                    sent = [one._replace(request=request, wanted=row)] if request else []
                    store.commit(done, sent)
                    if not sent:
                        return
                    done = [template._replace(request=request)]

            threads = [threading.Thread(target=work) for _ in range(workers)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()

        assert_ratio_below(write, plain_rows(database, rows, workers), 8)  # measured: 4 to 5


def test_a_slow_disk_slows_down_the_rows_in_flight_together(tmp_path):
    with Store.open(tmp_path / "t.rows.sqlite") as store:
        grants = begin(store, 200)
        store._writer.after_commit = lambda: time.sleep(0.01)
        before = store.commits
        together = threading.Barrier(len(grants))
        threads = [
            threading.Thread(target=lambda grant=grant: (together.wait(), store.sent([grant])))
            for grant in grants
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert store.commits - before <= 100


def test_what_is_left_of_many_rows_is_found_at_once_and_in_little_memory(many):
    batches = [
        [wanted(position) for position in range(start, min(start + 500, ROWS))]
        for start in range(0, ROWS, 500)
    ]

    def left():
        return sum(match.state != DONE for batch in batches for match in many.match(batch))

    assert left() == 10
    assert_cpu_below(left, ROWS * 7e-6)
    tracemalloc.start()
    try:
        left()
        assert tracemalloc.get_traced_memory()[1] < 1_500_000
    finally:
        tracemalloc.stop()


def test_rows_in_another_order_are_found_by_their_keys(many):
    moved = [wanted(ROWS - 1 - n, f"text {n}", key=f"key {n}".encode()) for n in range(2000)]
    assert sum(match.state == DONE and not match.placed for match in many.match(moved)) == 1990
    assert_cpu_below(lambda: many.match(moved), 2000 * 15e-6)


def test_reading_all_results_needs_the_memory_of_one_batch(many):
    tracemalloc.start()
    try:
        assert sum(len(batch) for batch in many.results(250)) == ROWS
        assert tracemalloc.get_traced_memory()[1] < 1_000_000
    finally:
        tracemalloc.stop()
    assert_cpu_below(lambda: [len(batch) for batch in many.results()], ROWS * 10e-6)
