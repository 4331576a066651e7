"""Turns options into an endpoint: the address of a request and the form of its response."""

from __future__ import annotations

from typing import Literal

from ..backends import Endpoint, Form
from ..options import Options

__all__ = ["endpoint_of"]


def endpoint_of(options: Options) -> Endpoint:
    """The address of a request and the form of its response, as the options set them."""
    form: Form = "json" if options.alt == "json" else "sse"
    style: Literal["colon", "slash"] | None = None
    if options.method_style is not None:
        style = "slash" if options.method_style == "slash" else "colon"
    return Endpoint(
        options.base_url or None,
        options.api_version or None,
        options.project or None,
        options.location or None,
        "whole" if options.no_stream else form,
        style,
    )
