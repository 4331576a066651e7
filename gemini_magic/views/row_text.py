"""Describes a run over many rows in words: its status line, what failed and why, what was not asked, and what to do next.

All of it is plain text. Nothing is escaped here, but control characters are made visible.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Final

from ..prices import Cost
from ..text import one_line, short_line
from .row_progress import FailureReason, RowProgress
from .units import whole_seconds

__all__ = [
    "SparseLines",
    "as_dollars",
    "ending_lines",
    "example_line",
    "failure_line",
    "interrupted_line",
    "next_steps",
    "percent_done",
    "rows_counted",
    "rows_facts",
    "rows_line",
    "rows_mark",
    "rows_remarks",
    "rows_tone",
    "unasked_facts",
]

_MARKS: Final = {"complete": "✓", "stopped": "■", "interrupted": "■", "error": "✕"}
_HOUR, _DAY = 3600.0, 86_400.0
_SLOW: Final = 0.5  # rows a second below which the rate is written for a minute
_FAST: Final = 10.0  # rows a second that are written without a decimal
_SHORT: Final = 10.0  # seconds that are written with a decimal
_STEP: Final = 10  # percent of the rows, after which an unattended run prints a line
_LONGEST: Final = 60.0  # seconds after which it prints a line in any case
_REASON: Final = 80  # characters of the reason of a failure
_ERROR: Final = 200  # characters of the message of an error
_SENTENCES: Final = 400  # characters of a sentence from elsewhere

# What the status line says of rows that this run does not ask, in this order.
_UNASKED: Final = {
    "done": "answered before",
    "stale": "stale",
    "in_doubt": "in doubt",
    "skipped": "skipped",
    "too_long": "too long",
    "shared": "shared",
    "limit": "beyond the limit",
}
# The same as a sentence, and what the user can do. Of ``{s}``, ``{are}`` and ``{their}`` the number decides.
_EXPLAINED: Final = {
    "stale": (
        "{rows} {have} an answer to another request (stale), which was kept. "
        '`--stale again` (in Python `stale="again"`) asks for {them} again.'
    ),
    "in_doubt": (
        "{rows} {were} sent by a run that ended before the answer was stored. "
        '`--in-doubt again` (in Python `in_doubt="again"`) asks for {them} again, which may be paid twice.'
    ),
    "skipped": (
        "{rows} {lack} a value that the prompt uses, or the prompt could not be made, so nothing was sent for {them}. "
        '`--missing keep` (in Python `missing="keep"`) asks for rows without a value, too.'
    ),
    "too_long": "{rows} {exceed} the tokens that one minute allows, so nothing was sent for {them}.",
    "shared": "{rows} {ask} the same as another row, and {share} its answer.",
    "limit": "{rows} {are} beyond `limit`. The same cell without it asks for {them}.",
}
_REASONS: Final = {
    "mismatch": "the answer does not fit the schema",
    "in_doubt": "sent, but not answered before the process ended",
}
_VERBS: Final = {
    "have": "has",
    "were": "was",
    "lack": "lacks",
    "exceed": "exceeds",
    "ask": "asks",
    "share": "shares",
    "are": "is",
    "them": "it",
}
_PASSING: Final = ("error", "stalled", "interrupted", "lost")  # statuses that `retry` asks again by default
_KINDS: Final = ("truncated", "blocked", "mismatch", "stalled", "interrupted", "lost", "error")


def as_dollars(amount: float) -> str:
    """An amount of money: ``$0.0312``, ``$12.40``."""
    return "$0" if amount <= 0 else str(Cost(amount, "USD", None, None, "", None, None))


def rows_counted(count: int, noun: str = "row") -> str:
    """A number of rows, or of other things: ``1 row``, ``1,000 rows``."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def rows_mark(progress: RowProgress) -> str:
    """One character that shows the state without color."""
    if progress.state == "complete" and progress.failed:
        return "⚠"
    return _MARKS.get(progress.state, "…")


def rows_tone(progress: RowProgress) -> str:
    """The class of the mark's color: ``busy``, ``good``, ``warn`` or ``bad``."""
    if not progress.ended:
        return "busy"
    if progress.state == "complete":
        return "warn" if progress.failed else "good"
    return "bad" if progress.state == "error" else "warn"


