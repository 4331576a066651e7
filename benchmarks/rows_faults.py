"""Runs over rows that are killed again and again: ``python rows_faults.py MODE KILLS`` prints figures as JSON."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import harness

KILLS, ROWS, AT_ONCE = 50, 3000, 50


def rows_faults() -> None:
    """Rows of runs that are killed 50 times with kill -9, in each mode: lost, swapped and asked twice."""
    kills = KILLS if harness.rounds > 2 else 5
    harness.print_title(f"{ROWS:,} rows, {AT_ONCE} at once, {kills} times kill -9")
    for mode in ("again", "skip"):
        figures = harness.run_script("rows_faults.py", mode, kills)
        harness.print_line(
            f'in_doubt="{mode}": {figures["complete"]:,} complete, {figures["doubtful"]:,} in doubt, '
            f"{figures['requests']:,} requests, {figures['again']:,} rows asked again"
        )
        harness.check_budget(f"{mode}: rows lost or swapped", figures["wrong"], 0, "")
        most = kills * AT_ONCE if mode == "again" else 0
        harness.check_budget(f"{mode}: asked again", figures["again"], most, "")


def main() -> None:
    root = Path(__file__).resolve().parent.parent
    sys.path[:0] = [str(root), str(root / "tests" / "support")]
    import tempfile  # noqa: PLC0415 - only in the process that measures

    from rows_kills import kill_runs, zygote  # noqa: PLC0415

    mode, kills = sys.argv[1], int(sys.argv[2])
    with tempfile.TemporaryDirectory() as folder, zygote() as starter:
        path = Path(folder) / "a.rows.sqlite"
        counted = kill_runs(starter, path, mode, kills=kills, rows=ROWS, concurrency=AT_ONCE)
    print(json.dumps(counted._asdict()))


if __name__ == "__main__":
    main()
