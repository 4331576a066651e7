"""Remembers which models each server listed, for completion and for errors about a wrong name.

The lists are kept in memory. This module sends no request.
"""

from __future__ import annotations

import difflib
import threading
from collections.abc import Sequence

from ..backends import Backend, Model
from ..options import Options
from .endpoint import endpoint_of

__all__ = ["known_models", "remember_models", "similar_models"]

_SIMILAR = 3  # names that are suggested
_lock = threading.Lock()
_known: dict[str, tuple[Model, ...]] = {}


def remember_models(backend: Backend, options: Options, models: Sequence[Model]) -> None:
    """Remember the models that a server has listed.

    Args:
        backend: the dialect; it can list models.
        options: the address of the server.
        models: the list.
    """
    if backend.models is not None:
        with _lock:
            _known[backend.models.encode(endpoint_of(options), "").url] = tuple(models)


def known_models(backend: Backend, options: Options) -> tuple[Model, ...]:
    """The models that this process has listed before; empty if it has not."""
    if backend.models is None:
        return ()
    with _lock:
        return _known.get(backend.models.encode(endpoint_of(options), "").url, ())


def similar_models(backend: Backend, options: Options) -> list[str]:
    """Names of known models that are similar to the requested one; empty if that is a known model."""
    names = [model.name for model in known_models(backend, options)]
    requested = (options.model or "").removeprefix("models/")
    return [] if requested in names else difflib.get_close_matches(requested, names, n=_SIMILAR)
