"""The live view: an answer that grows in plain widgets, and leaves a static bundle in their place.

It decides what to send and when; what things look like is decided in ``page``.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from functools import cache
from typing import Final
from uuid import uuid4

from ..ledger import Ledger
from ..markdown import render
from . import page
from .html import HtmlView, publish
from .live_lane import LiveLane, ThinkingLane
from .snapshot import AnswerSnapshot
from .static import html_parts, write_bundle
from .status import elapsed_seconds
from .stylesheet import ANSWER_CSS, LIVE_CSS
from .truncate import Excerpt, truncation_notice
from .widgets import WidgetSet, check_version, has_formula, running_loop

__all__ = ["ALIVE", "LiveView"]

ALIVE: Final = 8  # finished widgets that a page opened in mid-stream can still show
_PAINT: Final = 0.1  # seconds between two paints, at least
_SLOWER: Final = 60_000  # characters of an answer after which it is twice that: a page takes longer, a reader sees the same
_DUTY: Final = 3.0  # a paint may take a quarter of the time
_STATUS: Final = 0.25  # seconds between two status lines, at least
# Seen where there are no widgets, and in a notebook that was saved in mid-answer and whose kernel is gone.
_WAITING: Final = (
    "The answer appears here when it is finished. Use --display html to see it while it grows. "
    "If it does not appear, the kernel ended first: %gemini last shows what was received."
)
_THOUGHTS: Final = 0.5  # the same for the thoughts, which are folded
_RATE: Final = 40  # messages a second, at most
_FLOW: Final = 400_000  # characters of HTML a second, at most: one endless table must not choke the page
_WIDGET: Final = "application/vnd.jupyter.widget-view+json"
_LIVE: Final = "gm-live"  # the root's class while the answer grows
_TOOLBAR: Final = "stop with ■ in the toolbar"

_finished: deque[WidgetSet] = deque()


@cache
def _preload_highlighter() -> None:
    """Load what the first code block needs (20 ms) while the model thinks, and not in mid-answer."""
    render("```python\n1\n```\n")


class LiveView:
    """Draws at most ten times a second, a long answer five times, and sends at most forty messages a second.

    The first picture is shown at once, the last one always. If the front end or ipywidgets fails, plain HTML goes
    on under the same display id.

    Args:
        ledger: the record.
        stop: what the Stop button does, or None where a click could not arrive in time. It is called on
            whichever thread the kernel uses for such messages and must only set a flag.
        clock: seconds, monotonic.

    Raises:
        ImportError: on creation, when ipywidgets is too old.
    """

    def __init__(
        self,
        ledger: Ledger,
        *,
        stop: Callable[[], None] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        check_version()
        self._ledger = ledger
        self._excerpts = Excerpt(ledger, "thoughts"), Excerpt(ledger, "answer")
        self._stop = stop
        self._clock = clock
        self._id = f"gemini-magic-{uuid4().hex}"
        self._displayed = False
        self._begun = 0.0
        self._next = self._next_status = self._next_thoughts = 0.0
        self._sent: deque[float] = deque()
        self._fallback: HtmlView | None = None
        self._closed = False

    def open(self) -> None:
        """Show the status line and the Stop button."""
        self._begun = self._clock() - elapsed_seconds(self._ledger)  # importing this took a while
        try:
            self._build()
        except Exception as problem:  # noqa: BLE001 - whatever a front end does, the answer must be seen
            self._fall_back(problem)

    def update(self, *, final: bool = False) -> None:
        """Show what is new if it is time for it; with ``final`` in any case."""
        if self._closed:
            return
        if self._fallback is None:
            try:
                self._paint(final=final)
            except Exception as problem:  # noqa: BLE001 - see open
                self._fall_back(problem)
        else:
            self._fallback.update(final=final)

    def close(self) -> None:
        """Put the static bundle in the widget's place; the widget keeps one child that shows the same."""
        if self._closed:
            return
        self._closed = True
        if self._fallback is None:
            try:
                self._finish()
            except Exception as problem:  # noqa: BLE001 - see open
                self._fall_back(problem)
        if self._fallback is not None:
            self._fallback.close()

    def _fall_back(self, problem: Exception) -> None:
        self._fallback = HtmlView(
            self._ledger,
            clock=self._clock,
            display_id=self._id if self._displayed else None,
            notice=f"live widgets unavailable: {type(problem).__name__}",
        )
        if not self._closed:
            self._fallback.open()

    def _build(self) -> None:
        widgets = self._widgets = WidgetSet()
        now = self._clock() - self._begun
        snapshot = AnswerSnapshot(self._ledger, now=now)
        self._status = widgets.html(self._status_html(snapshot))
        self._button = widgets.stop(self._stop) if self._stop else None
        bar = widgets.box([self._status, *([self._button] if self._button else [])], "gm-bar")
        self._thoughts = ThinkingLane(widgets, self._excerpts[0], self._ledger)
        self._answer = LiveLane(widgets, self._excerpts[1], "gm-answer", form=self._ledger.look.form)
        self._answer.prepare()
        self._loop = running_loop()
        style = widgets.html(f"<style>{ANSWER_CSS}{LIVE_CSS}</style>")
        parts = (style, bar, self._thoughts.box, self._answer.box)
        self._root = widgets.box(parts, "gemini-magic", _LIVE, "jp-RenderedHTMLCommon")
        view = {"version_major": 2, "version_minor": 0, "model_id": self._root.model_id}
        data = {
            _WIDGET: view,
            "text/html": page.root_html([page.bar_html(snapshot), f"<p>{_WAITING}</p>"]),
            "text/plain": f"{snapshot.status_line}\n{_WAITING}",
        }
        publish(data, self._id, update=False)
        self._displayed = True
        if not self._ledger.raw:
            _preload_highlighter()
        self._next_status = self._begun + now + _STATUS

    def _status_html(self, snapshot: AnswerSnapshot) -> str:
        running = snapshot.status == "running"
        said = (_TOOLBAR if self._stop is None else "", truncation_notice(*self._excerpts)) if running else ()
        return page.status_html(snapshot, notice=" · ".join(filter(None, said)))

    def _within_rate(self, now: float) -> bool:
        """Whether a paint fits into this second's messages."""
        while self._sent and self._sent[0] <= now - 1.0:
            self._sent.popleft()
        return len(self._sent) + self._answer.max_messages + self._thoughts.max_messages + 1 <= _RATE

    def _paint(self, *, final: bool) -> None:
        begun = self._clock()
        if not final and (begun < self._next or not self._within_rate(begun)):
            return
        sent, size = self._answer.paint()
        if final or begun >= self._next_thoughts:
            more, characters = self._thoughts.paint()
            sent, size = sent + more + self._thoughts.update_clock(begun - self._begun), size + characters
            self._next_thoughts = begun + _THOUGHTS
        if final or begun >= self._next_status:
            html = self._status_html(AnswerSnapshot(self._ledger, now=begun - self._begun))
            if html != self._status.value:
                self._status.value = html
                sent += 1
            self._next_status = begun + _STATUS
        self._sent.extend([begun] * sent)
        if size:
            ended = self._clock()
            pause = _PAINT if self._ledger.chars < _SLOWER else 2 * _PAINT
            self._next = max(begun + pause, ended + _DUTY * (ended - begun), begun + size / _FLOW)

    def _finish(self) -> None:
        answer, thoughts = (lane.pieces.finish() for lane in (self._answer, self._thoughts))
        snapshot = AnswerSnapshot(self._ledger)
        shown = html_parts(snapshot, answer=answer, thoughts=thoughts)
        publish(write_bundle(snapshot, parts=shown), self._id, update=self._displayed)
        widgets = self._widgets
        whole = f"{''.join(shown)}<style>{ANSWER_CSS}{LIVE_CSS}</style>"
        last = widgets.html(whole, math=has_formula(whole))
        with self._root.hold_sync():
            self._root.children = (last,)
            self._root.remove_class(_LIVE)
        widgets.close(self._root, last, loop=self._loop)
        _finished.append(widgets)
        while len(_finished) > ALIVE:
            _finished.popleft().close()
