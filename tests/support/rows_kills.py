"""Kills runs over rows at random moments, until one runs to the end, and counts what was asked and what was lost."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from fake_server import Exchange, FakeServer

from gemini_magic.row_runs.store import Store
from gemini_magic.row_runs.store_values import ResultRow

MOST_ATTEMPTS = 3  # of a row in doubt
SIGKILL = getattr(signal, "SIGKILL", signal.SIGTERM)


class Counted(NamedTuple):
    """The result of a run that was killed several times.

    Attributes:
        kills: how often it was killed.
        requests: requests that the server received.
        again: requests for a row that had been asked before.
        most_doubtful: rows in doubt after a kill, at most, without those that the run did not ask again.
        complete, doubtful: rows with their answer, and rows in doubt, at the end.
        exhausted: those in doubt that are not asked again.
        wrong: rows with the answer to another row, or with none.
    """

    kills: int
    requests: int
    again: int
    most_doubtful: int
    complete: int
    doubtful: int
    exhausted: int
    wrong: int


class Zygote:
    """A process that starts runs in forks of itself."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        assert self._line() == "ready"

    def _line(self) -> str:
        return self._process.stdout.readline().strip()

    def start(self, **arguments: Any) -> int:
        """Start a run; returns its process id."""
        self._process.stdin.write(json.dumps(arguments) + "\n")
        self._process.stdin.flush()
        return int(self._line())

    def wait(self) -> int:
        """Wait for the end of the run; returns its exit code."""
        return int(self._line())


@contextmanager
def zygote() -> Iterator[Zygote]:
    """A process that starts runs, with a key in its environment."""
    root = Path(__file__).resolve().parents[2]
    environment = {
        **os.environ,
        "TEST_KEY": "AIzaCANARY0123456789abcdefghijklmnopqrs",
        "PYTHONPATH": str(root),
    }
    with subprocess.Popen(
        [sys.executable, str(Path(__file__).with_name("rows_zygote.py"))],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=environment,
    ) as process:
        try:
            yield Zygote(process)
        finally:
            process.stdin.close()


def echo(exchange: Exchange) -> None:
    """Answer with the prompt, in two pieces and after a moment."""
    prompt = exchange.request.body["contents"][-1]["parts"][0]["text"]
    exchange.wait(random.uniform(0.005, 0.03))
    exchange.send_json(exchange.chunk("Answer to ", thought=False, finish=None))
    exchange.send_json(exchange.chunk(prompt, thought=False, finish="STOP"))


def results(path: Path) -> list[ResultRow]:
    """The results of all rows in a store."""
    with Store.open(path) as store:
        return [row for batch in store.results() for row in batch]


def count_exhausted(rows: list[ResultRow]) -> int:
    """How many rows in doubt have had as many attempts as such a row gets."""
    return sum(row.status == "in_doubt" and row.attempts >= MOST_ATTEMPTS for row in rows)


def kill_runs(
    starter: Zygote, path: Path, in_doubt: str, *, kills: int, rows: int, concurrency: int
) -> Counted:
    """Run over `rows` rows, kill the run `kills` times after a random number of requests, and let it end."""
    with FakeServer() as server:
        server.model("m", echo)
        arguments = {
            "rows": rows,
            "store": str(path),
            "in_doubt": in_doubt,
            "concurrency": concurrency,
            "model": "m",
            "base_url": server.base_url,
            "key_env": "TEST_KEY",
        }
        most = exhausted = 0
        share = rows // (kills + 1)
        for _ in range(kills):
            started = starter.start(**arguments)
            server.wait_for_requests(len(server.requests) + random.randint(share // 4, share), timeout=60)
            time.sleep(random.uniform(0, 0.03))
            os.kill(started, SIGKILL)
            assert starter.wait() != 0
            found = results(path)
            most = max(most, sum(row.status == "in_doubt" for row in found) - exhausted)
            exhausted = count_exhausted(found)
        starter.start(**arguments)
        assert starter.wait() == 0
        asked = Counter(request.body["contents"][-1]["parts"][0]["text"] for request in server.requests)
        found = results(path)
        complete = [row for row in found if row.status == "complete"]
        doubtful = [row for row in found if row.status == "in_doubt"]
        right = {row.position for row in complete if row.text == f"Answer to text {row.position}"}
        return Counted(
            kills,
            len(server.requests),
            len(server.requests) - len(asked),
            most,
            len(complete),
            len(doubtful),
            count_exhausted(found),
            rows - len(right) - len(doubtful),
        )
