"""The widgets of the live view, and which of them a page typesets; it does not know what they show.

A page does nothing with the formulas in an ``HTML`` widget, and typesets all of an ``HTMLMath`` one with each change of its
value (75 ms for 50 formulas). So the latter is for pieces that are full.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import ipywidgets

__all__ = ["Kit", "has_formula"]


def has_formula(html: str) -> bool:
    """Say whether there is a formula in a piece for the page to typeset."""
    return 'class="mathjax_process"' in html


def _typeset(html: str) -> str:
    """A piece for a widget whose whole value is typeset: below this element only the formulas are."""
    return f'<div class="mathjax_ignore">{html}</div>'


class Kit:
    """Makes widgets that share one layout and one style, and remembers them for closing."""

    def __init__(self) -> None:
        self.layout = ipywidgets.Layout()
        self.styles: dict[bool, Any] = {}
        self.made: list[Any] = []

    def html(self, value: str, *, math: bool = False) -> Any:
        """A widget that shows HTML; with ``math`` the page typesets its formulas."""
        kind, value = (ipywidgets.HTMLMath, _typeset(value)) if math else (ipywidgets.HTML, value)
        widget = self._keep(kind(value=value, layout=self.layout, style=self.styles.get(math, {})))
        self.styles[math] = widget.style
        return widget

    def box(self, children: Sequence[Any] = (), *classes: str, row: bool = False) -> Any:
        """A widget that holds others."""
        kind = ipywidgets.HBox if row else ipywidgets.VBox
        return self._keep(kind(children=tuple(children), layout=self.layout, _dom_classes=classes))

    def stop(self, callback: Callable[[], None]) -> Any:
        """A Stop button."""
        button = ipywidgets.Button(
            description="Stop",
            icon="stop",
            tooltip="Stop this answer; what has arrived is kept",
            _dom_classes=("gm-stop",),
        )
        button.on_click(lambda _: callback())
        self.made += [button.style, button.layout]
        return self._keep(button)

    def _keep(self, widget: Any) -> Any:
        self.made.append(widget)
        return widget

    def change(self, widget: Any, value: str) -> None:
        """Show other HTML in a widget."""
        widget.value = _typeset(value) if isinstance(widget, ipywidgets.HTMLMath) else value
