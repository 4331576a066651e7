"""The states of stored interactions in words, and the newest state of each interaction that was started here."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from ..backends import RemoteInteraction
from ..client import StartedInteraction
from ..errors import GeminiMagicError, ServiceError
from ..text import one_line

__all__ = ["is_unfinished", "known_states", "readable_state"]

_RUNNING: Final = ("", "queued", "in_progress")
_MOST_ASKED: Final = 20  # unfinished interactions whose state is asked
_LAST_SEEN: Final = " (when last seen)"
_LONGEST: Final = 40  # characters of a state
_NOT_FOUND: Final = 404


def is_unfinished(status: str) -> bool:
    """Whether an interaction with this last known status may have changed since."""
    return status in _RUNNING


def readable_state(status: str) -> str:
    """A status of the server in words: ``in progress`` for ``in_progress``."""
    return one_line(status.replace("_", " "))[:_LONGEST] or "unknown"


def known_states(
    started: Sequence[StartedInteraction],
    ask: Callable[[StartedInteraction], RemoteInteraction | None],
) -> dict[str, str]:
    """The newest state of interactions, in words, by their ids. Never raises an error of a server.

    Only unfinished interactions can change, so only their servers are asked, for the newest 20 of them.

    Args:
        started: the interactions, newest first.
        ask: asks the server of an interaction for its state; None to show the last known state.
    """
    states = {each.id: readable_state(each.status) for each in started}
    unfinished = [each for each in started if is_unfinished(each.status)]
    for each in unfinished[:_MOST_ASKED]:
        states[each.id] = _asked(each, ask)
    for each in unfinished[_MOST_ASKED:]:
        states[each.id] += _LAST_SEEN
    return states


def _asked(started: StartedInteraction, ask: Callable[[StartedInteraction], RemoteInteraction | None]) -> str:
    last = readable_state(started.status) + _LAST_SEEN
    try:
        found = ask(started)
    except ServiceError as error:
        return "deleted" if error.code == _NOT_FOUND else last
    except GeminiMagicError:
        return last
    return last if found is None else readable_state(found.status)
