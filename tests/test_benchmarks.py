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
    met = int(" met\n" in done.stdout)
    assert re.search(r"load_ext +[\d.]+ ms +at most 5 ms +(met|MISSED)\n", done.stdout), done.stdout
    last = done.stdout.splitlines()[-1]
    assert last == f"{met} of 1 budgets met, {1 - met} missed"


def test_an_unknown_name_is_refused_with_those_there_are():
    done = run("brust")
    assert done.returncode == 2
    assert "no benchmark brust; there are: burst, large" in done.stderr


def test_what_to_do_without_google_genai_is_said_exactly(monkeypatch, capsys):
    monkeypatch.syspath_prepend(CHECKOUT / "benchmarks")
    monkeypatch.setenv("GEMINI_MAGIC_GENAI_PYTHON", "/no/such/python")
    import stage  # noqa: PLC0415 - a script's folder, on the path for this test only

    assert stage.genai.__wrapped__() is None
    told = capsys.readouterr().out
    assert f"{sys.executable} -m pip install google-genai ipykernel" in told
    assert "set GEMINI_MAGIC_GENAI_PYTHON to the path of a Python that has both" in told
    assert "/no/such/python" in told
