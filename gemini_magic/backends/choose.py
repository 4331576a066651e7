"""The backends there are, by name."""

from __future__ import annotations

import difflib

from ..errors import OptionError
from .backend import Backend
from .echo import ECHO
from .gemini import GEMINI

__all__ = ["backend", "names"]

_BACKENDS = {backend.name: backend for backend in (GEMINI, ECHO)}


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
