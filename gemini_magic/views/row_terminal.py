"""Shows a run over many rows in a terminal or a script: a bar with rich, else a line that overwrites itself, else few lines."""

from __future__ import annotations

import shutil
import sys
import time
from collections.abc import Callable
from typing import Final, TextIO

from ..text import visible
from .encoding import write_text
from .row_progress import ProgressSource, RowProgress
from .row_static import rows_plain
from .row_text import SparseLines, percent_done, rows_line
from .terminal_rich import RichProgress, rich_progress

__all__ = ["TerminalRowsView"]

_PAINT: Final = 0.25  # minimum seconds between two updates
_CLEAR: Final = "\r\x1b[K"


class TerminalRowsView:
    """Shows the progress on the last lines of a terminal, and prints the summary at the end.

    A stream that is no terminal gets a line at the start, at each tenth of the rows, and once a minute.

    Args:
        run: the run.
        out: the stream; by default ``sys.stdout`` at the time when the view opens.
        name: the name of the run's variable.
        table: whether the summary contains the table of rows.
        clock: seconds, monotonic.
    """

    def __init__(
        self,
        run: ProgressSource,
        *,
        out: TextIO | None = None,
        name: str = "run",
        table: bool = True,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._run = run
        self._out = out
        self._name = name
        self._table = table
        self._clock = clock
        self._lines = SparseLines(clock)
        self._bar: RichProgress | None = None
        self._next = 0.0
        self._shown = ""
        self._ended = False

    def open(self) -> None:
        """Show the first line."""
        self._out = self._out or sys.stdout
        self._bar = rich_progress(self._out)
        self.update()

    def update(self, *, final: bool = False) -> None:
        """Show what is new, at most four times a second."""
        now = self._clock()
        if self._ended or (not final and now < self._next):
            return
        self._next = now + _PAINT
        progress = self._run.progress
        if not progress.ended:
            self._show(progress)

    def close(self, *, error_follows: bool = False, interrupted: bool = False) -> None:  # noqa: ARG002 - see View
        """Remove the progress and print the summary."""
        if self._ended:
            return
        self._ended = True
        out = self._out or sys.stdout
        if self._bar is not None:
            self._bar.close()
        elif self._shown:
            self._write(_CLEAR)
        progress = self._run.progress
        if not self._table:
            progress = progress._replace(rows=(), first=())
        write_text(out, f"{rows_plain(progress, name=self._name, error_follows=error_follows)}\n")
        out.flush()

    def _show(self, progress: RowProgress) -> None:
        line = visible(rows_line(progress))
        if self._bar is not None:
            self._bar.show(percent_done(progress), line)
        elif self._out is not None and self._out.isatty():
            line = line[: shutil.get_terminal_size().columns - 1]  # a wrapped line cannot be overwritten
            if line != self._shown:
                self._shown = line
                self._write(f"{_CLEAR}{line}")
        elif self._lines.due(progress):
            self._write(f"{line}\n")

    def _write(self, text: str) -> None:
        if self._out is not None:
            write_text(self._out, text)
            self._out.flush()
