"""Google sign-in: an access token from the credentials of this machine, by google-auth.

google-auth finds the credentials (``GOOGLE_APPLICATION_CREDENTIALS``, gcloud's, the machine's own) and requests the
token over this package's transport. This module neither shows nor stores tokens.
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
_TIMEOUT = 30.0  # seconds for one request of a sign-in
_INSTALL = "%pip install google-auth (or gemini-magic[vertex]), then restart the kernel."
_SIGN_IN = "Run `gcloud auth application-default login`, or set GOOGLE_APPLICATION_CREDENTIALS to a key file."

_lock = threading.Lock()
_credentials: dict[str | None, Any] = {}


class _Response:
    """An HTTP response as google-auth expects it."""

    def __init__(self, answer: FetchedResponse) -> None:
        self.status = answer.status
        self.headers = {name.lower(): value for name, value in answer.headers}
        self.data = answer.body


class _Transport:
    """The transport of google-auth: this package's own, with the same proxies and certificates.

    Args:
        error_type: the error that google-auth expects when the network fails.
    """

    def __init__(self, error_type: type[Exception]) -> None:
        self._error_type = error_type

    def __call__(
        self,
        url: str,
        method: str = "GET",
        body: bytes | str | None = None,
        headers: Mapping[str, str] | None = None,
        timeout: float | None = None,
        **_: Any,
    ) -> _Response:
        """Send one request; see ``google.auth.transport.Request``."""
        seconds = timeout or _TIMEOUT
        limits = Options(connect_timeout=seconds, first_byte_timeout=seconds, timeout=seconds)
        data = body.encode() if isinstance(body, str) else body or b""
        problem = ""
        try:
            return _Response(
                fetch_response(HttpRequest(method, url, tuple((headers or {}).items()), data), limits)
            )
        except GeminiMagicError as error:
            problem = error.message
        raise self._error_type(problem)


def forget_token() -> None:
    """Forget the credentials, so that the next request signs in again."""
    with _lock:
        _credentials.clear()


def token() -> Key:
    """A valid access token, with the project to bill where the credentials name one.

    Requests a token from Google, and blocks meanwhile, when there is none yet or the last one has expired.

    Raises:
        CredentialsError: google-auth is not installed, there are no credentials, or Google refuses them.
    """
    try:
        auth = import_module("google.auth")
        errors = import_module("google.auth.exceptions")
    except ImportError:
        auth = None
    if auth is None:
        raise CredentialsError(
            "Signing in with Google requires google-auth. Nothing was sent.", remedy=_INSTALL
        )
    path = os.environ.get("GOOGLE_APPLICATION_CREDENTIALS")
    transport = _Transport(errors.TransportError)
    problem = ""
    with _lock:
        try:
            if path not in _credentials:
                _credentials[path] = auth.default(scopes=[_SCOPE], request=transport)[0]
            found = _credentials[path]
            if not found.valid:
                found.refresh(transport)
        except errors.DefaultCredentialsError as error:
            problem = f"No usable Google sign-in was found: {_first_sentence(error)}"
        except Exception as error:  # noqa: BLE001 - google-auth raises errors of many kinds for bad responses and key files
            problem = f"Google did not issue a token: {_first_sentence(error)}"
    if problem:  # raised outside of the except block, whose frames hold the private key
        raise CredentialsError(problem, remedy=_SIGN_IN)
    return _key(found)


def _first_sentence(error: Exception) -> str:
    text = " ".join(str(error.args[0] if error.args else error).split())
    return text.partition(". ")[0].rstrip(".") + "."


def _key(credentials: Any) -> Key:
    if not credentials.token:
        raise CredentialsError("The Google sign-in returned no token.", remedy=_SIGN_IN)
    account = getattr(credentials, "service_account_email", None) or ""
    project = getattr(credentials, "quota_project_id", None)
    return Key(
        Secret(credentials.token),
        f"your Google sign-in{f' ({account})' if account else ''}",
        (("x-goog-user-project", project),) if project else (),
    )
