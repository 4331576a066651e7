"""Threads switch more often while a stream is live, so that arrival times stay true while Python code computes.

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


class _Live:
    """How many streams are live, and what the interval was before the first of them."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.count = 0
        self.before = 0.0


_live = _Live()


def begin_live() -> None:
    """A stream begins; each begun one has to be ended once."""
    with _live.lock:
        _live.count += 1
        if _live.count == 1:
            _live.before = sys.getswitchinterval()
            if _live.before > _SHORT:
                sys.setswitchinterval(_SHORT)


def end_live() -> None:
    """A stream has ended; after the last one all is as before, unless someone else chose an interval meanwhile."""
    with _live.lock:
        _live.count -= 1
        if _live.count == 0 and sys.getswitchinterval() == _SHORT:
            sys.setswitchinterval(_live.before)


def _after_fork() -> None:
    """The lock may be held by a thread that does not exist in a child; the streams are ended there one by one."""
    _live.lock = threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
