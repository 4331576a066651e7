"""The words of ``%gemini`` that answer with a picture; what they show is drawn in ``views``."""

from __future__ import annotations

from ..views import Timeline
from .answers import latest, named
from .arguments import Line
from .standing import Desk

__all__ = ["timeline"]


def timeline(desk: Desk, line: Line) -> Timeline:
    """When the chunks of an answer came, as a picture; of one that still runs, so far."""
    response = named(desk.shell.user_ns, line.words[0]) if line.words else latest(desk.session)
    return response.timeline()
