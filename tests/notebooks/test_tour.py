"""The notebooks of the tour run with their recordings, without a key, and their saved answers are static."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

NOTEBOOKS = Path(__file__).resolve().parents[2] / "notebooks"
RECORD = "application/vnd.gemini-stream+json"


@pytest.mark.kernel
@pytest.mark.parametrize("path", sorted(NOTEBOOKS.glob("*.ipynb")), ids=lambda path: path.stem)
def test_a_notebook_runs_with_its_recordings(path, tmp_path):
    notebook = nbformat.read(path, as_version=4)
    NotebookClient(notebook, resources={"metadata": {"path": str(tmp_path)}}, timeout=100).execute()
    magics = [cell for cell in notebook.cells if cell.source.startswith("%%gemini")]
    gemini_cells = [cell for cell in magics if "--dry-run" not in cell.source]
    assert gemini_cells
    for cell in gemini_cells:
        bundles = [output.data for output in cell.outputs if "data" in output]
        assert len(bundles) == 1, cell.source
        assert set(bundles[0]) == {RECORD, "text/html", "text/markdown", "text/plain"}
    assert "widgets" not in notebook.metadata


def test_notebooks_are_committed_without_outputs():
    for path in NOTEBOOKS.glob("*.ipynb"):
        for cell in nbformat.read(path, as_version=4).cells:
            assert not cell.get("outputs"), f"{path.name} has outputs"


@pytest.mark.parametrize("script", ["make_recordings.py", "make_tour.py"])
def test_the_committed_files_are_the_output_of_the_scripts(script, tmp_path):
    committed = {path: path.read_bytes() for path in (*NOTEBOOKS.glob("*.ipynb"), *_data())}
    try:
        subprocess.run([sys.executable, NOTEBOOKS / script], check=True, capture_output=True, timeout=60)
        for path, before in committed.items():
            assert path.read_bytes() == before, f"run notebooks/{script} and commit {path.name}"
    finally:
        for path, before in committed.items():
            path.write_bytes(before)


def _data():
    data = NOTEBOOKS.parent / "gemini_magic" / "data"
    return [*data.glob("*.jsonl"), *data.glob("*.httprr")]
