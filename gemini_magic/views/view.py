"""What every view can do, and the view that shows nothing; it knows no front end.

A view reads a ledger by cursor. All its methods are called on the waiting side's thread, never on the reader's.
"""

from __future__ import annotations

from typing import Protocol

__all__ = ["NullView", "View"]


class View(Protocol):
    """Something to look at while an answer arrives, and after."""

    def open(self) -> None:
        """Show the first picture, before anything has arrived."""

    def update(self, *, final: bool = False) -> None:
        """Show what is new, if it is time for it; with ``final`` in any case."""

    def close(self) -> None:
        """Leave the lasting picture. A second call changes nothing."""


class NullView:
    """Shows nothing (``--quiet``)."""

    def open(self) -> None:
        """Nothing."""

    def update(self, *, final: bool = False) -> None:
        """Nothing."""

    def close(self) -> None:
        """Nothing."""
