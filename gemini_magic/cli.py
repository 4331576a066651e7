"""The command line: ``gemini-magic demo | doctor | enable``.

It starts JupyterLab, looks at what is installed and edits one startup file; it asks no model anything itself.
"""

from __future__ import annotations

import argparse
import json
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
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

from .backends import backend
from .client import find_key
from .errors import GeminiMagicError
from .settings import Options

__all__ = ["main"]

_NOTEBOOK = "01-first-cell.ipynb"
_START_SECONDS = 60.0  # a cold JupyterLab on a small machine
_STARTUP = "50-gemini-magic.py"
_STARTUP_TEXT = '''\
"""Loads gemini_magic in every session; written by `gemini-magic enable`, removed by `gemini-magic enable --off`."""

try:
    get_ipython().run_line_magic("load_ext", "gemini_magic")
except ImportError:
    pass  # another environment, without gemini_magic
'''


class Finding(NamedTuple):
    """One line of ``doctor``."""

    good: bool
    what: str
    remedy: str = ""
    needed: bool = True


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="gemini-magic", description="Watch Gemini answers stream in Jupyter."
    )
    parser.add_argument("--version", action="version", version=version("gemini-magic"))
    words = parser.add_subparsers(dest="word", required=True, metavar="demo | doctor | enable")
    demo = words.add_parser(
        "demo", help="open the tour in JupyterLab; it runs from recordings, without a key"
    )
    demo.add_argument(
        "folder", nargs="?", default="gemini-magic-demo", help="where the notebooks are copied to"
    )
    demo.add_argument("--check", action="store_true", help="run it without a browser and print what was seen")
    demo.add_argument("--no-browser", action="store_true", help="only print the address")
    words.add_parser("doctor", help="say what is missing, and the remedy")
    enable = words.add_parser("enable", help="load the extension in every IPython session from now on")
    enable.add_argument("--off", action="store_true", help="take it back")
    said = parser.parse_args(arguments)
    try:
        if said.word == "demo":
            return _check() if said.check else _demo(Path(said.folder), browser=not said.no_browser)
        return _doctor() if said.word == "doctor" else _enable(off=said.off)
    except GeminiMagicError as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


# -- demo ----------------------------------------------------------------------------------------------------


def notebooks() -> Path:
    """The folder of the tour, in an installed package or in a checkout."""
    packaged = Path(__file__).parent / "data" / "notebooks"
    return packaged if packaged.is_dir() else Path(__file__).parent.parent / "notebooks"


def _copied(folder: Path) -> Path:
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


def _demo(folder: Path, *, browser: bool) -> int:
    if _missing_lab():
        return 1
    notebook = _copied(folder)
    print(f"Opening {notebook} in JupyterLab. Its answers are recordings: no key and no network are needed.")
    if not browser:
        print(f"Open the address printed below, then {notebook.name} in its list of files.")
    print("Stop JupyterLab with Ctrl+C.", flush=True)
    command = _lab(notebook, *([] if browser else ["--no-browser"]))
    if os.name == "posix":
        os.execv(command[0], command)  # noqa: S606 - becomes JupyterLab, so that a signal to us reaches it
    return subprocess.run(command, check=False).returncode  # noqa: S603 - our own interpreter


def _check() -> int:
    """The tour without a browser: a real kernel runs the notebook, a real JupyterLab serves it."""
    if _missing_lab():
        return 1
    import nbformat  # noqa: PLC0415 - comes with JupyterLab
    from nbclient import NotebookClient  # noqa: PLC0415 - comes with JupyterLab

    with tempfile.TemporaryDirectory() as folder:
        path = _copied(Path(folder))
        notebook: Any = nbformat.reads(path.read_text("utf-8"), as_version=4)  # type: ignore[no-untyped-call]
        began = time.perf_counter()
        client = NotebookClient(notebook, resources={"metadata": {"path": folder}}, allow_errors=True)
        client.execute()
        seconds = time.perf_counter() - began
        good = _report(notebook)
        served = _serve(path)
    print(
        f"{'ok' if good else 'FAILED'}: {_NOTEBOOK} ran from recordings in {seconds:.1f} s, no key, no network."
    )
    print(f"{'ok' if served else 'FAILED'}: JupyterLab {version('jupyterlab')} serves it.")
    return 0 if good and served else 1


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


