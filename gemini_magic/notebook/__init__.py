"""The IPython extension. ``load`` registers the magics; everything else is imported when the first cell runs."""

from __future__ import annotations

from .extension import load, unload

__all__ = ["load", "unload"]
