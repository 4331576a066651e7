"""The tour: copies its notebooks and opens them in JupyterLab, or runs them and prints the results.

The notebooks replay recordings, so they send no request to a model.
"""

from __future__ import annotations

import os
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.parse import quote

from .text import visible

__all__ = ["check_tour", "copy_tour", "open_tour", "tour_folder"]

_NOTEBOOK = "01-first-cell.ipynb"
_START_TIMEOUT = 60.0  # seconds; JupyterLab can start slowly on a small machine
_PORT_ATTEMPTS = 3


def tour_folder() -> Path:
    """The folder of the tour's notebooks, in an installed package or in a checkout."""
    packaged = Path(__file__).parent / "data" / "notebooks"
    return packaged if packaged.is_dir() else Path(__file__).parent.parent / "notebooks"


def copy_tour(folder: Path) -> Path:
    """Copy the tour's notebooks to a folder, without overwriting files; returns the path of the first notebook."""
    folder.mkdir(parents=True, exist_ok=True)
    for source in sorted(tour_folder().glob("*.ipynb")):
        if not (folder / source.name).exists():
            shutil.copyfile(source, folder / source.name)
    return folder / _NOTEBOOK


def _lab_command(notebook: Path, *arguments: str) -> list[str]:
    root = ["--allow-root"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []
    # The address that JupyterLab prints leads to its default URL; a file on the command line is only opened in the browser.
    opened = f"--LabApp.default_url=/lab/tree/{quote(notebook.name)}"
    return [sys.executable, "-m", "jupyterlab", str(notebook), opened, *root, *arguments]


def _lab_is_missing() -> bool:
    """Whether JupyterLab is not installed; prints how to install it."""
    if find_spec("jupyterlab") is not None:
        return False
    print("JupyterLab is not installed in this environment.", file=sys.stderr)
    print('Install it with: pip install "gemini-magic[lab]"', file=sys.stderr)
    return True


def open_tour(folder: Path, *, browser: bool) -> int:
    """Copy the tour to a folder and open it in JupyterLab; on POSIX, JupyterLab replaces this process."""
    if _lab_is_missing():
        return 1
    notebook = copy_tour(folder)
    print(
        f"Opening {notebook} in JupyterLab. Its answers are recordings, so it needs no API key and no network."
    )
    if not browser:
        print(f"Open the address printed below; it leads to {notebook.name}.")
    print("To stop JupyterLab, press Ctrl+C.", flush=True)
    command = _lab_command(notebook, *([] if browser else ["--no-browser"]))
    if os.name == "posix":
        os.execv(command[0], command)  # noqa: S606 - so that a signal to this process reaches JupyterLab
    return subprocess.run(command, check=False).returncode  # noqa: S603 - our own interpreter


def check_tour() -> int:
    """Run the tour without a browser: kernels run its notebooks, and JupyterLab serves the first one.

    Returns:
        The exit code: 0 if all of it worked, otherwise 1.
    """
    if _lab_is_missing():
        return 1
    with tempfile.TemporaryDirectory() as folder:
        first = copy_tour(Path(folder))
        paths = sorted(Path(folder).glob("*.ipynb"))
        with ThreadPoolExecutor(len(paths)) as kernels:
            ran = list(kernels.map(_run, paths))
        served = _serves(first)
    all_passed = served
    for path, (notebook, seconds) in zip(paths, ran, strict=True):
        passed = _report(notebook)
        all_passed = all_passed and passed
        mark = "ok" if passed else "FAILED"
        print(f"{mark}: {path.name} ran offline in {seconds:.1f} s, without an API key or network.")
    print(f"{'ok' if served else 'FAILED'}: JupyterLab {version('jupyterlab')} serves the notebooks.")
    return 0 if all_passed else 1


def _run(path: Path) -> tuple[Any, float]:
    """Execute a notebook in a new kernel; returns it with its outputs, and the seconds it took."""
    import nbformat  # noqa: PLC0415 - comes with JupyterLab
    from nbclient import NotebookClient  # noqa: PLC0415 - comes with JupyterLab

    notebook: Any = nbformat.reads(path.read_text("utf-8"), as_version=4)  # type: ignore[no-untyped-call]
    start = time.perf_counter()
    resources = {"metadata": {"path": str(path.parent)}}
    NotebookClient(notebook, resources=resources, allow_errors=True).execute()
    return notebook, time.perf_counter() - start


def _report(notebook: Any) -> bool:
    """Print a line for each ``%%gemini`` cell; returns whether all cells had the expected result."""
    passed = True
    for cell in notebook.cells:
        if cell.cell_type != "code":
            continue
        expected = "raises-exception" in cell.metadata.get("tags", [])
        failed = [output for output in cell.outputs if output.output_type == "error"]
        passed = passed and (bool(failed) == expected)
        if not cell.source.startswith("%%gemini") or "--dry-run" in cell.source.splitlines()[0]:
            for output in () if expected else failed:
                print(visible(f"  cell failed: {output.ename}: {output.evalue}"))
            continue
        result = _result(cell.outputs)
        passed = passed and (bool(result) or expected)  # a cell that is refused has no answer
        print(
            visible(
                f"  {cell.source.splitlines()[0][:60]:60}  {result or ('refused, as expected' if expected else 'no output')}"
            )
        )
    return passed


def _result(outputs: list[Any]) -> str:
    """A short description of the answers in the outputs of a cell; empty if there is none."""
    for data in (output.get("data", {}) for output in outputs):
        record = data.get("application/vnd.gemini-stream+json")
        if record is not None:
            return f"{record['status']}, {len(record['text']):,} characters"
        if "text/markdown" in data:  # several answers, which begin with their status line; rows end with it
            lines = str(data["text/plain"]).strip().splitlines() or [""]
            return lines[-1].strip("[]") if " rows " in lines[-1] else lines[0]
    return ""


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _serves(notebook: Path) -> bool:
    """Start a JupyterLab server; returns whether it serves its page.

    Another process can take the free port before JupyterLab listens on it. Then JupyterLab exits, and another port is tried.
    """
    results = (_serves_on(_free_port(), notebook) for _ in range(_PORT_ATTEMPTS))
    return bool(next((served for served in results if served is not None), False))


def _serves_on(port: int, notebook: Path) -> bool | None:
    """Start a JupyterLab server on a port; returns whether it serves its page, or None if it exits before it does."""
    token = secrets.token_hex(16)
    command = _lab_command(
        notebook,
        "--no-browser",
        f"--ServerApp.port={port}",
        "--ServerApp.port_retries=0",  # the page is requested from this port only
        f"--IdentityProvider.token={token}",
        "--ip=127.0.0.1",
    )
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)  # noqa: S603 - our own interpreter
    try:
        deadline = time.monotonic() + _START_TIMEOUT
        while time.monotonic() < deadline:
            if server.poll() is not None:
                return None
            try:
                url = f"http://127.0.0.1:{port}/lab?token={token}"
                with urllib.request.urlopen(url, timeout=5) as page:
                    return b"jupyter-config-data" in page.read()
            except (urllib.error.URLError, OSError):
                time.sleep(0.3)
        return False
    finally:
        server.terminate()
        try:
            server.wait(10)
        except subprocess.TimeoutExpired:
            server.kill()
