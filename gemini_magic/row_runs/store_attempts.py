"""What is written about attempts: that they are sent, how they ended, and the bytes of their responses.

Each function runs in a transaction of the writer's thread. What a server sent is stored whatever it is: numbers that SQLite
cannot store are null, and lone surrogates are replaced.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import isfinite
from typing import Any, Final

from ..text import replace_surrogates
from .store_codec import CODEC, compressed
from .store_sqlite import sqlite3
from .values import Attempted, Grant

__all__ = ["write_done", "write_sent", "write_unsent"]

_MAX_INTEGER: Final = 2**63 - 1
_SENT = "UPDATE request SET state = 1, attempts = max(attempts, ?), sent = ? WHERE id = ?"
_SENT_RAW = "INSERT OR REPLACE INTO raw(request, attempt, sent, worker) VALUES (?, ?, ?, ?)"
# An answer that was paid stays when another attempt ends worse: one with less of an answer.
_RANKS: Final = "complete mismatch truncated blocked stalled interrupted error"


def _rank(status: str) -> str:
    """SQL for how much of an answer a status means."""
    cases = " ".join(f"WHEN '{name}' THEN {-place}" for place, name in enumerate(_RANKS.split()))
    return f"(CASE {status} {cases} ELSE -99 END)"


_DONE = f"""UPDATE request SET state = 2, done = ?, status = ?, reason = ?, permanent = ?, model = ?, tokens_in = ?,
    tokens_out = ?, tokens_thought = ?, tokens_cached = ?, cost = ?, first_text = ?, seconds = ?, answered = ?,
    worker = ?, error = ?, text = ? WHERE id = ? AND {_rank("?")} >= {_rank("status")}"""  # noqa: S608 - our own SQL
_ENDED = "UPDATE request SET state = 2 WHERE id = ? AND state = 1 AND attempts <= ?"
_SPENT = "UPDATE request SET spent = coalesce(spent, 0) + ? WHERE id = ?"
_DONE_RAW = """INSERT INTO raw(request, attempt, sent, done, status, ended, problem, cost, worker, head, pieces, codec)
    VALUES (?1, ?2, ?3, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11) ON CONFLICT(request, attempt) DO UPDATE SET done = ?3,
    status = ?4, ended = ?5, problem = ?6, cost = ?7, worker = ?8, head = ?9, pieces = ?10, codec = ?11"""
# The answer of a retry with other options counts for the request that it repeats, and for the other retries of that one.
_ANSWERS = f"""UPDATE request SET answer = ?1 WHERE id <> ?1
    AND (id = (SELECT retries FROM request WHERE id = ?1) OR retries = (SELECT retries FROM request WHERE id = ?1))
    AND {_rank("?2")} >= {_rank("(SELECT status FROM request b WHERE b.id = coalesce(request.answer, request.id))")}"""  # noqa: S608
_AGAIN = """UPDATE request SET state = CASE WHEN status IS NULL THEN 0 ELSE 2 END, reason = ?, error = ?
    WHERE id = ? AND state = 1"""
_UNSENT = """UPDATE request SET state = CASE WHEN status IS NULL THEN 0 ELSE 2 END, attempts = min(attempts, ? - 1)
    WHERE id = ? AND state = 1"""
_UNSENT_RAW = "DELETE FROM raw WHERE request = ? AND attempt = ? AND done IS NULL"
_DOUBT = "UPDATE request SET state = 3 WHERE id = ? AND state = 1"
_DOUBT_RAW = "UPDATE raw SET ended = 'worker lost' WHERE request = ? AND attempt = ? AND ended IS NULL"


def write_sent(
    db: sqlite3.Connection, grants: Sequence[Grant], now: float, worker: str | None = None
) -> None:
    """Write that attempts are sent now, one line for each."""
    if grants:
        db.executemany(_SENT, [(grant.attempt, now, grant.request) for grant in grants])
        db.executemany(_SENT_RAW, [(grant.request, grant.attempt, now, worker) for grant in grants])


def write_unsent(db: sqlite3.Connection, unsent: Sequence[Grant], doubt: Sequence[Grant]) -> None:
    """Write that attempts were certainly not sent after all, and that others may have been sent by a worker that ended."""
    db.executemany(_UNSENT, [(grant.attempt, grant.request) for grant in unsent])
    db.executemany(_UNSENT_RAW, [(grant.request, grant.attempt) for grant in unsent])
    db.executemany(_DOUBT, [(grant.request,) for grant in doubt])
    db.executemany(_DOUBT_RAW, [(grant.request, grant.attempt) for grant in doubt])


def write_done(db: sqlite3.Connection, all_done: Sequence[Attempted], now: float) -> None:
    """Write how attempts ended, with the bytes of their responses, which are compressed here."""
    if not all_done:
        return
    sent = [each for each in all_done if each.sent]
    if len(sent) != len(all_done):
        unsent = [each for each in all_done if not each.sent]
        db.executemany(_UNSENT, [(each.attempt, each.request) for each in unsent])
        db.executemany(_UNSENT_RAW, [(each.request, each.attempt) for each in unsent])
    db.executemany(_DONE_RAW, [_raw_values(each, now) for each in sent])
    db.executemany(
        _SPENT, [(_real(each.cost), each.request) for each in sent if _real(each.cost) is not None]
    )
    again = [each for each in all_done if each.status == "waiting"]
    db.executemany(_AGAIN, [(_text(each.reason), _text(each.error), each.request) for each in again])
    ended = [each for each in all_done if each.status != "waiting"]
    db.executemany(_DONE, [_done_values(each, now) for each in ended])
    db.executemany(_ENDED, [(each.request, each.attempt) for each in ended])
    db.executemany(_ANSWERS, [(each.request, each.status) for each in ended])


def _raw_values(each: Attempted, now: float) -> tuple[Any, ...]:
    return (
        each.request,
        each.attempt,
        now,
        _integer(each.http_status),
        _text(each.ended),
        _text(each.error) or None,
        _real(each.cost),
        _text(each.worker) or None,
        compressed(each.head) or None,
        compressed(each.pieces) or None,
        CODEC,
    )


def _done_values(each: Attempted, now: float) -> tuple[Any, ...]:
    return (
        now,
        each.status,
        _text(each.reason) or None,
        each.permanent,
        _text(each.model) or None,
        _integer(each.tokens_in),
        _integer(each.tokens_out),
        _integer(each.tokens_thought),
        _integer(each.tokens_cached),
        _real(each.cost),
        _real(each.first_text),
        _real(each.seconds),
        each.attempt,
        _text(each.worker) or None,
        _text(each.error) or None,
        _text(each.text) or None,
        each.request,
        each.status,
    )


def _text(text: str) -> str:
    """A text that SQLite can store; a server may send lone surrogates."""
    return replace_surrogates(text)


def _integer(value: int | None) -> int | None:
    """A number that SQLite can store; a server may send any."""
    return value if value is not None and -_MAX_INTEGER <= value <= _MAX_INTEGER else None


def _real(value: float | None) -> float | None:
    return value if value is not None and isfinite(value) else None
