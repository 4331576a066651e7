"""MCP servers that the model's server calls by itself: ``--remote-mcp NAME``. Only the answer of the model arrives here."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from urllib.parse import urlsplit

from msgspec import structs

from ..client import hide_in_body
from ..content import RemoteServer, Request
from ..errors import OptionError
from .entries import Launch, expand_entry, shown_address
from .servers import mcp_servers

__all__ = ["with_remote_servers"]

_LOCAL = (".local", ".localhost", ".internal", ".lan", ".home.arpa")


def with_remote_servers(request: Request, names: Sequence[str]) -> tuple[Request, tuple[str, ...]]:
    """Add MCP servers to a request that its server calls, and say what is sent there.

    Args:
        request: the request.
        names: the names of the servers.

    Returns:
        The request, whose headers are placeholders, and a sentence for each server.

    Raises:
        OptionError: a server is unknown, not trusted, or cannot be called from elsewhere.
    """
    servers: list[RemoteServer] = []
    notices: list[str] = []
    for name in dict.fromkeys(names):
        launch = expand_entry(mcp_servers().find(name))
        _check_reachable(launch)
        address = launch.url
        if any(secret in address for secret in launch.secrets):
            address = hide_in_body(address, f"address of the MCP server {name}", launch.secrets)
        headers = tuple(
            (header, hide_in_body(value, f"header {header} of the MCP server {name}", launch.secrets))
            for header, value in launch.headers.items()
        )
        servers.append(RemoteServer(name=name, url=address, headers=headers))
        listed = f", and receives its headers {', '.join(launch.headers)}" if headers else ""
        notices.append(
            f"The model's server calls the MCP server {name} at {shown_address(launch.url)} without asking you{listed}."
        )
    settings = structs.replace(request.settings, mcp_servers=tuple(servers))
    return structs.replace(request, settings=settings), tuple(notices)


def _check_reachable(launch: Launch) -> None:
    """Raise an error for a server that no other machine should or can call.

    Raises:
        OptionError: it is a program, not https, or an address in a private network.
    """
    if launch.command:
        raise OptionError(
            f"The MCP server {launch.name!r} is a program on this computer, which the model's server cannot call.",
            remedy=f"Use --mcp {launch.name}.",
        )
    parts = urlsplit(launch.url)
    host = (parts.hostname or "").rstrip(".")
    if parts.scheme != "https":
        raise OptionError(
            f"The MCP server {launch.name!r} has no https address, so its headers could be read on the way.",
            remedy=f"Use an https address, or --mcp {launch.name}.",
        )
    try:
        private = not ipaddress.ip_address(host).is_global
    except ValueError:
        private = "." not in host or host.endswith(_LOCAL)
    if private:
        raise OptionError(
            f"The MCP server {launch.name!r} is at {host or 'no host'}, which the model's server cannot reach.",
            remedy=f"Use --mcp {launch.name}: then this computer calls it.",
        )
