"""What is read from a store: matches of a batch, results in the order of the input, counts, costs and attempts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final, NamedTuple

from ..errors import StoreError
from .store_codec import MAX_BODY, decompressed
from .store_sqlite import sqlite3
from .store_types import ColumnTypes, damaged_row
from .store_values import AttemptRow, BatchJob, Match, ResultRow, RunRecord, Spent
from .values import Grant, RowStatus, Wanted

__all__ = [
    "MAX_KEYS",
    "RawAttempt",
    "StoredRequest",
    "attempt_rows",
    "count_models",
    "count_statuses",
    "has_rows_from",
    "job_grants",
    "last_extent",
    "match_rows",
    "open_jobs",
    "placed_results",
    "request_hash",
    "result_row",
    "result_rows",
    "row_status",
    "run_records",
    "spent",
    "stored_request",
]

MAX_KEYS: Final = 500
"""Rows in one query: with fewer the call costs more than the search, and with more nothing is gained."""
_ALL = 2**62  # more rows than a file can hold

_ANSWER = "LEFT JOIN request a ON a.id = coalesce(q.answer, q.id)"
_STORED = (
    "q.id, q.state, q.attempts, q.status, q.permanent, q.answer, a.state, a.attempts, a.status, a.permanent"
)
_MATCH = f"""SELECT row.key, row.sample, row.position, row.wanted, row.status, q.hash, {_STORED} FROM row
    LEFT JOIN request q ON q.id = row.request LEFT JOIN request a ON a.id = q.answer WHERE"""  # noqa: S608
_BY_HASH = f"SELECT q.hash, {_STORED} FROM request q LEFT JOIN request a ON a.id = q.answer WHERE q.hash IN "  # noqa: S608
_STATUS = """CASE WHEN row.status IS NOT NULL THEN substr(row.status, 1, instr(row.status || ':', ':') - 1) WHEN row.request IS NULL THEN 'waiting'
    WHEN row.wanted IS NOT NULL THEN 'stale' WHEN a.state = 3 THEN 'in_doubt' WHEN a.state = 2 THEN a.status
    WHEN a.state = 1 THEN 'running' ELSE 'waiting' END"""
_FROM = f"FROM row LEFT JOIN request q ON q.id = row.request {_ANSWER}"
_RESULTS = f"""SELECT row.position, row.sample, row.key, {_STATUS}, a.id, nullif(q.first, row.key),
    CASE WHEN a.id = q.id THEN a.attempts ELSE a.attempts + q.attempts END, a.text,
    coalesce(a.error, nullif(substr(row.status, instr(row.status || ': ', ': ') + 2), '')), a.reason, a.model, a.tokens_in, a.tokens_out, a.tokens_thought, a.tokens_cached,
    CASE WHEN q.first <> row.key THEN 0.0 WHEN a.id = q.id THEN a.spent ELSE coalesce(q.spent + a.spent, a.spent) END, a.first_text, a.seconds, a.done, a.worker {_FROM}
    WHERE (row.position, row.sample) > (?, ?) AND row.position < ? AND row.sample BETWEEN 0 AND ? - 1
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
# The types of the columns: b bytes, f a number, i an integer, t text; in capitals where they may be null.
_RESULT_TYPES = ColumnTypes("i i b t I B I T T T T I I I I F F F F T")
_RAW_TYPES = ColumnTypes("B B i i f I T T")
_ATTEMPT_TYPES = ColumnTypes("i f F I T t F t i")
_ANSWERED_TYPES = ColumnTypes("i I I")
_STORED_TYPES = "I I I T I I I I T I"
_ROW_TYPES = ColumnTypes(f"b i I B T B {_STORED_TYPES}")
_REQUEST_TYPES = ColumnTypes(f"b {_STORED_TYPES}")
_RUN_TYPES = ColumnTypes("t t t t t t T T F T i f F i i")


def _marks(values: Sequence[object]) -> str:
    return f"({','.join('?' * len(values))})"


def _found(db: sqlite3.Connection, query: str, values: Sequence[Any]) -> Iterator[tuple[Any, ...]]:
    """What a query finds for values, with some of them at a time."""
    for start in range(0, len(values), MAX_KEYS):
        some = values[start : start + MAX_KEYS]
        yield from db.execute(query + _marks(some), some).fetchall()


# -- matching


def row_status(status: str, problem: str) -> str:
    """The text that the table of rows has for a row that is not asked: its status, and the sentence about it."""
    return f"{status}: {problem}" if problem else status


def match_rows(db: sqlite3.Connection, batch: Sequence[Wanted]) -> list[Match]:
    """Return what the store holds for each row, in the order of the batch."""
    rows = _stored_rows(db, batch)
    matches: list[Match] = []
    other: list[int] = []  # places of rows that are new, or ask for something else
    for place, (position, key, digest, _, _, unasked, sample, problem) in enumerate(batch):
        row = rows.get((key, sample))
        if row is not None:
            _, _, at, kept, reason, stored, *request = row
            if not digest:
                placed = at == position and stored is None and reason == row_status(unasked, problem)
                matches.append(_UNKNOWN._replace(known=True, placed=placed))
                continue
            if stored == digest:
                placed = at == position and kept is None
                matches.append(_make((*_answer(*request), True, False, None, placed)))
                continue
        other.append(place)
        matches.append(_UNKNOWN)
    if other:
        hashes = [batch[place].hash for place in other]
        asked = map(_REQUEST_TYPES.checked, _found(db, _BY_HASH, hashes))
        requests = {found[0]: _answer(*found[1:]) for found in asked}
        for place in other:
            row = rows.get((batch[place].key, batch[place].sample))
            match = requests.get(batch[place].hash, _UNKNOWN[:6])
            previous = None if row is None else row[6]
            matches[place] = _make((*match, row is not None, previous is not None, previous, False))
    return matches


