"""One request and its response on the calling thread, without retries: for callers that own the retries.

A :class:`Stream` reads on another thread, waits for the rate limit and asks again after a refusal. A caller that must
know of every request that leaves uses a ``SingleAttempt``: it sends one request at most, and asks for leave directly before.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Final, Literal

from ..backends import Backend, HttpRequest
from ..content import Request
from ..endings import Cause
from ..errors import ConnectionFailed, CredentialsError, GeminiMagicError, OptionError, StalledError
from ..ledger import Ledger
from ..options import Options
from .attempt import Attempts, StreamJob
from .connection import Connection, ConnectionLost, NotSent, TimedOut
from .endpoint import endpoint_of
from .exchange_writer import LedgerGuard
from .log_filter import mask_in_logs
from .media_plan import plan_media
from .retry import Outcome, worth_retrying
from .secret import Key

if TYPE_CHECKING:
    from .media_uploads import MediaUploads
    from .uploaded_files import UploadedFiles

__all__ = ["Asker", "SingleAttempt"]

_RENEW: Final = 60.0  # seconds
_NEVER_SENT = ("not connected", "not sent")


def _nothing() -> None:
    pass


class Asker:
    """What the attempts of one run share: the options, the dialect and the key.

    Args:
        options: the resolved options.
        backend: the dialect.
        key: the key for the address; None to send none.
        uploaded: reads the list of the files that were uploaded before; None without one.
        renew: returns the key that is valid now, for a key that expires, such as the token of a sign-in; it is called at most
            once a minute. When it raises ``CredentialsError``, the last key is sent.
    """

    def __init__(
        self,
        options: Options,
        backend: Backend,
        key: Key | None,
        renew: Callable[[], Key | None] | None = None,
        *,
        uploaded: Callable[[], UploadedFiles] | None = None,
    ) -> None:
        self.options = options
        self.backend = backend
        self.key = key
        self._endpoint = endpoint_of(options)
        self._uploaded = uploaded
        self._renew = renew
        self._renewing = threading.Lock()
        self._renewed = time.monotonic()

    def _valid_key(self) -> Key | None:
        if self._renew is not None and time.monotonic() - self._renewed > _RENEW:
            with self._renewing:
                if time.monotonic() - self._renewed > _RENEW:
                    with suppress(CredentialsError):
                        self.key = self._renew()
                    self._renewed = time.monotonic()
        return self.key

    def encoded(self, request: Request) -> HttpRequest:
        """The HTTP request of an attempt, without a key.

        Raises:
            UsageProblem: the request is not valid.
        """
        plan = plan_media(request, self.backend, self.options, offline=False)
        http = self.backend.encode(plan.request, self._endpoint)
        self._refuse_background(http)
        return http

    def _refuse_background(self, http: HttpRequest) -> None:
        """Refuse a request whose answer has to be fetched later with other requests.

        Raises:
            OptionError: the server would answer it in the background.
        """
        api = self.backend.interactions
        if api is not None and api.requested(http.body).background:
            raise OptionError(
                "Rows do not support answers that the server makes in the background, as those of research agents.",
                remedy="Leave out the agent or server_background, or ask for each row with gemini_magic.ask(…).",
            )

    def job(self, request: Request, before_first_byte: Callable[[], None]) -> StreamJob:
        """The job of one attempt.

        Raises:
            PromptError: a file that is sent cannot be read.
            OptionError: the request is not valid, or its media are too large to be sent inside it and cannot be uploaded.
        """
        plan = plan_media(request, self.backend, self.options, offline=False)
        http = self.backend.encode(plan.request, self._endpoint)
        self._refuse_background(http)
        return StreamJob(
            http,
            self.backend,
            self.options,
            self._valid_key(),
            plan=plan,
            uploaded=self._uploaded,
            before_first_byte=before_first_byte,
        )


class SingleAttempt:
    """One attempt. Only :meth:`cancel` may be called on another thread than :meth:`run`.

    Args:
        asker: what it shares with other attempts.
        request: the request.
        ledger: an empty ledger, which receives the response.
        may_send: called once, when the connection stands and before anything is written; it may block. False refuses.

    Attributes:
        ledger: as above.
        upload_problem: why media could not be uploaded, so that nothing was sent to the model; None otherwise.

    Raises:
        UsageProblem: the request is not valid; nothing was sent.
    """

    def __init__(self, asker: Asker, request: Request, ledger: Ledger, may_send: Callable[[], bool]) -> None:
        options = asker.options
        self.ledger = ledger
        self.upload_problem: GeminiMagicError | None = None
        self._may_send = may_send
        self._allowed = False
        self._cancelled_by: Literal["interrupt", "stop"] | None = None
        self._job = asker.job(request, self._ask)
        self._connection = Connection(
            connect=options.connect_timeout,
            first_byte=options.first_byte_timeout,
            stall=options.stall_timeout,
            total=options.timeout,
        )
        self._guard = LedgerGuard(threading.Lock(), self._connection, _nothing)
        self._attempts = Attempts(self._job, ledger, self._connection, self._guard)

    def _ask(self) -> None:
        if self._connection.cancelled or not self._may_send():
            raise NotSent
        self._allowed = True

    def _upload(self) -> MediaUploads | None:
        """Upload the media that are too large for the request, before anything is sent to the model; None without any.

        Raises:
            GeminiMagicError: a file cannot be read, or the server refused it or cannot be reached.
            ConnectionLost: the attempt was cancelled.
        """
        job = self._job
        if job.plan is None or not job.plan.uploads or job.backend.files is None:
            return None
        from .media_uploads import MediaUploads  # noqa: PLC0415 - see the table of late imports

        uploads = MediaUploads(job, job.backend.files, self.ledger, self._guard, self._connection)
        try:
            self._job = uploads.run()
        except TimedOut:
            raise StalledError("The upload was not finished in time.", remedy="Increase timeout=.") from None
        self._attempts.use(self._job)
        return uploads

    def run(self) -> Outcome:
        """Upload media that need it, send the request and read the response; the ledger is closed in every case.

        Returns:
            How it ended; ``retryable`` is whether the server refused it for a reason that passes.
        """
        uploads = None
        try:
            uploads = self._upload()
            outcome = self._attempts.make(self._job.http, 0, more=False)
        except ConnectionLost:
            outcome = Outcome("failed", end="not sent")
        except GeminiMagicError as problem:
            self.upload_problem = problem
            outcome = Outcome("failed", problem, end="not sent")
        finally:
            mask_in_logs(None)
        cause: Cause = outcome.cause
        error, limit = outcome.error, outcome.limit
        if outcome.end == "not sent" and self.upload_problem is None:
            error = ConnectionFailed("The request was not sent.", remedy="Send it again.")
        if self._cancelled_by is not None and self._connection.cancelled:
            cause, error, limit = self._cancelled_by, None, None
        self._connection.cancel()
        self.ledger.close(cause, t=self._attempts.now(), error=error, limit=limit)
        failure = self.ledger.failure
        if uploads is not None:
            uploads.forget_lost(failure)
        refused = failure is not None and not self.ledger.has_content
        if refused and failure is not None:
            return outcome._replace(retryable=worth_retrying(failure), wait=failure.retry_after)
        return outcome._replace(retryable=not self.sent(outcome) and outcome.retryable)

    def sent(self, outcome: Outcome) -> bool:
        """Whether a byte of the request may have left."""
        if not self._allowed or outcome.end in _NEVER_SENT:
            return False
        return bool(self._connection.sent) or outcome.end != "cancelled"

    @property
    def connect_seconds(self) -> float | None:
        """Seconds that connecting took; None on a connection that was open already."""
        return self._connection.connect_seconds

    def cancel(self, cause: Literal["interrupt", "stop"] = "stop") -> None:
        """End the attempt, from any thread: its socket is shut down."""
        self._cancelled_by = self._cancelled_by or cause
        self._connection.shutdown()
