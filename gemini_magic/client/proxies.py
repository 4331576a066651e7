"""What the environment says about the network: which proxy a URL takes, and who we say we are.

It opens nothing and remembers no proxy, so that a changed variable counts at once.
"""

from __future__ import annotations

import os
import platform
import sys
import urllib.request
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from urllib.parse import urlsplit

from ..errors import ConnectionFailed

__all__ = ["LOOPBACK", "agent_headers", "proxy_error", "proxy_for"]

LOOPBACK = ("localhost", "127.0.0.1", "::1")
_PROXY_VARIABLES = ("https_proxy", "HTTPS_PROXY", "http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY")
_SYSTEM_PROXIES = sys.platform in ("darwin", "win32")  # which have settings beside the environment


def proxy_for(url: str) -> str | None:
    """The proxy that the environment names for this URL (``HTTPS_PROXY``, ``ALL_PROXY``, ``NO_PROXY``).

    Plain http to this machine never takes one: the key would leave the machine in the clear.
    """
    if not _SYSTEM_PROXIES and not any(map(os.environ.get, _PROXY_VARIABLES)):
        return None  # looking further takes as long as a good part of the request
    parts = urlsplit(url)
    if parts.scheme == "http" and parts.hostname in LOOPBACK:
        return None
    proxies = urllib.request.getproxies()
    proxy = proxies.get(parts.scheme) or proxies.get("all")
    if not proxy or urllib.request.proxy_bypass(parts.hostname or ""):
        return None
    return proxy if "://" in proxy else f"http://{proxy}"


def proxy_error(error: Exception) -> ConnectionFailed:
    """What is wrong with it when no client can be made; the proxy's address may hold a password and is not shown."""
    if isinstance(error, ImportError):
        return ConnectionFailed(
            "The proxy is a SOCKS proxy.", remedy="Install httpx[socks], or unset ALL_PROXY."
        )
    return ConnectionFailed(
        f"The proxy or certificate settings cannot be used ({type(error).__name__}).",
        remedy="Check HTTPS_PROXY, ALL_PROXY, SSL_CERT_FILE and SSL_CERT_DIR.",
    )


@cache
def agent_headers(*, own_host: bool) -> tuple[tuple[str, str], ...]:
    """The headers that say who asks: to the backend's own host with Python's version, to others by name alone."""
    try:
        name = f"gemini-magic/{version('gemini-magic')}"
    except PackageNotFoundError:
        name = "gemini-magic/0"
    if not own_host:
        return (("user-agent", name),)
    full = f"{name} gl-python/{platform.python_version()}"
    return (("user-agent", full), ("x-goog-api-client", full))
