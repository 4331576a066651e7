"""The files that name MCP servers: the user's own, those that the user has added, and those of the project in the working folder.

The servers of the user's own file may be used at once. The other files count only while they have the servers that the user
trusts.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple

from ..errors import OptionError
from ..project_files import WatchedFiles, candidate_files, config_folder, is_trusted, trust
from ..text import one_line
from .entries import ServerEntry, read_entries, server_table
from .pins import added_paths, remember_paths

__all__ = [
    "MCP_FILES",
    "ListedServer",
    "describe_file",
    "file_code",
    "known_servers",
    "own_file",
    "trust_file",
]

MCP_FILES = (".mcp.json", ".vscode/mcp.json")
"""The files of a project that can have MCP servers."""

_CODE = 8  # digits


class ListedServer(NamedTuple):
    """A server of a file.

    Attributes:
        entry: the entry.
        origin: ``yours``, ``added`` or ``project``.
        blocked: why it cannot be used, as a phrase; empty if it can.
    """

    entry: ServerEntry
    origin: str
    blocked: str = ""


def own_file() -> Path:
    """The user's own file of MCP servers, which may not exist."""
    return config_folder() / "gemini_magic_mcp.json"


def _files(start: str) -> Iterator[tuple[str, str]]:
    """The files that may have servers, with their origins."""
    if own_file().is_file():
        yield str(own_file()), "yours"
    for path in added_paths():
        yield path, "added"
    for name in MCP_FILES:
        for path in candidate_files(start, name, WatchedFiles()):
            yield path, "project"


def known_servers(start: Path | None = None) -> list[ListedServer]:
    """The servers of all files. A name belongs to the first file that has it: yours, then those added, then the project's.

    Args:
        start: the folder in which the search for a project's files begins; the working folder by default.

    Raises:
        OptionError: the user's own file cannot be read. A file of others is listed with the reason.
    """
    found: list[ListedServer] = []
    files: dict[str, str] = {}
    for path, origin in _files(str(start or Path.cwd())):
        files.setdefault(path, origin)
    names: dict[str, str] = {}
    for path, origin in files.items():
        try:
            table = server_table(Path(path))
        except OptionError as error:
            if origin == "yours":
                raise
            found.append(ListedServer(ServerEntry("", path, problem=error.message), origin, error.message))
            continue
        trusted = origin == "yours" or is_trusted(path, table, WatchedFiles())
        for entry in read_entries(Path(path), table):
            blocked = entry.problem or ("" if trusted else "the file is not trusted")
            blocked = blocked or ("its file disables it" if entry.disabled else "")
            if entry.name in names:
                blocked = f"another server has this name, in {names[entry.name]}"
            elif trusted:
                names[entry.name] = path
            found.append(ListedServer(entry, origin, blocked))
    return found


def describe_file(path: Path) -> list[str]:
    """What the servers of a file would run or call, in lines for a person who decides about the file.

    Raises:
        OptionError: the file cannot be read, or has no servers.
    """
    lines: list[str] = []
    for entry in read_entries(path, _table(path)):
        head, *others = entry.describe()
        lines += [f"  {one_line(entry.name)}  {head}", *(f"      {each}" for each in others)]
    return lines


def _table(path: Path) -> dict[str, Any]:
    table = server_table(path)
    if not table:
        raise OptionError(
            f"{path} has no MCP servers.", remedy="They are in an object mcpServers or servers."
        )
    return table


def file_code(path: Path) -> str:
    """A few digits that stand for the servers of a file exactly as they are now.

    Raises:
        OptionError: the file cannot be read, or has no servers.
    """
    return sha256(json.dumps([str(path), _table(path)]).encode()).hexdigest()[:_CODE]


def trust_file(path: Path, code: str, *, add: bool = False) -> None:
    """Trust the servers of a file as long as it has these.

    Args:
        path: the file.
        code: what :func:`file_code` returned when the user saw the servers.
        add: whether the servers are used in every folder.

    Raises:
        OptionError: the file has changed since, or cannot be remembered.
    """
    if code != file_code(path):
        raise OptionError(
            f"{path} has changed since it was shown, so nothing was trusted.",
            remedy="Look at its servers again.",
        )
    trust(str(path), _table(path))
    if add:
        remember_paths([*added_paths(), str(path)])
