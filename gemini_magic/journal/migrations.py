"""The schema of the journal as numbered migrations; the file's ``user_version`` is the number it has applied.

A released migration is never changed: each change of the schema is a new one.
"""

from __future__ import annotations

__all__ = ["APPLICATION_ID", "INDEX", "MIGRATIONS"]

APPLICATION_ID = 0x67656D6A  # "gemj"
MIGRATIONS: tuple[tuple[str, ...], ...] = (
    (
        # One row for each answer. Times are Unix times in seconds. The texts come last: they are long and seldom read.
        """CREATE TABLE run (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            started REAL NOT NULL,
            model TEXT NOT NULL,
            backend TEXT NOT NULL,
            host TEXT NOT NULL,
            pid INTEGER NOT NULL,
            start_time TEXT NOT NULL,
            heartbeat REAL NOT NULL,
            status TEXT,
            tokens INTEGER,
            indexed INTEGER NOT NULL DEFAULT 0,
            question TEXT NOT NULL,
            before TEXT NOT NULL,
            answer TEXT NOT NULL DEFAULT ''
        )""",
        "CREATE INDEX run_started ON run(started)",
        # The lines of the recording: the blocks of one answer form one zlib stream, flushed at the end of each block.
        "CREATE TABLE block (id INTEGER PRIMARY KEY, run INTEGER NOT NULL, lines BLOB NOT NULL)",
        "CREATE INDEX block_run ON block(run)",
        "CREATE TABLE metadata (name TEXT PRIMARY KEY, value TEXT NOT NULL)",
    ),
    (
        # The media of the requests, each once: the lines of the recordings contain only their digests.
        "CREATE TABLE media (digest TEXT PRIMARY KEY, type TEXT NOT NULL, data BLOB NOT NULL)",
        "CREATE TABLE run_media (run INTEGER NOT NULL, digest TEXT NOT NULL, PRIMARY KEY (run, digest)) WITHOUT ROWID",
        "CREATE INDEX run_media_digest ON run_media(digest)",
    ),
    (
        # What the request of an answer was, where the answer can be given again.
        "ALTER TABLE run ADD COLUMN identity BLOB",
        "CREATE INDEX run_identity ON run(identity) WHERE identity IS NOT NULL",
    ),
)
# Created by the first search, if this build of SQLite has FTS5; the texts stay in `run`.
INDEX = """CREATE VIRTUAL TABLE IF NOT EXISTS search_index USING fts5(
    question, answer, content='run', content_rowid='id', tokenize="unicode61 remove_diacritics 2"
)"""
