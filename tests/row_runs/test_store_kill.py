"""A process that is killed at any time loses no answer that was stored, and leaves at most its requests in flight in doubt."""

import os
import random
import signal
import subprocess
import sys

import pytest
from store_stage import all_results, attempted, store_sql
from surroundings import CHECKOUT

from gemini_magic.row_runs.store import Store
from gemini_magic.row_runs.store_schema import DONE, IN_DOUBT, SENT
from gemini_magic.row_runs.values import Grant

ROWS, WORKERS = 400, 8

# Reads paths, and forks a process for each, which answers the rows of that store with several workers. A line of output is a
# fact that is on the disk: "sent N", or "done N".
PROGRAM = """
import os, sys, threading
sys.path.insert(0, sys.argv[1])
from store_stage import attempted, wanted, RUN
from gemini_magic.row_runs.store import Store
from gemini_magic.row_runs.store_schema import DONE
from gemini_magic.row_runs.values import Grant

rows, workers = int(sys.argv[2]), int(sys.argv[3])

def answer_rows(path):
    store = Store.open(path)
    store.begin_run(RUN)
    batch = [wanted(position) for position in range(rows)]
    requests = store.add(batch)
    left = iter([
        Grant(request, match.attempts + 1, row)
        for request, match, row in zip(requests, store.match(batch), batch)
        if match.state != DONE
    ])
    taking = threading.Lock()

    def work():
        done = None
        while True:
            with taking:
                grant = next(left, None)
            answered = [attempted(done, f"answer {done.wanted.position}")] if done else []
            store.commit(answered, [grant] if grant else [])
            facts = [f"done {done.wanted.position}\\n"] if done else []
            facts += [f"sent {grant.wanted.position}\\n"] if grant else []
            os.write(1, "".join(facts).encode())
            if grant is None:
                return
            done = grant

    threads = [threading.Thread(target=work) for _ in range(workers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    store.close()

for line in sys.stdin:
    child = os.fork()
    if not child:
        os.write(1, f"{os.getpid()}\\n".encode())
        answer_rows(line.strip())
        os._exit(0)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    os.write(1, f"exit {code}\\n".encode())
"""


@pytest.fixture(scope="module")
def program():
    support = CHECKOUT / "tests" / "support"
    command = [sys.executable, "-c", PROGRAM, str(support), str(ROWS), str(WORKERS)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1, cwd=CHECKOUT
    ) as process:
        yield process
        process.stdin.close()


@pytest.fixture
def run(program, path):
    """Run the workers, and kill them after so many lines of output; returns the lines that arrived, and the exit code."""

    def run_and_kill(lines=None):
        program.stdin.write(f"{path}\n")
        child, found = int(program.stdout.readline()), []
        while not (line := program.stdout.readline().strip()).startswith("exit"):
            found.append(line.split())
            if len(found) == lines:
                os.kill(child, signal.SIGKILL)
        return [(word, int(position)) for word, position in found], int(line.split()[1])

    return run_and_kill


@pytest.fixture
def path(tmp_path):
    return tmp_path / "t.rows.sqlite"


def test_random_kills_lose_nothing_and_swap_nothing(run, path):
    chance = random.Random(16)
    sent, done = [], set()
    for _ in range(5):
        facts, code = run(chance.randrange(1, 200))
        assert code == -signal.SIGKILL
        sent += [position for word, position in facts if word == "sent"]
        done |= {position for word, position in facts if word == "done"}
        assert store_sql(path, "PRAGMA integrity_check") == [("ok",)]
        with Store.open(path) as store:
            rows = all_results(store)
            stored = {row.position for row in rows if row.status == "complete"}
            doubt = {row.position for row in rows if row.status == "in_doubt"}
            assert done <= stored  # what counted as answered is there
            assert len(doubt) <= WORKERS  # at most the requests in flight, and none of them is forgotten
            assert set(sent) <= stored | doubt
            assert store.counts().get("running", 0) == 0
    assert run()[1] == 0
    with Store.open(path) as store:
        rows = all_results(store)
        assert [(row.position, row.text) for row in rows] == [(n, f"answer {n}") for n in range(ROWS)]
        assert {row.status for row in rows} == {"complete"}
        attempts = [store.attempts(row.request) for row in rows]
        twice = [each for each in attempts if len(each) > 1]
        assert len(twice) <= 5 * WORKERS
        assert all(line.ended == "kernel ended" for each in twice for line in each[:-1])
        assert sum(len(each) for each in attempts) >= len(sent)


def test_a_row_in_doubt_is_known_as_such_until_it_is_asked_again(run, path):
    run(40)
    with Store.open(path) as store:
        doubtful = [row for row in all_results(store) if row.status == "in_doubt"]
        assert doubtful
        for expected in (1, 2, 3):
            (request,) = {row.request for row in doubtful[:1]}
            found = store_sql(path, "SELECT state, attempts FROM request WHERE id = ?", (request,))
            assert found == [(IN_DOUBT, expected)]
            if expected < 3:
                store.sent([Grant(request, expected + 1, None)])
                assert store_sql(path, "SELECT state FROM request WHERE id = ?", (request,)) == [(SENT,)]
                store.commit(in_doubt=[Grant(request, expected + 1, None)])
        store.commit([attempted(Grant(request, 3, None))])
        assert store_sql(path, "SELECT state FROM request WHERE id = ?", (request,)) == [(DONE,)]
        assert [line.ended for line in store.attempts(request)] == ["kernel ended", "worker lost", "eof"]
