"""IPython: the only room that knows a cell. Loading it registers the magics and imports nothing they need."""

from __future__ import annotations

from .extension import load, unload

__all__ = ["load", "unload"]
