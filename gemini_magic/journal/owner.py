"""The process that writes an entry of the journal, and whether it has ended."""

from __future__ import annotations

import os
import platform
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

__all__ = ["WriterProcess"]

_SILENT = (
    60.0  # seconds without a heartbeat after which a process counts as ended; heartbeats come far more often
)
_HOUR = 3600.0
_DEAD = ("Z", "X", "x")  # states in /proc/PID/stat of a process that has ended (proc(5))


class WriterProcess(NamedTuple):
    """A process, identified across restarts and machines.

    Attributes:
        host: name of the machine.
        pid: process id.
        start_time: start time as the system reports it, which distinguishes processes that had the same id;
            empty if the system does not report it.
    """

    host: str
    pid: int
    start_time: str

    @classmethod
    def current(cls) -> WriterProcess:
        """The current process."""
        return _describe(os.getpid())

    def has_ended(self, heartbeat: float, now: float) -> bool:
        """Whether it has ended: checked where the system can tell, otherwise assumed after a long silence.

        Args:
            heartbeat: Unix time in seconds of its last write.
            now: the present Unix time.
        """
        if self == WriterProcess.current():
            return False
        if self.host != platform.node() or os.name != "posix":
            return now - heartbeat > _SILENT
        if self.start_time:
            return _start_time(self.pid) != self.start_time
        try:
            os.kill(self.pid, 0)
        except ProcessLookupError:
            return True
        except PermissionError:
            return True  # the process belongs to another user: the id has been reused
        return now - heartbeat > _HOUR  # the id may have been reused


@lru_cache(maxsize=1)
def _describe(pid: int) -> WriterProcess:
    return WriterProcess(platform.node(), pid, _start_time(pid))


def _start_time(pid: int) -> str:
    """Start time of a process in clock ticks since boot (field 22 of ``/proc/PID/stat``); empty without it."""
    with suppress(OSError, ValueError):
        state, *_, start_time = (
            Path(f"/proc/{pid}/stat").read_text("utf-8", "replace").rpartition(")")[2].split()[:20]
        )
        return "" if state in _DEAD else start_time
    return ""
