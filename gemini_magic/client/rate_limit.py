"""Rate limit: at most a number of requests a minute in one scope, in the order in which they were queued.

It counts and computes waits; it neither sleeps nor sends, and the clock is an argument.
"""

from __future__ import annotations

import os
import threading
import time
from collections import deque
from collections.abc import Callable, Hashable
from contextlib import suppress
from urllib.parse import urlsplit

from .secret import Key

__all__ = ["RATE_LIMITER", "RateLimiter", "Slot", "rate_scope"]

_MINUTE = 60.0


class RateLimiter:
    """A sliding window for each scope: the requests that started within the last minute, and those in the queue.

    Args:
        clock: returns seconds, monotonic.
        span: length of the window in seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic, span: float = _MINUTE) -> None:
        self._clock = clock
        self._span = span
        self._lock = threading.Lock()
        self._started: dict[Hashable, deque[float]] = {}
        self._queues: dict[Hashable, list[Slot]] = {}

    def enqueue(self, scope: Hashable, rate: int) -> Slot:
        """Queue one request.

        Args:
            scope: what the limit applies to.
            rate: how many requests a minute the request allows in its scope, at least 1.
        """
        slot = Slot(self, scope, rate)
        with self._lock:
            self._queues.setdefault(scope, []).append(slot)
        return slot

    def count(self, scope: Hashable) -> None:
        """Count a request that starts without having queued; it delays those that queue."""
        with self._lock:
            self._note_start(scope, self._clock())

    def remaining(self, slot: Slot) -> float:
        """Seconds until the request of a slot may start. 0 means now: the request then counts as started."""
        with self._lock:
            now = self._clock()
            queue = self._queues.get(slot.scope, [])
            if slot not in queue:
                return 0.0
            starts = [*self._recent(slot.scope, now)]
            for each in queue:  # each slot before this one takes the first moment that is free for it
                at = now if len(starts) < each.rate else max(now, starts[-each.rate] + self._span)
                if each is slot:
                    break
                starts.append(at)
            if at > now:
                return at - now
            queue.remove(slot)
            self._note_start(slot.scope, now)
            return 0.0

    def leave(self, slot: Slot) -> None:
        """Remove a slot from its queue; those behind it move up."""
        with self._lock, suppress(ValueError):
            self._queues.get(slot.scope, []).remove(slot)

    def clear_in_child(self) -> None:
        """Empty the queues and replace the lock in a forked child: both belong to threads of the parent."""
        self._lock = threading.Lock()
        self._queues.clear()

    def _recent(self, scope: Hashable, now: float) -> deque[float]:
        started = self._started.setdefault(scope, deque())
        while started and started[0] <= now - self._span:
            started.popleft()
        return started

    def _note_start(self, scope: Hashable, now: float) -> None:
        self._recent(scope, now).append(now)


class Slot:
    """A place in the queue. Call :meth:`remaining` from time to time, and :meth:`leave` when it is not needed.

    Attributes:
        scope: what the limit applies to.
        rate: requests a minute.
    """

    def __init__(self, limiter: RateLimiter, scope: Hashable, rate: int) -> None:
        self.scope = scope
        self.rate = rate
        self._limiter = limiter

    def remaining(self) -> float:
        """Seconds until the request may start; 0 once it may."""
        return self._limiter.remaining(self)

    def leave(self) -> None:
        """Give the place up."""
        self._limiter.leave(self)


def rate_scope(url: str, key: Key | None, model: str) -> Hashable:
    """What a rate limit applies to: a host, a key and a model. The key is hashed."""
    return urlsplit(url).netloc, None if key is None else hash(key.value.reveal()), model


RATE_LIMITER = RateLimiter()
"""The limiter of this process, shared by all its streams."""

if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=RATE_LIMITER.clear_in_child)
