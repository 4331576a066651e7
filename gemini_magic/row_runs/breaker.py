"""Stops a run whose rows are refused for the same reason again and again: a revoked key, a wrong model, a bad schema."""

from __future__ import annotations

from collections import Counter
from typing import Final

from .attempts import is_about_the_run
from .values import Attempted

__all__ = ["CircuitBreaker"]

_DEFAULT: Final = 5  # equal refusals
_SMALL: Final = 200  # rows up to which the default counts; beyond, a share of the rows
_SHARE: Final = 0.05
_MOST_REASONS: Final = 1000


class CircuitBreaker:
    """Counts equal permanent refusals.

    Args:
        most: how many stop the run; None for 5 in a row, and for 5, or 5 % of the rows beyond 200, in all.

    Attributes:
        proven: whether a row was answered. Until then, rows are asked one by one.
        limit: how many equal refusals in a row stop the run.
        in_a_row: the equal refusals since the last answer.
    """

    def __init__(self, most: int | None = None) -> None:
        self._most = most
        self._rows = 0
        self.limit = _DEFAULT if most is None else most
        self.in_a_row = 0
        self._last = ""
        self._counts: Counter[str] = Counter()
        self.proven = False

    def answered(self) -> None:
        """Count a row that was answered."""
        self.proven = True
        self._rows += 1
        self.in_a_row = 0

    def refused(self, attempted: Attempted) -> str:
        """Count a permanent refusal. Returns why the run has to stop, as a sentence; empty if it may go on."""
        self._rows += 1
        reason = attempted.reason
        self.in_a_row = self.in_a_row + 1 if reason == self._last else 1
        self._last = reason
        if len(self._counts) < _MOST_REASONS or reason in self._counts:
            self._counts[reason] += 1
        count = self._counts[reason]
        if not self.proven and is_about_the_run(attempted):
            return f"The first row was refused: {attempted.error}"
        total = limit = self.limit
        if self._most is None and self._rows > _SMALL:
            total = max(limit, int(_SHARE * self._rows))
        if self.in_a_row >= limit or count >= total:
            ended = "failed" if attempted.http_status is None else "were refused"
            return f"{count} rows {ended} for the same reason: {attempted.error}"
        return ""
