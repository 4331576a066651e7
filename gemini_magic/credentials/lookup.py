"""Keys: where they are found, and to whom they are carried.

It reads the environment, ``.env`` files, Colab's secrets and the keyring; it writes nothing and sends nothing.
"""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from dotenv import dotenv_values

from ..backends import Auth, Backend, may_send_key
from ..client import Key, Secret, endpoint_of
from ..errors import CredentialsError
from ..options import Options
from .google_auth import forget_token, token

__all__ = ["Key", "Secret", "find_key", "forget_typed", "key_header"]

_SERVICE = "gemini_magic"


def find_key(
    backend: Backend,
    options: Options,
    *,
    ask: Callable[[str], str] | None = None,
    sign_in: bool = True,
) -> Key | None:
    """The key for the address that the options ask.

    Args:
        backend: the dialect.
        options: the address, how the key travels, and the name of the variable that holds it.
        ask: asks the user for a key without showing it; None where nobody can be asked.
        sign_in: whether Google is asked for a token; without, a key that only says where it would come from.

    Returns:
        None when the address takes no key, or is a stranger's for whom no key was named.

    Raises:
        OptionError: the address cannot be asked like this.
        CredentialsError: a key is needed and there is none, or the one named belongs to another host.
    """
    auth, url = _place(backend, options)
    if auth is None:
        return None
    if auth.signs_in:
        return token()._replace(forget=forget_typed) if sign_in else Key(Secret(""), "your Google sign-in")
    if options.key_env is not None:
        for key in _found(options.key_env):
            return key
        raise CredentialsError(
            f"There is no key in {options.key_env}.",
            remedy=f"Set the environment variable {options.key_env}, or name another.",
        )
    if not auth.owns(url):
        return None
    for name in auth.env:
        for key in _found(name):
            return key
    return _asked(auth, ask) if auth.needed else None


def key_header(backend: Backend, options: Options) -> tuple[str, str] | None:
    """The header that would carry the key, with words in the key's place; None where none would be sent.

    Nobody is asked, and no key is needed: the words say where one is missing.

    Raises:
        OptionError, CredentialsError: as :func:`find_key`, but for a key that is missing.
    """
    auth, url = _place(backend, options)
    name = options.key_env
    if auth is None or (not auth.signs_in and name is None and not auth.owns(url)):
        return None
    if name is not None and not any(True for _ in _found(name)):
        return auth.header, f"<no key: {name} is not set>"
    return auth.header, f"{auth.prefix}<key>"


def _place(backend: Backend, options: Options) -> tuple[Auth | None, str]:
    """How a key travels to the address that the options ask, and the address.

    Raises:
        OptionError: the address cannot be asked like this.
        CredentialsError: the key that is named belongs elsewhere, or a sign-in takes none or is not for this address.
    """
    endpoint = endpoint_of(options)
    auth = backend.auth_for(options.auth, endpoint)
    if auth is None:
        return None, ""
    url = backend.url(options.model, endpoint)
    if auth.signs_in:
        _check_sign_in(auth, url, options.key_env)
    elif not may_send_key(auth, url, options.key_env) and options.key_env is not None:
        raise CredentialsError(
            f"{options.key_env} belongs elsewhere and is not sent to {_origin(url)}.",
            remedy="Put the key for this address into a variable of its own and name that with --key-env.",
        )
    return auth, url


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def _check_sign_in(auth: Auth, url: str, key_env: str | None) -> None:
    if key_env is not None:
        raise CredentialsError(
            "--auth google signs in and takes no key.",
            remedy=f"Leave --key-env out; or, for a token in {key_env}, use --auth bearer.",
        )
    if not auth.owns(url):
        raise CredentialsError(
            f"A Google sign-in belongs to {auth.home} and is not sent to {_origin(url)}.",
            remedy="Name another way with --auth, and the variable that holds this address's key with --key-env.",
        )


_typed: dict[str, Key] = {}


def forget_typed() -> None:
    """Ask again next time, and sign in again: a key that was typed, or a token, was refused."""
    _typed.clear()
    forget_token()


def _asked(auth: Auth, ask: Callable[[str], str] | None) -> Key:
    if auth.env[0] in _typed:
        return _typed[auth.env[0]]
    if ask is not None:
        secret = Secret(_clean(ask(f"Key for {auth.home} (from {auth.origin}; not shown, not saved): ")))
        if secret.reveal():
            key = _key(secret, "what you typed")._replace(forget=forget_typed)
            _typed[auth.env[0]] = key  # so that it is asked for once in this process
            return key
    raise CredentialsError(
        "No key was found; nothing was sent.",
        remedy=f"Set {auth.env[0]} in the environment or in a .env file (or in Colab's secrets or the keyring); "
        f"keys come from {auth.origin}. Without one: --replay builtin:tour.",
    )


def _clean(text: Any) -> str:
    return str(text or "").strip().strip("\"'").strip()


def _key(secret: Secret, source: str) -> Key:
    # No variable holds it in clear where an error is raised: a traceback may show the variables of its frames.
    if secret.reveal().startswith("auth_tokens/"):
        raise CredentialsError(
            f"The key from {source} is a short-lived token for the Live API.",
            remedy="Use an API key from aistudio.google.com/apikey.",
        )
    if not all(sign.isascii() and sign.isprintable() and sign != " " for sign in secret.reveal()):
        raise CredentialsError(
            f"The key from {source} holds characters that no key has.",
            remedy="Copy it again; a stray quotation mark or line break is the usual cause.",
        )
    return Key(secret, source)


def _found(name: str) -> Iterator[Key]:
    """The keys of this name, in the order of their places."""
    return (_key(secret, source) for secret, source in _places(name))


def _places(name: str) -> Iterator[tuple[Secret, str]]:
    """Where a key of this name is kept, in order; only what is there and not empty."""
    if plain := _clean(os.environ.get(name)):
        yield Secret(plain), f"environment variable {name}"
    if plain := _clean(_colab(name)):
        yield Secret(plain), f"Colab secret {name}"
    path = _dotenv()
    if path is not None and (plain := _clean(_values(path).get(name))):
        yield Secret(plain), f"{name} in {path.name} of {path.parent}"
    if plain := _clean(_keyring(name)):
        yield Secret(plain), f"keyring entry {name}"


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
