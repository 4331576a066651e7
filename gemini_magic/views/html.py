"""Views without widgets: HTML that is replaced as a whole now and then, or shown once at the end.

They know IPython's display messages, and nothing of ipywidgets.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, Final
from uuid import uuid4

from IPython.display import display, update_display

from ..ledger import Ledger
from . import page
from .live_pieces import LivePieces
from .snapshot import AnswerSnapshot
from .static import bundle
from .status import elapsed_seconds, wait_text
from .truncate import Excerpt, truncation_notice

__all__ = ["HtmlView", "StaticView", "publish"]

_PAINT: Final = 0.25  # seconds between two pictures, at least
_CLOCK: Final = 1.0  # seconds, when nothing has changed but the time
_DUTY: Final = 4.0  # a picture may take a fifth of the time
_FORMULA: Final = 0.0015  # seconds a page takes for one; it typesets all of them in each picture


def publish(data: dict[str, Any], display_id: str | None = None, *, update: bool = False) -> None:
    """Show a MIME bundle (under a display id), or replace what is shown there."""
    show: Any = update_display if update else display  # IPython has no types for them
    show(data, raw=True, display_id=display_id)


class HtmlView:
    """The answer as HTML, replaced at most four times a second, less often when a picture is slow to make.

    Args:
        ledger: the record.
        clock: seconds, monotonic.
        display_id: an existing display to take over; a new one when left out.
        notice: a few words for the status line while it runs.
    """

    def __init__(
        self,
        ledger: Ledger,
        *,
        clock: Callable[[], float] = time.monotonic,
        display_id: str | None = None,
        notice: str = "",
    ) -> None:
        self._ledger = ledger
        self._clock = clock
        self._id = display_id or f"gemini-magic-{uuid4().hex}"
        self._exists = display_id is not None
        self._notice = notice
        self._excerpts = Excerpt(ledger, "answer"), Excerpt(ledger, "thoughts")
        self._answer = LivePieces(self._excerpts[0], ledger.look.form)
        self._thoughts = LivePieces(self._excerpts[1])
        self._next = 0.0
        self._begun = 0.0
        self._drawn: tuple[int, str] | None = None
        self._closed = False

    def open(self) -> None:
        """Show the first picture."""
        self._begun = self._clock() - elapsed_seconds(self._ledger)
        self._paint()

    def update(self, *, final: bool = False) -> None:
        """Show what is new if a quarter of a second has passed, or if ``final``; the time alone once a second."""
        if self._closed:
            return
        now = self._clock()
        rest = 0.0 if self._state(now) != self._drawn else _CLOCK - _PAINT
        if final or now >= self._next + rest:
            self._paint()

    def close(self) -> None:
        """Leave the static bundle."""
        if self._closed:
            return
        self._closed = True
        publish(bundle(self._ledger), self._id, update=self._exists)

    def _state(self, now: float) -> tuple[int, str]:
        return self._ledger.version, wait_text(self._ledger, now - self._begun)

    def _paint(self) -> None:
        begun = self._clock()
        self._drawn = self._state(begun)
        self._answer.step()
        self._thoughts.step()
        snapshot = AnswerSnapshot(self._ledger, now=begun - self._begun)
        told = " · ".join(filter(None, (self._notice, truncation_notice(*self._excerpts))))
        shown = page.document(
            snapshot,
            self._answer.whole,
            self._thoughts.whole,
            form=self._ledger.look.form,
            notice=told,
        )
        html = page.root_html(shown)
        data = {"text/html": html, "text/plain": snapshot.status_line}
        publish(data, self._id, update=self._exists)
        self._exists = True
        ended = self._clock()
        typesetting = _FORMULA * html.count('class="mathjax_process"')
        self._next = max(begun + _PAINT, ended + _DUTY * (ended - begun + typesetting))


class StaticView:
    """One display at the end, for runs nobody watches (nbclient, papermill, ``jupyter execute``)."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._closed = False

    def open(self) -> None:
        """Nothing is shown yet."""

    def update(self, *, final: bool = False) -> None:
        """Nothing is shown yet."""

    def close(self) -> None:
        """Show the static bundle."""
        if self._closed:
            return
        self._closed = True
        publish(bundle(self._ledger))
