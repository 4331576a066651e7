"""The store of rows: what a row costs, how a slow disk affects it, and how long it takes to find out what is left."""

from __future__ import annotations

import tempfile
from pathlib import Path

import harness

ROWS, WORKERS = 6_000, 200
SLOW_ROWS, SLOW_DISK = 3_000, 0.01  # seconds that each commit takes longer
MANY = 1_000_000


def rows_store() -> None:
    """The store of rows: CPU for each, rows/s with a slow disk, and what is left of 100,000 and 1,000,000 rows."""
    harness.print_title(f"The store of rows ({WORKERS} at once, 11 chunks, 3.9 KB)")

    def run(mode: str, *arguments: object) -> harness.Figures:
        return harness.run_script("rows_store_client.py", mode, *arguments)

    figures = harness.run_alternately(
        {
            "the disk of this machine": lambda: run("write", ROWS, WORKERS, 0),
            "a disk that takes 10 ms": lambda: run("write", SLOW_ROWS, WORKERS, SLOW_DISK),
        }
    )
    for name, results in figures.items():
        harness.print_line(
            f"{name}: {harness.median(results, 'rate'):,.0f} rows/s, "
            f"{harness.median(results, 'commits'):,.0f} commits, {harness.median(results, 'size'):,.0f} bytes a row"
        )
    fast, slow = figures.values()
    harness.check_budget("CPU of a row: matched, added, sent, done", harness.median(fast), 0.1, " ms")
    harness.check_budget(
        "rows/s with 10 ms a commit", harness.median(slow, "rate"), 500, " rows/s", minimum=True
    )
    for rows in (MANY // 10, MANY) if harness.rounds > 2 else (MANY // 10,):
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "many.rows.sqlite"
            run("build", path, rows)
            size = path.stat().st_size / rows
            left = harness.run_alternately(
                {"left": lambda path=path, rows=rows: run("left", path, rows)}, 3, practice=False
            )["left"]
        harness.print_line(
            f"{rows:,} rows ({size:,.0f} bytes each, without the bytes of the responses): "
            f"results in order {harness.median(left, 'results'):.2f} s, counts {harness.median(left, 'counts'):.2f} s"
        )
        harness.check_budget(
            f"what is left of {rows:,} rows", harness.median(left), 0.5 if rows < MANY else 6.0, " s"
        )
        harness.check_budget("memory for it", harness.median(left, "memory"), 10, " MB")
