"""One growing text in boxes of boxes of pieces, of which only the last one changes.

It knows the tree of widgets and how many messages it takes to change it; what a piece holds is decided in ``pieces``.
"""

from __future__ import annotations

from typing import Any, Final

from ..ledger import Ledger
from . import page
from .live_pieces import LivePieces
from .status import thinking_time
from .truncate import Excerpt
from .widgets import WidgetSet, has_formula

__all__ = ["LiveLane", "ThinkingLane"]

_GROUP: Final = 32  # widgets in one box
_AT_ONCE: Final = 4  # older pieces that a late definition has changed, sent with one paint
_MAX_MESSAGES: Final = (
    8  # messages, at most, that change the last piece, have the page typeset it and show a new one
)


class LiveLane:
    """A text that grows.

    Args:
        kit: makes the widgets.
        source: the text.
        name: the class of what holds the pieces.
        classes: those of all of it.
        form: how the text is shown.

    Attributes:
        box: the widget that holds it all.
        pieces: the text's HTML.
    """

    def __init__(
        self, widgets: WidgetSet, source: Excerpt, name: str, *classes: str, form: str = "markdown"
    ) -> None:
        self._widgets = widgets
        self._body_classes = filter(None, (name, page.form_class(form)))
        self._shown: list[Any] = []
        self._due: list[int] = []  # older pieces that have changed
        self._sections: list[Any] = []  # the body's children
        self._run: Any = None  # the long block the last box is for
        self._box: Any = None  # the last one of the last section: a group, or a long block's groups
        self._group: Any = None  # the box of the last pieces
        self._body: Any = None
        self._spare: Any = None
        self.pieces = LivePieces(source, form)
        self.box = widgets.box((), *classes)

    def prepare(self) -> None:
        """Hang up an empty piece, so that the first words need one message and nothing has to be built for them."""
        self._spare = self._add_widget(self._widgets.html(""), None)

    @property
    def max_messages(self) -> int:
        """Messages that the next paint takes at most."""
        return _MAX_MESSAGES + min(len(self._due), _AT_ONCE)

    def paint(self) -> tuple[int, int]:
        """Show what is new; returns how many messages and how many characters of HTML that took."""
        made = len(self._widgets.all)
        changed = self.pieces.step() if self.pieces.pending else []
        old = len(self._shown) - 1
        self._due += [index for index in changed if index < old and index not in self._due]
        changed = [*self._due[:_AT_ONCE], *(index for index in changed if index >= old)]
        del self._due[:_AT_ONCE]
        for index in changed:
            html = self.pieces.html[index]
            if index < len(self._shown):
                self._widgets.change(self._shown[index], html)
            else:
                self._append(html, self.pieces.runs[index])
        opened = len(self._widgets.all) - made
        return opened + len(changed), sum(len(self.pieces.html[index]) for index in changed)

    def _append(self, html: str, run: Any) -> None:
        """Put a piece behind the last one, and count that as one change."""
        typeset = self._typeset_last()
        spare, self._spare = self._spare, None
        if spare is not None and run is None:
            spare.value = html
            self._shown.append(spare)
        else:
            self._shown.append(self._add_widget(self._widgets.html(html), run, *typeset))

    def _add_widget(self, piece: Any, run: Any, *typeset: Any) -> Any:
        """Put a piece into the same box as the last one, or the next one if that is full or for another run.

        ``typeset`` goes right behind the last one: the same piece again, for the page to typeset.

        Whatever is new is made from the inside to the outside, and hung into what is there by a single message.
        """
        same = self._group is not None and run is self._run
        if same and len(self._group.children) < _GROUP:
            self._group.children = (*self._group.children, *typeset, piece)
            return piece
        if typeset:
            self._group.children = (*self._group.children, *typeset)
        self._group = self._widgets.box((piece,))
        if same and run is not None:
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
        self._body = self._widgets.box(self._sections, *self._body_classes)
        self.box.children = (*self._head(), self._body)
        return piece

    def _typeset_last(self) -> list[Any]:
        """Make a widget whose formulas the page typesets of the last piece, if it has any: it is full.

        The plain one stays before it, so that the piece is never gone; the style sheet hides it.
        """
        if not self._shown or not has_formula(self._shown[-1].value):
            return []
        self._shown[-1] = self._widgets.html(self._shown[-1].value, math=True)
        return [self._shown[-1]]

    def _head(self) -> tuple[Any, ...]:
        """Make what comes before the pieces."""
        return ()


class ThinkingLane(LiveLane):
    """The thoughts, folded, and beside the fold how long it has taken.

    The fold itself never changes: a page would fold it again.
    """

    def __init__(self, widgets: WidgetSet, source: Excerpt, ledger: Ledger) -> None:
        super().__init__(widgets, source, "gm-thoughts", "gm-lane")
        self._ledger = ledger
        self._clock: Any = None

    @property
    def max_messages(self) -> int:
        """Messages that the next paint takes at most."""
        return super().max_messages + 2

    def _head(self) -> tuple[Any, ...]:
        self._clock = self._widgets.html("")
        return self._widgets.html(page.THINKING_HEAD), self._clock

    def update_clock(self, now: float) -> int:
        """Show how long it has taken; returns how many messages that took."""
        if self._clock is None:
            return 0
        html = page.clock_html(thinking_time(self._ledger, now))
        if html == self._clock.value:
            return 0
        self._clock.value = html
        return 1
