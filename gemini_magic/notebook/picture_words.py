"""The words of ``%gemini`` that answer with a picture.

What they show is drawn in ``views``, which is imported when somebody looks: a request must not wait for it.
"""

from __future__ import annotations

from typing import Any

from .answers import latest, named
from .arguments import Line
from .standing import Desk

__all__ = ["timeline"]


def timeline(desk: Desk, line: Line) -> Any:
    """When the chunks of an answer came, as a picture; of one that still runs, so far."""
    response = named(desk.shell.user_ns, line.words[0]) if line.words else latest(desk.session)
    return response.timeline()
