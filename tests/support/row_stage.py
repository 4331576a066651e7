"""A run over many rows that a test moves forward by hand."""

from __future__ import annotations

from gemini_magic.views import FailedRow, FailureReason, RowProgress, ShownRow


def shown_row(number, **more):
    known = {
        "status": "complete",
        "text": f"answer {number}",
        "tokens": 300 + number,
        "cost": 0.0003,
        "seconds": 1.2,
    }
    return ShownRow(f"T-{number}", **(known | more))


class StagedRun:
    """Has the interface that views need; ``change`` replaces parts of its progress.

    Attributes:
        stops: the arguments of each call of ``stop``.
        ends_on: how many calls of ``stop`` end the run.
    """

    def __init__(self, **progress):
        self.progress = RowProgress(**progress)
        self.stops = []
        self.ends_on = 1
        self.during_wait = iter(())

    @property
    def done(self):
        return self.progress.ended

    def change(self, **progress):
        self.progress = self.progress._replace(version=self.progress.version + 1, **progress)

    def wait_change(self, version, timeout):
        action = next(self.during_wait, None)
        if action is None:
            raise AssertionError("the test has no more steps")
        action()
        return self.progress.version

    def stop(self, *, now=False, interrupted=False):
        self.stops.append((now, interrupted))
        if len(self.stops) >= self.ends_on:
            self.change(state="interrupted" if interrupted else "stopped", ending="Stopped by you.")
        else:
            self.change(state="stopping")


def running(**more):
    """The progress of a run that is half done."""
    known = {
        "state": "running",
        "total": 1_000,
        "counts": {"complete": 290, "error": 10},
        "unasked": {"done": 195, "skipped": 5},
        "failures": (FailureReason("503 UNAVAILABLE", 10, (FailedRow("T-9", "overloaded"),)),),
        "rows": tuple(shown_row(n) for n in range(20, 0, -1)),
        "elapsed": 7.5,
        "rate": 41.7,
        "left": 12.0,
        "tokens": 93_000,
        "cost": 0.0312,
        "in_flight": 24,
        "concurrency": 24,
    }
    return known | more


def complete(**more):
    """The progress of a run in which every row was asked."""
    return running(
        state="complete",
        counts={"complete": 790, "error": 10},
        first=tuple(shown_row(n) for n in range(20)),
        elapsed=24.2,
        left=None,
        in_flight=0,
        **more,
    )
