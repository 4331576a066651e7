"""How a key is sent, which environment variables hold it, and which hosts it belongs to.

Names and hosts only: this module reads no variable and holds no key.
"""

from __future__ import annotations

import re
from typing import NamedTuple
from urllib.parse import urlsplit

from ..errors import OptionError

__all__ = ["LOOPBACK", "STYLES", "Auth"]

_NAME = re.compile(
    r"[a-z0-9.-]+"
)  # the characters of a host name; any other may be an attempt to disguise the host

LOOPBACK = ("localhost", "127.0.0.1", "::1")
"""The names of this machine. Plain http to them uses no proxy and leaves no trace on a network."""

STYLES = {
    "x-goog-api-key": ("x-goog-api-key", ""),
    "bearer": ("authorization", "Bearer "),
    "x-api-key": ("x-api-key", ""),
    "api-key": ("api-key", ""),
    "google": ("authorization", "Bearer "),
}
"""The values of ``--auth``: the header and the prefix of the key. ``google`` uses a token from a Google sign-in."""


class Auth(NamedTuple):
    """How a key is sent, and where it may be sent.

    Attributes:
        style: one of :data:`STYLES`.
        styles: the styles that the backend supports.
        env: environment variables that hold the key, in the order of preference.
        hosts: host suffixes that the keys belong to; empty for keys of servers on this machine.
        origin: where a user gets a key, as text for a message.
        needed: whether a request needs a key.
    """

    style: str
    styles: tuple[str, ...]
    env: tuple[str, ...]
    hosts: tuple[str, ...]
    origin: str
    needed: bool = True

    @property
    def header(self) -> str:
        """The name of the header."""
        return STYLES[self.style][0]

    @property
    def prefix(self) -> str:
        """The text before the key in the header, such as ``Bearer ``."""
        return STYLES[self.style][1]

    @property
    def signs_in(self) -> bool:
        """Whether the key is a token from a Google sign-in."""
        return self.style == "google"

    @property
    def home(self) -> str:
        """The host that the keys belong to, as text for a message."""
        return self.hosts[0] if self.hosts else "this machine"

    def owns(self, url: str) -> bool:
        """Whether keys found in the variables ``env`` may be sent to this URL.

        The URL must use https and one of ``hosts``. Keys without hosts are sent to the loopback interface only.
        """
        try:
            parts = urlsplit(url)
        except ValueError:
            return False
        host = (parts.hostname or "").lower().rstrip(".")
        if not self.hosts:
            return parts.scheme in ("http", "https") and host in LOOPBACK
        if parts.scheme != "https" or not _NAME.fullmatch(host):
            return False
        return any(host == own or host.endswith(f".{own}") for own in self.hosts)

    def with_style(self, style: str | None) -> Auth:
        """A copy with another style; None keeps the style.

        Raises:
            OptionError: the style is unknown or the backend does not support it; the error suggests a close match.
        """
        if style is None:
            return self
        name = style.strip().lower()
        if name in self.styles:
            return self._replace(style=name)
        completed = [each for each in self.styles if name and each.startswith(name)]
        from difflib import get_close_matches  # noqa: PLC0415 - only for a mistake

        close = completed or get_close_matches(name, self.styles, n=1)
        hint = f"Did you mean {close[0]!r}?" if close else f"Supported values: {', '.join(self.styles)}."
        problem = "is not supported by this backend" if name in STYLES else "is not a known value"
        raise OptionError(f"--auth {style!r} {problem}.", remedy=hint)
