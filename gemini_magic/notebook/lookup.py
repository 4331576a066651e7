"""Finds the answer that a word of ``%gemini`` is about: the last one, one some runs back, or one with a name.

It shows nothing and changes nothing.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from typing import Any

from ..errors import JournalError, OptionError
from ..response import Response
from .commands.journal import before
from .session import Session

__all__ = ["back", "latest", "named", "names_of"]

_CLOSE = 0.6  # names are short: one letter of three may be wrong
_LISTED = 5
_DIGITS = 19  # what SQLite takes for a number has fewer


def latest(session: Session) -> Response:
    """The newest answer of this kernel.

    Raises:
        OptionError: nothing was asked yet.
    """
    if session.last is None:
        raise _nothing()
    return session.last


def back(session: Session, count: str) -> Response:
    """The answer ``count`` runs back, 1 being the newest; answers of earlier kernels follow those of this one.

    Raises:
        OptionError: not a number, or there is no such answer.
    """
    if not (count.isascii() and count.isdigit() and len(count) < _DIGITS and int(count)):
        raise OptionError(
            f"{count!r} is not a number of answers to go back.",
            remedy="`%gemini last` shows the last answer, `%gemini last 2` the one before; "
            "`%gemini show N` takes a number of `%gemini journal list`.",
        )
    steps = int(count)
    if steps <= len(session.runs):
        return session.runs[-steps].response
    oldest = session.runs[0].response.started if session.runs else None
    earlier = before(oldest, steps - len(session.runs))
    if earlier is not None:
        return earlier
    if not session.runs and not _earlier():
        raise _nothing()
    raise OptionError(
        f"There is no answer {steps} runs back.", remedy="`%gemini journal list` shows those that are kept."
    )


def named(names: Mapping[str, Any], name: str) -> Response:
    """The response that is bound to ``name`` in the user's namespace.

    Raises:
        OptionError: there is none; the remedy names one that is spelt alike, or those there are.
    """
    found = names.get(name)
    if isinstance(found, Response):
        return found
    known = [
        each for each, value in names.items() if isinstance(value, Response) and each.strip("_0123456789")
    ]
    close = difflib.get_close_matches(name, known, n=1, cutoff=_CLOSE)
    if close:
        remedy = f"Did you mean `{close[0]}`?"
    elif known:
        remedy = f"Names of responses: {', '.join(known[-_LISTED:])}."
    else:
        remedy = "-o NAME on a %%gemini line gives a response a name."
    problem = f"{name!r} is no response." if name in names else f"There is no {name!r}."
    raise OptionError(problem, remedy=remedy)


def names_of(response: Response, names: Mapping[str, Any]) -> list[str]:
    """The user's own names for a response."""
    return [name for name, value in names.items() if value is response and not name.startswith("_")]


def _nothing() -> OptionError:
    words = " `%gemini last` shows the last answer of an earlier kernel." if _earlier() else ""
    return OptionError("Nothing was asked yet.", remedy=f"Begin a cell with %%gemini.{words}")


def _earlier() -> bool:
    """Whether the journal holds an answer; one that cannot be read holds none."""
    try:
        return before(None, 1) is not None
    except JournalError:
        return False
