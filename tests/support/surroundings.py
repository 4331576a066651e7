"""What surrounds a test run: a clean environment, no network, a browser and a corpus if they are there.

It knows the machine. It knows nothing of gemini_magic.
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
# Source packages that hold the examples of CommonMark and of GitHub's Markdown.
SPEC_PACKAGES = ("markdown_it_py", "marko")
CANARY = "AIza-canary-0123456789-must-never-be-seen"

# As the run found it, for the few subprocesses (pip) that need the user's own settings.
ORIGINAL_ENVIRON: Mapping[str, str] = dict(os.environ)

# GEMINI_MAGIC_LONG=1: the tests that look at samples look at everything, which takes minutes.
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
    "PYTHONSTARTUP",
    "NO_COLOR",
}


def clean_environment(environ: Mapping[str, str], home: Path) -> dict[str, str]:
    """`environ` without keys, proxies and Jupyter's own variables, and with every user folder below `home`."""
    kept = {
        name: value
        for name, value in environ.items()
        if name.upper() not in _DROPPED and not name.upper().startswith(_DROPPED_PREFIXES)
    }
    return kept | user_folders(home)


def user_folders(home: Path) -> dict[str, str]:
    """The variables that say where a user's files are, all below `home`."""
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
    """A test tried to leave this machine. Not an OSError, so that no retry or fallback hides it."""


def is_local(address: object) -> bool:
    """Whether a socket address (or a host name) stays on this machine."""
    if not isinstance(address, tuple):
        return True  # a Unix socket's path
    host = str(address[0]).strip("[]").partition("%")[0]
    if host in {"", "localhost"}:
        return True
    try:
        ip = ipaddress.ip_address(host)
    except ValueError:
        return False
    return ip.is_loopback or ip.is_unspecified


def forbid_network() -> Callable[[], None]:
    """Let sockets of this process reach loopback only; returns the function that undoes it."""
    plain = {name: getattr(socket.socket, name) for name in ("connect", "connect_ex", "sendto")}
    look_up = socket.getaddrinfo

    def guard(name: str) -> Callable[..., Any]:
        original = plain[name]

        def guarded(sock: socket.socket, *arguments: Any) -> Any:
            if not is_local(arguments[-1]):
                raise NetworkForbiddenError(f"no network in tests: {name} to {arguments[-1]!r}")
            return original(sock, *arguments)

        return guarded

    def guarded_look_up(host: Any, *arguments: Any, **options: Any) -> Any:
        name = host.decode() if isinstance(host, bytes) else host
        if name is not None and not is_local((name,)):
            raise NetworkForbiddenError(f"no network in tests: look-up of {name!r}")
        return look_up(host, *arguments, **options)

    for name in plain:
        setattr(socket.socket, name, guard(name))
    socket.getaddrinfo = guarded_look_up

    def undo() -> None:
        socket.getaddrinfo = look_up
        for name, original in plain.items():
            setattr(socket.socket, name, original)

    return undo


# --------------------------------------------------------------------------------- browser and corpus


def find_chromium(environ: Mapping[str, str] = ORIGINAL_ENVIRON) -> str | None:
    """The Chromium to test with: $GEMINI_MAGIC_CHROMIUM, else the first of the usual names on PATH."""
    if chosen := environ.get("GEMINI_MAGIC_CHROMIUM"):
        return chosen if os.access(chosen, os.X_OK) else None
    names = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
    return next((found for name in names if (found := shutil.which(name, path=environ.get("PATH")))), None)


def missing_for_browser(environ: Mapping[str, str] = ORIGINAL_ENVIRON) -> str | None:
    """What keeps the browser tests from running, None if nothing does."""
    if find_chromium(environ) is None:
        return "no Chromium found (looked at $GEMINI_MAGIC_CHROMIUM and PATH)"
    absent = [name for name in ("playwright", "jupyterlab", "ipywidgets") if find_spec(name) is None]
    return f"not installed: {', '.join(absent)}" if absent else None


def missing_for_corpus() -> str | None:
    """What keeps the corpus tests from running, None if nothing does."""
    return None if (CORPUS / "README.md").is_file() else "no ../shared/corpus beside the checkout"


def spec_package(name: str, environ: Mapping[str, str] = ORIGINAL_ENVIRON) -> Path | None:
    """The source package of that name in ``$GEMINI_MAGIC_SPEC``, None if it is not there."""
    folder = environ.get("GEMINI_MAGIC_SPEC", "")
    return next(iter(sorted(Path(folder).glob(f"{name}-*.tar.gz"))), None) if folder else None


def missing_for_spec() -> str | None:
    """What keeps the tests with the examples of Markdown's specifications from running, None if nothing does."""
    absent = [name for name in SPEC_PACKAGES if spec_package(name) is None]
    return f"$GEMINI_MAGIC_SPEC has no source package of {', '.join(absent)}" if absent else None


def versions(*names: str) -> str:
    """'name version' of each distribution, on one line."""

    def one(name: str) -> str:
        try:
            return f"{name} {metadata.version(name)}"
        except metadata.PackageNotFoundError:
            return f"{name} not installed"

    return ", ".join(map(one, names))
