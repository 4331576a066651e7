"""How a stream ended, decided from what was seen of it; honestly, and in one place.

Data in, a status and an error out. It waits for nothing and raises nothing.

An answer that we stop reading because the whole passed ``--max-total`` is ``truncated``: what came is good, and its
rest can be asked for. One event above ``--max-event`` is an ``error``: what it held is not known.
"""

from __future__ import annotations

from typing import Literal, NamedTuple, TypeAlias

from .errors import BlockedError, GeminiMagicError, Interrupted, ServiceError, StalledError, TruncatedError
from .events import Failure, Finish, Note, Status

__all__ = ["ELSEWHERE", "Cause", "Ending", "ending_of", "service_error"]

Cause: TypeAlias = Literal[
    "end", "cut", "full", "failed", "stalled", "timeout", "interrupt", "stop", "left", "arriving"
]

_RESUME = "What arrived is kept; `%gemini resume` asks for the rest in a new request."
_AGAIN = "`%gemini resume` asks the same question again, in a new request."
# A remedy for answers that another kernel had asked for.
ELSEWHERE = "Ask again for a whole answer; `%gemini resume` goes on with answers of this kernel only."
_LATER = "The journal holds all of it when it has ended."


class Ending(NamedTuple):
    """The verdict: a status, the error to raise (None when all is well), and a note where one is due."""

    status: Status
    error: GeminiMagicError | Interrupted | None = None
    note: Note | None = None


def ending_of(
    cause: Cause,
    *,
    finish: Finish | None,
    blocked: Finish | None,
    failure: Failure | None,
    error: GeminiMagicError | None,
    chars: int,
    chunks: int,
    limit: float | None,
    answering: bool = True,
) -> Ending:
    """How it ended.

    Args:
        cause: what ended the reading: end of input, a cut connection, more bytes than were allowed (``full``), a
            failure, a timeout, the user, the end of the kernel that read it (``left``), or nothing: it was looked at
            while it was ``arriving``.
        finish: the last finish reason.
        blocked: the prompt's block reason.
        failure: what the server said when it said no.
        error: an error of our own.
        chars: answer characters so far.
        chunks: chunks so far.
        limit: the timeout that was reached, in seconds.
        answering: whether the body of the last answer had begun.
    """
    resume = _RESUME if chars else _AGAIN
    if cause in ("interrupt", "stop", "left", "arriving"):
        return Ending("interrupted", _not_read_on(cause, chars))
    if cause == "stalled":
        waited = "" if limit is None else f" for {limit:g} s"
        option = "--stall-timeout" if answering else "--first-byte-timeout"
        return Ending(
            "stalled",
            StalledError(
                _so_far(f"Nothing came{waited}", chars), remedy=f"{resume} `{option}` waits longer."
            ),
        )
    if cause == "timeout":
        what = "Not finished in time" if limit is None else f"Not finished within {limit:g} s"
        said = f"{what}; {chars:,} characters had arrived." if chars else f"{what}; no text had arrived."
        return Ending("stalled", StalledError(said, remedy=f"{resume} `--timeout` allows more."))
    if failure is not None:
        return Ending("error", service_error(failure))
    if cause == "full" and chunks and error is not None:
        return Ending("truncated", error)
    if cause == "cut" and chunks:
        return Ending("truncated", TruncatedError(_so_far("The connection was lost", chars), remedy=resume))
    if error is not None:
        return Ending("error", error)
    if blocked is not None:
        return Ending("blocked", _blocked("The prompt was blocked", blocked))
    return _at_the_end(finish, chars, chunks)


def _not_read_on(cause: Cause, chars: int) -> Interrupted:
    if cause == "left":
        return Interrupted(_so_far("The kernel ended", chars), remedy=ELSEWHERE)
    if cause == "arriving":
        arrived = f"{chars:,} characters had arrived" if chars else "no text had arrived"
        return Interrupted(f"Still arriving when it was looked up; {arrived}.", remedy=_LATER)
    return Interrupted(_so_far("Stopped", chars), remedy=_RESUME if chars else _AGAIN)


def _at_the_end(finish: Finish | None, chars: int, chunks: int) -> Ending:
    if finish is None:
        what = "The answer ended without a finish reason" if chunks else "The answer was empty"
        return Ending("truncated", TruncatedError(_so_far(what, chars), remedy=_RESUME if chars else _AGAIN))
    outcome = finish.outcome
    if outcome is None:
        note = Note(
            "unknown-finish-reason",
            f"The finish reason {finish.reason!r} is not known here; it is taken as an end.",
            "warning",
        )
        return Ending("complete", None, note)
    if outcome == "blocked":
        return Ending("blocked", _blocked("The answer was blocked", finish))
    if outcome == "error":
        said = f": {finish.message}" if finish.message else ""
        return Ending(
            "error",
            ServiceError(
                f"The model failed ({finish.reason}){said}", status=finish.reason, remedy="Ask again."
            ),
        )
    if outcome == "paused":
        return Ending(
            "truncated",
            TruncatedError(
                _so_far("The server paused the answer", chars), remedy=_RESUME if chars else _AGAIN
            ),
        )
    return Ending(outcome)


def _so_far(what: str, chars: int) -> str:
    return f"{what} after {chars:,} characters." if chars else f"{what}; no text had arrived."


def service_error(failure: Failure) -> ServiceError:
    """What a server's no is to the user."""
    return ServiceError(
        failure.message,
        code=failure.code,
        status=failure.status,
        retry_after=failure.retry_after,
        reason=failure.reason,
    )


def _blocked(what: str, finish: Finish) -> BlockedError:
    said = f": {finish.message}" if finish.message else ""
    return BlockedError(
        f"{what} ({finish.reason}){said}",
        remedy="Reword it, or allow more with --safety; what arrived is kept.",
    )
