"""The available backends by name, and the rule which server may receive a key."""

from __future__ import annotations

from importlib import import_module
from urllib.parse import urlsplit

from ..errors import OptionError
from .auth import Auth
from .backend import Backend
from .gemini import GEMINI

__all__ = [
    "DEFAULT",
    "backend",
    "chosen_backend",
    "default_model",
    "host_to_name",
    "may_send_key",
    "names",
    "names_for_help",
    "recorded_backend",
]

# By name: the backend, or the module that defines it, which is imported when the backend is used.
_BACKENDS: dict[str, Backend | str] = {
    GEMINI.name: GEMINI,
    "interactions": "interactions",
    "vertex": "vertex",
    "vertex-interactions": "vertex_interactions",
    "adaptive": "adaptive",
    "gateway": "gateway",
    "echo": "echo",
}
# What begins an answer of the Interactions API: its first event, in both revisions, or the whole answer.
_INTERACTION_SIGNS = (
    b"event: interaction.",
    b'"interaction.created"',
    b'"interaction.start"',
    b'"object":"interaction"',
    b'"object": "interaction"',
)
# Backends that an option selects, and that users do not name.
_SELECTED: dict[str, Backend | str] = {"decisions": "decisions"}
_OFFLINE = ("echo",)
DEFAULT = GEMINI
"""The backend that is used when the user names none."""


def names() -> tuple[str, ...]:
    """The values of ``--backend``."""
    return tuple(_BACKENDS)


def names_for_help() -> list[str]:
    """The same, with a remark at those that need no network."""
    return [f"{name} (offline)" if name in _OFFLINE else name for name in _BACKENDS]


def backend(name: str) -> Backend:
    """The backend with a name.

    Raises:
        OptionError: the name is unknown; the error suggests a close match.
    """
    table = _SELECTED if name in _SELECTED else _BACKENDS
    found = table.get(name)
    if isinstance(found, str):
        module = import_module(f".{found}", __package__)
        found = table[name] = getattr(module, found.upper())
    if found is not None:
        return found
    from difflib import get_close_matches  # noqa: PLC0415 - only for a mistake

    close = get_close_matches(name, _BACKENDS, n=1)
    hint = f"Did you mean {close[0]!r}?" if close else f"Available backends: {', '.join(_BACKENDS)}."
    raise OptionError(f"Unknown backend: {name!r}.", remedy=hint)


def recorded_backend(url: str, body: bytes) -> str:
    """The name of the backend that reads a recording which does not name one.

    Args:
        url: the URL of the request; empty if the recording has none.
        body: how the body of the response begins.
    """
    resource = url.partition("?")[0].rstrip("/").rpartition("/")[2]  # the URL may be anything
    if resource == "interactions" or any(sign in body for sign in _INTERACTION_SIGNS):
        return "interactions"
    return DEFAULT.name


def default_model(name: str) -> str | None:
    """The model that a backend uses when the user names none; None for an unknown name."""
    return backend(name).default_model if name in _BACKENDS or name in _SELECTED else None


def chosen_backend(name: str, *, decides: bool) -> str:
    """The name of the backend that a request uses.

    Args:
        name: the value of ``--backend``; an unknown name is returned as it is.
        decides: whether the request asks for decisions, which a separate backend sends to the same server.

    Raises:
        OptionError: the server has no decisions, or its backend for decisions has no questions.
    """
    if not decides and name not in _SELECTED:
        return name
    found = backend(name).decisions
    if decides and found is None:
        raise OptionError(
            f"The {name} backend does not support decisions.",
            remedy="Use the Gemini API: --backend gemini, in Python backend='gemini'.",
        )
    if not decides:
        raise OptionError(
            f"The {name} backend needs questions.",
            remedy="Write --decide 'Is this spam?', or call decide(…).",
        )
    return found or name


def _owner(variable: str) -> Auth | None:
    """The ``Auth`` whose keys a variable holds; None for a variable that no backend reads by default."""
    name = variable.upper()  # Windows ignores the case of variables: another spelling must not pass the check
    known = (backend(each).auth for each in names())
    return next((auth for auth in known if auth is not None and name in auth.env), None)


def host_to_name(url: str) -> str:
    """The host and port of a URL as the status line names them; empty for Google's own servers."""
    parts = urlsplit(url)
    if GEMINI.auth is not None and GEMINI.auth.owns(url):
        return ""
    return parts.netloc.rpartition("@")[2]


def may_send_key(auth: Auth, url: str, key_env: str | None) -> bool:
    """Whether a key may be sent to a URL.

    A key from a variable that a backend reads by default is sent to that backend's own hosts only, even if the user
    names the variable. A key from any other variable is sent to any server that the user names.

    Args:
        auth: the authentication of the request.
        url: the URL of the request.
        key_env: the variable that the user named for this server; None if the key was found by default.
    """
    owner = auth if key_env is None or auth.signs_in else _owner(key_env)
    return owner is None or owner.owns(url)