# -- doctor --------------------------------------------------------------------------------------------------


def _package(name: str, needed: str, *, remedy: str, essential: bool = True) -> Finding:
    try:
        found = version(name)
    except PackageNotFoundError:
        return Finding(good=False, what=f"{name} is not installed", remedy=remedy, needed=essential)
    enough = tuple(int(part) for part in found.split(".")[:2] if part.isdigit()) >= tuple(
        int(part) for part in needed.split(".")
    )
    if not enough:
        return Finding(
            good=False, what=f"{name} {found} is older than {needed}", remedy=remedy, needed=essential
        )
    return Finding(good=True, what=f"{name} {found}")


def _extension(name: str, what: str, remedy: str) -> Finding:
    """Whether a JupyterLab extension lies where this environment's JupyterLab looks."""
    relative = Path("share/jupyter/labextensions") / name / "package.json"
    for prefix in (Path(sys.prefix), Path.home() / ".local", Path("/usr/local"), Path("/usr")):
        if (prefix / relative).is_file():
            found = json.loads((prefix / relative).read_text("utf-8")).get("version", "?")
            return Finding(good=True, what=f"{what} {found}")
    return Finding(good=False, what=f"{what} was not found in this environment", remedy=remedy, needed=False)


def _key() -> Finding:
    try:
        key = find_key(backend("gemini"), Options())
    except GeminiMagicError as error:
        return Finding(
            good=False,
            what="no key: live answers are not possible, recordings are",
            remedy=error.remedy or error.message,
            needed=False,
        )
    return Finding(good=True, what=f"key from {key.source}" if key else "no key needed")


def _doctor() -> int:
    findings = [
        Finding(good=True, what=f"gemini-magic {version('gemini-magic')} on Python {sys.version.split()[0]}"),
        _package("ipython", "8.24", remedy="pip install -U ipython"),
        _package("ipywidgets", "8.1", remedy="pip install -U ipywidgets"),
        _package("ipykernel", "6.30", remedy='pip install "gemini-magic[lab]"'),
        _package(
            "ipykernel",
            "7.0",
            remedy="pip install -U ipykernel: the Stop button in the answer needs 7.0; the toolbar's works anyway",
            essential=False,
        ),
        _package("jupyterlab", "4.4", remedy='pip install "gemini-magic[lab]"', essential=False),
        _extension(
            "@jupyter-widgets/jupyterlab-manager",
            "ipywidgets' JupyterLab extension",
            "If JupyterLab runs from here: pip install -U jupyterlab_widgets, then restart it.",
        ),
        _extension(
            "gemini-magic",
            "colours for %%gemini cells",
            "If JupyterLab runs from here: pip install --force-reinstall --no-deps gemini-magic, then restart it.",
        ),
        _key(),
    ]
    for finding in dict.fromkeys(findings):
        mark = "ok  " if finding.good else ("FAIL" if finding.needed else "note")
        print(f"{mark}  {finding.what}")
        if finding.remedy and not finding.good:
            print(f"      {finding.remedy}")
    return 0 if all(finding.good for finding in findings if finding.needed) else 1


# -- enable --------------------------------------------------------------------------------------------------


def _enable(*, off: bool) -> int:
    home = Path(os.environ.get("IPYTHONDIR") or Path.home() / ".ipython")
    target = home / "profile_default" / "startup" / _STARTUP
    if off:
        target.unlink(missing_ok=True)
        print("gemini_magic is no longer loaded by itself.")
        return 0
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(_STARTUP_TEXT, encoding="utf-8")
    print(f"From the next session on %%gemini is there without %load_ext ({target}).")
    print("`gemini-magic enable --off` takes it back.")
    return 0
