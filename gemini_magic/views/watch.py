"""Shows a stream that was started from Python code until it ends: live in a notebook, as text in a terminal.

``%%gemini`` cells do not use this module. The function here blocks its caller.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeAlias

from IPython.core.getipython import get_ipython

from ..errors import interrupts_raise, interrupts_wait
from ..ledger import Ledger
from .select import View, close_at_once, close_if_not_interrupted, select_columns_view, select_view, stop_hint

if TYPE_CHECKING:
    from .side_by_side import AnswerColumns

__all__ = ["StopCause", "has_user", "watch_columns", "watch_stream"]

StopCause: TypeAlias = Literal["interrupt", "stop"]
"""Who stops a stream: an interrupt of the kernel, or the Stop button."""

_TICK = 0.09  # seconds
_PAUSE = 0.03  # seconds between two updates while the stream is busy


class WatchableStream(Protocol):
    """The methods of a stream that are needed here."""

    @property
    def done(self) -> bool:
        """Whether the stream has ended."""

    def step(self) -> bool:
        """Go on to the next round, if one has ended; return whether something was done."""

    def wait_change(self, version: int, timeout: float | None = None) -> int:
        """Wait until the ledger has another version than ``version``; return the version."""

    def wait(self, timeout: float | None = None) -> bool:
        """Wait for the end of the stream; return whether it has ended."""

    def cancel(self, cause: Literal["interrupt", "stop"] = "interrupt") -> None:
        """Stop the stream."""


def watch_stream(ledger: Ledger, stream: WatchableStream) -> None:
    """Update a view until the stream ends. An interrupt stops the stream; what was received is shown."""
    shell: Any = get_ipython()
    user = has_user(shell)
    view = select_view(
        ledger, display="auto", shell=shell, allow_stdin=user, stop=None, stop_hint=stop_hint()
    )
    _watch(view, [stream])


def watch_columns(columns: AnswerColumns, streams: Sequence[WatchableStream]) -> None:
    """Update a view of answers side by side until all streams end. An interrupt stops all of them."""
    shell: Any = get_ipython()
    user = has_user(shell)
    view = select_columns_view(
        columns, display="auto", shell=shell, allow_stdin=user, stop=None, stop_hint=stop_hint()
    )
    _watch(view, streams)


def _watch(view: View, streams: Sequence[WatchableStream]) -> None:
    """Update a view until all streams end, or stop them at an interrupt or an error of the view."""
    try:
        with interrupts_raise():
            view.open()
            version = -1
            while running := [stream for stream in streams if not stream.done]:
                if not sum(stream.step() for stream in running):  # any() would step only the first ones
                    version = running[0].wait_change(version, _TICK)
                view.update()
                running[0].wait(_PAUSE)
    except KeyboardInterrupt:
        with interrupts_wait():
            for stream in streams:
                stream.cancel("interrupt")
        close_at_once(view, error_follows=True)
        raise
    except BaseException:
        for stream in streams:
            stream.cancel("stop")
        view.close()
        raise
    if not close_if_not_interrupted(view, error_follows=False):
        close_at_once(view, error_follows=False)
        raise KeyboardInterrupt


def has_user(shell: Any) -> bool:
    """Whether a user is at the page: the execute request allows input, or the kernel handles a widget's message."""
    parent = shell.get_parent() if hasattr(shell, "get_parent") else {}
    if not isinstance(parent, dict):
        return False
    return bool(
        parent.get("content", {}).get("allow_stdin") or parent.get("header", {}).get("msg_type") == "comm_msg"
    )
