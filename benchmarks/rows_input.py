"""The input of rows: what reading a row, checking its key, rendering its prompt and making its hash cost."""

from __future__ import annotations

import tempfile
from pathlib import Path

import harness

ROWS, MANY = 100_000, 1_000_000
KINDS = ("arrow", "pandas", "polars", "lazy", "list", "csv", "parquet", "duckdb")


def rows_input() -> None:
    """The input of rows: CPU a row of each kind of input, and the memory of a million rows."""
    harness.print_title("The input of rows (two columns, an integer key)")
    with tempfile.TemporaryDirectory() as folder:

        def run(kind: str, rows: int) -> harness.Figures:
            return harness.run_script("rows_input_client.py", kind, rows, Path(folder))

        figures = harness.run_alternately(
            {kind: lambda kind=kind: run(kind, ROWS) for kind in KINDS}, practice=False
        )
        for kind, results in figures.items():
            harness.print_line(
                f"{kind}: read {harness.median(results, 'read'):.2f} µs, keys {harness.median(results, 'keys'):.2f} µs, "
                f"prompt and hash {harness.median(results, 'prompts'):.2f} µs a row"
            )
            if kind != "csv":  # the csv module alone takes 0.6 µs
                reading = [{"cpu": each["read"] + each["keys"]} for each in results]
                harness.check_budget(
                    f"reading and keys of a row, {kind}", harness.median(reading), 1.0, " µs"
                )
        many = [run("arrow", MANY) for _ in range(2)]
        harness.check_budget("memory of a million rows over Arrow", harness.median(many, "memory"), 50, " MB")
