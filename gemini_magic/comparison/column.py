"""One column of a comparison: its answer, the functions that the answer calls, and the requests that ask again for it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeAlias

from .. import views
from ..errors import GeminiMagicError
from ..response import Response

if TYPE_CHECKING:
    from ..client import Stream

__all__ = ["AskAgain", "ComparedColumn"]

AskAgain: TypeAlias = "Callable[[Response], Response | None]"
"""Sends a request for an answer that does not fit its schema, and returns at once; None where the answer is the last one."""


class ComparedColumn:
    """One column of a comparison.

    The threads and event loops that wait for the comparison call :meth:`step`, so plain functions of all columns run there,
    one after the other.

    Args:
        label: its heading.
        response: its response.
        ask_again: asks again for the answer when it has ended; None for an answer that is final.

    Attributes:
        label: the same.
        response: the newest response.
        shown: what a view shows of the column.
    """

    def __init__(self, label: str, response: Response, ask_again: AskAgain | None = None) -> None:
        self.label = label
        self.response = response
        self.shown = views.AnswerColumn(label, response.ledger, continues=ask_again is not None)
        self._ask_again = ask_again
        self._asking = threading.Lock()
        self._stopped: views.StopCause | None = None

    @property
    def running(self) -> bool:
        """Whether the answer is arriving, or may be requested again."""
        return self.shown.running or self.stream is not None

    @property
    def answers(self) -> tuple[Response, ...]:
        """The responses of the column, oldest first: those that did not fit their schema, and the newest one."""
        return (*self.response.repaired_from, self.response)

    @property
    def stream(self) -> Stream | None:
        """The stream of the newest answer while it is running; else None."""
        stream = self.response.stream
        return None if stream is None or stream.done else stream

    @property
    def blocks_next(self) -> bool:
        """Whether the next step runs a function on the calling thread."""
        stream = self.stream
        return stream is not None and stream.blocks_next

    def step(self) -> bool:
        """Run the next function, or ask again for an answer that has ended. Returns whether something was done."""
        stream = self.stream
        return self._follow() if stream is None else stream.step()

    async def step_awaited(self) -> bool:
        """The same on a running event loop, which runs ``async def`` functions."""
        stream = self.stream
        return self._follow() if stream is None else await stream.step_awaited()

    def cancel(self, cause: views.StopCause) -> None:
        """Stop the answer, and do not ask again."""
        self._stopped = self._stopped or cause
        self.shown.continues = False
        if self.response.stream is not None:
            self.response.stream.cancel(cause)

    def _follow(self) -> bool:
        """Ask again if the answer does not fit its schema; otherwise the column has ended."""
        if not self.shown.continues or not self._asking.acquire(blocking=False):
            return False
        try:
            found = self._asked_again()
            if found is None:
                self.shown.continues = False
                return True
            self.response = found
            self.shown.follow_with(found.ledger)
            if self._stopped is not None and found.stream is not None:
                found.stream.cancel(self._stopped)  # it was stopped while the request was prepared
        finally:
            self._asking.release()
        return True

    def _asked_again(self) -> Response | None:
        if self._ask_again is None or self._stopped is not None or self.response.status == "running":
            return None
        try:
            return self._ask_again(self.response)
        except GeminiMagicError as error:  # the other columns go on
            self.response.ledger.note("notice", f"Not asked again: {error}", severity="warning")
            return None