def percent_done(progress: RowProgress) -> int | None:
    """How many percent of the rows need nothing more; None if the number of rows is not known."""
    if progress.total is None:
        return None
    return min(100, 100 * progress.handled // progress.total) if progress.total else 100


def rows_facts(progress: RowProgress, *, now: float | None = None) -> list[str]:
    """The facts of the status line.

    Args:
        progress: the progress.
        now: seconds since the epoch, for a countdown; the current time if omitted.
    """
    facts = [_state(progress)]
    if progress.ended:
        facts.append(_duration(progress.elapsed))
    facts += _outcomes(progress)
    if progress.rate is not None and progress.asked:
        facts.append(_rate(progress.rate))
    if progress.tokens:
        facts.append(rows_counted(progress.tokens, "token"))
    facts += _money(progress)
    if not progress.ended:
        facts += _pace(progress, time.time() if now is None else now)
    return [one_line(fact) for fact in facts if fact]


def rows_line(progress: RowProgress, *, now: float | None = None) -> str:
    """The status line as plain text; ``now`` as for :func:`rows_facts`."""
    return f"{rows_mark(progress)} {' · '.join(rows_facts(progress, now=now))}"


def _state(progress: RowProgress) -> str:
    """How many rows are done, of how many."""
    total, share = progress.total, percent_done(progress)
    if progress.state == "preparing":
        return "preparing" if total is None else f"preparing {rows_counted(total)}"
    if progress.state == "complete":
        return f"{rows_counted(progress.handled)} done"
    of = rows_counted(progress.handled) if total is None else f"{progress.handled:,} of {rows_counted(total)}"
    if progress.ended:
        word = {"stopped": "stopped", "interrupted": "interrupted"}.get(progress.state, "failed")
        return f"{word} after {of}"
    percent = "" if share is None else f" ({share} %)"
    stopping = "stopping, waiting for the requests in flight, " if progress.state == "stopping" else ""
    return f"{stopping}{of}{percent}"


def _outcomes(progress: RowProgress) -> list[str]:
    """How many rows of this run have which answer, and how many were not asked and why."""
    counts = dict(progress.counts)
    complete = counts.pop("complete", 0)
    found = []
    others = {kind: count for kind, count in counts.items() if count}
    if progress.ended and progress.asked and (others or progress.unasked or complete != progress.handled):
        found.append(f"{complete:,} answered")
    if not progress.ended:
        if others:
            found.append(f"{sum(others.values()):,} failed")
    else:
        ordered = sorted(others, key=lambda kind: _KINDS.index(kind) if kind in _KINDS else 0)
        found += [_outcome(kind, others[kind]) for kind in ordered]
    return found + unasked_facts(progress.unasked)


def unasked_facts(unasked: Mapping[str, int]) -> list[str]:
    """How many rows are not asked, by the reason."""
    known = [name for name in _UNASKED if unasked.get(name)]
    other = [name for name in unasked if name not in _UNASKED and unasked[name]]
    return [f"{unasked[name]:,} {_UNASKED.get(name, name)}" for name in (*known, *other)]


def _outcome(kind: str, rows: int) -> str:
    if kind == "mismatch":
        return f"{rows:,} do{'es' * (rows == 1)} not fit the schema"
    return f"{rows:,} {'failed' if kind == 'error' else kind.replace('_', ' ')}"


def _rate(rate: float) -> str:
    if rate < _SLOW:
        return f"{rate * 60:.1f} rows/min"
    return f"{rate:,.0f} rows/s" if rate >= _FAST else f"{rate:.1f} rows/s"


def _money(progress: RowProgress) -> list[str]:
    if progress.cost is None or not (progress.cost or progress.asked or progress.max_cost is not None):
        return []
    amount = f"{'' if progress.cost_is_complete else 'at least '}{as_dollars(progress.cost)}"
    if progress.max_cost is None:
        return [amount]
    before = f" and {as_dollars(progress.spent_before)} in earlier runs," if progress.spent_before else ""
    return [f"{amount}{before} of at most {as_dollars(progress.max_cost)}"]


def _pace(progress: RowProgress, now: float) -> list[str]:
    """How long the run still takes, how many requests are in flight, and what it waits for."""
    found = []
    if progress.left is not None and progress.state == "running":
        found.append(f"{_about(progress.left)} left")
    if progress.in_flight or progress.concurrency:
        useful = progress.useful
        more = "" if useful is None or useful == progress.concurrency else f", {useful:,} are useful"
        of = f" of {progress.concurrency:,}" if progress.concurrency else ""
        # Some more are ready to be sent as soon as one ends.
        now_sent = min(progress.in_flight, progress.concurrency or progress.in_flight)
        found.append(f"{now_sent:,}{of} at once{more}")
    if progress.waiting:
        found.append(_wait(progress, now))
    return found


def _wait(progress: RowProgress, now: float) -> str:
    reason = short_line(progress.waiting, _REASON)
    if progress.waiting_until is None:
        return f"waiting: {reason}"
    return f"waiting: {reason}, {_about(max(0.0, progress.waiting_until - now))}"


def _about(seconds: float) -> str:
    """A rough time: ``8 s``, ``2 min 05 s``, ``3 h 10 min``, ``2 days``."""
    if seconds < _HOUR:
        return whole_seconds(round(seconds))
    if seconds < _DAY:
        minutes = round(seconds / 60)
        return f"{minutes // 60} h {minutes % 60:02d} min"
    days = round(seconds / _DAY)
    return f"{days} day{'' if days == 1 else 's'}"


def _duration(seconds: float) -> str:
    return f"{seconds:.1f} s" if seconds < _SHORT else _about(seconds)


def failure_line(failure: FailureReason) -> str:
    """How many rows failed for a reason: ``12 rows: 400 INVALID_ARGUMENT``."""
    known = _REASONS.get(failure.reason, failure.reason)
    reason = short_line(known, _REASON) or "unknown reason"
    kind = "; the same request would fail again" if failure.permanent else ""
    return f"{rows_counted(failure.rows)}: {reason}{kind}"


def example_line(key: str, error: str) -> str:
    """One row that failed, with its error."""
    message = short_line(error, _ERROR)
    return f"{short_line(key, _REASON)}{': ' if message else ''}{message}"


def _described(kind: str) -> str:
    return "of the wrong form" if kind == "mismatch" else kind


def rows_remarks(progress: RowProgress) -> list[str]:
    """Sentences about the run: why it ended, what was not asked, and remarks about the input; code is in back-ticks."""
    found = []
    for name, sentence in _EXPLAINED.items():
        if count := progress.unasked.get(name, 0):
            found.append(sentence.format_map(_agreeing(count)))
    if len(progress.models) > 1:
        names = ", ".join(short_line(name, _REASON) for name in progress.models[:4])
        found.append(f"More than one model answered: {names}.")
    if progress.cost is not None and not progress.cost_is_complete:
        found.append("The cost of some answers is not known.")
    found += [short_line(notice, _SENTENCES) for notice in progress.notices]
    return found


def _agreeing(count: int) -> Mapping[str, str]:
    """The words of a sentence about a number of rows, in singular or plural."""
    words = {plural: singular if count == 1 else plural for plural, singular in _VERBS.items()}
    return {"rows": rows_counted(count), **words}


def ending_lines(progress: RowProgress) -> list[str]:
    """Why the run ended before its last row, and what can be done; empty for a run that is complete."""
    lines = [short_line(progress.ending, _SENTENCES), short_line(progress.remedy, _SENTENCES)]
    return [line for line in lines if line]


def interrupted_line(progress: RowProgress) -> str:
    """What the error of an interrupted run says."""
    total = "" if progress.total is None else f" of {progress.total:,}"
    then = (
        "The same cell continues."
        if progress.store
        else "Without a store, the same cell asks all rows again."
    )
    return f"Interrupted after {progress.handled:,}{total} rows. {then}"


def next_steps(progress: RowProgress, name: str = "run") -> str:
    """A sentence about what the user can do with the run.

    Args:
        progress: the progress of a run that has ended.
        name: the name of the run's variable.
    """
    if not progress.handled:
        return ""
    found = [f"`{name}.df` has one line for each row", f"`{name}.at[KEY]` is the whole response of one"]
    if any(progress.counts.get(kind) for kind in _PASSING):
        found.append(f"`{name}.retry()` asks for those again that failed")
    elif kind := next((kind for kind in _KINDS if progress.counts.get(kind)), ""):
        found.append(f'`{name}.retry(status="{kind}")` asks again for those that are {_described(kind)}')
    sentence = f"{', '.join(found[:-1])}, and {found[-1]}." if len(found) > 1 else f"{found[0]}."
    unfinished = progress.state in ("stopped", "interrupted", "error")
    more = " The same cell continues where this run ended, and asks nothing again that is done."
    return sentence + (more if unfinished and progress.store else "")


class SparseLines:
    """Says when an unattended run should print a line: at the start, each tenth of the rows, and once a minute.

    Args:
        clock: seconds, monotonic.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._step = -1
        self._next = 0.0
        self._state = ""

    def due(self, progress: RowProgress) -> bool:
        """Whether to print a line now; it counts as printed."""
        now, step = self._clock(), (percent_done(progress) or 0) // _STEP
        if progress.state == "preparing" and self._state:
            return False
        if (
            step > self._step
            or now >= self._next
            or (progress.state == "stopping") != (self._state == "stopping")
        ):
            self._step, self._next, self._state = step, now + _LONGEST, progress.state
            return True
        return False
