"""The identity of a request: what has to be equal for an answer to be the answer to it.

A replay compares the path, so that a recording can be replayed for another host. The cache compares the host as well.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final
from urllib.parse import parse_qsl, urlsplit

from ..media import media_identity

__all__ = ["canonical_body", "request_digest", "request_identity"]

_CREDENTIALS: Final = ("key", "access_token")  # the names that Google's APIs use in a query
_VERSION: Final = 1  # of the digest; answers with another one are not found


def _number(text: str) -> float:
    """Parse a number so that 0.0 and 0 are equal, as in JSON."""
    value = float(text)
    return int(value) if value.is_integer() else value


def canonical_body(body: bytes, files: Mapping[str, str] = MappingProxyType({})) -> Any:
    """The JSON value of a body, in which each medium is its digest.

    Args:
        body: the body.
        files: the digests of uploaded files by their URI.
    """
    try:
        return media_identity(json.loads(body, parse_float=_number), files)
    except (ValueError, RecursionError):
        return body.strip()


def _query(url: str) -> list[tuple[str, str]]:
    pairs = parse_qsl(urlsplit(url).query, keep_blank_values=True)
    return sorted(pair for pair in pairs if pair[0] not in _CREDENTIALS)


def request_identity(method: str, url: str, body: Any) -> str:
    """The identity of a request for a replay: method, path, query (without a key) and canonical body, as a text."""
    parts = (method, urlsplit(url).path, _query(url), body)
    return json.dumps(parts, sort_keys=True, default=repr)


def request_digest(
    backend: str, method: str, url: str, body: bytes, *, files: Mapping[str, str], sample: int
) -> bytes:
    """The identity of a request for the cache, as a SHA-256 digest of 32 bytes.

    Args:
        backend: the name of the dialect.
        method: the HTTP method.
        url: the URL, whose host counts; a key in it does not.
        body: the body; media are compared by their digest.
        files: the digests of uploaded files by their URI.
        sample: the number of the answer for the same request, from 0.
    """
    import hashlib  # noqa: PLC0415 - slow to import, and only for the cache and the journal

    whole = request_identity(method, url, canonical_body(body, files))
    parts = (_VERSION, backend, urlsplit(url).netloc.lower(), whole, sample)
    return hashlib.sha256(json.dumps(parts).encode("utf-8", "surrogatepass")).digest()
