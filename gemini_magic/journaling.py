"""Connects responses with the journal: which answers are kept, and how an entry becomes a response again."""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

from platformdirs import user_data_path

from . import client, recording
from .backends import backend, host_to_name, names
from .content import Request
from .endings import REMEDY_OTHER_KERNEL
from .errors import GeminiMagicError, Interrupted, JournalError, OptionError, RecordingError
from .journal import AnswerEnd, AnswerStart, Entry, Journal, Limits
from .ledger import Exchange, Ledger, unfinished_id
from .media import StoredMedia
from .options import Options
from .response import Response, response_from_exchanges

if TYPE_CHECKING:
    from .client import StartedInteractions, UploadedFiles

__all__ = [
    "CachedAnswer",
    "end_of",
    "exchanges_of",
    "find_cached",
    "journal",
    "response_from_entry",
    "should_journal",
    "start_journaling",
    "started_interactions",
    "uploaded_files",
]

_MEGABYTE = 2**20
_MOST_CACHED = 5  # answers to the same request that are looked at
_STORED = "The server stores the answer: `%gemini resume {}` reads it from there."
_GONE, _ARRIVING = "kernel ended", "still arriving"


def journal() -> Journal:
    """Return the journal of the current user."""
    return _journal_at(user_data_path("gemini_magic", appauthor=False) / "journal.sqlite")


def uploaded_files() -> UploadedFiles:
    """Return the list of the files that the current user has uploaded, which is beside the journal."""
    return client.UploadedFiles(journal().path.with_name("uploads.json"))


def started_interactions() -> StartedInteractions:
    """Return the list of the stored interactions that the current user has started, which is beside the journal."""
    return client.StartedInteractions(journal().path.with_name("interactions"))


@lru_cache(maxsize=1)
def _journal_at(path: Path) -> Journal:
    return Journal(path)


def should_journal(options: Options, *, local: bool) -> bool:
    """Whether an answer is written to the journal.

    By default answers that cost nothing (recordings, the echo backend) and answers in a plain script are not.

    Args:
        options: the options; ``journal`` decides if it is set.
        local: whether the answer comes from this machine.
    """
    if options.journal is not None:
        return options.journal
    if options.cache:  # the next identical request needs the answer
        return True
    shell = sys.modules.get("IPython")
    return not local and shell is not None and shell.get_ipython() is not None


def start_journaling(ledger: Ledger, request: Request, options: Options, sample: int = 0) -> None:
    """Write an answer to the journal while it arrives; returns at once.

    Args:
        ledger: the record of the answer, which is only read.
        request: the request.
        options: the limits of the journal.
        sample: the number of the answer for the same request, from 0.
    """
    start = AnswerStart(
        ledger.started.timestamp(),
        request.settings.agent or request.model,
        ledger.backend,
        request.turns[-1].text,
        ledger.before,
        sample,
    )
    limits = Limits(options.journal_size * _MEGABYTE, options.journal_days)
    journal().follow(ledger, recording.LedgerLines(ledger), start, limits)


class CachedAnswer(NamedTuple):
    """An answer of the journal that is shown in place of an identical request.

    Attributes:
        replay: plays it.
        note: a sentence about it.
    """

    replay: recording.CachedReplay
    note: str