def _stored_rows(db: sqlite3.Connection, batch: Sequence[Wanted]) -> dict[tuple[bytes, int], tuple[Any, ...]]:
    """The stored rows with the keys of a batch; first those at the same positions, which most of them are."""
    if not batch:
        return {}
    wanted = {(each.key, each.sample) for each in batch}
    first, last = batch[0].position, batch[-1].position
    found: dict[tuple[bytes, int], tuple[Any, ...]] = {}
    if 0 <= last - first < len(batch):
        near = db.execute(f"{_MATCH} row.position BETWEEN ? AND ?", (first, last)).fetchall()
        found = {row[:2]: row for row in map(_ROW_TYPES.checked, near) if row[:2] in wanted}
    if len(found) < len(wanted):
        left = list({each[0] for each in wanted if each not in found})
        far = _found(db, f"{_MATCH} row.key IN ", left)
        found |= {row[:2]: row for row in map(_ROW_TYPES.checked, far)}
    return found


_UNKNOWN = Match()
_make = Match._make  # a call by keywords takes twice as long, and a million rows are matched


def _answer(  # noqa: PLR0917 - the columns of a query
    request: int,
    state: int,
    attempts: int,
    status: str | None,
    permanent: int | None,
    answer: int | None,
    *retry: Any,
) -> tuple[int, int, int, int, str | None, bool]:
    """The first values of a match: the request, and the request whose answer counts."""
    if answer is None or retry[0] is None:  # a file of someone else may name a retry that it does not have
        return request, request, state, attempts, status, permanent == 1
    state, attempts, status, permanent = retry
    return request, answer, state, attempts, status, permanent == 1


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
    return [
        _result(*_RESULT_TYPES.checked(found))
        for found in db.execute(_RESULTS, (*after, rows, samples, limit))
    ]


def placed_results(db: sqlite3.Connection, batch: Sequence[Wanted]) -> dict[tuple[int, int], ResultRow]:
    """Return the results of rows that are stored in their place with what they ask, by position and sample."""
    first, last = batch[0], batch[-1]
    placed = {
        (each.position, each.sample)
        for each, match in zip(batch, match_rows(db, batch), strict=True)
        if match.placed
    }
    if not placed:
        return {}
    found = db.execute(_RESULTS, (first.position, first.sample - 1, last.position + 1, _ALL, _ALL))
    rows = (_result(*_RESULT_TYPES.checked(row)) for row in found)
    return {place: row for row in rows if (place := (row.position, row.sample)) in placed}


def has_rows_from(db: sqlite3.Connection, position: int) -> bool:
    """Whether the store has a row at a position or after it."""
    return db.execute("SELECT 1 FROM row WHERE position >= ? LIMIT 1", (position,)).fetchone() is not None


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
    return None if found is None else _result(*_RESULT_TYPES.checked(found))


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


def last_extent(db: sqlite3.Connection) -> tuple[int, int]:
    """Return how many positions and samples the input of the last run has that read any; all if no run did."""
    found = db.execute("SELECT rows, samples FROM run WHERE rows > 0 ORDER BY id DESC LIMIT 1").fetchone()
    return (_ALL, _ALL) if found is None else found


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
    return [AttemptRow(*_ATTEMPT_TYPES.checked(each)) for each in found]


def _raw_attempts(db: sqlite3.Connection, request: int) -> list[RawAttempt]:
    """Return the attempts of a request with their bytes, oldest first.

    Raises:
        StoreError: they are damaged.
    """
    attempts: list[RawAttempt] = []
    left = MAX_BODY
    try:
        for found in db.execute(_RAW, (request,)):
            head, pieces, codec, *rest = _RAW_TYPES.checked(found)
            plain = [decompressed(head or b"", codec, left), decompressed(pieces or b"", codec, left)]
            left -= sum(map(len, plain))
            attempts.append(RawAttempt._make((*rest, *plain)))
    except (ValueError, StoreError) as error:
        reason = "a value has another type" if isinstance(error, StoreError) else error
        raise StoreError(f"The stored response is damaged: {reason}.", remedy="Ask this row again.") from None
    return attempts


# -- runs and jobs


def run_records(db: sqlite3.Connection) -> list[RunRecord]:
    """Return the settings of all runs, oldest first."""
    return [RunRecord(*_RUN_TYPES.checked(found)) for found in db.execute(f"{_RUN} ORDER BY id")]


def request_hash(db: sqlite3.Connection, request: int) -> bytes | None:
    """Return the hash of what a request asks; None if the store does not have it."""
    found = db.execute("SELECT hash FROM request WHERE id = ?", (request,)).fetchone()
    return None if found is None else found[0]


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
    run, answered, answer = _ANSWERED_TYPES.checked(found)
    if final and answer is not None:
        return stored_request(db, answer, final=False)
    record = db.execute(f"{_RUN} WHERE id = ?", (run,)).fetchone()
    if record is None:
        raise damaged_row()
    return StoredRequest(RunRecord(*_RUN_TYPES.checked(record)), answered), _raw_attempts(db, request)


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
