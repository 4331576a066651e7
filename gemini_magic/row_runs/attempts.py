"""Makes one attempt of a row on the calling thread, and describes what it brought."""

from __future__ import annotations

from collections.abc import Callable

from msgspec.structs import replace

from ..client import Asker, Outcome, SingleAttempt
from ..content import Request, Turn
from ..errors import (
    BlockedError,
    GeminiMagicError,
    Interrupted,
    MismatchError,
    StalledError,
    TruncatedError,
    UsageProblem,
    WireError,
)
from ..events import Failure
from ..ledger import Ledger
from ..prices import TokenPrice
from ..schema import Schema
from .raw import pack_head, pack_pieces
from .row_costs import RowCosts
from .values import Attempted, Grant, RowStatus

__all__ = ["AttemptMaker", "RowAttempt", "is_about_the_run", "unsent"]

# Refused before the model has worked. After 408, 499 and 504 it may have: the row would be paid twice.
_PASSING = (429, 500, 502, 503)
_PASSING_NAMES = ("RESOURCE_EXHAUSTED", "UNAVAILABLE", "INTERNAL")
# Their remedies are commands for the answer of a cell, such as `%gemini resume`.
_ABOUT_CELLS = (MismatchError, StalledError, TruncatedError)
_ABOUT_THE_RUN = (401, 402, 403, 404)
TOO_MANY = 429


def is_about_the_run(attempted: Attempted) -> bool:
    """Whether a refusal is about the key, the model or the account, so that no other row would be answered either."""
    return attempted.permanent and (
        attempted.http_status in (*_ABOUT_THE_RUN, TOO_MANY) or "API_KEY_INVALID" in attempted.reason
    )


class AttemptMaker:
    """Makes the attempts of a run. Threads may use it at the same time.

    Args:
        asker: the options, the dialect and the key.
        request: a request of the run, whose last turn is replaced by each row's prompt.
        schema: the schema that the answers must fit, None for text.
        price: the prices that the user gave.
        worker: the name of the worker.
    """

    def __init__(
        self,
        asker: Asker,
        request: Request,
        schema: Schema | None = None,
        price: TokenPrice | None = None,
        worker: str = "",
    ) -> None:
        self.asker = asker
        self.request = request
        self.schema = schema
        self.price = price
        self.worker = worker
        self.costs = RowCosts()

    def start(self, grant: Grant, may_send: Callable[[], bool]) -> RowAttempt:
        """Prepare an attempt; nothing is sent before :meth:`RowAttempt.run`.

        Args:
            grant: what is asked.
            may_send: called on the thread of ``run``, directly before the first byte; False refuses.
        """
        return RowAttempt(self, grant, may_send)


class RowAttempt:
    """One attempt of a row. Only :meth:`cancel` may be called on another thread than :meth:`run`."""

    def __init__(self, maker: AttemptMaker, grant: Grant, may_send: Callable[[], bool]) -> None:
        self.grant = grant
        self._maker = maker
        self._attempt: SingleAttempt | None = None
        self._problem: GeminiMagicError | None = None
        request = replace(maker.request, turns=(Turn("user", grant.wanted.parts),))
        ledger = Ledger(
            request, backend=maker.asker.backend.name, price=maker.price, schema=maker.schema, deferred=True
        )
        try:
            self._attempt = SingleAttempt(maker.asker, request, ledger, may_send)
        except GeminiMagicError as problem:
            self._problem = problem

    def cancel(self) -> None:
        """End the attempt, from any thread."""
        if self._attempt is not None:
            self._attempt.cancel("interrupt")

    def run(self) -> Attempted:
        """Make the attempt."""
        if self._attempt is None:
            return self._unsendable()
        outcome = self._attempt.run()
        if self._attempt.upload_problem is not None:
            self._problem = self._attempt.upload_problem
            return self._unsendable()
        if not self._attempt.ledger.exchanges:  # it was cancelled during an upload
            return unsent(self.grant)
        ledger, exchange = self._attempt.ledger, self._attempt.ledger.exchanges[-1]
        sent = self._attempt.sent(outcome)
        failure = None if ledger.has_content else ledger.failure
        passes = failure is not None and outcome.retryable and _passes(failure)
        status: RowStatus = ledger.status
        mismatch: GeminiMagicError | None = None
        if (
            not sent
            or (passes and (self.grant.more or _is_quota(failure)))
            or _is_about_all(failure, outcome)
        ):
            status = "waiting"
        elif ledger.status == "complete" and self._maker.schema is not None:
            mismatch = ledger.answer_value().error
            status = "complete" if mismatch is None else "mismatch"
        usage, error, cost = ledger.usage, ledger.error, self._maker.costs.cost(ledger) if sent else None
        return Attempted(
            self.grant.request,
            self.grant.attempt,
            status,
            exchange.end or "",
            sent=sent,
            http_status=exchange.status,
            head=pack_head(exchange, self._attempt.connect_seconds),
            pieces=pack_pieces(exchange.pieces),
            text=ledger.answer.text,
            error=_message(mismatch or error),
            reason=_reason(failure, exchange.end, error),
            permanent=not outcome.retryable and (failure is not None or outcome.end == "not connected"),
            wait=outcome.wait,
            model=ledger.model_version or "",
            tokens_in=None if usage is None else usage.prompt,
            tokens_out=None if usage is None else usage.output,
            tokens_thought=None if usage is None else usage.thoughts,
            tokens_cached=None if usage is None else usage.cached,
            cost=cost,
            first_text=ledger.marks.get("first_text"),
            seconds=ledger.marks.get("total"),
            worker=self._maker.worker,
        )

    def _unsendable(self) -> Attempted:
        problem = self._problem
        return Attempted(
            self.grant.request,
            self.grant.attempt,
            "error",
            "not sent",
            sent=False,
            error="" if problem is None else str(problem),
            reason="not valid" if isinstance(problem, UsageProblem) else "not uploaded",
            permanent=isinstance(problem, UsageProblem),
            worker=self._maker.worker,
        )


def unsent(grant: Grant) -> Attempted:
    """What an attempt brought that was not made."""
    return Attempted(grant.request, grant.attempt, "waiting", "not sent", sent=False)


def _passes(failure: Failure) -> bool:
    return failure.code in _PASSING or (failure.code is None and failure.status in _PASSING_NAMES)


def _is_quota(failure: Failure | None) -> bool:
    """Whether the server refuses because of too many requests, which says nothing about the row."""
    return failure is not None and (
        failure.code == TOO_MANY or (failure.code is None and failure.status == "RESOURCE_EXHAUSTED")
    )


def _is_about_all(failure: Failure | None, outcome: Outcome) -> bool:
    """Whether the server refuses every row: then this one is asked when the cause is removed."""
    if failure is None or outcome.retryable:
        return False
    return failure.code in (*_ABOUT_THE_RUN, TOO_MANY) or failure.reason == "API_KEY_INVALID"


def _reason(failure: Failure | None, ended: str | None, error: BaseException | None) -> str:
    """What equal failures have in common."""
    if failure is not None:
        named = failure.reason or failure.status or ""
        return f"{failure.code or ''} {named}".strip() or "refused"
    if error is None:
        return ""
    if isinstance(error, BlockedError):
        return "blocked"
    if isinstance(error, WireError):
        return "not a valid response"
    return ended if ended and ended != "eof" else type(error).__name__


def _message(error: GeminiMagicError | Interrupted | None) -> str:
    """The message of a row's error, without the remedy where that is about the answer of a cell."""
    if error is None:
        return ""
    return error.message if isinstance(error, _ABOUT_CELLS) else str(error)
