"""Notebooks that run without a user: a `--background` cell waits for its answer, so that the file has it."""

from __future__ import annotations

import json
import subprocess
import sys

import nbformat
import pytest
from kernel import run_notebook

pytestmark = pytest.mark.kernel

BACKGROUND = "%%gemini --backend echo --background -o {name}\n@wait 0.3\none two three"
CELLS = ["%load_ext gemini_magic", BACKGROUND.format(name="a"), BACKGROUND.format(name="b")]


def assert_finished(notebook):
    for cell in notebook["cells"][1:]:
        shown = [output for output in cell["outputs"] if "text/markdown" in output.get("data", {})]
        texts = json.dumps(cell["outputs"])
        assert len(shown) == 1
        assert "answer complete, 3 words" in "".join(shown[0]["data"]["text/plain"])
        assert "continues in the background" not in texts
        assert "this cell waited for its answer" in texts


def test_nbclient():
    assert_finished(run_notebook(CELLS))


def test_jupyter_execute(tmp_path):
    path = tmp_path / "unattended.ipynb"
    nbformat.write(nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in CELLS]), path)
    command = [sys.executable, "-m", "jupyter", "execute", "--inplace", str(path)]
    subprocess.run(command, check=True, capture_output=True, timeout=120)
    assert_finished(json.loads(path.read_text()))


def test_an_error_of_a_background_answer_fails_the_run():
    done = run_notebook(
        ["%load_ext gemini_magic", "%%gemini --backend echo --background\n@block OTHER"], allow_errors=True
    )
    [error] = [output for output in done.cells[1].outputs if output.output_type == "error"]
    assert error.ename == "BlockedError"
