"""What is read from a store: matches of a batch, results in the order of the input, counts, costs and attempts."""

from __future__ import annotations

import sqlite3
import zlib
from collections.abc import Callable, Sequence
from typing import Any, Final, NamedTuple, TypeVar

from ..errors import StoreError
from .store_values import AttemptRow, BatchJob, Match, ResultRow, RunRecord, Spent
from .values import Grant, RowStatus, Wanted

__all__ = [
    "MAX_KEYS",
    "RawAttempt",
    "StoredRequest",
    "attempt_rows",
    "count_models",
    "count_statuses",
    "job_grants",
    "match_rows",
    "open_jobs",
    "result_row",
    "result_rows",
    "run_records",
    "spent",
    "stored_request",
]

T = TypeVar("T")

MAX_KEYS: Final = 500
"""Rows in one query: with fewer the call costs more than the search, and with more nothing is gained."""
_MAX_BODY = 1 << 30  # bytes that a stored response may expand to

_ANSWER = "LEFT JOIN request a ON a.id = coalesce(q.answer, q.id)"
_MATCH = f"""SELECT row.key, row.sample, row.position, row.wanted, row.status, q.hash, q.id, a.id, a.state, a.attempts,
    a.status, a.permanent FROM row LEFT JOIN request q ON q.id = row.request {_ANSWER} WHERE row.key IN """  # noqa: S608
_BY_HASH = f"""SELECT q.hash, q.id, a.id, a.state, a.attempts, a.status, a.permanent FROM request q {_ANSWER}
    WHERE q.hash IN """  # noqa: S608 - our own SQL
_STATUS = """CASE WHEN row.status IS NOT NULL THEN row.status WHEN row.request IS NULL THEN 'waiting'
    WHEN row.wanted <> q.hash THEN 'stale' WHEN a.state = 3 THEN 'in_doubt' WHEN a.state = 2 THEN a.status
    WHEN a.state = 1 THEN 'running' ELSE 'waiting' END"""
_FROM = f"FROM row LEFT JOIN request q ON q.id = row.request {_ANSWER}"
_RESULTS = f"""SELECT row.position, row.sample, row.key, {_STATUS}, a.id, nullif(q.first, row.key),
    CASE WHEN a.id = q.id THEN a.attempts ELSE a.attempts + q.attempts END, a.text,
    a.error, a.reason, a.model, a.tokens_in, a.tokens_out, a.tokens_thought, a.tokens_cached,
    CASE WHEN q.first <> row.key THEN 0.0 WHEN a.id = q.id THEN a.spent ELSE coalesce(q.spent + a.spent, a.spent) END, a.first_text, a.seconds, a.done, a.worker {_FROM}
    WHERE (row.position, row.sample) > (?, ?) AND row.position < ? AND row.sample < ?
    ORDER BY row.position, row.sample LIMIT ?"""
_RESULT = f"{_RESULTS.partition('WHERE')[0]} WHERE row.sample = ? AND row.position < ? AND "
_COUNTS = f"""SELECT {_STATUS}, count(*) {_FROM} WHERE row.position >= 0 AND row.position < ? AND row.sample < ?
    GROUP BY 1"""
_MODELS = f"""SELECT a.model, count(*) {_FROM} WHERE row.position >= 0 AND row.position < ? AND row.sample < ?
    AND a.model IS NOT NULL GROUP BY 1 ORDER BY 2 DESC, 1"""
_SPENT = """SELECT coalesce(sum(spent), 0.0), count(*) FILTER (WHERE state = 2 AND spent IS NULL AND status = 'complete'),
    count(*) FILTER (WHERE state = 3) FROM request"""
_RAW = "SELECT head, pieces, codec, attempt, sent, status, ended, problem FROM raw WHERE request = ? ORDER BY attempt"
_JOBS = f"SELECT {', '.join(BatchJob._fields)} FROM job WHERE ended IS NULL ORDER BY id"  # noqa: S608 - our own SQL
_RUN = f"SELECT {', '.join(RunRecord._fields)} FROM run"  # noqa: S608 - our own SQL


def _marks(values: Sequence[object]) -> str:
    return f"({','.join('?' * len(values))})"


