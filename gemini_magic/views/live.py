"""The live view: shows a growing answer in widgets and replaces them by the static bundle at the end.

This module decides what to send and when. ``page`` decides what the HTML looks like.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable
from functools import cache
from typing import Any, Final

from ..ledger import Ledger
from ..markdown import render
from . import page
from .answer_lane import AnswerLane
from .answer_table import rows_notice
from .html import HtmlView
from .live_lane import ThinkingLane
from .live_sections import leave_out_rest
from .outputs import AnswerOutput
from .snapshot import AnswerSnapshot
from .static import html_parts, partial_bundle, write_bundle
from .status import elapsed_seconds, repetition_notice, toolbar_hint
from .stylesheet import ANSWER_CSS, LIVE_CSS
from .truncate import Excerpt, TruncatedText, truncation_notice, was_stopped
from .widgets import WidgetSet, check_version, has_formula, running_loop

__all__ = ["ALIVE", "LIVE", "LIVE_STYLE", "WIDGET", "LiveView", "replace_widgets", "retire"]

# Finished views whose widgets are kept, for a page that was opened while the answer was streaming.
ALIVE: Final = 8
_PAINT: Final = 0.1  # minimum seconds between two paints
# Characters of an answer after which the pause is doubled: the page needs more time to lay it out.
_LONG_ANSWER: Final = 60_000
# Pause as a multiple of the duration of a paint: painting takes a quarter of the time at most.
_DUTY: Final = 3.0
_STATUS: Final = 0.25  # minimum seconds between two status lines
# Shown by front ends without widgets, and in a notebook that was saved while the answer was streaming.
_PLACEHOLDER: Final = (
    "The answer appears here when it is finished. Use --display html to see it while it grows. "
    "If it does not appear, the kernel ended first: %gemini last shows what was received."
)
_THOUGHTS: Final = 0.5  # minimum seconds between two paints of the thoughts, which are folded
_RATE: Final = 40  # maximum messages a second
_FLOW: Final = 400_000  # maximum characters of HTML a second: one endless table must not block the page
WIDGET: Final = "application/vnd.jupyter.widget-view+json"
LIVE_STYLE: Final = f"<style>{ANSWER_CSS}{LIVE_CSS}</style>"
LIVE: Final = "gm-live"  # class of the root element while the answer is running

_finished: deque[WidgetSet] = deque()


@cache
def _preload_highlighter() -> None:
    """Import what the first code block needs (20 ms) before the answer begins."""
    render("```python\n1\n```\n")


class LiveView:
    """Paints at most ten times a second, a long answer five times, and sends at most forty messages a second.

    The first text is painted at once, and the last paint is never skipped. If the front end or ipywidgets fails, an
    :class:`HtmlView` continues under the same display id.

    Args:
        ledger: the record.
        output: the output to show it in; a new one is created when omitted.
        stop: the action of the Stop button, or None where a click cannot be processed in time. It is called on the
            thread on which the kernel handles widget messages, and must only set a flag.
        stop_hint: how to stop the answer without a button, at the end of the status line while it is running.
        note: a sentence below the status line while the answer is running.
        clock: seconds, monotonic.

    Raises:
        ImportError: ipywidgets is too old.
    """

    def __init__(
        self,
        ledger: Ledger,
        *,
        output: AnswerOutput | None = None,
        stop: Callable[[], None] | None = None,
        stop_hint: str = "",
        note: str = "",
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        check_version()
        self._ledger = ledger
        self._excerpts = Excerpt(ledger, "thoughts"), Excerpt(ledger, "answer")
        self._stop = stop
        self._stop_hint = stop_hint
        self._note = note
        self._clock = clock
        self._output = output or AnswerOutput(ledger)
        self._version = -1  # of the ledger at the last paint
        self._started = 0.0
        self._next = self._next_status = self._next_thoughts = 0.0
        self._sent: deque[float] = deque()
        self._pace = 1.0  # pauses between paints as a multiple of the usual ones
        self._fallback: HtmlView | None = None
        self._closed = self._ended = False

    def open(self) -> None:
        """Show the status line and the Stop button."""
        self._started = self._clock() - elapsed_seconds(
            self._ledger
        )  # the import of this module has taken some time
        try:
            self._build()
        except Exception as problem:  # noqa: BLE001 - the answer must be shown whatever fails
            self._fall_back(problem)

    def update(self, *, final: bool = False) -> None:
        """Paint what is new if the pause since the last paint is over, or if ``final``."""
        if self._closed:
            return
        if self._fallback is None:
            try:
                self._paint(final=final)
                self._send_partial()
            except Exception as problem:  # noqa: BLE001 - see open
                self._fall_back(problem)
        else:
            self._fallback.update(final=final)

    def close(self, *, error_follows: bool = False, interrupted: bool = False) -> None:
        """Replace the widgets by the static bundle; the root widget keeps one child that shows the same HTML."""
        if self._ended:
            return
        self._closed = True
        if self._fallback is None:
            try:
                self._finish(error_follows=error_follows, interrupted=interrupted)
            except Exception as problem:  # noqa: BLE001 - see open
                self._fall_back(problem)
        if self._fallback is not None:
            self._fallback.close(error_follows=error_follows, interrupted=interrupted)
        self._ended = True

    def _fall_back(self, problem: Exception) -> None:
        self._fallback = HtmlView(
            self._ledger,
            clock=self._clock,
            output=self._output,
            notice=f"live widgets unavailable: {type(problem).__name__}",
            note=self._note,
        )
        if not self._closed:
            self._fallback.open()

    def _build(self) -> None:
        widgets = self._widgets = WidgetSet()
        now = self._clock() - self._started
        snapshot = AnswerSnapshot(self._ledger, now=now)
        self._status = widgets.html(self._status_html(snapshot))
        self._button = widgets.stop(self._stop) if self._stop else None
        bar = widgets.box([self._status, *([self._button] if self._button else [])], "gm-bar")
        self._thoughts = ThinkingLane(widgets, self._excerpts[0], self._ledger)
        self._answer = AnswerLane(widgets, self._excerpts[1], self._ledger)
        self._answer.prepare()
        self._loop = running_loop()
        note = [widgets.html(page.note_html(self._note))] if self._note else []
        self._display([bar, *note, self._thoughts.box, self._answer.box], snapshot)
        if not self._ledger.raw:
            _preload_highlighter()
        self._next_status = self._started + now + _STATUS

    def _display(self, parts: list[Any], snapshot: AnswerSnapshot) -> None:
        """Put the parts into the root widget and display it."""
        style = self._widgets.html(LIVE_STYLE)
        self._root = self._widgets.box((style, *parts), "gemini-magic", LIVE, "jp-RenderedHTMLCommon")
        view = {"version_major": 2, "version_minor": 0, "model_id": self._root.model_id}
        data = {
            WIDGET: view,
            "text/html": page.root_html([page.bar_html(snapshot), f"<p>{_PLACEHOLDER}</p>"], partial=True),
            "text/plain": f"{snapshot.status_line}\n{_PLACEHOLDER}",
        }
        self._output.show(data, "live", snapshot)

    def _status_html(self, snapshot: AnswerSnapshot) -> str:
        running = snapshot.status == "running"
        excerpts = truncation_notice(*self._excerpts)
        stop = self._stop_hint or toolbar_hint(self._ledger)
        facts = (rows_notice(self._ledger), repetition_notice(self._ledger), stop, excerpts)
        notices = facts if running else ()
        return page.status_html(snapshot, notice=" · ".join(filter(None, notices)))

    def _within_rate(self, now: float) -> bool:
        """Whether the messages of one paint are within this second's limit."""
        while self._sent and self._sent[0] <= now - 1.0:
            self._sent.popleft()
        return len(self._sent) + self._answer.max_messages + self._thoughts.max_messages + 1 <= _RATE

    def _paint(self, *, final: bool) -> None:
        started = self._clock()
        if not final and (started < self._next or not self._within_rate(started)):
            return
        self._version = self._ledger.version
        sent, size = self._answer.paint(started, final=final)
        if final or started >= self._next_thoughts:
            more, characters = self._thoughts.paint(started, final=final)
            sent, size = sent + more + self._thoughts.update_clock(started - self._started), size + characters
            self._next_thoughts = started + _THOUGHTS
        if final or started >= self._next_status:
            html = self._status_html(AnswerSnapshot(self._ledger, now=started - self._started))
            if html != self._status.value:
                self._status.value = html
                sent += 1
            self._next_status = started + _STATUS * self._pace
        self._sent.extend([started] * sent)
        if size:
            ended = self._clock()
            pause = _PAINT if self._ledger.chars < _LONG_ANSWER else 2 * _PAINT
            self._next = max(
                started + pause * self._pace, ended + _DUTY * (ended - started), started + size / _FLOW
            )

    def _send_partial(self) -> None:
        """Send what was painted as static HTML, which the labextension saves if the answer does not end in time."""
        if self._ledger.status != "running":
            return
        started = self._clock()
        lanes = self._answer.sections, self._thoughts.pieces
        version = None if any(pieces.pending for pieces in lanes) else self._version
        if not self._output.partial_due(started, version):
            return
        snapshot = AnswerSnapshot(self._ledger, now=started - self._started)
        data = partial_bundle(snapshot, *(pieces.whole for pieces in lanes))
        self._output.send_partial(data, snapshot, version, started=started, clock=self._clock)

    def _finish(self, *, error_follows: bool, interrupted: bool) -> None:
        shown: dict[str, TruncatedText] = {}
        stopped = interrupted or was_stopped(self._ledger)
        if stopped:
            shown = leave_out_rest(self._answer.sections, self._thoughts.pieces, self._excerpts[0])
        answer, thoughts = self._answer.sections.finish(), self._thoughts.pieces.finish()
        snapshot = AnswerSnapshot(self._ledger, error_follows=error_follows, shown=shown, interrupted=stopped)
        parts_html = html_parts(snapshot, answer=answer, thoughts=thoughts)
        self._show_final(snapshot, parts_html, error_follows=error_follows)

    def _show_final(self, snapshot: AnswerSnapshot, parts: list[str], *, error_follows: bool) -> None:
        """Replace the output by the static bundle, and the widgets by one that shows the same HTML."""
        self._output.show(write_bundle(snapshot, parts=parts), "final", error_follows=error_follows)
        replace_widgets(self._widgets, self._root, f"{''.join(parts)}{LIVE_STYLE}", self._loop)
        retire(self._widgets)


def replace_widgets(widgets: WidgetSet, root: Any, html: str, loop: asyncio.AbstractEventLoop | None) -> None:
    """Replace the children of the root widget by one that shows HTML, and close them."""
    last = widgets.html(html, math=has_formula(html))
    with root.hold_sync():
        root.children = (last,)
        root.remove_class(LIVE)
    widgets.close(root, last, loop=loop)


def retire(widgets: WidgetSet) -> None:
    """Keep the widgets of a finished view for a page that was loaded late; close those of the oldest one."""
    _finished.append(widgets)
    while len(_finished) > ALIVE:
        _finished.popleft().close()
