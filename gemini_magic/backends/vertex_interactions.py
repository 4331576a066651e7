"""The Interactions API on Vertex AI: the same bodies at other URLs. This form has not been verified against the service.

Its URLs are those of google-genai 3.6.1 and of Google's page about Omni models (2026-08):
``v1beta1/projects/PROJECT/locations/LOCATION/interactions``. Sources disagree about the URL that cancels an interaction:
the SDK sends ``/cancel``, which is used here, and another client ``:cancel``. No I/O, no key.
"""

from __future__ import annotations

from collections.abc import Sequence

from msgspec.structs import replace

from ..content import Request
from .backend import Endpoint, HttpRequest
from .interactions import INTERACTIONS, counted_by, encode_interaction
from .interactions_state import (
    cancel_interaction,
    delete_interaction,
    get_interaction,
    interactions_url,
)
from .urls import checked_model
from .vertex import VERTEX, vertex_base

__all__ = ["VERTEX_INTERACTIONS"]

_UNVERIFIED = (
    "The Interactions API of Vertex AI is used as documented; this has not been verified against the service."
)


def _url(model: str, endpoint: Endpoint) -> str:
    checked_model(model)  # it is in the body
    return f"{vertex_base(endpoint)}/interactions"


def _moved(http: HttpRequest, endpoint: Endpoint) -> HttpRequest:
    """A request to the Developer API, sent to Vertex AI in its place."""
    path = http.url.removeprefix(interactions_url(_PLAIN))
    return http._replace(url=f"{vertex_base(endpoint)}/interactions{path}")


_PLAIN = Endpoint()


def _encode(request: Request, endpoint: Endpoint) -> HttpRequest:
    return _moved(encode_interaction(request, Endpoint(form=endpoint.form)), endpoint)


def _get(endpoint: Endpoint, ident: str, *, stream: bool = False, cursor: str | None = None) -> HttpRequest:
    return _moved(get_interaction(_PLAIN, ident, stream=stream, cursor=cursor), endpoint)


def _cancel(endpoint: Endpoint, ident: str) -> HttpRequest:
    return _moved(cancel_interaction(_PLAIN, ident), endpoint)


def _delete(endpoint: Endpoint, ident: str) -> HttpRequest:
    return _moved(delete_interaction(_PLAIN, ident), endpoint)


def _notes(request: Request) -> Sequence[str]:
    return (*INTERACTIONS.request_notes(request), _UNVERIFIED)


_API = INTERACTIONS.interactions

VERTEX_INTERACTIONS = replace(
    INTERACTIONS,
    name="vertex-interactions",
    default_model=VERTEX.default_model,
    auth=VERTEX.auth,
    url=_url,
    encode=_encode,
    auth_style=VERTEX.auth_style,
    count=counted_by(VERTEX),
    models=VERTEX.models,
    files=None,
    upload_remedy=VERTEX.upload_remedy,
    batch_remedy=VERTEX.batch_remedy,
    decisions=None,
    interactions=None if _API is None else _API._replace(get=_get, cancel=_cancel, delete=_delete),
    request_notes=_notes,
)
