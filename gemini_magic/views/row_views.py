"""Shows a run over many rows in a notebook: live in widgets, as HTML that is replaced, or in few lines for an unattended run.

At the end the static table takes the place of all of them. A view holds no rows: it paints what the progress contains.
"""

from __future__ import annotations

import sys
import time
import weakref
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any, Final

from IPython.display import display

from .encoding import write_text
from .outputs import STATE, PageOutput
from .page import root_html
from .row_progress import ProgressSource, RowProgress
from .row_static import partial_rows_bundle, rows_bar_html, rows_bundle, rows_failures_html
from .row_table import RowTable
from .row_text import SparseLines, percent_done, rows_facts, rows_line
from .stylesheet import ANSWER_CSS, LIVE_CSS
from .widgets import WidgetSet, check_version, running_loop

__all__ = [
    "HtmlRowsView",
    "LiveRowsView",
    "ProgressSource",
    "RowsOutput",
    "SparseLines",
    "UnattendedRowsView",
]

_PAINT: Final = 0.25  # minimum seconds between two paints: four updates a second
_CLOCK: Final = 1.0  # seconds between two paints when only times have changed
_DUTY: Final = 4.0  # pause as a multiple of the duration of a paint
_LIVE_ROWS: Final = 8
_ALIVE: Final = 8  # finished views whose widgets are kept, for a page that was opened during the run
_WIDGET: Final = "application/vnd.jupyter.widget-view+json"
_LIVE: Final = "gm-live"
_PLACEHOLDER: Final = (
    "The table appears here when the run has ended. If it does not appear, the kernel ended first: the same cell continues the run "
    "if it has a store."
)

_finished: deque[WidgetSet] = deque()

_ENDS: Final = {
    "restart": ("the kernel was restarted", "The kernel ended before the run did: it was restarted."),
    "crash": ("the kernel crashed", "The kernel ended before the run did: it crashed or was killed."),
    "shutdown": ("the kernel was shut down", "The kernel ended before the run did: it was shut down."),
    "unknown": ("the kernel ended", "The kernel ended before the run did."),
}
_STORED: Final = "Every answer is stored: the same cell continues, and asks nothing again that is done."
_NOT_STORED: Final = "The run had no store, so its answers are lost. `store=` keeps them."


class RowsOutput(PageOutput):
    """The output of a run.

    Args:
        run: the run.
        name: the name of its variable.
    """

    ends: Mapping[str, tuple[str, str]] = _ENDS

    def __init__(self, run: ProgressSource, name: str) -> None:
        super().__init__()
        self._run = weakref.ref(run)
        self._name = name
        self.remedy = _STORED if run.progress.store else _NOT_STORED

    def final_bundle(self) -> dict[str, Any] | None:
        """The bundle of the run; None if the run does not exist any more."""
        run = self._run()
        return None if run is None else rows_bundle(run.progress, name=self._name)


def _cut_facts(progress: RowProgress) -> list[str]:
    """The status line if the kernel ends now: the first fact says why."""
    return [STATE, *rows_facts(progress)]


def _progress_bar(progress: RowProgress) -> str:
    """A bar with the rows that were answered before, those of this run, and those that failed."""
    share = percent_done(progress)
    total = progress.total or 0
    unasked = sum(progress.unasked.values())
    complete = progress.counts.get("complete", 0)
    parts = (("gm-before", unasked), ("gm-good", complete), ("gm-bad", progress.asked - complete))
    filled = "".join(
        f'<span class="{name}" style="width:{100 * count / total:.2f}%"></span>'
        for name, count in parts
        if count and total
    )
    value = "" if share is None else f' aria-valuenow="{share}"'
    return (
        '<div class="gm-progress" role="progressbar" aria-label="Rows" aria-valuemin="0" '
        f'aria-valuemax="100"{value}>{filled}</div>'
    )


