"""How far a run over many rows has come: the value that every view of a run shows.

A run makes it, at most a few times a second; its size does not depend on the number of rows.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, Literal, NamedTuple, Protocol

__all__ = [
    "MOST_EXAMPLES",
    "MOST_SHOWN_ROWS",
    "FailedRow",
    "FailureReason",
    "ProgressSource",
    "RowProgress",
    "RunState",
    "ShownRow",
    "WatchedRun",
]

MOST_SHOWN_ROWS: Final = 20
"""The rows that a progress contains: the newest, and the first."""

MOST_EXAMPLES: Final = 20
"""Rows that are named for one reason of failures."""

RunState = Literal["preparing", "running", "stopping", "complete", "stopped", "interrupted", "error"]
"""The state of a run.

``preparing``: nothing was sent yet. ``stopping``: no new rows are started, those in flight end. ``complete``: every row that
was to be asked was asked. ``stopped``: a limit, the circuit breaker or the Stop button ended it before. ``interrupted``: an
interrupt did. ``error``: an exception did.
"""


class ShownRow(NamedTuple):
    """One row that has ended.

    Attributes:
        key: its key as text.
        status: its status.
        text: the answer, or the start of it.
        fields: the fields of the answer if the run has a schema and the answer fits; otherwise None.
        error: the message of the error; empty without one.
        tokens: tokens of the prompt, the thoughts and the answer; None if they are not known.
        cost: in dollars; None if it is not known.
        seconds: from the request to the end of the answer.
        attempts: requests that were sent for it.
    """

    key: str
    status: str
    text: str = ""
    fields: Mapping[str, Any] | None = None
    error: str = ""
    tokens: int | None = None
    cost: float | None = None
    seconds: float | None = None
    attempts: int = 1


class FailedRow(NamedTuple):
    """An example of a row that failed.

    Attributes:
        key: its key as text.
        error: the message of its error.
    """

    key: str
    error: str = ""


class FailureReason(NamedTuple):
    """Rows that failed for the same reason.

    Attributes:
        reason: what the failures have in common, such as ``400 INVALID_ARGUMENT``.
        rows: how many rows failed so.
        examples: the first of them, at most :data:`MOST_EXAMPLES`.
        permanent: whether the same request would be refused again.
    """

    reason: str
    rows: int
    examples: tuple[FailedRow, ...] = ()
    permanent: bool = False


class RowProgress(NamedTuple):
    """How far a run has come, at one moment.

    Attributes:
        version: another number for each change.
        state: the state of the run.
        total: rows of the input, each with all its samples; None while the input has not been read to its end.
        counts: rows by the status of their answer, of this run only: ``complete``, ``error``, ``truncated`` …
        unasked: rows for which this run sends nothing, by the reason: ``done`` (answered before), ``stale``, ``in_doubt``,
            ``skipped``, ``too_long``, ``shared`` (another row of the run asks the same), ``limit`` (beyond ``limit=``).
        failures: the failures by reason, the most frequent first.
        rows: the newest rows, newest first, at most :data:`MOST_SHOWN_ROWS`.
        first: the first rows of the input that have an answer or an error, once the run has ended, also those of earlier
            runs; at most :data:`MOST_SHOWN_ROWS`.
        elapsed: seconds since the run began; final when it has ended.
        rate: rows a second, of the last seconds; of the whole run when it has ended.
        left: estimated seconds until the end; None if it cannot be estimated.
        requests: requests that were sent.
        tokens: tokens of all answers of this run.
        cost: dollars of this run; None if no price is known.
        cost_is_complete: whether the cost of every answer is known.
        max_cost: the limit in dollars for the store; None without a limit.
        spent_before: dollars that earlier runs of the store have spent, which count for the limit.
        in_flight: requests in flight.
        concurrency: how many may be in flight now.
        useful: how many would be useful: the rate limit times the seconds of an answer; None if it is not known.
        waiting: why nothing is sent at the moment, in a few words, such as ``rate limit``; empty if nothing waits.
        waiting_until: when it ends, in seconds since the epoch; None if it is not known.
        ending: a sentence that says why the run ended before the last row; empty otherwise.
        remedy: a sentence with what the user can do about it.
        models: the models that answered; more than one is worth a remark.
        store: the file of the store; empty for a temporary one.
        fields: the names of the fields of the schema; empty without one.
        notices: sentences about the input and the run.
    """

    version: int = 0
    state: RunState = "preparing"
    total: int | None = None
    counts: Mapping[str, int] = {}
    unasked: Mapping[str, int] = {}
    failures: tuple[FailureReason, ...] = ()
    rows: tuple[ShownRow, ...] = ()
    first: tuple[ShownRow, ...] = ()
    elapsed: float = 0.0
    rate: float | None = None
    left: float | None = None
    requests: int = 0
    tokens: int = 0
    cost: float | None = None
    cost_is_complete: bool = True
    max_cost: float | None = None
    spent_before: float = 0.0
    in_flight: int = 0
    concurrency: int = 0
    useful: int | None = None
    waiting: str = ""
    waiting_until: float | None = None
    ending: str = ""
    remedy: str = ""
    models: tuple[str, ...] = ()
    store: str = ""
    fields: tuple[str, ...] = ()
    notices: tuple[str, ...] = ()

    @property
    def ended(self) -> bool:
        """Whether the run has ended."""
        return self.state not in ("preparing", "running", "stopping")

    @property
    def asked(self) -> int:
        """Rows of this run that have ended with an answer or an error."""
        return sum(self.counts.values())

    @property
    def handled(self) -> int:
        """Rows of the input that need nothing more: asked, or not to be asked."""
        return self.asked + sum(self.unasked.values())

    @property
    def failed(self) -> int:
        """Rows of this run without a complete answer."""
        return self.asked - self.counts.get("complete", 0)


class ProgressSource(Protocol):
    """What a view needs of a run."""

    @property
    def progress(self) -> RowProgress:
        """How far the run has come."""


class WatchedRun(ProgressSource, Protocol):
    """What waiting for a run needs."""

    @property
    def done(self) -> bool:
        """Whether the run has ended."""

    def wait_change(self, version: int, timeout: float) -> int:
        """Wait until the progress has another version than ``version``, or the run has ended; return the version."""

    def stop(self, *, now: bool = False, interrupted: bool = False) -> None:
        """Start no more rows; the requests in flight have ten seconds to end. Returns at once.

        Args:
            now: end the requests in flight at once.
            interrupted: whether an interrupt of the user is the cause, and not the Stop button.
        """
