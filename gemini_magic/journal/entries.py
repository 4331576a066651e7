"""Data types of the journal: one answer, its start and end, and the rows of the table that lists answers."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import NamedTuple, Protocol

from ..tables import Column, Columns, Rows
from .owner import WriterProcess

__all__ = [
    "AnswerEnd",
    "AnswerStart",
    "Entry",
    "EntryRow",
    "EntrySource",
    "Limits",
    "Summary",
    "entry_rows",
    "excerpt",
]

_MAX_EXCERPT = 160  # characters of a question or an answer in the table
_CONTEXT = 24  # of them before the match of a search: the preview of a table shows the first 60
_SPACE = re.compile(r"\s+")


class EntrySource(Protocol):
    """Produces the recording lines of one answer, in batches."""

    @property
    def complete(self) -> bool:
        """Whether the last exchange has ended."""

    def rewind(self) -> None:
        """Start again at the first line."""

    def identity(self, sample: int) -> bytes | None:
        """The identity of the request, for an answer that can be given again; None for another one."""

    def next_lines(self, limit: int, *, ended: bool = False) -> bytes:
        """Return about ``limit`` bytes of new lines; ``ended`` means that no more will follow."""


class Limits(NamedTuple):
    """How much the journal keeps.

    Attributes:
        size: largest size of the file in bytes.
        days: age in days after which an answer is removed, None for never.
    """

    size: float
    days: float | None = None


class AnswerStart(NamedTuple):
    """What is known about an answer when its request is made.

    Attributes:
        started: Unix time in seconds.
        model: name of the model.
        backend: name of the backend.
        question: text of the prompt.
        before: text of the same answer that earlier requests received.
        sample: the number of the answer for the same request, from 0.
    """

    started: float
    model: str
    backend: str
    question: str
    before: str = ""
    sample: int = 0


class AnswerEnd(NamedTuple):
    """How an answer ended.

    Attributes:
        status: one of the six final statuses.
        answer: the text.
        tokens: total number of tokens, None if unknown, and for a replay or an offline answer, which use none.
        identity: identifies the request, for an answer that can be given again; None for another one.
    """

    status: str
    answer: str
    tokens: int | None
    identity: bytes | None = None


class Entry(NamedTuple):
    """One answer in the journal.

    Attributes:
        id: its number in the journal.
        start: what was asked.
        end: how it ended; None while it arrives, or if its process ended first.
        process: the process that writes it.
        heartbeat: Unix time in seconds at which that process last wrote to the entry.
    """

    id: int
    start: AnswerStart
    end: AnswerEnd | None
    process: WriterProcess
    heartbeat: float

    def is_abandoned(self, now: float) -> bool:
        """Whether its process ended without writing its end."""
        return self.end is None and self.process.has_ended(self.heartbeat, now)

    @property
    def is_own(self) -> bool:
        """Whether this process writes it."""
        return self.process == WriterProcess.current()

    @property
    def started(self) -> datetime:
        """Time of the request (UTC)."""
        return datetime.fromtimestamp(self.start.started, UTC)

    @property
    def local_time(self) -> str:
        """Time of the request in local time, in ISO format with the UTC offset."""
        return self.started.astimezone().isoformat(" ", "seconds")

    @property
    def status(self) -> str:
        """The final status, or ``running``."""
        return "running" if self.end is None else self.end.status


class Summary(NamedTuple):
    """Size of the journal.

    Attributes:
        answers: number of entries.
        size: bytes on disk.
        since: Unix time in seconds of the oldest entry, None if there is none.
    """

    answers: int
    size: int
    since: float | None


class EntryRow(NamedTuple):
    """One row of the table that ``%gemini journal`` shows."""

    id: int
    started: str
    model: str
    status: str
    question: str
    answer: str
    tokens: int | None


def entry_rows(entries: Iterable[Entry], words: Sequence[str] = ()) -> Rows[EntryRow]:
    """Return the entries as a table, with excerpts of question and answer.

    Args:
        entries: the entries, in the order of the rows.
        words: search words; an excerpt starts near the first one it contains.
    """
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
        answer, tokens = ("", None) if entry.end is None else (entry.end.answer, entry.end.tokens)
        question = excerpt(entry.start.question, words)
        texts = (question, excerpt(answer, words), tokens)
        columns.append(entry.id, entry.local_time, entry.start.model, entry.status, *texts)
    return Rows(columns)


def excerpt(text: str, words: Sequence[str] = ()) -> str:
    """Return one line of a text: its beginning, or the surroundings of the first search word found in it."""
    found = [re.search(re.escape(word), text, re.IGNORECASE) for word in words]
    at = next((match.start() for match in found if match is not None), 0)
    start = 0 if at < _MAX_EXCERPT // 4 else text.rfind(" ", 0, max(at - _CONTEXT, 1)) + 1 or at
    line = _SPACE.sub(" ", text[start : start + 2 * _MAX_EXCERPT]).strip()
    cut = len(line) > _MAX_EXCERPT or start + 2 * _MAX_EXCERPT < len(text)
    return f"{'… ' if start else ''}{line[:_MAX_EXCERPT]}{' …' if cut else ''}"
