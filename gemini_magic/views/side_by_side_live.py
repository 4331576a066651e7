"""Answers side by side while they arrive: live widgets, HTML that is replaced, or one display at the end.

Every column is a view of a single answer whose output is a part of the common output.
"""

from __future__ import annotations

import time
import weakref
from collections import deque
from collections.abc import Callable
from typing import Any, Final

from IPython.display import display

from ..ledger import Ledger
from . import page
from .html import HtmlView
from .live import LIVE, LIVE_STYLE, WIDGET, LiveView, replace_widgets, retire
from .outputs import STATE, PageOutput, State
from .side_by_side import (
    AnswerColumn,
    AnswerColumns,
    ColumnsSnapshot,
    columns_bundle,
    columns_parts,
    label_html,
    partial_columns_bundle,
    write_columns,
)
from .snapshot import AnswerSnapshot
from .status import elapsed_seconds
from .widgets import WidgetSet, check_version, running_loop

__all__ = ["HtmlColumnsView", "LiveColumnsView", "StaticColumnsView", "StopColumns"]

StopColumns = Callable[[int | None], None]
"""The action of the Stop buttons: stops the column with this place, or all of them. It must only set flags."""

_NO_OUTPUT: Any = object()  # of the view of a column, which the view of all columns displays
_STATUS: Final = 0.25  # minimum seconds between two common status lines
_PAINT: Final = 0.5  # minimum seconds between two paints of columns without widgets
_CLOCK: Final = 1.0  # seconds between two of them when only the elapsed time has changed
_DUTY: Final = 4.0  # pause as a multiple of the duration of such a paint
_AT_FULL_PACE: Final = 3  # columns that are painted as often as a single answer
_STOP_ALL: Final = "Stop all answers and keep what was received"
_PLACEHOLDER: Final = (
    "The answers appear here when they are finished. Use --display html to see them while they grow. "
    "If they do not appear, the kernel ended first: %gemini journal lists what was received."
)


class ColumnsOutput(PageOutput):
    """The output of answers side by side.

    Args:
        columns: the answers.
    """

    def __init__(self, columns: AnswerColumns) -> None:
        super().__init__()
        self._columns = weakref.ref(columns)

    def show(self, data: dict[str, Any], state: State, snapshot: ColumnsSnapshot | None = None) -> None:
        """Display a MIME bundle, or replace what the output shows.

        Args:
            data: the MIME bundle.
            state: how far the answers in it have come.
            snapshot: the facts about answers that have not ended.
        """
        self.publish(data, state, () if snapshot is None else snapshot.facts(STATE))

    def final_bundle(self) -> dict[str, Any] | None:
        """The bundle of the answers; None if their records do not exist any more."""
        columns = self._columns()
        return None if columns is None else columns_bundle(columns)


class _LiveColumn(LiveView):
    """The live view of one column; its root widget is a part of another one.

    Args:
        column: the column.
        sent: the times of the messages of the last second, which all columns share.
        pace: pauses between paints as a multiple of the usual ones.
        stop, stop_hint, clock: as for :class:`LiveView`.
    """

    def __init__(
        self,
        column: AnswerColumn,
        sent: deque[float],
        pace: float,
        *,
        stop: Callable[[], None] | None,
        stop_hint: str,
        clock: Callable[[], float],
    ) -> None:
        super().__init__(column.ledger, output=_NO_OUTPUT, stop=stop, stop_hint=stop_hint, clock=clock)
        self._column = column
        self._sent, self._pace = sent, pace
        self.written: tuple[AnswerSnapshot, list[str]] | None = None

    @property
    def ledger(self) -> Ledger:
        """The record of the answer."""
        return self._ledger

    @property
    def root(self) -> Any:
        """The root widget."""
        return self._root

    @property
    def widgets(self) -> WidgetSet:
        """The widgets of the column."""
        return self._widgets

    @property
    def pending(self) -> bool:
        """Whether text has arrived that is not rendered yet."""
        return any(pieces.pending for pieces in (self._answer.sections, self._thoughts.pieces))

    def partial(self) -> tuple[AnswerSnapshot, list[str]]:
        """The facts about the answer so far, and the parts of its HTML."""
        if self.written is not None:
            return self.written
        snapshot = AnswerSnapshot(self._ledger)
        html = self._answer.sections.whole, self._thoughts.pieces.whole
        parts = page.document(snapshot, *html, form=self._ledger.display.form)
        return snapshot, [*self._column.folded, *parts]

    def _display(self, parts: list[Any], snapshot: AnswerSnapshot) -> None:  # noqa: ARG002 - as in the base class
        head = self._widgets.html("".join((label_html(self._column.label), *self._column.folded)))
        self._root = self._widgets.box((head, *parts), "gm-column", LIVE)

    def _send_partial(self) -> None:
        """The view of all columns sends them together."""

    def _show_final(self, snapshot: AnswerSnapshot, parts: list[str], *, error_follows: bool) -> None:  # noqa: ARG002 - as in the base class
        shown = [*self._column.folded, *parts]
        self.written = snapshot, shown
        html = "".join((label_html(self._column.label), *shown))
        replace_widgets(self._widgets, self._root, html, self._loop)

    def _fall_back(self, problem: Exception) -> None:
        raise problem


