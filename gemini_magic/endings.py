"""How a stream ended: the status, the error and the remedy, decided from what was seen of the stream.

An answer that is no longer read because it exceeds ``--max-total`` is ``truncated``: the part that arrived is good, and
the rest can be requested. A single event above ``--max-event`` is an ``error``, because its content is not known.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Final, Literal, NamedTuple, TypeAlias

from .errors import BlockedError, GeminiMagicError, Interrupted, ServiceError, StalledError, TruncatedError
from .events import Failure, Finish, Note, Status

__all__ = [
    "REMEDY_OTHER_KERNEL",
    "Arrived",
    "Cause",
    "Ending",
    "ending_of",
    "repeated_overlap",
    "repetition_note",
    "service_error",
]

Cause: TypeAlias = Literal[
    "end", "cut", "full", "rounds", "failed", "stalled", "timeout", "interrupt", "stop", "left", "arriving"
]

_RESUME: Final = "The answer received so far is kept. `%gemini resume` asks for the rest in a new request."
_ASK_AGAIN: Final = "`%gemini resume` asks the same question again in a new request."
_READ_AGAIN: Final = (
    "The server stores the answer: `%gemini resume` reads it from there, without a new request to the model."
)
_WAIT: Final = "The journal has the whole answer once it has ended."
# For answers that another kernel requested.
REMEDY_OTHER_KERNEL: Final = (
    "Ask again for a whole answer. `%gemini resume` works for answers of this kernel only."
)


_BUDGET: Final = "What arrived is kept. Allow the agent more tokens in its configuration, or ask for less."
_LOST: Final = "What arrived is kept, and `.notes` lists where bytes could not be read. Ask again."
_LONG_WAIT: Final = 300.0  # seconds; a remedy names a wait that is longer than this
_BREAKS: Final = ("cut", "stalled", "timeout")
_NO_OTHERS: Final[Mapping[int, Finish | None]] = {}
_UNCERTAIN_END: Final = Note(
    "uncertain-end",
    "A finish reason arrived, but servers also send one before the end, or with every chunk. So it is not known whether "
    "the answer had ended.",
    "info",
)


class Ending(NamedTuple):
    """How a stream ended.

    Attributes:
        status: the status of the response.
        error: the error that describes a bad ending; None for a good one.
        notes: notes to add to the response.
    """

    status: Status
    error: GeminiMagicError | Interrupted | None = None
    notes: tuple[Note, ...] = ()


class Arrived(NamedTuple):
    """What arrived of an answer.

    Attributes:
        chars: characters of its text.
        others: what arrived beside the text, in words, such as ``2 pictures``.
    """

    chars: int
    others: Sequence[str] = ()


def ending_of(
    cause: Cause,
    *,
    finish: Finish | None,
    blocked: Finish | None,
    failure: Failure | None,
    error: GeminiMagicError | None,
    arrived: Arrived,
    chunks: int,
    limit: float | None,
    answering: bool = True,
    finished: bool = False,
    lost: str = "",
    others: Mapping[int, Finish | None] = _NO_OTHERS,
    stored: bool = False,
) -> Ending:
    """Decide how a stream ended.

    A finish reason does not end a stream: some servers send one with every chunk, and some continue after one. So a lost
    connection ends an answer as if its body had been read to the end only if ``finished`` is true.

    Args:
        cause: why reading ended: end of input (``end``), a lost connection (``cut``), more bytes than allowed
            (``full``), more rounds of function calls than allowed (``rounds``), an error (``failed``), the first-byte or stall timeout (``stalled``), the total timeout
            (``timeout``), the user (``interrupt`` or ``stop``), the end of the kernel that read it (``left``), or a
            look at a stream that still runs in another kernel (``arriving``).
        finish: the last finish reason.
        blocked: the block reason of the prompt.
        failure: the HTTP error, or the error object in the stream.
        error: an error of the client.
        arrived: what arrived of the answer.
        chunks: chunks that arrived.
        limit: the timeout that was reached, in seconds.
        answering: whether the body of the last HTTP response had begun.
        finished: whether the finish reasons show where the answer ends; see ``Ledger.finished``.
        lost: a description of text that arrived but could not be read; empty if all could be read.
        others: the last finish reason of each other candidate, None for one that has none.
        stored: whether the server stores the answer, so that the rest can be read without a new request to the model.
    """
    if cause in _BREAKS and finished and failure is None and not lost:
        ending = _ending_at_eof(finish, others, arrived, chunks)
        return ending._replace(notes=(*ending.notes, _after_the_end(cause, finish, limit)))
    ending = _ending_of_cause(
        cause,
        finish=finish,
        blocked=blocked,
        failure=failure,
        error=error,
        others=others,
        arrived=arrived,
        chunks=chunks,
        limit=limit,
        answering=answering,
    )
    if cause in _BREAKS and finish is not None and failure is None:
        ending = ending._replace(notes=(*ending.notes, _UNCERTAIN_END))
    if lost and ending.status == "complete":
        error = TruncatedError(f"Part of the answer is lost: {lost}.", remedy=_LOST)
        ending = ending._replace(status="truncated", error=error)
    return _of_stored_answer(ending, finish) if stored else ending


def _of_stored_answer(ending: Ending, finish: Finish | None) -> Ending:
    """Replace a remedy that would ask the model again, unless the answer has ended on the server."""
    if ending.error is not None and not (finish is not None and finish.last):
        for remedy in (_RESUME, _ASK_AGAIN, REMEDY_OTHER_KERNEL):
            ending.error.remedy = ending.error.remedy.replace(remedy, _READ_AGAIN)
    return ending


def _ending_of_cause(
    cause: Cause,
    *,
    finish: Finish | None,
    blocked: Finish | None,
    failure: Failure | None,
    error: GeminiMagicError | None,
    others: Mapping[int, Finish | None],
    arrived: Arrived,
    chunks: int,
    limit: float | None,
    answering: bool,
) -> Ending:
    """Decide how a stream ended by what ended it; see :func:`ending_of` for the arguments."""
    resume = _RESUME if arrived.chars else _ASK_AGAIN
    if cause in ("interrupt", "stop", "left", "arriving"):
        return Ending("interrupted", _interrupted(cause, arrived))
    if blocked is not None and failure is None and cause in _BREAKS:
        return Ending("blocked", _blocked("The prompt was blocked", blocked))  # nothing else follows
    if cause == "stalled" and failure is None:
        duration = "" if limit is None else f" for {limit:g} s"
        option = "--stall-timeout" if answering else "--first-byte-timeout"
        return Ending(
            "stalled",
            StalledError(
                _after(f"The server sent no data{duration}", arrived),
                remedy=f"{resume} To wait longer, increase `{option}`.",
            ),
        )
    if cause == "timeout":
        what = "Not finished in time" if limit is None else f"Not finished within {limit:g} s"
        return Ending(
            "stalled",
            StalledError(
                f"{what}; {_in_words(arrived)}.", remedy=f"{resume} To wait longer, increase `--timeout`."
            ),
        )
    if failure is not None:
        return (
            Ending("blocked", _refused(failure))
            if failure.blocked
            else Ending("error", service_error(failure))
        )
    if cause in ("full", "rounds") and chunks and error is not None:
        return Ending("truncated", error)
    if cause == "cut" and chunks:
        return Ending("truncated", TruncatedError(_after("The connection was lost", arrived), remedy=resume))
    if error is not None:
        return Ending("error", error)
    if blocked is not None:
        return Ending("blocked", _blocked("The prompt was blocked", blocked))
    return _ending_at_eof(finish, others, arrived, chunks)


def _interrupted(cause: Cause, arrived: Arrived) -> Interrupted:
    if cause == "left":
        return Interrupted(_after("The kernel ended", arrived), remedy=REMEDY_OTHER_KERNEL)
    if cause == "arriving":
        return Interrupted(f"Still arriving when it was looked up; {_in_words(arrived)}.", remedy=_WAIT)
    return Interrupted(_after("Stopped", arrived), remedy=_RESUME if arrived.chars else _ASK_AGAIN)


def _ending_at_eof(
    finish: Finish | None, others: Mapping[int, Finish | None], arrived: Arrived, chunks: int
) -> Ending:
    """Decide how a stream ended whose whole body was read, by the last finish reasons of its candidates."""
    ending = _ending_of_candidate(finish, arrived, chunks)
    unfinished = {
        index: other
        for index, other in others.items()
        if other is None or other.outcome not in ("complete", None)
    }
    notes = tuple(_candidate_note(index, other) for index, other in unfinished.items())
    if ending.status == "complete" and unfinished:
        index, other = next(iter(unfinished.items()))
        ending = _ending_of_candidate(other, arrived, chunks, f"Candidate {index}")
    return ending._replace(notes=(*ending.notes, *notes))


def _ending_of_candidate(
    finish: Finish | None, arrived: Arrived, chunks: int, subject: str = "The answer"
) -> Ending:
    resume = _RESUME if arrived.chars else _ASK_AGAIN
    if finish is None:
        what = f"{subject} ended without a finish reason" if chunks else f"{subject} was empty"
        return Ending("truncated", TruncatedError(_after(what, arrived), remedy=resume))
    outcome = finish.outcome
    if outcome is None:
        message = f"The finish reason {finish.reason!r} is unknown; the answer is treated as complete."
        return Ending("complete", None, (Note("unknown-finish-reason", message, "warning"),))
    if outcome == "blocked":
        return Ending("blocked", _blocked(f"{subject} was blocked", finish))
    if outcome == "error":
        message = f"The model failed {_reason(finish)}"
        return Ending("error", ServiceError(message, status=finish.reason, remedy="Ask again."))
    if outcome == "interrupted":
        return Ending("interrupted", Interrupted(_after("Cancelled on the server", arrived), remedy=resume))
    if outcome == "budget":
        error = TruncatedError(_after("The agent's token budget is used up", arrived), remedy=_BUDGET)
        return Ending("truncated", error)
    if outcome == "paused":
        return Ending(
            "truncated", TruncatedError(_after("The server paused the answer", arrived), remedy=resume)
        )
    return Ending(outcome)


def _candidate_note(index: int, finish: Finish | None) -> Note:
    how = "ended without a finish reason" if finish is None else f"is not complete {_reason(finish)}"
    return Note("candidate-not-complete", f"Candidate {index} {how}.", "warning")


def _after_the_end(cause: Cause, finish: Finish | None, limit: float | None) -> Note:
    """Return the note about a connection that broke, or stayed open, after the finish reason."""
    reason = "its finish reason" if finish is None else f"the finish reason {finish.reason}"
    if cause == "cut":
        message = f"The connection was lost after {reason}. Nothing indicates that the answer had not ended."
        return Note("lost-after-finish", message, "info")
    seconds = "" if limit is None else f" for {limit:g} s"
    message = f"After {reason} the server kept the connection open{seconds} without ending it. It was closed."
    return Note("open-after-finish", message, "info")


def _in_words(arrived: Arrived) -> str:
    amount = _amount(arrived)
    return f"{amount} had arrived" if amount else "no text had arrived"


def _after(what: str, arrived: Arrived) -> str:
    amount = _amount(arrived)
    return f"{what} after {amount}." if amount else f"{what}; {_in_words(arrived)}."


def _amount(arrived: Arrived) -> str:
    """What arrived, in words; empty if nothing did."""
    text = (f"{arrived.chars:,} characters",) if arrived.chars else ()
    *first, last = (*text, *arrived.others) or ("",)
    return f"{', '.join(first)} and {last}" if first else last


def _reason(finish: Finish) -> str:
    """Return the reason in parentheses, with the server's explanation if it sent one."""
    return f"({finish.reason})" + (f": {finish.message}" if finish.message else "")


