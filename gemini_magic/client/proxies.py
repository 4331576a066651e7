"""Network settings from the environment: the proxy of a URL, and the headers that name this client.

Proxies are not cached, so that a changed variable takes effect at once.
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
_SYSTEM_PROXIES = sys.platform in ("darwin", "win32")  # these have settings outside the environment


def proxy_for(url: str) -> str | None:
    """The proxy for this URL as the environment sets it (``HTTPS_PROXY``, ``ALL_PROXY``, ``NO_PROXY``), or None.

    Plain http to this machine never uses a proxy: the key would leave the machine unencrypted.
    """
    if not _SYSTEM_PROXIES and not any(map(os.environ.get, _PROXY_VARIABLES)):
        return None  # the lookup below takes a noticeable part of a request's time
    parts = urlsplit(url)
    if parts.scheme == "http" and parts.hostname in LOOPBACK:
        return None
    proxies = urllib.request.getproxies()
    proxy = proxies.get(parts.scheme) or proxies.get("all")
    if not proxy or urllib.request.proxy_bypass(parts.hostname or ""):
        return None
    return proxy if "://" in proxy else f"http://{proxy}"


def proxy_error(error: Exception) -> ConnectionFailed:
    """The error for proxy or certificate settings that do not work. It hides the proxy's address and its password."""
    if isinstance(error, ImportError):
        return ConnectionFailed(
            "The SOCKS proxy needs a package that is not installed.",
            remedy="Install httpx[socks], or unset ALL_PROXY.",
        )
    return ConnectionFailed(
        f"The proxy or certificate settings are not valid ({type(error).__name__}).",
        remedy="Check HTTPS_PROXY, ALL_PROXY, SSL_CERT_FILE and SSL_CERT_DIR.",
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
