"""Interactions that a server stores: listing those that were started here, reading and following, stopping and deleting them."""

from __future__ import annotations

from .server import (
    InteractionRow,
    InteractionServer,
    asked_options,
    cancel,
    delete,
    follow,
    get,
    interaction_rows,
    list,  # noqa: A004 - `gemini_magic.interactions.list()`
    options_for,
    state,
)
from .states import is_unfinished, known_states, readable_state

__all__ = [
    "InteractionRow",
    "InteractionServer",
    "asked_options",
    "cancel",
    "delete",
    "follow",
    "get",
    "interaction_rows",
    "is_unfinished",
    "known_states",
    "list",
    "options_for",
    "readable_state",
    "state",
]
