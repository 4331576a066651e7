"""What a backend is: an address, a way to name the key, and a few functions.

Values only. A request made here holds no key: the client adds it last, for the hosts it belongs to.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Literal, NamedTuple, TypeAlias

from msgspec import Struct

from ..content import Part, Request
from ..events import Decoded, Failure
from .auth import Auth

__all__ = ["Auth", "Backend", "Decode", "Endpoint", "HttpRequest"]

Decode: TypeAlias = Callable[[bytes], Decoded]
"""The bytes of one JSON text -> what it means; never raises."""


class HttpRequest(NamedTuple):
    """A request ready to be sent, but for its key.

    Attributes:
        method: ``POST`` or ``GET``.
        url: the absolute URL, without a key.
        headers: names and values, without a key.
        body: the bytes to send.
    """

    method: str
    url: str
    headers: tuple[tuple[str, str], ...]
    body: bytes


class Endpoint(NamedTuple):
    """Where a request goes and in which form its answer comes; None where the backend knows better.

    Attributes:
        base_url: scheme, host and optional path.
        api_version: the version in the address.
        project, location: of a Google Cloud project.
        form: server-sent events, a JSON array that grows, or the whole answer at once.
        method_style: what stands between a model and the method in the address: a colon or a slash.
    """

    base_url: str | None = None
    api_version: str | None = None
    project: str | None = None
    location: str | None = None
    form: Literal["sse", "json", "whole"] = "sse"
    method_style: Literal["colon", "slash"] | None = None


def _requested_tier(request: Request) -> Any:
    return request.settings.service_tier


def _same(style: str | None, endpoint: Endpoint) -> str | None:  # noqa: ARG001 - others look at the endpoint
    return style


class Backend(Struct, frozen=True, kw_only=True):
    """One dialect of the protocol.

    Attributes:
        name: the value of ``--backend``.
        default_model: the model that is used when the user names none.
        auth: how its key travels; None when there is no key.
        url: ``(model, endpoint)`` -> the URL that is asked.
        encode: what is asked, and where -> the HTTP request, without a key.
        decoder: makes the decoder of one answer; a dialect whose chunks build on one another remembers in it.
        failure: ``(status, body) -> Failure`` for an HTTP error of any shape.
        part_to_json: a part as the dialect writes it.
        auth_style: ``(--auth or None, endpoint)`` -> the style to use, None for ``auth``'s own.
        count: what is asked, and where -> the request that counts its tokens; None where that cannot be asked.
        models: ``(endpoint, page token)`` -> the request for a page of the list of models; None without a list.
        requested_tier: the service tier that a request asks for, whether an option or the user's own JSON set it.
        local: for a backend without a network: the request -> ``(seconds to wait, bytes)`` pieces of an SSE body.
    """

    name: str
    default_model: str
    auth: Auth | None
    url: Callable[[str, Endpoint], str]
    encode: Callable[[Request, Endpoint], HttpRequest]
    decoder: Callable[[], Decode]
    failure: Callable[[int, bytes], Failure]
    part_to_json: Callable[[Part], dict[str, Any]]
    auth_style: Callable[[str | None, Endpoint], str | None] = _same
    count: Callable[[Request, Endpoint], HttpRequest] | None = None
    models: Callable[[Endpoint, str], HttpRequest] | None = None
    requested_tier: Callable[[Request], Any] = _requested_tier
    local: Callable[[HttpRequest], Iterator[tuple[float, bytes]]] | None = None

    def auth_for(self, style: str | None, endpoint: Endpoint) -> Auth | None:
        """How the key travels to an endpoint when the user asks for a style; None when there is no key.

        Raises:
            OptionError: there is no such style here, or it needs what the endpoint lacks.
        """
        return None if self.auth is None else self.auth.styled(self.auth_style(style, endpoint))
