"""What the journal holds of one answer, and the rows of the table it is shown as. Data only."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import NamedTuple, Protocol

from ..tables import Column, Columns, Rows
from .owner import Process

__all__ = ["Begun", "Ended", "Entry", "EntryRow", "EntrySource", "Limits", "Summary", "entry_rows", "excerpt"]

_LONGEST = 160  # characters of a question or an answer in the table
_BEFORE = 24  # of them before what was searched for: the preview of a table shows the first 60
_SPACE = re.compile(r"\s+")


class EntrySource(Protocol):
    """Gives the lines of one answer, a stretch at a time."""

    @property
    def complete(self) -> bool:
        """Whether the end of what went over the wire is known."""

    def rewind(self) -> None:
        """Begin again with the first line."""

    def take(self, most: int, *, over: bool = False) -> bytes:
        """About ``most`` bytes of what is new; ``over``: nothing more will come."""


class Limits(NamedTuple):
    """How much is kept.

    Attributes:
        size: bytes the file may have.
        days: age in days after which an answer is forgotten, None for never.
    """

    size: float
    days: float | None = None


class Begun(NamedTuple):
    """What is known of an answer when it is asked for.

    Attributes:
        started: seconds since 1970.
        model, backend: who is asked, and in which dialect.
        question: the text of the question.
        before: text that came earlier of the same answer.
    """

    started: float
    model: str
    backend: str
    question: str
    before: str = ""


class Ended(NamedTuple):
    """How an answer ended: its status, its text, and the tokens in all where they are known."""

    status: str
    answer: str
    tokens: int | None


class Entry(NamedTuple):
    """One answer in the journal.

    Attributes:
        id: its number.
        begun: what was asked.
        ended: how it ended; None while it arrives, and when its process ended before it did.
        process: who writes it; ``beat``: when that was last heard of, in seconds since 1970.
    """

    id: int
    begun: Begun
    ended: Ended | None
    process: Process
    beat: float

    def left(self, now: float) -> bool:
        """Whether nobody will ever write its end."""
        return self.ended is None and self.process.gone(self.beat, now)

    @property
    def own(self) -> bool:
        """Whether this process writes it."""
        return self.process == Process.this()

    @property
    def started(self) -> datetime:
        """When it was asked (UTC)."""
        return datetime.fromtimestamp(self.begun.started, UTC)

    @property
    def when(self) -> str:
        """The same as local time with its offset."""
        return self.started.astimezone().isoformat(" ", "seconds")

    @property
    def status(self) -> str:
        """How it ended, or ``running``."""
        return "running" if self.ended is None else self.ended.status


class Summary(NamedTuple):
    """The journal in figures: answers, bytes on the disk, when the oldest was asked (seconds since 1970)."""

    answers: int
    size: int
    since: float | None


class EntryRow(NamedTuple):
    """A row of the journal's table."""

    id: int
    started: str
    model: str
    status: str
    question: str
    answer: str
    tokens: int | None


def entry_rows(entries: Iterable[Entry], words: Sequence[str] = ()) -> Rows[EntryRow]:
    """The entries as a table; of the answer it shows where one of the words is."""
    columns: Columns[EntryRow] = Columns(
        EntryRow,
        [
            Column("id", "int64", not_null=True),
            *(Column(name, "string") for name in ("started", "model", "status", "question", "answer")),
            Column("tokens", "int64"),
        ],
        show_all=True,
    )
    for entry in entries:
        answer, tokens = ("", None) if entry.ended is None else entry.ended[1:]
        question = excerpt(entry.begun.question, words)
        said = (question, excerpt(answer, words), tokens)
        columns.append(entry.id, entry.when, entry.begun.model, entry.status, *said)
    return Rows(columns)


def excerpt(text: str, words: Sequence[str] = ()) -> str:
    """A line of a text: its beginning, or what surrounds the first of the words that is in it."""
    found = [re.search(re.escape(word), text, re.IGNORECASE) for word in words]
    at = next((match.start() for match in found if match is not None), 0)
    start = 0 if at < _LONGEST // 4 else text.rfind(" ", 0, max(at - _BEFORE, 1)) + 1 or at
    line = _SPACE.sub(" ", text[start : start + 2 * _LONGEST]).strip()
    cut = len(line) > _LONGEST or start + 2 * _LONGEST < len(text)
    return f"{'… ' if start else ''}{line[:_LONGEST]}{' …' if cut else ''}"
