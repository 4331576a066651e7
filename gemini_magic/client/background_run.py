"""Decides how an interaction that runs on a server is followed until it has ended: which request comes next, and when.

The events of such an interaction are requested as a stream, which servers close from time to time. When a stream is silent for
long, the state is read once; where a server has no stream, again and again. Nothing here sends or waits.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, NamedTuple

from ..events import Failure
from .retry import Outcome, backoff, worth_retrying

__all__ = ["BackgroundRun", "NextLook"]

_FRUITLESS: Final = 3  # streams without anything new after which the state is read instead
_FAILURES: Final = 3  # failures one after the other after which following ends, unless --retries allows more
_STREAM_PAUSE: Final = (
    0.5  # seconds before a stream is requested again, times the number of streams without anything new
)
_FIRST_PAUSE: Final = (
    2.0  # seconds between two readings of the state at first (ai.google.dev, "Background execution": 2 to 5)
)
_LONGEST_PAUSE: Final = 10.0  # seconds
_GROWTH: Final = 1.5
_NO_STREAM: Final = (
    400,
    404,
    405,
    406,
    415,
    416,
    501,
)  # what a server answers that has no stream of an interaction
_WORKING: Final = "the server is working"
_RECONNECTING: Final = "the server closed the stream"
_LOST: Final = "the connection was lost"


class NextLook(NamedTuple):
    """The next request about a running interaction.

    Attributes:
        stream: whether its events are requested; otherwise its state.
        wait: seconds to wait before.
        why: the reason for the wait, for the status line.
        failures: how many requests have failed one after the other before it.
    """

    stream: bool
    wait: float
    why: str
    failures: int = 0


class BackgroundRun:
    """Follows one interaction.

    Args:
        retries: how often a request is repeated that failed for a reason that passes.
        streams: whether streams are requested; otherwise only the state is read.
        pause: seconds to wait after a failure of this number, from 0.
    """

    def __init__(
        self, retries: int, pause: Callable[[int], float] = backoff, *, streams: bool = True
    ) -> None:
        self._most_failures = max(_FAILURES, retries)
        self._pause = pause
        self._streaming = streams
        self._fruitless = 0
        self._failures = 0
        self._reads = 0
        self._checking = False  # whether the state is read because a stream was silent

    def after(
        self, outcome: Outcome, failure: Failure | None, *, created: bool, progressed: bool
    ) -> NextLook | None:
        """What follows a request after which the interaction has not ended.

        Args:
            outcome: how the request ended.
            failure: the server's refusal, or the error in its stream.
            created: whether the request was the one that created the interaction.
            progressed: whether it brought anything new.

        Returns:
            None if following ends, because of a limit, the user, or an error that does not pass.
        """
        if failure is not None:
            return self._after_failure(failure, created=created)
        if outcome.cause in ("timeout", "full") or outcome.end in (
            "cancelled",
            "failed",
            "too large",
            "not sent",
        ):
            return None
        if outcome.end == "not connected" or (outcome.cause == "failed" and outcome.error is not None):
            return self._again(None, _LOST) if outcome.retryable else None
        self._failures = 0
        if outcome.cause == "stalled" and self._streaming:
            # A server that thinks for long is silent. But a stream that is lost on its way is silent as well.
            self._checking = True
            return NextLook(stream=False, wait=0.0, why=_WORKING)
        checked, self._checking = self._checking, False
        if created or progressed or checked:
            self._fruitless = self._reads = 0
            if self._streaming:
                wait = 0.0 if created else _STREAM_PAUSE
                return NextLook(stream=True, wait=wait, why=_RECONNECTING)
        elif self._streaming:
            self._fruitless += 1
            if self._fruitless <= _FRUITLESS:
                why = _LOST if outcome.cause == "cut" else _RECONNECTING
                return NextLook(stream=True, wait=_STREAM_PAUSE * self._fruitless, why=why)
            self._streaming = False
        return self._read()

    def _after_failure(self, failure: Failure, *, created: bool) -> NextLook | None:
        if worth_retrying(failure):
            return self._again(failure.retry_after, _reason(failure))
        if self._streaming and not created and failure.code in _NO_STREAM:
            self._streaming = False
            return NextLook(stream=False, wait=0.0, why=_WORKING)
        return None

    def _again(self, wait: float | None, why: str) -> NextLook | None:
        """The same request again after a failure that passes; None after too many of them."""
        self._failures += 1
        if self._failures > self._most_failures:
            return None
        pause = self._pause(self._failures - 1) if wait is None else wait
        return NextLook(self._streaming, pause, why, self._failures)

    def _read(self) -> NextLook:
        wait = min(_LONGEST_PAUSE, _FIRST_PAUSE * _GROWTH**self._reads)
        self._reads += 1
        return NextLook(stream=False, wait=wait, why=_WORKING)


def _reason(failure: Failure) -> str:
    return " ".join(str(each) for each in (failure.code, failure.status) if each) or failure.message
