"""Selects the view of a run over many rows, and keeps it up to date until the run ends.

An interrupt or a click on Stop lets the requests in flight end; a second one ends them.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from importlib import import_module
from typing import Any, Final

from ..errors import DisplayError, Interrupted, interrupts_wait
from ..options import DISPLAYS
from .row_display import DisplayedRun
from .row_progress import WatchedRun
from .row_text import interrupted_line
from .select import NullView, View, stop_hint
from .watch import has_user

__all__ = ["RowsWatcher", "check_display", "select_rows_view", "watch_rows"]

_TICK: Final = 0.09  # seconds; a longer wait would delay an interrupt


def select_rows_view(
    run: WatchedRun,
    *,
    display: str = "auto",
    shell: Any = None,
    attended: bool = True,
    stop: Callable[[], None] | None = None,
    hint: str = "",
    name: str = "run",
) -> View:
    """Select the view of a run for this place.

    Args:
        run: the run.
        display: ``auto``, ``live``, ``html`` or ``text``.
        shell: the IPython shell, or None outside IPython.
        attended: whether a user is at the page; otherwise the run is unattended, as in nbclient.
        stop: the action of the Stop button, where one can work; it must only set a flag.
        hint: how the run can be stopped where no button works.
        name: the name of the run's variable.

    Raises:
        DisplayError: as for :func:`check_display`.
    """
    check_display(display, shell)
    kernel = _has_kernel(shell)
    view: View
    if shell is None:
        view = _module("row_terminal").TerminalRowsView(run, out=sys.stderr, name=name, table=False)
    elif not kernel or display == "text":
        view = _module("row_terminal").TerminalRowsView(run, name=name)
    elif display == "html":
        view = _module("row_views").HtmlRowsView(run, name=name, notice=hint)
    elif not attended and display != "live":
        view = _module("row_views").UnattendedRowsView(run, name=name)
    else:
        view = _module("row_views").LiveRowsView(run, stop=stop, stop_hint=hint, name=name)
    return view


def check_display(display: str, shell: Any) -> None:
    """Check that a display can be used here, before anything is sent.

    Args:
        display: as for :func:`select_rows_view`.
        shell: the IPython shell, or None outside IPython.

    Raises:
        DisplayError: the display is unknown or not available in this place.
    """
    if display not in DISPLAYS:
        raise DisplayError(f"Unknown display: {display!r}.", remedy=f"Use one of {', '.join(DISPLAYS)}.")
    if display in ("live", "html") and not _has_kernel(shell):
        raise DisplayError(
            f"`--display {display}` needs a notebook.", remedy="Use `--display text`, or omit the option."
        )


def _has_kernel(shell: Any) -> bool:
    return getattr(shell, "kernel", None) is not None


def _module(name: str) -> Any:
    return import_module(f".{name}", __package__)


class RowsWatcher:
    """Keeps a view up to date, and stops the run when the user wants it to.

    Args:
        run: the run.
        view: its view.

    Attributes:
        interrupted: whether an interrupt has stopped the run.
    """

    def __init__(self, run: WatchedRun, view: View) -> None:
        self.run = run
        self.view = view
        self.interrupted = False
        self._clicks = 0
        self._interrupts = 0
        self._handled = 0
        self._stopping = False

    def click(self) -> None:
        """Count a click on the Stop button; the next :meth:`step` acts on it. It can be called on any thread."""
        self._clicks += 1

    def count_interrupt(self) -> None:
        """Count an interrupt; the next :meth:`step` acts on it. A signal handler can call it."""
        self._interrupts += 1

    def step(self) -> None:
        """Act on clicks and interrupts that were counted, and show what is new."""
        while self._handled < self._clicks:
            self._handled += 1
            self.run.stop(now=self._stopping)
            self._stopping = True
        while self._interrupts:
            self._interrupts -= 1
            self.interrupt()
        self.view.update()

    def interrupt(self) -> None:
        """Handle an interrupt of the user."""
        self.interrupted = True
        self.run.stop(now=self._stopping, interrupted=True)
        self._stopping = True
        self.view.update(final=True)

    def watch(self) -> None:
        """Wait on this thread until the run ends."""
        version = -1
        while not self.run.done:
            try:
                version = self.run.wait_change(version, _TICK)
                self.step()
            except KeyboardInterrupt:
                self.interrupt()

    def close(self, *, error_follows: bool = False) -> None:
        """Show the static table."""
        with interrupts_wait():
            self.view.close(error_follows=error_follows, interrupted=self.interrupted)

    def abandon(self) -> None:
        """End the run at once, because an error prevents that it is watched; the error is raised by the caller."""
        self.run.stop(now=True)
        self.view.close(error_follows=True)


def watch_rows(
    run: WatchedRun, *, shell: Any = None, attended: bool | None = None, show: bool | None = None
) -> None:
    """Show a run that was started from Python code until it ends.

    In IPython, the cell does not display the run a second time as its value.

    Args:
        run: the run.
        shell: the IPython shell, or None outside IPython.
        attended: as for :func:`select_rows_view`; found out by default.
        show: whether to show the progress; by default it is shown in IPython, and in a script if its standard error is a
            terminal.

    Raises:
        Interrupted: the user interrupted the run, which has ended.
    """
    if show is None:
        show = shell is not None or (sys.stderr is not None and sys.stderr.isatty())
    if attended is None:
        attended = shell is None or not _has_kernel(shell) or has_user(shell)
    view = select_rows_view(run, shell=shell, attended=attended, hint=stop_hint()) if show else NullView()
    watcher = RowsWatcher(run, view)
    try:
        view.open()
        watcher.watch()
    except BaseException:
        watcher.abandon()
        raise
    watcher.close(error_follows=watcher.interrupted or _is_refused(run))
    if watcher.interrupted:
        raise Interrupted(interrupted_line(run.progress))
    if show and shell is not None and isinstance(run, DisplayedRun):
        _skip_display_of_cell(shell, run)


def _is_refused(run: WatchedRun) -> bool:
    return isinstance(run, DisplayedRun) and run.refused


def _skip_display_of_cell(shell: Any, run: DisplayedRun) -> None:
    """Display nothing for a run that is the value of the cell that runs now."""

    def restore(*_: object) -> None:
        run.skip_next_display(skip=False)
        shell.events.unregister("post_run_cell", restore)

    run.skip_next_display()
    shell.events.register("post_run_cell", restore)
