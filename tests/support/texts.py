"""Makes long adversarial texts out of short ones."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["repeated"]


def repeated(unit: str, *, begin: str = "", end: str = "") -> Callable[[int], str]:
    """Return a function of ``n``: ``unit`` repeated to about ``n`` characters, between ``begin`` and ``end``."""
    return lambda n: begin + unit * max(1, n // len(unit)) + end
