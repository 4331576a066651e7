"""An event loop whose clock jumps to the next timer, so that a test of pauses takes no time and does not depend on the machine."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any


class VirtualTimeLoop(asyncio.SelectorEventLoop):
    """Instead of waiting for a timer, it sets its clock to the time of the timer. Without a timer, it waits for events as usual."""

    def __init__(self) -> None:
        super().__init__()
        self._now = 0.0
        select = self._selector.select

        def select_at_once(timeout: float | None = None) -> list[Any]:
            if timeout is None:
                return select(None)
            self._now += timeout
            return select(0)

        self._selector.select = select_at_once

    def time(self) -> float:
        """Seconds since the loop was made."""
        return self._now

    def advance(self, seconds: float) -> None:
        """Let time pass as code does that blocks the loop."""
        self._now += seconds


def run_in_virtual_time(coroutine: Coroutine[Any, Any, Any]) -> Any:
    """`asyncio.run` with a `VirtualTimeLoop`."""
    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        return runner.run(coroutine)
