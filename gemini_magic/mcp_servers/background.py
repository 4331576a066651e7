"""One thread with an event loop, on which the clients of all MCP servers run, and waiting for it from other threads.

A client must be entered and left by the same task, which the loop of a notebook cannot promise: its cells are separate tasks.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Coroutine
from concurrent.futures import Future
from typing import Any, TypeVar

__all__ = ["BackgroundLoop", "wait_awaited", "wait_blocking"]

T = TypeVar("T")
_TICK = 0.09  # seconds; an interrupt is noticed at the end of one


class BackgroundLoop:
    """An event loop on a daemon thread, which starts when it is first used."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None

    def submit(self, coroutine: Coroutine[Any, Any, T]) -> Future[T]:
        """Run a coroutine on the loop. Cancelling the future cancels the coroutine."""
        return asyncio.run_coroutine_threadsafe(coroutine, self._running())

    def _running(self) -> asyncio.AbstractEventLoop:
        with self._lock:
            if self._loop is None:
                self._loop = asyncio.new_event_loop()
                threading.Thread(target=self._loop.run_forever, name="gemini-magic MCP", daemon=True).start()
            return self._loop


def wait_blocking(future: Future[T], limit: float | None = None) -> T:
    """Wait for a future in short steps, so that an interrupt of the main thread ends the wait; the future is cancelled then.

    Args:
        future: the future.
        limit: seconds after which the wait ends; None for no limit.

    Raises:
        TimeoutError: the limit was reached; the future is cancelled.
        BaseException: what the future raised.
    """
    deadline = None if limit is None else time.monotonic() + limit
    try:
        while True:
            left = _TICK if deadline is None else min(_TICK, deadline - time.monotonic())
            try:
                return future.result(max(left, 0.0))
            except TimeoutError:
                if future.done():
                    raise
                if left <= 0:
                    raise TimeoutError from None
    finally:
        future.cancel()  # no effect on a finished one


async def wait_awaited(future: Future[T], limit: float | None = None) -> T:
    """Do the same on any event loop.

    A kernel cancels the task of an awaited cell from its signal handler, which does not wake the loop; so this wakes it itself.

    Raises:
        TimeoutError: the limit was reached; the future is cancelled.
        BaseException: what the future raised.
    """
    deadline = None if limit is None else time.monotonic() + limit
    waiting = asyncio.wrap_future(future)
    try:
        while True:
            left = _TICK if deadline is None else min(_TICK, deadline - time.monotonic())
            done, _ = await asyncio.wait((waiting,), timeout=max(left, 0.0))
            if done:
                return waiting.result()
            if left <= 0:
                raise TimeoutError
    finally:
        waiting.cancel()
