"""Selects the view for the place where the code runs. The libraries of a view are imported when it opens.

The request should be sent before ipywidgets and the Markdown parser are imported.
"""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable
from importlib import import_module
from typing import TYPE_CHECKING, Any, Protocol

from ..errors import DisplayError, interrupts_raise, interrupts_wait
from ..ledger import Ledger
from ..options import DISPLAYS

if TYPE_CHECKING:
    from .side_by_side import AnswerColumns

__all__ = [
    "NullView",
    "View",
    "close_at_once",
    "close_if_not_interrupted",
    "select_columns_view",
    "select_view",
    "stop_hint",
]


class View(Protocol):
    """Shows an answer while it is running and after it has ended."""

    def open(self) -> None:
        """Paint for the first time, before any chunk is received."""

    def update(self, *, final: bool = False) -> None:
        """Paint what is new if the pause since the last paint is over, or if ``final``."""

    def close(self, *, error_follows: bool = False, interrupted: bool = False) -> None:
        """Show the final state of the answer. A second call does nothing, unless an exception has ended the first one.

        Args:
            error_follows: the caller raises the error of the answer, which shows the details below the view.
            interrupted: the user does not want to wait: text that would take long to render is left out.
        """


def close_if_not_interrupted(view: View, *, error_follows: bool) -> bool:
    """Close a view, which can take seconds for a long answer. Returns whether no interrupt came first."""
    try:
        with interrupts_raise():
            view.close(error_follows=error_follows)
    except KeyboardInterrupt:
        return False
    return True


def close_at_once(view: View, *, error_follows: bool) -> None:
    """Close a view after an interrupt, with what is shown soon. Another interrupt does not leave it open."""
    with interrupts_wait():
        view.close(error_follows=error_follows, interrupted=True)


class NullView:
    """Shows nothing (``--quiet``)."""

    def open(self) -> None:
        """Do nothing."""

    def update(self, *, final: bool = False) -> None:
        """Do nothing."""

    def close(self, *, error_follows: bool = False, interrupted: bool = False) -> None:
        """Do nothing."""


# Seconds. Preparing the first request takes 10 to 20 ms, more while libraries are imported. A connection over a slow
# network is not waited for.
_MAX_DELAY = 0.05
_POLL = 0.001


class _LazyView:
    """A view whose module is imported when it opens. If that fails, a simpler view is opened with the reason."""

    def __init__(self, make: Callable[[], View], fallback: Callable[[str], View]) -> None:
        self._make = make
        self._fallback = fallback
        self._view: View | None = None

    def open(self) -> None:
        try:
            self._view = self._make()
        except Exception as problem:  # noqa: BLE001 - the answer must be shown even with a broken installation
            self._view = self._fallback(f"{type(problem).__name__}: {problem}")
        self._view.open()

    def update(self, *, final: bool = False) -> None:
        if self._view is not None:
            self._view.update(final=final)

    def close(self, *, error_follows: bool = False, interrupted: bool = False) -> None:
        if self._view is None:  # never opened, but the answer must be shown
            self.open()
        if self._view is not None:
            self._view.close(error_follows=error_follows, interrupted=interrupted)


def _module(name: str) -> Any:
    return import_module(f".{name}", __package__)


def _import_after_request(name: str, ledger: Ledger) -> Any:
    """Import a module that needs the libraries; the first time, wait until the request is sent, 50 ms at most."""
    end = time.monotonic() + _MAX_DELAY
    known = f"{__package__}.{name}" in sys.modules
    while not known and ledger.phase in ("preparing", "connecting") and time.monotonic() < end:
        time.sleep(_POLL)
    return _module(name)


def _terminal(ledger: Ledger, note: str, *, plain: bool, notebook: bool) -> View:
    return _LazyView(
        lambda: _module("terminal").TerminalView(ledger, plain=plain, note=note, notebook=notebook),
        lambda _: NullView(),
    )


def _html(ledger: Ledger, note: str) -> View:
    return _LazyView(
        lambda: _import_after_request("html", ledger).HtmlView(ledger, note=note),
        lambda _: _module("terminal").TerminalView(ledger, note=note, notebook=True),
    )


def _static(ledger: Ledger) -> View:
    return _LazyView(
        lambda: _import_after_request("html", ledger).StaticView(ledger),
        lambda _: _module("terminal").TerminalView(ledger),
    )


