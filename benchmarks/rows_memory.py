"""The memory of a run over many rows, with a store and answers that arrive at once.

``python rows_memory.py FILE ROWS`` runs once over the rows of a Parquet file and prints the figures as JSON; with ``write``
before the file it writes the rows into it.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from pathlib import Path

import harness

FEW, MORE, MANY = 10_000, 100_000, 1_000_000
_MANY, _GROWTH = 250, 10  # megabytes: of a process with a million rows, and of 100,000 beyond 10,000


def rows_memory() -> None:
    """The memory of runs over 10,000, 100,000 and 1,000,000 rows of a Parquet file, with a store."""
    harness.print_title("The memory of a run: 200 at once, 11 chunks, answers without a network, a store")
    found = {}
    for rows in (FEW, MORE, MANY) if harness.rounds > 2 else (FEW, MORE):
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "rows.parquet"
            harness.run_script("rows_memory.py", "write", path, rows)
            found[rows] = figures = harness.run_script("rows_memory.py", path, rows)
        harness.print_line(
            f"{rows:,} rows: {figures['peak']:.0f} MB, {figures['rate']:,.0f} rows/s, {figures['cpu']:.2f} ms of CPU a row"
        )
    growth = found[MORE]["peak"] - found[FEW]["peak"]
    harness.check_budget("memory of 100,000 rows beyond 10,000", growth, _GROWTH, " MB")
    if MANY in found:
        harness.check_budget("memory of the process, a million rows", found[MANY]["peak"], _MANY, " MB")


def write(path: str, rows: int) -> dict[str, float]:
    """Write the input, in another process than the run, because pyarrow keeps memory."""
    import pyarrow.parquet  # noqa: PLC0415 - only in the process that writes
    from rows_input_client import table  # noqa: PLC0415

    pyarrow.parquet.write_table(table(rows), path, row_group_size=10_000)
    return {}


def run(path: str, rows: int) -> dict[str, float]:
    """Run over the rows; the attempts end at once with the same answer."""
    from rows_store_client import _peak, answer  # noqa: PLC0415 - only in the process that measures

    import gemini_magic as gm  # noqa: PLC0415
    from gemini_magic.row_runs.attempts import RowAttempt, unsent  # noqa: PLC0415

    template = answer()

    class Attempt:
        def __init__(self, maker, grant, may_send) -> None:  # noqa: ARG002 - as a RowAttempt
            self.grant, self.may_send = grant, may_send

        def run(self):
            if not self.may_send():
                return unsent(self.grant)
            return template._replace(request=self.grant.request, attempt=self.grant.attempt)

        def cancel(self) -> None:
            pass

    RowAttempt.__new__ = lambda _, *given: Attempt(*given)  # type: ignore[method-assign,assignment]
    with tempfile.TemporaryDirectory() as folder:
        cpu, began = time.process_time(), time.perf_counter()
        done = gm.rows(
            "Classify: {{ row.text }}",
            Path(path),
            id="id",
            store=Path(folder) / "a.rows.sqlite",
            base_url="http://127.0.0.1:9",
            key_env="BENCHMARK_KEY",
            model="gemini-flash-latest",
            concurrency=200,
            show=False,
        )
        cpu, took = time.process_time() - cpu, time.perf_counter() - began
        if done.progress.counts != {"complete": rows}:
            raise RuntimeError(f"{done.progress.counts} {done.progress.notices}")
    return {"peak": _peak(), "rate": rows / took, "cpu": 1000 * cpu / rows}


def main() -> None:
    import os  # noqa: PLC0415

    os.environ["BENCHMARK_KEY"] = "AIza-the-key-of-the-benchmark"
    if sys.argv[1] == "write":
        print(json.dumps(write(sys.argv[2], int(sys.argv[3]))))
    else:
        print(json.dumps(run(sys.argv[1], int(sys.argv[2]))))


if __name__ == "__main__":
    main()
