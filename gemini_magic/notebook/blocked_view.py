"""Redraws the view of an answer while a function of the user blocks the thread that draws it."""

from __future__ import annotations

import contextvars
import threading
import time
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from ..ledger import Ledger
    from ..views import View

__all__ = ["BlockedView"]

_TICK: Final = 0.25  # seconds
_BLOCKED: Final = 0.35  # seconds without a redraw after which the thread that draws is taken to be blocked


class BlockedView:
    """A view that another thread redraws while a function runs, so that its clock continues.

    The thread has the context of the cell, so its output reaches the cell; output that is captured for the function does
    not include it.

    Args:
        view: the view.
        ledgers: returns the records that it shows.
    """

    def __init__(self, view: View, ledgers: Callable[[], Iterable[Ledger]]) -> None:
        self._view = view
        self._ledgers = ledgers
        self._lock = threading.Lock()
        self._ended = threading.Event()
        self._drawn = 0.0

    def open(self) -> None:
        """Paint for the first time, and start the thread."""
        with self._lock:
            self._view.open()
        context = contextvars.copy_context()
        threading.Thread(
            target=context.run, args=(self._redraw,), name="gemini-tool-clock", daemon=True
        ).start()

    def update(self, *, final: bool = False) -> None:
        """Paint what is new, as the view decides."""
        with self._lock:
            self._view.update(final=final)
            self._drawn = time.monotonic()

    def close(self, *, error_follows: bool = False, interrupted: bool = False) -> None:
        """Show the final state, and end the thread."""
        self._ended.set()
        with self._lock:
            self._view.close(error_follows=error_follows, interrupted=interrupted)

    def _redraw(self) -> None:
        while not self._ended.wait(_TICK):
            in_tool = any(each.phase == "tools" for each in self._ledgers())
            if in_tool and time.monotonic() - self._drawn > _BLOCKED:
                with self._lock:
                    if not self._ended.is_set():
                        self._view.update()