def _live(ledger: Ledger, stop: Callable[[], None] | None, stop_hint: str, note: str) -> View:
    def make() -> View:
        module = _import_after_request("live", ledger)
        view: View = module.LiveView(ledger, stop=stop, stop_hint=stop_hint, note=note)
        return view

    def fallback(why: str) -> View:
        view: View = _module("html").HtmlView(ledger, notice=f"live widgets unavailable: {why}", note=note)
        return view

    return _LazyView(make, fallback)


def stop_hint(other: str = "") -> str:
    """How a user can stop what the current thread does, for the status line.

    The toolbar interrupts the main thread only. A kernel can handle a click in the page in another thread (a subshell).

    Args:
        other: what works for another thread; empty if nothing does.
    """
    works = "■ in the toolbar" if threading.current_thread() is threading.main_thread() else other
    return f"stop with {works}" if works else ""


def select_view(
    ledger: Ledger,
    *,
    display: str,
    shell: Any,
    allow_stdin: bool,
    stop: Callable[[], None] | None,
    stop_hint: str = "",
    background: bool = False,
    note: str = "",
) -> View:
    """Select the view for this place; large libraries are imported when the view opens.

    Args:
        ledger: the record to show.
        display: ``auto``, ``live``, ``html`` or ``text``.
        shell: the IPython shell, or None outside IPython.
        allow_stdin: whether the execute request allows input, or a widget's message is handled; if not, the run is
            unattended.
        stop: the action of the Stop button, where one can work; it must only set a flag.
        stop_hint: how the answer can be stopped where no button works; empty where it cannot be stopped.
        background: whether the cell returns before the answer is complete.
        note: a sentence about the background to show while the answer is running; a notebook removes it at the end.

    Raises:
        DisplayError: the display is unknown or not available in this place.
    """
    kernel = _check_display(display, shell)
    if display == "text" or not kernel:
        return _terminal(ledger, note, plain=kernel or background, notebook=kernel)
    if display == "html":
        return _html(ledger, note)
    if display == "live" or allow_stdin or background:
        return _live(ledger, stop, stop_hint, note)
    return _static(ledger)


def _check_display(display: str, shell: Any) -> bool:
    """Return whether the shell runs in a kernel.

    Raises:
        DisplayError: the display is unknown or not available in this place.
    """
    if display not in DISPLAYS:
        raise DisplayError(f"Unknown display: {display!r}.", remedy=f"Use one of {', '.join(DISPLAYS)}.")
    kernel = getattr(shell, "kernel", None) is not None
    if display in ("live", "html") and not kernel:
        raise DisplayError(
            f"`--display {display}` needs a notebook.", remedy="Use `--display text`, or omit the option."
        )
    return kernel


def select_columns_view(
    columns: AnswerColumns,
    *,
    display: str,
    shell: Any,
    allow_stdin: bool,
    stop: Callable[[int | None], None] | None,
    stop_hint: str = "",
) -> View:
    """Select the view for answers side by side.

    Args:
        columns: the answers.
        display: ``auto``, ``live``, ``html`` or ``text``.
        shell: the IPython shell, or None outside IPython.
        allow_stdin: as for :func:`select_view`.
        stop: the action of the Stop buttons, where one can work: stops the column with this place, or all of them.
        stop_hint: how the answers can be stopped where no button works.

    Raises:
        DisplayError: the display is unknown or not available in this place.
    """
    kernel = _check_display(display, shell)
    ledger = columns.columns[0].ledger
    if display == "text" or not kernel:
        return _LazyView(
            lambda: _module("side_by_side_terminal").TerminalColumnsView(columns, plain=kernel),
            lambda _: NullView(),
        )

    def html(why: str = "") -> View:
        notice = f"live widgets unavailable: {why}" if why else ""
        view: View = _import_after_request("side_by_side_live", ledger).HtmlColumnsView(
            columns, notice=notice
        )
        return view

    def live() -> View:
        module = _import_after_request("side_by_side_live", ledger)
        view: View = module.LiveColumnsView(columns, stop=stop, stop_hint=stop_hint)
        return view

    def static() -> View:
        view: View = _import_after_request("side_by_side_live", ledger).StaticColumnsView(columns)
        return view

    if display == "html":
        return _LazyView(html, lambda _: NullView())
    if display == "live" or allow_stdin:
        return _LazyView(live, html)
    return _LazyView(static, lambda _: NullView())
