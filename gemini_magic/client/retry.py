"""How an attempt ended, when another one is worth it, and after how long.

It reads what the server said; it neither waits nor counts tries.
"""

from __future__ import annotations

import random
import re
from collections.abc import Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import NamedTuple

from ..endings import Cause
from ..errors import GeminiMagicError
from ..events import Failure

__all__ = ["Outcome", "jittered", "patient", "retry_after", "worth_retrying"]

# 499 is what Google's gateways say when a request was cancelled between them and the model.
_CODES = (408, 429, 499, 500, 502, 503, 504)
_STATUSES = ("RESOURCE_EXHAUSTED", "UNAVAILABLE", "INTERNAL", "DEADLINE_EXCEEDED", "CANCELLED")
_LONGEST_JITTER = 30.0  # seconds
_LONGEST_ASKED = 300.0  # seconds; a server that asks for more means another day
_SECONDS = re.compile(r"\d+(\.\d+)?")


class Outcome(NamedTuple):
    """How one attempt ended.

    Attributes:
        cause, error, limit: what the ledger is closed with if no other attempt follows.
        end: what the recording says.
        again: whether another attempt may help; ``wait``: after how many seconds, None where the server did not say.
        silent: the request had gone out and died without an answer, so that another one may be billed as well.
    """

    cause: Cause
    error: GeminiMagicError | None = None
    end: str = "eof"
    limit: float | None = None
    again: bool = False
    wait: float | None = None
    silent: bool = False


def worth_retrying(failure: Failure) -> bool:
    """Whether the server may answer differently in a moment."""
    known = failure.code in _CODES or (failure.code is None and failure.status in _STATUSES)
    return known and not failure.final and patient(failure.retry_after)


def patient(wait: float | None) -> bool:
    """Whether that many seconds are worth waiting for."""
    return (wait or 0.0) <= _LONGEST_ASKED


def jittered(attempt: int) -> float:
    """Seconds to wait after attempt ``attempt`` (from 0) when the server asks for nothing."""
    return min(_LONGEST_JITTER, 0.5 * 2.0**attempt) * random.uniform(0.7, 1.3)  # noqa: S311 - jitter


def retry_after(headers: Sequence[tuple[str, str]]) -> float | None:
    """Seconds of a ``Retry-After`` header, which may also hold a date (RFC 9110, 10.2.3)."""
    value = next((value for name, value in headers if name.lower() == "retry-after"), "").strip()
    if _SECONDS.fullmatch(value):
        return float(value)
    try:
        return max(0.0, (parsedate_to_datetime(value) - datetime.now(UTC)).total_seconds())
    except (TypeError, ValueError):
        return None
