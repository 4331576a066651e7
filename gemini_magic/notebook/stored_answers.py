"""Finds an answer that its server stores and whose end was not received, to read it from there.

The journal has the question and everything that was received. The list of started interactions has the id as soon as it arrives, also
of an answer that is not in the journal.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from ..backends import backend, names
from ..endings import REMEDY_OTHER_KERNEL
from ..errors import OptionError
from ..interactions import asked_options, is_unfinished
from ..journaling import journal, response_from_entry, started_interactions
from ..ledger import asking_exchange, text_before_round, unfinished_id
from ..response import Response
from ..text import one_line, shortened
from .lookup import open_journal

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
        started: Unix time in seconds.
        text: the text of the answer before the round that is read.
    """

    id: str
    title: str
    question: str
    options: dict[str, Any]
    started: float
    text: str = ""


def started_answer(interaction: str) -> StoredAnswerEntry:
    """The answer with an id at a server. Of one that was started elsewhere, only the id is known.

    Args:
        interaction: the id.
    """
    found = started_interactions().find(interaction)
    options = asked_options(interaction)
    if found is None:
        return StoredAnswerEntry(interaction, one_line(interaction)[:_ID], "", options, 0.0)
    title = f"The answer of {found.name} to {shortened(found.question, _QUESTION) or 'an unknown question'}"
    return StoredAnswerEntry(interaction, title, found.question, options, found.started)


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
    found = _in_journal(number)
    if number is not None and found is None:
        raise OptionError(
            f"The journal has no answer {number}.", remedy="`%gemini journal list` lists the saved answers."
        )
    if number is None and (newer := _in_list(found)) is not None:
        found = newer
    if found is None:
        raise OptionError(
            "No request has been sent yet.",
            remedy="Start a cell with %%gemini. There is no unfinished answer of an earlier session that a server stores.",
        )
    return found


def _in_journal(number: str | None) -> StoredAnswerEntry | None:
    """The answer in the journal; see :func:`find_stored_answer`."""
    if journal().unavailable() or not journal().exists():
        return None
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
    return None


def _in_list(known: StoredAnswerEntry | None) -> StoredAnswerEntry | None:
    """The newest unfinished answer in the list of started interactions, if it is newer than the one of the journal."""
    each = next((each for each in started_interactions().all() if is_unfinished(each.status)), None)
    if each is None or (known is not None and (each.id == known.id or each.started < known.started)):
        return None
    return started_answer(each.id)


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
    options = _options(response, entry, stored_id)
    text = text_before_round(response.ledger)
    return StoredAnswerEntry(stored_id, title, question, options, entry.start.started, text)


def _options(response: Response, entry: Entry, stored_id: str) -> dict[str, Any]:
    """The options of a request: the server as it was remembered, or as the address of the request shows it."""
    sent = asking_exchange(response.ledger.exchanges)
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
