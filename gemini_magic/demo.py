"""The tour: copies its notebooks for the user and opens them in JupyterLab, or runs them and says what was seen.

It knows JupyterLab's command and nbclient. It asks no model anything: the notebooks replay recordings.
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

__all__ = ["check", "copied", "notebooks", "show"]

_NOTEBOOK = "01-first-cell.ipynb"
_START_SECONDS = 60.0  # a cold JupyterLab on a small machine


def notebooks() -> Path:
    """The folder of the tour, in an installed package or in a checkout."""
    packaged = Path(__file__).parent / "data" / "notebooks"
    return packaged if packaged.is_dir() else Path(__file__).parent.parent / "notebooks"


def copied(folder: Path) -> Path:
    """The tour's notebooks in the user's folder; what is there already is the user's and stays."""
    folder.mkdir(parents=True, exist_ok=True)
    for source in sorted(notebooks().glob("*.ipynb")):
        if not (folder / source.name).exists():
            shutil.copyfile(source, folder / source.name)
    return folder / _NOTEBOOK


def _lab(notebook: Path, *more: str) -> list[str]:
    root = ["--allow-root"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []
    return [sys.executable, "-m", "jupyterlab", str(notebook), *root, *more]


def _missing_lab() -> bool:
    if find_spec("jupyterlab") is not None:
        return False
    print("JupyterLab is not installed here.", file=sys.stderr)
    print('Install it with: pip install "gemini-magic[lab]"', file=sys.stderr)
    return True


def show(folder: Path, *, browser: bool) -> int:
    """Open the tour in JupyterLab, copied to ``folder``; on POSIX this process becomes JupyterLab."""
    if _missing_lab():
        return 1
    notebook = copied(folder)
    print(f"Opening {notebook} in JupyterLab. Its answers are recordings: no key and no network are needed.")
    if not browser:
        print(f"Open the address printed below, then {notebook.name} in its list of files.")
    print("Stop JupyterLab with Ctrl+C.", flush=True)
    command = _lab(notebook, *([] if browser else ["--no-browser"]))
    if os.name == "posix":
        os.execv(command[0], command)  # noqa: S606 - becomes JupyterLab, so that a signal to us reaches it
    return subprocess.run(command, check=False).returncode  # noqa: S603 - our own interpreter


def check() -> int:
    """The tour without a browser: real kernels run its notebooks, a real JupyterLab serves the first."""
    if _missing_lab():
        return 1
    with tempfile.TemporaryDirectory() as folder:
        first = copied(Path(folder))
        paths = sorted(Path(folder).glob("*.ipynb"))
        with ThreadPoolExecutor(len(paths)) as kernels:
            ran = list(kernels.map(_run, paths))
        served = _serve(first)
    good = served
    for path, (notebook, seconds) in zip(paths, ran, strict=True):
        well = _report(notebook)
        good = good and well
        mark = "ok" if well else "FAILED"
        print(f"{mark}: {path.name} ran from recordings in {seconds:.1f} s, no key, no network.")
    print(f"{'ok' if served else 'FAILED'}: JupyterLab {version('jupyterlab')} serves them.")
    return 0 if good else 1


def _run(path: Path) -> tuple[Any, float]:
    """A notebook, executed in a kernel of its own, and the seconds it took."""
    import nbformat  # noqa: PLC0415 - comes with JupyterLab
    from nbclient import NotebookClient  # noqa: PLC0415 - comes with JupyterLab

    notebook: Any = nbformat.reads(path.read_text("utf-8"), as_version=4)  # type: ignore[no-untyped-call]
    began = time.perf_counter()
    resources = {"metadata": {"path": str(path.parent)}}
    NotebookClient(notebook, resources=resources, allow_errors=True).execute()
    return notebook, time.perf_counter() - began


def _report(notebook: Any) -> bool:
    """Print a line for each cell that asked something; True when every cell did what it should."""
    good = True
    for cell in notebook.cells:
        if cell.cell_type != "code":
            continue
        expected = "raises-exception" in cell.metadata.get("tags", [])
        failed = [output for output in cell.outputs if output.output_type == "error"]
        good = good and (bool(failed) == expected)
        if not cell.source.startswith("%%gemini"):
            for output in () if expected else failed:
                print(f"  cell failed: {output.ename}: {output.evalue}")
            continue
        record: dict[str, Any] = {}
        for output in cell.outputs:
            record = output.get("data", {}).get("application/vnd.gemini-stream+json", record)
        first = cell.source.splitlines()[0]
        seen = f"{record.get('status', 'nothing shown')}, {len(record.get('text', '')):,} characters"
        good = good and bool(record)
        print(f"  {first[:60]:60}  {seen}")
    return good


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _serve(notebook: Path) -> bool:
    """Whether a JupyterLab server comes up and serves its page for the notebook."""
    port, token = _free_port(), secrets.token_hex(16)
    command = _lab(
        notebook,
        "--no-browser",
        f"--ServerApp.port={port}",
        f"--IdentityProvider.token={token}",
        "--ip=127.0.0.1",
    )
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)  # noqa: S603 - our own interpreter
    try:
        deadline = time.monotonic() + _START_SECONDS
        while time.monotonic() < deadline and server.poll() is None:
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
