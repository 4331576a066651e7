"""The reader: sends a request, reads its answer to the end of input, and tries again while that is honest.

One daemon thread runs it. It is the only writer of the ledger; it draws nothing and runs nothing of the user's.
"""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import NamedTuple

import tenacity

from ..backends import Backend, HttpRequest
from ..endings import Cause
from ..errors import ConnectionFailed, GeminiMagicError, WireError
from ..events import Failure
from ..ledger import Exchange, Ledger
from ..settings import Options
from ..wire import Reader as WireReader
from .credentials import Key
from .oddities import remark
from .recording import Recorder
from .replay import Replay
from .sources import Head, LocalAnswer, RecordedAnswer
from .transport import Expired, Line, Lost, send

__all__ = ["Job", "Reading"]

_ERROR_BODY = 2**20  # bytes of an error page that are read
_RETRYABLE = (408, 429, 500, 502, 503, 504)
_LONGEST_WAIT = 60.0  # seconds between tries when the server asks for nothing
_EXCERPT = 200  # characters of an unreadable body that an error quotes


class Job(NamedTuple):
    """What a reader is to do."""

    http: HttpRequest
    backend: Backend
    options: Options
    key: Key | None
    recorders: Sequence[Recorder]
    replay: Replay | None


class _Again(Exception):  # noqa: N818 - a decision, not an error
    """This attempt failed before any content; ``wait`` is what the server asks for, in seconds."""

    def __init__(self, cause: Cause, error: GeminiMagicError | None, wait: float | None = None) -> None:
        super().__init__("again")
        self.cause = cause
        self.error = error
        self.wait = wait


