"""Writes and reads a store of rows without a network, and prints its figures as JSON.

``write ROWS WORKERS DELAY``, ``build PATH ROWS`` or ``left PATH ROWS``. Times are CPU time of all threads; a rate is rows
for each second of wall time.
"""

from __future__ import annotations

import hashlib
import json
import random
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

from gemini_magic.ledger import Exchange
from gemini_magic.row_runs.raw import pack_head, pack_pieces
from gemini_magic.row_runs.store import Store
from gemini_magic.row_runs.store_schema import DONE
from gemini_magic.row_runs.store_values import RunRecord
from gemini_magic.row_runs.values import Attempted, Grant, Wanted

RUN = RunRecord("1.0", "gemini", "example.org", "m", "Classify: {{ row.text }}")
BATCH = 500
LEFT = 1_000  # rows that are not answered


def wanted(rows: int) -> Iterator[list[Wanted]]:
    """The rows of an input, with keys that are not in order, and prompts that are rendered and hashed."""
    prefix = hashlib.sha256(b"model, template and options")
    numbers = range(rows)
    for start in range(0, rows, BATCH):
        batch = []
        for position in numbers[start : start + BATCH]:
            digest = prefix.copy()
            digest.update(f"Classify: the text of row {position}".encode())
            key = f"{position * 2654435761 % 2**32:010}"
            batch.append(Wanted(position, key.encode(), digest.digest()))
        yield batch


def answer() -> Attempted:
    """An answer of 11 chunks and 3.9 KB."""
    chance = random.Random(1)
    exchange = Exchange("POST", "", (), b"")
    headers = [(f"header-{n}", f"a value of header {n}") for n in range(12)]
    exchange.set_head(200, reason="OK", http_version="HTTP/1.1", headers=headers)
    texts = [" ".join(f"word{chance.randrange(1000)}" for _ in range(8)) for _ in range(11)]
    pieces = []
    for number, text in enumerate(texts):
        event = {
            "candidates": [{"content": {"parts": [{"text": text}], "role": "model"}, "index": 0}],
            "usageMetadata": {
                "promptTokenCount": 8,
                "candidatesTokenCount": number,
                "totalTokenCount": 8 + number,
                "promptTokensDetails": [{"modality": "TEXT", "tokenCount": 8}],
            },
            "modelVersion": "gemini-flash",
            "responseId": "abcdefghijklmnopqrstuv",
        }
        pieces.append((0.01 * number + chance.random() / 100, f"data: {json.dumps(event)}\r\n\r\n".encode()))
    return Attempted(
        0,
        1,
        "complete",
        "eof",
        http_status=200,
        head=pack_head(exchange),
        pieces=pack_pieces(pieces),
        text="".join(texts),
        model="gemini-flash",
        tokens_in=8,
        tokens_out=100,
        cost=0.0001,
        first_text=0.01,
        seconds=0.2,
    )


def write(rows: int, workers: int, delay: float) -> dict[str, float]:
    """Match, add, send and answer rows with workers that need no time between."""
    template = answer()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "t.rows.sqlite"
        store = Store.open(path)
        store.begin_run(RUN)
        cpu = time.process_time()
        grants = []
        for batch in wanted(rows):
            store.match(batch)
            grants += [Grant(request, 1, row) for request, row in zip(store.add(batch), batch, strict=True)]
        planned = time.process_time() - cpu
        if delay:
            store._writer.after_commit = lambda: time.sleep(delay)  # noqa: SLF001 - a slower disk
        left, taking = iter(grants), threading.Lock()

        def work() -> None:
            done: list[Attempted] = []
            while True:
                with taking:
                    grant = list(islice(left, 1))
                store.commit(done, grant)
                if not grant:
                    return
                done = [
                    template._replace(request=grant[0].request, text=f"{grant[0].request} {template.text}")
                ]

        cpu, wall, commits = time.process_time(), time.perf_counter(), store.commits
        threads = [threading.Thread(target=work) for _ in range(workers)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        cpu, wall, commits = (
            time.process_time() - cpu,
            time.perf_counter() - wall,
            store.commits - commits,
        )
        counts = store.counts()
        store.close()
        if counts != {"complete": rows}:
            raise RuntimeError(f"not every row is answered: {counts}")
        size = path.stat().st_size / rows
    return {"cpu": (planned + cpu) / rows * 1e3, "rate": rows / wall, "commits": commits, "size": size}


def build(path: str, rows: int) -> dict[str, float]:
    """Write a store in which all rows but the last ones are answered, without the bytes of the responses."""
    template = answer()._replace(head=b"", pieces=b"")
    with Store.open(path) as store:
        store.begin_run(RUN)
        done: list[Attempted] = []
        for batch in wanted(rows):
            requests = store.add(batch)
            store.hand_over(done)
            done = [
                template._replace(request=request, text=f"answer {row.position}")
                for request, row in zip(requests, batch, strict=True)
                if row.position < rows - LEFT
            ]
        store.commit(done)
    return {}


def _peak() -> float:
    """The most memory that this process has had, in MB."""
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024


def left(path: str, rows: int) -> dict[str, float]:
    """Find out what is left of an input, and read all results."""
    with Store.open(path) as store:
        store.begin_run(RUN)
        store.match(next(wanted(BATCH)))
        memory, cpu = _peak(), time.process_time()
        missing = sum(
            match.state != DONE or not match.placed for batch in wanted(rows) for match in store.match(batch)
        )
        taken, memory = time.process_time() - cpu, _peak() - memory
        if missing != LEFT:
            raise RuntimeError(f"{missing} rows are left instead of {LEFT}")
        cpu = time.process_time()
        found = sum(map(len, store.results()))
        results = time.process_time() - cpu
        if found != rows:
            raise RuntimeError(f"{found} results instead of {rows}")
        cpu = time.process_time()
        store.counts()
        store.cost()
        counts = time.process_time() - cpu
    return {"cpu": taken, "memory": memory, "results": results, "counts": counts}


def main(mode: str, *arguments: Any) -> None:
    modes = {
        "write": lambda rows, workers, delay: write(int(rows), int(workers), float(delay)),
        "build": lambda path, rows: build(path, int(rows)),
        "left": lambda path, rows: left(path, int(rows)),
    }
    print(json.dumps(modes[mode](*arguments)))


if __name__ == "__main__":
    main(*sys.argv[1:])
