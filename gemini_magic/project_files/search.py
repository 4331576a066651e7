"""Finds files of a project in a folder and its parents, and checks who owns them.

Paths are strings here, for speed: this runs before every call.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from functools import lru_cache

__all__ = ["WatchedFiles", "candidate_files", "is_own"]

_State = tuple[int, ...] | None


class WatchedFiles:
    """Looks at files, and knows later whether any of them has changed. A file that is missing may be created later."""

    def __init__(self) -> None:
        self._seen: dict[str, _State] = {}
        self._existing: dict[str, bool] = {}

    def look(self, path: str) -> _State:
        """Numbers that change with the content and the owner of a regular file; None for anything else."""
        state = self._seen[path] = _file_state(path)
        return state

    def exists(self, path: str) -> bool:
        """Whether there is anything at a path."""
        found = self._existing[path] = os.path.lexists(path)
        return found

    def unchanged(self) -> bool:
        """Whether everything is as it was found."""
        return all(_file_state(path) == state for path, state in self._seen.items()) and all(
            os.path.lexists(path) == found for path, found in self._existing.items()
        )


def _file_state(path: str) -> _State:
    try:
        found = os.stat(path)  # noqa: PTH116 - for speed
    except (OSError, ValueError):  # ValueError: a name with a null character
        return None
    if not stat.S_ISREG(found.st_mode):
        return None
    return found.st_mtime_ns, found.st_ctime_ns, found.st_size, found.st_ino, found.st_uid


def candidate_files(start: str, name: str, files: WatchedFiles) -> Iterator[str]:
    """The files with a name in a folder and its parents, nearest first.

    The search ends with the root of a repository (a folder with ``.git``) or with the user's home.

    Args:
        start: the absolute path of the folder.
        name: the name of the file.
        files: receives everything that is looked at.
    """
    homes = _homes(os.path.expanduser("~"))  # noqa: PTH111 - for speed
    folder = start
    while True:
        candidate = os.path.join(folder, name)  # noqa: PTH118 - for speed
        if files.look(candidate) is not None:
            yield candidate
        if folder in homes or files.exists(os.path.join(folder, ".git")):  # noqa: PTH118 - for speed
            return
        folder, below = os.path.dirname(folder), folder  # noqa: PTH120 - for speed
        if folder == below:
            return


@lru_cache(maxsize=4)
def _homes(home: str) -> tuple[str, str]:
    """The user's home, also without symbolic links, as the working folder is."""
    return home, os.path.realpath(home)


def is_own(path: str) -> bool:
    """Whether a file, and the symbolic link that leads to it, belong to the user.

    Another user could have put it into a shared folder such as ``/tmp``. With ``sudo``, files of the user who called it are
    accepted, as git does. Windows has no such owner.
    """
    if not hasattr(os, "geteuid"):
        return True
    accepted = {os.geteuid()}
    if os.geteuid() == 0 and (caller := os.environ.get("SUDO_UID", "")).isdecimal():
        accepted.add(int(caller))
    try:
        owners = {os.stat(path).st_uid, os.lstat(path).st_uid}  # noqa: PTH116 - for speed
    except OSError:
        return False
    return owners <= accepted
