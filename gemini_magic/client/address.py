"""Splits the address of a request. A plain one is split here; httpx parses, encodes and normalizes all others."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

from .transport_errors import InvalidURL

__all__ = ["Address", "address_of"]

# An address that httpx leaves as it is: a lower-case host name or an IPv4 address, and a path that needs no encoding.
_PLAIN = re.compile(
    r"(?P<scheme>https?)://"
    r"(?P<netloc>(?P<host>(?:[a-z0-9-]+\.)*[a-z][a-z0-9-]*|(?:(?:25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])(?:\.(?!:|/)|(?=[:/]))){4})"
    r"(?::(?P<port>[1-9][0-9]{0,4}))?)"
    r"(?P<target>(?:/(?!\.)[A-Za-z0-9_~.:=,+@-]*)+(?:\?[A-Za-z0-9_~.:/=&,+-]+)?)"
)
_DEFAULT_PORTS = {"http": "80", "https": "443"}


class Address(NamedTuple):
    """The parts of an address, encoded as they are sent.

    Attributes:
        scheme: ``http`` or ``https``, or another scheme, which no transport supports.
        host: the host name in ASCII; an IPv6 address has no brackets.
        port: the port, if it is not the scheme's own.
        netloc: the host and the port, as in the header ``Host``.
        target: the path and the query.
    """

    scheme: str
    host: str
    port: int | None
    netloc: bytes
    target: bytes


@lru_cache(maxsize=64)
def address_of(url: str) -> Address:
    """Split an address; one without a host has empty parts.

    Raises:
        InvalidURL: it is not valid.
        UnicodeError: the host name is not valid.
    """
    plain = _PLAIN.fullmatch(url)
    if plain is None or plain["port"] == _DEFAULT_PORTS[plain["scheme"]] or "xn--" in plain["host"]:
        return _parsed(url)
    port = None if plain["port"] is None else int(plain["port"])
    return Address(
        plain["scheme"], plain["host"], port, plain["netloc"].encode("ascii"), plain["target"].encode("ascii")
    )


def _parsed(url: str) -> Address:
    """The parts of any address; raises as :func:`address_of`."""
    from .plain_httpx import httpx  # noqa: PLC0415 - most addresses are plain, and httpx takes long to import

    try:
        parsed = httpx.URL(url)
        if not parsed.host:
            parsed = httpx.URL("")
    except httpx.InvalidURL as error:
        raise InvalidURL(str(error)) from None
    return Address(
        parsed.scheme, parsed.raw_host.decode("ascii"), parsed.port, parsed.netloc, parsed.raw_path
    )
