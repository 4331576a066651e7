"""The command line: ``gemini-magic demo | doctor | enable | trust``.

``demo`` opens or checks the tour, ``doctor`` checks the installation, ``enable`` writes or removes an IPython startup
file, ``trust`` remembers that the user trusts the settings or the MCP servers of a project. No command sends a request to a model.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import shlex
import sys
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, NamedTuple

from .backends import backend, needs_interactions, other_protocol
from .config import ignored_settings, project_table, resolve, settings
from .credentials import find_key
from .demo import check_tour, open_tour
from .errors import GeminiMagicError, OptionError
from .mcp_servers import MCP_FILES, describe_file, file_code, server_table, trust_file
from .options import Options
from .project_files import (
    PROJECT_FILE,
    TrustedFile,
    WatchedFiles,
    is_trusted,
    trust,
    trusted_files,
    untrust,
)
from .text import visible

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
    commands = parser.add_subparsers(dest="command", required=True, metavar="demo | doctor | enable | trust")
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
    trusting = commands.add_parser(
        "trust",
        help="let a project's pyproject.toml set where prompts, keys and files go, or its .mcp.json start programs; "
        "without PATH, list",
    )
    trusting.add_argument(
        "path", nargs="?", metavar="PATH", help="a pyproject.toml, an .mcp.json, or their folder"
    )
    trusting.add_argument("--remove", action="store_true", help="stop trusting it")
    trusting.add_argument("--yes", action="store_true", help="trust MCP servers without a question")
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
        if parsed.command == "trust":
            return _trust(parsed.path, remove=parsed.remove, yes=parsed.yes)
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


def _model() -> Finding:
    """The configured model and the protocol that it is asked with."""
    try:
        options, sources = resolve()
        backend(options.backend)
    except GeminiMagicError as error:
        return Finding(ok=False, text=error.message, remedy=error.remedy)
    text = f"model {options.model} with the backend {options.backend} ({sources.get('backend', 'default')})"
    if needs_interactions(options.model) and (remedy := other_protocol(options.backend, options.model)):
        return Finding(ok=False, text=text, remedy=remedy, required=False)
    return Finding(ok=True, text=text)


def _ignored() -> list[Finding]:
    """The files of the project in the working folder whose settings are ignored."""
    try:
        found = ignored_settings()
    except GeminiMagicError as error:
        return [Finding(ok=False, text=error.message, remedy=error.remedy)]
    return [
        Finding(
            ok=False,
            text=f"ignored in {path}: "
            + ", ".join(each.name or "all settings" for each in found if each.path == path),
            remedy=f"If you trust these settings: gemini-magic trust {shlex.quote(path)}",
            required=False,
        )
        for path in dict.fromkeys(each.path for each in found)
    ]


def _doctor() -> int:
    findings = [
        Finding(ok=True, text=f"gemini-magic {version('gemini-magic')} on Python {sys.version.split()[0]}"),
        _package("ipython", "8.24", remedy="pip install -U ipython"),
        _package("ipywidgets", "8.1", remedy="pip install -U ipywidgets"),
        _package("ipykernel", "6.30", remedy='pip install "gemini-magic[lab]"'),
        _package(
            "ipykernel",
            "7.4",
            remedy="pip install -U ipykernel (the answer's Stop button requires 7.0, and 7.0 to 7.3 can lose a click or a cell, so that the "
            "kernel gives no answer any more; the toolbar's works with any version)",
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
        _model(),
        *_ignored(),
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


# -- trust ---------------------------------------------------------------------------------------------------


def _trust(name: str | None, *, remove: bool, yes: bool) -> int:
    """Trust the settings or the MCP servers of a file, stop trusting it, or list the files.

    Args:
        name: a file, or a folder for the files in it; None to list.
        remove: stop trusting.
        yes: do not ask before MCP servers are trusted.

    Raises:
        OptionError: the file is not one with settings or servers, or was not trusted.
    """
    if name is None:
        if remove:
            raise OptionError("--remove requires a path.", remedy="`gemini-magic trust` lists the paths.")
        return _list_trusted()
    path = Path(name).expanduser().absolute()
    if remove:
        return _untrust(path)
    if path.is_file() and path.suffix == ".json":
        return _trust_servers(path, yes=yes)
    servers = [path / each for each in MCP_FILES if (path / each).is_file()]
    settings_file = path / PROJECT_FILE if path.is_dir() else path
    if settings_file.name != PROJECT_FILE or not (settings_file.is_file() or servers):
        raise OptionError(
            f"{settings_file} is not an existing {PROJECT_FILE}.", remedy="Name the file or its folder."
        )
    table = project_table(settings_file)
    if not table and not servers:
        raise OptionError(
            f"{settings_file} has no settings for gemini_magic.",
            remedy="They are in a table [tool.gemini_magic].",
        )
    if table:
        _trust_settings(settings_file, table)
    return max((_trust_servers(each, yes=yes) for each in servers), default=0)


def _untrust(path: Path) -> int:
    """Stop trusting a file, or the files of a folder.

    Raises:
        OptionError: none was trusted.
    """
    inside = [path / each for each in (PROJECT_FILE, *MCP_FILES)]
    removed = [each for each in (path, *inside) if untrust(str(each))]
    if not removed:
        named = path if path.name == PROJECT_FILE or path.suffix == ".json" else path / PROJECT_FILE
        raise OptionError(f"{named} was not trusted.", remedy="`gemini-magic trust` lists the paths.")
    for each in removed:
        print(visible(f"{each} is no longer trusted."))
    return 0


def _trust_settings(path: Path, table: dict[str, Any]) -> None:
    trust(str(path), table)
    print(visible(f"Trusted {path}, as long as it has these settings:"))
    for setting, value in table.items():
        declared = settings().get(setting)
        never = declared is not None and declared.project is None
        print(
            f"  {setting} = {value!r}{' (ignored: only your own configuration may set it)' if never else ''}"
        )
    _print_undo(path)


def _trust_servers(path: Path, *, yes: bool) -> int:
    """Show the MCP servers of a file, and trust them if the user agrees.

    Raises:
        OptionError: the file has no servers, or the user cannot be asked.
    """
    code, shown = file_code(path), describe_file(path)
    print(visible("\n".join([f"{path} has these MCP servers:", *shown])))
    if not yes:
        if not sys.stdin.isatty():
            raise OptionError(
                "Nothing was trusted, because there is no terminal to ask you.",
                remedy=f"To trust exactly these servers: gemini-magic trust --yes {shlex.quote(str(path))}",
            )
        if input("Trust them, as long as the file has exactly these? [y/N] ").strip().lower() not in (
            "y",
            "yes",
        ):
            print("Nothing was trusted.")
            return 1
    trust_file(path, code)
    print(visible(f"Trusted the MCP servers of {path}."))
    _print_undo(path)
    return 0


def _print_undo(path: Path) -> None:
    print(visible(f"To undo this, run `gemini-magic trust --remove {shlex.quote(str(path))}`."))


def _list_trusted() -> int:
    """Print the trusted files, and which of them have changed since."""
    entries = trusted_files()
    if not entries:
        print("No project is trusted. `gemini-magic trust PATH` trusts a pyproject.toml or an .mcp.json.")
    for entry in entries:
        print(visible(f"{entry.path}{_state(entry)}"))
    return 0


def _state(entry: TrustedFile) -> str:
    path = Path(entry.path)
    if not path.is_file():
        return " (missing)"
    try:
        table = server_table(path) if path.suffix == ".json" else project_table(path)
        current = is_trusted(entry.path, table, WatchedFiles())
    except GeminiMagicError:
        current = False
    return "" if current else " (changed since, so no longer trusted)"