def _in_parts(
    db: sqlite3.Connection, query: str, values: Sequence[Any], take: Callable[[tuple[Any, ...]], object]
) -> None:
    for start in range(0, len(values), MAX_KEYS):
        some = values[start : start + MAX_KEYS]
        for found in db.execute(query + _marks(some), some):
            take(found)


# -- matching


def match_rows(db: sqlite3.Connection, batch: Sequence[Wanted]) -> list[Match]:
    """Return what the store holds for each row, in the order of the batch."""
    by_key: dict[tuple[bytes, int], tuple[Any, ...]] = {}
    _in_parts(
        db,
        _MATCH,
        [wanted.key for wanted in batch],
        lambda found: by_key.__setitem__((found[0], found[1]), found),
    )
    missing = [
        wanted.hash
        for wanted in batch
        if wanted.hash
        and ((found := by_key.get((wanted.key, wanted.sample))) is None or found[5] != wanted.hash)
    ]
    by_hash: dict[bytes, tuple[Any, ...]] = {}
    _in_parts(db, _BY_HASH, missing, lambda found: by_hash.__setitem__(found[0], found[1:]))
    return [_match(wanted, by_key.get((wanted.key, wanted.sample)), by_hash) for wanted in batch]


def _match(wanted: Wanted, row: tuple[Any, ...] | None, by_hash: dict[bytes, tuple[Any, ...]]) -> Match:
    if row is None:
        found = by_hash.get(wanted.hash)
        return Match() if found is None else _of_request(found)
    _, _, position, stored, status, own, own_id, *answer = row
    unasked = None if wanted.hash else wanted.status
    placed = position == wanted.position and stored == wanted.hash and status == unasked
    if not wanted.hash:
        return Match(known=True, placed=placed)
    if own == wanted.hash:
        return _of_request((own_id, *answer), known=True, placed=placed)
    found = by_hash.get(wanted.hash)
    changed = own is not None
    if found is None:
        return Match(known=True, changed=changed, previous=own_id)
    return _of_request(found, known=True, changed=changed, previous=own_id)


def _of_request(
    found: Sequence[Any],
    *,
    known: bool = False,
    changed: bool = False,
    previous: int | None = None,
    placed: bool = False,
) -> Match:
    request, answer, state, attempts, status, permanent = found
    return Match(request, answer, state, attempts, status, bool(permanent), known, changed, previous, placed)


# -- results


def result_rows(
    db: sqlite3.Connection, after: tuple[int, int], rows: int, samples: int, limit: int
) -> list[ResultRow]:
    """Return results in the order of the input.

    Args:
        db: the store.
        after: position and sample of the last row before them; (-1, 0) for the first.
        rows: how many positions the input has.
        samples: how many samples each position has.
        limit: how many at most.
    """
    return [_result(*found) for found in db.execute(_RESULTS, (*after, rows, samples, limit))]


def result_row(db: sqlite3.Connection, row: bytes | int, sample: int, rows: int) -> ResultRow | None:
    """Return the result of one row; None if the input has none.

    Args:
        db: the store.
        row: its key, or its position.
        sample: the number of the answer.
        rows: how many positions the input has.
    """
    name = "key" if isinstance(row, bytes) else "position"
    found = db.execute(f"{_RESULT}row.{name} = ?", (sample, rows, row)).fetchone()
    return None if found is None else _result(*found)


def _result(  # noqa: PLR0917 - the columns of the query
    position: int,
    sample: int,
    key: bytes,
    status: RowStatus,
    request: int | None,
    shared: bytes | None,
    attempts: int | None,
    text: str | None,
    error: str | None,
    reason: str | None,
    model: str | None,
    *rest: Any,
) -> ResultRow:
    texts = text or "", error or "", reason or "", model or ""
    *numbers, worker = rest
    head = position, sample, key, status, request, shared, attempts or 0
    return ResultRow._make((*head, *texts, *numbers, worker or ""))


def count_statuses(db: sqlite3.Connection, rows: int, samples: int) -> dict[str, int]:
    """Return how many rows have each status."""
    return dict(db.execute(_COUNTS, (rows, samples)).fetchall())


def count_models(db: sqlite3.Connection, rows: int, samples: int) -> dict[str, int]:
    """Return how many rows each model has answered, most first."""
    return dict(db.execute(_MODELS, (rows, samples)).fetchall())


