"""Rows on a cluster without a store: a plan for the fake server, a small leader, and figures of the scheduler.

Workers import this module too.
"""

from __future__ import annotations

import os
import threading
import time
from collections import Counter, deque

from gemini_magic.content import Text
from gemini_magic.errors import GeminiMagicError
from gemini_magic.options import Options
from gemini_magic.prompts import build_request
from gemini_magic.row_runs.cluster import ClusterExecutor
from gemini_magic.row_runs.cluster_plan import ClusterPlan
from gemini_magic.row_runs.cluster_watch import ClusterTimes
from gemini_magic.row_runs.values import Attempted, Grant, Wanted, WorkerLost

KEY_ENV = "CLUSTER_TEST_KEY"
KEY = "AIza-the-key-of-the-cluster-tests"
QUICK = ClusterTimes(look=0.05, beat=0.3, settle=2.0, no_worker=20.0)


def plan_for(base_url, model="rows", **options):
    """How rows are asked of a server."""
    chosen = Options(model=model, base_url=base_url, key_env=KEY_ENV, **options)
    return ClusterPlan(chosen, build_request((Text("?"),), chosen))


def grant(row, attempt=1):
    text = f"row {row}"
    return Grant(row, attempt, Wanted(row, b"key", b"h" * 32, (Text(text),), len(text)))


class SmallLeader:
    """Grants rows and collects what happens.

    Attributes:
        answers: for each row its answers.
        in_doubt, unsent: rows of lost workers, in the order in which they were reported.
        others: other events.
        error: what ended the run early.
    """

    def __init__(self, executor, rows, *, again=True):
        self.executor = executor
        self.to_do = deque((row, 1) for row in rows)
        self.open = set()
        self.answers = {}
        self.in_doubt = []
        self.unsent = []
        self.others = []
        self.error = None
        self._again = again

    def step(self, timeout=0.2, *, granting=True):
        if granting:
            for name, free in self.executor.workers():
                grants = [grant(*self.to_do.popleft()) for _ in range(min(free, len(self.to_do)))]
                self.open.update((each.request, each.attempt) for each in grants)
                if grants:
                    self.executor.put(name, grants)
        for event in self.executor.events(timeout):
            self._take(event)

    def _take(self, event):
        if isinstance(event, Attempted):
            self.open.discard((event.request, event.attempt))
            self.answers.setdefault(event.request, []).append(event)
            return
        self.others.append(event)
        if isinstance(event, WorkerLost):
            for each in event.unsent:
                self.open.discard((each.request, each.attempt))
                self.unsent.append(each.request)
                self.to_do.append((each.request, each.attempt))
            for each in event.in_doubt:
                self.open.discard((each.request, each.attempt))
                self.in_doubt.append(each.request)
                if self._again:
                    self.to_do.append((each.request, each.attempt + 1))

    def run(self, until=None, limit=60.0):
        """Work until nothing is left, or until a condition holds."""
        deadline = time.monotonic() + limit
        done = until or (lambda: not self.to_do and not self.open)
        while not done():
            if time.monotonic() > deadline:
                raise TimeoutError(f"after {limit:g} s: {len(self.to_do)} to do, {len(self.open)} in flight")
            try:
                self.step()
            except GeminiMagicError as error:
                self.error = error
                return


def asked(server, model="rows"):
    """How often the server was asked for each row."""
    return Counter(each.body["contents"][-1]["parts"][0]["text"] for each in server.requests_for(model))


_executors: list[ClusterExecutor] = []  # of the test that runs


def executor_for(client, server, limit=20, times=QUICK, **options):
    _executors.append(ClusterExecutor(client, plan_for(server.base_url, **options), limit, times))
    return _executors[-1]


def close_executors(timeout: float) -> None:
    """Close the executors that the test has not closed, so that a failed test leaves nothing on the cluster."""
    while _executors:
        executor = _executors.pop()
        executor.close(0)
        executor.wait_closed(timeout)


def addresses(client):
    """The addresses of the workers. `scheduler_info` may return a cache without them."""
    return list(client.nthreads())


def traces(client):
    """What the scheduler holds of runs: topics, queues, tasks."""

    def look(dask_scheduler):
        return (
            [name for name in dask_scheduler._broker._topics if name.startswith("gemini-magic")],
            list(dask_scheduler.extensions["queues"].queues),
            [key for key in dask_scheduler.tasks if "gemini-magic" in str(key)],
        )

    return client.run_on_scheduler(look)


def row_threads():
    """The number of threads for rows in this process; runs on workers."""
    return sum(thread.name == "gemini-row" for thread in threading.enumerate())


def lose_answer(epoch, request, attempt):
    """Answer as a worker that has lost an answer; runs on workers."""


def set_key(value):
    """Set the key of this process, or remove it; runs on workers."""
    if value is None:
        os.environ.pop(KEY_ENV, None)
    else:
        os.environ[KEY_ENV] = value
    return os.getpid()
