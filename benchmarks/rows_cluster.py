"""Rows on the workers of a dask.distributed cluster on this machine.

``python rows_cluster.py PORT ROWS AT_ONCE`` runs once, with 2 workers of 2 threads, and prints the figures as JSON.
"""

from __future__ import annotations

import importlib.util
import json
import os
import sys
import tempfile
import time
from pathlib import Path

import harness
from rows import SECONDS, serve

_ROWS = 4000
_AT_ONCE = 100
_RATE = 350  # rows a second


def rows_cluster() -> None:
    """4,000 rows of 0.2 s on 2 workers of a cluster, 100 at once, with a store (wall time)."""
    harness.print_title(
        f"Rows on a cluster: 2 workers, {_AT_ONCE} at once, answers of {SECONDS:g} s (wall time)"
    )
    if importlib.util.find_spec("distributed") is None:
        harness.print_line(f'Not measured: {sys.executable} -m pip install "gemini-magic[dask]"')
        return
    with serve() as port:
        results = [
            harness.run_script("rows_cluster.py", port, _ROWS, _AT_ONCE)
            for _ in range(min(3, harness.rounds))
        ]
    rate = max(result["rate"] for result in results)
    harness.check_budget("rows a second", rate, _RATE, "/s", minimum=True)
    leader, workers = (min(result[name] for result in results) for name in ("leader", "workers"))
    harness.print_line(f"CPU a row: leader, store and scheduler {leader:.2f} ms, workers {workers:.2f} ms")


def measure(port: int, rows: int, at_once: int) -> None:
    """Print the figures of one run."""
    from distributed import Client, LocalCluster  # noqa: PLC0415 - only in the process that measures

    import gemini_magic as gm  # noqa: PLC0415

    os.environ["BENCHMARK_KEY"] = "AIza-the-key-of-the-benchmark"
    options = {
        "model": "gemini-flash-latest",
        "base_url": f"http://127.0.0.1:{port}",
        "key_env": "BENCHMARK_KEY",
        "concurrency": at_once,
        "show": False,
        "id": "position",
    }
    cluster = LocalCluster(n_workers=2, threads_per_worker=2, dashboard_address=":0")
    with cluster, Client(cluster) as client, tempfile.TemporaryDirectory() as folder:

        def run(count: int, name: str) -> float:
            began = time.perf_counter()
            table = [{"text": f"ticket {number} of {name}: my invoice is wrong"} for number in range(count)]
            done = gm.rows(
                "Classify: {{ row.text }}", table, cluster=client, store=Path(folder, name), **options
            )
            took = time.perf_counter() - began
            if done.progress.counts != {"complete": count}:
                raise RuntimeError(f"{done.progress.counts} {done.progress.notices}")
            return took

        run(50, "warm-up.rows.sqlite")
        before, worker_before = time.process_time(), sum(client.run(time.process_time).values())
        took = run(rows, "run.rows.sqlite")
        leader = time.process_time() - before
        workers = sum(client.run(time.process_time).values()) - worker_before
    figures = {
        "rate": rows / took,
        "leader": 1000 * leader / rows,
        "workers": 1000 * workers / rows,
    }
    print(json.dumps(figures))


if __name__ == "__main__":
    measure(*map(int, sys.argv[1:]))
