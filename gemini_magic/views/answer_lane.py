"""The widgets of a growing answer: a lane for each stretch of text, and between them pictures and other items.

A picture is sent as bytes as soon as it arrives, with its size, so that the page has its place before it is decoded.
"""

from __future__ import annotations

from typing import Any, Final

from ..ledger import AnswerItem, CallItem, Ledger, MediaItem
from . import page
from .item_html import MediaBudget, caption_html, playable_audio, shown_picture
from .live_lane import LiveLane
from .live_pieces import LivePieces
from .live_sections import LiveSections, LiveText
from .tool_box import CONFIRM_MESSAGES, ToolBox
from .truncate import Excerpt
from .widgets import WidgetSet

__all__ = ["AnswerLane"]

_AT_ONCE: Final = 4  # items that are shown with one paint
_ITEM_MESSAGES: Final = (
    3  # maximum messages to show an item: a picture, its box, and the list of all sections
)


class AnswerLane:
    """Shows a growing answer in widgets.

    Args:
        widgets: creates the widgets.
        source: the text.
        ledger: the record of the answer.

    Attributes:
        box: the widget that contains the answer.
        sections: its sections.
    """

    def __init__(self, widgets: WidgetSet, source: Excerpt, ledger: Ledger) -> None:
        form = ledger.display.form
        self._widgets = widgets
        self._ledger = ledger
        self._images = source.images.data
        self._shown: list[tuple[AnswerItem | LiveText, Any]] = []  # each section with its lane or widget
        self._spare = LiveLane(widgets, LivePieces(()), "gm-stretch")
        self.sections = LiveSections(ledger, source, form)
        self.box = widgets.box((self._spare.box,), *filter(None, ("gm-answer", page.form_class(form))))

    def prepare(self) -> None:
        """Add an empty piece, so that the first text needs one message only."""
        self._spare.prepare()

    @property
    def max_messages(self) -> int:
        """The maximum number of messages of the next paint."""
        lanes = [lane for _, lane in self._shown if isinstance(lane, LiveLane)]
        question = self._ledger.confirmation
        buttons = CONFIRM_MESSAGES if question is not None and not question.shown else 0
        items = self._new_items() * _ITEM_MESSAGES + buttons
        return (lanes[-1] if lanes else self._spare).max_messages + items

    def _new_items(self) -> int:
        self.sections.read()
        return min(_AT_ONCE, len(self.sections.sections) - len(self._shown))

    def paint(self, now: float, *, final: bool) -> tuple[int, int]:
        """Show what is new.

        Args:
            now: seconds, monotonic.
            final: also show text that is too short to be worth the time of an update.

        Returns:
            The number of messages and of characters of HTML that were sent; a picture counts as one character.
        """
        self.sections.read()
        messages = size = added = 0
        changed = False
        for position, section in enumerate(self.sections.sections):
            if position == len(self._shown):
                if added == _AT_ONCE:
                    break
                added += 1
                self._add(section)
                messages += _ITEM_MESSAGES
                size += 1
            elif self._becomes_playable(position, section):
                self._shown[position] = (section, self._player(section))
                changed = True
                messages += _ITEM_MESSAGES
                size += 1
            elif section is not self._shown[position][0]:
                sent, characters = self._change(position, section)
                messages, size = messages + sent, size + characters
            shown = self._shown[position][1]
            if isinstance(section, LiveText):
                sent, characters = self._paint_text(position, section, now, final=final)
                messages, size = messages + sent, size + characters
            elif isinstance(shown, ToolBox) and isinstance(section, CallItem) and section.run is not None:
                messages += shown.update(section.run, self.sections.clock(section), self._ledger)
        if added or changed:
            self._show_children()
        return messages, size

    def _paint_text(self, position: int, text: LiveText, now: float, *, final: bool) -> tuple[int, int]:
        lane: LiveLane = self._shown[position][1]
        if text.closed:
            return lane.show([]) if lane.outdated else (0, 0)
        if self.sections.is_finished(position):
            return lane.show(text.close())
        return lane.paint(now, final=final)

    def _add(self, section: AnswerItem | LiveText) -> None:
        if isinstance(section, LiveText):
            first = not any(isinstance(lane, LiveLane) for _, lane in self._shown)
            lane = self._spare if first else LiveLane(self._widgets, section.pieces, "gm-stretch")
            lane.pieces = section.pieces
            self._shown.append((section, lane))
        else:
            position = len(self._shown)
            self._shown.append((section, self._item_widget(section)))
            if self._becomes_playable(position, section):
                self._shown[position] = (section, self._player(section))

    def _becomes_playable(self, position: int, section: AnswerItem | LiveText) -> bool:
        """Whether audio that is shown as a line is complete now."""
        if not isinstance(section, MediaItem) or section.kind != "audio":
            return False
        is_line = getattr(self._shown[position][1], "value", None) is not None
        return is_line and self.sections.is_complete(position) and bool(playable_audio(section))

    def _player(self, section: AnswerItem | LiveText) -> Any:
        """The widgets of a player, with the same caption as in the finished answer."""
        assert isinstance(section, MediaItem)  # noqa: S101 - checked before
        form = playable_audio(section).partition("/")[2]
        player = self._widgets.audio(section.data, form)
        return self._widgets.box((player, self._widgets.html(caption_html(section))), "gm-sound")

    def _show_children(self) -> None:
        """Show all sections in order: one message for all new ones."""
        children = tuple(
            shown.box if isinstance(shown, LiveLane | ToolBox) else shown for _, shown in self._shown
        )
        if children != self.box.children:
            self.box.children = children

    def _item_widget(self, item: AnswerItem) -> Any:
        if isinstance(item, CallItem) and item.run is not None:
            return ToolBox(self._widgets, self._html(item))
        found = shown_picture(item) if self._images else None
        if found is None:
            return self._widgets.html(self._html(item))
        data = getattr(item, "pieces")[0]  # noqa: B009 - it is a picture
        image = self._widgets.image(data, found.name.lower(), found.width, found.height)
        return self._widgets.box((image,), "gm-picture")

    def _change(self, position: int, item: AnswerItem | LiveText) -> tuple[int, int]:
        """Show an item that has changed; returns the number of messages and of characters of HTML."""
        widget = self._shown[position][1]
        self._shown[position] = (item, widget)
        if isinstance(item, LiveText):
            return 0, 1
        html = self._html(item)
        if isinstance(widget, ToolBox):
            return widget.show(html), len(html)
        if isinstance(item, CallItem) and item.run is not None:
            self._shown[position] = (item, ToolBox(self._widgets, html))
            self._show_children()
            return _ITEM_MESSAGES, len(html)
        if getattr(widget, "value", html) == html:
            return 0, 1
        self._widgets.change(widget, html)
        return 1, 1

    def _html(self, item: AnswerItem) -> str:
        return self.sections.item_html(item, MediaBudget(0), clock=False)
