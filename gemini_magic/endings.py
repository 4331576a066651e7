"""How a stream ended: the status, the error and the remedy, decided from what was seen of the stream.

An answer that is no longer read because it exceeds ``--max-total`` is ``truncated``: the part that arrived is good, and
the rest can be requested. A single event above ``--max-event`` is an ``error``, because its content is not known.
"""

from __future__ import annotations

from typing import Final, Literal, NamedTuple, TypeAlias

from .errors import BlockedError, GeminiMagicError, Interrupted, ServiceError, StalledError, TruncatedError
from .events import Failure, Finish, Note, Status

__all__ = [
    "REMEDY_OTHER_KERNEL",
    "Cause",
    "Ending",
    "ending_of",
    "repeated_overlap",
    "repetition_note",
    "service_error",
]

Cause: TypeAlias = Literal[
    "end", "cut", "full", "failed", "stalled", "timeout", "interrupt", "stop", "left", "arriving"
]

_RESUME: Final = "The answer received so far is kept. `%gemini resume` asks for the rest in a new request."
_ASK_AGAIN: Final = "`%gemini resume` asks the same question again in a new request."
_WAIT: Final = "The journal has the whole answer once it has ended."
# For answers that another kernel requested.
REMEDY_OTHER_KERNEL: Final = (
    "Ask again for a whole answer. `%gemini resume` works for answers of this kernel only."
)


class Ending(NamedTuple):
    """How a stream ended.

    Attributes:
        status: the status of the response.
        error: the error that describes a bad ending; None for a good one.
        note: a note to add to the response, or None.
    """

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
    """Decide how a stream ended.

    Args:
        cause: why reading ended: end of input (``end``), a lost connection (``cut``), more bytes than allowed
            (``full``), an error (``failed``), the first-byte or stall timeout (``stalled``), the total timeout
            (``timeout``), the user (``interrupt`` or ``stop``), the end of the kernel that read it (``left``), or a
            look at a stream that still runs in another kernel (``arriving``).
        finish: the last finish reason.
        blocked: the block reason of the prompt.
        failure: the HTTP error, or the error object in the stream.
        error: an error of the client.
        chars: answer characters that arrived.
        chunks: chunks that arrived.
        limit: the timeout that was reached, in seconds.
        answering: whether the body of the last HTTP response had begun.
    """
    resume = _RESUME if chars else _ASK_AGAIN
    if cause in ("interrupt", "stop", "left", "arriving"):
        return Ending("interrupted", _interrupted(cause, chars))
    if cause == "stalled":
        duration = "" if limit is None else f" for {limit:g} s"
        option = "--stall-timeout" if answering else "--first-byte-timeout"
        return Ending(
            "stalled",
            StalledError(
                _after(f"The server sent no data{duration}", chars),
                remedy=f"{resume} To wait longer, increase `{option}`.",
            ),
        )
    if cause == "timeout":
        what = "Not finished in time" if limit is None else f"Not finished within {limit:g} s"
        return Ending(
            "stalled",
            StalledError(
                f"{what}; {_arrived(chars)}.", remedy=f"{resume} To wait longer, increase `--timeout`."
            ),
        )
    if failure is not None:
        return Ending("error", service_error(failure))
    if cause == "full" and chunks and error is not None:
        return Ending("truncated", error)
    if cause == "cut" and chunks:
        return Ending("truncated", TruncatedError(_after("The connection was lost", chars), remedy=resume))
    if error is not None:
        return Ending("error", error)
    if blocked is not None:
        return Ending("blocked", _blocked("The prompt was blocked", blocked))
    return _ending_at_eof(finish, chars, chunks)


def _interrupted(cause: Cause, chars: int) -> Interrupted:
    if cause == "left":
        return Interrupted(_after("The kernel ended", chars), remedy=REMEDY_OTHER_KERNEL)
    if cause == "arriving":
        return Interrupted(f"Still arriving when it was looked up; {_arrived(chars)}.", remedy=_WAIT)
    return Interrupted(_after("Stopped", chars), remedy=_RESUME if chars else _ASK_AGAIN)


def _ending_at_eof(finish: Finish | None, chars: int, chunks: int) -> Ending:
    """Decide how a stream ended whose whole body was read, by its last finish reason."""
    resume = _RESUME if chars else _ASK_AGAIN
    if finish is None:
        what = "The answer ended without a finish reason" if chunks else "The answer was empty"
        return Ending("truncated", TruncatedError(_after(what, chars), remedy=resume))
    outcome = finish.outcome
    if outcome is None:
        message = f"The finish reason {finish.reason!r} is unknown; the answer is treated as complete."
        return Ending("complete", None, Note("unknown-finish-reason", message, "warning"))
    if outcome == "blocked":
        return Ending("blocked", _blocked("The answer was blocked", finish))
    if outcome == "error":
        message = f"The model failed {_reason(finish)}"
        return Ending("error", ServiceError(message, status=finish.reason, remedy="Ask again."))
    if outcome == "paused":
        error = TruncatedError(_after("The server paused the answer", chars), remedy=resume)
        return Ending("truncated", error)
    return Ending(outcome)


def _arrived(chars: int) -> str:
    return f"{chars:,} characters had arrived" if chars else "no text had arrived"


def _after(what: str, chars: int) -> str:
    return f"{what} after {chars:,} characters." if chars else f"{what}; {_arrived(chars)}."


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
    )


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
