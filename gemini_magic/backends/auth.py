"""How a key travels, which variables hold it, and to whom it belongs.

Names and hosts only: it reads no variable and holds no key.
"""

from __future__ import annotations

import difflib
import re
from typing import NamedTuple
from urllib.parse import urlsplit

from ..errors import OptionError

__all__ = ["STYLES", "Auth"]

_NAME = re.compile(r"[a-z0-9.-]+")  # what a host's name is made of; anything else is a trick

STYLES = {
    "x-goog-api-key": ("x-goog-api-key", ""),
    "bearer": ("authorization", "Bearer "),
    "x-api-key": ("x-api-key", ""),
    "api-key": ("api-key", ""),
    "google": ("authorization", "Bearer "),
}
"""What ``--auth`` takes: the header, and what stands before the key. ``google`` signs in for the key."""


class Auth(NamedTuple):
    """How a key travels, and where it may go.

    Attributes:
        style: one of :data:`STYLES`.
        styles: the styles the backend accepts.
        env: environment variables that hold the key, in the order they are tried.
        hosts: host suffixes these keys belong to; without any they belong to this machine's own servers.
        origin: where a user gets a key, in words.
        needed: whether nothing is sent without a key.
    """

    style: str
    styles: tuple[str, ...]
    env: tuple[str, ...]
    hosts: tuple[str, ...]
    origin: str
    needed: bool = True

    @property
    def header(self) -> str:
        """The header's name."""
        return STYLES[self.style][0]

    @property
    def prefix(self) -> str:
        """What stands before the key, such as ``Bearer ``."""
        return STYLES[self.style][1]

    @property
    def signs_in(self) -> bool:
        """Whether the key is a token that Google's sign-in gives."""
        return self.style == "google"

    @property
    def home(self) -> str:
        """Whose keys these are, in a word."""
        return self.hosts[0] if self.hosts else "this machine"

    def owns(self, url: str) -> bool:
        """Whether keys found under ``env`` may be sent to this URL.

        It must be https and one of ``hosts``; a key without hosts stays on the loopback interface.
        """
        parts = urlsplit(url)
        host = (parts.hostname or "").lower().rstrip(".")
        if not self.hosts:
            return parts.scheme in ("http", "https") and host in ("localhost", "127.0.0.1", "::1")
        if parts.scheme != "https" or not _NAME.fullmatch(host):
            return False
        return any(host == own or host.endswith(f".{own}") for own in self.hosts)

    def styled(self, style: str | None) -> Auth:
        """The same in another style; None keeps it.

        Raises:
            OptionError: there is no such style, or the backend does not accept it; close matches are named.
        """
        if style is None:
            return self
        word = style.strip().lower()
        if word in self.styles:
            return self._replace(style=word)
        begun = [each for each in self.styles if word and each.startswith(word)]
        close = begun or difflib.get_close_matches(word, self.styles, n=1)
        hint = f"Did you mean {close[0]!r}?" if close else f"There are: {', '.join(self.styles)}."
        what = "is not accepted by this backend" if word in STYLES else "is no way to send a key"
        raise OptionError(f"--auth {style!r} {what}.", remedy=hint)
