"""The states of stored interactions in words, and the newest state of each interaction that was started here."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Final

from ..client import StartedInteraction
from ..errors import GeminiMagicError, ServiceError
from ..text import one_line

if TYPE_CHECKING:
    from .server import InteractionServer

__all__ = ["known_states", "readable_state"]

_RUNNING: Final = ("", "queued", "in_progress")
_MOST_ASKED: Final = 20  # unfinished interactions whose state is asked
_LONGEST: Final = 40  # characters of a state
_NOT_FOUND: Final = 404


def readable_state(status: str) -> str:
    """A status of the server in words: ``in progress`` for ``in_progress``."""
    return one_line(status.replace("_", " "))[:_LONGEST] or "unknown"


def known_states(
    started: Sequence[StartedInteraction],
    server: Callable[[StartedInteraction], InteractionServer | None],
) -> dict[str, str]:
    """The newest state of interactions, in words, by their ids. Never raises an error of a server.

    Only unfinished interactions can change, so only their servers are asked, for the newest 20 of them.

    Args:
        started: the interactions, newest first.
        server: returns the server of an interaction; None to show the last known state.
    """
    states = {each.id: readable_state(each.status) for each in started}
    unfinished = [each for each in started if each.status in _RUNNING]
    for each in unfinished[:_MOST_ASKED]:
        states[each.id] = _asked(each, server)
    for each in unfinished[_MOST_ASKED:]:
        states[each.id] += " (when last seen)"
    return states


def _asked(
    started: StartedInteraction, server: Callable[[StartedInteraction], InteractionServer | None]
) -> str:
    last = f"{readable_state(started.status)} (when last seen)"
    try:
        found = server(started)
        return last if found is None else readable_state(found.state(started.id).status)
    except ServiceError as error:
        return "deleted" if error.code == _NOT_FOUND else last
    except GeminiMagicError:
        return last
