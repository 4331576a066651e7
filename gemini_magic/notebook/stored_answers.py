"""Finds an answer of the journal that its server stores and whose end was not received, to read it from there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from ..backends import backend, names
from ..endings import REMEDY_OTHER_KERNEL
from ..errors import OptionError
from ..interactions import asked_options
from ..journaling import journal, response_from_entry, started_interactions
from ..response import Response
from ..text import one_line, shortened
from .lookup import open_journal
from .session import unfinished_id

if TYPE_CHECKING:
    from ..journal import Entry, JournalReader

__all__ = ["StoredAnswerEntry", "find_stored_answer", "started_answer"]

_SEARCHED: Final = 20  # newest answers among which the last stored one is searched
_ID: Final = 60  # characters of an id
_QUESTION: Final = 60  # characters of a question
_DIGITS: Final = 18  # of a number of the journal


class StoredAnswerEntry(NamedTuple):
    """An answer that its server stores, as the journal or the list of started interactions knows it.

    Attributes:
        id: its id at the server.
        title: its number or id, and its question, for a message.
        question: the question; only its text, if it had anything else.
        options: the options of its request, by name, which select the server.
    """

    id: str
    title: str
    question: str
    options: dict[str, Any]


def started_answer(interaction: str) -> StoredAnswerEntry:
    """The answer with an id at a server. Of one that was started elsewhere, only the id is known.

    Args:
        interaction: the id.
    """
    found = started_interactions().find(interaction)
    question = "" if found is None else found.question
    title = ", ".join(filter(None, (one_line(interaction)[:_ID], shortened(question, _QUESTION))))
    return StoredAnswerEntry(interaction, title, question, asked_options(interaction))


def find_stored_answer(number: str | None) -> StoredAnswerEntry:
    """The answer with a number, or the newest one that can be read from its server.

    Args:
        number: the number in the journal, as text; None for the newest.

    Raises:
        OptionError: there is no such answer, or it cannot be read from a server.
        JournalError: the journal cannot be read.
    """
    if number is not None and not (number.isascii() and number.isdigit() and len(number) <= _DIGITS):
        raise OptionError(
            f"{number!r} is not the number of an answer.",
            remedy="`%gemini resume` continues the last answer; `%gemini journal list` shows the numbers of others.",
        )
    if not journal().unavailable() and journal().exists():
        with open_journal() as reader:
            wanted = reader.newest(_SEARCHED) if number is None else [int(number)]
            for entry in reader.entries(wanted):
                found = _read(reader, entry)
                if found is not None:
                    return found
                if number is not None:
                    raise OptionError(
                        f"Answer {number} cannot be read from a server: it is complete, or no server stores it.",
                        remedy=f"`%gemini show {number}` shows what the journal has. {REMEDY_OTHER_KERNEL}",
                    )
    if number is not None:
        raise OptionError(
            f"The journal has no answer {number}.", remedy="`%gemini journal list` lists the saved answers."
        )
    raise OptionError(
        "No request has been sent yet.",
        remedy="Start a cell with %%gemini. The journal has no unfinished answer that a server stores.",
    )


def _read(reader: JournalReader, entry: Entry) -> StoredAnswerEntry | None:
    """An entry as an answer that can be read from its server; None if it cannot."""
    if entry.start.backend not in names() or backend(entry.start.backend).interactions is None:
        return None
    response = response_from_entry(entry, reader.lines(entry.id), reader.media(entry.id))
    stored_id = unfinished_id(response.ledger)
    if stored_id is None:
        return None
    question = entry.start.question
    title = f"Answer {entry.id}, {shortened(one_line(question), _QUESTION)}"
    return StoredAnswerEntry(stored_id, title, question, _options(response, entry, stored_id))


def _options(response: Response, entry: Entry, stored_id: str) -> dict[str, Any]:
    """The options of a request: the server as it was remembered, or as the address of the request shows it."""
    exchanges = [each for each in response.ledger.exchanges if not each.resumed] or response.ledger.exchanges
    sent = exchanges[-1]
    found: dict[str, Any] = {"backend": entry.start.backend, "model": entry.start.model, "server_store": True}
    api = backend(entry.start.backend).interactions
    remembered = started_interactions().find(stored_id)
    if remembered is not None:
        found |= remembered.server
    elif api is not None:
        found["base_url"] = api.base_of(sent.url)
    if api is not None:
        asked = api.requested(sent.body)
        found |= {"agent": asked.agent or None, "previous": asked.previous or None}
        found["server_background"] = asked.background
    return found
