"""The leader of a run in the batch tier: one thread that hands rows to batch jobs and waits for them.

It has the interface of :class:`~.leader.Leader`. A stop leaves the jobs running at the server; the next run over the same
store finds them.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing
from typing import Final, Literal

from msgspec.structs import replace

from ..client import Asker, plan_media, uploaded_request
from ..content import Request, Turn
from ..errors import OptionError, StoreError
from ..journaling import uploaded_files
from .batch import BatchRunner
from .batch_answers import AnswerReader
from .batch_client import BatchClient
from .batch_pack import PackedJob, packed_jobs
from .batch_values import JobView
from .breaker import CircuitBreaker
from .budget import Budget
from .limits import tokens_of
from .progress import ProgressCounter
from .store import Store
from .values import Attempted, Grant

__all__ = ["BatchLeader", "open_job_rows", "refuse_open_jobs"]

_TICK: Final = 1.0  # seconds between two announcements of the age of the jobs
_HALF: Final = (
    "The batch tier costs half of the standard price. Its jobs go on at the server if this kernel ends."
)
_ANNOUNCED: Final = 3  # jobs that are shown by name


class BatchLeader:
    """Runs on one thread, :meth:`run`; :meth:`stop` and :meth:`cancel` may be called by any.

    Args:
        batches: the rows that are to be asked, in batches that are made when they are needed.
        open_requests: the requests that are waiting or in flight in this run; the leader writes it.
        store: the store, in which the run has begun.
        asker: the options, the dialect and the key.
        request: a request of the run, whose last turn is replaced by each row's prompt.
        reader_of: returns what describes the results of the jobs of a run, by its number.
        budget: the money.
        breaker: stops the run after equal refusals.
        progress: counts.
        max_seconds: seconds after which the run ends, and its jobs go on; None for any.

    Attributes:
        problem: the error that ended the run.
        ended_early: whether a limit or refusals have ended the run, and not the user.
    """

    def __init__(
        self,
        batches: Iterator[list[Grant]],
        open_requests: set[int],
        store: Store,
        *,
        asker: Asker,
        request: Request,
        reader_of: Callable[[int], AnswerReader],
        budget: Budget,
        breaker: CircuitBreaker,
        progress: ProgressCounter,
        max_seconds: float | None = None,
    ) -> None:
        self._batches = batches
        self._open = open_requests
        self._in_jobs: set[int] = (
            set()
        )  # requests of jobs of earlier runs that no row of the input was matched with yet
        self._store = store
        self._asker = asker
        self._request = request
        self._budget = budget
        self._breaker = breaker
        self.progress = progress
        self.problem: BaseException | None = None
        self._halting: Literal["", "stopped", "interrupted", "error"] = ""
        self.ended_early = False
        self._stopped = threading.Event()
        self._cancelling = False
        self._explained = False  # whether the progress has a reason for the end
        self._left = max_seconds
        self._granted: dict[int, Grant] = {}  # by request, to count the rows that end
        self._held: list[Grant] = []  # rows beyond the budget
        self._client = BatchClient(
            asker.backend, asker.options, asker.key, sleep=self._wait, is_stopped=self._stopped.is_set
        )
        self._runner = BatchRunner(
            store,
            self._client,
            reader_of,
            asker.options.model,
            notify=progress.add_notice,
            wait=self._wait,
            on_done=self._count,
        )

    # -- called by other threads

    def stop(self, *, now: bool = False, interrupted: bool = False) -> None:  # noqa: ARG002 - of the interface
        """Create no more jobs and wait no longer; the jobs go on at the server. Returns at once."""
        self._halting = self._halting or ("interrupted" if interrupted else "stopped")
        self._stopped.set()

    def cancel(self) -> None:
        """Cancel the jobs at the server, and end the run with what they have answered. Returns at once."""
        self._cancelling = True
        self._stopped.set()

    @property
    def ending(self) -> Literal["complete", "stopped", "interrupted", "error"]:
        """How the run has ended."""
        return self._halting or "complete"

    # -- the loop

    def run(self) -> None:
        """Run to the end. Errors are kept in ``problem``; the store is not closed."""
        try:
            self.progress.set_state("running")
            self._run()
        except OSError as problem:
            self.problem = StoreError(
                f"A temporary file of a batch job cannot be written: {problem.strerror or problem}.",
                remedy="Free some space on the disk, or set TMPDIR to a folder on another one, and run it again.",
            )
            self._halting = self._halting or "error"
        except BaseException as problem:  # noqa: BLE001 - the thread that waits for the run gets it
            self.problem = problem
            self._halting = self._halting or "error"
        if views := self._runner.views():
            self._explain(views)

    def _run(self) -> None:
        if self._runner.reattach():
            self._in_jobs = open_job_rows(self._store)
            more = True
            while more:
                with closing(self._packed()) as packed:
                    more = self._runner.run(packed) and self._goes_on()
        if self._cancelling:
            self._stopped.clear()
            self.progress.set_state("stopping")
            self._halting = self._halting or "stopped"
            if not self._runner.cancel():
                self.progress.set_ending(
                    "The batch jobs were cancelled.", "What they had answered is stored."
                )

    def _packed(self) -> Generator[PackedJob]:
        return packed_jobs(self._grants(), self._asked, self._client.api, self._unsendable)

    def _goes_on(self) -> bool:
        """Whether rows are left that the budget allows now."""
        if self._halting or not self._held:
            return False
        if self._fits(self._held[-1]):
            return True
        self._end_early(
            f"The limit of ${self._budget.limit:,.2f} (max_cost) was reached.",
            "Raise max_cost to ask the other rows.",
        )
        return False

    def _end_early(self, sentence: str, remedy: str) -> None:
        self.progress.set_ending(sentence, remedy)
        self._explained = True
        self.ended_early = self.ended_early or not self._halting
        self._halting = self._halting or "stopped"

    def _explain(self, views: Sequence[JobView]) -> None:
        """Add how to find the jobs that go on; the reason of an early end comes first."""
        rows = sum(view.rows for view in views)
        jobs = "1 batch job" if len(views) == 1 else f"{len(views)} batch jobs"
        goes = "goes" if len(views) == 1 else "go"
        sentence = f"{jobs} with {rows:,} rows {goes} on at the server ({views[0].name or 'not yet named'})."
        remedy = (
            "Run it again to wait for the answers, also after a restart. "
            f"gemini_magic.cancel_batch_jobs({str(self._store.path)!r}) or run.cancel() cancels the jobs."
        )
        if self._explained or self.problem is not None:
            self.progress.add_notice(f"{sentence} {remedy}")
        else:
            self.progress.set_ending(sentence, remedy)

    # -- rows

    def _grants(self) -> Iterator[Grant]:
        """The rows to ask, until one does not fit into the budget."""
        while not self._halting:
            if not self._held:
                batch = next(self._batches, None)
                if batch is None:
                    return
                self._held = batch[::-1]
                continue
            if self._held[-1].request in self._in_jobs:
                self._expect(self._held.pop())
                continue
            if not self._fits(self._held[-1]):
                return
            grant = self._held.pop()
            self._expect(grant)
            self._budget.reserve(grant.request, tokens_of(grant.wanted.size))
            self.progress.add_notice(_HALF)
            yield grant

    def _expect(self, grant: Grant) -> None:
        """Note a row that is in a job, or will be."""
        self._in_jobs.discard(grant.request)
        self._open.add(grant.request)
        self._granted[grant.request] = grant._replace(wanted=grant.wanted._replace(parts=()))

    def _fits(self, grant: Grant) -> bool:
        return self._budget.fits(tokens_of(grant.wanted.size))

    def _asked(self, grant: Grant) -> Request:
        """The request of a row; large media are uploaded before."""
        options, dialect, key = self._asker.options, self._asker.backend, self._asker.key
        request = replace(self._request, turns=(Turn("user", grant.wanted.parts),))
        plan = plan_media(request, dialect, options)
        return (
            uploaded_request(plan, dialect, options, key, uploaded_files()) if plan.uploads else plan.request
        )

    def _unsendable(self, attempted: Attempted) -> None:
        self._store.commit(done=[attempted])
        self._count([attempted])

    def _count(self, done: list[Attempted]) -> None:
        for attempted in done:
            if attempted.sent:
                self.progress.count_attempt(attempted)
            paid = attempted.sent and attempted.cost is not None
            self._budget.settle(attempted.request, attempted.cost, paid=paid)
            self._open.discard(attempted.request)
            self._in_jobs.discard(attempted.request)
            grant = self._granted.pop(attempted.request, None)
            if grant is not None:
                self.progress.count_row(attempted.status, grant, attempted)
            if attempted.permanent:
                if reason := self._breaker.refused(attempted):
                    self._end_early(
                        reason, "Fix the cause and run it again; rows with an answer are not asked again."
                    )
            elif attempted.status == "complete":
                self._breaker.answered()
        self.progress.changed()

    # -- waiting

    def _wait(self, seconds: float) -> bool:
        """Wait, and show the jobs meanwhile. Returns whether the run is to stop."""
        while not self._stopped.is_set():
            self._show()
            pause = min(seconds, _TICK)
            if self._left is not None:
                self._left -= pause
                if self._left <= 0:
                    self._end_early("The limit of max_seconds was reached.", "")
                    return True
            if pause > 0 and self._stopped.wait(pause):
                break
            seconds -= pause
            if seconds <= 0:
                break
        return self._stopped.is_set()

    def _show(self) -> None:
        views = self._runner.views()
        self.progress.set_pace(sum(view.rows for view in views), 0, None)
        shown = "; ".join(map(str, views[:_ANNOUNCED]))
        more = f"; and {len(views) - _ANNOUNCED} more batch jobs" if len(views) > _ANNOUNCED else ""
        self.progress.set_wait("; ".join(filter(None, (self._runner.transfer, shown + more))))


def open_job_rows(store: Store) -> set[int]:
    """The requests of the batch jobs of a store that have not ended."""
    return {grant.request for job in store.jobs() for grant in store.job_grants(job.id)}


def refuse_open_jobs(store: Store) -> None:
    """Refuse a run in another tier while batch jobs of the store have not ended: their rows would be paid twice.

    Raises:
        OptionError: there are such jobs.
    """
    if count := len(open_job_rows(store)):
        raise OptionError(
            f"{count:,} rows of this store are in batch jobs that have not ended. Nothing was sent.",
            remedy="Run it with service_tier='batch' to wait for them, or cancel them first: "
            "`gm.cancel_batch_jobs('STORE')`.",
        )
