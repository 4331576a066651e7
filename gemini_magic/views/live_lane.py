"""The widgets of one growing text: pieces in groups of boxes, of which usually only the last piece changes.

This module builds the tree of widgets and counts the messages that change it. ``live_pieces`` decides what a piece
contains.
"""

from __future__ import annotations

from typing import Any, Final

from ..ledger import Ledger
from . import page
from .live_pieces import LivePieces, Pieces
from .status import thinking_time
from .truncate import Excerpt
from .widgets import WidgetSet, has_formula

__all__ = ["LiveLane", "ThinkingLane"]

_GROUP: Final = 32  # widgets in one box
# Characters of the HTML of rows in one box: the page computes the style of the whole box when a widget is added to it.
_GROUP_SIZE: Final = 12_000
_AT_ONCE: Final = 4  # older pieces, changed by a late link definition, that are sent with one paint
# Maximum messages to change the last piece, let the page typeset it, and add a new piece.
_MAX_MESSAGES: Final = 8


class LiveLane:
    """Shows a growing text in widgets.

    Args:
        widgets: creates the widgets.
        pieces: the HTML of the text.
        name: the CSS class of the box that contains the pieces.
        classes: CSS classes of the whole lane.

    Attributes:
        box: the widget that contains the whole lane.
        pieces: the HTML of the text; it may be replaced before the first paint.
    """

    def __init__(self, widgets: WidgetSet, pieces: Pieces, name: str, *classes: str) -> None:
        self._widgets = widgets
        self._name = name
        self._pieces_shown: list[Any] = []
        self._outdated: list[int] = []  # older pieces that have changed
        self._sections: list[Any] = []  # the children of the body
        self._run: Any = None  # the long block that the last box belongs to
        self._box: Any = None  # the last box of the last section: a group, or the groups of a long block
        self._group: Any = None  # the box of the last pieces
        self._group_size = 0  # characters of HTML in it when they were added
        self._body: Any = None
        self._spare: Any = None
        self.pieces = pieces
        self.box = widgets.box((), *classes)

    @property
    def outdated(self) -> bool:
        """Whether older pieces have changed that were not sent yet."""
        return bool(self._outdated)

    def prepare(self) -> None:
        """Add an empty piece, so that the first text needs one message only."""
        self._spare = self._add_widget(self._widgets.html(""), None)

    @property
    def max_messages(self) -> int:
        """The maximum number of messages of the next paint."""
        return _MAX_MESSAGES + min(len(self._outdated), _AT_ONCE)

    def paint(self, now: float, *, final: bool) -> tuple[int, int]:
        """Show what is new.

        Args:
            now: seconds, monotonic.
            final: also show text that is too short to be worth the time of an update.

        Returns:
            The number of messages and of characters of HTML that were sent.
        """
        return self.show(
            self.pieces.step() if (self.pieces.pending if final else self.pieces.due(now)) else []
        )

    def show(self, changed: list[int]) -> tuple[int, int]:
        """Show pieces that are new or changed.

        Args:
            changed: their positions.

        Returns:
            The number of messages and of characters of HTML that were sent.
        """
        before = len(self._widgets.all)
        old = len(self._pieces_shown) - 1
        self._outdated += [index for index in changed if index < old and index not in self._outdated]
        changed = [*self._outdated[:_AT_ONCE], *(index for index in changed if index >= old)]
        del self._outdated[:_AT_ONCE]
        for index in changed:
            html = self.pieces.html[index]
            if index < len(self._pieces_shown):
                self._widgets.change(self._pieces_shown[index], html)
            else:
                self._append(html, self.pieces.runs[index])
        created = len(self._widgets.all) - before
        return created + len(changed), sum(len(self.pieces.html[index]) for index in changed)

    def _append(self, html: str, run: Any) -> None:
        """Add a piece after the last one."""
        typeset = self._typeset_last()
        spare, self._spare = self._spare, None
        if spare is not None and run is None:
            spare.value = html
            self._pieces_shown.append(spare)
        else:
            self._pieces_shown.append(self._add_widget(self._widgets.html(html), run, *typeset))

    def _add_widget(self, piece: Any, run: Any, *typeset: Any) -> Any:
        """Add a widget to the box of the last piece, or to a new box if that one is full or belongs to another run.

        New widgets are created from the inside to the outside, and a single message adds them to the tree.

        Args:
            piece: the widget of the new piece.
            run: the long block that the piece is a part of, None for blocks of any kind.
            typeset: a typeset copy of the last piece, which is added directly after that piece.
        """
        same_run = self._group is not None and run is self._run
        is_large = run is not None and run.kind == "rows" and self._group_size > _GROUP_SIZE
        is_full = same_run and (len(self._group.children) >= _GROUP or is_large)
        size, self._group_size = self._group_size, len(piece.value)
        if same_run and not is_full:
            self._group_size += size
            self._group.children = (*self._group.children, *typeset, piece)
            return piece
        if typeset:
            self._group.children = (*self._group.children, *typeset)
        self._group = self._widgets.box((piece,))
        if same_run and run is not None:
            self._box.children = (*self._box.children, self._group)
            return piece
        self._run = run
        self._box = self._group
        if run is not None:
            self._box = self._widgets.box((self._group,), "gm-run", f"gm-run-{run.kind}")
        if self._sections and len(self._sections[-1].children) < _GROUP:
            self._sections[-1].children = (*self._sections[-1].children, self._box)
            return piece
        self._sections.append(self._widgets.box((self._box,)))
        if self._body is not None:
            self._body.children = tuple(self._sections)
            return piece
        self._body = self._widgets.box(self._sections, self._name)
        self.box.children = (*self._head(), self._body)
        return piece

    def _typeset_last(self) -> list[Any]:
        """Create a copy of the last piece whose formulas the page typesets, if it has any: the piece is full now.

        The plain widget stays before the copy, so that the piece is always visible; the style sheet hides it later.
        """
        if not self._pieces_shown or not has_formula(self._pieces_shown[-1].value):
            return []
        self._pieces_shown[-1] = self._widgets.html(self._pieces_shown[-1].value, math=True)
        return [self._pieces_shown[-1]]

    def _head(self) -> tuple[Any, ...]:
        """Create the widgets before the pieces."""
        return ()


class ThinkingLane(LiveLane):
    """Shows the thoughts in a folded section, with the thinking time beside its heading.

    The heading never changes: a page would close the section again.
    """

    def __init__(self, widgets: WidgetSet, source: Excerpt, ledger: Ledger) -> None:
        super().__init__(widgets, LivePieces(source), "gm-thoughts", "gm-lane")
        self._ledger = ledger
        self._clock: Any = None

    @property
    def max_messages(self) -> int:
        """The maximum number of messages of the next paint."""
        return super().max_messages + 2

    def _head(self) -> tuple[Any, ...]:
        self._clock = self._widgets.html("")
        return self._widgets.html(page.THINKING_HEAD), self._clock

    def update_clock(self, now: float) -> int:
        """Show the thinking time; return the number of messages sent."""
        if self._clock is None:
            return 0
        html = page.clock_html(thinking_time(self._ledger, now))
        if html == self._clock.value:
            return 0
        self._clock.value = html
        return 1
