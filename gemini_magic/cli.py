"""The command line: ``gemini-magic demo | doctor | enable``.

It reads the line, looks at what is installed and edits one startup file; the tour is ``demo``'s. It asks no model
anything itself.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import NamedTuple

from .backends import backend
from .credentials import find_key
from .demo import check, show
from .errors import GeminiMagicError
from .options import Options

__all__ = ["main"]

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
            return check() if said.check else show(Path(said.folder), browser=not said.no_browser)
        return _doctor() if said.word == "doctor" else _enable(off=said.off)
    except GeminiMagicError as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


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
