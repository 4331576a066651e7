"""How fast rows may be asked: requests and input tokens a minute, a quota of the day, and how many at once.

One limiter serves all runs of the process, and its requests a minute are those of ``--rpm`` of single questions too. It
computes waits and never sleeps; the clock is an argument.
"""

from __future__ import annotations

import math
import os
import threading
import time
from collections import deque
from collections.abc import Callable, Hashable
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from ..client import RATE_LIMITER

__all__ = [
    "DEFAULT_AT_ONCE",
    "LIMITS",
    "MOST_AT_ONCE",
    "AtOnce",
    "ProcessLimits",
    "RequestsAMinute",
    "reopens",
    "tokens_of",
    "useful_at_once",
]

START: Final = 4
"""How many rows are asked at once at the beginning."""
DEFAULT_AT_ONCE: Final = 64
MOST_AT_ONCE: Final = 500

_MINUTE = 60.0
_CHOSEN_FACTOR = 4  # by which a limit that the user chose is approached
_TRUNCATED = 1.0  # the server cuts its delay to whole seconds, so one second is added
_BACKOFF = (1.0, 30.0)  # seconds to wait without a delay of the server: the first and the longest
_BYTES_PER_TOKEN = 4.0  # of English text (ai.google.dev, "Understand and count tokens")


class _Minute:
    """The input tokens of the last minute in one scope."""

    def __init__(self) -> None:
        self.sent: deque[tuple[float, float]] = deque()
        self.total = 0.0

    def drop_old(self, now: float) -> None:
        while self.sent and self.sent[0][0] <= now - _MINUTE:
            self.total -= self.sent.popleft()[1]


