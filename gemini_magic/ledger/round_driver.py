"""The interfaces between a stream and the driver of its rounds."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Literal, Protocol, TypeVar

if TYPE_CHECKING:
    from ..content import Request
    from ..errors import GeminiMagicError
    from .ledger import Ledger

__all__ = ["PausedStream", "RoundDriver"]

T = TypeVar("T")


class PausedStream(Protocol):
    """A stream, as a driver sees it between two rounds."""

    ledger: Ledger

    @property
    def between_rounds(self) -> bool:
        """Whether a round has ended whose calls have to be answered before the next one."""

    def now(self) -> float:
        """Seconds since the first request was sent; in a replay, as recorded."""

    def change(self, write: Callable[[Ledger], T]) -> T | None:
        """Write into the ledger and wake the waiters; None if the stream has ended."""

    def continue_with(self, request: Request) -> None:
        """Start the next round, unless the stream has ended.

        Raises:
            GeminiMagicError: the request is not valid.
        """

    def end(self, cause: Literal["end", "rounds", "failed"], error: GeminiMagicError | None = None) -> None:
        """End the stream: the calls are not run here, there were too many rounds, or the next one cannot start."""

    def cancel(self, cause: Literal["interrupt", "stop"]) -> None:
        """Stop the stream."""


class RoundDriver(Protocol):
    """Runs the functions that an answer calls, and starts the next round.

    The threads and event loops that wait for the stream call it; never the reader.
    """

    @property
    def runs_here(self) -> bool:
        """Whether the next step runs a function on the thread that waits, so that no view can be drawn meanwhile."""

    def step(self, stream: PausedStream) -> float | None:
        """Do the next thing on this thread, if there is one.

        Returns:
            0 if something was done; else after how many seconds to call again, None if only a change of the ledger matters.
        """

    async def step_awaited(self, stream: PausedStream) -> float | None:
        """The same on a running event loop."""

    def stop(self, ledger: Ledger, t: float) -> None:
        """End what still runs, because the stream ends, whatever the reason. Any thread may call it, also twice.

        Args:
            ledger: the ledger, which no other thread writes meanwhile.
            t: seconds since the first request was sent.
        """
