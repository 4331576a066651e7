"""The reader: sends a request, reads its answer to the end of input, and tries again while that is honest.

One daemon thread runs it. It is the only writer of the ledger; it draws nothing and runs nothing of the user's.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import NamedTuple
from urllib.parse import urlsplit

import tenacity

from ..backends import Backend, HttpRequest
from ..endings import Cause
from ..errors import ConnectionFailed, GeminiMagicError, WireError
from ..ledger import Exchange, Ledger
from ..settings import Options
from ..wire import Reader as WireReader
from .credentials import Key, forget_typed
from .intake import Intake, Pen
from .jsonl import Recorded
from .line import Expired, Line, Lost, Unreachable
from .oddities import not_a_stream
from .recorder import Recorder
from .replay import Replay
from .retry import Outcome, jittered, result_of, retry_after, worth_retrying
from .sources import Head, LocalAnswer, RecordedAnswer
from .transport import send

__all__ = ["Job", "Reading"]

_ERROR_BODY = 2**20  # bytes of an error page that are read
_LOOPBACK = ("localhost", "127.0.0.1", "::1")


class Job(NamedTuple):
    """What a reader is to do."""

    http: HttpRequest
    backend: Backend
    options: Options
    key: Key | None
    recorders: Sequence[Recorder]
    replay: Replay | None


class _Enough(Exception):  # noqa: N818 - says why a body is not read on
    """The rest of a body is not wanted; ``wait`` is what the server asks for before another try."""

    def __init__(self, wait: float | None = None) -> None:
        super().__init__("enough")
        self.wait = wait


class Reading:
    """One stream being read.

    Args:
        job: what to do.
        ledger: where it is written down.
        line: the line to the network.
        pen: the right to write into the ledger.
        close: closes the ledger, unless that has happened.
    """

    def __init__(
        self,
        job: Job,
        ledger: Ledger,
        line: Line,
        pen: Pen,
        close: Callable[[Cause, GeminiMagicError | None], bool],
    ) -> None:
        self.job = job
        self.ledger = ledger
        self.line = line
        self._pen = pen
        self._close = close
        self._intake = Intake(ledger, pen, job.backend, job.key, job.recorders)
        self._attempt = -1
        self._twice = False  # a request that died silently was sent once more
        self._origin = 0.0  # clock reading when the first request had gone out

    def now(self) -> float:
        """Seconds since the request was sent; in a replay, of the recording's own time."""
        if self.job.replay is not None or not self._origin:
            return self._intake.last
        return time.perf_counter() - self._origin

    def run(self) -> None:
        """Read until it is over; whatever happens, the ledger is closed."""
        try:
            again = tenacity.Retrying(
                retry=tenacity.retry_if_result(lambda outcome: outcome.again),
                wait=lambda state: result_of(state).wait,
                stop=lambda state: self._no_more(result_of(state).wait),
                before_sleep=lambda state: self._say(result_of(state)),
                sleep=self._sleep,
                retry_error_callback=result_of,
            )
            outcome: Outcome = again(self._try)
        except BaseException as error:  # noqa: BLE001 - nobody may wait for ever on a reader that died
            outcome = Outcome("failed", self._mistake(error))
        if outcome.limit is not None:
            self.ledger.limit = outcome.limit
        self._close(outcome.cause, outcome.error)

    # -- trying again

    def _no_more(self, wait: float = 0.0) -> bool:
        """Whether there is no other try, for want of tries or of time."""
        left = self.line.left()
        too_late = left is not None and wait >= left
        return self._attempt >= self.job.options.retries or too_late or self.line.cancelled.is_set()

    def _say(self, outcome: Outcome) -> None:
        why = self.ledger.failure.message if self.ledger.failure else ""
        if outcome.error is not None:
            why = outcome.error.message
        with suppress(Lost), self._pen:
            self.ledger.note("retry", f"Try {self._attempt + 1} failed: {why}")
            self.ledger.retry_wait = outcome.wait
            self.ledger.enter("retrying")

    def _sleep(self, seconds: float) -> None:
        self.line.cancelled.wait(seconds)

    def _again(self, outcome: Outcome, wait: float | None = None) -> Outcome:
        """The outcome as one after which another try is allowed; ``wait`` is what the server asks for."""
        seconds = jittered(self._attempt) if wait is None else wait
        if self.job.replay is not None:
            seconds = seconds / self.job.replay.speed if self.job.replay.speed else 0.0
        return outcome._replace(again=True, wait=seconds)

    # -- one attempt

    def _try(self) -> Outcome:
        self._attempt += 1
        http = self.job.http
        exchange = Exchange(http.method, http.url, http.headers, http.body, attempt=self._attempt)
        answer: Head | None = None
        outcome = Outcome("failed", end="cancelled")
        try:
            self._intake.begin(exchange)
            answer = self._open(http)
            self._intake.head(exchange, answer)
            ok = 200 <= answer.status < 300  # noqa: PLR2004 - HTTP
            outcome = self._body(exchange, answer) if ok else self._refused(exchange, answer)
        except Unreachable as problem:
            outcome = Outcome("failed", _bare(problem.error), "not connected")
            outcome = self._again(outcome) if problem.again else outcome
        except Expired as expired:
            outcome = Outcome(expired.kind, end=expired.kind, limit=expired.limit)
        except Lost as lost:
            outcome = self._lost(lost)
        except GeminiMagicError as error:
            outcome = Outcome("failed", _bare(error), "failed")
        except Exception as error:  # noqa: BLE001 - a mistake of ours is an ending too, and is recorded as one
            outcome = Outcome("failed", self._mistake(error), "failed")
        finally:
            if answer is not None:
                answer.close()
            end = "cancelled" if self.line.cancelled.is_set() else outcome.end
            self._intake.end(exchange, end, last=not outcome.again or self._no_more(outcome.wait))
        return outcome

    def _open(self, http: HttpRequest) -> Head:
        job = self.job
        if job.replay is not None or job.backend.local is not None:
            self.line.begin(sent=True)
            self._sent()
            if job.replay is not None:
                self.ledger.source = "recording"
                recorded = job.replay.find(http)
                if isinstance(recorded, Recorded) and recorded.lacks:
                    self._intake.note("recording-lacks", recorded.lacks, "info")
                return RecordedAnswer(recorded, job.replay.speed, self.line.cancelled)
            self.ledger.source = "echo"
            return LocalAnswer(job.backend, http, self.line)
        auth = job.backend.auth
        own = auth is not None and auth.owns(http.url)
        key = None
        if auth is not None and job.key is not None:
            if own or job.options.key_env not in (None, *auth.env):
                key = (auth.header, auth.prefix + job.key.value.reveal())
            self._warn(http.url, sent=key is not None)
        self.line.before_read = self._sent
        return send(http, self.line, key, own_host=own)

    def _warn(self, url: str, *, sent: bool) -> None:
        """Note a key that was kept back, or that goes over the network in the clear."""
        parts = urlsplit(url)
        if not sent:
            self._intake.note("key-kept-back", "The key was not sent: it does not belong to this address.")
        elif parts.scheme == "http" and parts.hostname not in _LOOPBACK:
            self._intake.note(
                "key-in-the-clear", "The key was sent without encryption: the address is http, not https."
            )

    def _sent(self) -> None:
        """The request has gone out; from now on the clock runs."""
        self.line.before_read = None
        self._origin = self._origin or self.line.sent
        self._intake.offset = max(self.line.sent - self._origin, self._intake.last)
        with self._pen:
            if self.line.connecting is not None:
                self.ledger.mark("connect", self.line.connecting)
            self.ledger.enter("waiting")

    def _body(self, exchange: Exchange, answer: Head) -> Outcome:
        wire = WireReader()
        intake = self._intake

        def sink(t: float, piece: bytes) -> None:
            refusal = intake.take(wire, wire.feed(intake.keep(exchange, t, piece)))
            if refusal is not None and worth_retrying(refusal) and not self._no_more():
                raise _Enough(refusal.retry_after)

        try:
            answer.read(sink)
        except _Enough as refused:
            return self._again(Outcome("failed"), refused.wait)
        except (Lost, Expired):
            intake.take(wire, wire.close())  # what had come whole counts, though its blank line had not
            raise
        intake.take(wire, wire.close())
        error = None if intake.heard() else not_a_stream(wire, self.job.backend)
        if error is not None:
            return Outcome("failed", error)
        return Outcome("end")

    # -- bad endings

    def _refused(self, exchange: Exchange, answer: Head) -> Outcome:
        """An HTTP error: read its body, then say it or allow another try."""
        body = bytearray()

        def sink(t: float, piece: bytes) -> None:
            body.extend(self._intake.keep(exchange, t, piece))
            if len(body) > _ERROR_BODY:
                raise _Enough

        try:
            answer.read(sink)
        except (_Enough, Expired):
            pass  # the status alone says enough
        except Lost:
            if self.line.cancelled.is_set():
                raise
        failure = self.job.backend.failure(answer.status, bytes(body))
        if failure.code in (401, 403) or failure.reason == "API_KEY_INVALID":
            forget_typed()  # or a mistyped key would stay until the kernel ends
        self._intake.refuse(failure)
        outcome = Outcome("failed")
        if not worth_retrying(failure):
            return outcome
        wait = failure.retry_after
        return self._again(outcome, retry_after(answer.headers) if wait is None else wait)

    def _lost(self, lost: Lost) -> Outcome:
        if self.line.cancelled.is_set():
            return Outcome("failed", end="cancelled")
        error = ConnectionFailed(
            "The connection was lost before an answer came.",
            remedy="Ask again; the lost request may have been billed." if lost.sent else "Ask again.",
        )
        if self._intake.heard():
            return Outcome("cut", error, "connection lost")
        outcome = Outcome("failed", error, "connection lost")
        if not lost.sent:
            return self._again(outcome)
        if self._twice or self._no_more():
            return outcome
        self._twice = True
        words = "A request died without an answer after it had gone out; it is sent once more, and both may be billed."
        with suppress(Lost):
            self._intake.note("possibly-billed", words)
        return self._again(outcome)

    def _mistake(self, error: BaseException) -> GeminiMagicError:
        words = f"Reading failed: {type(error).__name__}: {error}"
        if self.job.key is not None:
            words = self.job.key.value.hide(words.encode("utf-8", "replace")).decode()
        return WireError(words, remedy="This is a mistake of gemini_magic; please report it.")


def _bare(error: GeminiMagicError) -> GeminiMagicError:
    """The error without the frames it came through: they hold the request's headers, and with them the key."""
    error.__traceback__ = error.__context__ = error.__cause__ = None
    return error
