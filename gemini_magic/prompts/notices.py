"""Sentences for the user about what is sent for a request that the user did not write."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from ..config import CHOSEN
from ..content import Request

__all__ = ["request_notices"]


def request_notices(
    notes_of: Callable[[Request], Sequence[str]], request: Request, sources: Mapping[str, str]
) -> tuple[str, ...]:
    """The sentences: why its backend was chosen, what an option implies, and which settings the server may ignore.

    Args:
        notes_of: the sentences of the backend about a request.
        request: the request.
        sources: where the options came from, as returned by ``resolve``.
    """
    chosen = sources.get(CHOSEN)
    return (*(() if chosen is None else (chosen,)), *notes_of(request))
