"""The reader of a stream: makes attempts until one succeeds or no other may follow, and closes the ledger.

One daemon thread runs it. It is the only writer of the ledger; it displays nothing and runs no code of the user.
"""

from __future__ import annotations

import re
import textwrap
import time
from collections import Counter
from collections.abc import Callable, Hashable
from contextlib import suppress
from itertools import count
from typing import TYPE_CHECKING

from ..backends import HttpRequest, ResumedDecoder
from ..endings import Cause
from ..errors import GeminiMagicError, OptionError
from ..events import Failure
from ..ledger import Ledger, Pause, Phase
from .attempt import Attempts, StreamJob
from .background_run import BackgroundRun, NextLook
from .connection import Connection, ConnectionLost, TimedOut
from .endpoint import endpoint_of
from .exchange_writer import LedgerGuard
from .rate_limit import RATE_LIMITER, rate_scope
from .retry import Outcome, backoff, worth_retrying
from .secret import strip_traceback

if TYPE_CHECKING:
    from .media_uploads import MediaUploads

__all__ = ["StreamReader"]

_POLL = 1.0  # seconds after which a queued request looks whether requests before it have left the queue
_UNNOTED_WAIT = 0.5  # seconds; a shorter wait in the queue needs no note
_REASON_WIDTH = 40  # characters of a reason, so that the status line fits into a terminal
_GOES_ON = "The server goes on with the answer. `%gemini resume` follows it; `%gemini interactions` shows its state and stops it."
_NOT_FOUND = 404
_NOT_STORED = "The server does not have the answer: it deletes answers after some time, and another key cannot read them."
_MAY_HAVE_BEGUN = (
    "The server may have begun the answer, which then costs as much as any, but its id did not arrive."
)
_NEVER_RETRIED = (401, 402, 403)  # refused in every form
_BAD_CURSOR = (400, 404, 416)  # possible answers to a request that names an event
_MOST_RESUMED = 1000  # how often one stream is resumed
_NO_MODEL = re.compile(r"\b(?:is|was) not found\b|\bdoes not exist\b")


