"""Helpers of the journal's tests: answers that are kept, and access to the file."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from contextlib import closing, contextmanager

import gemini_magic
from gemini_magic.journaling import end_of, journal, response_from_entry

ECHO = {"backend": "echo", "journal": True}


def ask(server, prompt="hi", **options):
    """Return a finished answer of a server, written to the journal."""
    chosen = {"model": "m", "base_url": server.base_url, "journal": True, **options}
    return gemini_magic.ask(prompt, **chosen)


def stream(server, prompt="hi", **options):
    """Start a stream whose answer is written to the journal."""
    chosen = {"model": "m", "base_url": server.base_url, "journal": True, **options}
    return gemini_magic.stream(prompt, **chosen)


def entries():
    """Return all entries, oldest first."""
    with journal().reader() as reader:
        reader.close_abandoned(end_of)
        return list(reader.entries(reader.newest(-1)[::-1]))


def reopened(number):
    """Return the response of an entry."""
    with journal().reader() as reader:
        return response_from_entry(reader.entry(number), reader.lines(number), reader.media(number))


def found(*words):
    """Return the questions of the entries that a search finds, newest first."""
    with journal().reader() as reader:
        return [entry.start.question for entry in reader.entries(reader.search(words, 10))]


def sql(statement, path=None):
    """Run an SQL statement on the file; returns the rows."""
    with closing(sqlite3.connect(path or journal().path, isolation_level=None)) as database:
        return database.execute(statement).fetchall()


def on_disk():
    """Return all bytes of the journal's files."""
    place = journal().path
    return b"".join(path.read_bytes() for path in sorted(place.parent.iterdir()))


@contextmanager
def script(code):
    """Run some code in a Python process, which is killed at the end of the block."""
    with subprocess.Popen([sys.executable, "-c", code]) as process:
        try:
            yield process
        finally:
            process.kill()


def run(code):
    """Run some code in a Python process until it exits."""
    with script(code) as process:
        assert process.wait(60) == 0
