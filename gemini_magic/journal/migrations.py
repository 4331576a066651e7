"""The tables of the journal, as numbered steps: the file's ``user_version`` says how many of them it has seen.

A step is never changed once it was released; what is new is a step of its own.
"""

from __future__ import annotations

__all__ = ["APPLICATION", "INDEX", "STEPS"]

APPLICATION = 0x67656D6A  # "gemj": the file's application_id
STEPS: tuple[tuple[str, ...], ...] = (
    (
        # One answer. Times in seconds since 1970. The texts come last: they are long, and seldom read.
        """CREATE TABLE run (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            started REAL NOT NULL,
            model TEXT NOT NULL,
            backend TEXT NOT NULL,
            host TEXT NOT NULL,
            pid INTEGER NOT NULL,
            born TEXT NOT NULL,
            beat REAL NOT NULL,
            status TEXT,
            tokens INTEGER,
            indexed INTEGER NOT NULL DEFAULT 0,
            question TEXT NOT NULL,
            before TEXT NOT NULL,
            answer TEXT NOT NULL DEFAULT ''
        )""",
        "CREATE INDEX run_started ON run(started)",
        # The lines of its recording: all blocks of one run are one zlib stream, flushed at the end of each.
        "CREATE TABLE block (id INTEGER PRIMARY KEY, run INTEGER NOT NULL, lines BLOB NOT NULL)",
        "CREATE INDEX block_run ON block(run)",
        "CREATE TABLE fact (name TEXT PRIMARY KEY, value TEXT NOT NULL)",
    ),
)
# Made when somebody searches, by a build of SQLite that can; the texts themselves stay in `run`.
INDEX = """CREATE VIRTUAL TABLE IF NOT EXISTS found USING fts5(
    question, answer, content='run', content_rowid='id', tokenize="unicode61 remove_diacritics 2"
)"""
