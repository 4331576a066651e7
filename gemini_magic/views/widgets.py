"""The widgets of the live view: it is the only module that knows ipywidgets, and it does not know what they show.

They have neither layout nor style. A page that is loaded in mid-answer gets news of widgets before it has the older
ones, and waits two seconds for each one that it does not know but another refers to, all in one queue: a reference in
every piece to one layout would keep such a page waiting for minutes. So nothing refers to anything but its children.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any, Final

import ipywidgets
from traitlets import Any as Anything

__all__ = ["WidgetSet", "check_version", "has_formula", "running_loop"]

_OLDEST: Final = 8  # major version of ipywidgets
_CLOSED: Final = 5  # widgets that are closed together: each is a message, and there may be a thousand
_PAUSE: Final = 0.25  # seconds between some and the next


class _Html(ipywidgets.HTML):
    """HTML as it is."""

    layout = Anything(None).tag(sync=True)
    style = Anything(None).tag(sync=True)


class _Math(ipywidgets.HTMLMath):
    """HTML of which the page typesets the formulas: all of them, with each change of its value."""

    layout = Anything(None).tag(sync=True)
    style = Anything(None).tag(sync=True)


class _Box(ipywidgets.VBox):
    """Widgets one below the other, or as the style sheet has it."""

    layout = Anything(None).tag(sync=True)


class _Button(ipywidgets.Button):
    """A button that looks as the style sheet says."""

    layout = Anything(None).tag(sync=True)
    style = Anything(None).tag(sync=True)


def has_formula(html: str) -> bool:
    """Say whether there is a formula in a piece for the page to typeset."""
    return 'class="mathjax_process"' in html


def _typeset(html: str) -> str:
    """A piece for a widget whose whole value is typeset: below this element only the formulas are."""
    return f'<div class="mathjax_ignore">{html}</div>'


def check_version() -> None:
    """Refuse a release these widgets do not work with.

    Raises:
        ImportError: it is too old.
    """
    if int(ipywidgets.__version__.partition(".")[0]) < _OLDEST:
        raise ImportError(
            f"ipywidgets {ipywidgets.__version__} is too old, version {_OLDEST} or newer is needed"
        )


class WidgetSet:
    """Makes widgets and remembers them for closing.

    Attributes:
        made: all that were made, in this order.
    """

    def __init__(self) -> None:
        self.all: list[Any] = []

    def html(self, value: str, *, math: bool = False) -> Any:
        """A widget that shows HTML; with ``math`` the page typesets its formulas, so it should hardly ever change."""
        return self._register(_Math(value=_typeset(value)) if math else _Html(value=value))

    def change(self, widget: Any, value: str) -> None:
        """Show other HTML in a widget."""
        widget.value = _typeset(value) if isinstance(widget, _Math) else value

    def box(self, children: Sequence[Any] = (), *classes: str) -> Any:
        """A widget that holds others; ``children`` may change."""
        return self._register(_Box(children=tuple(children), _dom_classes=classes))

    def stop(self, callback: Callable[[], None]) -> Any:
        """A Stop button. The callback is called on whichever thread the kernel uses for such messages."""
        button = _Button(
            description="Stop",
            icon="stop",
            tooltip="Stop this answer and keep what was received",
            _dom_classes=("gm-stop",),
        )
        button.on_click(lambda _: callback())
        return self._register(button)

    def close(self, *kept: Any, loop: asyncio.AbstractEventLoop | None = None) -> None:
        """Close all but some widgets, little by little where there is an event loop to do so."""
        rest = [widget for widget in self.all if widget not in kept]
        self.all = list(kept)
        if loop is None or loop.is_closed():
            _close(rest)
        else:
            loop.call_soon_threadsafe(_close_some, rest, loop)

    def _register(self, widget: Any) -> Any:
        self.all.append(widget)
        return widget


def _close(widgets: list[Any]) -> None:
    for widget in widgets:
        widget.close()


def _close_some(widgets: list[Any], loop: asyncio.AbstractEventLoop) -> None:
    _close(widgets[:_CLOSED])
    if len(widgets) > _CLOSED:
        loop.call_later(_PAUSE, _close_some, widgets[_CLOSED:], loop)


def running_loop() -> asyncio.AbstractEventLoop | None:
    """The event loop that this thread runs, if any: a kernel's is there after the cell has ended, too."""
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None
