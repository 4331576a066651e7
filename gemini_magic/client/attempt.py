"""One attempt: sends a request and reads the response to the end of input, or as far as it arrives.

Its outcome says how it ended and whether another attempt may help. The reader decides whether and when to make one.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlsplit

from .. import recording
from ..backends import LOOPBACK, Backend, HttpRequest, ResumedDecoder
from ..diagnostics import MEGABYTE, body_too_large
from ..errors import ConnectionFailed, GeminiMagicError, WireError
from ..events import Failure
from ..ledger import Exchange, Ledger
from ..media import media_in
from ..options import Options
from ..pipeline import BodyDecoders
from .connection import (
    BrokenBodyError,
    Connection,
    ConnectionLost,
    HostUnreachable,
    NotSent,
    TimedOut,
    TooLarge,
)
from .endpoint import endpoint_of
from .exchange_writer import ExchangeWriter, LedgerGuard, Recordings, Target
from .known_models import with_remedy
from .retry import Outcome, worth_retrying
from .secret import Key, add_key, strip_traceback
from .sources import LocalResponse, RecordedResponse, ResponseHead
from .transport import send

if TYPE_CHECKING:
    from ..recording import Recorder, Replay
    from .media_plan import MediaPlan
    from .stored_answer import StoredAnswer
    from .text_file import TextFile
    from .uploaded_files import UploadedFiles

__all__ = ["Attempts", "RoundClock", "StreamJob"]

_ERROR_BODY = MEGABYTE  # bytes of an error page that are read
_ID = 200  # characters of an id in a message
_PIECE = 128  # bytes that a piece of a body counts as at least: it needs so much memory


class RoundClock(NamedTuple):
    """The position of a round in its stream.

    Attributes:
        round: its number, from 0.
        opened: clock reading (``time.perf_counter``) when the stream was opened; 0 in the first round.
        origin: clock reading when the first request was sent; 0 before.
        last: when the round before it ended, in seconds on the ledger's clock.
        spent: seconds that the rounds before it count for the total timeout; the functions between them do not count.
    """

    round: int = 0
    opened: float = 0.0
    origin: float = 0.0
    last: float = 0.0
    spent: float = 0.0


class StreamJob(NamedTuple):
    """The request of a stream, and everything needed to send and record it.

    Attributes:
        http: the request.
        backend, options, key: the dialect, the options of the cell, and the key.
        recorders: the files that record it.
        replay: the recording that answers in place of the network.
        whole: the same request for an answer in one piece, where the options allow to fall back to it.
        text_file: the file that receives the answer's text.
        files: the digests of the uploaded files that the request refers to, by their URI.
        plan: the media that are uploaded before the request is sent; None without any.
        uploaded: reads the list of the files that were uploaded before; None without one.
        asked: the body of the request to the model whose stored answer ``http`` reads; empty if ``http`` asks the model.
        stored: what to do about an answer that the server stores; None for an answer that it does not.
        clock: the position of the round in the stream.
        before_first_byte: called once for each attempt, when the connection stands and before anything is written; ``NotSent``
            ends the attempt.
    """

    http: HttpRequest
    backend: Backend
    options: Options
    key: Key | None = None
    recorders: Sequence[Recorder] = ()
    replay: Replay | None = None
    whole: HttpRequest | None = None
    text_file: TextFile | None = None
    files: Mapping[str, str] = MappingProxyType({})
    plan: MediaPlan | None = None
    uploaded: Callable[[], UploadedFiles] | None = None
    asked: bytes = b""
    stored: StoredAnswer | None = None
    clock: RoundClock = RoundClock()
    before_first_byte: Callable[[], None] | None = None


class _StopReading(Exception):  # noqa: N818 - not an error
    """The rest of a body is not needed.

    Attributes:
        wait: seconds that the server asks to wait before another attempt, None where it does not.
    """

    def __init__(self, wait: float | None = None) -> None:
        super().__init__("the rest of the body is not needed")
        self.wait = wait


class Attempts:
    """Makes the attempts of one stream, one after the other.

    Args:
        job: what to do.
        ledger: receives what arrives.
        connection: the stream's connection.
        guard: guards the ledger.
    """

    def __init__(self, job: StreamJob, ledger: Ledger, connection: Connection, guard: LedgerGuard) -> None:
        self._job = job
        self._ledger = ledger
        self._connection = connection
        self._guard = guard
        self._recordings = Recordings(job.recorders, ledger, guard)
        max_event, max_total = (
            int(size * MEGABYTE) for size in (job.options.max_event, job.options.max_total)
        )
        self._target = Target(ledger, guard, job.backend, job.key, self._recordings, max_event, max_total)
        self._decoders = BodyDecoders(job.backend, ledger)
        self._read_before = 0  # what the bodies of a stored answer before this one count as
        self._writer: ExchangeWriter | None = None  # of the current attempt
        self._origin = job.clock.origin  # clock reading when the first request was sent

    @property
    def received_json(self) -> bool:
        """Whether the last attempt has brought a JSON value."""
        return self._writer is not None and self._writer.received_json

    def now(self) -> float:
        """Seconds since the first request was sent, or since the stream was opened; in a replay, as recorded."""
        if self._job.replay is not None:
            return self._job.clock.last if self._writer is None else self._writer.last
        return time.perf_counter() - (self._origin or self._connection.opened)

    @property
    def origin(self) -> float:
        """Clock reading (``time.perf_counter``) when the first request of the stream was sent; 0 before."""
        return self._origin

    def use(self, job: StreamJob) -> None:
        """Replace the job, once its media are uploaded."""
        self._job = job

    def stored(self) -> ResumedDecoder | None:
        """What goes on with the stream that was read last, if the server stores the answer; None if it does not."""
        if self._ledger.steps.stored_id is None:
            return None  # without reading all events again
        found = self._decoders.resumed()
        return found if found is not None and found.id else None

    def close(self) -> None:
        """Close the recordings: no other attempt follows."""
        self._recordings.close()

    def make(self, http: HttpRequest, number: int, *, more: bool, waited: float = 0.0) -> Outcome:
        """Send a request and read the response.

        Args:
            http: the request.
            number: number of the attempt, from 0.
            more: whether another attempt may follow.
            waited: seconds spent waiting before this attempt.
        """
        exchange = Exchange(
            http.method,
            http.url,
            http.headers,
            http.body,
            round=self._job.clock.round,
            attempt=number,
            backend=self._job.backend.name,
            waited=waited,
            media=media_in(http.media),
            files=self._job.files,
        )
        last = self._job.clock.last if self._writer is None else self._writer.last
        decoder = self._decoders.for_request(http.method, http.url, self._job.asked or http.body)
        self._read_before += self._writer.counted if exchange.resumed and self._writer is not None else 0
        writer = ExchangeWriter(exchange, self._target, decoder, expected=self._expected(http), last=last)
        self._writer = writer
        response: ResponseHead | None = None
        outcome = Outcome("failed", end="cancelled")
        try:
            writer.begin()
            response = self._open(http, writer)
            writer.write_head(response)
            ok = 200 <= response.status < 300  # noqa: PLR2004 - HTTP
            outcome = self._read(writer, response, more=more) if ok else self._read_error(writer, response)
        except NotSent:
            outcome = Outcome("failed", end="not sent")
        except HostUnreachable as unreachable:
            error = strip_traceback(unreachable.error)
            outcome = Outcome("failed", error, "not connected", retryable=unreachable.retryable)
        except TimedOut as reached:
            outcome = Outcome(reached.kind, end=reached.kind, limit=reached.limit)
        except ConnectionLost as lost:
            outcome = self._connection_lost(lost, asks=not exchange.resumed)
        except TooLarge as large:
            outcome = Outcome("full", body_too_large(large.limit), "too large")
        except GeminiMagicError as failed:
            outcome = Outcome("failed", strip_traceback(failed), "failed")
        except Exception as bug:  # noqa: BLE001 - a bug ends the stream like any other error, and is recorded
            outcome = Outcome("failed", self.internal_error(bug), "failed")
        finally:
            if response is not None:
                response.close()
            end = "cancelled" if self._connection.cancelled else outcome.end
            writer.end(end, self.describe_problem(outcome))
        return outcome

    def _expected(self, http: HttpRequest) -> tuple[str, ...]:
        """The anomalies that are normal in a response to this request."""
        form = "whole" if http is self._job.whole else endpoint_of(self._job.options).form
        return self._job.backend.expected_anomalies(form)

    def describe_problem(self, outcome: Outcome) -> str | None:
        """Describe in a phrase what went wrong in an attempt; None when nothing did."""
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
                return "the total timeout was reached"
            case "stalled":
                return "no data arrived" if outcome.limit is None else f"no data for {outcome.limit:g} s"
        return None if outcome.error is None else outcome.error.message.rstrip(".")

    def internal_error(self, error: BaseException) -> GeminiMagicError:
        """The error that reports a bug of this package, with the key masked."""
        message = f"Internal error while reading the response: {type(error).__name__}: {error}"
        if self._job.key is not None:
            message = self._job.key.value.mask(message.encode("utf-8", "replace")).decode()
        return WireError(message, remedy="This is a bug in gemini_magic. Please report it.")

    # -- the request

    def _open(self, http: HttpRequest, writer: ExchangeWriter) -> ResponseHead:
        job = self._job
        if job.replay is not None or job.backend.local is not None:
            self._connection.begin_request()
            if job.before_first_byte is not None:
                job.before_first_byte()
            self._connection.request_sent()
            self._request_sent(writer)
            return self._open_offline(http, writer)
        auth = job.backend.auth_for(job.options.auth, endpoint_of(job.options))
        own = auth is not None and auth.owns(http.url)
        http, header = add_key(http, auth, job.key, job.options.key_env)
        if auth is not None and job.key is not None:
            self._note_key(writer, http.url, sent=header is not None)
            if header is not None:
                variable = job.options.key_env or next(iter(auth.env), "KEY")
                writer.note_key_header(auth.header, auth.prefix, variable)
        # Files may be on a slow disk, and one stream must not delay the others.
        shareable = not job.recorders and job.text_file is None and job.stored is None
        return send(
            http,
            self._connection,
            header,
            own_host=own,
            request_sent=lambda: self._request_sent(writer),
            shareable=shareable,
            before_first_byte=job.before_first_byte,
        )

    def _open_offline(self, http: HttpRequest, writer: ExchangeWriter) -> ResponseHead:
        """The response of a recording, or of a backend without a network."""
        replay = self._job.replay
        if replay is None:
            self._ledger.set_source("echo")
            return LocalResponse(self._job.backend, http, self._connection)
        self._ledger.set_source(replay.source)
        recorded = replay.find(http)
        if isinstance(recorded, recording.RecordedExchange) and recorded.missing:
            writer.note("recording-lacks", recorded.missing, "info")
        return RecordedResponse(recorded, replay.speed, self._connection)

    @staticmethod
    def _note_key(writer: ExchangeWriter, url: str, *, sent: bool) -> None:
        """Note a key that was not sent, or that goes over the network unencrypted."""
        parts = urlsplit(url)
        if not sent:
            writer.note("key-kept-back", "The key was not sent: it does not belong to this address.")
        elif parts.scheme == "http" and parts.hostname not in LOOPBACK:
            writer.note(
                "key-in-the-clear", "The key was sent unencrypted: the address begins with http, not https."
            )

    def _request_sent(self, writer: ExchangeWriter) -> None:
        """The request was sent; the first one starts the ledger's clock."""
        connection = self._connection
        self._origin = self._origin or connection.sent
        writer.request_sent(
            connection.sent - self._origin,
            delay=self._origin - connection.opened,
            connect=connection.connect_seconds,
        )

    # -- the response

    def _read(self, writer: ExchangeWriter, response: ResponseHead, *, more: bool) -> Outcome:
        text_file, stored = self._job.text_file, self._job.stored
        limit = left = self._target.max_total - self._read_before

        def sink(t: float, data: bytes) -> None:
            nonlocal left
            refusal = writer.write(t, data)
            self._connection.expect_end(expected=self._ledger.at_end)
            if text_file is not None:
                self._copy_text(writer, text_file)
            if stored is not None:
                self._remember(writer, stored)
            if refusal is not None and worth_retrying(refusal) and more:
                raise _StopReading(refusal.retry_after)
            left -= max(len(data), _PIECE)
            if min(left, limit - writer.counted) < 0:
                raise TooLarge(self._target.max_total)

        try:
            response.read(sink)
        except _StopReading as stopped:
            return Outcome("failed", retryable=True, wait=stopped.wait)
        except BrokenBodyError as broken:
            writer.finish()
            if not self._ledger.finished:
                raise
            return Outcome(
                "cut", strip_traceback(broken), "connection lost"
            )  # only the end of the body is broken
        except (ConnectionLost, TimedOut):
            writer.finish()  # an event that arrived whole counts, even without the blank line after it
            raise
        if response.surplus:
            message = (
                "Bytes followed the end of the response. They were dropped, and the connection was closed."
            )
            writer.note("surplus-bytes", message, "info")
        error = writer.finish()
        return Outcome("end") if error is None else Outcome("failed", error)

    @staticmethod
    def _remember(writer: ExchangeWriter, stored: StoredAnswer) -> None:
        if problem := stored.look():
            message = (
                f"The id {stored.id[:_ID]} of the stored answer could not be written to the list: {problem}."
            )
            writer.note("not-remembered", message, "warning")

    @staticmethod
    def _copy_text(writer: ExchangeWriter, text_file: TextFile) -> None:
        before = text_file.problem
        text_file.write_new()
        if text_file.problem != before:
            writer.note("not-written", f"{text_file.problem}.")

    def _read_error(self, writer: ExchangeWriter, response: ResponseHead) -> Outcome:
        """Read the body of an HTTP error."""

        def sink(t: float, data: bytes) -> None:
            if writer.write_error(t, data) > _ERROR_BODY:
                raise _StopReading

        try:
            response.read(sink)
        except (_StopReading, TimedOut, WireError):
            pass  # the status alone is enough
        except ConnectionLost:
            if self._connection.cancelled:
                raise
        failure = writer.finish_error(response.status, self._with_remedy)
        files = self._job.backend.files
        about_a_file = files is not None and files.missing(failure.message)
        if (failure.code in (401, 403) and not about_a_file) or failure.reason == "API_KEY_INVALID":
            key = self._job.key
            if key is not None and key.forget is not None:
                key.forget()  # otherwise a mistyped key would stay until the kernel ends
        return Outcome("failed", retryable=worth_retrying(failure), wait=failure.retry_after)

    def _with_remedy(self, failure: Failure) -> Failure:
        return with_remedy(failure, self._job.backend, self._job.options, self._job.key)

    def _connection_lost(self, lost: ConnectionLost, *, asks: bool) -> Outcome:
        """What a lost connection means for a request; ``asks`` if it asks the model, which may be billed."""
        if self._connection.cancelled:
            return Outcome("failed", end="cancelled")
        error = ConnectionFailed(
            "The connection was lost before an answer arrived.",
            remedy="Try again. The lost request may have been billed."
            if lost.sent and asks
            else "Try again.",
        )
        if self.received_json:
            ledger = self._ledger
            answered = ledger.has_content or ledger.finishes or ledger.blocked or ledger.failure
            return Outcome("cut", error, "connection lost", retryable=not answered, unanswered=asks)
        return Outcome("failed", error, "connection lost", retryable=True, unanswered=lost.sent and asks)