def spent(db: sqlite3.Connection) -> Spent:
    """Return what all attempts of the store have cost."""
    return Spent(*db.execute(_SPENT).fetchone())


# -- one request


class RawAttempt(NamedTuple):
    """An attempt with the bytes of its response, as an executor handed them over.

    Attributes:
        attempt, sent, status, ended, problem: as in :class:`~.store_values.AttemptRow`.
        head, pieces: the response; empty without one.
    """

    attempt: int
    sent: float
    status: int | None
    ended: str | None
    problem: str | None
    head: bytes
    pieces: bytes

    @property
    def has_answer(self) -> bool:
        """Whether the server has begun to answer it."""
        return self.status is not None and 200 <= self.status < 300 and bool(self.pieces)  # noqa: PLR2004 - HTTP


def attempt_rows(db: sqlite3.Connection, request: int) -> list[AttemptRow]:
    """Return the attempts of a request, oldest first."""
    found = db.execute(
        """SELECT attempt, sent, done, status, ended, coalesce(problem, ''), cost, coalesce(worker, ''),
        coalesce(length(head), 0) + coalesce(length(pieces), 0) FROM raw WHERE request = ? ORDER BY attempt""",
        (request,),
    )
    return [AttemptRow(*each) for each in found]


def _raw_attempts(db: sqlite3.Connection, request: int) -> list[RawAttempt]:
    """Return the attempts of a request with their bytes, oldest first.

    Raises:
        StoreError: they are damaged.
    """
    found = db.execute(_RAW, (request,)).fetchall()
    return [
        RawAttempt._make((*rest, _plain(head, codec), _plain(pieces, codec)))
        for head, pieces, codec, *rest in found
    ]


def _plain(data: bytes | None, codec: int) -> bytes:
    if not data:
        return b""
    if codec == 0:
        return data
    unzip = zlib.decompressobj()
    try:
        plain = unzip.decompress(data, _MAX_BODY)
    except zlib.error as error:
        raise StoreError(f"The stored response is damaged ({error}).", remedy="Ask this row again.") from None
    if not unzip.eof:
        raise StoreError("The stored response is damaged or too large.", remedy="Ask this row again.")
    return plain


# -- runs and jobs


def run_records(db: sqlite3.Connection) -> list[RunRecord]:
    """Return the settings of all runs, oldest first."""
    return [RunRecord(*found) for found in db.execute(f"{_RUN} ORDER BY id")]


class StoredRequest(NamedTuple):
    """A request that is in the store.

    Attributes:
        run: the run that first asked it.
        answered: the attempt that brought its answer; None if none has.
    """

    run: RunRecord
    answered: int | None


def stored_request(
    db: sqlite3.Connection, request: int, *, final: bool
) -> tuple[StoredRequest | None, list[RawAttempt]]:
    """Return a request and its attempts; None if the store does not have it.

    Args:
        db: the store.
        request: its id.
        final: whether the retry whose answer counts is meant instead, if there is one.

    Raises:
        StoreError: the attempts are damaged.
    """
    found = db.execute("SELECT run, answered, answer FROM request WHERE id = ?", (request,)).fetchone()
    if found is None:
        return None, []
    run, answered, answer = found
    if final and answer is not None:
        return stored_request(db, answer, final=False)
    record = db.execute(f"{_RUN} WHERE id = ?", (run,)).fetchone()
    return StoredRequest(RunRecord(*record), answered), _raw_attempts(db, request)


def open_jobs(db: sqlite3.Connection) -> list[BatchJob]:
    """Return the batch jobs that have not ended, oldest first."""
    return [BatchJob(*found) for found in db.execute(_JOBS)]


def job_grants(db: sqlite3.Connection, job: int) -> list[Grant]:
    """Return the requests of a batch job that have no answer yet, each with one of the rows that wait for it."""
    found = db.execute(
        """SELECT q.id, j.attempt, coalesce(row.position, -1), q.first, q.hash, coalesce(min(row.sample), 0)
        FROM job_request j JOIN request q ON q.id = j.request
        LEFT JOIN row ON row.key = q.first AND row.request = q.id WHERE j.job = ? AND q.state = 1 GROUP BY q.id""",
        (job,),
    )
    return [
        Grant(request, attempt, Wanted(position, key, digest, sample=sample))
        for request, attempt, position, key, digest, sample in found
    ]
