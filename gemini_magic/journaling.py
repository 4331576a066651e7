"""Connects responses with the journal: which answers are kept, and how an entry becomes a response again."""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

from platformdirs import user_data_path

from . import client, recording
from .backends import backend, host_to_name, names
from .content import Request
from .endings import REMEDY_OTHER_KERNEL
from .errors import Interrupted, JournalError, RecordingError
from .journal import AnswerEnd, AnswerStart, Entry, Journal, Limits
from .ledger import Exchange, Ledger
from .media import StoredMedia
from .options import Options
from .response import Response, response_from_exchanges

if TYPE_CHECKING:
    from .client import UploadedFiles

__all__ = [
    "end_of",
    "exchanges_of",
    "journal",
    "response_from_entry",
    "should_journal",
    "start_journaling",
    "uploaded_files",
]

_MEGABYTE = 2**20
_GONE, _ARRIVING = "kernel ended", "still arriving"


def journal() -> Journal:
    """Return the journal of the current user."""
    return _journal_at(user_data_path("gemini_magic", appauthor=False) / "journal.sqlite")


def uploaded_files() -> UploadedFiles:
    """Return the list of the files that the current user has uploaded, which is beside the journal."""
    return client.UploadedFiles(journal().path.with_name("uploads.json"))


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
    shell = sys.modules.get("IPython")
    return not local and shell is not None and shell.get_ipython() is not None


def start_journaling(ledger: Ledger, request: Request, options: Options) -> None:
    """Write an answer to the journal while it arrives; returns at once.

    Args:
        ledger: the record of the answer, which is only read.
        request: the request.
        options: the limits of the journal.
    """
    start = AnswerStart(
        ledger.started.timestamp(), request.model, ledger.backend, request.turns[-1].text, ledger.before
    )
    limits = Limits(options.journal_size * _MEGABYTE, options.journal_days)
    journal().follow(ledger, recording.LedgerLines(ledger), start, limits)


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
        ledger.error.remedy = REMEDY_OTHER_KERNEL
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
