"""The leader of a run: one thread that gives rows to an executor, within all limits, until every row has ended.

It alone decides what is asked and when. An attempt is committed as sent before its first byte leaves, and an answer is
committed before it counts. The leader owns the retries: nothing below it sends a request a second time.
"""

from __future__ import annotations

import heapq
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from itertools import count
from typing import Final, Literal

from ..errors import GeminiMagicError, StoreError
from .attempts import TOO_MANY
from .breaker import CircuitBreaker
from .budget import Budget, dollars_text
from .limits import LIMITS, AtOnce, RequestsAMinute, reopens, tokens_of, useful_at_once
from .pace import InFlight, Pace, WaitingGrant
from .progress import ProgressCounter
from .store import Store
from .values import (
    Attempted,
    Executor,
    ExecutorNote,
    Grant,
    Worker,
    WorkerLost,
)

__all__ = ["Leader"]

_GRACE: Final = 10.0  # seconds that rows in flight have after a stop
_AFTER_GRACE: Final = 5.0  # seconds after which the leader no longer waits for them
_POLL: Final = 0.1  # seconds between two looks at the clock, and the longest time until a stop is seen
_GATHER: Final = 0.003  # seconds for which events gather when many rows are in flight
_MANY: Final = 32
_SHOWN_EVERY: Final = 0.1  # seconds between two announcements of progress
_MOST_BYTES: Final = 64_000_000  # of prompts in flight
_MOST_BUSY: Final = 20  # refusals of one row for too many requests, while others are answered
_MOST_REFUSED: Final = 600.0  # seconds without an answer in which the server only refuses
_BACKOFF: Final = (1.0, 30.0)  # seconds before another attempt: the first and the longest wait
_MIDNIGHT: Final = 60.0  # seconds after a quota of the day opens


