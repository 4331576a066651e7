"""Reads, stops and deletes stored interactions: requests and answers.

Reference: ai.google.dev, "Interactions API": ``interactions.get``, ``cancel`` and ``delete``. No I/O, no key.
"""

from __future__ import annotations

import re
from typing import Any, Final
from urllib.parse import parse_qs, quote, urlsplit

from ..errors import OptionError
from ..events import Failure
from ..text import json_safe, one_line
from .backend import Endpoint, HttpRequest, RemoteInteraction
from .gemini_resources import resource_text, resource_time
from .interactions_errors import step_failure
from .interactions_usage import interactions_usage
from .urls import versioned
from .wire_values import objects_of

__all__ = [
    "cancel_interaction",
    "checked_id",
    "delete_interaction",
    "get_interaction",
    "interactions_url",
    "is_interaction_id",
    "read_interaction",
    "stored_id",
    "stream_cursor",
]

_GOOGLE: Final = "https://generativelanguage.googleapis.com"
_RUNNING: Final = ("queued", "in_progress")  # the server still works on it
_LONGEST_CURSOR: Final = 2000  # characters; it is part of an address
_ID: Final = re.compile(r"[A-Za-z0-9_~=+:-][A-Za-z0-9._~=+:-]{0,511}")


def interactions_url(endpoint: Endpoint) -> str:
    """The URL of all interactions.

    Raises:
        OptionError: the base URL or the version is not valid.
    """
    version = endpoint.api_version or "v1beta"
    return f"{versioned(endpoint.base_url or _GOOGLE, {'beta': 'v1beta'}.get(version, version))}/interactions"


def is_interaction_id(ident: str) -> bool:
    """Whether a text can be the id of an interaction."""
    return _ID.fullmatch(ident) is not None


def stored_id(ident: Any) -> str | None:
    """The id of an interaction that a server sent; None for a value with which it cannot be asked for."""
    return ident if isinstance(ident, str) and _ID.fullmatch(ident) else None


def stream_cursor(ident: Any) -> str | None:
    """The id of an event that a server sent; None for a value after which a stream cannot be asked for."""
    if not isinstance(ident, str) or not ident or len(ident) > _LONGEST_CURSOR:
        return None
    return ident if json_safe(ident) == ident else None


def checked_id(ident: str) -> str:
    """The id of an interaction, unchanged.

    Raises:
        OptionError: it cannot be one.
    """
    if not is_interaction_id(ident):
        raise OptionError(
            f"{one_line(ident)[:80]!r} is not the id of an interaction.",
            remedy="Use the id of a stored answer, such as `r.response_id`.",
        )
    return ident


def read_interaction(value: Any) -> RemoteInteraction | None:
    """The interaction in an answer; None if there is none. Never raises."""
    if not isinstance(value, dict) or not isinstance(value.get("status"), str):
        return None
    status = resource_text(value["status"]).lower()
    ident = resource_text(value.get("id"))
    return RemoteInteraction(
        id=stored_id(ident) or "",
        status=status,
        running=status in _RUNNING,
        model=resource_text(value.get("model")),
        agent=resource_text(value.get("agent")),
        created=resource_time(value.get("created")),
        updated=resource_time(value.get("updated")),
        previous=resource_text(value.get("previous_interaction_id")),
        usage=interactions_usage(value.get("usage")),
        failure=_failure(value),
    )


def _failure(value: dict[str, Any]) -> Failure | None:
    return step_failure(next(iter(objects_of(value.get("errors"))), None) or value.get("error"))


def get_interaction(
    endpoint: Endpoint, ident: str, *, stream: bool = False, cursor: str | None = None
) -> HttpRequest:
    """The request that reads a stored interaction; see :class:`~.backend.GetInteraction`."""
    query = f"?stream={'true' if stream else 'false'}"
    if cursor:
        query += f"&last_event_id={quote(cursor, safe='')}"
    accept = "text/event-stream" if stream else "application/json"
    headers = (("accept", accept), ("accept-encoding", "identity"), ("cache-control", "no-store"))
    return HttpRequest("GET", f"{_url(endpoint, ident)}{query}", headers, b"")


def base_of(url: str) -> str:
    """The base URL of a request, which ends in the version of the API."""
    return url.partition("/interactions")[0]


def cursor_of(url: str) -> str | None:
    """The event after which the stream of a URL of :func:`get_interaction` begins; None for the beginning."""
    found = parse_qs(urlsplit(url).query).get("last_event_id")
    return found[0] if found else None


def cancel_interaction(endpoint: Endpoint, ident: str) -> HttpRequest:
    """The request that stops an interaction."""
    return HttpRequest("POST", f"{_url(endpoint, ident)}/cancel", _ACCEPT, b"")


def delete_interaction(endpoint: Endpoint, ident: str) -> HttpRequest:
    """The request that deletes an interaction."""
    return HttpRequest("DELETE", _url(endpoint, ident), _ACCEPT, b"")


_ACCEPT: Final = (("accept", "application/json"),)


def _url(endpoint: Endpoint, ident: str) -> str:
    return f"{interactions_url(endpoint)}/{quote(checked_id(ident), safe='')}"
