"""Runs rows as batch jobs against the batch server, on a clock that waits move forward."""

from __future__ import annotations

import hashlib
import time
from dataclasses import dataclass, field

from batch_server import BatchServer

from gemini_magic.backends import backend
from gemini_magic.client import Key, Secret
from gemini_magic.content import Request, RequestSettings, Text, Turn
from gemini_magic.options import Options
from gemini_magic.prices import TokenPrice
from gemini_magic.row_runs.batch import BatchRunner
from gemini_magic.row_runs.batch_answers import AnswerReader
from gemini_magic.row_runs.batch_client import BatchClient
from gemini_magic.row_runs.batch_pack import packed_jobs
from gemini_magic.row_runs.store import Store
from gemini_magic.row_runs.store_values import RunRecord
from gemini_magic.row_runs.values import Grant, Wanted

MODEL = "gemini-2.5-flash"
CANARY = "AIza-batch-canary-0123456789"
RUN = RunRecord("0", "gemini", "127.0.0.1", MODEL, "{{ row.text }}")


def asked(text: str) -> Request:
    settings = RequestSettings(service_tier="batch")
    return Request(model=MODEL, turns=(Turn("user", (Text(text),)),), settings=settings)


def wanted(position: int, text: str) -> Wanted:
    digest = hashlib.sha256(text.encode()).digest()
    return Wanted(position, b"key %d" % position, digest, (Text(text),), len(text))


@dataclass
class Stage:
    """A store and a server, and what the runner reports.

    Attributes:
        notices: the sentences for the user.
        waited: the waits, in seconds.
        stop_after: the wait after which the run is stopped; None for never.
    """

    server: BatchServer
    store: Store
    notices: list[str] = field(default_factory=list)
    waited: list[float] = field(default_factory=list)
    stop_after: int | None = None
    now: float = field(default_factory=time.time)
    refused: list = field(default_factory=list)

    def wait(self, seconds: float) -> bool:
        self.waited.append(seconds)
        self.now += seconds
        return self.stop_after is not None and len(self.waited) >= self.stop_after

    def runner(self, key: str = CANARY, **more) -> BatchRunner:
        options = Options(model=MODEL, base_url=self.server.base_url, key_env="FAKE", retries=0)
        dialect = backend("gemini")
        client = BatchClient(dialect, options, Key(Secret(key), "a test"), sleep=self.wait)
        reader = AnswerReader(dialect, asked(""), self.server.base_url, price=TokenPrice(1.0, 1.0), **more)
        return BatchRunner(
            self.store,
            client,
            lambda _: reader,
            MODEL,
            notify=self.notices.append,
            wait=self.wait,
            clock=lambda: self.now,
        )

    def grants(self, *texts: str) -> list[Grant]:
        rows = [wanted(position, text) for position, text in enumerate(texts)]
        found = []
        for row, match, request in zip(rows, self.store.match(rows), self.store.add(rows), strict=True):
            if match.state == 0:
                found.append(Grant(request, match.attempts + 1, row))
        return found

    def packed(self, *texts: str):
        def request_of(grant: Grant) -> Request:
            return asked(grant.wanted.parts[0].text)

        return packed_jobs(self.grants(*texts), request_of, backend("gemini").batches, self.refused.append)

    def ask(self, *texts: str, **more) -> bool:
        """Begin a run over these rows, as the leader does: first the jobs of earlier runs, then the rows."""
        self.store.begin_run(RUN)
        runner = self.runner(**more)
        return runner.reattach() and runner.run(self.packed(*texts))

    def rows(self) -> list[tuple]:
        return [(row.status, row.text) for batch in self.store.results() for row in batch]

    def results(self) -> list:
        return [row for batch in self.store.results() for row in batch]
