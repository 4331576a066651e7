"""From a ledger to something to look at; it knows no network and no cell.

The names are loaded when they are first used: choosing a view must not import what only drawing it needs.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .choose import choose
    from .inspect import inspect
    from .static import bundle
    from .status import status_line
    from .timeline import Timeline
    from .view import NullView, View
    from .watching import watch

__all__ = ["NullView", "Timeline", "View", "bundle", "choose", "inspect", "status_line", "watch"]

_HOMES = {
    "NullView": "view",
    "Timeline": "timeline",
    "View": "view",
    "bundle": "static",
    "choose": "choose",
    "inspect": "inspect",
    "status_line": "status",
    "watch": "watching",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f".{_HOMES[name]}", __name__), name)
    globals()[name] = value
    return value
