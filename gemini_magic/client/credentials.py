"""Keys: where they are found, where they may go, and a string that does not show itself.

It reads the environment, ``.env`` files, Colab's secrets and the keyring; it writes nothing and sends nothing.
"""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple, Self

from dotenv import dotenv_values

from ..backends import Auth, Backend
from ..errors import CredentialsError

__all__ = ["Key", "Secret", "find_key", "forget_typed"]

_MASK = "<key>"
_SERVICE = "gemini_magic"
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
    """A key and the words that say where it was found."""

    value: Secret
    source: str


def find_key(
    backend: Backend,
    *,
    base_url: str | None = None,
    key_env: str | None = None,
    ask: Callable[[str], str] | None = None,
) -> Key | None:
    """The key for an address.

    Args:
        backend: the dialect.
        base_url: the user's own address, or None for the backend's.
        key_env: name of the variable that holds the key for this address.
        ask: asks the user for a key without showing it; None where nobody can be asked.

    Returns:
        None when the address takes no key, or is a stranger's for whom no key was named.

    Raises:
        CredentialsError: a key is needed and there is none, or the one named belongs to another host.
    """
    auth = backend.auth
    if auth is None:
        return None
    address = base_url or backend.base_url
    own = auth.owns(address)
    if key_env is not None:
        if key_env in auth.env and not own:
            raise CredentialsError(
                f"{key_env} belongs to {auth.hosts[0]} and is not sent to {address}.",
                remedy="Put the key for this address into a variable of its own and name that with --key-env.",
            )
        for plain, source in _places(key_env):
            return _key(plain, source)
        raise CredentialsError(
            f"There is no key in {key_env}.",
            remedy=f"Set the environment variable {key_env}, or name another.",
        )
    if not own:
        return None
    for name in auth.env:
        for plain, source in _places(name):
            return _key(plain, source)
    return _asked(auth, ask)


_typed: dict[str, Key] = {}


def forget_typed() -> None:
    """Ask again next time: a key that was typed was refused."""
    _typed.clear()


def _asked(auth: Auth, ask: Callable[[str], str] | None) -> Key:
    if auth.env[0] in _typed:
        return _typed[auth.env[0]]
    if ask is not None:
        plain = _clean(
            ask(f"Key for {auth.hosts[0]} (from aistudio.google.com/apikey; not shown, not saved): ")
        )
        if plain:
            key = _key(plain, "what you typed")
            _typed[auth.env[0]] = key  # so that it is asked for once in this process
            return key
    raise CredentialsError(
        "No key was found; nothing was sent.",
        remedy=f"Set {auth.env[0]} in the environment or in a .env file (or in Colab's secrets or the keyring); "
        "keys come from aistudio.google.com/apikey. Without one: --replay builtin:tour.",
    )


def _clean(text: Any) -> str:
    return str(text or "").strip().strip("\"'").strip()


def _key(plain: str, source: str) -> Key:
    if plain.startswith("auth_tokens/"):
        raise CredentialsError(
            f"The key from {source} is a short-lived token for the Live API.",
            remedy="Use an API key from aistudio.google.com/apikey.",
        )
    if not plain.isascii() or not plain.isprintable() or " " in plain:
        raise CredentialsError(
            f"The key from {source} holds characters that no key has.",
            remedy="Copy it again; a stray quotation mark or line break is the usual cause.",
        )
    return Key(Secret(plain), source)


def _places(name: str) -> Iterator[tuple[str, str]]:
    """Where a key of this name is kept, in order; only what is there and not empty."""
    if plain := _clean(os.environ.get(name)):
        yield plain, f"environment variable {name}"
    if plain := _clean(_colab(name)):
        yield plain, f"Colab secret {name}"
    path = _dotenv()
    if path is not None and (plain := _clean(_values(path).get(name))):
        yield plain, f"{name} in {path.name} of {path.parent}"
    if plain := _clean(_keyring(name)):
        yield plain, f"keyring entry {name}"


def _colab(name: str) -> str | None:
    if "google.colab" not in sys.modules:
        return None
    with contextlib.suppress(Exception):  # not granted, or no such secret
        return str(import_module("google.colab.userdata").get(name))
    return None


def _dotenv() -> Path | None:
    with contextlib.suppress(OSError):  # the working folder may be gone
        for folder in (Path.cwd(), *Path.cwd().parents):
            if (folder / ".env").is_file():
                return folder / ".env"
    return None


def _values(path: Path) -> dict[str, str | None]:
    try:
        return dotenv_values(path, interpolate=False)
    except (OSError, UnicodeDecodeError):
        return {}


def _keyring(name: str) -> str | None:
    with contextlib.suppress(
        Exception
    ):  # not installed, locked, or without a backend: then it holds no key for us
        found: str | None = import_module("keyring").get_password(_SERVICE, name)
        return found
    return None
