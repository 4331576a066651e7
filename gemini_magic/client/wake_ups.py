"""Wakes coroutines from other threads: one wake-up of an event loop for all coroutines that wait on it.

To wake a loop takes a system call and a switch of threads; it costs more than everything else that happens to an event.
"""

from __future__ import annotations

import asyncio
import os
import threading
import weakref
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["batched_wake_ups", "wake"]


class _Bell:
    """The futures of one event loop that are to be completed."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._futures: list[asyncio.Future[None]] = []
        self._rung = False  # the loop will call :meth:`_complete`

    def add(self, future: asyncio.Future[None]) -> bool:
        """Add a future. Returns whether the loop must be woken for it."""
        with self._lock:
            self._futures.append(future)
            rung, self._rung = self._rung, True
            return not rung

    def ring(self) -> None:
        """Wake the loop."""
        with self._lock:
            loop = self._futures[0].get_loop()
        try:
            loop.call_soon_threadsafe(self._complete)
        except RuntimeError:  # the loop is closed
            with self._lock:
                self._futures, self._rung = [], False

    def _complete(self) -> None:
        with self._lock:
            futures, self._futures, self._rung = self._futures, [], False
        for future in futures:
            if not future.done():
                future.set_result(None)


class _Batch(threading.local):
    bells: list[_Bell] | None = None


_bells: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, _Bell] = weakref.WeakKeyDictionary()
_bells_lock = threading.Lock()
_batch = _Batch()  # the bells that this thread will ring later


def wake(future: asyncio.Future[None]) -> None:
    """Complete a future of an event loop, from any thread. A future that is done already, or cancelled, stays so."""
    loop = future.get_loop()
    bell = _bells.get(loop)
    if bell is None:
        with _bells_lock:
            bell = _bells.setdefault(loop, _Bell())
    if not bell.add(future):
        return
    if _batch.bells is None:
        bell.ring()
    else:
        _batch.bells.append(bell)


@contextmanager
def batched_wake_ups() -> Iterator[None]:
    """Until the block ends, :func:`wake` on this thread only collects; then each loop is woken once."""
    bells: list[_Bell] = []
    _batch.bells = bells
    try:
        yield
    finally:
        _batch.bells = None
        for bell in bells:
            bell.ring()


def _after_fork() -> None:
    """Forget the bells in a forked child: a thread of the parent may have held a lock."""
    global _bells, _bells_lock
    _bells, _bells_lock = weakref.WeakKeyDictionary(), threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
