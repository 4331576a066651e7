"""The certificates of servers that are trusted: those that the environment names, or else those of the system."""

from __future__ import annotations

import os
import ssl
import sys
import threading
from contextlib import suppress
from pathlib import Path
from typing import Any

__all__ = ["CERTIFICATES", "load_certificates", "tls_context", "trusted_certificates"]

_SYSTEM_STORE = sys.platform in ("darwin", "win32")  # elsewhere the certificates are files
CERTIFICATES = ("SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")
# Where distributions of Linux and BSD put their certificates, for a Python whose OpenSSL was built elsewhere.
_SYSTEM_FILES = (
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
    "/usr/local/share/certs/ca-root-nss.crt",
)


_contexts: dict[Any, ssl.SSLContext] = {}  # by the settings that they are made of
_contexts_lock = threading.Lock()


def _after_fork() -> None:
    global _contexts_lock  # noqa: PLW0603 - a thread that does not exist in the child may hold the lock
    _contexts_lock = threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


def trusted_certificates() -> tuple[str | None, ...]:
    """The files and folders of certificates that the environment names, in the order of :data:`CERTIFICATES`."""
    return tuple(os.environ.get(name) or None for name in CERTIFICATES)


def load_certificates() -> None:
    """Make the context of :func:`tls_context` in a thread. It takes 15 ms, nearly all of it without the interpreter lock."""
    threading.Thread(target=_try_to_load, name="gemini-certificates", daemon=True).start()


def _try_to_load() -> None:
    with suppress(Exception):  # the first request reports it
        tls_context()


def tls_context() -> ssl.SSLContext:
    """The context, made once for each setting, that trusts the named certificates, or else those of the system.

    On macOS and Windows the system itself checks certificates, so that those of an organization are trusted as in a
    browser. Elsewhere its certificates are files. Where there are none, those of the package certifi are trusted.

    Raises:
        OSError: a file or folder does not exist or holds no certificates.
    """
    settings = (trusted_certificates(), _SYSTEM_STORE, _SYSTEM_FILES)
    with _contexts_lock:
        if settings not in _contexts:
            _contexts[settings] = _new_context()
        return _contexts[settings]


def _new_context() -> ssl.SSLContext:
    named = dict(zip(CERTIFICATES, trusted_certificates(), strict=True))
    file, folder = named["SSL_CERT_FILE"], named["SSL_CERT_DIR"]
    if not (file or folder):
        bundle = named["REQUESTS_CA_BUNDLE"] or named["CURL_CA_BUNDLE"]
        file, folder = (None, bundle) if bundle and Path(bundle).is_dir() else (bundle, None)
    if file or folder:
        return ssl.create_default_context(cafile=file, capath=folder)
    if _SYSTEM_STORE:
        import truststore  # noqa: PLC0415 - not installed elsewhere

        context: ssl.SSLContext = truststore.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        return context
    return ssl.create_default_context(cafile=_system_file())


def _system_file() -> str | None:
    """The file with the system's certificates, or certifi's; None if OpenSSL knows where they are."""
    known = ssl.get_default_verify_paths()
    if known.cafile or (known.capath and any(Path(known.capath).glob("*.[0-9]"))):
        return None
    return next((file for file in _SYSTEM_FILES if Path(file).is_file()), None) or _certifi_file()


def _certifi_file() -> str:
    import certifi  # noqa: PLC0415 - only where the system has no certificates

    return certifi.where()
