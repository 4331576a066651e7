"""Finds the response that a command applies to: the last one, an earlier one, or the one in a named variable."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from ..errors import JournalError, OptionError
from ..journaling import end_of, journal, response_from_entry
from ..response import Response
from .session import Session

if TYPE_CHECKING:
    from datetime import datetime

    from ..journal import JournalReader

__all__ = [
    "last_response",
    "names_of",
    "open_journal",
    "response_at",
    "response_named",
    "selected_response",
]

_SIMILAR = 0.6  # low, because names are short: one letter of three may be wrong
_LISTED = 5
_DIGITS = 19  # SQLite's integers have at most 19 digits


def selected_response(session: Session, namespace: Mapping[str, Any], arguments: Sequence[str]) -> Response:
    """The response that the first argument names, or the last response without an argument.

    Raises:
        OptionError: there is no such response.
    """
    return response_named(namespace, arguments[0]) if arguments else last_response(session)


def last_response(session: Session) -> Response:
    """The newest response of this session.

    Raises:
        OptionError: no request has been sent yet.
    """
    if session.last is None:
        raise _no_request()
    return session.last


def response_at(session: Session, count: str) -> Response:
    """The ``count``-th newest response, 1 being the last. The journal's answers follow those of this session.

    Raises:
        OptionError: ``count`` is not a number, or there is no such answer.
    """
    if not (count.isascii() and count.isdigit() and len(count) < _DIGITS and int(count)):
        raise OptionError(
            f"{count!r} is not a valid position of an answer.",
            remedy="`%gemini last` shows the last answer, `%gemini last 2` the one before; "
            "`%gemini show N` takes a number from `%gemini journal list`.",
        )
    steps = int(count)
    if steps <= len(session.runs):
        return session.runs[-steps].response
    oldest = session.runs[0].response.started if session.runs else None
    earlier = _response_before(oldest, steps - len(session.runs))
    if earlier is not None:
        return earlier
    if not session.runs and not _has_earlier():
        raise _no_request()
    raise OptionError(
        f"There are fewer than {steps} answers.", remedy="`%gemini journal list` lists the saved answers."
    )


def response_named(namespace: Mapping[str, Any], name: str) -> Response:
    """The response in the user's variable ``name``.

    Raises:
        OptionError: there is none; the remedy suggests a similar name or lists the names of responses.
    """
    found = namespace.get(name)
    if isinstance(found, Response):
        return found
    if isinstance(getattr(found, "responses", None), tuple):
        raise OptionError(
            f"{name!r} is a comparison, not a single Response.",
            remedy=f"Name one of its answers first: `r = {name}[0]`, then use `r`.",
        )
    known = [
        each for each, value in namespace.items() if isinstance(value, Response) and each.strip("_0123456789")
    ]
    from difflib import get_close_matches  # noqa: PLC0415 - only for a mistake

    close = get_close_matches(name, known, n=1, cutoff=_SIMILAR)
    if close:
        remedy = f"Did you mean `{close[0]}`?"
    elif known:
        remedy = f"Available responses: {', '.join(known[-_LISTED:])}."
    else:
        remedy = "To name a response, write -o NAME on the %%gemini line."
    problem = f"{name!r} is not a Response." if name in namespace else f"No response is named {name!r}."
    raise OptionError(problem, remedy=remedy)


def names_of(response: object, namespace: Mapping[str, Any]) -> list[str]:
    """The names of the user's variables that hold a response, or a run over rows."""
    return [name for name, value in namespace.items() if value is response and not name.startswith("_")]


@contextmanager
def open_journal() -> Iterator[JournalReader]:
    """Open the journal for reading, and mark answers as ended whose process has ended.

    Raises:
        JournalError: the journal cannot be read.
    """
    with journal().reader() as reader:
        reader.close_abandoned(end_of)
        yield reader


def _response_before(started: datetime | None, steps: int) -> Response | None:
    """The journal's ``steps``-th newest answer among those requested before a time; None if there are fewer.

    Args:
        started: the time; None for now.
        steps: 1 for the newest.
    """
    if not journal().exists():
        return None
    with open_journal() as reader:
        time = None if started is None else started.timestamp()
        found = reader.newest(1, before=time, skip=steps - 1)
        entry = reader.entry(found[0]) if found else None
        return (
            None
            if entry is None
            else response_from_entry(entry, reader.lines(entry.id), reader.media(entry.id))
        )


def _no_request() -> OptionError:
    earlier = " `%gemini last` shows the last answer of an earlier session." if _has_earlier() else ""
    return OptionError("No request has been sent yet.", remedy=f"Start a cell with %%gemini.{earlier}")


def _has_earlier() -> bool:
    """Whether the journal contains an answer; False if it cannot be read."""
    try:
        return _response_before(None, 1) is not None
    except JournalError:
        return False
