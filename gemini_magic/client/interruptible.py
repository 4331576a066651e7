"""Lets an interrupt end a blocking call at once, wherever the call waits: for a name server, a proxy or an answer."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TypeVar

from ..errors import Interrupted, interrupts_raise
from .connection import Connection

__all__ = ["call_interruptibly"]

_CHECK = 0.05  # seconds; a longer wait on a lock would delay an interrupt on Windows

T = TypeVar("T")


def call_interruptibly(
    call: Callable[[], T],
    connection: Connection,
    name: str,
    message: str,
    on_wait: Callable[[], None] | None = None,
) -> T:
    """Make a blocking call on another thread, so that an interrupt ends the wait at once.

    Only the main thread receives interrupts: from any other one the call is made directly.

    Args:
        call: what blocks.
        connection: the connection that it uses, which an interrupt shuts down.
        name: the name of the thread.
        message: what was interrupted.
        on_wait: is called on the caller's thread about twenty times a second while the call blocks.

    Raises:
        Interrupted: the user interrupted it.
        BaseException: what ``call`` raises.
    """
    if threading.current_thread() is not threading.main_thread():
        return call()
    results: list[T] = []
    problems: list[BaseException] = []

    def run() -> None:
        try:
            results.append(call())
        except BaseException as problem:  # noqa: BLE001 - it is raised on the caller's thread
            problems.append(problem)

    thread = threading.Thread(target=run, name=name, daemon=True)
    try:
        with interrupts_raise():
            thread.start()
            while thread.is_alive():
                thread.join(_CHECK)
                if on_wait is not None:
                    on_wait()
    except KeyboardInterrupt:
        connection.shutdown()
        raise Interrupted(message) from None
    for problem in problems:
        raise problem
    return results[0]
