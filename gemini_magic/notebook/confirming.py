"""How the user of a cell decides whether a tool may run: with buttons in the cell, or at a prompt."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from .. import tools as toolbox
from .. import views
from ..options import Options
from . import kernel

if TYPE_CHECKING:
    from ..ledger import Confirmation
    from ..views import View

__all__ = ["CellConfirmer", "confirmer_for"]


class CellConfirmer:
    """Shows a question about a tool to the user of a cell.

    Args:
        buttons: whether the view has buttons that work while the cell runs.
        prompt: whether the user can type an answer.

    Attributes:
        column: the label of the column in a comparison, which a prompt names.
        view: the view of the answer, which is brought up to date before a prompt; None before there is one.
    """

    def __init__(self, *, buttons: bool, prompt: bool) -> None:
        self._buttons, self._prompt = buttons, prompt
        self.column = ""
        self.view: View | None = None

    def __call__(self, question: Confirmation) -> None:
        """Ask; with buttons, the decision comes later. Where the widgets have failed, a prompt replaces them.

        Raises:
            KeyboardInterrupt: the user interrupted the prompt.
        """
        if self.view is not None:
            self.view.update(final=True)
        if self._buttons and (question.shown or not self._prompt):
            return
        with toolbox.interruptible():
            toolbox.decide_at_prompt(
                question, input, lambda text: views.write_text(sys.stdout, text), self.column
            )


def confirmer_for(shell: Any, options: Options, *, awaited: bool, background: bool) -> CellConfirmer | None:
    """Return how the user of the current cell is asked; None where no user can answer.

    Args:
        shell: the IPython shell.
        options: the options of the cell.
        awaited: whether the cell is awaited, so that the kernel handles clicks.
        background: whether the cell returns before its answer ends.
    """
    live = kernel.has_kernel(shell) and options.display in ("auto", "live") and not options.quiet
    user = kernel.allows_input(shell) or kernel.handles_widget(shell)
    buttons = live and (background or (user and kernel.stop_button_works(shell, awaited=awaited)))
    prompt = kernel.allows_input(shell) and not background
    return CellConfirmer(buttons=buttons, prompt=prompt) if buttons or prompt else None
