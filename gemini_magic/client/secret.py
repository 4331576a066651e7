"""A key, a string that does not show itself, and the header that carries it.

It finds no key (``credentials``) and sends none (``transport``).
"""

from __future__ import annotations

from typing import NamedTuple, Self

from ..backends import Auth, HttpRequest, may_carry

__all__ = ["Key", "Secret", "carried"]

_MASK = "<key>"
_SHORTEST = 12  # characters; no service gives out shorter keys


class Secret(str):
    """A key that shows itself nowhere: not in ``repr``, ``str``, formatting, pickles or copies.

    :meth:`reveal` gives the plain text; only the transport calls it.
    """

    __slots__ = ("_plain",)
    _plain: str

    def __new__(cls, plain: str) -> Self:  # noqa: D102 - as the class says
        secret = super().__new__(cls, _MASK)
        secret._plain = plain
        return secret

    def reveal(self) -> str:
        """The key itself."""
        return self._plain

    def hide(self, data: bytes) -> bytes:
        """The data with every occurrence of the key masked, as a server may repeat what it was sent."""
        if len(self._plain) < _SHORTEST:  # it would be found in ordinary words, and the answer be spoilt
            return data
        return data.replace(self._plain.encode(), _MASK.encode())

    def __copy__(self) -> Secret:
        return self

    def __deepcopy__(self, memo: object) -> Secret:
        return self

    def __reduce__(self) -> tuple[type[str], tuple[str]]:
        return str, (_MASK,)


class Key(NamedTuple):
    """A key and the words that say where it was found.

    Attributes:
        value: the key.
        source: where it came from, in words.
        headers: what is sent along with it, such as the project that pays.
    """

    value: Secret
    source: str
    headers: tuple[tuple[str, str], ...] = ()


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
    if auth is None or key is None or not may_carry(auth, http.url, key_env):
        return http, None
    header = (auth.header, auth.prefix + key.value.reveal())
    return http._replace(headers=(*http.headers, *key.headers)), header
