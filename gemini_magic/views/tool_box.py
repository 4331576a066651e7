"""The widgets of a tool run in a growing answer: its line, its clock, and the buttons while it waits for the user.

The clock is a widget of its own, so a running tool changes neither the line nor what the reader has opened or selected.
"""

from __future__ import annotations

from functools import partial
from typing import Any, Final

from ..ledger import Confirmation, Decision, Ledger, ToolRun
from .item_html import confirmation_html
from .widgets import WidgetSet

__all__ = ["CONFIRM_MESSAGES", "ToolBox"]

CONFIRM_MESSAGES: Final = 9
"""The maximum number of messages to show the buttons of a confirmation."""

# Each button: its text, its decision, its icon, and what it does.
_BUTTONS: Final[tuple[tuple[str, Decision, str, str], ...]] = (
    ("Run", "run", "play", "Run this call once"),
    ("Skip", "skip", "step-forward", "Do not run it; the model learns that you refused"),
    ("Stop", "stop", "stop", "Do not run it, and end the answer"),
    (
        "Always for this tool in this session",
        "always",
        "",
        "Run it, and do not ask again about this tool until the kernel restarts",
    ),
)


class ToolBox:
    """Shows a tool run in widgets.

    Args:
        widgets: creates the widgets.
        html: the HTML of the run.

    Attributes:
        box: the widget that contains all others.
    """

    def __init__(self, widgets: WidgetSet, html: str) -> None:
        self._widgets = widgets
        self._line = widgets.html(html)
        self._clock: Any = None
        self._question: Confirmation | None = None
        self.box = widgets.box((self._line,), "gm-toolbox")

    def show(self, html: str) -> int:
        """Show another state of the run; returns the number of messages."""
        if html == self._line.value:
            return 0
        self._line.value = html
        return 1

    def update(self, run: ToolRun, clock: str, ledger: Ledger) -> int:
        """Show for how long the tool has been running, and the buttons while the run waits for the user.

        Args:
            run: the run.
            clock: for how long; empty if it is not running.
            ledger: the record, which has the open question.

        Returns:
            The number of messages.
        """
        question = ledger.confirmation
        if question is not None and (question.run.number != run.number or question.decision is not None):
            question = None
        messages = 0
        arranged = question is self._question
        if clock and self._clock is None:
            self._clock = self._widgets.html("")
            messages += 2
            arranged = False
        html = f'<span class="gm-clock">{clock}</span>' if clock else ""
        if self._clock is not None and self._clock.value != html:
            self._clock.value = html
            messages += 1
        if question is not self._question:
            self._question = question
            messages += CONFIRM_MESSAGES
        if not arranged:
            self._arrange()
        return messages

    def _arrange(self) -> None:
        children = [self._line, *filter(None, [self._clock])]
        if self._question is not None:
            children.append(self._buttons(self._question))
        self.box.children = tuple(children)

    def _buttons(self, question: Confirmation) -> Any:
        buttons = [
            self._widgets.button(text, partial(question.decide, decision), icon=icon, tooltip=tooltip)
            for text, decision, icon, tooltip in _BUTTONS
            if question.lasting or decision != "always"
        ]
        head = self._widgets.html(confirmation_html(question.run))
        question.shown = True
        return self._widgets.box((head, self._widgets.box(buttons, "gm-buttons")), "gm-confirm")
