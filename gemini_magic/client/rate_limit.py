"""Turns: at most so many requests a minute to one place, in the order in which they were asked for.

It counts and says how long to wait; it neither sleeps nor sends, and the clock is given to it.
"""

from __future__ import annotations

import os
import threading
import time
from collections import deque
from collections.abc import Callable, Hashable
from contextlib import suppress

__all__ = ["TURNS", "Limiter", "Slot"]

_MINUTE = 60.0


class Limiter:
    """A sliding window for each place: requests that began within the last minute, and those that wait.

    Args:
        clock: seconds, monotonic.
        span: length of the window in seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic, span: float = _MINUTE) -> None:
        self._clock = clock
        self._span = span
        self._lock = threading.Lock()
        self._begun: dict[Hashable, deque[float]] = {}
        self._waiting: dict[Hashable, list[Slot]] = {}

    def queue(self, place: Hashable, rate: int) -> Slot:
        """Stand in line for one request to ``place``, which takes ``rate`` in a minute (at least 1)."""
        turn = Slot(self, place, rate)
        with self._lock:
            self._waiting.setdefault(place, []).append(turn)
        return turn

    def began(self, place: Hashable) -> None:
        """A request to ``place`` goes out without having stood in line; it counts for those that do."""
        with self._lock:
            self._note(place, self._clock())

    def left(self, turn: Slot) -> float:
        """Seconds until it is this one's turn. 0 means now: the request then counts as begun."""
        with self._lock:
            now = self._clock()
            line = self._waiting.get(turn.place, [])
            if turn not in line:
                return 0.0
            starts = [*self._recent(turn.place, now)]
            for each in line:  # each of those before it takes the first moment that is free for it
                at = now if len(starts) < each.rate else max(now, starts[-each.rate] + self._span)
                if each is turn:
                    break
                starts.append(at)
            if at > now:
                return at - now
            line.remove(turn)
            self._note(turn.place, now)
            return 0.0

    def leave(self, turn: Slot) -> None:
        """It is not wanted any more; those behind it move up."""
        with self._lock, suppress(ValueError):
            self._waiting.get(turn.place, []).remove(turn)

    def forget(self) -> None:
        """Nobody waits, and no lock is held: this is a forked child."""
        self._lock = threading.Lock()
        self._waiting.clear()

    def _recent(self, place: Hashable, now: float) -> deque[float]:
        begun = self._begun.setdefault(place, deque())
        while begun and begun[0] <= now - self._span:
            begun.popleft()
        return begun

    def _note(self, place: Hashable, now: float) -> None:
        self._recent(place, now).append(now)


class Slot:
    """A place in the line: ask :meth:`left` from time to time, and :meth:`leave` when it is not wanted any more."""

    def __init__(self, limiter: Limiter, place: Hashable, rate: int) -> None:
        self.place = place
        self.rate = rate
        self._limiter = limiter

    def left(self) -> float:
        """Seconds to wait; 0 once, when the request may go out."""
        return self._limiter.left(self)

    def leave(self) -> None:
        """Give the place up."""
        self._limiter.leave(self)


TURNS = Limiter()
"""The line of this process, which all its streams share."""

if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=TURNS.forget)
