"""The words of ``%gemini`` that answer with a picture.

What they show is drawn in ``views``, which is imported when somebody looks: a request must not wait for it.
"""

from __future__ import annotations

from typing import Any

from .arguments import Line
from .inspecting import chosen
from .standing import Desk

__all__ = ["timeline"]


def timeline(desk: Desk, line: Line) -> Any:
    """When the chunks of an answer came, as a picture; of one that still runs, so far."""
    return chosen(desk, line).timeline()
