"""The user's objects and options become what is sent. No IPython, no network."""

from __future__ import annotations

from .request import build

__all__ = ["build"]
