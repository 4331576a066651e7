"""Threads switch more often while a few streams are live, so that arrival times stay true while Python code computes.

It knows nothing of streams but that they begin and end.
"""

from __future__ import annotations

import os
import sys
import threading

__all__ = ["begin_live", "end_live"]

# Seconds a thread that computes keeps the others waiting. With Python's own 5 ms a reader, which waits several times
# for each arrival, was seen to be 15 to 25 ms late; with this, 2 to 5 ms.
_SHORT = 0.001
# With more streams than this the readers wait for each other rather than for the user's code, and each of them would
# wake up every millisecond only to go on waiting: a hundred streams then took half as much again of a core.
_FEW = 8


class _Live:
    """How many streams are live, and what the interval was before we changed it."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.count = 0
        self.before = 0.0  # 0 while it is not ours

    def step(self, by: int) -> None:
        """One stream more or less."""
        with self.lock:
            self.count += by
            if not 0 < self.count <= _FEW:
                self._give_back()
            elif not self.before and sys.getswitchinterval() > _SHORT:
                self.before = sys.getswitchinterval()
                sys.setswitchinterval(_SHORT)

    def _give_back(self) -> None:
        if self.before and sys.getswitchinterval() == _SHORT:  # else someone chose another one meanwhile
            sys.setswitchinterval(self.before)
        self.before = 0.0


_live = _Live()


def begin_live() -> None:
    """A stream begins; each begun one has to be ended once."""
    _live.step(1)


def end_live() -> None:
    """A stream has ended; after the last one all is as before, unless someone else chose an interval meanwhile."""
    _live.step(-1)


def _after_fork() -> None:
    """The lock may be held by a thread that does not exist in a child; the streams are ended there one by one."""
    _live.lock = threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
