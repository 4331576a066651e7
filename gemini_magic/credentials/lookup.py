"""Finds the API key for a request and checks that it may be sent to the request's host.

Keys are read from the environment, ``.env`` files, Colab's secrets and the keyring. Nothing is written or sent.
"""

from __future__ import annotations

import codecs
import contextlib
import io
import os
import sys
from collections.abc import Callable, Iterable, Iterator
from importlib import import_module
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from ..backends import LOOPBACK, Auth, Backend, may_send_key
from ..client import Key, Secret, endpoint_of
from ..config import user_file
from ..errors import CredentialsError
from ..options import Options
from ..project_files import WatchedFiles, candidate_files, is_own

__all__ = [
    "Key",
    "Secret",
    "dotenv_secrets",
    "entered_secrets",
    "find_key",
    "forget_credentials",
    "key_header",
]

_SERVICE = "gemini_magic"
_ENCODINGS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),  # before UTF-16, whose mark it begins with
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


def find_key(
    backend: Backend,
    options: Options,
    *,
    ask: Callable[[str], str] | None = None,
    sign_in: bool = True,
) -> Key | None:
    """The key for a request with these options.

    Args:
        backend: the dialect.
        options: the base URL, the authentication style, and the name of the variable that holds the key.
        ask: prompts the user for a key without showing it; None where a prompt is not possible.
        sign_in: whether to request a token from Google. If False, the key is empty and only its source is set.

    Returns:
        The key. None when the server needs no key, and when it is not the backend's own server and the options name no
        variable.

    Raises:
        OptionError: the backend does not support these options.
        CredentialsError: a key is needed and was not found, or the named one is for another host.
    """
    auth, url = _auth_and_url(backend, options)
    if auth is None:
        return None
    if auth.signs_in:
        if not sign_in:
            return Key(Secret(""), "your Google sign-in")
        from .google_auth import token  # noqa: PLC0415 - see the table of late imports

        return token()._replace(forget=forget_credentials)
    if options.key_env is not None:
        for key in _stored_keys(options.key_env):
            return key
        raise CredentialsError(
            f"No key was found in {options.key_env}.",
            remedy=f"{_unreadable_dotenv()}Set the environment variable {options.key_env}, or name another one with --key-env.",
        )
    if not auth.owns(url):
        return None
    for name in auth.env:
        for key in _stored_keys(name):
            return key
    return _entered_key(auth, ask) if auth.needed else None


def key_header(backend: Backend, options: Options) -> tuple[str, str] | None:
    """Name and value of the header that carries the key, with a placeholder for the key; None for no such header.

    The user is not prompted and a missing key is not an error: the placeholder names the missing variable.

    Raises:
        OptionError, CredentialsError: as :func:`find_key`, except for a missing key.
    """
    auth, url = _auth_and_url(backend, options)
    name = options.key_env
    if auth is None or (not auth.signs_in and name is None and not auth.owns(url)):
        return None
    if name is not None and not any(True for _ in _stored_keys(name)):
        return auth.header, f"<no key: {name} is not set>"
    return auth.header, f"{auth.prefix}<key>"


def _auth_and_url(backend: Backend, options: Options) -> tuple[Auth | None, str]:
    """How a request with these options authenticates, and its URL; None and no URL without authentication.

    Raises:
        OptionError: the backend does not support these options.
        CredentialsError: the named key is for another host or would be sent over plain http, a sign-in is combined with a
            key, or a sign-in is not for this host.
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
            f"The key in {options.key_env} is for another host and is not sent to {_origin(url)}.",
            remedy="Store the key for this address in a separate variable and name that variable with --key-env.",
        )
    elif options.key_env is not None:
        _check_encrypted(url, options)
    return auth, url


def _check_encrypted(url: str, options: Options) -> None:
    """Refuse to send a key over plain http, except to this machine and to hosts that the user's configuration allows.

    Raises:
        CredentialsError: the key would be readable on the network.
    """
    parts = urlsplit(url)
    host = (parts.hostname or "").lower().rstrip(".")
    address = host if parts.port is None else f"{host}:{parts.port}"
    if (
        parts.scheme != "http"
        or host in LOOPBACK
        or {host, address} & {each.lower() for each in options.http_hosts}
    ):
        return
    raise CredentialsError(
        f"The key in {options.key_env} is not sent to {_origin(url)}: http is not encrypted, so others on the network "
        "could read it.",
        remedy=f'Use https. For a network that you trust, add `http_hosts = ["{address}"]` to {user_file()}.',
    )


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def _check_sign_in(auth: Auth, url: str, key_env: str | None) -> None:
    if key_env is not None:
        raise CredentialsError(
            "--auth google signs in with Google and does not use a key.",
            remedy=f"Remove --key-env. If {key_env} contains a token, use --auth bearer.",
        )
    if not auth.owns(url):
        raise CredentialsError(
            f"A Google sign-in is for {auth.home} and is not sent to {_origin(url)}.",
            remedy="Choose another style with --auth, and use --key-env to name the variable with the key for this address.",
        )


_entered: dict[str, Key] = {}  # keys that the user entered at a prompt, by the name of their variable


def forget_credentials() -> None:
    """Forget the keys that were entered at a prompt and Google's token, so that the next request gets new ones."""
    from .google_auth import forget_token  # noqa: PLC0415 - see the table of late imports

    _entered.clear()
    forget_token()


def entered_secrets() -> list[Secret]:
    """The keys that were entered at a prompt."""
    return [key.value for key in _entered.values()]