class ProcessLimits:
    """The limits of a process: when the next request of a scope may start. Threads may use it at the same time.

    A scope is a host, a key and a model.

    Args:
        clock: returns seconds, monotonic.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._paused: dict[Hashable, float] = {}
        self._minutes: dict[Hashable, _Minute] = {}

    def wait(self, scope: Hashable, tokens: float = 0.0, tpm: int | None = None) -> float:
        """Seconds until a request may start, apart from requests a minute; 0 means now.

        Args:
            scope: what the limits apply to.
            tokens: the input tokens of the request, estimated.
            tpm: the most input tokens a minute; None for any number.
        """
        with self._lock:
            now = self._clock()
            wait = max(0.0, self._paused.get(scope, now) - now)
            if wait or tpm is None:
                return wait
            minute = self._minutes.setdefault(scope, _Minute())
            minute.drop_old(now)
            over = minute.total + tokens - tpm
            if over <= 0 or not minute.sent:
                return 0.0
            for at, count in minute.sent:
                over -= count
                if over <= 0:
                    return max(0.0, at + _MINUTE - now)
            return minute.sent[-1][0] + _MINUTE - now

    def count_tokens(self, scope: Hashable, tokens: float) -> None:
        """Count the input tokens of a request that starts."""
        with self._lock:
            minute = self._minutes.setdefault(scope, _Minute())
            now = self._clock()
            minute.drop_old(now)
            minute.sent.append((now, tokens))
            minute.total += tokens

    def refused(self, scope: Hashable, wait: float | None, times: int) -> float:
        """Pause a scope after a refusal for too many requests.

        Args:
            scope: what the limits apply to.
            wait: seconds that the server asks to wait, None where it does not.
            times: how many refusals came one after the other, from 1.

        Returns:
            Seconds of the pause from now.
        """
        first, most = _BACKOFF
        seconds = min(most, first * 2.0 ** (times - 1)) if wait is None else wait + _TRUNCATED
        with self._lock:
            until = max(self._paused.get(scope, 0.0), self._clock() + seconds)
            self._paused[scope] = until
            return until - self._clock()

    def paused(self, scope: Hashable) -> bool:
        """Whether requests of a scope have to wait after a refusal."""
        until = self._paused.get(scope)
        return until is not None and until > self._clock()

    def clear_in_child(self) -> None:
        """Replace the lock in a forked child."""
        self._lock = threading.Lock()


LIMITS = ProcessLimits()
"""The limits of this process."""

if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=LIMITS.clear_in_child)


class RequestsAMinute:
    """The turn of one run in the queue of ``RATE_LIMITER``.

    Args:
        scope: what the limit applies to.
        rpm: requests a minute; None for any number.
    """

    def __init__(self, scope: Hashable, rpm: int | None) -> None:
        self._scope = scope
        self._rpm = rpm
        self._slot = None if rpm is None else RATE_LIMITER.enqueue(scope, rpm)

    def take(self) -> float:
        """Start a request if it may start now. Returns 0, or the seconds to wait."""
        if self._rpm is None or self._slot is None:
            RATE_LIMITER.count(self._scope)
            return 0.0
        wait = self._slot.remaining()
        if not wait:
            self._slot = RATE_LIMITER.enqueue(self._scope, self._rpm)
        return wait

    def close(self) -> None:
        """Leave the queue."""
        if self._slot is not None:
            self._slot.leave()


class AtOnce:
    """How many rows are asked at once: from 4 it doubles until the server refuses, and halves with each refusal.

    A limit that the user chose is reached in two steps: a quarter of it, and all of it after as many answers.

    Args:
        most: the limit, from 1 to 500.
        chosen: whether the user chose it.

    Attributes:
        limit: how many rows may be asked at once now.
        generation: how often it was halved. Refusals of requests of one generation halve it once.
    """

    def __init__(self, most: int = DEFAULT_AT_ONCE, *, chosen: bool = False) -> None:
        self._most = most
        self._factor = _CHOSEN_FACTOR if chosen else 2
        self._answered = 0  # since the limit has changed
        self.limit = min(most, max(START, math.ceil(most / _CHOSEN_FACTOR)) if chosen else START)
        self.generation = 0

    def answered(self, useful: int | None = None) -> None:
        """Count an answer.

        Args:
            useful: how many at once the other limits leave room for; None for any number.
        """
        self._answered += 1
        if self._answered < self.limit or self.limit >= self._most:
            return
        self._answered = 0
        if useful is None or self.limit < useful:
            grown = self.limit + math.ceil(self.limit / 10) if self.generation else self._factor * self.limit
            self.limit = min(self._most, grown)

    def refused(self, generation: int) -> None:
        """Count a refusal of a request that was started in this generation."""
        if generation == self.generation:
            self.generation += 1
            self._answered = 0
            self.limit = max(1, self.limit // 2)


def useful_at_once(rate: float | None, seconds: float | None) -> int | None:
    """How many rows at once a rate can use (Little's law): the rate times the seconds of an answer.

    Args:
        rate: rows a second that the limits allow; None without a limit.
        seconds: the mean time of an answer; None before the first one.
    """
    if rate is None or seconds is None:
        return None
    return max(1, math.ceil(rate * seconds))


def tokens_of(size: int, ratio: float | None = None) -> float:
    """The input tokens of a prompt, estimated.

    Args:
        size: its bytes in UTF-8.
        ratio: tokens a byte of the rows before; None before the first answer.
    """
    return size * ratio if ratio else size / _BYTES_PER_TOKEN


def _pacific() -> tzinfo:
    try:
        return ZoneInfo("America/Los_Angeles")
    except ZoneInfoNotFoundError:  # Windows without the package tzdata
        return timezone(timedelta(hours=-8))


def reopens(now: datetime | None = None) -> datetime:
    """When a quota of the day opens again, in UTC: at midnight in California (ai.google.dev, "Rate limits").

    Args:
        now: the present time; the clock's by default.
    """
    local = (now or datetime.now(UTC)).astimezone(_pacific())
    midnight = (local + timedelta(days=1)).replace(hour=0, minute=0, second=0, microsecond=0)
    return midnight.astimezone(UTC)
