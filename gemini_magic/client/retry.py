"""How an attempt ended, when another one is worth it, and after how long.

It reads what the server said; it neither waits nor counts tries.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import NamedTuple

import tenacity

from ..endings import Cause
from ..errors import GeminiMagicError
from ..events import Failure

__all__ = ["Outcome", "jittered", "result_of", "retry_after", "worth_retrying"]

_CODES = (408, 429, 500, 502, 503, 504)
_LONGEST_JITTER = 30.0  # seconds
_LONGEST_ASKED = 300.0  # seconds a server may make us wait


class Outcome(NamedTuple):
    """How one attempt ended; ``again`` when another one is allowed, after ``wait`` seconds."""

    cause: Cause
    error: GeminiMagicError | None = None
    end: str = "eof"
    limit: float | None = None
    again: bool = False
    wait: float = 0.0


def result_of(state: tenacity.RetryCallState) -> Outcome:
    """The outcome of the attempt that tenacity has just made."""
    outcome: Outcome = state.outcome.result() if state.outcome else Outcome("failed")
    return outcome


def worth_retrying(failure: Failure) -> bool:
    """Whether the server may answer differently in a moment."""
    return not failure.final and failure.code in _CODES and (failure.retry_after or 0.0) <= _LONGEST_ASKED


def jittered(attempt: int) -> float:
    """Seconds to wait after attempt ``attempt`` (from 0) when the server asks for nothing."""
    return min(_LONGEST_JITTER, 0.5 * 2.0**attempt) * random.uniform(0.7, 1.3)  # noqa: S311 - jitter


def retry_after(headers: Sequence[tuple[str, str]]) -> float | None:
    """Seconds of a ``Retry-After`` header, which may also hold a date (RFC 9110, 10.2.3); at most five minutes."""
    value = next((value for name, value in headers if name.lower() == "retry-after"), "").strip()
    if value.isdigit():
        return min(float(value), _LONGEST_ASKED)
    try:
        seconds = (parsedate_to_datetime(value) - datetime.now(UTC)).total_seconds()
    except (TypeError, ValueError):
        return None
    return min(max(0.0, seconds), _LONGEST_ASKED)
