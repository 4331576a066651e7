"""What the journal's tests share: answers that are kept, and a look into the file.

It knows the API and the journal's own words; what stands in the file's tables is looked up with plain SQL.
"""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from contextlib import closing, contextmanager

import gemini_magic
from gemini_magic.journaling import again, ended, journal

ECHO = {"backend": "echo", "journal": True}


def ask(server, prompt="hi", **options):
    """An answer of a server that is kept; it has ended."""
    chosen = {"model": "m", "base_url": server.base_url, "journal": True, **options}
    return gemini_magic.ask(prompt, **chosen)


def stream(server, prompt="hi", **options):
    """The same while it is on its way."""
    chosen = {"model": "m", "base_url": server.base_url, "journal": True, **options}
    return gemini_magic.stream(prompt, **chosen)


def entries():
    """All entries, oldest first."""
    with journal().shelf() as shelf:
        shelf.settle(ended)
        return list(shelf.entries(shelf.newest(-1)[::-1]))


def reopened(number):
    """The response of an entry."""
    with journal().shelf() as shelf:
        return again(shelf.entry(number), shelf.lines(number))


def found(*words):
    """The questions that are found, newest first."""
    with journal().shelf() as shelf:
        return [entry.begun.question for entry in shelf.entries(shelf.search(words, 10))]


def sql(statement, path=None):
    """What a statement gives; it is asked of the file itself."""
    with closing(sqlite3.connect(path or journal().path, isolation_level=None)) as database:
        return database.execute(statement).fetchall()


def on_disk():
    """Every byte of the journal's files."""
    place = journal().path
    return b"".join(path.read_bytes() for path in sorted(place.parent.iterdir()))


@contextmanager
def script(code):
    """A Python process that runs some code; it is gone at the end of the block."""
    with subprocess.Popen([sys.executable, "-c", code]) as process:
        try:
            yield process
        finally:
            process.kill()


def run(code):
    """Run some code in a Python process to its end."""
    with script(code) as process:
        assert process.wait(60) == 0
