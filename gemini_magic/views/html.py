"""Views without widgets: HTML that is replaced as a whole a few times a second, or shown once at the end."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, Final

from IPython.display import display

from ..ledger import Ledger
from . import page
from .answer_table import rows_notice
from .live_pieces import LivePieces
from .live_sections import LiveSections, leave_out_rest
from .outputs import AnswerOutput
from .snapshot import AnswerSnapshot
from .static import html_parts, partial_plain, write_bundle
from .status import elapsed_seconds, repetition_notice, wait_text
from .truncate import Excerpt, first_characters, truncation_notice, was_stopped

__all__ = ["HtmlView", "StaticView"]

_PAINT: Final = 0.25  # minimum seconds between two paints
_CLOCK: Final = 1.0  # seconds between two paints when only the elapsed time has changed
# Pause as a multiple of the duration of a paint: painting takes a fifth of the time at most.
_DUTY: Final = 4.0
# Seconds that a page needs to typeset one; it typesets all formulas again after each paint.
_FORMULA: Final = 0.0015


class HtmlView:
    """Shows the answer as HTML that is replaced at most four times a second, less often when a paint is slow.

    Args:
        ledger: the record.
        clock: seconds, monotonic.
        output: an existing output to take over; a new one is created when omitted.
        notice: a short text at the end of the status line while the answer is running.
        note: a sentence below the status line while the answer is running.
    """

    def __init__(
        self,
        ledger: Ledger,
        *,
        clock: Callable[[], float] = time.monotonic,
        output: AnswerOutput | None = None,
        notice: str = "",
        note: str = "",
    ) -> None:
        self._ledger = ledger
        self._clock = clock
        self._output = output or AnswerOutput(ledger)
        self._notice = notice
        self._note = note
        self._excerpts = Excerpt(ledger, "answer"), Excerpt(ledger, "thoughts")
        self._answer = LiveSections(ledger, self._excerpts[0], ledger.display.form)
        self._thoughts = LivePieces(self._excerpts[1])
        self._next = 0.0
        self._started = 0.0
        self._painted: tuple[int, str] | None = None
        self._closed = self._ended = False

    def open(self) -> None:
        """Paint for the first time."""
        self._started = self._clock() - elapsed_seconds(self._ledger)
        self._paint()

    def update(self, *, final: bool = False) -> None:
        """Paint if a quarter of a second has passed, or if ``final``.

        If only the elapsed time has changed, paint once a second.
        """
        if self._closed:
            return
        now = self._clock()
        rest = 0.0 if self._state(now) != self._painted else _CLOCK - _PAINT
        if final or now >= self._next + rest:
            self._paint(final=final)

    def close(self, *, error_follows: bool = False, interrupted: bool = False) -> None:
        """Replace the display by the static bundle."""
        if self._ended:
            return
        self._closed = True
        stopped = interrupted or was_stopped(self._ledger)
        shown = leave_out_rest(self._answer, self._thoughts, self._excerpts[1]) if stopped else {}
        snapshot = AnswerSnapshot(self._ledger, error_follows=error_follows, shown=shown, interrupted=stopped)
        answer, thoughts = (self._answer.finish(), self._thoughts.finish()) if stopped else (None, None)
        parts = html_parts(snapshot, answer=answer, thoughts=thoughts)
        data = write_bundle(snapshot, parts=parts)
        self._output.show(data, "final", error_follows=error_follows)
        self._ended = True

    def _state(self, now: float) -> tuple[int, str]:
        return self._ledger.version, wait_text(self._ledger, now - self._started)

    def _paint(self, *, final: bool = False) -> None:
        started = self._clock()
        snapshot, parts = self._parts(started, final=final)
        html = page.root_html([parts[0], page.note_html(self._note), *parts[1:]], partial=True)
        data = {"text/html": html, "text/plain": partial_plain(snapshot)}
        self._output.show(data, "partial", snapshot)
        finished = self._clock()
        typesetting = _FORMULA * html.count('class="mathjax_process tex2jax_process"')
        self._next = max(started + _PAINT, finished + _DUTY * (finished - started + typesetting))

    def _parts(self, started: float, *, final: bool) -> tuple[AnswerSnapshot, list[str]]:
        """Render what is new; returns the facts about the answer and the parts of its HTML."""
        self._painted = self._state(started)
        self._answer.step(lambda pieces: final or pieces.due(started))
        if final or self._thoughts.due(started):
            self._thoughts.step()
        snapshot = AnswerSnapshot(self._ledger, now=started - self._started)
        notices = (
            rows_notice(self._ledger),
            repetition_notice(self._ledger),
            self._notice,
            truncation_notice(*self._excerpts),
        )
        notice = " · ".join(filter(None, notices))
        parts = page.document(
            snapshot,
            self._answer.whole,
            self._thoughts.whole,
            form=self._ledger.display.form,
            notice=notice,
        )
        return snapshot, parts


class StaticView:
    """Displays the answer once at the end, for unattended runs (nbclient, papermill, ``jupyter execute``)."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._closed = False

    def open(self) -> None:
        """Do nothing: the answer is shown at the end."""

    def update(self, *, final: bool = False) -> None:
        """Do nothing: the answer is shown at the end."""

    def close(self, *, error_follows: bool = False, interrupted: bool = False) -> None:
        """Display the static bundle."""
        if self._closed:
            return
        stopped = interrupted or was_stopped(self._ledger)
        shown = first_characters(self._ledger) if stopped else None
        data = write_bundle(
            AnswerSnapshot(self._ledger, error_follows=error_follows, shown=shown, interrupted=stopped)
        )
        self._closed = True
        show: Any = display  # IPython has no types for this
        show(data, raw=True)
