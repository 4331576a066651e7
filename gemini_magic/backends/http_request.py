"""A request that is ready to be sent, and where it is sent."""

from __future__ import annotations

from typing import Literal, NamedTuple, TypeAlias

from ..media import MediaInsert

__all__ = ["Endpoint", "Form", "HttpRequest"]

Form: TypeAlias = Literal["sse", "json", "whole"]
"""How an answer is requested: server-sent events, a JSON array that grows, or the whole answer at once."""


class HttpRequest(NamedTuple):
    """A request that is ready to be sent, except for its key.

    Attributes:
        method: ``POST`` or ``GET``.
        url: the absolute URL, without a key.
        headers: names and values, without a key.
        body: the bytes to send, with references in place of media.
        media: the media that are sent in place of these references, in order.
    """

    method: str
    url: str
    headers: tuple[tuple[str, str], ...]
    body: bytes
    media: tuple[MediaInsert, ...] = ()


class Endpoint(NamedTuple):
    """Where a request is sent, and in which form the answer is requested; None for the backend's default.

    Attributes:
        base_url: scheme, host and optional path.
        api_version: the version in the URL.
        project, location: of a Google Cloud project.
        form: the form of the answer.
        method_style: the separator between the model and the method in the URL.
    """

    base_url: str | None = None
    api_version: str | None = None
    project: str | None = None
    location: str | None = None
    form: Form = "sse"
    method_style: Literal["colon", "slash"] | None = None
