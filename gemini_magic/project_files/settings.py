"""Reads the settings of a project's ``pyproject.toml``, and separates those that count from those that are ignored."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple, Protocol

from ..errors import OptionError
from .search import WatchedFiles, candidate_files, is_own
from .trust_store import is_trusted

__all__ = [
    "PROJECT_FILE",
    "PROJECT_TABLE",
    "IgnoredSetting",
    "ProjectSettings",
    "describe_ignored",
    "project_settings",
    "read_table",
]

PROJECT_FILE = "pyproject.toml"
PROJECT_TABLE = ("tool", "gemini_magic")
_MAX_FOREIGN = 1_000_000  # bytes of a file of another user that is read


class _Declared(Protocol):
    """The declaration of a setting."""

    config: bool
    project: bool | str | None


@lru_cache(maxsize=8)
def _parsed(path: Path, *_state: int) -> Any:
    """The parsed content of a file, cached by its state: parsing takes longer than everything else before a call."""
    import tomllib  # noqa: PLC0415 - only where there is such a file

    return tomllib.loads(path.read_text("utf-8-sig"))


def read_table(path: Path, files: WatchedFiles, *keys: str) -> dict[str, Any]:
    """A table of a TOML file, with underscores in its names; empty without a file or without the table.

    Args:
        path: the file.
        files: receives what is looked at.
        keys: the names of the table; none for the whole file.

    Raises:
        OptionError: the file cannot be read, or this is not a table.
    """
    state = files.look(str(path))
    if state is None:
        return {}
    try:
        table: Any = _parsed(path, *state)
    except (OSError, ValueError) as problem:  # ValueError: not UTF-8, or not TOML
        raise OptionError(
            f"{path} cannot be read: {problem}.", remedy="Fix the file or move it away."
        ) from None
    for key in keys:
        table = table.get(key, {})
    if not isinstance(table, dict):
        raise OptionError(
            f"{path}: [{'.'.join(keys)}] is not a table.", remedy="Write settings as `name = value` lines."
        )
    return {name.replace("-", "_"): value for name, value in table.items()}


class IgnoredSetting(NamedTuple):
    """A setting of a project's file that is ignored.

    Attributes:
        path: the file.
        name: the setting; empty for all of the file.
        value: its value in the file.
        reason: why it is ignored, as part of a sentence.
    """

    path: str
    name: str
    value: Any
    reason: str


class ProjectSettings(NamedTuple):
    """The settings of a project.

    Attributes:
        path: the file; empty if there is none.
        table: the settings that count.
        ignored: the others.
    """

    path: str = ""
    table: Mapping[str, Any] = MappingProxyType({})
    ignored: tuple[IgnoredSetting, ...] = ()


def project_settings(start: str, known: Mapping[str, _Declared], files: WatchedFiles) -> ProjectSettings:
    """The settings of the nearest ``pyproject.toml``. One that another user owns counts only if it is trusted.

    Args:
        start: the absolute path of the folder in which the search begins.
        known: the declarations of all settings.
        files: receives what is looked at.

    Raises:
        OptionError: the file cannot be read.
    """
    skipped: list[IgnoredSetting] = []
    for path in candidate_files(start, PROJECT_FILE, files):
        own = is_own(path)
        table = read_table(Path(path), files, *PROJECT_TABLE) if own else _foreign_table(path, files)
        trusted = bool(table) and is_trusted(path, table, files)
        if not own and not trusted:
            if table:
                skipped.append(IgnoredSetting(path, "", None, "another user owns the file"))
            continue
        ignored = [
            IgnoredSetting(path, name, value, reason)
            for name, value in table.items()
            if (reason := _why_ignored(known.get(name), value, trusted=trusted))
        ]
        names = {each.name for each in ignored}
        kept = {name: value for name, value in table.items() if name not in names}
        return ProjectSettings(path, kept, (*skipped, *ignored))
    return ProjectSettings(ignored=tuple(skipped))


def _foreign_table(path: str, files: WatchedFiles) -> dict[str, Any]:
    """The settings in a file of another user; empty if it is very large or not valid."""
    state = files.look(path)
    if state is None or state[2] > _MAX_FOREIGN:
        return {}
    try:
        return read_table(Path(path), files, *PROJECT_TABLE)
    except OptionError:
        return {}


def _why_ignored(setting: _Declared | None, value: Any, *, trusted: bool) -> str:
    """Why a setting of a project is ignored; empty if it counts, or is not a setting, which is an error."""
    if setting is None or not setting.config or setting.project is True:
        return ""
    if setting.project is None:
        return "only your own configuration may set it"
    if trusted or (isinstance(setting.project, str) and _matches(setting.project, value)):
        return ""
    return "this value needs your trust" if setting.project else "the file is not trusted"


def _matches(pattern: str, value: Any) -> bool:
    return isinstance(value, str) and re.fullmatch(pattern, value) is not None


def describe_ignored(
    ignored: Sequence[IgnoredSetting], known: Mapping[str, _Declared], own_file: Path
) -> str:
    """Two sentences for each file with ignored settings: what is ignored and why, and what to do.

    Args:
        ignored: the settings.
        known: the declarations of all settings.
        own_file: the user's own configuration.
    """
    import shlex  # noqa: PLC0415 - only where there is such a file

    sentences = []
    for path in dict.fromkeys(each.path for each in ignored):
        mine = [each for each in ignored if each.path == path]
        names = [each.name for each in mine if each.name]
        what = _listed(names) if names else "All settings"
        remedy = f"If you trust these settings: `gemini-magic trust {shlex.quote(path)}`."
        if names and all(known[name].project is None for name in names):
            remedy = f"Your own configuration is {own_file}."
        verb = "was" if len(names) == 1 else "were"
        sentences.append(f"{what} in {path} {verb} ignored: {mine[0].reason}. {remedy}")
    return " ".join(sentences)


def _listed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
