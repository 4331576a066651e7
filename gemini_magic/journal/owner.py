"""Which process writes an entry of the journal, and whether that process has ended."""

from __future__ import annotations

import os
import platform
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

__all__ = ["Process"]

_SILENT = 60.0  # seconds: a writer lets itself be heard of far more often
_HOUR = 3600.0
_DEAD = ("Z", "X", "x")  # its parent has not asked how it ended yet


class Process(NamedTuple):
    """A process.

    Attributes:
        host: the machine's name.
        pid: its number there.
        born: what tells it from an earlier one with the same number; empty where the system does not say.
    """

    host: str
    pid: int
    born: str

    @classmethod
    def this(cls) -> Process:
        """The process that runs this."""
        return _known(os.getpid())

    def gone(self, beat: float, now: float) -> bool:
        """Whether it has ended: seen where that can be seen, else guessed from its silence.

        Args:
            beat: when it was last heard of, in seconds since 1970.
            now: the present time.
        """
        if self == Process.this():
            return False
        if self.host != platform.node() or os.name != "posix":
            return now - beat > _SILENT
        if self.born:
            return _born(self.pid) != self.born
        try:
            os.kill(self.pid, 0)
        except ProcessLookupError:
            return True
        except PermissionError:
            return True  # another user's: the number was given away again
        return now - beat > _HOUR  # perhaps given away again, too


@lru_cache(maxsize=1)
def _known(pid: int) -> Process:
    return Process(platform.node(), pid, _born(pid))


def _born(pid: int) -> str:
    """When a process was started, in the kernel's own unit; empty where there is none, or no ``/proc``."""
    with suppress(OSError, ValueError):
        state, *_, born = (
            Path(f"/proc/{pid}/stat").read_text("utf-8", "replace").rpartition(")")[2].split()[:20]
        )
        return "" if state in _DEAD else born
    return ""
