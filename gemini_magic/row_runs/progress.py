"""Counts a run while it goes on. The leader counts, and any thread reads the progress and waits for a change."""

from __future__ import annotations

import json
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from ..views import (
    MOST_EXAMPLES,
    MOST_SHOWN_ROWS,
    FailedRow,
    FailureReason,
    RowProgress,
    RunState,
    ShownRow,
)
from .keys import key_text
from .values import Attempted, Grant, RowStatus

__all__ = ["ProgressCounter"]

_RATE_SPAN: Final = 20.0  # seconds over which the rate is measured
_MOST_TEXT: Final = 2_000  # characters of an answer that the list of the newest rows keeps
_MOST_JSON: Final = 20_000  # the same for an answer with a schema, whose fields are read
_MOST_REASONS: Final = 50  # reasons that are counted apart; a server may invent one for each row
_OTHER: Final = "other reasons"
_ENDED: Final = ("complete", "stopped", "interrupted", "error")


class _Failures:
    """Rows that failed for one reason."""

    def __init__(self, *, permanent: bool) -> None:
        self.rows = 0
        self.permanent = permanent
        self.examples: list[FailedRow] = []


class ProgressCounter:
    """The progress of a run.

    Args:
        total: rows of the input with all their samples; None where that is not known.
        fields: the names of the fields of the schema; empty without one.
        store: the file of the store; empty for a temporary one.
        max_cost: the limit in dollars.
        spent_before: dollars that earlier runs of the store have spent.
    """

    def __init__(
        self,
        total: int | None = None,
        *,
        fields: Sequence[str] = (),
        store: str = "",
        max_cost: float | None = None,
        spent_before: float = 0.0,
    ) -> None:
        self._changes = threading.Condition()
        self._began = time.monotonic()
        self._ended: float | None = None
        self._fixed = RowProgress(
            fields=tuple(fields), store=store, max_cost=max_cost, spent_before=spent_before
        )
        self._total = total
        self._state: RunState = "preparing"
        self._counts: Counter[str] = Counter()
        self._unasked: Counter[str] = Counter()
        self._failures: dict[str, _Failures] = {}
        self._ends: deque[float] = deque()
        self._newest: deque[tuple[Grant, Attempted]] = deque(maxlen=MOST_SHOWN_ROWS)
        self._models: list[str] = []
        self._notices: list[str] = []
        self._requests = self._tokens = self._in_flight = self._at_once = self._unpriced = self._priced = 0
        self._useful: int | None = None
        self._cost = 0.0
        self._waiting = ""
        self._until: float | None = None
        self._ending = self._remedy = ""
        self._first: Callable[[], Sequence[ShownRow]] | None = None
        self._first_read: tuple[ShownRow, ...] = ()
        self.version = 0
        self.ended_rows = 0
        """Rows that ended in this run."""

    # -- by the leader

    def changed(self) -> None:
        """Announce the changes since the last call."""
        with self._changes:
            self.version += 1
            self._changes.notify_all()

    @property
    def state(self) -> RunState:
        """The state of the run."""
        return self._state

    def set_state(self, state: RunState) -> None:
        """Set the state of the run; the final one stays."""
        if state != self._state and self._state not in _ENDED:
            if state in _ENDED:
                self._ended = time.monotonic()
                self._waiting, self._until, self._in_flight = "", None, 0
            self._state = state
            self.changed()

    def set_first_rows(self, first: Callable[[], Sequence[ShownRow]]) -> None:
        """Set what reads the first rows of the input once the run has ended."""
        self._first = first

    def set_ending(self, sentence: str, remedy: str = "") -> None:
        """Set why the run ends before the last row; only the first reason counts."""
        if not self._ending:
            self._ending, self._remedy = sentence, remedy

    def set_total(self, total: int) -> None:
        """Set the number of rows once it is known."""
        self._total = total

    def set_wait(self, reason: str, seconds: float | None = None) -> None:
        """Set why nothing is sent now, and for how long; an empty reason if something is."""
        if reason != self._waiting:
            self._waiting = reason
            self._until = None if seconds is None else time.time() + seconds
            self.changed()

    def set_pace(self, in_flight: int, at_once: int, useful: int | None) -> None:
        """Set how many attempts are being made, may be made, and would be useful."""
        self._in_flight, self._at_once, self._useful = in_flight, at_once, useful

    def add_notice(self, sentence: str) -> None:
        """Add a sentence about the input or the run, once."""
        if sentence not in self._notices:
            self._notices.append(sentence)

    def count_unasked(self, reason: str, rows: int = 1) -> None:
        """Count rows for which this run sends nothing."""
        if rows:
            self._unasked[reason] += rows

    def count_attempt(self, attempted: Attempted) -> None:
        """Count an attempt that was sent."""
        self._requests += 1
        counts = (attempted.tokens_in, attempted.tokens_out, attempted.tokens_thought)
        self._tokens += sum(count for count in counts if count is not None)
        if attempted.cost is not None:
            self._cost += attempted.cost
            self._priced += 1
        elif attempted.tokens_out is not None or attempted.tokens_thought is not None:
            self._unpriced += 1
        if attempted.model and attempted.model not in self._models:
            self._models.append(attempted.model)

    def count_row(self, status: RowStatus, grant: Grant, attempted: Attempted) -> None:
        """Count a row that has ended in this run."""
        self._counts[status] += 1
        self.ended_rows += 1
        now = time.monotonic()
        self._ends.append(now)
        while self._ends and self._ends[0] < now - _RATE_SPAN:
            self._ends.popleft()
        if attempted.reason or status in ("mismatch", "in_doubt"):
            self._count_failure(attempted.reason or status, grant, attempted)
        most = _MOST_JSON if self._fixed.fields else _MOST_TEXT
        self._newest.appendleft(
            (
                grant._replace(wanted=grant.wanted._replace(parts=())),
                attempted._replace(head=b"", pieces=b"", text=attempted.text[:most]),
            )
        )

    def _count_failure(self, reason: str, grant: Grant, attempted: Attempted) -> None:
        if reason not in self._failures and len(self._failures) >= _MOST_REASONS:
            reason = _OTHER
        found = self._failures.setdefault(reason, _Failures(permanent=attempted.permanent))
        found.rows += 1
        if len(found.examples) < MOST_EXAMPLES:
            found.examples.append(FailedRow(key_text(grant.wanted.key), attempted.error[:_MOST_TEXT]))

    # -- by any thread

    def snapshot(self) -> RowProgress:
        """The progress now."""
        now = time.monotonic() if self._ended is None else self._ended
        elapsed = now - self._began
        rate = self._rate(now, elapsed)
        counts, unasked = dict(self._counts), dict(self._unasked)
        left = None
        if self._total is not None and rate and self._ended is None:
            left = max(0, self._total - sum(counts.values()) - sum(unasked.values())) / rate
        failures = [
            FailureReason(reason, found.rows, tuple(found.examples), found.permanent)
            for reason, found in list(self._failures.items())
        ]
        return self._fixed._replace(
            version=self.version,
            state=self._state,
            total=self._total,
            counts=counts,
            unasked=unasked,
            failures=tuple(sorted(failures, key=lambda each: -each.rows)),
            rows=tuple(self._shown(*each) for each in list(self._newest)),
            first=self._first_rows(),
            elapsed=elapsed,
            rate=rate,
            left=left,
            requests=self._requests,
            tokens=self._tokens,
            cost=self._cost if self._priced or not self._unpriced else None,
            cost_is_complete=not self._unpriced,
            in_flight=self._in_flight,
            concurrency=self._at_once,
            useful=self._useful,
            waiting=self._waiting,
            waiting_until=self._until,
            ending=self._ending,
            remedy=self._remedy,
            models=tuple(self._models),
            notices=tuple(self._notices),
        )

    def _first_rows(self) -> tuple[ShownRow, ...]:
        if self._ended is None:
            return ()
        if self._first is not None:
            self._first_read, self._first = tuple(self._first()), None
        return self._first_read

    def _rate(self, now: float, elapsed: float) -> float | None:
        if self._ended is not None:
            return self.ended_rows / elapsed if elapsed > 0 and self.ended_rows else None
        span = min(_RATE_SPAN, elapsed)
        recent = sum(end >= now - span for end in list(self._ends))
        return recent / span if recent and span > 0 else None

    def _shown(self, grant: Grant, attempted: Attempted) -> ShownRow:
        tokens = (attempted.tokens_in, attempted.tokens_thought, attempted.tokens_out)
        known = [count for count in tokens if count is not None]
        return ShownRow(
            key_text(grant.wanted.key),
            attempted.status,
            attempted.text,
            _fields(attempted) if self._fixed.fields else None,
            attempted.error,
            sum(known) if known else None,
            attempted.cost,
            attempted.seconds,
            attempted.attempt,
        )

    def wait_change(self, version: int, timeout: float | None = None) -> int:
        """Wait until there is another version, or the run has ended, at most ``timeout`` seconds. Returns the version."""
        with self._changes:
            self._changes.wait_for(lambda: self.version != version or self._state in _ENDED, timeout)
            return self.version


def _fields(attempted: Attempted) -> Mapping[str, Any] | None:
    if attempted.status != "complete":
        return None
    try:
        value = json.loads(attempted.text)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None
