"""The sections of a growing answer: each stretch of text is rendered into its own pieces, and other items lie between them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypeAlias

from ..content import Call
from ..ledger import AnswerItem, CallItem, Ledger, MediaItem, TextStretch, ToolRun
from ..markdown import Images
from .answer_table_live import LiveTable
from .item_html import MediaBudget, item_html
from .live_pieces import LivePieces, Pieces
from .sections import ONE_DOCUMENT, GrowingAnswer, calls_are_run
from .status import elapsed_seconds
from .tool_blocks import run_clock
from .truncate import AFTER_STOP, MAX_HTML, Excerpt, TruncatedText

__all__ = ["LiveSections", "LiveText", "leave_out_rest"]

_PARTIAL_SIZE: Final = 0.3  # megabytes of media in the HTML of an answer that is replaced about once a second
_PARTIAL_DETAILS: Final = 10_000  # characters of the arguments and results of server tools in it
_ABSENT: Final = "is shown when the answer is complete"


class LiveText:
    """A stretch of the text of a growing answer.

    Attributes:
        start: characters of the answer's text before it.
        pieces: its HTML.
    """

    def __init__(self, start: int, images: Images, ledger: Ledger) -> None:
        form = ledger.display.form
        self.start = start
        self.length = 0
        self.closed = False
        self._source: list[str] = []
        self.pieces: Pieces = (
            LiveTable(ledger, self._source) if form == "table" else LivePieces(self._source, form, images)
        )

    def add(self, text: str) -> None:
        """Add text."""
        self._source.append(text)
        self.length += len(text)

    def leave_out(self, room: int) -> int:
        """Leave out text that is not rendered yet; arguments and result as in :meth:`LivePieces.leave_out`."""
        room = self.pieces.leave_out(room)
        self.length = sum(map(len, self._source))
        return room

    def close(self) -> list[int]:
        """Render the rest: no text follows. Returns the positions of the pieces that are new or changed."""
        if self.closed:
            return []
        self.closed = True
        return self.pieces.step(final=True)


LiveSection: TypeAlias = LiveText | AnswerItem


class LiveSections:
    """Divides a growing answer into its sections.

    Args:
        ledger: the record.
        source: the text that is shown.
        form: the format in which it is shown.

    Attributes:
        sections: in reading order; sections are only added at the end, and an item that has changed replaces the earlier one.
    """

    def __init__(self, ledger: Ledger, source: Excerpt, form: str = "markdown") -> None:
        self._ledger = ledger
        self._source = source
        self._form = form
        self._growing = GrowingAnswer(ledger, source, form)
        self.sections: list[LiveSection] = []

    def read(self) -> None:
        """Read what is new in the ledger; stop reading text if its HTML is too long."""
        if sum(text.pieces.size for text in self.texts) > MAX_HTML:
            self._source.stop()
        for position, item in enumerate(self._growing.read()):
            self._show(position, item)

    def _show(self, position: int, item: AnswerItem) -> None:
        if not isinstance(item, TextStretch):
            self.sections[position : position + 1] = [self._with_run(position, item)]
            return
        if position == len(self.sections):
            self.sections.append(LiveText(item.start, self._source.images, self._ledger))
        section = self.sections[position]
        if isinstance(section, LiveText):
            for text in self._growing.take(item.end - item.start - section.length):
                section.add(text)

    def _with_run(self, position: int, item: AnswerItem) -> AnswerItem:
        """A call that will be run is shown as a run from its beginning, so that nothing moves when the run begins."""
        if not (isinstance(item, CallItem) and isinstance(item.call, Call) and item.run is None):
            return item
        if self._ledger.status != "running" or not calls_are_run(self._ledger):
            return item
        before = self.sections[position] if position < len(self.sections) else None
        if isinstance(before, CallItem) and before.call is item.call:
            return before
        return CallItem(item.call, ToolRun(number=-1, round=self._ledger.round, call=item.call))

    @property
    def texts(self) -> list[LiveText]:
        """The stretches of text."""
        return [section for section in self.sections if isinstance(section, LiveText)]

    @property
    def pending(self) -> bool:
        """Whether there is text that is not rendered yet."""
        return bool(self._growing.unread) or any(text.pieces.pending for text in self.texts)

    def is_finished(self, position: int) -> bool:
        """Whether no text can follow in a section: something else does. The text of JSON is one section."""
        return position < len(self.sections) - 1 and self._form not in ONE_DOCUMENT

    def is_complete(self, position: int) -> bool:
        """Whether an item cannot grow any more: it is not the last one, or it does not arrive in pieces."""
        section = self.sections[position]
        return position < len(self.sections) - 1 or (isinstance(section, MediaItem) and section.pcm is None)

    def step(self, due: Callable[[Pieces], bool]) -> None:
        """Render the new text of each stretch for which ``due`` is true; stretches that something follows are finished."""
        self.read()
        for position, section in enumerate(self.sections):
            if not isinstance(section, LiveText) or section.closed:
                continue
            if self.is_finished(position):
                section.close()
            elif due(section.pieces):
                section.pieces.step()

    def item_html(self, item: AnswerItem, budget: MediaBudget, *, clock: bool = True) -> str:
        """The HTML of an item of an answer that is still arriving, with or without the clock of a running tool."""
        pictures = self._source.images.data
        running = self._ledger.status == "running"
        if isinstance(item, MediaItem):  # another item follows audio that is complete
            running = running and bool(self.sections) and item is self.sections[-1]
        return item_html(
            item,
            budget,
            running=running,
            pictures=pictures,
            absence=_ABSENT,
            clock=self.clock(item) if clock else "",
        )

    def clock(self, item: AnswerItem) -> str:
        """How long the tool of an item has been running; empty if none is running."""
        if not isinstance(item, CallItem) or item.run is None:
            return ""
        return run_clock(item.run, elapsed_seconds(self._ledger) - self._ledger.delay)

    @property
    def whole(self) -> str:
        """The HTML of everything that was rendered so far; of pictures, only the small ones."""
        budget = MediaBudget(_PARTIAL_SIZE, details=_PARTIAL_DETAILS)
        return "".join(
            section.pieces.whole if isinstance(section, LiveText) else self.item_html(section, budget)
            for section in self.sections
        )

    def leave_out(self, room: int) -> TruncatedText | None:
        """Leave out the text that is not rendered yet, apart from ``room`` characters, and everything after it.

        Returns:
            The text that is shown; None if nothing was left out.
        """
        self.read()
        for position, section in enumerate(self.sections):
            if isinstance(section, LiveText) and (room := section.leave_out(room)) < 0:
                del self.sections[position + 1 :]
                self._growing.waiting.clear()
                self._source.shorten(section.start + section.length)
                return self._source.truncated()
        return None

    def finish(self) -> dict[int, str] | None:
        """Render the rest and return the HTML of each stretch by its start.

        None if it is too long to be saved.
        """
        self.read()
        if self._source.stopped:
            return None
        for text in self.texts:
            text.close()
        found = {text.start: text.pieces.whole for text in self.texts}
        return None if sum(map(len, found.values())) > MAX_HTML else found


def leave_out_rest(answer: LiveSections, thoughts: Pieces, source: Excerpt) -> dict[str, TruncatedText]:
    """Leave out the text of an answer that is not rendered yet and that would take long to render.

    Args:
        answer: the sections of the answer.
        thoughts: the thoughts.
        source: the text of the thoughts that is shown.

    Returns:
        What is shown of the texts of which something was left out, by their names in the ledger.
    """
    found: dict[str, TruncatedText] = {}
    if (shown := answer.leave_out(AFTER_STOP)) is not None:
        found["answer"] = shown
    if thoughts.leave_out(AFTER_STOP) < 0:
        found["thoughts"] = source.truncated()
    return found
