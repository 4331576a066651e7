"""How a value that a cell shows already is displayed as the value of the cell: not a second time."""

from __future__ import annotations

from typing import Any

__all__ = ["DisplayedValue"]


class DisplayedValue:
    """The base class of values with a static bundle, which a live view may show before IPython displays the value."""

    _skips_display = False

    def skip_next_display(self, *, skip: bool = True) -> None:
        """Make the next display of this value show nothing, because a live view shows it already."""
        self._skips_display = skip

    def _ipython_display_(self) -> None:
        if self._skips_display:
            self._skips_display = False
            return
        raise NotImplementedError  # IPython then uses _repr_mimebundle_

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, Any]:
        raise NotImplementedError

    def _repr_html_(self) -> str:
        return str(self._repr_mimebundle_()["text/html"])
