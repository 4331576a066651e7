"""One attempt: a request goes out, its answer is read to the end of input or as far as it gets.

It says how that ended and whether another attempt may help; whether there is one, and when, is the reader's.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import NamedTuple
from urllib.parse import urlsplit

from ..backends import Backend, HttpRequest
from ..diagnostics import MEGABYTE, body_too_large, unreadable_body
from ..errors import ConnectionFailed, GeminiMagicError, WireError
from ..ledger import Exchange, Ledger
from ..options import Options
from ..recording import Recorded, Recorder, Replay
from ..wire import Reader as WireReader
from .connection import Connection, ConnectionLost, HostUnreachable, TimedOut, TooLarge
from .endpoint import endpoint_of
from .exchange_writer import ExchangeWriter, LedgerGuard
from .proxies import LOOPBACK
from .retry import Outcome, patient, retry_after, worth_retrying
from .secret import Key, carried
from .sources import Head, LocalAnswer, RecordedAnswer
from .text_file import Transcript
from .transport import send

__all__ = ["Attempts", "StreamJob"]

_ERROR_BODY = MEGABYTE  # bytes of an error page that are read


class StreamJob(NamedTuple):
    """What a reader is to do.

    Attributes:
        http: the request; ``whole``: the same for an answer in one piece, where that may be asked for instead.
        backend, options, key: how.
        recorders, replay: where it is recorded, or played from.
        transcript: the file that gets the text.
    """

    http: HttpRequest
    backend: Backend
    options: Options
    key: Key | None = None
    recorders: Sequence[Recorder] = ()
    replay: Replay | None = None
    whole: HttpRequest | None = None
    transcript: Transcript | None = None


class _Enough(Exception):  # noqa: N818 - says why a body is not read on
    """The rest of a body is not wanted; ``wait`` is what the server asks for before another try."""

    def __init__(self, wait: float | None = None) -> None:
        super().__init__("enough")
        self.wait = wait


class Attempts:
    """Makes the attempts of one job, one after the other.

    Args:
        job: what to do.
        ledger: where it is written down.
        line: the line to the network.
        pen: the right to write into the ledger.

    Attributes:
        intake: takes what arrives.
    """

    def __init__(self, job: StreamJob, ledger: Ledger, line: Connection, pen: LedgerGuard) -> None:
        self.intake = ExchangeWriter(ledger, pen, job.backend, job.key, job.recorders)
        self._job = job
        self._ledger = ledger
        self._line = line
        self._pen = pen
        self._origin = 0.0  # clock reading when the first request had gone out

    def now(self) -> float:
        """Seconds since the request was sent, or since it was asked for when none was; in a replay, of its own time."""
        if self._job.replay is not None:
            return self.intake.last
        return time.perf_counter() - (self._origin or self._line.opened)

    def make(self, http: HttpRequest, number: int, *, more: bool, waited: float = 0.0) -> Outcome:
        """Send and read.

        Args:
            http: the request.
            number: of the attempt, from 0.
            more: whether another attempt may follow.
            waited: seconds that were waited before this one.
        """
        exchange = Exchange(http.method, http.url, http.headers, http.body, attempt=number)
        exchange.waited = waited
        answer: Head | None = None
        outcome = Outcome("failed", end="cancelled")
        try:
            self.intake.begin(exchange)
            self.intake.expected = self._expected(http)
            answer = self._open(http, exchange)
            self.intake.head(exchange, answer)
            ok = 200 <= answer.status < 300  # noqa: PLR2004 - HTTP
            outcome = self._body(exchange, answer, more=more) if ok else self._refused(exchange, answer)
        except HostUnreachable as problem:
            outcome = Outcome("failed", _bare(problem.error), "not connected", again=problem.again)
        except TimedOut as expired:
            outcome = Outcome(expired.kind, end=expired.kind, limit=expired.limit)
        except ConnectionLost as lost:
            outcome = self._lost(lost)
        except TooLarge as full:
            outcome = Outcome("full", body_too_large(full.limit), "too large")
        except GeminiMagicError as error:
            outcome = Outcome("failed", _bare(error), "failed")
        except Exception as error:  # noqa: BLE001 - a mistake of ours is an ending too, and is recorded as one
            outcome = Outcome("failed", self.mistake(error), "failed")
        finally:
            if answer is not None:
                answer.close()
            exchange.problem = self.problem(outcome)
            self.intake.end(exchange, "cancelled" if self._line.cancelled.is_set() else outcome.end)
        return outcome

    def _expected(self, http: HttpRequest) -> tuple[str, ...]:
        """The anomalies that are normal in an answer to this request."""
        form = "whole" if http is self._job.whole else endpoint_of(self._job.options).form
        return self._job.backend.expected_anomalies(form)

    def problem(self, outcome: Outcome) -> str | None:
        """What went wrong in an attempt, in words; None when nothing did."""
        failure = self._ledger.failure
        if failure is not None:
            label = str(failure.code or failure.status or "")
            return (
                f"{label}: {failure.message}" if label and label not in failure.message else failure.message
            )
        match outcome.cause:
            case "cut":
                return "the connection was lost"
            case "timeout":
                return "the time was up"
            case "stalled":
                return "nothing came" if outcome.limit is None else f"nothing came for {outcome.limit:g} s"
        return None if outcome.error is None else outcome.error.message.rstrip(".")

    def mistake(self, error: BaseException) -> GeminiMagicError:
        """An error of ours, told as one."""
        words = f"Reading failed: {type(error).__name__}: {error}"
        if self._job.key is not None:
            words = self._job.key.value.hide(words.encode("utf-8", "replace")).decode()
        return WireError(words, remedy="This is a mistake of gemini_magic; please report it.")

    # -- the request

    def _open(self, http: HttpRequest, exchange: Exchange) -> Head:
        job = self._job
        if job.replay is not None or job.backend.local is not None:
            self._line.begin(sent=True)
            self._sent()
            if job.replay is not None:
                self._ledger.source = "recording"
                recorded = job.replay.find(http)
                if isinstance(recorded, Recorded) and recorded.lacks:
                    self.intake.note("recording-lacks", recorded.lacks, "info")
                return RecordedAnswer(recorded, job.replay.speed, self._line.cancelled)
            self._ledger.source = "echo"
            return LocalAnswer(job.backend, http, self._line)
        auth = job.backend.auth_for(job.options.auth, endpoint_of(job.options))
        own = auth is not None and auth.owns(http.url)
        http, key = carried(http, auth, job.key, job.options.key_env)
        if auth is not None and job.key is not None:
            self._warn(http.url, sent=key is not None)
            if key is not None:
                exchange.key = (auth.header, auth.prefix, job.options.key_env or next(iter(auth.env), "KEY"))
        self._line.before_read = self._sent
        return send(http, self._line, key, own_host=own)

    def _warn(self, url: str, *, sent: bool) -> None:
        """Note a key that was kept back, or that goes over the network in the clear."""
        parts = urlsplit(url)
        if not sent:
            self.intake.note("key-kept-back", "The key was not sent: it does not belong to this address.")
        elif parts.scheme == "http" and parts.hostname not in LOOPBACK:
            self.intake.note(
                "key-in-the-clear", "The key was sent without encryption: the address is http, not https."
            )

    def _sent(self) -> None:
        """The request has gone out; from now on the clock runs."""
        self._line.before_read = None
        self._origin = self._origin or self._line.sent
        self.intake.offset = max(self._line.sent - self._origin, self.intake.last)
        with self._pen.quiet():  # who draws looks by itself; who waits for events would wake up for nothing
            if self._line.connecting is not None:
                self._ledger.mark("connect", self._line.connecting)
            self._ledger.delay = self._origin - self._line.opened
            self._ledger.exchanges[-1].started = self.intake.offset
            self._ledger.enter("waiting")
        self.intake.sent()

    # -- the answer

    def _body(self, exchange: Exchange, answer: Head, *, more: bool) -> Outcome:
        options, intake, transcript = self._job.options, self.intake, self._job.transcript
        wire = WireReader(max_event=int(options.max_event * MEGABYTE))
        most = left = int(options.max_total * MEGABYTE)

        def sink(t: float, piece: bytes) -> None:
            nonlocal left
            refusal = intake.take(wire, wire.feed(intake.keep(exchange, t, piece)))
            if transcript is not None:
                self._copy(transcript)
            if refusal is not None and worth_retrying(refusal) and more:
                raise _Enough(refusal.retry_after)
            left -= len(piece)
            if left < 0:
                raise TooLarge(most)

        try:
            answer.read(sink)
        except _Enough as refused:
            return Outcome("failed", again=True, wait=refused.wait)
        except (ConnectionLost, TimedOut):
            self._finish(exchange, wire)  # what had come whole counts, though its blank line had not
            raise
        self._finish(exchange, wire)
        error = None if intake.heard() else unreadable_body(wire, self._job.backend)
        if error is not None:
            return Outcome("failed", error)
        return Outcome("end")

    def _finish(self, exchange: Exchange, wire: WireReader) -> None:
        """No byte follows: what waited for more counts as it is."""
        self.intake.take(wire, wire.feed(self.intake.rest(exchange)))
        self.intake.take(wire, wire.close())

    def _copy(self, transcript: Transcript) -> None:
        before = transcript.problem
        transcript.follow()
        if transcript.problem != before:
            self.intake.note("not-written", f"{transcript.problem}.")

    def _refused(self, exchange: Exchange, answer: Head) -> Outcome:
        """An HTTP error: read its body, then say it or allow another try."""
        body = bytearray()

        def sink(t: float, piece: bytes) -> None:
            body.extend(self.intake.keep(exchange, t, piece))
            if len(body) > _ERROR_BODY:
                raise _Enough

        try:
            answer.read(sink)
        except (_Enough, TimedOut):
            pass  # the status alone says enough
        except ConnectionLost:
            if self._line.cancelled.is_set():
                raise
        body.extend(self.intake.rest(exchange))
        failure = self._job.backend.failure(answer.status, bytes(body))
        if failure.code in (401, 403) or failure.reason == "API_KEY_INVALID":
            key = self._job.key
            if key is not None and key.forget is not None:
                key.forget()  # or a mistyped key would stay until the kernel ends
        self.intake.refuse(failure)
        wait = failure.retry_after
        if wait is None:
            wait = retry_after(answer.headers)
        return Outcome("failed", again=worth_retrying(failure) and patient(wait), wait=wait)

    def _lost(self, lost: ConnectionLost) -> Outcome:
        if self._line.cancelled.is_set():
            return Outcome("failed", end="cancelled")
        error = ConnectionFailed(
            "The connection was lost before an answer came.",
            remedy="Ask again; the lost request may have been billed." if lost.sent else "Ask again.",
        )
        if self.intake.heard():
            ledger = self._ledger
            said = ledger.has_content or ledger.finishes or ledger.blocked or ledger.failure
            return Outcome("cut", error, "connection lost", again=not said, silent=True)
        return Outcome("failed", error, "connection lost", again=True, silent=lost.sent)


def _bare(error: GeminiMagicError) -> GeminiMagicError:
    """The error without the frames it came through: they hold the request's headers, and with them the key."""
    error.__traceback__ = error.__context__ = error.__cause__ = None
    return error
