"""Imports what the first cell needs while the kernel is idle, after ``%load_ext``.

The steps run on the kernel's event loop, between messages: no thread, so no import lock can block a cell, and nothing is left
to stop when the kernel ends or forks. A cell that comes first waits for one step at most.
"""

from __future__ import annotations

import sys
import warnings
from importlib import import_module
from typing import Any

from .kernel import has_kernel

__all__ = ["WarmUp"]

_IDLE = 0.25  # seconds without a cell before the first step; a notebook that runs as a whole never waits that long
_BETWEEN = 0.02  # seconds between two steps, in which the kernel handles messages
_PACKAGE = __name__.partition(".")[0]
_CLIENT = ".client"
_TRANSPORT = ".client.transport"
# In the order of the imports, so that each step takes a few milliseconds. What a view needs comes last: it is larger, and in a
# cell it is imported while the server thinks.
_STEPS = (
    "msgspec",
    ".content",
    ".backends",
    ".options",
    ".client.plain_httpx",
    ".tables",
    ".ledger",
    ".wire",
    ".recording.export",
    ".config",
    ".diagnostics.wire_notes",
    _TRANSPORT,
    ".client.stream",
    ".credentials",
    ".prompts",
    ".response",
    ".api",
    ".notebook.arguments",
    ".notebook.commands.status",
    ".notebook.commands.dispatch",
    ".notebook.runner",
    ".journal.database",
    "markdown_it",
    "nh3",
    "pygments.lexers",
    ".markdown.parser",
    ".markdown.renderer",
    ".views.formats",
    ".views.page",
    ".views.html",
    "ipywidgets",
    ".views.live",
)


class WarmUp:
    """Runs the steps. Outside a kernel, and in a thread without an event loop, it does nothing.

    Args:
        shell: the IPython shell.
    """

    def __init__(self, shell: Any) -> None:
        self._shell = shell
        self._loop: Any = None
        self._timer: Any = None  # of the next step
        self._left = list(_STEPS)
        self._running = 0  # cells

    def start(self) -> None:
        """Begin when the current cell has ended and the kernel is idle."""
        asyncio = sys.modules.get("asyncio")  # if it is not imported, no event loop is running
        if asyncio is None or not has_kernel(self._shell):
            return
        try:
            self._loop = asyncio.get_running_loop()
        except RuntimeError:
            return
        self._shell.events.register("pre_execute", self._cell_begins)
        self._shell.events.register("post_execute", self._cell_ended)
        self._schedule(_IDLE)

    def stop(self) -> None:
        """Run no further step."""
        if self._loop is None:
            return
        self._loop = None
        self._cancel()
        self._shell.events.unregister("pre_execute", self._cell_begins)
        self._shell.events.unregister("post_execute", self._cell_ended)

    def _cell_begins(self) -> None:
        self._running += 1
        self._cancel()

    def _cell_ended(self) -> None:
        self._running = max(0, self._running - 1)  # the cell with %load_ext began before
        if not self._running:
            self._schedule(_IDLE)

    def _schedule(self, seconds: float) -> None:
        self._cancel()
        if self._loop is not None:
            self._timer = self._loop.call_later(seconds, self._step)

    def _cancel(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _step(self) -> None:
        """Import one module. What it prints or warns about would appear below the last cell, so warnings are dropped."""
        name = self._left.pop(0)
        try:
            with warnings.catch_warnings(action="ignore"):
                import_module(name, _PACKAGE)
            if name == _TRANSPORT:
                import_module(_CLIENT, _PACKAGE).load_certificates()  # in a thread
        except Exception:  # noqa: BLE001 - the first cell that needs the module reports it
            self._left.clear()
        if self._left:
            self._schedule(_BETWEEN)
        else:
            self.stop()
