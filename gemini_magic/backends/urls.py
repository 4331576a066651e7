"""Addresses: a base URL, its version, and the method at the end of a path.

It builds strings and refuses what is no address; it opens nothing.
"""

from __future__ import annotations

import re
from urllib.parse import quote, urlsplit

from ..errors import OptionError
from .backend import Endpoint

__all__ = ["based", "checked_model", "method_of", "quoted", "too_long", "versioned"]

_VERSION = re.compile(r"v\d+((alpha|beta)\d*)?")
# What a request adds to a base URL by itself: a model, with a method or alone behind a version, or the gateway's path.
_ADDED = re.compile(
    r"(?P<kept>.*/v\d\w*)/models(/[^/]*)?"
    r"|(?P<versioned>.*/v\d\w*)/.*[:/](streamG|g)enerateContent"
    r"|(?P<bare>.*?)(/models/.*)?[:/](streamG|g)enerateContent"
    r"|(?P<service>.*)/generate/stream"
)
_METHODS = {
    "sse": ("streamGenerateContent", "?alt=sse"),
    "json": ("streamGenerateContent", ""),
    "whole": ("generateContent", ""),
}


def based(base_url: str) -> str:
    """A base URL without its last slash.

    Raises:
        OptionError: it is no address, carries what an address may not, or names the method as well.
    """
    try:
        parts = urlsplit(base_url)
        known = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        known = False
    if not known:
        raise OptionError(
            f"{base_url!r} is not an address.",
            remedy="Write --base-url https://host or http://localhost:port.",
        )
    taken = not (parts.username or parts.password)
    if taken and (ended := _ADDED.fullmatch(parts.path.rstrip("/"))):
        raise too_long(base_url, next(kept for kept in ended.groupdict().values() if kept is not None))
    if not taken or parts.query or parts.fragment:
        raise OptionError(
            "--base-url takes an address without user, query or fragment.",
            remedy="Name the variable that holds the key with --key-env.",
        )
    return base_url.rstrip("/")


def too_long(base_url: str, kept: str) -> OptionError:
    """The error for a base URL whose path has more than ``kept``: what a request adds by itself."""
    parts = urlsplit(base_url)
    added = parts.path[len(kept) :].strip("/:")
    return OptionError(
        f"--base-url ends in {added!r}, which is added by itself.",
        remedy=f"Write --base-url {parts.scheme}://{parts.netloc}{kept}.",
    )


def versioned(base_url: str, version: str) -> str:
    """A base URL that ends in a version: its own if it has one."""
    base = based(base_url)
    if _VERSION.fullmatch(urlsplit(base).path.rpartition("/")[2]):
        return base
    return f"{base}/{quote(version, safe='')}"


def checked_model(model: str) -> str:
    """A model's name.

    Raises:
        OptionError: it cannot be one.
    """
    if not model or any(character.isspace() for character in model):
        raise OptionError(f"{model!r} is not a model's name.", remedy="Write, say, -m gemini-flash-latest.")
    return model


def quoted(path: str) -> str:
    """A model's path as it stands in a URL."""
    return quote(path, safe="/-._~@")


def method_of(endpoint: Endpoint, style: str = "colon") -> str:
    """The end of the address that asks for an answer: ``:streamGenerateContent?alt=sse`` and its kin.

    Args:
        endpoint: in which form the answer shall come; its own ``method_style`` goes before ``style``.
        style: ``colon`` or ``slash``.
    """
    method, query = _METHODS[endpoint.form]
    between = "/" if (endpoint.method_style or style) == "slash" else ":"
    return f"{between}{method}{query}"
