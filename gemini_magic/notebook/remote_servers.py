"""The MCP servers of ``--remote-mcp`` in the requests of a cell, also in those that ask again or for the rest of an answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..content import Request
    from ..options import Options

__all__ = ["with_servers"]


def with_servers(request: Request, options: Options) -> tuple[Request, tuple[str, ...]]:
    """The request with the servers that ``--remote-mcp`` names, and sentences about them.

    Raises:
        OptionError: the model's server cannot call one of them.
    """
    if not options.remote_mcp:
        return request, ()
    from ..mcp_servers import with_remote_servers  # noqa: PLC0415 - few requests use a server

    return with_remote_servers(request, options.remote_mcp)
