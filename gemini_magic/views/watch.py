"""Draws a stream that somebody began from Python, until it is over: in a notebook live, in a terminal as text.

The cells of ``%%gemini`` have a pump of their own; this one blocks its caller.
"""

from __future__ import annotations

from typing import Any, Literal, Protocol

from IPython.core.getipython import get_ipython

from ..ledger import Ledger
from .select import select_view

__all__ = ["watch"]

_TICK = 0.09  # seconds
_REST = 0.03  # between looks at a stream that is busy


class WatchableStream(Protocol):
    """A stream, as far as it is watched."""

    @property
    def done(self) -> bool:
        """Whether it is over."""

    def wait_change(self, version: int, timeout: float | None = None) -> int:
        """Wait until there is something new."""

    def wait(self, timeout: float | None = None) -> bool:
        """Wait for the end."""

    def cancel(self, cause: Literal["interrupt", "stop"] = "interrupt") -> None:
        """Stop it."""


def watch(ledger: Ledger, stream: WatchableStream) -> None:
    """Draw until the stream is over; an interrupt stops it, and leaves the picture of what had come."""
    shell: Any = get_ipython()
    view = select_view(ledger, display="auto", shell=shell, allow_stdin=_allows_stdin(shell), stop=None)
    try:
        view.open()
        version = -1
        while not stream.done:
            version = stream.wait_change(version, _TICK)
            view.update()
            stream.wait(_REST)
    except KeyboardInterrupt:
        stream.cancel("interrupt")
        raise
    finally:
        stream.cancel("stop")
        view.close()


def _allows_stdin(shell: Any) -> bool:
    """Whether a front end with somebody in front of it runs this cell."""
    parent = shell.get_parent() if hasattr(shell, "get_parent") else {}
    return bool(parent.get("content", {}).get("allow_stdin")) if isinstance(parent, dict) else False
