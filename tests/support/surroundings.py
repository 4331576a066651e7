"""The environment of a test run: environment variables, the network, and the optional browser, corpus and examples.

The module imports nothing from gemini_magic.
"""

from __future__ import annotations

import ipaddress
import os
import shutil
import socket
from collections.abc import Callable, Mapping
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path
from typing import Any

TESTS = Path(__file__).resolve().parents[1]
CHECKOUT = TESTS.parent
CORPUS = CHECKOUT.parent / "shared" / "corpus"
# Source packages with the examples of the CommonMark and GitHub Flavored Markdown specifications.
SPEC_PACKAGES = ("markdown_it_py", "marko")
CANARY = "AIza-canary-0123456789-must-never-be-seen"

# The environment at the start of the run, for the few subprocesses (pip) that need the settings of the user.
ORIGINAL_ENVIRON: Mapping[str, str] = dict(os.environ)

# GEMINI_MAGIC_LONG=1: tests that normally use samples use all cases, which takes minutes.
LONG = ORIGINAL_ENVIRON.get("GEMINI_MAGIC_LONG") == "1"

_DROPPED_PREFIXES = (
    "GOOGLE_",
    "GEMINI_",
    "GCLOUD_",
    "CLOUDSDK_",
    "JUPYTER_",
    "JPY_",
    "IPYTHON",
    "COLAB_",
    "VSCODE_",
)
_DROPPED = {
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "ALL_PROXY",
    "NO_PROXY",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "REQUESTS_CA_BUNDLE",
    "CURL_CA_BUNDLE",
    "PYTHONSTARTUP",
    "NO_COLOR",
}


def clean_environment(environ: Mapping[str, str], home: Path) -> dict[str, str]:
    """`environ` without keys, proxies and variables of Jupyter, and with all user folders below `home`."""
    kept = {
        name: value
        for name, value in environ.items()
        if name.upper() not in _DROPPED and not name.upper().startswith(_DROPPED_PREFIXES)
    }
    return kept | user_folders(home)


def user_folders(home: Path) -> dict[str, str]:
    """The variables that set the folders of a user's files, all below `home`."""
    folders = {
        "HOME": home,
        "USERPROFILE": home,
        "XDG_CACHE_HOME": home / "cache",
        "XDG_CONFIG_HOME": home / "config",
        "XDG_DATA_HOME": home / "data",
        "XDG_STATE_HOME": home / "state",
        "IPYTHONDIR": home / "ipython",
        "JUPYTER_CONFIG_DIR": home / "jupyter-config",
        "JUPYTER_DATA_DIR": home / "jupyter-data",
        "JUPYTER_RUNTIME_DIR": home / "jupyter-runtime",
        "MPLCONFIGDIR": home / "matplotlib",
    }
    return {name: str(folder) for name, folder in folders.items()}


# ------------------------------------------------------------------------------------------- network


class NetworkForbiddenError(RuntimeError):
    """A test tried to reach another machine. It is not an OSError, so that no retry or fallback hides it."""


def is_local(address: object) -> bool:
    """Whether a socket address is on this machine."""
    if not isinstance(address, tuple):
        return True  # the path of a Unix socket
    host = str(address[0]).strip("[]").partition("%")[0]
    if host in {"", "localhost"}:
        return True
    try:
        ip = ipaddress.ip_address(host)
    except ValueError:
        return False
    return ip.is_loopback or ip.is_unspecified


def forbid_network() -> Callable[[], None]:
    """Restrict the sockets of this process to loopback addresses; return the function that removes the restriction."""
    originals = {name: getattr(socket.socket, name) for name in ("connect", "connect_ex", "sendto")}
    getaddrinfo = socket.getaddrinfo

    def guard(name: str) -> Callable[..., Any]:
        original = originals[name]

        def guarded(sock: socket.socket, *arguments: Any) -> Any:
            if not is_local(arguments[-1]):
                raise NetworkForbiddenError(f"no network in tests: {name} to {arguments[-1]!r}")
            return original(sock, *arguments)

        return guarded

    def guarded_getaddrinfo(host: Any, *arguments: Any, **options: Any) -> Any:
        name = host.decode() if isinstance(host, bytes) else host
        if name is not None and not is_local((name,)):
            raise NetworkForbiddenError(f"no network in tests: lookup of {name!r}")
        return getaddrinfo(host, *arguments, **options)

    for name in originals:
        setattr(socket.socket, name, guard(name))
    socket.getaddrinfo = guarded_getaddrinfo

    def undo() -> None:
        socket.getaddrinfo = getaddrinfo
        for name, original in originals.items():
            setattr(socket.socket, name, original)

    return undo


# --------------------------------------------------------------------------------- browser and corpus


def find_chromium(environ: Mapping[str, str] = ORIGINAL_ENVIRON) -> str | None:
    """The path of Chromium: $GEMINI_MAGIC_CHROMIUM, or the first of its usual names on PATH; None if there is none."""
    if chosen := environ.get("GEMINI_MAGIC_CHROMIUM"):
        return chosen if os.access(chosen, os.X_OK) else None
    names = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
    return next((found for name in names if (found := shutil.which(name, path=environ.get("PATH")))), None)


def missing_for_browser(environ: Mapping[str, str] = ORIGINAL_ENVIRON) -> str | None:
    """Why the browser tests cannot run; None if they can."""
    if find_chromium(environ) is None:
        return "no Chromium found ($GEMINI_MAGIC_CHROMIUM or PATH)"
    absent = [name for name in ("playwright", "jupyterlab", "ipywidgets") if find_spec(name) is None]
    return f"not installed: {', '.join(absent)}" if absent else None


def missing_for_corpus() -> str | None:
    """Why the corpus tests cannot run; None if they can."""
    return None if (CORPUS / "README.md").is_file() else "../shared/corpus does not exist"


def spec_package(name: str, environ: Mapping[str, str] = ORIGINAL_ENVIRON) -> Path | None:
    """The path of this source package in ``$GEMINI_MAGIC_SPEC``; None if it does not exist."""
    folder = environ.get("GEMINI_MAGIC_SPEC", "")
    return next(iter(sorted(Path(folder).glob(f"{name}-*.tar.gz"))), None) if folder else None


def missing_for_spec() -> str | None:
    """Why the tests with the examples of the Markdown specifications cannot run; None if they can."""
    absent = [name for name in SPEC_PACKAGES if spec_package(name) is None]
    return f"$GEMINI_MAGIC_SPEC has no source package of {', '.join(absent)}" if absent else None


def versions(*names: str) -> str:
    """The name and version of each distribution, on one line."""

    def version(name: str) -> str:
        try:
            return f"{name} {metadata.version(name)}"
        except metadata.PackageNotFoundError:
            return f"{name} not installed"

    return ", ".join(map(version, names))
