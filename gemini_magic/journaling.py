"""Between answers and the journal: which answers are kept, what is written of them, and how one is read again.

It knows recordings and responses; the journal's file is the journal's, its words are the notebook's.
"""

from __future__ import annotations

import sys
import time
from functools import lru_cache
from pathlib import Path

from platformdirs import user_data_path

from .content import Request
from .endings import REMEDY_OTHER_KERNEL
from .errors import Interrupted, JournalError, RecordingError
from .journal import Begun, Ended, Entry, Journal, Limits
from .ledger import Exchange, Ledger
from .options import Options
from .recording import Tape, parse
from .response import Response, response_from_exchanges

__all__ = ["again", "ended", "exchanges_of", "journal", "keep", "kept"]

_MEGABYTE = 2**20
_GONE, _ARRIVING = "kernel ended", "still arriving"


def journal() -> Journal:
    """The journal of the user whose process this is."""
    return _journal(user_data_path("gemini_magic", appauthor=False) / "journal.sqlite")


@lru_cache(maxsize=1)
def _journal(path: Path) -> Journal:
    return Journal(path)


def kept(options: Options, *, local: bool) -> bool:
    """Whether an answer belongs in the journal.

    Unless somebody says so, one that cost nothing does not (a recording, the echo), and none of a plain script.

    Args:
        options: what was said.
        local: whether the answer comes from this machine.
    """
    if options.journal is not None:
        return options.journal
    shell = sys.modules.get("IPython")
    return not local and shell is not None and shell.get_ipython() is not None


def keep(ledger: Ledger, request: Request, options: Options) -> None:
    """Write an answer into the journal while it arrives; returns at once.

    Args:
        ledger: the record, which is only read.
        request: what was asked.
        options: the limits.
    """
    begun = Begun(
        ledger.started.timestamp(), request.model, ledger.backend, request.turns[-1].text, ledger.before
    )
    limits = Limits(options.journal_size * _MEGABYTE, options.journal_days)
    journal().follow(ledger, Tape(ledger), begun, limits)


def exchanges_of(entry: Entry, lines: bytes) -> list[Exchange]:
    """What went over the wire for an entry of the journal.

    Raises:
        JournalError: nothing did, or it cannot be read.
    """
    try:
        found = parse(f"Answer {entry.id} of the journal", lines)
    except RecordingError as error:
        raise JournalError(error.message, remedy=f"`%gemini journal forget {entry.id}` removes it.") from None
    if found[-1].end is None:
        arriving = entry.status == "running" and not entry.left(time.time())
        found[-1].finish(_ARRIVING if arriving else _GONE)
    return found


def again(entry: Entry, lines: bytes) -> Response:
    """The response of an entry, as its answer had arrived.

    Raises:
        JournalError: nothing had been sent, or it cannot be read.
    """
    found = exchanges_of(entry, lines)
    response = response_from_exchanges(Response, found, entry.begun.backend, None, entry.begun.before)
    ledger = response.ledger
    ledger.set_source("journal", started=entry.started)
    if ledger.cause == "arriving":
        ledger.replace_error(_arriving(entry, ledger.chars))
    elif ledger.error is not None and "resume" in ledger.error.remedy:
        ledger.error.remedy = REMEDY_OTHER_KERNEL
    return response


def _arriving(entry: Entry, chars: int) -> Interrupted:
    """What is said of an answer that has not ended; nobody need ask again."""
    where = "this" if entry.own else "another"
    so_far = f"{chars:,} characters so far" if chars else "no text so far"
    return Interrupted(
        f"Still arriving in {where} kernel, {so_far}.",
        remedy=f"`%gemini show {entry.id}` shows more of it when more has come.",
    )


def ended(entry: Entry, lines: bytes) -> Ended:
    """How an answer ended whose process ended before it."""
    try:
        response = again(entry, lines)
    except JournalError:
        return Ended("interrupted", "", None)
    return Ended(response.status, response.text, response.usage.total)