def service_error(failure: Failure) -> ServiceError:
    """Return the error that describes a failure to the user."""
    return ServiceError(
        failure.message,
        code=failure.code,
        status=failure.status,
        retry_after=failure.retry_after,
        reason=failure.reason,
        remedy=failure.remedy or _quota_remedy(failure),
    )


def _quota_remedy(failure: Failure) -> str:
    """Return the remedy for a quota that a short wait does not restore; empty for any other failure."""
    if not failure.final or failure.code != 429 or (failure.retry_after or 0) > _LONG_WAIT:  # noqa: PLR2004 - HTTP
        return ""
    if failure.reason == "MODEL_CAPACITY_EXHAUSTED":
        return "The server has no capacity for this model at the moment. Use another model (`-m`), or ask again later."
    if re.search(r"\blimit: 0\b", failure.message):
        return "The key has no quota for this model. Use another model (`-m`), or a key of a project with billing."
    return "The quota of the day is used up. Ask again tomorrow, or use another model (`-m`) or a key of another project."


def _refused(failure: Failure) -> BlockedError:
    """Return the error for a failure that is the decision of a filter."""
    reason = Finish(failure.status or str(failure.code or "blocked"), failure.message)
    return _blocked("The answer was blocked", reason)


def _blocked(what: str, finish: Finish) -> BlockedError:
    return BlockedError(
        f"{what} {_reason(finish)}",
        remedy="Rephrase the prompt, or relax the filters with `--safety`. The answer received so far is kept.",
    )


_LEAST_OVERLAP: Final = 20  # characters; shorter repetitions occur in good answers too, such as code fences
_SEARCHED: Final = 4_000  # characters at the end of the first part in which an overlap may begin


def repeated_overlap(before: str, rest: str) -> int:
    """Return how many characters at the end of ``before`` are repeated at the beginning of ``rest``.

    White space at the beginning of ``rest`` is ignored. An overlap that is too short to be a repetition counts as 0.
    """
    rest = rest.lstrip()
    end = before[-_SEARCHED:]
    if len(before) >= _LEAST_OVERLAP and rest.startswith(before):
        return len(before)
    at = end.find(rest[:_LEAST_OVERLAP]) if len(rest) >= _LEAST_OVERLAP else -1
    while at >= 0:
        if rest.startswith(end[at:]):
            return len(end) - at
        at = end.find(rest[:_LEAST_OVERLAP], at + 1)
    return 0


def repetition_note(before: str, rest: str) -> Note | None:
    """Return a note if the rest of a resumed answer repeats the end of its first part; otherwise None."""
    count = repeated_overlap(before, rest)
    if not count:
        return None
    message = (
        f"The rest repeats the last {count:,} characters of the first part, so `whole` contains them twice."
    )
    return Note("repeated", message, "warning")
