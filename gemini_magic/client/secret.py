"""A key, a string that does not show itself, and the header that carries it.

It finds no key (``credentials``) and sends none (``transport``).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import NamedTuple, Self

from ..backends import Auth, HttpRequest, may_send_key

__all__ = ["Key", "Mask", "Secret", "carried"]

_MASK = "<key>"
_SHORTEST = 12  # characters; no service gives out shorter keys
_PLAIN = re.compile(r"[A-Za-z0-9]+")


def _spellings(sign: str) -> bytes:
    """A pattern for one character of a key: a letter is itself, a sign may be escaped."""
    if _PLAIN.fullmatch(sign):
        return b"(?-i:%b)" % sign.encode()
    code = ord(sign)
    return rb"(?:\\?%b|\\u%04x|%%%02x|&#(?:%d|x%x);)" % (
        re.escape(sign).encode("utf-8", "replace"),
        code,
        code,
        code,
        code,
    )


class Secret(str):
    """A key that shows itself nowhere: not in ``repr``, ``str``, formatting, pickles or copies.

    :meth:`reveal` gives the plain text; only the transport calls it.
    """

    __slots__ = ("_needle", "_pattern", "_plain")
    _plain: str
    _needle: bytes
    _pattern: re.Pattern[bytes]

    def __new__(cls, plain: str) -> Self:  # noqa: D102 - as the class says
        secret = super().__new__(cls, _MASK)
        secret._plain = plain
        secret._needle = max(_PLAIN.findall(plain), key=len, default="").encode()
        secret._pattern = re.compile(b"".join(map(_spellings, plain)), re.IGNORECASE)
        return secret

    def reveal(self) -> str:
        """The key itself."""
        return self._plain

    def hide(self, data: bytes) -> bytes:
        """The data with every occurrence of the key masked, as a server may repeat what it was sent.

        Its signs are known as JSON, URLs and HTML write them, too.
        """
        if not self.hides or self._needle not in data:
            return data
        return self._pattern.sub(_MASK.encode(), data)

    def hide_text(self, text: str) -> str:
        """The same for text."""
        return self.hide(text.encode("utf-8", "surrogatepass")).decode("utf-8", "surrogatepass")

    @property
    def hides(self) -> bool:
        """Whether it is looked for: a short one would be found in ordinary words, and the answer be spoilt."""
        return len(self._plain) >= _SHORTEST

    def begun_in(self, data: bytes) -> int:
        """How many bytes at the end of the data may be the beginning of the key, the rest of which is to come."""
        plain = self._plain.encode()
        tail = data[-len(plain) + 1 :]
        at = tail.find(plain[:1])
        while at >= 0:
            if plain.startswith(tail[at:]):
                return len(tail) - at
            at = tail.find(plain[:1], at + 1)
        return 0

    def __copy__(self) -> Secret:
        return self

    def __deepcopy__(self, memo: object) -> Secret:
        return self

    def __reduce__(self) -> tuple[type[str], tuple[str]]:
        return str, (_MASK,)


class Mask:
    """Masks a key in data that comes in pieces; what may be its beginning waits for the next piece.

    Args:
        secret: the key.
    """

    def __init__(self, secret: Secret) -> None:
        self._secret = secret
        self._held = b""

    def feed(self, data: bytes) -> bytes:
        """The next piece, as far as it can be told."""
        if not self._secret.hides:
            return data
        data = self._secret.hide(self._held + data if self._held else data)
        kept = self._secret.begun_in(data)
        self._held = data[len(data) - kept :]
        return data[: len(data) - kept] if kept else data

    def rest(self) -> bytes:
        """End of input: what waits was not the key."""
        held, self._held = self._held, b""
        return held


class Key(NamedTuple):
    """A key and the words that say where it was found.

    Attributes:
        value: the key.
        source: where it came from, in words.
        headers: what is sent along with it, such as the project that pays.
        forget: called when the server rejects the key, so that it is looked up again next time.
    """

    value: Secret
    source: str
    headers: tuple[tuple[str, str], ...] = ()
    forget: Callable[[], None] | None = None


def carried(
    http: HttpRequest, auth: Auth | None, key: Key | None, key_env: str | None
) -> tuple[HttpRequest, tuple[str, str] | None]:
    """A request with what goes along with its key, and the header that carries the key, in clear.

    Args:
        http: the request.
        auth: how the key travels.
        key: the key.
        key_env: the variable the user named for this address.

    Returns:
        The request as it was and None when there is no key, or it does not belong to the request's URL.
    """
    if auth is None or key is None or not may_send_key(auth, http.url, key_env):
        return http, None
    header = (auth.header, auth.prefix + key.value.reveal())
    return http._replace(headers=(*http.headers, *key.headers)), header
