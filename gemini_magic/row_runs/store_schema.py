"""The tables of a store, and the states of a request.

``row`` says what each row of the input asks for, ``request`` holds each different request with its answer, and ``raw``
each attempt with the bytes of its response. The file's ``user_version`` is the number of the form.
"""

from __future__ import annotations

from typing import Final

__all__ = ["APPLICATION_ID", "DONE", "FORM", "GRANTED", "IN_DOUBT", "SCHEMA", "SENT"]

APPLICATION_ID: Final = 0x67656D72  # "gemr"
FORM: Final = 1
"""The number of this form of the file; a store with a higher one was written by a newer version."""

GRANTED: Final = 0
"""The request was not sent, or was sent and certainly not received."""
SENT: Final = 1
"""An attempt is being made."""
DONE: Final = 2
"""The last attempt has ended, and its answer or error is stored."""
IN_DOUBT: Final = 3
"""An attempt was sent, and its process ended before its answer was stored."""

# Times are Unix times in seconds, costs are dollars. The long columns come last, because they are read seldom.
SCHEMA: Final = (
    "CREATE TABLE meta(name TEXT PRIMARY KEY, value) WITHOUT ROWID",
    # rows, samples: how many positions and samples of a position the input has.
    """CREATE TABLE run(
        id INTEGER PRIMARY KEY, began REAL NOT NULL, ended REAL, product TEXT NOT NULL, dialect TEXT NOT NULL,
        host TEXT NOT NULL, model TEXT NOT NULL, template TEXT NOT NULL, options TEXT NOT NULL, schema TEXT,
        key_print TEXT, budget REAL, rows INTEGER NOT NULL DEFAULT 0, samples INTEGER NOT NULL DEFAULT 1, note TEXT)""",
    # first: the key of the row that asked first. spent: the cost of all attempts. answered: the attempt with the answer.
    # retries: the first request, which this one repeats with other options. answer: the retry whose answer counts.
    """CREATE TABLE request(
        id INTEGER PRIMARY KEY, hash BLOB NOT NULL UNIQUE, run INTEGER NOT NULL REFERENCES run(id), first BLOB NOT NULL,
        state INTEGER NOT NULL DEFAULT 0, attempts INTEGER NOT NULL DEFAULT 0, sent REAL, done REAL, status TEXT,
        reason TEXT, permanent INTEGER, model TEXT, tokens_in INTEGER, tokens_out INTEGER, tokens_thought INTEGER,
        tokens_cached INTEGER, cost REAL, spent REAL, first_text REAL, seconds REAL, answered INTEGER, answer INTEGER,
        retries INTEGER, worker TEXT, error TEXT, text TEXT)""",
    "CREATE INDEX request_open ON request(state) WHERE state IN (1, 3)",
    "CREATE INDEX request_retries ON request(retries) WHERE retries IS NOT NULL",
    # A row without a position is not in the present input. wanted: the hash that it asks for, if it keeps the answer of
    # another request; otherwise null. status: why it may not be asked, or null; a sentence about it follows a colon. In the order of the rowids, which is that
    # of most inputs, rows are read several times faster than in the order of their keys.
    """CREATE TABLE row(
        id INTEGER PRIMARY KEY, key BLOB NOT NULL, sample INTEGER NOT NULL, position INTEGER, request INTEGER,
        wanted BLOB, status TEXT, UNIQUE(key, sample))""",
    "CREATE UNIQUE INDEX row_position ON row(position, sample)",
    # One line for each attempt, inserted when it is sent. codec: see store_codec.
    """CREATE TABLE raw(
        request INTEGER NOT NULL, attempt INTEGER NOT NULL, sent REAL NOT NULL, done REAL, status INTEGER, ended TEXT,
        problem TEXT, cost REAL, worker TEXT, head BLOB, pieces BLOB, codec INTEGER NOT NULL DEFAULT 0,
        PRIMARY KEY(request, attempt)) WITHOUT ROWID""",
    # Files that rows send, each by a digest of its path, size and time of change.
    "CREATE TABLE file(state BLOB PRIMARY KEY, digest BLOB NOT NULL) WITHOUT ROWID",
    # Batch jobs. label: our name, committed before the job is created. name: the server's name, known afterwards.
    """CREATE TABLE job(
        id INTEGER PRIMARY KEY, run INTEGER NOT NULL REFERENCES run(id), label TEXT NOT NULL UNIQUE, name TEXT,
        state TEXT NOT NULL, created REAL NOT NULL, checked REAL, ended REAL, file TEXT, note TEXT)""",
    "CREATE TABLE job_request(request INTEGER PRIMARY KEY, job INTEGER NOT NULL, attempt INTEGER NOT NULL)",
    "CREATE INDEX job_request_job ON job_request(job)",
)
