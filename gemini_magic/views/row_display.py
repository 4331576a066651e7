"""How a run over many rows is displayed as the value of a cell, and as text."""

from __future__ import annotations

from typing import Any

from ..text import one_line
from .row_progress import RowProgress
from .row_static import rows_bundle
from .row_text import rows_line
from .value_display import DisplayedValue

__all__ = ["DisplayedRun"]


class DisplayedRun(DisplayedValue):
    """The base class of a run: its representations.

    Attributes:
        name: the user's variable, which the sentences about what to do next name.
    """

    name = "run"

    @property
    def progress(self) -> RowProgress:
        """How far the run has come."""
        raise NotImplementedError

    @property
    def refused(self) -> bool:
        """Whether the run ended before anything was sent, and the error is raised."""
        return False

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, Any]:  # noqa: ARG002 - IPython passes them
        return rows_bundle(self.progress, name=self.name)

    def __repr__(self) -> str:
        return one_line(f"<RowRun {self.progress.state}: {rows_line(self.progress)[2:]}>")