def find_cached(request: Request, options: Options, sample: int) -> CachedAnswer | None:
    """The newest complete answer of the journal to an identical request; None if there is none.

    Model, turns, options that change the request, schema, media by their content, backend and host have to be equal.

    Args:
        request: the request.
        options: its options.
        sample: the number of the answer for the same request, from 0.

    Raises:
        OptionError: the journal is off.
        JournalError: the journal cannot be read.
        UsageProblem: the request cannot be sent as it is.
    """
    if options.journal is False:
        raise OptionError(
            "--cache needs the journal, which is off.",
            remedy="Remove --no-journal (or `journal = false` in the configuration), or remove --cache.",
        )
    if reason := journal().unavailable():
        raise OptionError(f"--cache needs the journal, which is off: {reason}.", remedy="Remove --cache.")
    if not journal().exists():
        return None
    dialect = backend(options.backend)
    planned = client.plan_media(request, dialect, options, offline=True).request
    http = dialect.encode(planned, client.endpoint_of(options))
    wanted = recording.request_digest(dialect.name, http.method, http.url, http.body, files={}, sample=sample)
    with journal().reader() as reader:
        for entry in reader.entries(reader.same_request(wanted, _MOST_CACHED)):
            found = _cached_exchanges(entry, options, reader.lines(entry.id), reader.media(entry.id))
            if found:
                note = (
                    f"The answer of {entry.local_time} to the same request, from the journal (number {entry.id}). "
                    "Nothing was sent. Without --cache, the request is sent again."
                )
                return CachedAnswer(recording.CachedReplay(found, options.speed), note)
    return None


def _cached_exchanges(
    entry: Entry, options: Options, lines: bytes, media: Mapping[str, StoredMedia]
) -> list[Exchange]:
    """The exchange that brought an answer, and those that resume it.

    Empty if the answer cannot be read, or does not fit the schema of the request.
    """
    try:
        found = exchanges_of(entry, lines, media)
        if options.schema is not None:
            response = response_from_exchanges(Response, found, entry.start.backend, schema=options.schema)
            if response.parse_error is not None:
                return []
    except GeminiMagicError:
        return []
    first = max((n for n, each in enumerate(found) if not each.resumed), default=0)
    return found[first:] if found[-1].end == "eof" else []


def exchanges_of(
    entry: Entry, lines: bytes, media: Mapping[str, StoredMedia] = MappingProxyType({})
) -> list[Exchange]:
    """Return the HTTP exchanges of an entry, given its recording lines and the media of its requests.

    Raises:
        JournalError: nothing was sent, or the entry cannot be read.
    """
    try:
        found = recording.parse_recording(f"Answer {entry.id} of the journal", lines, media)
    except RecordingError as error:
        raise JournalError(error.message, remedy=f"`%gemini journal forget {entry.id}` removes it.") from None
    if found[-1].end is None:
        arriving = entry.status == "running" and not entry.is_abandoned(time.time())
        found[-1].finish(_ARRIVING if arriving else _GONE)
    return found


def response_from_entry(
    entry: Entry, lines: bytes, media: Mapping[str, StoredMedia] = MappingProxyType({})
) -> Response:
    """Return the response of an entry, with everything that has arrived.

    Raises:
        JournalError: nothing was sent, or the entry cannot be read.
    """
    found = exchanges_of(entry, lines, media)
    response = response_from_exchanges(Response, found, entry.start.backend, None, entry.start.before)
    ledger = response.ledger
    ledger.set_source("journal", started=entry.started, host=host_to_name(found[-1].url))
    if ledger.cause == "arriving":
        ledger.replace_error(_still_arriving(entry, ledger.chars))
    elif ledger.error is not None and "resume" in ledger.error.remedy:
        stored = unfinished_id(ledger) is not None
        ledger.error.remedy = _STORED.format(entry.id) if stored else REMEDY_OTHER_KERNEL
    return response


def _still_arriving(entry: Entry, chars: int) -> Interrupted:
    """Return the error of an answer that has not ended; it need not be requested again."""
    where = "this" if entry.is_own else "another"
    so_far = f"{chars:,} characters so far" if chars else "no text so far"
    return Interrupted(
        f"Still arriving in {where} kernel, {so_far}.",
        remedy=f"Run `%gemini show {entry.id}` again later to see more of it.",
    )


def end_of(entry: Entry, lines: bytes) -> AnswerEnd:
    """Return how an answer ended whose process ended before it did."""
    try:
        response = response_from_entry(entry, lines)
    except JournalError:
        return AnswerEnd("interrupted", "", None)
    offline = entry.start.backend in names() and backend(entry.start.backend).local is not None
    return AnswerEnd(response.status, response.text, None if offline else response.usage.total)
