"""Rows: one prompt over many rows, against raw sockets, httpx, google-genai and chatlas, by CPU a row and rows a second."""

from __future__ import annotations

import contextlib
import subprocess
import sys
from collections.abc import Iterator

import harness
import rows_clients

CHUNKS = 11
SECONDS = 0.2
_BUDGET, _GOAL = 1.2, 0.9  # milliseconds of CPU a row at 200 at once, with the store
_RATE, _RATE_GOAL = 600, 900  # rows a second
_STEEP = 1.5  # CPU at 500 at once, as a multiple of that at 100
_AGAINST = {"genai_stream": 0.6, "genai_whole": 1.5, "chatlas": 0.9}
_MODULES = {
    "httpx": "httpx",
    "genai_stream": "google.genai",
    "genai_whole": "google.genai",
    "chatlas": "chatlas",
}
_ROWS = {20: 1000, 100: 2000, 200: 4000, 500: 4000}


@contextlib.contextmanager
def serve() -> Iterator[int]:
    """Run the server; the context's value is its port."""
    command = [sys.executable, str(harness.HERE / "rows_server.py"), str(CHUNKS), str(SECONDS)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as server:
        try:
            yield int(server.stdout.readline())
        finally:
            server.stdin.close()


def python_of(client: str) -> str | None:
    """The interpreter for a client: that of the benchmarks, or that of google-genai; None if neither has its package."""
    module = _MODULES.get(client)
    if module is None:
        return sys.executable
    pythons = dict.fromkeys([sys.executable, harness.genai_python() or sys.executable])
    for python in pythons:
        done = subprocess.run([python, "-c", f"import {module}"], capture_output=True, check=False)
        if done.returncode == 0:
            return python
    return None


def rows() -> None:
    """Many rows at once: CPU a row and rows a second, beside other clients and budgets."""
    harness.print_title(f"Rows: answers of {CHUNKS} chunks after {SECONDS:g} s, all chunks kept and stored")
    found: dict[tuple[str, int], list[harness.Figures]] = {}
    pythons = {client: python for client in rows_clients.CLIENTS if (python := python_of(client)) is not None}
    with serve() as port:
        for at_once, count in _ROWS.items():
            if harness.rounds <= 2 and at_once in (20, 500):
                continue
            # The pool of httpx needs 10 ms for a row at 200 at once.
            runs = {
                client: lambda client=client, count=count, at_once=at_once, python=python: harness.run_script(
                    "rows_clients.py",
                    client,
                    port,
                    count // (4 if client == "httpx" else 1),
                    at_once,
                    python=python,
                )
                for client, python in pythons.items()
            }
            figures = harness.run_alternately(runs, min(3, harness.rounds), practice=False)
            for client, results in figures.items():
                found[client, at_once] = results
                cpu = min(result["cpu"] for result in results)
                rate = max(result["rate"] for result in results)
                steady = max(result["steady"] for result in results)
                opened = min(result["opened"] for result in results)
                harness.print_line(
                    f"{at_once:3} at once, {client:14} {cpu:7.2f} ms a row {rate:7.0f} rows/s, {steady:7.0f} in the middle half, "
                    f"{opened:6.0f} connections"
                )
    _check(found)


def _cpu(found: dict[tuple[str, int], list[harness.Figures]], client: str, at_once: int) -> float | None:
    results = found.get((client, at_once))
    return None if results is None else min(result["cpu"] for result in results)


def _check(found: dict[tuple[str, int], list[harness.Figures]]) -> None:
    ours = _cpu(found, "ours", 200)
    if ours is not None:
        harness.check_budget("CPU a row, 200 at once, with the store", ours, _BUDGET, " ms", goal=_GOAL)
        for figure, label in (("rate", "rows a second, 200 at once"), ("steady", "the same, middle half")):
            rate = max(result[figure] for result in found["ours", 200])
            harness.check_budget(label, rate, _RATE, "", minimum=True, goal=_RATE_GOAL)
        for client, most in _AGAINST.items():
            theirs = _cpu(found, client, 200)
            if theirs is not None:
                harness.check_budget(f"CPU as a multiple of {client}", ours / theirs, most, "")
    few, many = _cpu(found, "ours", 100), _cpu(found, "ours", 500)
    if few is not None and many is not None:
        harness.check_budget("CPU at 500 as a multiple of 100 at once", many / few, _STEEP, "")
