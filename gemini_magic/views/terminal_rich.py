"""Renders a growing answer in a terminal with rich, which is optional. This is the only module that imports it.

Finished blocks are printed once. The unfinished end below them is overwritten by each paint, and is never higher than
a part of the screen.
"""

from __future__ import annotations

import os
import re
import shutil
import time
from collections.abc import Callable
from typing import Final, TextIO

from .. import markdown
from ..text import visible
from .encoding import similar_text, write_text

__all__ = ["RichPrinter", "RichProgress", "rich_printer", "rich_progress"]

_PAINT: Final = 0.1  # minimum seconds between two paints
# Pause as a multiple of the duration of a paint: painting takes a fifth of the time at most.
_DUTY: Final = 4.0
_END: Final = 3000  # characters of the unfinished end that are painted
_MAX_LINES: Final = 16  # maximum lines of it
_SPARE: Final = 4  # lines of the screen that stay free
_BAR: Final = 60  # columns of a progress bar
_MIN_COLUMNS: Final = 20  # columns; plain text is easier to read in a narrower terminal
# The colors of the terminal, on its own background, whether it is dark or light.
_CODE_THEME: Final = "ansi_dark"
_STYLES: Final = {"markdown.code": "bold cyan", "markdown.code_block": "cyan"}
_STYLE: Final = re.compile(r"\x1b\[[\d;]*m")


def rich_printer(out: TextIO, clock: Callable[[], float] = time.monotonic) -> RichPrinter | None:
    """Create a printer for a terminal that supports cursor movement; None for other streams and without rich."""
    if not _moves_cursor(out):
        return None
    try:
        return RichPrinter(out, clock)
    except ImportError:
        return None


def _moves_cursor(out: TextIO) -> bool:
    """Whether a stream is a terminal that supports cursor movement, and is not very narrow."""
    plain = os.environ.get("TERM", "").lower() in ("", "dumb", "unknown") and os.name != "nt"
    return not plain and out.isatty() and shutil.get_terminal_size().columns >= _MIN_COLUMNS


def rich_progress(out: TextIO) -> RichProgress | None:
    """Create a progress bar for a terminal that supports cursor movement; None for other streams and without rich."""
    if not _moves_cursor(out):
        return None
    try:
        return RichProgress(out)
    except ImportError:
        return None


class RichProgress:
    """A progress bar above a line of text, which overwrites itself.

    Args:
        out: a terminal.

    Raises:
        ImportError: rich is not installed.
    """

    def __init__(self, out: TextIO) -> None:
        from rich.console import Console  # noqa: PLC0415 - optional, and slow to import
        from rich.live import Live  # noqa: PLC0415 - the same
        from rich.text import Text  # noqa: PLC0415 - the same

        self._make_text = Text
        self._out = out
        console = Console(file=out, highlight=False, markup=False)
        self._live = Live(console=console, auto_refresh=False, transient=True, redirect_stdout=False)
        self._live.start()

    def show(self, percent: int | None, line: str) -> None:
        """Show how many percent are done, or None if that is not known, and a line of text."""
        width = min(_BAR, shutil.get_terminal_size().columns - 1)
        filled = width * (percent or 0) // 100
        text = self._make_text()
        if percent is not None:
            text.append(similar_text("━" * filled, self._out), style="green")
            text.append(similar_text("─" * (width - filled), self._out), style="dim")
            text.append("\n")
        text.append(similar_text(visible(line), self._out))
        self._live.update(text, refresh=True)

    def close(self) -> None:
        """Remove it."""
        self._live.stop()


class RichPrinter:
    """Prints one answer as rendered Markdown.

    Args:
        out: a terminal.
        clock: seconds, monotonic.

    Raises:
        ImportError: rich is not installed, or this version of it lacks a needed module.
    """

    def __init__(self, out: TextIO, clock: Callable[[], float]) -> None:
        from rich.console import Console  # noqa: PLC0415 - optional, and slow to import
        from rich.markdown import Markdown  # noqa: PLC0415 - the same
        from rich.theme import Theme  # noqa: PLC0415 - the same

        self._markdown = Markdown
        self._console = Console(file=out, highlight=False, markup=False, theme=Theme(_STYLES))
        self._out = out
        self._clock = clock
        self._blocks = markdown.FinishedBlocks()
        self._added: list[str] = []  # text that is not parsed yet
        self._below = 0  # lines of the unfinished end on the screen
        self._begun = False
        self._next = 0.0

    def add(self, text: str) -> None:
        """Add text of the answer; the next paint shows it."""
        self._added.append(similar_text(text, self._out))  # before it is wrapped: an escape is longer

    def paint(self, *, final: bool = False, ended: bool = False) -> None:
        """Print the finished blocks and, below them, the unfinished end.

        Args:
            final: paint in any case; otherwise only if the pause since the last paint is over.
            ended: no text follows, so all text is finished.
        """
        now = self._clock()
        if not final and (now < self._next or not self._added):
            return
        done = self._blocks.feed("".join(self._added)) + (self._blocks.close() if ended else "")
        self._added.clear()
        end = self._blocks.tail(_END)
        size = shutil.get_terminal_size()
        above = self._render(done, size.columns)
        between = "\n" if above and self._begun else ""
        self._begun = self._begun or bool(above)
        below = self._render(end, size.columns, finished=False)
        lines = below.splitlines(keepends=True)[-max(1, min(_MAX_LINES, size.lines - _SPARE)) :]
        if lines and self._begun:
            lines.insert(0, "\n")
        erase = f"\r\x1b[{self._below}A\x1b[J" if self._below else ""
        self._below = len(lines)
        write_text(self._out, "".join([erase, between, above, *lines]))
        self._out.flush()
        after = self._clock()
        self._next = max(now + _PAINT, after + _DUTY * (after - now))

    def render(self, text: str) -> str:
        """Render a whole text to lines for the terminal, without printing them."""
        return self._render(
            self._blocks.feed(text) + self._blocks.close(), shutil.get_terminal_size().columns
        )

    def _render(self, source: str, width: int, *, finished: bool = True) -> str:
        """Render Markdown to lines for the terminal; plain text if rich fails."""
        if not source.strip():
            return ""
        try:
            return self._render_rich(source, width, finished=finished)
        except Exception:  # noqa: BLE001 - the answer must be shown whatever fails
            return visible(source).strip("\n") + "\n"

    def _render_rich(self, source: str, width: int, *, finished: bool) -> str:
        document = self._markdown("", code_theme=_CODE_THEME, hyperlinks=False)
        # Our own parser: rich's parser does not show HTML as text.
        document.parsed = self._blocks.tokens(source, finished=finished)
        # One column stays free so that no line wraps: the number of lines must be known to overwrite them.
        with self._console.capture() as captured:
            self._console.print(document, width=width - 1)
        lines = [line.rstrip() for line in captured.get().split("\n")]
        nonblank = [at for at, line in enumerate(lines) if _STYLE.sub("", line).strip()]
        return "\n".join(lines[nonblank[0] : nonblank[-1] + 1]) + "\n" if nonblank else ""
