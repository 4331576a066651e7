"""The files of projects that the user knows: trusted configuration, by its path and a digest of its settings, and key files.

They are stored in ``gemini_magic_trust.json`` beside the user's configuration file. Other facts that the user has approved are
JSON objects in files beside it.
"""

from __future__ import annotations

import json
import os
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

from ..errors import OptionError
from .search import WatchedFiles

__all__ = [
    "TrustedFile",
    "config_folder",
    "is_new_key_file",
    "is_trusted",
    "read_stored",
    "trust",
    "trusted_files",
    "untrust",
    "write_stored",
]

_NAME = "gemini_magic_trust.json"


class TrustedFile(NamedTuple):
    """A file that the user trusts.

    Attributes:
        path: its absolute path.
        digest: SHA-256 of its settings, as hexadecimal digits.
    """

    path: str
    digest: str


def config_folder() -> Path:
    """The folder of the user's configuration, which may not exist."""
    return Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config")


def _identity(path: str) -> str:
    """The path under which a file is remembered: its folder without symbolic links, and its own name.

    A link to a trusted file is not trusted, because it can be in the folder of a stranger.
    """
    folder, name = os.path.split(os.path.abspath(path))  # noqa: PTH100 - a link must stay
    return os.path.join(os.path.realpath(folder), name)  # noqa: PTH118 - as above


def _digest(table: dict[str, Any]) -> str:
    from hashlib import sha256  # noqa: PLC0415 - only where there is such a file

    text = json.dumps(table, sort_keys=True, default=str, ensure_ascii=True)
    return sha256(text.encode()).hexdigest()


@lru_cache(maxsize=4)
def _read(path: str, *_state: int) -> dict[str, Any]:
    """The stored object; empty if the file is damaged, so that nothing is trusted."""
    try:
        found = json.loads(Path(path).read_text("utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def read_stored(name: str, files: WatchedFiles | None = None) -> dict[str, Any]:
    """The JSON object in a file of the configuration folder; empty if there is none, or if it is damaged.

    Args:
        name: the name of the file.
        files: receives what is looked at.
    """
    path = str(config_folder() / name)
    state = (files or WatchedFiles()).look(path)
    return {} if state is None else _read(path, *state)


def _stored(files: WatchedFiles) -> dict[str, Any]:
    return read_stored(_NAME, files)


def _entries(files: WatchedFiles) -> dict[str, str]:
    """The digests of trusted files by path."""
    found = _stored(files).get("files")
    entries = found if isinstance(found, dict) else {}
    return {path: digest for path, digest in entries.items() if isinstance(digest, str)}


def is_trusted(path: str, table: dict[str, Any], files: WatchedFiles) -> bool:
    """Whether the user trusts a file with these settings.

    Args:
        path: the file.
        table: its settings.
        files: receives what is looked at.
    """
    entries = _entries(files)
    return bool(entries) and entries.get(_identity(path)) == _digest(table)


def trusted_files() -> list[TrustedFile]:
    """The files that the user trusts, sorted by path."""
    return [TrustedFile(*entry) for entry in sorted(_entries(WatchedFiles()).items())]


def trust(path: str, table: dict[str, Any]) -> None:
    """Trust a file as long as it has these settings.

    Raises:
        OptionError: the list of trusted files cannot be written.
    """
    _write(files={**_entries(WatchedFiles()), _identity(path): _digest(table)})


def untrust(path: str) -> bool:
    """Stop trusting a file; returns whether it was trusted.

    Raises:
        OptionError: the list of trusted files cannot be written.
    """
    entries = dict(_entries(WatchedFiles()))
    if entries.pop(_identity(path), None) is None:
        return False
    _write(files=entries)
    return True


_known_key_files: set[str] = set()  # of this process


def is_new_key_file(path: str) -> bool:
    """Whether the user has not used a key from this file before; remembers the file, if that is possible."""
    found = _stored(WatchedFiles()).get("key_files")
    known = [each for each in found if isinstance(each, str)] if isinstance(found, list) else []
    name = _identity(path)
    if name in known or name in _known_key_files:
        return False
    _known_key_files.add(name)
    with suppress(OptionError):
        _write(key_files=[*known, name])
    return True


def _write(**changes: Any) -> None:
    write_stored(_NAME, {**_stored(WatchedFiles()), **changes})


def write_stored(name: str, content: dict[str, Any]) -> None:
    """Write a JSON object to a file of the configuration folder that only the user can read.

    Raises:
        OptionError: the file cannot be written.
    """
    from tempfile import NamedTemporaryFile  # noqa: PLC0415 - only where something is stored

    folder = config_folder()
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        # A new file that only the user can read and write replaces the old one, so that it is never half written.
        with NamedTemporaryFile("w", dir=folder, prefix=name, delete=False, encoding="utf-8") as new:
            json.dump(content, new, indent=1, sort_keys=True)
        try:
            Path(new.name).replace(folder / name)
        except OSError:
            with suppress(OSError):
                Path(new.name).unlink()
            raise
    except OSError as problem:
        raise OptionError(
            f"{folder / name} cannot be written: {problem.strerror or problem}.",
            remedy="Check the permissions of the folder.",
        ) from None
