"""Google's sign-in: a token from the credentials of this machine, by google-auth.

google-auth finds the credentials (``GOOGLE_APPLICATION_CREDENTIALS``, gcloud's, the machine's own) and makes the
token; it talks over our transport. This module shows no token and writes none down.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Mapping
from importlib import import_module
from typing import Any

from ..backends import HttpRequest
from ..client import FetchedResponse, Key, Secret, fetch_response
from ..errors import CredentialsError, GeminiMagicError
from ..options import Options

__all__ = ["forget_token", "token"]

_SCOPE = "https://www.googleapis.com/auth/cloud-platform"
_PATIENCE = 30.0  # seconds for one step of a sign-in
_INSTALL = "%pip install google-auth (or gemini-magic[vertex]), then restart the kernel."
_SIGN_IN = "Run `gcloud auth application-default login`, or set GOOGLE_APPLICATION_CREDENTIALS to a key file."

_lock = threading.Lock()
_credentials: dict[str | None, Any] = {}


class _Response:
    """An answer as google-auth wants it."""

    def __init__(self, answer: FetchedResponse) -> None:
        self.status = answer.status
        self.headers = {name.lower(): value for name, value in answer.headers}
        self.data = answer.body


class _Transport:
    """How google-auth reaches the network: as all of us do, with the same proxies and certificates.

    Args:
        failed: the error that google-auth expects when the network fails.
    """

    def __init__(self, failed: type[Exception]) -> None:
        self._failed = failed

    def __call__(
        self,
        url: str,
        method: str = "GET",
        body: bytes | str | None = None,
        headers: Mapping[str, str] | None = None,
        timeout: float | None = None,
        **_: Any,
    ) -> _Response:
        """One request; see ``google.auth.transport.Request``."""
        patience = timeout or _PATIENCE
        limits = Options(connect_timeout=patience, first_byte_timeout=patience, timeout=patience)
        data = body.encode() if isinstance(body, str) else body or b""
        problem = ""
        try:
            return _Response(
                fetch_response(HttpRequest(method, url, tuple((headers or {}).items()), data), limits)
            )
        except GeminiMagicError as error:
            problem = error.message
        raise self._failed(problem)


def forget_token() -> None:
    """Sign in again next time: a token was refused."""
    with _lock:
        _credentials.clear()


def token() -> Key:
    """A token that is valid now, with the project that pays where the credentials name one.

    It asks Google when there is none yet or the last one has expired; the caller waits.

    Raises:
        CredentialsError: google-auth is not installed, there are no credentials, or Google refuses them.
    """
    try:
        auth = import_module("google.auth")
        errors = import_module("google.auth.exceptions")
    except ImportError:
        auth = None
    if auth is None:
        raise CredentialsError("Signing in with Google needs google-auth; nothing was sent.", remedy=_INSTALL)
    which = os.environ.get("GOOGLE_APPLICATION_CREDENTIALS")
    transport = _Transport(errors.TransportError)
    problem = ""
    with _lock:
        try:
            if which not in _credentials:
                _credentials[which] = auth.default(scopes=[_SCOPE], request=transport)[0]
            found = _credentials[which]
            if not found.valid:
                found.refresh(transport)
        except errors.DefaultCredentialsError as error:
            problem = f"There is no usable Google sign-in: {_short(error)}"
        except Exception as error:  # noqa: BLE001 - its readers of answers and key files raise whatever comes
            problem = f"Google gave no token: {_short(error)}"
    if problem:  # outside the except: its frames hold what signs
        raise CredentialsError(problem, remedy=_SIGN_IN)
    return _key(found)


def _short(error: Exception) -> str:
    words = " ".join(str(error.args[0] if error.args else error).split())
    return words.partition(". ")[0].rstrip(".") + "."


def _key(credentials: Any) -> Key:
    if not credentials.token:
        raise CredentialsError("The Google sign-in gave no token.", remedy=_SIGN_IN)
    who = getattr(credentials, "service_account_email", None) or ""
    payer = getattr(credentials, "quota_project_id", None)
    return Key(
        Secret(credentials.token),
        f"your Google sign-in{f' ({who})' if who else ''}",
        (("x-goog-user-project", payer),) if payer else (),
    )
