"""Network settings from the environment: the proxy of a URL, and the headers that name this client.

Proxies are not cached, so that a changed variable takes effect at once.
"""

from __future__ import annotations

import os
import platform
import re
import sys
from contextlib import suppress
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from urllib.parse import urlsplit

from ..backends import LOOPBACK
from ..errors import ConnectionFailed
from .certificates import CERTIFICATES, trusted_certificates

__all__ = ["agent_headers", "proxy_error", "proxy_for"]

_PROXY_VARIABLES = ("https_proxy", "HTTPS_PROXY", "http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY")
_SYSTEM_PROXIES = sys.platform in ("darwin", "win32")  # these have settings outside the environment


def proxy_for(url: str) -> str | None:
    """The proxy for this URL as the environment sets it (``HTTPS_PROXY``, ``ALL_PROXY``, ``NO_PROXY``), or None.

    ``NO_PROXY`` lists host names, which include their subdomains (also as ``.suffix`` and ``*.suffix``), addresses and
    networks such as ``10.0.0.0/8``, each with or without a port, or ``*``.

    Plain http to this machine never uses a proxy: the key would leave the machine unencrypted.
    """
    if not _SYSTEM_PROXIES and not any(map(os.environ.get, _PROXY_VARIABLES)):
        return None  # the lookup below takes a noticeable part of a request's time
    import urllib.request  # noqa: PLC0415 - few users have a proxy, and the first cell should import little

    parts = urlsplit(url)
    if parts.scheme == "http" and parts.hostname in LOOPBACK:
        return None
    proxies = urllib.request.getproxies()
    proxy = proxies.get(parts.scheme) or proxies.get("all")
    host = parts.hostname or ""
    port = parts.port or (443 if parts.scheme == "https" else 80)
    if not proxy or any(_matches(entry, host, port) for entry in re.split(r"[\s,]+", proxies.get("no", ""))):
        return None
    if _SYSTEM_PROXIES and not urllib.request.getproxies_environment() and urllib.request.proxy_bypass(host):
        return None
    return proxy if "://" in proxy else f"http://{proxy}"


def _matches(entry: str, host: str, port: int) -> bool:
    """Whether an entry of ``NO_PROXY`` matches a host and its port."""
    if entry == "*":
        return True
    address = _address(host)
    bare = entry.strip("[]")
    if address is not None:
        with suppress(ValueError):  # not an address or a network; host bits may be set, as in 10.1.2.3/8
            return address in ip_network(bare, strict=False)
    name, colon, number = entry.rpartition(":")
    if colon and number.isdecimal():
        return int(number) == port and _matches(name, host, port)
    name = bare.lower().removeprefix("*").removeprefix(".").rstrip(".")
    host = host.lower().rstrip(".")
    return bool(name) and (host == name or host.endswith(f".{name}")) and address is None


def _address(host: str) -> IPv4Address | IPv6Address | None:
    try:
        return ip_address(host)
    except ValueError:
        return None


def proxy_error(error: Exception) -> ConnectionFailed:
    """The error for proxy or certificate settings that do not work. It hides the proxy's address and its password."""
    if isinstance(error, ImportError):
        return ConnectionFailed(
            "The SOCKS proxy needs a package that is not installed.",
            remedy="Install httpx[socks], or unset ALL_PROXY.",
        )
    named = [
        f"{name}={value}" for name, value in zip(CERTIFICATES, trusted_certificates(), strict=True) if value
    ]
    if named and isinstance(error, OSError):  # ssl.SSLError is one
        return ConnectionFailed(
            f"The certificates of {' and '.join(named)} cannot be read: {error.strerror or error}.",
            remedy="Name an existing file with certificates in PEM format, or unset the variable.",
        )
    return ConnectionFailed(
        f"The proxy or certificate settings are not valid ({type(error).__name__}).",
        remedy=f"Check HTTPS_PROXY, ALL_PROXY, {', '.join(CERTIFICATES[:-1])} and {CERTIFICATES[-1]}.",
    )


@cache
def agent_headers(*, own_host: bool) -> tuple[tuple[str, str], ...]:
    """The headers that name this client; only the backend's own host also receives Python's version."""
    try:
        name = f"gemini-magic/{version('gemini-magic')}"
    except PackageNotFoundError:
        name = "gemini-magic/0"
    if not own_host:
        return (("user-agent", name),)
    full = f"{name} gl-python/{platform.python_version()}"
    return (("user-agent", full), ("x-goog-api-client", full))
