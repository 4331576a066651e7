"""The last runs, one small recording each, so that an answer can be shown again whose tab was closed.

It keeps a folder small; what is in the files is the recorder's.
"""

from __future__ import annotations

import os
import time
from contextlib import suppress
from itertools import count
from pathlib import Path

from platformdirs import user_cache_path

from .recorder import Recorder

__all__ = ["recent", "recent_folder", "recent_recorder"]

_serial = count()


def recent_folder() -> Path:
    """Where the last runs are kept: ``recent`` in the user's cache folder for gemini_magic."""
    return user_cache_path("gemini_magic", appauthor=False) / "recent"


def _names(folder: Path) -> list[str]:
    """The recordings in the folder, oldest first: their names begin with the time."""
    # Names alone: paths would take as long as a tenth of a call on an open connection.
    return sorted(name for name in os.listdir(folder) if name.endswith(".jsonl"))  # noqa: PTH208


class _Recent(Recorder):
    """One more run among at most ``keep``; the older ones go when it is over, and hold no request up."""

    def __init__(self, path: Path, keep: int) -> None:
        super().__init__(path)
        self._keep = keep

    def close(self) -> None:
        super().close()
        folder = self.path.parent
        with suppress(OSError):
            for old in _names(folder)[: -self._keep]:
                (folder / old).unlink(missing_ok=True)


def recent_recorder(keep: int) -> Recorder | None:
    """A recorder for one more run; older ones beyond ``keep`` are removed. None when the folder cannot be used."""
    if keep <= 0:
        return None
    folder = recent_folder()
    if not folder.is_dir():
        try:
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        except OSError:
            return None
    seconds, rest = divmod(time.time_ns(), 10**9)
    stamp = time.strftime("%Y%m%dT%H%M%S", time.gmtime(seconds))
    return _Recent(folder / f"{stamp}-{rest:09d}-{os.getpid()}-{next(_serial)}.jsonl", keep)


def recent(n: int = 1) -> Path | None:
    """The recording of the ``n``-th last run, 1 being the newest; None when there is none."""
    folder = recent_folder()
    with suppress(OSError):
        names = _names(folder)
        if 0 < n <= len(names):
            return folder / names[-n]
    return None
