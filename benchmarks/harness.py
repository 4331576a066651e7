"""Runs scripts in new processes against a local server, computes medians, and compares figures with budgets.

The benchmarks name the clients and their budgets; this module knows neither.
"""

from __future__ import annotations

import contextlib
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
Figures = dict[str, float]

rounds = 5  # the option --quick lowers it
_results: list[bool] = []  # whether each budget was met


# -- processes


def _user_environment(home: str) -> dict[str, str]:
    """The environment of a user without keys and proxies, with empty caches and with Python's bytecode cache."""
    dropped = ("GEMINI_", "GOOGLE_", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "PYTHONDONTWRITEBYTECODE")
    kept = {name: value for name, value in os.environ.items() if not name.upper().startswith(dropped)}
    folders = ("XDG_CACHE_HOME", "XDG_CONFIG_HOME", "IPYTHONDIR")
    return kept | {name: str(Path(home) / name.lower()) for name in folders}


_home = tempfile.TemporaryDirectory(prefix="gemini-magic-benchmarks-", ignore_cleanup_errors=True)
environment = _user_environment(_home.name)


def run_script(script: str, *arguments: object, python: str = sys.executable) -> Any:
    """Run a script of this folder in a new process, and decode its last line of output as JSON.

    Raises:
        RuntimeError: The script failed. The message has the last line of its standard error.
    """
    command = [python, str(HERE / script), *map(str, arguments)]
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, env=environment, cwd=_home.name
    )
    if done.returncode:
        raise RuntimeError(f"{script}: {(done.stderr.strip() or 'no error output').splitlines()[-1]}")
    return json.loads(done.stdout.splitlines()[-1])


@contextlib.contextmanager
def serve(*models: str) -> Iterator[int]:
    """Run `server.py` with the answers of these models prepared; the context's value is its port."""
    server = subprocess.Popen(
        [sys.executable, str(HERE / "server.py"), *models],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        yield int(server.stdout.readline())
    finally:
        server.kill()
        server.communicate()


def run_alternately(
    runs: Mapping[str, Callable[[], Figures]], times: int | None = None, *, practice: bool = True
) -> dict[str, list[Figures]]:
    """Run each function once per round, in a random order, and return the figures of all rounds by name.

    A practice round comes first, unless ``practice`` is false. It fills caches and does not count.
    """
    if practice:
        for run in runs.values():
            run()
    figures: dict[str, list[Figures]] = {name: [] for name in runs}
    names = list(runs)
    for _ in range(times or rounds):
        random.shuffle(names)
        for name in names:
            figures[name].append(runs[name]())
    return figures


def median(results: list[Figures], figure: str = "cpu") -> float:
    return statistics.median(result[figure] for result in results)


def ratio(numerators: list[Figures], denominators: list[Figures], figure: str = "cpu") -> float:
    """The median of the ratios within each round: whatever slows down a whole round cancels out."""
    return statistics.median(a[figure] / b[figure] for a, b in zip(numerators, denominators, strict=True))


@cache
def genai_python() -> str | None:
    """The path of an interpreter that has google-genai; None, with a printed hint, if there is no such interpreter."""
    python = os.environ.get("GEMINI_MAGIC_GENAI_PYTHON", sys.executable)
    with contextlib.suppress(OSError):  # the path names no program
        done = subprocess.run(
            [python, "-c", "import google.genai, ipykernel"], capture_output=True, check=False
        )
        if done.returncode == 0:
            return python
    print_line("google-genai is not measured. Install it where the benchmarks run:")
    print_line(f"  {sys.executable} -m pip install google-genai ipykernel")
    print_line("or set GEMINI_MAGIC_GENAI_PYTHON to the path of a Python that has both.")
    if python != sys.executable:
        print_line(f"(It is set to {python}, which does not have both.)")
    return None


# -- output


def machine_load() -> str:
    """The load average of the machine, as text."""
    if not hasattr(os, "getloadavg"):
        return "load unknown"
    load, cores = os.getloadavg()[0], os.cpu_count() or 1
    warning = "; too busy for measurements of wall time" if load > cores else ""
    return f"load {load:.1f} on {cores} cores{warning}"


def print_title(text: str) -> None:
    print(f"\n{text}", flush=True)


def print_line(text: str) -> None:
    """Print a figure without a budget, or a remark."""
    print(f"  {text}", flush=True)


def check_budget(
    label: str, value: float, budget: float, unit: str, *, minimum: bool = False, goal: float | None = None
) -> None:
    """Print a figure beside its budget. The budget is a maximum, or with ``minimum`` a minimum."""
    met = value >= budget if minimum else value <= budget
    _results.append(met)
    bound = f"{'at least' if minimum else 'at most'} {budget:g}{unit}"
    if goal is not None:
        bound += f", goal {goal:g}{unit}"
    print(f"  {label:52} {value:8.2f}{unit:8} {bound:30} {'met' if met else 'MISSED'}", flush=True)


def summary() -> str:
    """How many budgets were met and how many were missed."""
    met = sum(_results)
    return f"{met} of {len(_results)} budgets met, {len(_results) - met} missed"
