"""What is written into a store apart from attempts: runs, rows, retries and batch jobs.

Each function runs in a transaction of the writer's thread.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ..errors import StoreError
from ..text import replace_surrogates
from .store_attempts import write_sent
from .store_file import recover
from .store_queries import MAX_KEYS, row_status
from .store_schema import SENT
from .store_sqlite import sqlite3
from .store_values import Match, RunRecord
from .values import Grant, Wanted

__all__ = [
    "add_retries",
    "add_rows",
    "change_job",
    "close_run",
    "forget_row",
    "insert_job",
    "insert_run",
    "keep_rows",
    "write_back_log",
]

_EVICT = "UPDATE row SET position = NULL WHERE position = ? AND sample = ? AND key <> ?"
_NEW_REQUEST = "INSERT INTO request(hash, run, first) VALUES (?, ?, ?) ON CONFLICT(hash) DO NOTHING"
_PLACE = """INSERT INTO row(key, sample, position, request, status) VALUES (?, ?, ?, ?, ?) ON CONFLICT(key, sample)
    DO UPDATE SET position = excluded.position, request = excluded.request, wanted = NULL, status = excluded.status"""
_KEEP = """UPDATE row SET position = ?1, wanted = nullif(?2, (SELECT hash FROM request WHERE request.id = row.request)),
    status = NULL WHERE key = ?3 AND sample = ?4"""
_EXTENT = "UPDATE run SET rows = ?, samples = ? WHERE id = ?"
_JOB_COLUMNS = ("name", "state", "checked", "ended", "file", "note")


def insert_run(db: sqlite3.Connection, record: RunRecord, now: float) -> int:
    """Store the settings of a run; returns its number."""
    names = RunRecord._fields[:10]
    values = [replace_surrogates(value) if isinstance(value, str) else value for value in record[:10]]
    found = db.execute(
        f"INSERT INTO run(began, {', '.join(names)}) VALUES (?{', ?' * len(names)})",  # noqa: S608 - our own SQL
        (now, *values),
    )
    return int(found.lastrowid or 0)


def close_run(db: sqlite3.Connection, run: int, rows: int, samples: int) -> None:
    """Store the extent of the input, and put what was not answered in doubt."""
    if run:
        db.execute(
            "UPDATE run SET ended = ?, rows = ?, samples = ? WHERE id = ?", (time.time(), rows, samples, run)
        )
    recover(db)


# -- rows


def add_rows(
    db: sqlite3.Connection, run: int, batch: Sequence[Wanted], rows: int, samples: int
) -> list[int | None]:
    """Store what rows ask for; returns the ids of their requests."""
    asked = [wanted for wanted in batch if wanted.hash]
    db.executemany(_NEW_REQUEST, [(wanted.hash, run, wanted.key) for wanted in asked])
    ids = _ids(db, [wanted.hash for wanted in asked])
    db.executemany(_EVICT, [(wanted.position, wanted.sample, wanted.key) for wanted in batch])
    db.executemany(
        _PLACE,
        [
            (
                wanted.key,
                wanted.sample,
                wanted.position,
                ids.get(wanted.hash),
                None if wanted.hash else row_status(wanted.status, wanted.problem),
            )
            for wanted in batch
        ],
    )
    db.execute(_EXTENT, (rows, samples, run))
    return [ids.get(wanted.hash) for wanted in batch]


def _ids(db: sqlite3.Connection, hashes: Sequence[bytes]) -> dict[bytes, int]:
    found: dict[bytes, int] = {}
    for start in range(0, len(hashes), MAX_KEYS):
        some = hashes[start : start + MAX_KEYS]
        marks = ",".join("?" * len(some))
        found.update(db.execute(f"SELECT hash, id FROM request WHERE hash IN ({marks})", some).fetchall())  # noqa: S608
    return found


def keep_rows(db: sqlite3.Connection, run: int, batch: Sequence[Wanted], rows: int, samples: int) -> None:
    """Place rows in the input without changing which request answers them."""
    db.executemany(_EVICT, [(wanted.position, wanted.sample, wanted.key) for wanted in batch])
    db.executemany(_KEEP, [(wanted.position, wanted.hash, wanted.key, wanted.sample) for wanted in batch])
    db.execute(_EXTENT, (rows, samples, run))


def add_retries(db: sqlite3.Connection, run: int, pairs: Sequence[tuple[int, bytes]]) -> list[Match]:
    """Store requests that repeat others; returns what the store holds for them."""
    found = []
    for first, digest in pairs:
        db.execute(
            """INSERT INTO request(hash, run, first, retries) SELECT ?, ?, first, coalesce(retries, id) FROM request
            WHERE id = ? ON CONFLICT(hash) DO UPDATE SET retries = excluded.retries WHERE id <> excluded.retries""",
            (digest, run, first),
        )
        row = db.execute(
            "SELECT id, state, attempts, status, permanent FROM request WHERE hash = ?", (digest,)
        ).fetchone()
        if row is None:
            raise StoreError(f"The store has no request {first}.", remedy="Run the cell again.")
        number, state, attempts, status, permanent = row
        found.append(Match(number, number, state, attempts, status, bool(permanent), known=True))
    return found


def forget_row(db: sqlite3.Connection, path: Path, key: bytes) -> int:
    """Remove a row with its answers; returns how many requests were removed.

    Raises:
        StoreError: there is no such row, or it is being asked.
    """
    if db.execute("SELECT 1 FROM row WHERE key = ?", (key,)).fetchone() is None:
        raise StoreError(
            f"{path} has no row with this key.",
            remedy="Check the key and its type: 7 and '7' are different keys.",
        )
    mine = db.execute(
        """SELECT id, state FROM request WHERE first = ?1 OR id IN (SELECT request FROM row WHERE key = ?1)
        OR retries IN (SELECT request FROM row WHERE key = ?1)""",
        (key,),
    ).fetchall()
    if any(state == SENT for _, state in mine):
        raise StoreError("This row is being asked.", remedy="Wait until the run has ended.")
    db.execute("DELETE FROM row WHERE key = ?", (key,))
    removed = 0
    for number, _ in mine:
        other = db.execute(
            """SELECT key FROM row WHERE request = ?1 OR request = (SELECT retries FROM request WHERE id = ?1)
            ORDER BY position LIMIT 1""",
            (number,),
        ).fetchone()
        if other is not None:
            db.execute("UPDATE request SET first = ? WHERE id = ?", (*other, number))
            continue
        db.execute("DELETE FROM raw WHERE request = ?", (number,))
        db.execute("UPDATE request SET answer = NULL WHERE answer = ?", (number,))
        db.execute("DELETE FROM request WHERE id = ?", (number,))
        removed += 1
    return removed


def write_back_log(db: sqlite3.Connection) -> bool:
    """Write the log back into the file and empty it; returns False if a reader prevents that."""
    return not db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]


# -- batch jobs


def insert_job(db: sqlite3.Connection, run: int, label: str, grants: Sequence[Grant], *, state: str) -> int:
    """Store a batch job and its requests, which are sent with it; returns its number."""
    now = time.time()
    made = db.execute(
        "INSERT INTO job(run, label, state, created) VALUES (?, ?, ?, ?)", (run, label, state, now)
    )
    job = int(made.lastrowid or 0)
    db.executemany(
        "INSERT OR REPLACE INTO job_request(request, job, attempt) VALUES (?, ?, ?)",
        [(grant.request, job, grant.attempt) for grant in grants],
    )
    write_sent(db, grants, now, worker=label)
    return job


def change_job(db: sqlite3.Connection, job: int, changes: Mapping[str, Any]) -> None:
    """Change columns of a batch job."""
    unknown = set(changes) - set(_JOB_COLUMNS)
    if unknown:
        raise StoreError(f"A batch job has no column {min(unknown)}.")
    for name, value in changes.items():
        db.execute(f"UPDATE job SET {name} = ? WHERE id = ?", (value, job))  # noqa: S608 - a name of the list above
    if changes.get("ended") is not None:
        db.execute(
            "UPDATE request SET state = 3 WHERE state = 1 AND id IN (SELECT request FROM job_request WHERE job = ?)",
            (job,),
        )
        db.execute("DELETE FROM job_request WHERE job = ?", (job,))
