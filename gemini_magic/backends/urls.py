"""Builds URLs: a base URL, its version, and the method at the end of the path."""

from __future__ import annotations

import re
from urllib.parse import quote, urlsplit

from ..errors import OptionError
from .backend import Endpoint

__all__ = ["checked_base", "checked_model", "method_of", "quoted", "too_long", "versioned"]

_VERSION = re.compile(r"v\d+((alpha|beta)\d*)?")
# Parts that a request adds to a base URL: a model (alone after a version, or with a method), or the path of the gateway.
_ADDED = re.compile(
    r"(?P<kept>.*/v\d\w*)/models(/[^/]*)?"
    r"|(?P<above>.*/v\d\w*)(/projects/[^/]+/locations/[^/]+)?/interactions(/.*)?"
    r"|(?P<versioned>.*/v\d\w*)/.*[:/](streamG|g)enerateContent"
    r"|(?P<bare>.*?)(/models/.*)?[:/](streamG|g)enerateContent"
    r"|(?P<service>.*)/generate/stream"
)
_HOST = re.compile(r"(?!-)[\w-]+(\.[\w-]+)*\.?", re.ASCII)
_LONGEST_HOST = 254  # bytes, with a dot at the end
_METHODS = {
    "sse": ("streamGenerateContent", "?alt=sse"),
    "json": ("streamGenerateContent", ""),
    "whole": ("generateContent", ""),
}


def checked_base(base_url: str) -> str:
    """A base URL without a trailing slash.

    Raises:
        OptionError: it is not a valid URL, has a user, query or fragment, or includes the method.
    """
    try:
        parts = urlsplit(base_url)
        known = parts.scheme in ("http", "https") and _is_host(parts.hostname or "") and parts.port != 0
    except ValueError:
        known = False
    if not known:
        raise OptionError(
            f"--base-url {base_url!r} is not a valid URL.",
            remedy="Use a URL such as https://host or http://localhost:port.",
        )
    anonymous = not (parts.username or parts.password)
    if anonymous and (ended := _ADDED.fullmatch(parts.path.rstrip("/"))):
        raise too_long(base_url, next(kept for kept in ended.groupdict().values() if kept is not None))
    if not anonymous or parts.query or parts.fragment:
        raise OptionError(
            "--base-url must not contain a user, a query or a fragment.",
            remedy="Put a key into an environment variable, and name the variable with --key-env.",
        )
    return base_url.rstrip("/")


def _is_host(host: str) -> bool:
    """Whether a host of a URL is an address or can be a name; IDNA's own rules are checked when it is used."""
    if ":" in host:  # urlsplit has checked an IPv6 address
        return True
    try:
        name = host.encode("idna").decode()
    except UnicodeError:  # an empty label, or one of more than 63 bytes
        return False
    return _HOST.fullmatch(name) is not None and len(name) <= _LONGEST_HOST


def too_long(base_url: str, kept: str) -> OptionError:
    """The error for a base URL that includes what every request adds; ``kept`` is the part of its path before that."""
    parts = urlsplit(base_url)
    added = parts.path[len(kept) :].strip("/:")
    return OptionError(
        f"--base-url must not end in {added!r}, which is added automatically.",
        remedy=f"Use --base-url {parts.scheme}://{parts.netloc}{kept}.",
    )


def versioned(base_url: str, version: str) -> str:
    """A base URL with the version appended, unless it ends in a version already.

    Raises:
        OptionError: the base URL or the version is not valid.
    """
    base = checked_base(base_url)
    if version in ("", ".", ".."):
        raise OptionError(
            f"--api-version {version!r} is not a valid version.", remedy="Use a version such as v1beta."
        )
    if _VERSION.fullmatch(urlsplit(base).path.rpartition("/")[2]):
        return base
    return f"{base}/{quote(version, safe='')}"


def checked_model(model: str) -> str:
    """The name of a model, unchanged.

    Raises:
        OptionError: it is empty, contains white space, or would lead to another path of the server.
    """
    segments = re.split(r"[/\\]", model)
    if any(character.isspace() for character in model) or any(each in ("", ".", "..") for each in segments):
        raise OptionError(
            f"{model!r} is not a valid model name.", remedy="Use a name such as -m gemini-flash-latest."
        )
    return model


def quoted(path: str) -> str:
    """The path of a model, escaped for a URL."""
    return quote(path, safe="/-._~@")


def method_of(endpoint: Endpoint, style: str = "colon") -> str:
    """The end of a URL that requests an answer, such as ``:streamGenerateContent?alt=sse``.

    Args:
        endpoint: the form of the answer, and the separator before the method.
        style: the separator if the endpoint has none: ``colon`` or ``slash``.
    """
    method, query = _METHODS[endpoint.form]
    between = "/" if (endpoint.method_style or style) == "slash" else ":"
    return f"{between}{method}{query}"
