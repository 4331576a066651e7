"""What a backend is: an address, a way to name the key, and two functions.

Values only. A request made here holds no key: the client adds it last, for the hosts it belongs to.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Literal, NamedTuple, TypeAlias
from urllib.parse import urlsplit

from msgspec import Struct

from ..content import Part, Request
from ..events import Failure, Reading

__all__ = ["Auth", "Backend", "Decode", "Endpoint", "HttpRequest"]

Decode: TypeAlias = Callable[[bytes], Reading]
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
    """

    base_url: str | None = None
    api_version: str | None = None
    project: str | None = None
    location: str | None = None
    form: Literal["sse", "json", "whole"] = "sse"


class Auth(NamedTuple):
    """How a key travels.

    Attributes:
        header: the header's name.
        prefix: what stands before the key, such as ``Bearer ``.
        env: environment variables that hold the key, in the order they are tried.
        hosts: host suffixes these keys belong to; a key is never sent elsewhere.
    """

    header: str
    prefix: str
    env: tuple[str, ...]
    hosts: tuple[str, ...]

    def owns(self, url: str) -> bool:
        """Whether keys found under ``env`` may be sent to this URL: https, and one of ``hosts``."""
        parts = urlsplit(url)
        host = (parts.hostname or "").lower().rstrip(".")
        return parts.scheme == "https" and any(host == own or host.endswith(f".{own}") for own in self.hosts)


class Backend(Struct, frozen=True, kw_only=True):
    """One dialect of the protocol.

    Attributes:
        name: what ``--backend`` takes.
        base_url: the address when the user gives none.
        auth: how its key travels; None when there is no key.
        encode: what is asked, and where -> the HTTP request, without a key.
        decoder: makes the decoder of one answer; a dialect whose chunks build on one another remembers in it.
        failure: ``(status, body) -> Failure`` for an HTTP error of any shape.
        part_to_json: a part as the dialect writes it.
        local: for a backend without a network: the request -> ``(seconds to wait, bytes)`` pieces of an SSE body.
    """

    name: str
    base_url: str
    auth: Auth | None
    encode: Callable[[Request, Endpoint], HttpRequest]
    decoder: Callable[[], Decode]
    failure: Callable[[int, bytes], Failure]
    part_to_json: Callable[[Part], dict[str, Any]]
    local: Callable[[HttpRequest], Iterator[tuple[float, bytes]]] | None = None
