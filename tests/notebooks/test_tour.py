"""The notebooks of the tour run with their recordings, without a key, and their saved answers are static."""

from __future__ import annotations

import base64
import re
import struct
import subprocess
import sys
import zlib
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

NOTEBOOKS = Path(__file__).resolve().parents[2] / "notebooks"
DATA = NOTEBOOKS.parent / "gemini_magic" / "data"
RECORD = "application/vnd.gemini-stream+json"


@pytest.mark.kernel
@pytest.mark.parametrize("path", sorted(NOTEBOOKS.glob("*.ipynb")), ids=lambda path: path.stem)
def test_a_notebook_runs_with_its_recordings(path, tmp_path, monkeypatch):
    """The recordings are played ten times as fast."""
    profile = tmp_path / "ipython" / "profile_default"
    profile.mkdir(parents=True)
    (profile / "ipython_kernel_config.py").write_text("c.GeminiMagics.speed = 10\n")
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    notebook = nbformat.read(path, as_version=4)
    NotebookClient(notebook, resources={"metadata": {"path": str(tmp_path)}}, timeout=100).execute()
    magics = [cell for cell in notebook.cells if cell.source.startswith("%%gemini")]
    gemini_cells = [
        cell
        for cell in magics
        if "--dry-run" not in cell.source and "raises-exception" not in cell.metadata.get("tags", [])
    ]
    assert gemini_cells
    for cell in gemini_cells:
        bundles = [output.data for output in cell.outputs if "data" in output]
        assert len(bundles) == 1, cell.source
        several = re.search(
            "--(?:compare|sweep|repeat|rows)", cell.source
        )  # each answer has a record, but not their output
        assert set(bundles[0]) == {"text/html", "text/markdown", "text/plain"} | (
            {RECORD} if not several else set()
        )
    assert "widgets" not in notebook.metadata


def test_notebooks_are_committed_without_outputs():
    for path in NOTEBOOKS.glob("*.ipynb"):
        for cell in nbformat.read(path, as_version=4).cells:
            assert not cell.get("outputs"), f"{path.name} has outputs"


def test_the_notebooks_are_the_output_of_the_script(tmp_path):
    made = _written_by("make_tour.py", tmp_path)
    assert made == {path.name: path.read_bytes() for path in NOTEBOOKS.glob("*.ipynb")}, (
        "run notebooks/make_tour.py"
    )


def test_the_recordings_are_the_output_of_the_script(tmp_path):
    made = _written_by("make_recordings.py", tmp_path)
    committed = {path.name: path.read_bytes() for path in DATA.iterdir() if path.suffix != ".md"}
    assert {name: _without_compression(data) for name, data in made.items()} == {
        name: _without_compression(data) for name, data in committed.items()
    }, "run notebooks/make_recordings.py"


def _written_by(script, folder):
    subprocess.run([sys.executable, NOTEBOOKS / script, folder], check=True, capture_output=True, timeout=60)
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def _without_compression(recording):
    """The bytes of a recording, with the content of its PNG files as it is before compression, which differs between versions of zlib."""
    return re.sub(
        rb"(?<=\")iVBORw0KGgo[A-Za-z0-9+/=]+",
        lambda match: _png_content(base64.b64decode(match[0])),
        recording,
    )


def _png_content(png):
    size = 33  # the signature and the chunk IHDR
    (length,) = struct.unpack(">I", png[size : size + 4])
    return png[:size] + zlib.decompress(png[size + 8 : size + 8 + length]) + png[size + 12 + length :]


def test_a_recording_of_a_picture_is_compared_by_its_pixels():
    level_9 = (DATA / "parts.jsonl").read_bytes()
    level_1 = re.sub(rb"iVBORw0KGgo[A-Za-z0-9+/=]+", lambda match: _compressed_again(match[0], 1), level_9)
    assert level_1 != level_9
    assert _without_compression(level_1) == _without_compression(level_9) != level_9


def _compressed_again(text, level):
    png = base64.b64decode(text)
    (length,) = struct.unpack(">I", png[33:37])
    data = zlib.compress(zlib.decompress(png[41 : 41 + length]), level)
    chunk = b"IDAT" + data
    made = (
        png[:33]
        + struct.pack(">I", len(data))
        + chunk
        + struct.pack(">I", zlib.crc32(chunk))
        + png[45 + length :]
    )
    return base64.b64encode(made)