class LiveRowsView:
    """Paints at most four times a second: the status line, a bar, the newest rows, and the reasons of failures.

    Each is sent only if it has changed. If the front end or ipywidgets fails, an :class:`HtmlRowsView` continues under the same
    display id.

    Args:
        run: the run.
        stop: the action of the Stop button, or None where a click cannot be processed in time. It is called on the thread on
            which the kernel handles widget messages, and must only set a flag.
        stop_hint: how to stop the run without a button.
        name: the name of the run's variable.
        clock: seconds, monotonic.
    """

    def __init__(
        self,
        run: ProgressSource,
        *,
        stop: Callable[[], None] | None = None,
        stop_hint: str = "",
        name: str = "run",
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._run = run
        self._stop = stop
        self._stop_hint = stop_hint
        self._name = name
        self._clock = clock
        self._output = RowsOutput(run, name)
        self._painted: tuple[int, str] = (-1, "")
        self._next = self._next_clock = 0.0
        self._table_rows: object = None
        self._fallback: HtmlRowsView | None = None
        self._ended = False

    def open(self) -> None:
        """Show the status line, the bar and the Stop button."""
        try:
            check_version()
            self._build(self._run.progress)
        except Exception as problem:  # noqa: BLE001 - the run must be shown whatever fails
            self._fall_back(problem)

    def update(self, *, final: bool = False) -> None:
        """Paint what is new if the pause since the last paint is over, or if ``final``."""
        if self._ended:
            return
        if self._fallback is not None:
            self._fallback.update(final=final)
            return
        started = self._clock()
        if not final and started < self._next:
            return
        progress = self._run.progress
        try:
            if final or progress.version != self._painted[0] or started >= self._next_clock:
                self._paint(progress)
                ended = self._clock()
                self._next_clock = started + _CLOCK
                self._next = max(started + _PAINT, ended + _DUTY * (ended - started))
            self._send_partial(progress)
        except Exception as problem:  # noqa: BLE001 - see open
            self._fall_back(problem)

    def close(self, *, error_follows: bool = False, interrupted: bool = False) -> None:
        """Replace the widgets by the static bundle; the root widget keeps one child that shows the same HTML."""
        if self._ended:
            return
        self._ended = True
        if self._fallback is not None:
            self._fallback.close(error_follows=error_follows, interrupted=interrupted)
            return
        data = rows_bundle(self._run.progress, name=self._name, error_follows=error_follows)
        self._output.publish(data, "final")
        widgets = self._widgets
        last = widgets.html(f"{data['text/html']}<style>{ANSWER_CSS}{LIVE_CSS}</style>")
        with self._root.hold_sync():
            self._root.children = (last,)
            self._root.remove_class(_LIVE)
        widgets.close(self._root, last, loop=self._loop)
        _finished.append(widgets)
        while len(_finished) > _ALIVE:
            _finished.popleft().close()

    def _fall_back(self, problem: Exception) -> None:
        notice = f"live widgets unavailable: {type(problem).__name__}"
        self._fallback = HtmlRowsView(
            self._run, output=self._output, notice=notice, name=self._name, clock=self._clock
        )
        self._fallback.open()

    def _build(self, progress: RowProgress) -> None:
        widgets = self._widgets = WidgetSet()
        self._loop = running_loop()
        self._status = widgets.html(self._status_html(progress))
        self._button = (
            widgets.stop(self._stop, "Stop this run; what was answered is kept") if self._stop else None
        )
        bar = widgets.box([self._status, *([self._button] if self._button else [])], "gm-bar")
        self._bar = widgets.html(_progress_bar(progress))
        self._table = widgets.html("")
        self._failures = widgets.html("")
        style = widgets.html(f"<style>{ANSWER_CSS}{LIVE_CSS}</style>")
        rows = widgets.box([self._table], "gm-answer", "gm-as-table")
        parts = (style, bar, self._bar, rows, self._failures)
        self._root = widgets.box(parts, "gemini-magic", _LIVE, "jp-RenderedHTMLCommon")
        view = {"version_major": 2, "version_minor": 0, "model_id": self._root.model_id}
        status = f'<div class="gm-bar">{rows_bar_html(progress)}</div>'
        data = {
            _WIDGET: view,
            "text/html": root_html([status, f"<p>{_PLACEHOLDER}</p>"], partial=True),
            "text/plain": f"{rows_line(progress)}\n{_PLACEHOLDER}",
        }
        self._output.publish(data, "live", _cut_facts(progress))

    def _status_html(self, progress: RowProgress) -> str:
        return rows_bar_html(progress, notice=self._stop_hint)

    def _paint(self, progress: RowProgress) -> None:
        self._painted = (progress.version, progress.state)
        self._change(self._status, self._status_html(progress))
        self._change(self._bar, _progress_bar(progress))
        rows = progress.rows[:_LIVE_ROWS]
        if rows and rows != self._table_rows:
            self._table_rows = rows
            self._change(self._table, RowTable(progress, foldable=False).live_html(rows))
        self._change(self._failures, rows_failures_html(progress, live=True))
        if self._button is not None and progress.state == "stopping" and self._button.description == "Stop":
            self._button.description = "Stop now"
            self._button.tooltip = "End the requests in flight at once"

    @staticmethod
    def _change(widget: Any, html: str) -> None:
        if widget.value != html:
            widget.value = html

    def _send_partial(self, progress: RowProgress) -> None:
        """Send the progress as static HTML, which the labextension saves if the run does not end in time."""
        started = self._clock()
        if progress.ended or not self._output.partial_due(started, progress.version):
            return
        data = partial_rows_bundle(progress)
        facts = _cut_facts(progress)
        self._output.publish_partial(data, facts, progress.version, started=started, clock=self._clock)


class HtmlRowsView:
    """Shows the run as HTML that is replaced at most four times a second, less often when a paint is slow.

    Args:
        run: the run.
        output: an existing output to take over; a new one is created when omitted.
        notice: a short text at the end of the status line while the run goes on.
        name: the name of the run's variable.
        clock: seconds, monotonic.
    """

    def __init__(
        self,
        run: ProgressSource,
        *,
        output: RowsOutput | None = None,
        notice: str = "",
        name: str = "run",
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._run = run
        self._output = output or RowsOutput(run, name)
        self._notice = notice
        self._name = name
        self._clock = clock
        self._version = -1
        self._next = self._next_clock = 0.0
        self._ended = False

    def open(self) -> None:
        """Paint for the first time."""
        self._paint(self._run.progress)

    def update(self, *, final: bool = False) -> None:
        """Paint if something is new and the pause is over, or if ``final``."""
        now = self._clock()
        if self._ended or (not final and now < self._next):
            return
        progress = self._run.progress
        if final or progress.version != self._version or now >= self._next_clock:
            self._paint(progress)

    def close(self, *, error_follows: bool = False, interrupted: bool = False) -> None:  # noqa: ARG002 - see View
        """Replace the display by the static bundle."""
        if not self._ended:
            self._ended = True
            data = rows_bundle(self._run.progress, name=self._name, error_follows=error_follows)
            self._output.publish(data, "final")

    def _paint(self, progress: RowProgress) -> None:
        started = self._clock()
        self._version = progress.version
        data = partial_rows_bundle(progress, notice=self._notice, live=True)
        self._output.publish(data, "partial", _cut_facts(progress))
        ended = self._clock()
        self._next_clock = started + _CLOCK
        self._next = max(started + _PAINT, ended + _DUTY * (ended - started))


class UnattendedRowsView:
    """Prints few lines, and displays the static bundle at the end, for nbclient, papermill and ``jupyter execute``.

    Args:
        run: the run.
        name: the name of the run's variable.
        clock: seconds, monotonic.
    """

    def __init__(
        self, run: ProgressSource, *, name: str = "run", clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._run = run
        self._name = name
        self._lines = SparseLines(clock)
        self._ended = False

    def open(self) -> None:
        """Print the first line."""
        self.update()

    def update(self, *, final: bool = False) -> None:  # noqa: ARG002 - see View
        """Print a line if one is due."""
        progress = self._run.progress
        if not self._ended and not progress.ended and self._lines.due(progress):
            write_text(sys.stdout, f"{rows_line(progress)}\n")
            sys.stdout.flush()

    def close(self, *, error_follows: bool = False, interrupted: bool = False) -> None:  # noqa: ARG002 - see View
        """Display the static bundle."""
        if self._ended:
            return
        self._ended = True
        show: Any = display  # IPython has no types for this
        show(rows_bundle(self._run.progress, name=self._name, error_follows=error_follows), raw=True)
