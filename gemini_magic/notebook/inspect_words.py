"""The word of ``%gemini`` that shows an answer with its inspector unfolded.

It knows how an answer is named; what the inspector is, ``views`` and the labextension know.
"""

from __future__ import annotations

from .arguments import Line
from .inspecting import chosen
from .standing import Desk

__all__ = ["inspect"]


def inspect(desk: Desk, line: Line) -> None:
    """The last answer (or the response NAME) with every chunk, its timing and its request, to look into."""
    chosen(desk, line).inspect()
