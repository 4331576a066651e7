"""`benchmarks/run.py` runs and prints figures beside their budgets; the values of the figures are not tested."""

import re
import subprocess
import sys

from surroundings import CHECKOUT


def run(*arguments):
    command = [sys.executable, str(CHECKOUT / "benchmarks" / "run.py"), *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=100, check=False)


def test_a_benchmark_prints_its_figure_its_budget_and_whether_the_budget_is_met():
    done = run("--quick", "load")
    assert done.returncode == 0, done.stderr
    met = int(" met\n" in done.stdout)
    assert re.search(r"load_ext +[\d.]+ ms +at most 5 ms +(met|MISSED)\n", done.stdout), done.stdout
    last = done.stdout.splitlines()[-1]
    assert last == f"{met} of 1 budgets met, {1 - met} missed"


def test_an_unknown_benchmark_is_an_error_that_lists_all_benchmarks():
    done = run("brust")
    assert done.returncode == 2
    assert "unknown benchmark: brust (choose from burst, large" in done.stderr


def test_without_google_genai_the_output_explains_how_to_install_it(monkeypatch, capsys):
    monkeypatch.syspath_prepend(CHECKOUT / "benchmarks")
    monkeypatch.setenv("GEMINI_MAGIC_GENAI_PYTHON", "/no/such/python")
    import harness  # noqa: PLC0415 - in the folder of the benchmarks, which is on the path for this test only

    assert harness.genai_python.__wrapped__() is None
    output = capsys.readouterr().out
    assert f"{sys.executable} -m pip install google-genai ipykernel" in output
    assert "set GEMINI_MAGIC_GENAI_PYTHON to the path of a Python that has both" in output
    assert "/no/such/python" in output
