"""Remembers which models each server listed, for completion and for the remedies of errors.

The lists are kept in memory. This module sends no request.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence

from msgspec.structs import replace

from ..backends import Backend, Model, other_protocol
from ..events import Failure
from ..options import Options
from .endpoint import endpoint_of
from .secret import Key

__all__ = ["listed_models", "remember_models", "with_remedy"]

_NOT_FOUND = 404
_FORBIDDEN = 403
_NO_FILE = (
    "The server deletes files after 48 hours, and another key's project cannot use them. Attach the file again. "
    "`%gemini files` lists the files of this key."
)
_UNAVAILABLE = 503
_TOO_MANY = 429
_FLEX_FULL = (
    "The flex tier is served only while there is free capacity. Ask again later, or use the standard tier, which costs "
    "twice as much."
)
_PRIORITY_LIMIT = "The priority tier has a rate limit of its own, 0.3 times that of the standard tier. Wait, or use the standard tier."
_NOT_STORED = (
    "The server deletes stored answers after one day, or after 55 days with billing, and another key's project cannot use "
    "them. Leave out --previous and --server-store to send the conversation itself."
)
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


def listed_models(backend: Backend, options: Options) -> tuple[Model, ...]:
    """The models that this process has listed before; empty if it has not."""
    if backend.models is None:
        return ()
    with _lock:
        return _known.get(backend.models.encode(endpoint_of(options), "").url, ())


def with_remedy(failure: Failure, backend: Backend, options: Options, key: Key | None) -> Failure:
    """The failure with a remedy, if more is known than its code, such as similar model names or an expired file.

    Args:
        failure: an HTTP error.
        backend: the dialect.
        options: the requested model and the address of the server.
        key: the key that was sent, or None.
    """
    if failure.reason == "API_KEY_INVALID" and key is not None:
        remedy = f"The key comes from {key.source}. Set it to a valid key and ask again."
        return replace(failure, remedy=remedy)
    if failure.code == _FORBIDDEN and backend.files is not None and backend.files.missing(failure.message):
        return replace(failure, remedy=_NO_FILE)
    if failure.code == _UNAVAILABLE and options.service_tier == "flex":
        return replace(failure, remedy=_FLEX_FULL)
    if failure.code == _TOO_MANY and options.service_tier == "priority" and not failure.final:
        return replace(failure, remedy=_PRIORITY_LIMIT)
    if (
        failure.code == _NOT_FOUND
        and failure.status == "not_found"
        and (options.previous or options.server_store)
    ):
        return replace(failure, remedy=_NOT_STORED)
    if failure.code == _NOT_FOUND and (names := _similar_models(backend, options)):
        remedy = f"Did you mean {' or '.join(names)}? `%gemini models` lists the models; `-m` sets one."
        return replace(failure, remedy=remedy)
    if failure.code == _NOT_FOUND and (remedy := other_protocol(backend.name, options.model)):
        return replace(failure, remedy=remedy)
    return failure


def _similar_models(backend: Backend, options: Options) -> list[str]:
    """Names of known models that are similar to the requested one; empty if that is a known model."""
    names = [model.name for model in listed_models(backend, options)]
    requested = (options.model or "").removeprefix("models/")
    if requested in names:
        return []
    from difflib import get_close_matches  # noqa: PLC0415 - only for a mistake

    return get_close_matches(requested, names, n=_SIMILAR)
