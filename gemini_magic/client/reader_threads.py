"""Threads that run the readers of streams, used again while they are idle.

To start a thread takes longer than to send a request on an open connection, and much longer on a busy machine.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from queue import Empty, SimpleQueue
from typing import TypeAlias

__all__ = ["READER_THREADS", "ReaderThreads"]

_IDLE_LIMIT = 30.0  # seconds after which an idle thread ends
_Work: TypeAlias = Callable[[], None]


class ReaderThreads:
    """Daemon threads, as many as there were readers at once. The thread that became idle last is used first.

    Args:
        idle_limit: seconds after which an idle thread ends.
    """

    def __init__(self, idle_limit: float = _IDLE_LIMIT) -> None:
        self._idle_limit = idle_limit
        self._lock = threading.Lock()
        self._idle: list[SimpleQueue[_Work]] = []

    def run(self, work: _Work) -> None:
        """Call a function on its own thread. The function must not raise.

        Raises:
            RuntimeError: the system allows no more threads.
        """
        with self._lock:
            inbox = self._idle.pop() if self._idle else None
        if inbox is None:
            inbox = SimpleQueue()
            threading.Thread(target=self._serve, args=(inbox,), name="gemini-reader", daemon=True).start()
        inbox.put(work)

    def _serve(self, inbox: SimpleQueue[_Work]) -> None:
        """Run one function after another until none arrives for a while."""
        while True:
            try:
                work = inbox.get(timeout=self._idle_limit)
            except Empty:
                with self._lock:
                    if inbox in self._idle:
                        self._idle.remove(inbox)
                        return
                work = inbox.get()  # it was handed over in the moment of the timeout
            work()
            del work  # an idle thread must not keep an answer in memory
            with self._lock:
                self._idle.append(inbox)

    def forget(self) -> None:
        """Forget all threads, in a forked child: they exist in the parent only."""
        self._lock = threading.Lock()
        self._idle = []


READER_THREADS = ReaderThreads()
"""The threads that all streams share."""

if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=READER_THREADS.forget)
