"""The user's objects and options become what is sent. No IPython, no network."""

from __future__ import annotations

from .objects import part_of, text_of
from .request import build, parts_of

__all__ = ["build", "part_of", "parts_of", "text_of"]
