"""The live view: an answer that grows in plain ipywidgets, and leaves a static bundle in their place.

It decides what to send and when; what things look like is decided
in ``page``.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from typing import Any, Final
from uuid import uuid4

import ipywidgets

from ..ledger import Ledger
from . import page
from .excerpt import Excerpt, hint
from .html import HtmlView, publish
from .pieces import Pieces
from .static import bundle, drawn
from .status import elapsed_of, status_line
from .widgets import Kit, has_formula

__all__ = ["ALIVE", "LiveView"]

ALIVE: Final = 8  # finished widgets that a page opened in mid-stream can still show
_PAINT: Final = 0.1  # seconds between two paints, at least
_DUTY: Final = 3.0  # a paint may take a quarter of the time
_STATUS: Final = 0.25  # seconds between two status lines, at least
_THOUGHTS: Final = 0.5  # the same for the thoughts, which are folded
_RATE: Final = 40  # messages a second, at most
_LARGEST_PAINT: Final = 17  # messages: both lanes and the status
_FLOW: Final = 400_000  # characters of HTML a second, at most: one endless table must not choke the page
_GROUP: Final = 32  # pieces in one box
_OLDEST: Final = 8  # major version of ipywidgets
_WIDGET: Final = "application/vnd.jupyter.widget-view+json"
_TOOLBAR: Final = "stop with ■ in the toolbar"

_finished: deque[list[Any]] = deque()


class _Lane:
    """One growing text in boxes of boxes of pieces, of which only the last one changes.

    Attributes:
        box: the widget that holds it.
        pieces: the text's HTML.
    """

    def __init__(self, kit: Kit, source: Excerpt, name: str) -> None:
        self._kit = kit
        self._name = name
        self._shown: list[Any] = []
        self._sections: list[Any] = []  # the body's children
        self._run: Any = None  # the long block the last box is for
        self._box: Any = None  # the last one of the last section: a group, or a long block's groups
        self._group: Any = None  # the box of the last pieces
        self._body: Any = None
        self.pieces = Pieces(source)
        self.box = kit.box()

    def paint(self) -> tuple[int, int]:
        """Show what is new; returns how many messages and how many characters of HTML that took."""
        if not self.pieces.pending:
            return 0, 0
        changed = self.pieces.step()
        sent = 0
        for index in changed:
            html = self.pieces.html[index]
            if index < len(self._shown):
                self._kit.change(self._shown[index], html)
                sent += 1
            else:
                sent += self._append(self._kit.html(html), self.pieces.runs[index])
        return sent, sum(len(self.pieces.html[index]) for index in changed)

    def _append(self, piece: Any, run: Any) -> int:
        """Put a piece behind the last one: into the same box, or the next one if that is full or for another run."""
        typeset, group = self._typeset_last(), self._group
        self._shown.append(piece)
        if group is not None and run is self._run and len(group.children) < _GROUP:
            group.children = (*group.children, *typeset, piece)
            return 2 + 2 * len(typeset)
        sent = self._open(piece, run)
        if typeset:
            group.children = (*group.children, *typeset)
        return sent + 3 * len(typeset)

    def _typeset_last(self) -> list[Any]:
        """Make a widget whose formulas the page typesets of the last piece, if it has any: it is full.

        The plain one stays before it, so that the piece is never gone; the style sheet hides it.
        """
        if not self._shown or not has_formula(self._shown[-1].value):
            return []
        self._shown[-1] = self._kit.html(self._shown[-1].value, math=True)
        return [self._shown[-1]]

    def _open(self, piece: Any, run: Any) -> int:
        """Put a piece into a new box."""
        same = self._group is not None and run is self._run
        self._group = self._kit.box((piece,))
        if same and run is not None:
            self._box.children = (*self._box.children, self._group)
            return 3
        self._run = run
        self._box = self._group
        if run is not None:
            self._box = self._kit.box((self._group,), "gm-run", f"gm-run-{run.kind}")
        if self._sections and len(self._sections[-1].children) < _GROUP:
            self._sections[-1].children = (*self._sections[-1].children, self._box)
            return 4
        self._sections.append(self._kit.box((self._box,)))
        if self._body is not None:
            self._body.children = tuple(self._sections)
            return 5
        self._body = self._kit.box(self._sections, self._name)
        if self._name == "gm-thoughts":
            self.box.add_class("gm-lane")
            self.box.children = (self._kit.html(page.FOLD), self._body)
        else:
            self.box.children = (self._body,)
        return 8


class LiveView:
    """Draws at most ten times a second and sends at most forty messages a second.

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
        if int(ipywidgets.__version__.partition(".")[0]) < _OLDEST:
            raise ImportError(f"ipywidgets {ipywidgets.__version__} is too old, {_OLDEST} is needed")
        self._ledger = ledger
        self._excerpts = Excerpt(ledger, "thoughts"), Excerpt(ledger, "answer")
        self._stop = stop
        self._clock = clock
        self._id = f"gemini-magic-{uuid4().hex}"
        self._displayed = False
        self._begun = 0.0
        self._next = self._next_status = self._next_thoughts = 0.0
        self._sent: deque[float] = deque()
        self._plainer: HtmlView | None = None
        self._closed = False

    def open(self) -> None:
        """Show the status line and the Stop button."""
        self._begun = self._clock() - elapsed_of(self._ledger)  # importing this took a while
        try:
            self._build()
        except Exception as problem:  # noqa: BLE001 - whatever a front end does, the answer must be seen
            self._give_up(problem)

    def update(self, *, final: bool = False) -> None:
        """Show what is new if it is time for it; with ``final`` in any case."""
        if self._closed:
            return
        if self._plainer is None:
            try:
                self._paint(final=final)
            except Exception as problem:  # noqa: BLE001 - see open
                self._give_up(problem)
        else:
            self._plainer.update(final=final)

    def close(self) -> None:
        """Put the static bundle in the widget's place; the widget keeps one child that shows the same."""
        if self._closed:
            return
        self._closed = True
        if self._plainer is None:
            try:
                self._finish()
            except Exception as problem:  # noqa: BLE001 - see open
                self._give_up(problem)
        if self._plainer is not None:
            self._plainer.close()

    def _give_up(self, problem: Exception) -> None:
        self._plainer = HtmlView(
            self._ledger,
            clock=self._clock,
            display_id=self._id if self._displayed else None,
            hint=f"no live widgets: {type(problem).__name__}",
        )
        if not self._closed:
            self._plainer.open()

    def _build(self) -> None:
        kit = self._kit = Kit()
        now = self._clock() - self._begun
        self._status = kit.html(self._status_html(now))
        self._button = kit.stop(self._stop) if self._stop else None
        bar = kit.box([self._status, *([self._button] if self._button else [])], "gm-bar", row=True)
        self._thoughts = _Lane(kit, self._excerpts[0], "gm-thoughts")
        self._answer = _Lane(kit, self._excerpts[1], "gm-answer")
        style = kit.html(f"<style>{page.CSS}{page.LIVE}</style>")
        self._root = ipywidgets.VBox(
            children=(style, bar, self._thoughts.box, self._answer.box),
            layout=kit.layout,
            _dom_classes=("gemini-magic", "jp-RenderedHTMLCommon"),
        )
        view = {"version_major": 2, "version_minor": 0, "model_id": self._root.model_id}
        data = {
            _WIDGET: view,
            "text/html": page.root([self._status_html(now), f"<p>{page.WAITING}</p>"]),
            "text/plain": f"{status_line(self._ledger, now=now)}\n{page.WAITING}",
        }
        publish(data, self._id, update=False)
        self._displayed = True
        self._next_status = self._begun + now + _STATUS

    def _status_html(self, now: float) -> str:
        running = self._ledger.status == "running"
        said = (_TOOLBAR if self._stop is None else "", hint(*self._excerpts)) if running else ()
        return page.status(self._ledger, now=now, hint=" · ".join(filter(None, said)))

    def _room(self, now: float) -> bool:
        """Whether a paint fits into this second's messages."""
        while self._sent and self._sent[0] <= now - 1.0:
            self._sent.popleft()
        return len(self._sent) + _LARGEST_PAINT <= _RATE

    def _paint(self, *, final: bool) -> None:
        begun = self._clock()
        if not final and (begun < self._next or not self._room(begun)):
            return
        sent, size = self._answer.paint()
        if final or begun >= self._next_thoughts:
            more, characters = self._thoughts.paint()
            sent, size = sent + more, size + characters
            self._next_thoughts = begun + _THOUGHTS
        if final or begun >= self._next_status:
            html = self._status_html(begun - self._begun)
            if html != self._status.value:
                self._status.value = html
                sent += 1
            self._next_status = begun + _STATUS
        self._sent.extend([begun] * sent)
        if size:
            ended = self._clock()
            self._next = max(begun + _PAINT, ended + _DUTY * (ended - begun), begun + size / _FLOW)

    def _finish(self) -> None:
        answer, thoughts = (lane.pieces.finish() for lane in (self._answer, self._thoughts))
        shown = drawn(self._ledger, answer=answer, thoughts=thoughts)
        publish(bundle(self._ledger, shown=shown), self._id, update=self._displayed)
        whole = f"{''.join(shown)}<style>{page.CSS}{page.LIVE}</style>"
        last = self._kit.html(whole, math=has_formula(whole))
        self._kit.made.remove(last)
        self._root.children = (last,)
        for widget in self._kit.made:
            widget.close()
        _finished.append([self._root, last, self._kit.layout, *self._kit.styles.values()])
        while len(_finished) > ALIVE:
            for widget in _finished.popleft():
                widget.close()
