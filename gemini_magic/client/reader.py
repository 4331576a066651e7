"""The reader: makes attempts until one stands, waits between them, and closes the ledger.

One daemon thread runs it. It is the only writer of the ledger; it draws nothing and runs nothing of the user's.
"""

from __future__ import annotations

import re
import textwrap
import time
from collections.abc import Callable, Hashable
from contextlib import suppress
from itertools import count
from urllib.parse import urlsplit

from ..endings import Cause
from ..errors import GeminiMagicError
from ..events import Failure
from ..ledger import Ledger, Pause, Phase
from .attempt import Attempts, StreamJob
from .connection import Connection, ConnectionLost, TimedOut
from .exchange_writer import LedgerGuard
from .rate_limit import TURNS
from .retry import Outcome, jittered

__all__ = ["StreamReader"]

_LOOK = 1.0  # seconds after which a waiting request looks whether the line before it has become shorter
_SHORT = 0.5  # seconds; waiting that long for a turn needs no note
_WORDS = 40  # characters of a reason: the line should fit into a terminal
_REFUSED = (401, 402, 403)  # asking in another form would be refused as well
_NO_MODEL = re.compile(r"\b(?:is|was) not found\b|\bdoes not exist\b")


class StreamReader:
    """One stream being read.

    Args:
        job: what to do.
        ledger: where it is written down.
        connection: the connection to the network.
        pen: the right to write into the ledger.
        close: closes the ledger, unless that has happened.
    """

    def __init__(
        self,
        job: StreamJob,
        ledger: Ledger,
        connection: Connection,
        pen: LedgerGuard,
        close: Callable[[Cause, GeminiMagicError | None], bool],
    ) -> None:
        self.job = job
        self.ledger = ledger
        self.connection = connection
        self._pen = pen
        self._close = close
        self._attempts = Attempts(job, ledger, connection, pen)
        self._twice = False  # a request that died silently was sent once more

    def now(self) -> float:
        """Seconds since the request was sent, or since it was asked for when none was; in a replay, of its own time."""
        return self._attempts.now()

    def run(self) -> None:
        """Read until it is over; whatever happens, the ledger is closed."""
        try:
            outcome = self._persist()
        except ConnectionLost:
            outcome = Outcome("failed")
        except TimedOut as expired:
            outcome = Outcome(expired.kind, limit=expired.limit)
        except BaseException as error:  # noqa: BLE001 - nobody may wait for ever on a reader that died
            outcome = Outcome("failed", self._attempts.mistake(error))
        self._attempts.intake.over()
        if outcome.limit is not None:
            self.ledger.limit = outcome.limit
        self._close(outcome.cause, outcome.error)

    # -- one attempt after another

    def _persist(self) -> Outcome:
        """Try until an attempt stands or no other may follow.

        Raises:
            ConnectionLost: the stream was cancelled while it waited.
            TimedOut: the time was up while it waited.
        """
        http, most, waited = self.job.http, self.job.options.retries, 0.0
        for number in count():
            waited += self._turn()
            outcome = self._attempts.make(http, number, more=number < most, waited=waited)
            if not outcome.again or number >= most or (outcome.silent and self._twice):
                break
            wait = self._before_next(outcome, number)
            if wait is None:
                break
            waited = self._wait("retrying", self._pause(outcome, number, wait), wait)
        if self.job.whole is not None and self._may_fall_back(outcome):
            self._say_fallback(outcome)
            outcome = self._attempts.make(self.job.whole, number + 1, more=False, waited=self._turn())
        return outcome

    def _before_next(self, outcome: Outcome, number: int) -> float | None:
        """Seconds to wait before the next attempt; None when the time does not allow one."""
        wait = jittered(number) if outcome.wait is None else outcome.wait
        if self.job.replay is not None:
            wait = wait / self.job.replay.speed if self.job.replay.speed else 0.0
        left = self.connection.remaining()
        if left is None or wait < left:
            return wait
        words = f"Another attempt would have begun {wait:.1f} s later, after --timeout {self.job.options.timeout:g}"
        with self._pen:
            self.ledger.note("gave-up", f"{words}; none was made.")
            self.ledger.advice = f"{words}: give it more time."
        return None

    def _pause(self, outcome: Outcome, number: int, wait: float) -> Pause:
        """Say why another attempt follows, and what the status line shows meanwhile."""
        why = self._attempts.problem(outcome) or "no answer"
        with self._pen:
            self.ledger.note("retry", f"Attempt {number + 1} failed: {why}")
            if outcome.silent:
                self._twice = True
                self.ledger.note(
                    "possibly-billed",
                    "A request died without an answer after it had gone out; it is sent once more, and both may be "
                    "billed.",
                    severity="warning",
                )
        return Pause(
            textwrap.shorten(why, _WORDS, placeholder=" …"),
            self._elapsed() + wait,
            number + 2,
            number + 2 if outcome.silent else self.job.options.retries + 1,
        )

    # -- waiting

    def _elapsed(self) -> float:
        return time.perf_counter() - self.connection.opened

    def _show(self, phase: Phase, pause: Pause) -> None:
        with self._pen:
            self.ledger.pause = pause
            self.ledger.enter(phase)

    def _wait(self, phase: Phase, pause: Pause, seconds: float) -> float:
        """Wait; returns how long it took.

        Raises:
            ConnectionLost: the stream was cancelled meanwhile.
        """
        began = time.perf_counter()
        self._show(phase, pause)
        if self.connection.wait_cancelled(seconds):
            raise ConnectionLost(sent=False)
        return time.perf_counter() - began

    def _turn(self) -> float:
        """Wait until a request may go out (``--rpm``); returns how long that took.

        Raises:
            ConnectionLost: the stream was cancelled meanwhile.
            TimedOut: the time was up.
        """
        if self.job.replay is not None or self.job.backend.local is not None:
            return 0.0
        rate, place = self.job.options.rpm, self._place()
        if rate is None:
            TURNS.began(place)  # it counts for those who have a limit
            return 0.0
        waited, turn = 0.0, TURNS.queue(place, rate)
        why = f"at most {rate} request{'' if rate == 1 else 's'} a minute"
        try:
            while (left := turn.left()) > 0:
                pause = Pause(why, self._elapsed() + left)
                waited += self._wait("queued", pause, self.connection.limit_wait(min(left, _LOOK)))
        finally:
            turn.leave()
        if waited > _SHORT:
            with self._pen:
                self.ledger.note("queued", f"It waited {waited:.1f} s for its turn: {why}.")
        return waited

    def _place(self) -> Hashable:
        """What a limit is for: a host, a key and a model. The key itself stays out of it."""
        request, key = self.ledger.request, self.job.key
        return (
            urlsplit(self.job.http.url).netloc,
            None if key is None else hash(key.value.reveal()),
            self.job.options.model if request is None else request.model,
        )

    # -- asking without streaming

    def _may_fall_back(self, outcome: Outcome) -> bool:
        """Whether asking for the whole answer at once may help: streaming failed, and nothing of an answer came."""
        if self.connection.cancelled or self.ledger.has_content or self.ledger.blocked is not None:
            return False
        failure = self.ledger.failure
        if failure is not None:
            return not failure.final and not _refused(failure)
        if outcome.end in ("not connected", "failed") or outcome.cause in ("timeout", "full"):
            return False  # no server, an error of our own, or a limit: another form changes nothing
        return outcome.cause != "end" or not self._attempts.intake.heard()

    def _say_fallback(self, outcome: Outcome) -> None:
        words = "Streaming failed before any content; it is asked once more without streaming"
        billed = "" if self.ledger.failure is not None else ", and both may be billed"
        with suppress(ConnectionLost), self._pen:
            if why := self._attempts.problem(outcome):
                self.ledger.note("retry", f"Attempt {len(self.ledger.exchanges)} failed: {why}")
            self.ledger.note("fallback", f"{words}{billed}.", severity="warning")


def _refused(failure: Failure) -> bool:
    """Whether it is the key, the model or the request itself that the server will not have, in whatever form.

    An argument is meant to be wrong unless the message speaks of streaming: some servers say so with the same code.
    """
    if failure.code in _REFUSED or failure.reason == "API_KEY_INVALID":
        return True
    if failure.code == 404:  # noqa: PLR2004 - HTTP
        return _NO_MODEL.search(failure.message) is not None
    return failure.status == "INVALID_ARGUMENT" and "stream" not in failure.message.lower()
