"""The measuring: fresh processes in turn, a server beside them, medians, and a word for every budget.

It knows no client and no budget of its own.
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

rounds = 5  # the command line may say fewer
_met: list[bool] = []


# -- processes


def _environment(home: str) -> dict[str, str]:
    """A user's environment: no key, no proxy, caches of its own, and byte code kept as Python does by itself."""
    dropped = ("GEMINI_", "GOOGLE_", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "PYTHONDONTWRITEBYTECODE")
    kept = {name: value for name, value in os.environ.items() if not name.upper().startswith(dropped)}
    folders = ("XDG_CACHE_HOME", "XDG_CONFIG_HOME", "IPYTHONDIR")
    return kept | {name: str(Path(home) / name.lower()) for name in folders}


_home = tempfile.TemporaryDirectory(prefix="gemini-magic-benchmarks-", ignore_cleanup_errors=True)
environment = _environment(_home.name)


def fresh(script: str, *arguments: object, python: str = sys.executable) -> Any:
    """Run a script of this folder in a process of its own; its last line, read as JSON.

    Raises:
        RuntimeError: it failed; with its last words.
    """
    command = [python, str(HERE / script), *map(str, arguments)]
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, env=environment, cwd=_home.name
    )
    if done.returncode:
        raise RuntimeError(f"{script}: {(done.stderr.strip() or 'no words').splitlines()[-1]}")
    return json.loads(done.stdout.splitlines()[-1])


@contextlib.contextmanager
def serving(*models: str) -> Iterator[int]:
    """The port of a server that has these answers ready."""
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


def in_turn(
    runs: Mapping[str, Callable[[], Figures]], times: int | None = None, *, practice: bool = True
) -> dict[str, list[Figures]]:
    """Run each in turn, in another order each round, after a practice that does not count (it fills caches)."""
    if practice:
        for run in runs.values():
            run()
    found: dict[str, list[Figures]] = {name: [] for name in runs}
    names = list(runs)
    for _ in range(times or rounds):
        random.shuffle(names)
        for name in names:
            found[name].append(runs[name]())
    return found


def median(found: list[Figures], figure: str = "cpu") -> float:
    return statistics.median(each[figure] for each in found)


def ratio(above: list[Figures], below: list[Figures], figure: str = "cpu") -> float:
    """The median of the rounds' own ratios: what slows a whole round down cancels out."""
    return statistics.median(a[figure] / b[figure] for a, b in zip(above, below, strict=True))


@cache
def genai() -> str | None:
    """The interpreter that has google-genai; None, with a word about it, when none is known to."""
    python = os.environ.get("GEMINI_MAGIC_GENAI_PYTHON", sys.executable)
    with contextlib.suppress(OSError):  # it names no program
        looked = subprocess.run(
            [python, "-c", "import google.genai, ipykernel"], capture_output=True, check=False
        )
        if looked.returncode == 0:
            return python
    tell("google-genai is left out. Install it where the benchmarks run:")
    tell(f"  {sys.executable} -m pip install google-genai ipykernel")
    tell("or set GEMINI_MAGIC_GENAI_PYTHON to the path of a Python that has both.")
    if python != sys.executable:
        tell(f"(It is set to {python}, which does not have both.)")
    return None


# -- telling


def load() -> str:
    """How busy the machine is with everything it does."""
    if not hasattr(os, "getloadavg"):
        return "load unknown"
    load, cores = os.getloadavg()[0], os.cpu_count() or 1
    remark = "; too busy for figures in wall time" if load > cores else ""
    return f"load {load:.1f} on {cores} cores{remark}"


def title(text: str) -> None:
    print(f"\n{text}", flush=True)


def tell(text: str) -> None:
    """A figure without a budget, or a remark."""
    print(f"  {text}", flush=True)


def against(
    what: str, value: float, budget: float, unit: str, *, least: bool = False, goal: float | None = None
) -> None:
    """A figure beside its budget: met when it is at most (or with ``least`` at least) that."""
    met = value >= budget if least else value <= budget
    _met.append(met)
    bound = f"{'at least' if least else 'at most'} {budget:g}{unit}"
    if goal is not None:
        bound += f", goal {goal:g}{unit}"
    print(f"  {what:52} {value:8.2f}{unit:8} {bound:30} {'met' if met else 'MISSED'}", flush=True)


def summary() -> str:
    """How many budgets were met and how many missed."""
    met = sum(_met)
    return f"{met} of {len(_met)} budgets met, {len(_met) - met} missed"