class Reading:
    """One stream being read.

    Args:
        job: what to do.
        ledger: where it is written down.
        line: the line to the network.
        lock: guards the ledger against writes after it was closed.
        changed: called after each change; must not block.
        close: closes the ledger, unless that has happened.
    """

    def __init__(
        self,
        job: Job,
        ledger: Ledger,
        line: Line,
        *,
        lock: threading.Lock,
        changed: Callable[[], None],
        close: Callable[[Cause, GeminiMagicError | None], None],
    ) -> None:
        self.job = job
        self.ledger = ledger
        self.line = line
        self._lock = lock
        self._changed = changed
        self._close = close
        self._attempt = -1
        self._billed = False
        self._exchange: Exchange | None = None

    def run(self) -> None:
        """Read until it is over; whatever happens, the ledger is closed."""
        try:
            again = tenacity.Retrying(
                stop=tenacity.stop_after_attempt(self.job.options.retries + 1),
                wait=self._wait,
                sleep=self._sleep,
                retry=tenacity.retry_if_exception_type(_Again),
                reraise=True,
            )
            again(self._try)
        except _Again as last:
            self._close(last.cause, last.error)
        except GeminiMagicError as error:
            self._close("failed", error)
        except Exception as error:  # noqa: BLE001 - nobody may wait for ever on a reader that died
            words = f"Reading failed: {type(error).__name__}: {error}"
            self._close(
                "failed", WireError(words, remedy="This is a mistake of gemini_magic; please report it.")
            )
        finally:
            for recorder in self.job.recorders:
                if recorder.problem:
                    self.ledger.note("recording", f"Not recorded: {recorder.problem}.", severity="warning")
                recorder.close()

    # -- trying again

    def _wait(self, state: tenacity.RetryCallState) -> float:
        error = state.outcome.exception() if state.outcome else None
        if isinstance(error, _Again) and error.wait is not None:
            return error.wait
        return min(_LONGEST_WAIT, 2.0 ** (state.attempt_number - 1) * random.uniform(0.7, 1.3))  # noqa: S311 - jitter

    def _sleep(self, seconds: float) -> None:
        left = self.line.left()
        if left is not None and seconds >= left:
            self.ledger.limit = self.job.options.timeout
            self._close("timeout", None)
            self.line.cancelled.set()
            return
        with self._lock:
            if self.line.cancelled.is_set():
                return
            self.ledger.retry_wait = seconds
            self.ledger.enter("retrying")
        self._changed()
        self.line.cancelled.wait(seconds)

    # -- one attempt

    def _try(self) -> None:
        if self.line.cancelled.is_set():
            return
        self._attempt += 1
        http = self.job.http
        exchange = Exchange(http.method, http.url, http.headers, http.body, attempt=self._attempt)
        self._exchange = exchange
        with self._lock:
            if self.line.cancelled.is_set():
                return
            self.ledger.begin(exchange)
        self._changed()
        for recorder in self.job.recorders:
            recorder.begin(exchange)
        answer: Head | None = None
        end = "failed"
        try:
            answer = self._open()
            self._head(exchange, answer)
            end = self._body(exchange, answer)
        except Lost as lost:
            end = "cancelled" if self.line.cancelled.is_set() else "connection lost"
            self._lost(lost)
        except Expired as expired:
            end = expired.kind
            self.ledger.limit = expired.limit
            self._close(expired.kind, None)
        except ConnectionFailed as error:
            raise _Again("failed", error) from None
        finally:
            exchange.end = exchange.end or end
            for recorder in self.job.recorders:
                recorder.end(exchange.end)
            if answer is not None:
                answer.close()

    def _open(self) -> Head:
        job = self.job
        if job.replay is not None:
            self.ledger.source = "recording"
            self.line.begin()
            return RecordedAnswer(job.replay.find(job.http), job.replay.speed, self.line.cancelled)
        if job.backend.local is not None:
            self.ledger.source = "echo"
            self.line.begin()
            return LocalAnswer(job.backend, job.http, self.line)
        auth = job.backend.auth
        key = (auth.header, auth.prefix + job.key.value.reveal()) if auth and job.key else None
        with self._lock:
            self.ledger.enter("waiting")
        self._changed()
        return send(job.http, self.line, key, own_host=auth is not None and auth.owns(job.http.url))

    def _head(self, exchange: Exchange, answer: Head) -> None:
        exchange.status, exchange.reason = answer.status, answer.reason
        exchange.http_version = answer.http_version
        exchange.response_headers = tuple(
            (name, value) for name, value in answer.headers if name.lower() != "set-cookie"
        )
        with self._lock:
            if self.line.connecting is not None:
                self.ledger.mark("connect", self.line.connecting)
            self.ledger.enter("waiting")
        for recorder in self.job.recorders:
            recorder.head(exchange)
        self._changed()

    def _body(self, exchange: Exchange, answer: Head) -> str:
        """Read the body; returns how it ended."""
        if not 200 <= answer.status < 300:  # noqa: PLR2004 - HTTP
            return self._refused(exchange, answer)
        wire = WireReader()
        seen = 0
        last = 0.0
        for t, piece in answer.pieces():
            last = t
            self._keep(exchange, t, piece)
            seen = self._take(wire, [item.raw for item in wire.feed(piece)], t, seen)
            if self.line.cancelled.is_set():
                return "cancelled"
        self._take(wire, [item.raw for item in wire.close()], last, seen)
        self._ended(wire)
        return "eof"

    def _keep(self, exchange: Exchange, t: float, piece: bytes) -> None:
        exchange.pieces.append((t, piece))
        for recorder in self.job.recorders:
            recorder.piece(t, piece)

    def _take(self, wire: WireReader, texts: Sequence[bytes], t: float, seen: int) -> int:
        """Write down what a piece completed; returns how many oddities are noted by now."""
        decode = self.job.backend.decode
        refusal: Failure | None = None
        with self._lock:
            if self.line.cancelled.is_set():
                return seen
            ledger = self.ledger
            if ledger.phase != "streaming":
                ledger.mark("first_byte", t)
                ledger.enter("streaming")
            for raw in texts:
                before = ledger.has_content
                ledger.add(raw, t, decode(raw))
                if ledger.failure is not None and not before and not ledger.has_content:
                    refusal = ledger.failure
            for oddity in wire.oddities[seen:]:
                remark(ledger, oddity)
        self._changed()
        if refusal is not None and _worth_retrying(refusal):
            raise _Again("failed", None, refusal.retry_after)
        return len(wire.oddities)

    def _ended(self, wire: WireReader) -> None:
        unread = next((oddity for oddity in wire.oddities if oddity.kind == "not-json"), None)
        if unread is not None and not self.ledger.raw:
            failure = self.job.backend.failure(200, unread.detail.encode())
            error = WireError(
                f"The server's answer is not a stream: {failure.message[:_EXCERPT]!r}.",
                remedy="Check --base-url and the proxy settings; the bytes are in the recording.",
            )
            self._close("failed", error)
            return
        self._close("end", None)

    def _refused(self, exchange: Exchange, answer: Head) -> str:
        """An HTTP error: read its body, then try again or say it."""
        body = bytearray()
        try:
            for t, piece in answer.pieces():
                self._keep(exchange, t, piece)
                body += piece
                if len(body) > _ERROR_BODY:
                    break
        except (Lost, Expired):
            pass  # the status alone says enough
        if self.line.cancelled.is_set():
            return "cancelled"
        failure = self.job.backend.failure(answer.status, bytes(body))
        wait = failure.retry_after if failure.retry_after is not None else _retry_after(answer.headers)
        with self._lock:
            if self.line.cancelled.is_set():
                return "cancelled"
            self.ledger.fail(failure, self.line.since_sent())
        if _worth_retrying(failure):
            raise _Again("failed", None, wait)
        self._close("failed", None)
        return "eof"

    def _lost(self, lost: Lost) -> None:
        if self.line.cancelled.is_set():
            return
        error = ConnectionFailed(
            "The server closed the connection without an answer.",
            remedy="Ask again; it may have been billed.",
        )
        if self.ledger.raw or self.ledger.has_content or (self._exchange and self._exchange.pieces):
            self._close("cut", None)
        elif not lost.sent:
            raise _Again("failed", error)
        elif self._billed or self.job.options.retries == 0:
            self._close("failed", error)
        else:
            self._billed = True
            with self._lock:
                self.ledger.note(
                    "possibly-billed",
                    "A request died without an answer after it was sent; it was sent once more and may be billed twice.",
                    severity="warning",
                )
            raise _Again("failed", error)


def _worth_retrying(failure: Failure) -> bool:
    return not failure.final and failure.code in _RETRYABLE


def _retry_after(headers: Sequence[tuple[str, str]]) -> float | None:
    """Seconds of a ``Retry-After`` header, which may also hold a date (RFC 9110, 10.2.3)."""
    value = next((value for name, value in headers if name.lower() == "retry-after"), "").strip()
    if value.isdigit():
        return float(value)
    try:
        return max(0.0, (parsedate_to_datetime(value) - datetime.now(UTC)).total_seconds())
    except (TypeError, ValueError):
        return None