class LiveColumnsView:
    """Shows answers in widgets side by side, and replaces them by the static bundle at the end.

    All columns together send at most forty messages a second. If the front end or ipywidgets fails, a
    :class:`HtmlColumnsView` continues under the same display id.

    Args:
        columns: the answers.
        stop: the action of the Stop buttons, or None where a click cannot be processed in time.
        stop_hint: how to stop the answers without a button, at the end of the status line while they are running.
        clock: seconds, monotonic.

    Raises:
        ImportError: ipywidgets is too old.
    """

    def __init__(
        self,
        columns: AnswerColumns,
        *,
        stop: StopColumns | None = None,
        stop_hint: str = "",
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        check_version()
        self._columns = columns
        self._stop_hint = stop_hint
        self._stop = stop
        self._clock = clock
        self._output = ColumnsOutput(columns)
        self._sent: deque[float] = deque()
        self._views = [self._view_of(place) for place in range(len(columns.columns))]
        self._ended = [False] * len(self._views)
        self._first = (
            0  # the view that is updated first: each in turn, because they share the number of messages
        )
        self._next_status = 0.0
        self._fallback: HtmlColumnsView | None = None
        self._closed = self._done = False  # whether no more is painted; whether the static bundle is shown

    def _view_of(self, place: int) -> _LiveColumn:
        """A view of the newest answer of a column."""
        columns, stop = self._columns.columns, self._stop
        pace = max(1.0, len(columns) / _AT_FULL_PACE)
        stop_one = None if stop is None else lambda: stop(place)
        return _LiveColumn(columns[place], self._sent, pace, stop=stop_one, stop_hint="", clock=self._clock)

    def _follow(self, place: int) -> None:
        """Show the next answer of a column in place of the one before, which is folded above it."""
        before, view = self._views[place], self._view_of(place)
        view.open()
        self._views[place], self._ended[place] = view, False
        self._grid.children = [each.root for each in self._views]
        before.widgets.close(loop=self._loop)

    def open(self) -> None:
        """Show the status lines and the Stop buttons."""
        try:
            self._build()
        except Exception as problem:  # noqa: BLE001 - the answers must be shown whatever fails
            self._fall_back(problem)

    def update(self, *, final: bool = False) -> None:
        """Paint what is new if the pause since the last paint is over, or if ``final``."""
        if self._closed:
            return
        if self._fallback is not None:
            self._fallback.update(final=final)
            return
        try:
            self._paint(final=final)
        except Exception as problem:  # noqa: BLE001 - as above
            self._fall_back(problem)

    def close(self, *, error_follows: bool = False, interrupted: bool = False) -> None:  # noqa: ARG002 - each column shows its error
        """Replace the widgets by the static bundle."""
        if self._done:
            return
        self._closed = True
        if self._fallback is None:
            try:
                self._finish(interrupted=interrupted)
            except Exception as problem:  # noqa: BLE001 - as above
                self._fall_back(problem)
        if self._fallback is not None:
            self._fallback.close(interrupted=interrupted)
        self._done = True

    def _fall_back(self, problem: Exception) -> None:
        notice = f"live widgets unavailable: {type(problem).__name__}"
        self._fallback = HtmlColumnsView(self._columns, clock=self._clock, output=self._output, notice=notice)
        if not self._closed:
            self._fallback.open()

    def _build(self) -> None:
        widgets = self._widgets = WidgetSet()
        self._loop = running_loop()
        for view in self._views:
            view.open()
        snapshot = ColumnsSnapshot(self._columns)
        self._status = widgets.html(snapshot.status_html(self._stop_hint))
        stop = self._stop
        button = [] if stop is None else [widgets.stop(lambda: stop(None), _STOP_ALL, "Stop all")]
        bar = widgets.box([self._status, *button], "gm-bar")
        self._grid = widgets.box([view.root for view in self._views], "gm-columns")
        parts = (widgets.html(LIVE_STYLE), bar, self._grid)
        self._root = widgets.box(parts, "gemini-magic", "gm-compare", LIVE, "jp-RenderedHTMLCommon")
        data = {
            WIDGET: {"version_major": 2, "version_minor": 0, "model_id": self._root.model_id},
            "text/html": page.root_html([snapshot.bar_html(), f"<p>{_PLACEHOLDER}</p>"], partial=True),
            "text/plain": f"{snapshot.status_line}\n{_PLACEHOLDER}",
        }
        self._output.show(data, "live", snapshot)

    def _paint(self, *, final: bool) -> None:
        started = self._clock()
        count = len(self._views)
        for step in range(count):
            place = (self._first + step) % count
            column = self._columns.columns[place]
            if self._views[place].ledger is not column.ledger:
                self._follow(place)
            if column.running:
                self._views[place].update(final=final)
            elif not self._ended[place]:
                self._ended[place] = True
                self._views[place].close()
        self._first = (self._first + 1) % count
        if final or started >= self._next_status:
            hint = self._stop_hint if self._columns.running else ""
            html = ColumnsSnapshot(self._columns).status_html(hint)
            if html != self._status.value:
                self._status.value = html
            self._next_status = started + _STATUS
        self._send_partial()

    def _send_partial(self) -> None:
        if not self._columns.running:
            return
        started = self._clock()
        version = None if any(view.pending for view in self._views) else self._columns.version
        if not self._output.partial_due(started, version):
            return
        snapshot = ColumnsSnapshot(self._columns)
        data = partial_columns_bundle(snapshot, [view.partial() for view in self._views])
        facts = snapshot.facts(STATE)
        self._output.publish_partial(data, facts, version, started=started, clock=self._clock)

    def _finish(self, *, interrupted: bool) -> None:
        for place, column in enumerate(self._columns.columns):
            if self._views[place].ledger is not column.ledger:
                self._follow(place)
        for view in self._views:
            view.close(interrupted=interrupted)
        answers = [view.partial() for view in self._views]
        parts = columns_parts(self._columns, answers)
        self._output.show(write_columns(self._columns, answers, parts), "final")
        replace_widgets(self._widgets, self._root, f"{''.join(parts)}{LIVE_STYLE}", self._loop)
        for view in self._views:
            view.widgets.close(loop=self._loop)
        retire(self._widgets)


class _HtmlColumn(HtmlView):
    """Renders the newest answer of a column, below those before, without showing it.

    Args:
        column: the column.
        clock: seconds, monotonic.
    """

    def __init__(self, column: AnswerColumn, clock: Callable[[], float]) -> None:
        super().__init__(column.ledger, clock=clock, output=_NO_OUTPUT)
        self._column = column

    @property
    def is_newest(self) -> bool:
        """Whether no other answer of the column has followed."""
        return self._ledger is self._column.ledger

    def render(self, now: float, *, final: bool) -> tuple[AnswerSnapshot, list[str]]:
        """Render what is new at a time; returns the facts about the answer and the parts of its HTML."""
        self._started = now - elapsed_seconds(self._ledger)
        snapshot, parts = self._parts(now, final=final)
        return snapshot, [*self._column.folded, *parts]


class HtmlColumnsView:
    """Shows answers side by side as HTML that is replaced at most twice a second, less often when a paint is slow.

    Args:
        columns: the answers.
        clock: seconds, monotonic.
        output: an existing output to take over; a new one is created when omitted.
        notice: a short text at the end of the status line while the answers are running.
    """

    def __init__(
        self,
        columns: AnswerColumns,
        *,
        clock: Callable[[], float] = time.monotonic,
        output: ColumnsOutput | None = None,
        notice: str = "",
    ) -> None:
        self._columns = columns
        self._clock = clock
        self._output = output or ColumnsOutput(columns)
        self._notice = notice
        self._views = [_HtmlColumn(each, clock) for each in columns.columns]
        self._next = 0.0
        self._painted = -1
        self._closed = False

    def open(self) -> None:
        """Paint for the first time."""
        self._paint(final=False)

    def update(self, *, final: bool = False) -> None:
        """Paint if the pause since the last paint is over and something has changed, or if ``final``."""
        if self._closed:
            return
        rest = 0.0 if self._columns.version != self._painted else _CLOCK - _PAINT
        if final or self._clock() >= self._next + rest:
            self._paint(final=final)

    def close(self, *, error_follows: bool = False, interrupted: bool = False) -> None:  # noqa: ARG002 - as in LiveColumnsView
        """Replace the display by the static bundle."""
        if self._closed:
            return
        self._output.show(columns_bundle(self._columns, interrupted=interrupted), "final")
        self._closed = True

    def _paint(self, *, final: bool) -> None:
        started = self._clock()
        self._painted = self._columns.version
        snapshot = ColumnsSnapshot(self._columns)
        for place, column in enumerate(self._columns.columns):
            if not self._views[place].is_newest:
                self._views[place] = _HtmlColumn(column, self._clock)
        answers = [view.render(started, final=final) for view in self._views]
        self._output.show(partial_columns_bundle(snapshot, answers, self._notice), "partial", snapshot)
        ended = self._clock()
        self._next = max(started + _PAINT, ended + _DUTY * (ended - started))


class StaticColumnsView:
    """Displays the answers once at the end, for unattended runs (nbclient, papermill, ``jupyter execute``)."""

    def __init__(self, columns: AnswerColumns) -> None:
        self._columns = columns
        self._closed = False

    def open(self) -> None:
        """Do nothing: the answers are shown at the end."""

    def update(self, *, final: bool = False) -> None:
        """Do nothing: the answers are shown at the end."""

    def close(self, *, error_follows: bool = False, interrupted: bool = False) -> None:  # noqa: ARG002 - as in LiveColumnsView
        """Display the static bundle."""
        if self._closed:
            return
        data = columns_bundle(self._columns, interrupted=interrupted)
        self._closed = True
        show: Any = display  # IPython has no types for this
        show(data, raw=True)
