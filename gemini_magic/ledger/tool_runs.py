"""The record of one function call of the model: what was called, whether and how it ran, and what was sent back."""

from __future__ import annotations

from typing import Any, Final, Literal, TypeAlias

from msgspec import Struct

from ..content import Blob, Call, CallResult

__all__ = ["OPEN_STATES", "ToolRun", "ToolState"]

ToolState: TypeAlias = Literal[
    "queued",
    "confirming",
    "running",
    "done",
    "failed",
    "refused",
    "skipped",
    "invalid",
    "not_offered",
    "timed_out",
    "stopped",
]

OPEN_STATES: Final[frozenset[ToolState]] = frozenset({"queued", "confirming", "running"})
"""The states after which another one follows."""


class ToolRun(Struct, frozen=True, eq=False, kw_only=True):
    """One call of the model. A change replaces the record, so that views notice it by its identity.

    Attributes:
        number: its position in ``Ledger.tool_runs``; it is also the number of the call among all function calls of the answer.
        round: the round whose answer contains the call.
        call: the call with its arguments in one piece.
        state: ``queued`` until it is its turn; ``confirming`` while the user is asked; ``running``; ``done``; ``failed``: it
            raised an exception; ``refused``: it raised ``ToolRefused``; ``skipped``: the user did not allow it; ``invalid``: the
            arguments do not fit; ``not_offered``: there is no such tool; ``timed_out``; ``stopped``: the user ended the cell.
        started: when it began to run, in seconds since the first request was sent; None if it did not run.
        seconds: how long it ran; None until it has ended.
        result: the JSON value that the model receives; None without one.
        message: why there is no result, in a sentence; empty if there is one.
        stdout, stderr: what it printed, up to a limit.
        displays: what it displayed, as MIME bundles; figures that it left open are among them.
        media: pictures and other media in the result.
        approved: who approved the run: ``you``, ``always`` (for this tool in this session), or empty if the user was not asked.
        still_running: whether it could not be stopped and was left running.
        in_thread: whether it runs beside the cell's thread, so that the Stop button can end it.
        sent: the part that is sent to the model; None until it is known.
        value: what the function returned; it is not in copies, recordings and pickles.
        error: the exception that it raised, with its traceback; likewise.
    """

    number: int
    round: int
    call: Call
    state: ToolState = "queued"
    started: float | None = None
    seconds: float | None = None
    result: Any = None
    message: str = ""
    stdout: str = ""
    stderr: str = ""
    displays: tuple[dict[str, Any], ...] = ()
    media: tuple[Blob, ...] = ()
    approved: str = ""
    still_running: bool = False
    in_thread: bool = False
    sent: CallResult | None = None
    value: Any = None
    error: BaseException | None = None

    def __reduce__(self) -> tuple[Any, ...]:
        names = [name for name in self.__struct_fields__ if name not in ("value", "error")]
        return _restored, ({name: getattr(self, name) for name in names},)

    @property
    def name(self) -> str:
        """The name of the function."""
        return self.call.name or ""

    @property
    def place(self) -> int:
        """The number of the call among all function calls of the answer, from 0."""
        return self.number

    @property
    def is_open(self) -> bool:
        """Whether it has not ended yet."""
        return self.state in OPEN_STATES


def _restored(fields: dict[str, Any]) -> ToolRun:
    return ToolRun(**fields)
