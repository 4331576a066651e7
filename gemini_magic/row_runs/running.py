"""The runs of this process that have not ended, so that a command can stop them."""

from __future__ import annotations

import threading
from typing import Protocol
from weakref import WeakSet

__all__ = ["StoppableRun", "add_running", "remove_running", "running_runs"]


class StoppableRun(Protocol):
    """A run over rows."""

    def stop(self) -> None:
        """Start no more rows. Returns at once."""


_running: WeakSet[StoppableRun] = WeakSet()
_lock = threading.Lock()  # runs end on their own threads


def add_running(run: StoppableRun) -> None:
    """Add a run that begins."""
    with _lock:
        _running.add(run)


def remove_running(run: StoppableRun) -> None:
    """Remove a run that has ended."""
    with _lock:
        _running.discard(run)


def running_runs() -> list[StoppableRun]:
    """The runs that have not ended."""
    with _lock:
        return list(_running)
