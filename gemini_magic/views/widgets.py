"""The widgets of the live view. This is the only module that imports ipywidgets.

The widgets have neither layout nor style. A page that is opened while an answer is streaming receives messages about
new widgets before it knows the older ones. It waits two seconds for each unknown widget that another one refers to,
one after another: if every piece referred to one layout, the page would wait for minutes. So widgets refer to their
children only.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any, Final

import ipywidgets
from traitlets import Any as Anything

__all__ = ["WidgetSet", "check_version", "has_formula", "running_loop"]

_MIN_VERSION: Final = 8  # lowest major version of ipywidgets
# Widgets that are closed at once: each takes a message, and there can be a thousand.
_CLOSED_AT_ONCE: Final = 5
_PAUSE: Final = 0.25  # seconds between two such groups


class _Html(ipywidgets.HTML):
    """Shows HTML."""

    layout = Anything(None).tag(sync=True)
    style = Anything(None).tag(sync=True)


class _Math(ipywidgets.HTMLMath):
    """Shows HTML whose formulas the page typesets: all of them, after each change of the value."""

    layout = Anything(None).tag(sync=True)
    style = Anything(None).tag(sync=True)


class _Box(ipywidgets.VBox):
    """Contains other widgets; the style sheet decides how they are laid out."""

    layout = Anything(None).tag(sync=True)


class _Picture(ipywidgets.Image):
    """Shows a picture, which is sent as bytes."""

    layout = Anything(None).tag(sync=True)


class _Audio(ipywidgets.Audio):
    """Plays audio, which is sent as bytes."""

    layout = Anything(None).tag(sync=True)


class _Button(ipywidgets.Button):
    """A button whose style is in the style sheet."""

    layout = Anything(None).tag(sync=True)
    style = Anything(None).tag(sync=True)


def has_formula(html: str) -> bool:
    """Whether HTML contains a formula that the page typesets."""
    return 'class="mathjax_process tex2jax_process"' in html


def _typeset(html: str) -> str:
    """Wrap HTML so that the page typesets its formulas only, and not the other text."""
    return f'<div class="mathjax_ignore tex2jax_ignore">{html}</div>'


def check_version() -> None:
    """Check the version of ipywidgets.

    Raises:
        ImportError: the version is too old.
    """
    if int(ipywidgets.__version__.partition(".")[0]) < _MIN_VERSION:
        raise ImportError(
            f"ipywidgets {ipywidgets.__version__} is too old, version {_MIN_VERSION} or newer is needed"
        )


class WidgetSet:
    """Creates widgets and closes them.

    Attributes:
        made: all widgets that are open, in the order of their creation.
    """

    def __init__(self) -> None:
        self.all: list[Any] = []

    def html(self, value: str, *, math: bool = False) -> Any:
        """Create a widget that shows HTML; with ``math`` the page typesets its formulas, so it should rarely change."""
        return self._register(_Math(value=_typeset(value)) if math else _Html(value=value))

    def change(self, widget: Any, value: str) -> None:
        """Replace the HTML of a widget."""
        widget.value = _typeset(value) if isinstance(widget, _Math) else value

    def image(self, data: bytes, form: str, width: int, height: int) -> Any:
        """Create a widget that shows a picture.

        Args:
            data: the bytes of the file.
            form: its format: ``png``, ``jpeg``, ``gif`` or ``webp``.
            width: in pixels.
            height: in pixels.
        """
        return self._register(_Picture(value=data, format=form, width=str(width), height=str(height)))

    def audio(self, data: bytes, form: str) -> Any:
        """Create a player of audio.

        Args:
            data: the bytes of the file.
            form: its format, such as ``wav`` or ``mpeg``.
        """
        return self._register(_Audio(value=data, format=form, autoplay=False, loop=False))

    def box(self, children: Sequence[Any] = (), *classes: str) -> Any:
        """Create a widget that contains others; ``children`` may be changed later."""
        return self._register(_Box(children=tuple(children), _dom_classes=classes))

    def stop(
        self,
        callback: Callable[[], None],
        tooltip: str = "Stop this answer and keep what was received",
        text: str = "Stop",
    ) -> Any:
        """Create a Stop button. The callback is called on the thread on which the kernel handles widget messages."""
        return self.button(text, callback, "gm-stop", icon="stop", tooltip=tooltip)

    def button(
        self, text: str, callback: Callable[[], None], *classes: str, icon: str = "", tooltip: str = ""
    ) -> Any:
        """Create a button; its callback is called as that of the Stop button."""
        button = _Button(description=text, icon=icon, tooltip=tooltip, _dom_classes=classes)
        button.on_click(lambda _: callback())
        return self._register(button)

    def close(self, *kept: Any, loop: asyncio.AbstractEventLoop | None = None) -> None:
        """Close all widgets except ``kept``, a few at a time if there is an event loop."""
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
    _close(widgets[:_CLOSED_AT_ONCE])
    if len(widgets) > _CLOSED_AT_ONCE:
        loop.call_later(_PAUSE, _close_some, widgets[_CLOSED_AT_ONCE:], loop)


def running_loop() -> asyncio.AbstractEventLoop | None:
    """The event loop of this thread, or None. The loop of a kernel still runs after the cell has ended."""
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None
