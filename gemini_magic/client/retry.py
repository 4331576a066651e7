"""How an attempt ended, whether another one may help, and how long to wait before it.

It reads what the server answered; it neither waits nor counts attempts.
"""

from __future__ import annotations

import random
from typing import NamedTuple

from ..backends import retry_after
from ..endings import Cause
from ..errors import GeminiMagicError
from ..events import Failure

__all__ = ["Outcome", "acceptable_wait", "backoff", "retry_after", "worth_retrying"]

# Google's gateways answer 499 when a request was cancelled between them and the model.
_CODES = (408, 429, 499, 500, 502, 503, 504)
_STATUSES = ("RESOURCE_EXHAUSTED", "UNAVAILABLE", "INTERNAL", "DEADLINE_EXCEEDED", "CANCELLED")
_ABORTED = "ABORTED"  # a conflict of two requests; its code 409 also means that something exists already
_MAX_BACKOFF = 30.0  # seconds
_MAX_WAIT = 300.0  # seconds; a server that asks for more has, for instance, used up a quota of the day


class Outcome(NamedTuple):
    """How one attempt ended.

    Attributes:
        cause, error, limit: how the ledger is closed if no other attempt follows.
        end: the ending as recordings write it.
        retryable: whether another attempt may help.
        wait: seconds that the server asks to wait before another attempt, None where it does not.
        unanswered: whether the request was sent and brought no answer, so that two attempts may be billed.
    """

    cause: Cause
    error: GeminiMagicError | None = None
    end: str = "eof"
    limit: float | None = None
    retryable: bool = False
    wait: float | None = None
    unanswered: bool = False


def worth_retrying(failure: Failure) -> bool:
    """Whether the server may answer differently in a moment."""
    status = (failure.status or "").upper()
    known = failure.code in _CODES or status == _ABORTED or (failure.code is None and status in _STATUSES)
    return known and not failure.final and acceptable_wait(failure.retry_after)


def acceptable_wait(wait: float | None) -> bool:
    """Whether a wait of that many seconds is short enough to be worth it."""
    return (wait or 0.0) <= _MAX_WAIT


def backoff(attempt: int) -> float:
    """Seconds to wait after an attempt (numbered from 0) when the server asks for no wait: exponential, with jitter."""
    return min(_MAX_BACKOFF, 0.5 * 2.0**attempt) * random.uniform(0.7, 1.3)  # noqa: S311 - jitter
