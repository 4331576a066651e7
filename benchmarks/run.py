"""Measures the speed and memory that the design promises, and prints each figure beside its budget.

``python benchmarks/run.py [--quick] [NAME ...]``

gemini_magic, a raw socket and google-genai (if it is installed here or in $GEMINI_MAGIC_GENAI_PYTHON) run
alternately, each time in a new process. Times are CPU time unless the output says otherwise; figures are medians.
The load of the machine changes the figures, so compare only figures of one run.
"""

from __future__ import annotations

import argparse
import time

import harness
from arrival import parallel, stamps
from dataframes import tables
from items import items
from page import page
from reading import burst, large, memory
from rendering import markdown
from rows import rows
from rows_cluster import rows_cluster
from rows_faults import rows_faults
from rows_input import rows_input
from rows_memory import rows_memory
from rows_store import rows_store
from startup import first, load, warm

BENCHMARKS = {
    benchmark.__name__: benchmark
    for benchmark in (
        burst,
        large,
        memory,
        tables,
        load,
        first,
        warm,
        stamps,
        parallel,
        markdown,
        items,
        page,
        rows,
        rows_cluster,
        rows_faults,
        rows_input,
        rows_memory,
        rows_store,
    )
}


def main() -> None:
    descriptions = "\n".join(f"  {name:10} {benchmark.__doc__}" for name, benchmark in BENCHMARKS.items())
    parser = argparse.ArgumentParser(
        description="Run benchmarks and print each figure beside its budget.",
        epilog=f"benchmarks:\n{descriptions}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help="benchmarks to run; all by default")
    parser.add_argument("--quick", action="store_true", help="run two rounds instead of five")
    arguments = parser.parse_args()
    unknown = [name for name in arguments.names if name not in BENCHMARKS]
    if unknown:
        parser.error(f"unknown benchmark: {', '.join(unknown)} (choose from {', '.join(BENCHMARKS)})")
    if arguments.quick:
        harness.rounds = 2
    began = time.monotonic()
    print(harness.machine_load())
    for name in arguments.names or BENCHMARKS:
        BENCHMARKS[name]()
    print(f"\n{time.monotonic() - began:.0f} s; {harness.machine_load()}")
    print(harness.summary())


if __name__ == "__main__":
    main()