class StreamReader:
    """Reads one stream.

    Args:
        job: what to do.
        ledger: receives what arrives.
        connection: the stream's connection.
        guard: guards the ledger.
        close: closes the ledger, unless it is closed already.
    """

    def __init__(
        self,
        job: StreamJob,
        ledger: Ledger,
        connection: Connection,
        guard: LedgerGuard,
        close: Callable[[Cause, GeminiMagicError | None, float | None], bool],
    ) -> None:
        self._job = job
        self._ledger = ledger
        self._connection = connection
        self._guard = guard
        self._close = close
        self._attempts = Attempts(job, ledger, connection, guard)
        self._repeated = False  # a request that got no answer was sent once more

    def now(self) -> float:
        """Seconds since the first request was sent, or since the stream was opened; in a replay, as recorded."""
        return self._attempts.now()

    @property
    def origin(self) -> float:
        """Clock reading (``time.perf_counter``) when the first request of the stream was sent; 0 before."""
        return self._attempts.origin

    def run(self) -> None:
        """Read until the stream is over. The ledger is closed in every case."""
        try:
            outcome = self._make_attempts()
        except ConnectionLost:
            outcome = Outcome("failed")
        except TimedOut as reached:
            outcome = Outcome(reached.kind, limit=reached.limit)
        except GeminiMagicError as error:  # of an upload
            outcome = Outcome("failed", strip_traceback(error))
        except BaseException as error:  # noqa: BLE001 - a waiter must not wait forever for a dead reader
            outcome = Outcome("failed", self._attempts.internal_error(error))
        self._attempts.close()
        self._close(outcome.cause, outcome.error, outcome.limit)

    # -- one attempt after another

    def _make_attempts(self) -> Outcome:
        """Make attempts until one succeeds or no other may follow.

        Raises:
            ConnectionLost: the stream was cancelled during a wait.
            TimedOut: the total timeout was reached during a wait.
        """
        waited, uploads = 0.0, self._uploads()
        if uploads is not None:
            self._use(uploads.run())
        for number in count():
            job = self._job
            waited += self._wait_for_slot()
            more = number < job.options.retries
            outcome = self._attempts.make(job.http, number, more=more, waited=waited)
            if uploads is not None and (renewed := uploads.renewed(self._ledger.failure)) is not None:
                self._use(renewed)
                continue
            if (run := self._background_run()) is not None:
                return self._follow(run, outcome, number)
            if (stored := self._resumable(outcome)) is not None:
                return self._resume(stored, outcome, number)
            if not (outcome.retryable and more) or (outcome.unanswered and not self._may_repeat()):
                break
            wait = self._wait_before_next(outcome, number)
            if wait is None:
                break
            waited = self._wait("retrying", self._retry_pause(outcome, number, wait), wait)
        if job.whole is not None and self._may_fall_back(outcome):
            self._note_fallback(outcome)
            outcome = self._attempts.make(job.whole, number + 1, more=False, waited=self._wait_for_slot())
        return outcome

    def _may_repeat(self) -> bool:
        """Whether a request that was sent and got no answer is sent once more: not if the server may go on with it alone."""
        if self._ledger.steps.run is None:
            return not self._repeated
        with self._guard:
            self._ledger.set_advice(_MAY_HAVE_BEGUN)
        return False

    # -- following an answer that is made without a connection

    def _background_run(self) -> BackgroundRun | None:
        """What decides how the answer is followed; None for an answer in the foreground, or one that has not begun."""
        if self._connection.cancelled or self._ledger.steps.run is None or not self._stored_id():
            return None
        options = self._job.options
        return BackgroundRun(options.retries, streams=endpoint_of(options).form == "sse")

    def _stored_id(self) -> str:
        """The id of the answer at its server; empty until it is known."""
        stored, request = self._attempts.stored(), self._ledger.request
        known = None if request is None else request.stored_id
        return known or "" if stored is None else stored.id

    def _follow(self, run: BackgroundRun, outcome: Outcome, number: int) -> Outcome:
        """Follow an answer that the server makes without a connection, until its end, after attempt ``number``.

        Raises:
            ConnectionLost: the stream was cancelled during a wait.
            TimedOut: the total timeout was reached during a wait.
        """
        before, asked = None, Counter[str]()
        while not self._ledger.finishes and not self._connection.cancelled:
            state = self._progress()
            look = run.after(
                outcome,
                self._ledger.failure,
                created=before is None and not self._job.asked,
                progressed=state != before,
            )
            http = None if look is None else self._looked_up(look, asked)
            if look is None or http is None:
                self._advise_to_follow()
                break
            before, number = state, number + 1
            asked[http.url] += 1
            try:
                pause = Pause(look.why, self._elapsed() + look.wait, look.failures, look.failures)
                waited = self._wait("following", pause, self._pace(look.wait))
            except TimedOut:
                self._advise_to_follow()
                raise
            outcome = self._attempts.make(http, number, more=False, waited=waited)
        return outcome

    def _progress(self) -> tuple[object, ...]:
        """What changes when anything new arrives."""
        ledger = self._ledger
        return len(ledger.parts.get(0, ())), len(ledger.steps), ledger.chars, ledger.extras.get("status")

    def _looked_up(self, look: NextLook, asked: Counter[str]) -> HttpRequest | None:
        """The request of a look; in a recording the one that follows there, as often as it was made. None without one."""
        stored, replay = self._attempts.stored(), self._job.replay
        cursor = None if stored is None else stored.cursor
        for stream in (look.stream, not look.stream):
            http = self._stored_request(self._stored_id(), cursor if stream else None, stream=stream)
            if replay is None or (http is not None and replay.contains(http, asked[http.url])):
                return http
        return None

    def _pace(self, seconds: float) -> float:
        """A wait, within the total timeout; in a replay at its speed.

        Raises:
            TimedOut: the total timeout is reached before the wait is over.
        """
        replay = self._job.replay
        if replay is not None:
            return seconds / replay.speed if replay.speed else 0.0
        remaining = self._connection.remaining()
        if remaining is not None and remaining <= seconds:
            self._connection.wait_cancelled(max(0.0, remaining))
            raise TimedOut("timeout", self._job.options.timeout)
        return seconds

    def _advise_to_follow(self) -> None:
        """Following ends before the answer does: say in the remedy of the error that the server goes on."""
        failure = self._ledger.failure
        if self._connection.cancelled or self._job.replay is not None:
            return
        with suppress(ConnectionLost), self._guard:
            if failure is None or worth_retrying(failure):
                self._ledger.set_advice(_GOES_ON)
            elif failure.code == _NOT_FOUND:
                self._ledger.set_advice(_NOT_STORED)

    # -- reading a stored answer again

    def _resumable(self, outcome: Outcome) -> ResumedDecoder | None:
        """What goes on with the stream after an attempt; None if it has ended, or if the server does not store it.

        A stored answer is read again and not requested again, also if nothing of it has arrived.
        """
        if self._job.backend.interactions is None or self._connection.cancelled:
            return None
        ledger, failure = self._ledger, self._ledger.failure
        if any(finish.last for finish in ledger.finishes.values()):
            return None
        if failure is not None:
            broken = worth_retrying(failure)
        else:
            broken = outcome.cause in ("cut", "stalled", "end") or outcome.retryable
        return self._attempts.stored() if broken else None

    def _resume(self, stored: ResumedDecoder, outcome: Outcome, number: int) -> Outcome:
        """Read a stored answer again until its end, after attempt ``number`` of the round.

        Attempts that bring nothing new count as retries; with each new event the count begins again.

        Raises:
            ConnectionLost: the stream was cancelled during a wait.
            TimedOut: the total timeout was reached during a wait.
        """
        best, failure = outcome, self._ledger.failure  # of the last attempt that received something
        failed, cursor = 0, stored.cursor
        for resumed in range(1, _MOST_RESUMED + 1):
            http = self._stored_request(stored.id, cursor)
            if http is None or not self._may_resume(http, failed):
                break
            wait = self._wait_before_next(outcome, failed)
            if wait is None:
                break
            pause = self._resume_pause(outcome, failed, wait)
            outcome = self._attempts.make(
                http, number + resumed, more=False, waited=self._wait("resuming", pause, wait)
            )
            failed = 0 if stored.new else failed + 1
            if self._attempts.received_json:
                best, failure = outcome, self._ledger.failure
            refused = self._ledger.failure
            if cursor is not None and refused is not None and refused.code in _BAD_CURSOR and not stored.new:
                cursor = None  # the server does not know the event; it can still begin at the beginning
                continue
            if self._resumable(outcome) is None:
                break
            cursor = stored.cursor
        if outcome.cause != "timeout" and not (self._attempts.received_json or self._connection.cancelled):
            self._note_not_resumed(outcome)
            with self._guard:
                self._ledger.set_failure(failure)
            return best
        return outcome

    def _stored_request(self, ident: str, cursor: str | None, *, stream: bool = True) -> HttpRequest | None:
        """The request that reads the rest of a stored answer, or its state; None if the server sent no valid id."""
        api = self._job.backend.interactions
        with suppress(OptionError):
            if api is not None:
                return api.get(endpoint_of(self._job.options), ident, stream=stream, cursor=cursor)
        return None

    def _may_resume(self, http: HttpRequest, failed: int) -> bool:
        """Whether the stream may be resumed once more; a recording resumes it as often as it was resumed."""
        replay = self._job.replay
        return failed < self._job.options.retries if replay is None else replay.contains(http)

    def _resume_pause(self, outcome: Outcome, failed: int, wait: float) -> Pause:
        """Note why the stream is resumed; returns the pause for the status line."""
        reason = self._attempts.describe_problem(outcome) or "the answer has no end"
        chars = self._ledger.chars
        with self._guard:
            message = f"{reason[:1].upper()}{reason[1:].rstrip('.')}; the stored answer is resumed after {chars:,} characters."
            self._ledger.note("resumed", message)
        short = textwrap.shorten(reason, _REASON_WIDTH, placeholder=" …")
        return Pause(short, self._elapsed() + wait, failed + 1, max(self._job.options.retries, failed + 1))

    def _note_not_resumed(self, outcome: Outcome) -> None:
        reason = (self._attempts.describe_problem(outcome) or "no answer").rstrip(".")
        with suppress(ConnectionLost), self._guard:
            message = f"The stored answer could not be resumed: {reason}."
            self._ledger.note("not-resumed", message, severity="warning")

    def _uploads(self) -> MediaUploads | None:
        """The uploads that the request needs; None without any, and if nothing is sent."""
        job = self._job
        if job.plan is None or not job.plan.uploads or job.backend.files is None or job.replay is not None:
            return None
        from .media_uploads import MediaUploads  # noqa: PLC0415 - see the table of late imports

        return MediaUploads(job, job.backend.files, self._ledger, self._guard, self._connection)

    def _use(self, job: StreamJob) -> None:
        self._job = job
        self._attempts.use(job)

    def _wait_before_next(self, outcome: Outcome, number: int) -> float | None:
        """Seconds to wait before the next attempt; None when the total timeout leaves no time for one."""
        wait = backoff(number) if outcome.wait is None else outcome.wait
        replay, timeout = self._job.replay, self._job.options.timeout
        if replay is not None:
            wait = wait / replay.speed if replay.speed else 0.0
        remaining = self._connection.remaining()
        if remaining is None or wait < remaining:
            return wait
        start = f"would have started {wait:.1f} s later, after --timeout {timeout:g}"
        with self._guard:
            self._ledger.note("gave-up", f"No other attempt was made: the next one {start}.")
            self._ledger.set_advice(f"Increase --timeout: another attempt {start}.")
        return None

    def _retry_pause(self, outcome: Outcome, number: int, wait: float) -> Pause:
        """Note why another attempt follows; returns the pause for the status line."""
        reason = self._attempts.describe_problem(outcome) or "no answer"
        with self._guard:
            self._ledger.note("retry", f"Attempt {number + 1} failed: {reason}")
            if outcome.unanswered:
                self._repeated = True
                self._ledger.note(
                    "possibly-billed",
                    "The connection was lost after the request was sent and before an answer arrived. The request is "
                    "sent once more; both requests may be billed.",
                    severity="warning",
                )
        return Pause(
            textwrap.shorten(reason, _REASON_WIDTH, placeholder=" …"),
            self._elapsed() + wait,
            number + 2,
            number + 2 if outcome.unanswered else self._job.options.retries + 1,
        )

    # -- waiting

    def _elapsed(self) -> float:
        return time.perf_counter() - self._connection.opened

    def _wait(self, phase: Phase, pause: Pause, seconds: float) -> float:
        """Wait, with the pause in the ledger. Returns how many seconds it took.

        Raises:
            ConnectionLost: the stream was cancelled meanwhile.
        """
        began = time.perf_counter()
        with self._guard:
            self._ledger.set_phase(phase, pause)
        if self._connection.wait_cancelled(seconds):
            raise ConnectionLost(sent=False)
        return time.perf_counter() - began

    def _wait_for_slot(self) -> float:
        """Wait until the rate limit (``--rpm``) allows a request. Returns how many seconds it took.

        Raises:
            ConnectionLost: the stream was cancelled meanwhile.
            TimedOut: the total timeout was reached.
        """
        if self._job.replay is not None or self._job.backend.local is not None:
            return 0.0
        rate, scope = self._job.options.rpm, self._rate_scope()
        if rate is None:
            RATE_LIMITER.count(scope)  # it counts for requests that have a limit
            return 0.0
        waited, slot = 0.0, RATE_LIMITER.enqueue(scope, rate)
        reason = f"at most {rate} request{'' if rate == 1 else 's'} a minute"
        try:
            while (left := slot.remaining()) > 0:
                pause = Pause(reason, self._elapsed() + left)
                waited += self._wait("queued", pause, self._connection.limit_wait(min(left, _POLL)))
        finally:
            slot.leave()
        if waited > _UNNOTED_WAIT:
            with self._guard:
                self._ledger.note("queued", f"The request waited {waited:.1f} s in the queue: {reason}.")
        return waited

    def _rate_scope(self) -> Hashable:
        request = self._ledger.request
        model = self._job.options.model if request is None else request.model
        return rate_scope(self._job.http.url, self._job.key, model)

    # -- asking without streaming

    def _may_fall_back(self, outcome: Outcome) -> bool:
        """Whether asking for the whole answer at once may help: streaming failed, and no content arrived."""
        began = self._ledger.steps.run is not None and self._ledger.failure is None  # or may have begun
        if began or self._ledger.steps.stored_id is not None:
            return False  # it would be a second answer
        if self._connection.cancelled or self._ledger.has_content or self._ledger.blocked is not None:
            return False
        failure = self._ledger.failure
        if failure is not None:
            return not failure.final and not _refused_in_every_form(failure)
        if outcome.end in ("not connected", "failed") or outcome.cause in ("timeout", "full"):
            return False  # no server, an error of this package, or a limit: another form changes nothing
        return outcome.cause != "end" or not self._attempts.received_json

    def _note_fallback(self, outcome: Outcome) -> None:
        message = (
            "Streaming failed before any content arrived; the request is sent once more without streaming"
        )
        billed = "" if self._ledger.failure is not None else ", and both requests may be billed"
        with suppress(ConnectionLost), self._guard:
            if reason := self._attempts.describe_problem(outcome):
                self._ledger.note("retry", f"Attempt {len(self._ledger.exchanges)} failed: {reason}")
            self._ledger.note("fallback", f"{message}{billed}.", severity="warning")


def _refused_in_every_form(failure: Failure) -> bool:
    """Whether the server rejects the key, the model or the request itself, with streaming and without.

    An invalid argument counts unless the message mentions streaming: some servers use the same code for both.
    """
    if failure.code in _NEVER_RETRIED or failure.reason == "API_KEY_INVALID":
        return True
    if failure.code == 404:  # noqa: PLR2004 - HTTP
        return _NO_MODEL.search(failure.message) is not None
    return failure.status == "INVALID_ARGUMENT" and "stream" not in failure.message.lower()
