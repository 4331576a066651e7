"""The benchmarks' command runs and says what it measured; what the figures are is not tested."""

import re
import subprocess
import sys

from surroundings import CHECKOUT


def run(*arguments):
    command = [sys.executable, str(CHECKOUT / "benchmarks" / "run.py"), *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=100, check=False)


def test_a_benchmark_prints_its_figure_its_budget_and_a_word():
    done = run("--quick", "load")
    assert done.returncode == 0, done.stderr
    assert re.search(r"load_ext +[\d.]+ ms +at most 5 ms +(met|MISSED)\n", done.stdout), done.stdout
    assert re.search(r"[01] of 1 budgets met", done.stdout)


def test_an_unknown_name_is_refused_with_those_there_are():
    done = run("brust")
    assert done.returncode == 2
    assert "no benchmark brust; there are: burst, large" in done.stderr