class Leader:
    """Runs on one thread, :meth:`run`; :meth:`leave` is called by the executor's threads and :meth:`stop` by any.

    Args:
        batches: the first attempts of the rows that are to be asked, in batches that are made when they are needed.
        open_requests: the requests that are waiting or in flight in this run; the leader writes it.
        store: the store, in which the run has begun.
        executor: makes the executor, given :meth:`leave`.
        pace: the limits.
        budget: the money.
        breaker: stops the run after equal refusals.
        progress: counts.
    """

    def __init__(
        self,
        batches: Iterator[list[Grant]],
        open_requests: set[int],
        store: Store,
        executor: Callable[[Leader], Executor],
        *,
        pace: Pace,
        budget: Budget,
        breaker: CircuitBreaker,
        progress: ProgressCounter,
    ) -> None:
        self._batches = batches
        self._store = store
        self._pace = pace
        self._budget = budget
        self._breaker = breaker
        self.progress = progress
        self._ready: deque[WaitingGrant] = deque()
        self._later: list[WaitingGrant] = []
        self._flying: dict[int, InFlight] = {}
        self._open = open_requests
        self._bytes = 0  # of the prompts in flight
        self._order = count()
        self._all_read = False
        self._at_once = AtOnce(pace.at_once, chosen=pace.chosen)
        self._requests = RequestsAMinute(pace.scope, pace.rpm)
        self._ratio: float | None = None  # tokens a byte
        self._mean: float | None = None  # seconds of an answer
        self._tokens = 0.0  # input tokens of a row
        self._busy: dict[int, int] = {}  # refusals for too many requests, by the row's request
        self._refusals = 0  # for too many requests, one after the other
        self._began = self._last_answer = time.monotonic()
        self._shown = 0.0
        self._wake = 0.0  # reading of the clock at which a limit lets the next row start
        self._halting: Literal["", "stopped", "interrupted", "error"] = ""
        self._deadline: float | None = None
        self._wanted_stop: tuple[float, bool] | None = None  # grace and whether an interrupt is the cause
        self.problem: BaseException | None = None
        self.ended_early = False  # by a limit or refusals, and not by the user
        self._judging = threading.Lock()
        self._unjudged = 0  # permanent refusals that the leader has not seen
        self._executor = executor(self)

    # -- called by other threads

    def stop(self, *, now: bool = False, interrupted: bool = False) -> None:
        """Start no other row; those in flight have ten seconds, or none. Returns at once."""
        self._wanted_stop = (0.0 if now else _GRACE, interrupted)
        if not self._halting:
            self._halting = "interrupted" if interrupted else "stopped"

    def leave(self, grant: Grant | None, done: Sequence[Attempted]) -> bool:
        """Commit what attempts brought, and that a grant is sent; called directly before its first byte.

        Returns:
            Whether it may be sent; False also without a grant.
        """
        refused = sum(attempted.permanent and attempted.sent for attempted in done)
        if refused:
            with self._judging:
                self._unjudged += refused
        suspicious = self._unjudged + self._breaker.in_a_row >= self._breaker.limit
        if grant is None or self._halting or suspicious or LIMITS.paused(self._pace.scope):
            self._hand_over(done)
            return False
        try:
            self._store.commit(done=done, sent=[grant])
        except Exception as problem:  # noqa: BLE001 - the threads go on, so that the run can end
            self._fail(problem)
            return False
        return True

    def _hand_over(self, done: Sequence[Attempted]) -> None:
        if done:
            try:
                self._store.hand_over(done)
            except Exception as problem:  # noqa: BLE001 - such as a store that was closed, because the run has ended
                self._fail(problem)

    def _fail(self, problem: BaseException) -> None:
        """End the run because of an error."""
        self.problem = self.problem or problem
        self._halting = self._halting or "error"

    # -- the loop

    def run(self) -> None:
        """Run to the end. Errors are kept in ``problem``; the store is not closed."""
        try:
            self._executor.resize(self._at_once.limit)
            self.progress.set_state("running")
            while self._guarded_step():
                pass
        except BaseException as problem:  # noqa: BLE001 - the thread that waits for the run gets it
            self._fail(problem)
        finally:
            self._requests.close()
            self._executor.close(0.0)

    def _guarded_step(self) -> bool:
        """Make a step; after an error the rows in flight may end."""
        try:
            return self._step()
        except Exception as problem:
            if self.problem is not None:
                raise
            self._fail(problem)
            return True

    @property
    def ending(self) -> Literal["complete", "stopped", "interrupted", "error"]:
        """How the run has ended."""
        return self._halting or "complete"

    def _step(self) -> bool:
        """Take what has happened and give what may start. Returns whether the run goes on."""
        if len(self._flying) > _MANY:
            time.sleep(_GATHER)
        try:
            events = self._executor.events(self._timeout())
        except GeminiMagicError as problem:
            self._fail(problem)
            return False
        for event in events:
            self._take(event)
        self._check_clock()
        if not self._halting:
            self._give()
        if self._is_halting():
            return self._halt()
        self._show()
        return bool(self._flying or self._ready or self._later) or not self._all_read

    def _is_halting(self) -> bool:
        return bool(self._halting)

    def _timeout(self) -> float:
        wake = self._wake or (self._later[0].due if self._later else 0.0)
        if not (self._flying or self._ready or self._all_read or wake):
            return 0.0  # nothing was read yet
        return min(_POLL, max(0.0, wake - time.monotonic())) if wake else _POLL

    def _halt(self) -> bool:
        """Wait for the rows in flight after a stop. Returns whether some are left."""
        self.progress.set_state("stopping")
        wanted, self._wanted_stop = self._wanted_stop, None
        if wanted is not None or self._deadline is None:
            grace = _GRACE if wanted is None else wanted[0]
            if wanted is not None and wanted[1] and self._halting == "stopped":
                self._halting = "interrupted"
            deadline = time.monotonic() + grace
            self._deadline = deadline if self._deadline is None else min(deadline, self._deadline)
            self._executor.close(grace)
        self._show()
        return bool(self._flying) and time.monotonic() < self._deadline + _AFTER_GRACE

    def _end_early(self, sentence: str, remedy: str = "Run it again to go on with the other rows.") -> None:
        self.progress.set_ending(sentence, remedy)
        self.ended_early = self.ended_early or not self._halting
        self._halting = self._halting or "stopped"

    def _check_clock(self) -> None:
        now, limit = time.monotonic(), self._pace.max_seconds
        if limit is not None and now - self._began > limit:
            self._end_early(f"The limit of {limit:g} seconds (max_seconds) was reached.")
        if self._refusals and now - self._last_answer > _MOST_REFUSED:
            self._end_early(
                f"For {_MOST_REFUSED / 60:g} minutes the server has only answered that there are too many requests.",
                "Run it again later, or with a smaller rpm=.",
            )

    def _show(self) -> None:
        now = time.monotonic()
        if now - self._shown < _SHOWN_EVERY:
            return
        self._shown = now
        for notice in self._store.take_notices():
            self.progress.add_notice(notice)
        self.progress.set_pace(len(self._flying), self._at_once.limit, self._useful())
        self.progress.changed()

    # -- giving

    def _give(self) -> None:
        self._wake = 0.0
        now = time.monotonic()
        while self._later and self._later[0].due <= now:
            self._ready.append(heapq.heappop(self._later))
        for worker in self._executor.workers():
            grants: list[Grant] = []
            try:
                self._collect(worker, grants)
            finally:  # also if reading the next rows fails
                if grants:
                    self._put(worker, grants)

    def _put(self, worker: Worker, grants: list[Grant]) -> None:
        if not self._executor.asks_before_sending:
            try:
                self._store.commit(sent=grants)
            except StoreError:
                for grant in grants:
                    self._flying.pop(grant.request, None)
                raise
        self._executor.put(worker.name, grants)

    def _collect(self, worker: Worker, grants: list[Grant]) -> None:
        """Add the grants that a worker can take and that may start now."""
        while len(grants) < worker.free and not self._halting and (waiting := self._next()) is not None:
            grant, tries = waiting.grant, waiting.tries
            self._flying[grant.request] = InFlight(grant, self._at_once.generation, tries)
            self._bytes += _weight(grant)
            tokens = tokens_of(grant.wanted.size, self._ratio)
            self._budget.reserve(grant.request, tokens)
            if self._pace.tpm is not None:
                LIMITS.count_tokens(self._pace.scope, tokens)
            grants.append(grant)

    def _next(self) -> WaitingGrant | None:
        """The next grant that may start now, or None."""
        if self._flying and (not self._breaker.proven or self._bytes > _MOST_BYTES):
            return None
        if not self._ready:
            self._read()
        if not self._ready:
            return None
        grant = self._ready[0].grant
        tokens = tokens_of(grant.wanted.size, self._ratio)
        if not self._budget.fits(tokens):
            if self._budget.empty:
                self._end_early(
                    f"The limit of {dollars_text(self._budget.limit or 0.0)} (max_cost) was reached: the store has cost "
                    f"{self._budget.spent_text}.",
                    "Raise max_cost to ask the other rows.",
                )
            return None
        wait = LIMITS.wait(self._pace.scope, tokens, self._pace.tpm) or self._requests.take()
        if wait > 0:
            self._wake = time.monotonic() + wait
            self.progress.set_wait("rate limit", wait)
            return None
        self.progress.set_wait("")
        return self._ready.popleft()

    def _read(self) -> None:
        """Read rows of the input until some are to be asked."""
        while not self._ready and not self._all_read and not self._halting:
            try:
                batch = next(self._batches, None)
            except Exception as problem:  # noqa: BLE001 - of the input or a template; rows in flight still end
                self._fail(problem)
                return
            if batch is None:
                self._all_read = True
                return
            for grant in batch:
                self._open.add(grant.request)
                more = self._pace.retries > 0
                self._ready.append(WaitingGrant(0.0, next(self._order), grant._replace(more=more), 0))

    def _useful(self) -> int | None:
        rates = []
        if self._pace.rpm is not None:
            rates.append(self._pace.rpm / 60.0)
        if self._pace.tpm is not None and self._tokens:
            rates.append(self._pace.tpm / self._tokens / 60.0)
        return useful_at_once(min(rates, default=None), self._mean)

    # -- taking

    def _take(self, event: object) -> None:
        if isinstance(event, Attempted):
            self._take_attempt(event)
        elif isinstance(event, WorkerLost):
            self._take_loss(event)
        elif isinstance(event, ExecutorNote):
            self.progress.add_notice(event.message)

    def _take_attempt(self, attempted: Attempted) -> None:
        if not self._executor.asks_before_sending:
            self._store.hand_over([attempted])
        self._judge(attempted)
        if self._executor.asks_before_sending and attempted.permanent and attempted.sent:
            with self._judging:
                self._unjudged -= 1

    def _judge(self, attempted: Attempted) -> None:
        """Count an attempt, and decide what follows for its row."""
        flying = self._flying.pop(attempted.request, None)
        if attempted.sent:
            self.progress.count_attempt(attempted)
        paid = attempted.sent and attempted.status != "waiting"
        self._budget.settle(attempted.request, attempted.cost, paid=paid)
        if flying is None:  # of a worker that was taken for lost: its row has been counted
            return
        self._bytes -= _weight(flying.grant)
        if attempted.status != "waiting":
            self._end_row(flying.grant, attempted)
            if attempted.sent and not attempted.permanent:
                self._count_answer(flying.grant, attempted)
            return
        if attempted.http_status is None and not attempted.sent:
            self._not_sent(flying, attempted)
        elif attempted.permanent:
            self._refused_for_all(flying, attempted)
        else:
            self._refused(flying, attempted)

    def _end_row(self, grant: Grant, attempted: Attempted) -> None:
        self._open.discard(attempted.request)
        self._busy.pop(attempted.request, None)
        self.progress.count_row(attempted.status, grant, attempted)
        failed = attempted.status in ("error", "stalled") and not self._breaker.proven
        if (attempted.permanent or failed) and (reason := self._breaker.refused(attempted)):
            self._end_early(
                reason, "Fix the cause and run it again; rows with an answer are not asked again."
            )

    def _count_answer(self, grant: Grant, attempted: Attempted) -> None:
        self._refusals = 0
        self._last_answer = time.monotonic()
        if attempted.http_status is not None and attempted.status != "error":
            self._breaker.answered()
        if attempted.seconds is not None:
            mean = attempted.seconds if self._mean is None else self._mean
            self._mean = mean + 0.05 * (attempted.seconds - mean)
        if attempted.tokens_in:
            tokens = self._tokens or attempted.tokens_in
            self._tokens = tokens + 0.05 * (attempted.tokens_in - tokens)
        if attempted.tokens_in and grant.wanted.size:
            ratio = attempted.tokens_in / grant.wanted.size
            self._ratio = ratio if self._ratio is None else self._ratio + 0.05 * (ratio - self._ratio)
        before = self._at_once.limit
        self._at_once.answered(self._useful())
        if self._at_once.limit != before:
            self._executor.resize(self._at_once.limit)

    def _not_sent(self, flying: InFlight, attempted: Attempted) -> None:
        """A grant came back unsent: the run is paused or stopped, or the server cannot be reached."""
        grant = flying.grant
        if self._halting:
            self._open.discard(grant.request)
        elif attempted.ended == "not connected":
            if attempted.permanent or flying.tries >= self._pace.retries:
                self._open.discard(grant.request)
                self._end_early(f"The server could not be reached: {attempted.error}")
            else:
                self._again(flying, self._backoff(flying.tries), flying.tries + 1)
        else:
            self._ready.appendleft(WaitingGrant(0.0, next(self._order), grant, flying.tries))

    def _refused_for_all(self, flying: InFlight, attempted: Attempted) -> None:
        """The server refuses the key, the model or the account, or a quota of the day is used up: the row stays waiting."""
        if attempted.http_status != TOO_MANY:
            self._end_row(flying.grant, attempted._replace(status="error"))
            return
        opens = reopens()
        seconds = opens.timestamp() - time.time() + _MIDNIGHT
        if self._pace.wait_for_day:
            LIMITS.refused(self._pace.scope, seconds, 1)
            self._last_answer = time.monotonic() + seconds
            self._again(flying, 0.0, flying.tries)
            return
        self._open.discard(flying.grant.request)
        self._end_early(
            f"The quota of the day is used up: {attempted.error.splitlines()[0] if attempted.error else TOO_MANY}",
            f'Run it again after {opens.astimezone():%H:%M on %A} (midnight in California), or with wait="day".',
        )

    def _refused(self, flying: InFlight, attempted: Attempted) -> None:
        """The server refuses for a reason that passes."""
        first = flying.generation == self._at_once.generation  # of the requests that left together
        self._at_once.refused(flying.generation)
        self._executor.resize(self._at_once.limit)
        if attempted.http_status == TOO_MANY or "RESOURCE_EXHAUSTED" in attempted.reason:
            self._refusals += first
            if self._is_never_accepted(attempted):
                failed = attempted._replace(status="error")
                self._store.hand_over([failed])
                self._end_row(flying.grant, failed)
                return
            LIMITS.refused(self._pace.scope, attempted.wait, max(1, self._refusals))
            self._again(flying, 0.0, flying.tries)
        else:
            wait = self._backoff(flying.tries) if attempted.wait is None else attempted.wait + 1.0
            self._again(flying, wait, flying.tries + 1)

    def _is_never_accepted(self, attempted: Attempted) -> bool:
        """Whether one row is refused again and again while others are answered: it exceeds the quota of a minute alone."""
        busy = self._busy[attempted.request] = self._busy.get(attempted.request, 0) + 1
        return busy >= _MOST_BUSY and self._last_answer > self._began

    @staticmethod
    def _backoff(tries: int) -> float:
        return min(_BACKOFF[1], _BACKOFF[0] * 2.0**tries)

    def _again(self, flying: InFlight, seconds: float, tries: int) -> None:
        """Ask a row again after some seconds."""
        grant = flying.grant
        more = tries < self._pace.retries
        again = grant._replace(attempt=grant.attempt + 1, more=more)
        heapq.heappush(self._later, WaitingGrant(time.monotonic() + seconds, next(self._order), again, tries))

    def _take_loss(self, lost: WorkerLost) -> None:
        if lost.reason:
            self.progress.add_notice(lost.reason)
        if lost.in_doubt or lost.unsent:
            self._store.commit(in_doubt=lost.in_doubt, unsent=lost.unsent)
        for grant in lost.unsent:
            flying = self._flying.pop(grant.request, None)
            self._bytes -= _weight(grant)
            self._budget.settle(grant.request, None, paid=False)
            tries = 0 if flying is None else flying.tries
            self._ready.appendleft(WaitingGrant(0.0, next(self._order), grant, tries))
        for grant in lost.in_doubt:
            self._flying.pop(grant.request, None)
            self._bytes -= _weight(grant)
            self._budget.settle(grant.request, None, paid=True)
            doubtful = Attempted(
                grant.request,
                grant.attempt,
                "in_doubt",
                "worker lost",
                error=lost.reason,
                reason="worker lost",
            )
            self._end_row(grant, doubtful)


def _weight(grant: Grant) -> int:
    """The bytes of a prompt, with its media."""
    size = grant.wanted.size
    for part in grant.wanted.parts:
        data = getattr(part, "data", None)
        size += len(data) if isinstance(data, bytes) else getattr(part, "size", 0) or 0
    return size
