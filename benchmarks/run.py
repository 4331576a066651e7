"""Measures what the design promises and prints each figure beside its budget.

``python benchmarks/run.py [--quick] [NAME ...]``

Floor, ours and google-genai (when installed here or in $GEMINI_MAGIC_GENAI_PYTHON) run in turn in fresh processes;
times are CPU unless said otherwise; medians. A busy machine changes the figures: compare those of one run only.
"""

from __future__ import annotations

import argparse
import time

import stage
from arriving import parallel, stamps
from page import page
from reading import burst, large, memory
from rendering import markdown
from starting import first, load, warm
from tabling import tables

BENCHMARKS = {
    each.__name__: each
    for each in (burst, large, memory, tables, load, first, warm, stamps, parallel, markdown, page)
}


def main() -> None:
    listed = "\n".join(f"  {name:10} {each.__doc__}" for name, each in BENCHMARKS.items())
    parser = argparse.ArgumentParser(
        description="Measure, and print each figure beside its budget.",
        epilog=f"benchmarks:\n{listed}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help="what to measure; everything by default")
    parser.add_argument("--quick", action="store_true", help="two rounds in place of five")
    said = parser.parse_args()
    unknown = [name for name in said.names if name not in BENCHMARKS]
    if unknown:
        parser.error(f"no benchmark {', '.join(unknown)}; there are: {', '.join(BENCHMARKS)}")
    if said.quick:
        stage.rounds = 2
    began = time.monotonic()
    print(stage.load())
    for name in said.names or BENCHMARKS:
        BENCHMARKS[name]()
    print(f"\n{time.monotonic() - began:.0f} s; {stage.load()}")
    print(stage.summary())


if __name__ == "__main__":
    main()
