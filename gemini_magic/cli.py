"""The command line: ``gemini-magic demo | doctor | enable``.

``demo`` opens or checks the tour, ``doctor`` checks the installation, ``enable`` writes or removes an IPython startup
file. No command sends a request to a model.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import sys
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import NamedTuple

from .backends import backend
from .credentials import find_key
from .demo import check_tour, open_tour
from .errors import GeminiMagicError
from .options import Options
from .printable import visible

__all__ = ["main"]

_STARTUP = "50-gemini-magic.py"
_STARTUP_TEXT = '''\
"""Loads gemini_magic in every session. Created by `gemini-magic enable`, removed by `gemini-magic enable --off`."""

try:
    get_ipython().run_line_magic("load_ext", "gemini_magic")
except ImportError:
    pass  # gemini_magic is not installed in this environment
'''


class Finding(NamedTuple):
    """One result of ``doctor``.

    Attributes:
        ok: whether the check passed.
        text: what was found.
        remedy: how to fix it if the check failed.
        required: whether gemini_magic does not work without it.
    """

    ok: bool
    text: str
    remedy: str = ""
    required: bool = True


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return the exit code."""
    parser = argparse.ArgumentParser(
        prog="gemini-magic", description="Shows Gemini answers in Jupyter while they arrive."
    )
    parser.add_argument("--version", action="version", version=version("gemini-magic"))
    commands = parser.add_subparsers(dest="command", required=True, metavar="demo | doctor | enable")
    demo = commands.add_parser(
        "demo", help="open the tour in JupyterLab; it replays recordings and needs no key"
    )
    demo.add_argument(
        "folder",
        nargs="?",
        default="gemini-magic-demo",
        help="folder for the copies of the notebooks (%(default)s)",
    )
    demo.add_argument(
        "--check", action="store_true", help="run the tour without a browser and print the results"
    )
    demo.add_argument(
        "--no-browser", action="store_true", help="print the address instead of opening a browser"
    )
    commands.add_parser("doctor", help="check the installation and print a remedy for each problem")
    enable = commands.add_parser(
        "enable", help="load the extension automatically in every new IPython session"
    )
    enable.add_argument("--off", action="store_true", help="stop loading it automatically")
    parsed = parser.parse_args(arguments)
    if isinstance(sys.stdout, io.TextIOWrapper):  # paths may have characters that a console cannot encode
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        if parsed.command == "demo":
            return (
                check_tour()
                if parsed.check
                else open_tour(Path(parsed.folder), browser=not parsed.no_browser)
            )
        return _doctor() if parsed.command == "doctor" else _enable(off=parsed.off)
    except GeminiMagicError as error:
        print(visible(str(error)), file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


# -- doctor --------------------------------------------------------------------------------------------------


def _package(name: str, minimum: str, *, remedy: str, required: bool = True) -> Finding:
    """Check that a package is installed in the minimum version or a newer one."""
    try:
        found = version(name)
    except PackageNotFoundError:
        return Finding(ok=False, text=f"{name} is not installed", remedy=remedy, required=required)
    enough = tuple(int(part) for part in found.split(".")[:2] if part.isdigit()) >= tuple(
        int(part) for part in minimum.split(".")
    )
    if not enough:
        return Finding(
            ok=False, text=f"{name} {found} is older than {minimum}", remedy=remedy, required=required
        )
    return Finding(ok=True, text=f"{name} {found}")


def _extension(name: str, title: str, remedy: str) -> Finding:
    """Check that a JupyterLab extension is in a folder that this environment's JupyterLab reads."""
    relative = Path("share/jupyter/labextensions") / name / "package.json"
    for prefix in (Path(sys.prefix), Path.home() / ".local", Path("/usr/local"), Path("/usr")):
        if (prefix / relative).is_file():
            found = json.loads((prefix / relative).read_text("utf-8")).get("version", "?")
            return Finding(ok=True, text=f"{title} {found}")
    return Finding(ok=False, text=f"{title} was not found in this environment", remedy=remedy, required=False)


def _key() -> Finding:
    try:
        key = find_key(backend("gemini"), Options())
    except GeminiMagicError as error:
        return Finding(
            ok=False,
            text="no API key: only recordings can be shown",
            remedy=error.remedy or error.message,
            required=False,
        )
    return Finding(ok=True, text=f"API key from {key.source}" if key else "no API key needed")


def _doctor() -> int:
    findings = [
        Finding(ok=True, text=f"gemini-magic {version('gemini-magic')} on Python {sys.version.split()[0]}"),
        _package("ipython", "8.24", remedy="pip install -U ipython"),
        _package("ipywidgets", "8.1", remedy="pip install -U ipywidgets"),
        _package("ipykernel", "6.30", remedy='pip install "gemini-magic[lab]"'),
        _package(
            "ipykernel",
            "7.0",
            remedy="pip install -U ipykernel (the answer's Stop button requires 7.0; the toolbar's works with any version)",
            required=False,
        ),
        _package("jupyterlab", "4.4", remedy='pip install "gemini-magic[lab]"', required=False),
        _extension(
            "@jupyter-widgets/jupyterlab-manager",
            "ipywidgets' JupyterLab extension",
            "If JupyterLab runs in this environment: pip install -U jupyterlab_widgets, then restart it.",
        ),
        _extension(
            "gemini-magic",
            "gemini-magic's JupyterLab extension",
            "If JupyterLab runs in this environment: pip install --force-reinstall --no-deps gemini-magic, then restart it.",
        ),
        _key(),
    ]
    for finding in dict.fromkeys(findings):
        mark = "ok  " if finding.ok else ("FAIL" if finding.required else "note")
        print(visible(f"{mark}  {finding.text}"))
        if finding.remedy and not finding.ok:
            print(visible(f"      {finding.remedy}"))
    return 0 if all(finding.ok for finding in findings if finding.required) else 1


# -- enable --------------------------------------------------------------------------------------------------


def _enable(*, off: bool) -> int:
    home = Path(os.environ.get("IPYTHONDIR") or Path.home() / ".ipython")
    target = home / "profile_default" / "startup" / _STARTUP
    if off:
        target.unlink(missing_ok=True)
        print("gemini_magic is no longer loaded automatically.")
        return 0
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(_STARTUP_TEXT, encoding="utf-8")
    print(visible(f"New IPython sessions load gemini_magic automatically, by {target}."))
    print("To undo this, run `gemini-magic enable --off`.")
    return 0
