"""Reads rows of one kind of input into prompts, and prints what it takes.

``rows_input_client.py KIND ROWS FOLDER``
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet

from gemini_magic.row_runs.plan import prepare


def table(rows: int) -> pa.Table:
    texts = pa.array([f"The order {number} has not arrived, please check" for number in range(rows)])
    return pa.table({"id": pa.array(range(rows)), "text": texts})


def data(kind: str, rows: int, folder: Path) -> Any:
    made = table(rows)
    path = folder / f"{rows}.{kind}"
    if kind == "pandas":
        return made.to_pandas()
    if kind in ("polars", "lazy"):
        import polars as pl  # noqa: PLC0415 - the other kinds need less

        frame = pl.from_arrow(made)
        return frame if kind == "polars" else frame.lazy()
    if kind == "list":
        return made.to_pylist()
    if kind == "duckdb":
        import duckdb  # noqa: PLC0415 - as above

        return duckdb.from_arrow(made)
    if kind == "csv":
        pyarrow.csv.write_csv(made, path)
        return path
    if kind == "parquet":
        pyarrow.parquet.write_table(made, path)
        return path
    return made


def resident() -> float:
    """Megabytes of memory that this process uses."""
    lines = Path("/proc/self/status").read_text("ascii").splitlines()
    return next(int(line.split()[1]) / 1000 for line in lines if line.startswith("VmRSS"))


def microseconds(run: Callable[[], Any], rows: int) -> float:
    begun = time.process_time()
    run()
    return (time.process_time() - begun) / rows * 1e6


def main(kind: str, rows: int, folder: Path) -> None:
    given = data(kind, rows, folder)
    sum(
        map(len, prepare("Classify: {{ row.text }}", table(1000), id="id").batches())
    )  # everything is imported
    before, plan, most = resident(), None, 0.0

    def check() -> None:
        nonlocal plan
        plan = prepare("Classify: {{ row.text }}", given, id="id")

    def prompts() -> None:
        nonlocal most
        for number, _ in enumerate(plan.batches()):
            if number % 100 == 0:
                most = max(most, resident())

    keys = microseconds(check, rows)
    both = microseconds(prompts, rows)
    read = microseconds(lambda: sum(1 for batch in plan.source.read([0, 1]) for _ in batch), rows)
    print(json.dumps({"keys": keys, "prompts": both - read, "read": read, "memory": most - before}))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), Path(sys.argv[3]))
