"""Joins the results of a batch job to its rows, and describes each as an attempt.

A result belongs to the row whose key it has, never to the row at its position: results were seen in another order than the
requests. Only if no result has a key, and there are as many as rows, is the position used, and the rows are marked.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from typing import Final, Literal, NamedTuple

from ..answer_cost import answer_cost
from ..backends import Backend, BatchAnswer
from ..content import Request
from ..events import Failure
from ..ledger import Exchange, Ledger
from ..prices import TokenPrice
from ..recording import load_exchanges
from ..schema import Schema
from .raw import pack_head, pack_pieces
from .values import Attempted, Grant, RowStatus

__all__ = [
    "AnswerReader",
    "JoinPlan",
    "batch_key",
    "lost_row",
    "plan_join",
]

BY_POSITION: Final = "joined by position"
_POSITION_NOTE: Final = "The server returned no keys for this batch job, so the answers were joined to the rows by their position."
_OK: Final = 200
_PASSING: Final = (408, 429, 499, 500, 503, 504)


def batch_key(grant: Grant) -> str:
    """The key of a row inside a batch job: no other row, attempt or store has the same."""
    return f"{grant.request}-{grant.attempt}-{grant.wanted.hash[:8].hex()}"


class JoinPlan(NamedTuple):
    """How the results of a job are joined to its rows.

    Attributes:
        by: ``key``, or ``position`` if no result has a key.
        doubled: keys with several different results.
        foreign: results whose key is of no row of the job.
        keyless: results without a key.
        unreadable: results that cannot be read.
        total: all results.
    """

    by: Literal["key", "position"]
    doubled: frozenset[str]
    foreign: int
    keyless: int
    unreadable: int
    total: int

    def problems(self) -> list[str]:
        """A sentence for each kind of result that belongs to no row."""
        found = []
        if self.by == "position":
            found.append(f"The server returned no keys: {self.total:,} answers were joined by position.")
        elif self.keyless:
            found.append(f"{self.keyless:,} results have no key and belong to no row.")
        if self.foreign:
            found.append(f"{self.foreign:,} results have a key that no row of the job has.")
        if self.doubled:
            found.append(f"{len(self.doubled):,} keys have several different results; their rows are lost.")
        if self.unreadable:
            found.append(f"{self.unreadable:,} results cannot be read.")
        return found


def plan_join(answers: Iterable[BatchAnswer | None], keys: Sequence[str]) -> JoinPlan:
    """Read all results once, and decide how they are joined.

    Args:
        answers: the results; None for one that cannot be read.
        keys: the keys of all rows of the job, in the order in which they were sent.
    """
    known = set(keys)
    first: dict[str, bytes] = {}
    doubled: set[str] = set()
    foreign = keyless = unreadable = total = 0
    for answer in answers:
        total += 1
        if answer is None:
            unreadable += 1
        elif answer.key is None:
            keyless += 1
        elif answer.key not in known:
            foreign += 1
        else:
            digest = hashlib.blake2b(answer.body, digest_size=16).digest()
            if first.setdefault(answer.key, digest) != digest:
                doubled.add(answer.key)
    by_position = bool(keyless) and not first and not foreign and total == len(keys)
    return JoinPlan(
        "position" if by_position else "key", frozenset(doubled), foreign, keyless, unreadable, total
    )


class AnswerReader:
    """Describes results of batch jobs as attempts.

    Args:
        backend: the dialect.
        request: a request of the run; its prompt does not matter.
        url: where the job was created.
        schema: the schema that the answers must fit, None for text.
        price: the prices that the user gave.
    """

    def __init__(
        self,
        backend: Backend,
        request: Request,
        url: str,
        schema: Schema | None = None,
        price: TokenPrice | None = None,
    ) -> None:
        self._backend = backend
        self._request = request
        self._url = url
        self._schema = schema
        self._price = price

    def attempted(self, grant: Grant, answer: BatchAnswer, *, worker: str, by_position: bool) -> Attempted:
        """The attempt of a row that a result ends.

        Args:
            grant: the row.
            answer: its result.
            worker: the name of the job.
            by_position: whether it was joined by its position.
        """
        failure = answer.failure
        status = _OK if failure is None else _http_status(failure)
        exchange = Exchange("POST", self._url, (), b"", backend=self._backend.name)
        exchange.set_head(status, headers=(("content-type", "application/json"),))
        exchange.pieces.append((0.0, answer.body))
        exchange.finish("eof", None)
        ledger = Ledger(self._request, backend=self._backend.name, price=self._price, schema=self._schema)
        load_exchanges([exchange], self._backend, ledger)
        usage, error, cost = ledger.usage, ledger.error, answer_cost(ledger)
        failure = failure or (None if ledger.has_content else ledger.failure)
        reason = (
            ""
            if failure is None
            else f"{failure.code or ''} {failure.reason or failure.status or ''}".strip()
        )
        state: RowStatus = ledger.status
        if state == "complete" and self._schema is not None and ledger.answer_value().error is not None:
            state = "mismatch"
        return Attempted(
            grant.request,
            grant.attempt,
            state,
            "eof",
            http_status=status,
            head=pack_head(exchange),
            pieces=pack_pieces(exchange.pieces),
            text=ledger.answer.text,
            error=str(error) if error is not None else _POSITION_NOTE if by_position else "",
            reason=reason or (BY_POSITION if by_position else ""),
            permanent=failure is not None and status not in _PASSING,
            model=ledger.model_version or "",
            tokens_in=None if usage is None else usage.prompt,
            tokens_out=None if usage is None else usage.output,
            tokens_thought=None if usage is None else usage.thoughts,
            tokens_cached=None if usage is None else usage.cached,
            cost=None if cost is None else cost.amount,
            worker=worker,
        )


def lost_row(grant: Grant, why: str, *, reason: str, worker: str) -> Attempted:
    """The attempt of a row for which a batch job has no answer."""
    return Attempted(grant.request, grant.attempt, "lost", "eof", error=why, reason=reason, worker=worker)


def _http_status(failure: Failure) -> int:
    code = failure.code
    return code if code is not None and 400 <= code < 600 else 500  # noqa: PLR2004 - HTTP
