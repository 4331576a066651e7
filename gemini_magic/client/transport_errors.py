"""The failures of a request at a transport, for both transports.

They have the names of httpx's exceptions. Most requests do not need httpx, and importing it takes a third of the first cell.
"""

from __future__ import annotations

__all__ = [
    "ConnectError",
    "ConnectTimeout",
    "InvalidURL",
    "LocalProtocolError",
    "ProxyError",
    "ReadError",
    "ReadTimeout",
    "RemoteProtocolError",
    "TransportError",
    "UnsupportedProtocol",
    "WriteTimeout",
]


class TransportError(Exception):
    """Base class of the failures of a request."""


class InvalidURL(TransportError):  # noqa: N818 - httpx's name
    """The address of the server or of the proxy is not valid."""


class UnsupportedProtocol(TransportError):  # noqa: N818 - httpx's name
    """The address has another scheme than http or https."""


class ConnectError(TransportError):
    """The server cannot be reached."""


class ConnectTimeout(TransportError):  # noqa: N818 - httpx's name
    """The connection was not established in time."""


class ProxyError(TransportError):
    """The proxy refused the connection."""


class ReadError(TransportError):
    """The connection was lost."""


class ReadTimeout(TransportError):  # noqa: N818 - httpx's name
    """Nothing arrived in time."""


class WriteTimeout(TransportError):  # noqa: N818 - httpx's name
    """The server accepts nothing."""


class RemoteProtocolError(TransportError):
    """The response is not valid."""


class LocalProtocolError(TransportError):
    """The request is not valid."""
