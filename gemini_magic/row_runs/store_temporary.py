"""The folder of a temporary store, which exists as long as one of its stores."""

from __future__ import annotations

import os
import shutil
import tempfile
import weakref
from pathlib import Path

__all__ = ["TemporaryFolder"]


class TemporaryFolder:
    """A new folder that only its owner can read, deleted when this object is collected or the process ends.

    Attributes:
        file: where the store is.
    """

    def __init__(self) -> None:
        folder = Path(tempfile.mkdtemp(prefix="gemini-rows-")).resolve()  # with the mode 0700
        self.file = folder / "temporary.rows.sqlite"
        weakref.finalize(self, _delete, folder, os.getpid())
        _folders[self.file] = self

    @staticmethod
    def of(path: Path) -> TemporaryFolder | None:
        """Return the folder of a temporary store, None for any other store."""
        return _folders.get(path)


_folders: weakref.WeakValueDictionary[Path, TemporaryFolder] = weakref.WeakValueDictionary()


def _delete(folder: Path, pid: int) -> None:
    if os.getpid() == pid:  # a forked child leaves it to the parent
        shutil.rmtree(folder, ignore_errors=True)
