"""The backends there are, by name, and whose a key is."""

from __future__ import annotations

import difflib

from ..errors import OptionError
from .adaptive import ADAPTIVE
from .auth import Auth
from .backend import Backend
from .echo import ECHO
from .gateway import GATEWAY
from .gemini import GEMINI
from .vertex import VERTEX

__all__ = ["DEFAULT", "backend", "may_carry", "names"]

_BACKENDS = {backend.name: backend for backend in (GEMINI, VERTEX, ADAPTIVE, GATEWAY, ECHO)}
DEFAULT = GEMINI
"""The backend that is used when the user names none."""


def names() -> tuple[str, ...]:
    """What ``--backend`` takes."""
    return tuple(_BACKENDS)


def backend(name: str) -> Backend:
    """The backend of that name.

    Raises:
        OptionError: there is none; the error names close matches.
    """
    if name in _BACKENDS:
        return _BACKENDS[name]
    close = difflib.get_close_matches(name, _BACKENDS, n=1)
    hint = f"Did you mean {close[0]!r}?" if close else f"There are: {', '.join(_BACKENDS)}."
    raise OptionError(f"There is no backend {name!r}.", remedy=hint)


def _owner(variable: str) -> Auth | None:
    """Whose keys a variable holds, if it is one of those that a backend looks at by itself."""
    name = variable.upper()  # where variables have no case, another spelling must not open a door
    known = (each.auth for each in _BACKENDS.values() if each.auth is not None)
    return next((auth for auth in known if name in auth.env), None)


def may_carry(auth: Auth, url: str, key_env: str | None) -> bool:
    """Whether a key may be sent to a URL.

    Args:
        auth: how it travels, and whose the keys are that are found without being named.
        url: the URL that is asked.
        key_env: the variable the user named for this address; None when none was named.
    """
    owner = auth if key_env is None or auth.signs_in else _owner(key_env)
    return owner is None or owner.owns(url)
