"""Makes Python switch threads more often while a few streams are running, so that arrival times stay exact.

Without it, a reader waits for Python code that computes on another thread. The module only counts streams.
"""

from __future__ import annotations

import os
import sys
import threading

__all__ = ["stream_ended", "stream_started"]

# Seconds for which a computing thread keeps other threads waiting. With Python's default of 5 ms a reader, which waits
# several times for each arrival, was measured to be 15 to 25 ms late; with this value, 2 to 5 ms.
_INTERVAL = 0.001
# With more streams than this, readers wait for each other rather than for the user's code, and each would wake up every
# millisecond only to wait again: a hundred streams were measured to take 50 % more of a core.
_MAX_STREAMS = 8


class _RunningStreams:
    """How many streams are running, and the interval from before it was changed."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.count = 0
        self.original = 0.0  # 0 while the interval is not changed

    def add(self, number: int) -> None:
        """Count streams that started (positive) or ended (negative), and set the interval."""
        with self.lock:
            self.count += number
            if not 0 < self.count <= _MAX_STREAMS:
                self._restore()
            elif not self.original and sys.getswitchinterval() > _INTERVAL:
                self.original = sys.getswitchinterval()
                sys.setswitchinterval(_INTERVAL)

    def _restore(self) -> None:
        if (
            self.original and sys.getswitchinterval() == _INTERVAL
        ):  # otherwise other code has set it meanwhile
            sys.setswitchinterval(self.original)
        self.original = 0.0


_running = _RunningStreams()


def stream_started() -> None:
    """Count a stream; each call needs one call of :func:`stream_ended`."""
    _running.add(1)


def stream_ended() -> None:
    """Count the end of a stream; the last one restores the interval, unless other code has set it meanwhile."""
    _running.add(-1)


def _after_fork() -> None:
    """Replace the lock, which a thread of the parent may hold. The child closes its streams one by one."""
    _running.lock = threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
