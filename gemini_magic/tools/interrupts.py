"""Makes functions of the user end when the user interrupts them, or when their time is up."""

from __future__ import annotations

import ctypes
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

__all__ = ["TimeUp", "interruptible", "raise_in_thread", "time_limit"]


class TimeUp(BaseException):
    """The time of a function is up, or the answer it belongs to was stopped."""


def _is_main() -> bool:
    return threading.current_thread() is threading.main_thread()


@contextmanager
def interruptible() -> Iterator[None]:
    """Let an interrupt raise ``KeyboardInterrupt`` in the block at once.

    In an awaited cell, ipykernel replaces the handler of SIGINT by one that only cancels the task of the cell
    (``IPythonKernel._cancel_on_sigint``), which a function that does not await never notices. Only the main thread gets
    signals; elsewhere this does nothing.
    """
    if not _is_main():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


@contextmanager
def time_limit(seconds: float | None) -> Iterator[None]:
    """Raise :class:`TimeUp` in the block after some seconds.

    On the main thread of a POSIX system, a signal ends also ``time.sleep`` and waiting for a lock. Elsewhere the exception
    arrives when the thread runs Python code again.

    Args:
        seconds: the limit; None for no limit.
    """
    if seconds is None:
        yield
    elif _is_main() and hasattr(signal, "setitimer"):
        with _alarm(seconds):
            yield
    else:
        with _exception_after(seconds):
            yield


def _raise_time_up(*_: Any) -> None:
    raise TimeUp


@contextmanager
def _alarm(seconds: float) -> Iterator[None]:
    """SIGALRM after some seconds. A timer of the user continues afterwards; it may fire late."""
    handler = signal.signal(signal.SIGALRM, _raise_time_up)
    began = time.monotonic()
    left, interval = signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        try:
            signal.setitimer(signal.ITIMER_REAL, 0)
        finally:  # also if the signal arrives just now
            signal.signal(signal.SIGALRM, handler)
            if left:
                elapsed = time.monotonic() - began
                signal.setitimer(signal.ITIMER_REAL, max(left - elapsed, 0.001), interval)


@contextmanager
def _exception_after(seconds: float) -> Iterator[None]:
    ident, lock, ended = threading.get_ident(), threading.Lock(), False

    def fire() -> None:
        with lock:
            if not ended:
                raise_in_thread(ident, TimeUp)

    timer = threading.Timer(seconds, fire)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
        with lock:
            ended = True
            raise_in_thread(ident, None)  # one that has not arrived yet must not arrive later


def raise_in_thread(ident: int, error: type[BaseException] | None) -> None:
    """Raise an exception in another thread as soon as it runs Python code; None takes one back that has not arrived.

    Args:
        ident: the thread.
        error: the class of the exception.
    """
    value = None if error is None else ctypes.py_object(error)
    ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(ident), value)