def dotenv_secrets(names: Iterable[str]) -> list[Secret]:
    """The values of these names in the ``.env`` file that counts."""
    path = _dotenv_path()
    values = {} if path is None else _dotenv_values(path)
    return [Secret(plain) for name in names if (plain := _strip(values.get(name)))]


def _entered_key(auth: Auth, ask: Callable[[str], str] | None) -> Key:
    """The key that the user enters at a prompt; each process prompts once."""
    if auth.env[0] in _entered:
        return _entered[auth.env[0]]
    if ask is not None:
        prompt = f"API key for {auth.home} (from {auth.origin}; it is not shown and not saved): "
        secret = Secret(_strip(ask(prompt)))
        if secret.reveal():
            key = _checked_key(secret, "your input")._replace(forget=forget_credentials)
            _entered[auth.env[0]] = key
            return key
    raise CredentialsError(
        "No key was found. Nothing was sent.",
        remedy=f"{_unreadable_dotenv()}Set {auth.env[0]} in the environment or in a .env file (or in Colab's secrets or the keyring). "
        f"Get a key from {auth.origin}. To try without a key: --replay builtin:tour.",
    )


def _strip(text: Any) -> str:
    """``text`` without white space and quotation marks around it."""
    return str(text or "").strip().strip("\"'").strip()


def _checked_key(secret: Secret, source: str) -> Key:
    """The key, if it can be one.

    Raises:
        CredentialsError: it contains characters that keys do not have, or is a token for the Live API.
    """
    # No local variable may contain the plain key, because some tracebacks show the local variables of each frame.
    if secret.reveal().startswith("auth_tokens/"):
        raise CredentialsError(
            f"The key from {source} is a short-lived token for the Live API.",
            remedy="Use an API key from aistudio.google.com/apikey.",
        )
    if not all(sign.isascii() and sign.isprintable() and sign != " " for sign in secret.reveal()):
        raise CredentialsError(
            f"The key from {source} contains characters that are not allowed in a key.",
            remedy="Copy the key again. The usual cause is a stray quotation mark or line break.",
        )
    return Key(secret, source)


def _stored_keys(name: str) -> Iterator[Key]:
    """The keys stored under this name, in the order of precedence."""
    return (
        _checked_key(secret, source)._replace(file=file) for secret, source, file in _stored_secrets(name)
    )


def _stored_secrets(name: str) -> Iterator[tuple[Secret, str, str]]:
    """Each value stored under this name that is not empty, its source and its ``.env`` file, in the order of precedence."""
    if plain := _strip(os.environ.get(name)):
        yield Secret(plain), f"environment variable {name}", ""
    if plain := _strip(_colab_secret(name)):
        yield Secret(plain), f"Colab secret {name}", ""
    path = _dotenv_path()
    if path is not None and (plain := _strip(_dotenv_values(path).get(name))):
        yield Secret(plain), f"{name} in {path.name} of {path.parent}", str(path)
    if plain := _strip(_keyring_password(name)):
        yield Secret(plain), f"keyring entry {name}", ""


def _colab_secret(name: str) -> str | None:
    if "google.colab" not in sys.modules:
        return None
    with contextlib.suppress(Exception):  # access was not granted, or the secret does not exist
        return str(import_module("google.colab.userdata").get(name))
    return None


def _dotenv_path() -> Path | None:
    """The nearest ``.env`` file, in the same folders as a project's configuration; not one of another user."""
    return next((path for path in _dotenv_files() if is_own(str(path))), None)


def _dotenv_files() -> Iterator[Path]:
    with contextlib.suppress(OSError):  # the working folder may have been deleted
        yield from map(Path, candidate_files(str(Path.cwd()), ".env", WatchedFiles()))


def _dotenv_values(path: Path) -> dict[str, str | None]:
    try:
        from dotenv import dotenv_values  # noqa: PLC0415 - only where there is such a file

        return dotenv_values(stream=io.StringIO(_dotenv_text(path)), interpolate=False)
    except (OSError, UnicodeDecodeError):
        return {}  # _unreadable_dotenv() names it, if no other source has a key


def _dotenv_text(path: Path) -> str:
    """The text of a ``.env`` file in UTF-8, in UTF-16 as PowerShell writes it, or in Latin-1.

    Raises:
        OSError: the file cannot be read.
        UnicodeDecodeError: it is not valid in the encoding that it begins in.
    """
    data = path.read_bytes()
    for mark, encoding in _ENCODINGS:
        if data.startswith(mark):
            return data.decode(encoding)
    if b"\0" in data[:2]:  # UTF-16 without a mark: the first character is ASCII
        return data.decode("utf-16-be" if data[:1] == b"\0" else "utf-16-le")
    try:
        return data.decode()
    except UnicodeDecodeError:
        return data.decode("latin-1")  # a key is ASCII, so only comments and other values can be wrong


def _unreadable_dotenv() -> str:
    """A sentence about a ``.env`` file that cannot be read, with a space at its end; empty if there is none."""
    for path in _dotenv_files():
        if is_own(str(path)):
            break
        return f"{path} was skipped, because another user owns it. "
    else:
        return ""
    try:
        _dotenv_text(path)
    except OSError as error:
        reason = error.strerror or type(error).__name__
    except UnicodeDecodeError as error:
        reason = f"not valid {error.encoding[:6].upper()}"
    else:
        return ""
    return f"{path} could not be read ({reason}); save it in UTF-8. "


def _keyring_password(name: str) -> str | None:
    with contextlib.suppress(Exception):  # keyring is not installed, is locked, or has no backend
        found: str | None = import_module("keyring").get_password(_SERVICE, name)
        return found
    return None
