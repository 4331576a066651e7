"""A question to the user: may this tool run with these arguments?"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Literal, TypeAlias

if TYPE_CHECKING:
    from .tool_runs import ToolRun

__all__ = ["Confirmation", "Decision"]

Decision: TypeAlias = Literal["run", "always", "skip", "stop"]
"""``always``: run it, and do not ask again about this tool in this session; ``skip``: tell the model that it was refused;
``stop``: end the answer."""


class Confirmation:
    """Waits for the decision of the user, which a button, a prompt or an interrupt gives; the first one counts.

    Args:
        run: the call that waits.
        lasting: whether the user may allow all calls of the tool. A decision ``always`` is ``run`` otherwise.

    Attributes:
        run, lasting: the same.
        shown: whether a view shows buttons for it.
    """

    def __init__(self, run: ToolRun, *, lasting: bool = True) -> None:
        self.run = run
        self.lasting = lasting
        self.shown = False
        self._decision: Decision | None = None
        self._decided = threading.Event()
        self._lock = threading.Lock()

    @property
    def decision(self) -> Decision | None:
        """The decision; None while the question is open."""
        return self._decision

    def decide(self, decision: Decision) -> None:
        """Decide; a later decision changes nothing."""
        with self._lock:
            if self._decision is None:
                self._decision = "run" if decision == "always" and not self.lasting else decision
        self._decided.set()

    def wait(self, timeout: float | None = None) -> Decision | None:
        """Wait for the decision, at most ``timeout`` seconds, and return it; None if there is none yet."""
        self._decided.wait(timeout)
        return self._decision
