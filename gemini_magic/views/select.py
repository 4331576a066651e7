"""Which view fits the place, and when its libraries are imported: when it opens, not when it is chosen.

The request should be on its way before ipywidgets and the Markdown parser are imported. This module knows how
to tell places apart and nothing of what views do.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from importlib import import_module
from typing import Any, Protocol

from ..errors import DisplayError
from ..ledger import Ledger
from ..options import DISPLAYS

__all__ = ["NullView", "View", "select_view"]


class View(Protocol):
    """Something to look at while an answer arrives, and after."""

    def open(self) -> None:
        """Show the first picture, before anything has arrived."""

    def update(self, *, final: bool = False) -> None:
        """Show what is new, if it is time for it; with ``final`` in any case."""

    def close(self) -> None:
        """Leave the lasting picture. A second call changes nothing."""


class NullView:
    """Shows nothing (``--quiet``)."""

    def open(self) -> None:
        """Nothing."""

    def update(self, *, final: bool = False) -> None:
        """Nothing."""

    def close(self) -> None:
        """Nothing."""


# Seconds: preparing the first request takes 10 to 20 ms beside the import, which would slow it down; a connection
# over a slow network need not be waited for.
_MAX_DELAY = 0.05
_POLL = 0.001


class _LazyView:
    """A view whose module is imported when it opens; if that fails, a plainer view with a word about why."""

    def __init__(self, make: Callable[[], View], fallback: Callable[[str], View]) -> None:
        self._make = make
        self._fallback = fallback
        self._view: View | None = None

    def open(self) -> None:
        try:
            self._view = self._make()
        except Exception as problem:  # noqa: BLE001 - a broken installation must not cost the answer
            self._view = self._fallback(f"{type(problem).__name__}: {problem}")
        self._view.open()

    def update(self, *, final: bool = False) -> None:
        if self._view is not None:
            self._view.update(final=final)

    def close(self) -> None:
        if self._view is None:  # never opened, yet the answer must be seen
            self.open()
        if self._view is not None:
            self._view.close()


def _module(name: str) -> Any:
    return import_module(f".{name}", __package__)


def _import_after_request(name: str, ledger: Ledger) -> Any:
    """A module that imports the libraries; the first time, the request gets a moment to go out before."""
    end = time.monotonic() + _MAX_DELAY
    known = f"{__package__}.{name}" in sys.modules
    while not known and ledger.phase in ("preparing", "connecting") and time.monotonic() < end:
        time.sleep(_POLL)
    return _module(name)


def _terminal(ledger: Ledger, *, plain: bool) -> View:
    return _LazyView(lambda: _module("terminal").TerminalView(ledger, plain=plain), lambda _: NullView())


def _html(ledger: Ledger) -> View:
    return _LazyView(
        lambda: _import_after_request("html", ledger).HtmlView(ledger),
        lambda _: _module("terminal").TerminalView(ledger),
    )


def _static(ledger: Ledger) -> View:
    return _LazyView(
        lambda: _import_after_request("html", ledger).StaticView(ledger),
        lambda _: _module("terminal").TerminalView(ledger),
    )


def _live(ledger: Ledger, stop: Callable[[], None] | None) -> View:
    def make() -> View:
        view: View = _import_after_request("live", ledger).LiveView(ledger, stop=stop)
        return view

    def fallback(why: str) -> View:
        view: View = _module("html").HtmlView(ledger, notice=f"live widgets unavailable: {why}")
        return view

    return _LazyView(make, fallback)


def select_view(
    ledger: Ledger,
    *,
    display: str,
    shell: Any,
    allow_stdin: bool,
    stop: Callable[[], None] | None,
    background: bool = False,
) -> View:
    """The view for this place; nothing heavy is imported before it opens.

    Args:
        ledger: the record to show.
        display: ``auto``, ``live``, ``html`` or ``text``.
        shell: the IPython shell, or None outside IPython.
        allow_stdin: whether the execute request allows input: if not, nobody is watching.
        stop: what a Stop button does, given where one can work: it must only set a flag.
        background: whether the cell returns before the answer is complete.

    Raises:
        DisplayError: no such display, or not here.
    """
    if display not in DISPLAYS:
        raise DisplayError(f"Unknown display: {display!r}.", remedy=f"Use one of {', '.join(DISPLAYS)}.")
    kernel = getattr(shell, "kernel", None) is not None
    if display in ("live", "html") and not kernel:
        raise DisplayError(
            f"`--display {display}` needs a notebook.", remedy="Use `--display text`, or omit the option."
        )
    if display == "text" or not kernel:
        return _terminal(ledger, plain=kernel or background)
    if display == "html":
        return _html(ledger)
    if display == "live" or allow_stdin or background:
        return _live(ledger, stop)
    return _static(ledger)
