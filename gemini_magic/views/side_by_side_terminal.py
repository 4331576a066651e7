"""Answers side by side in a terminal: one below the other, each under its label, then the table of figures.

All answers arrive at the same time. The terminal prints the first one as it arrives, then the others.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import Any, TextIO

from IPython.core.getipython import get_ipython

from ..ledger import Ledger
from ..text import visible
from .encoding import write_text
from .side_by_side import AnswerColumns, ColumnsSnapshot, columns_bundle, table_text
from .terminal import TerminalView, terminal_text

__all__ = ["TerminalColumnsView", "columns_value_bundle"]


class TerminalColumnsView:
    """Prints the answers in their order.

    Args:
        columns: the answers.
        out: the stream to print to; by default ``sys.stdout`` at the time when the view opens.
        clock: seconds, monotonic.
        plain: never render Markdown.
    """

    def __init__(
        self,
        columns: AnswerColumns,
        out: TextIO | None = None,
        *,
        clock: Callable[[], float] = time.monotonic,
        plain: bool = False,
    ) -> None:
        self._columns = columns
        self._out = out
        self._clock = clock
        self._plain = plain
        self._place = -1
        self._view: TerminalView | None = None
        self._shown: Ledger | None = None
        self._closed = False

    def open(self) -> None:
        """Print the label of the first answer."""
        self._out = self._out or sys.stdout
        self._next_column()

    def update(self, *, final: bool = False) -> None:
        """Print what is new of the first answer that has not ended, and go on to the next one if it has."""
        while self._view is not None:
            column = self._columns.columns[self._place]
            if column.ledger is self._shown and column.running:
                self._view.update(final=final)
                return
            self._view.close()
            self._next_answer()

    def close(self, *, error_follows: bool = False, interrupted: bool = False) -> None:  # noqa: ARG002 - each column shows its error
        """Print the rest of all answers, the table and the common status line."""
        if self._closed:
            return
        if self._place < 0:
            self.open()
        while self._view is not None:
            self._view.close(interrupted=interrupted)
            self._next_answer()
        status = f"[{visible(ColumnsSnapshot(self._columns).status_line)}]"
        text = f"\n{table_text(self._columns.cells())}\n{status}\n"
        self._closed = True
        self._write(text)

    def _next_column(self) -> None:
        self._place += 1
        if self._place == len(self._columns.columns):
            self._view = None
            return
        column = self._columns.columns[self._place]
        self._write(f"{'' if not self._place else chr(10)}── {visible(column.label)} ──\n")
        self._open((*column.earlier, column.ledger)[0])

    def _next_answer(self) -> None:
        """Go on to the answer that follows in the same column, or else to the next column."""
        column = self._columns.columns[self._place]
        if self._shown is column.ledger:
            self._next_column()
            return
        answers = (*column.earlier, column.ledger)
        number = next(at for at, each in enumerate(answers) if each is self._shown)
        self._write(f"{column.heading(number)}.\n\n")
        self._open(answers[number + 1])

    def _open(self, ledger: Ledger) -> None:
        self._shown = ledger
        self._view = TerminalView(ledger, self._out, clock=self._clock, plain=self._plain)
        self._view.open()

    def _write(self, text: str) -> None:
        if self._out is not None and not getattr(self._out, "closed", False):
            write_text(self._out, text)
            self._out.flush()


def columns_value_bundle(columns: AnswerColumns) -> dict[str, Any]:
    """The MIME bundle of answers that are the value of a cell. In a terminal, their text is rendered Markdown."""
    made = columns_bundle(columns)
    shell = get_ipython()
    if shell is not None and getattr(shell, "kernel", None) is None:
        made["text/plain"] = _terminal_text(columns) or made["text/plain"]
    return made


def _terminal_text(columns: AnswerColumns) -> str:
    """Answers as a terminal displays them; empty where Markdown cannot be rendered."""
    texts = [(each.label, terminal_text(each.ledger)) for each in columns.columns]
    if not all(text for _, text in texts):
        return ""
    shown = [f"── {visible(label)} ──\n\n{text}" for label, text in texts]
    status = f"[{visible(ColumnsSnapshot(columns).status_line)}]"
    return "\n\n".join([*shown, table_text(columns.cells()), status])
