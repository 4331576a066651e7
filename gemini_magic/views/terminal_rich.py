"""Prints a growing answer as set text in a terminal, with rich: finished blocks once, the unfinished end below them.

It is the only module that knows rich, which need not be installed. What is printed as finished is never printed
again; the end is overwritten with each picture, and is no higher than a part of the screen.
"""

from __future__ import annotations

import os
import re
import shutil
import time
from collections.abc import Callable
from typing import Final, TextIO

from .. import markdown

__all__ = ["Typesetter", "typesetter"]

_PAINT: Final = 0.1  # seconds between two pictures, at least
_DUTY: Final = 4.0  # a picture may take a fifth of the time
_END: Final = 3000  # characters of the unfinished end that are drawn
_HIGHEST: Final = 16  # lines of it, at most
_SPARE: Final = 4  # lines of the screen that it leaves free
_NARROWEST: Final = 20  # columns; below that set text is harder to read than plain
# The terminal's own colours on the terminal's own ground, be it dark or light.
_COLOURS: Final = "ansi_dark"
_STYLES: Final = {"markdown.code": "bold cyan", "markdown.code_block": "cyan"}
_STYLE: Final = re.compile(r"\x1b\[[\d;]*m")


def typesetter(out: TextIO, clock: Callable[[], float] = time.monotonic) -> Typesetter | None:
    """One for a terminal that can be drawn on; None for anything else, and without rich."""
    dull = os.environ.get("TERM", "").lower() in ("", "dumb", "unknown") and os.name != "nt"
    if dull or not out.isatty() or shutil.get_terminal_size().columns < _NARROWEST:
        return None
    try:
        return Typesetter(out, clock)
    except ImportError:
        return None


class Typesetter:
    """Sets one answer.

    Args:
        out: a terminal.
        clock: seconds, monotonic.

    Raises:
        ImportError: rich is not installed, or has other parts than this needs.
    """

    def __init__(self, out: TextIO, clock: Callable[[], float]) -> None:
        from rich.console import Console  # noqa: PLC0415 - need not be there, and takes a while to load
        from rich.markdown import Markdown  # noqa: PLC0415 - the same
        from rich.theme import Theme  # noqa: PLC0415 - the same

        self._set = Markdown
        self._console = Console(file=out, highlight=False, markup=False, theme=Theme(_STYLES))
        self._out = out
        self._clock = clock
        self._passages = markdown.FinishedBlocks()
        self._new: list[str] = []  # text that was not looked at yet
        self._below = 0  # lines of the unfinished end on the screen
        self._begun = False
        self._next = 0.0

    def add(self, text: str) -> None:
        """Take more of the answer; it is shown by the next picture."""
        self._new.append(text)

    def paint(self, *, final: bool = False, ended: bool = False) -> None:
        """Print what is finished and, below it, what is not.

        Args:
            final: in any case; otherwise if it is time for that.
            ended: nothing follows: all of it is finished.
        """
        now = self._clock()
        if not final and (now < self._next or not self._new):
            return
        done = self._passages.feed("".join(self._new)) + (self._passages.close() if ended else "")
        self._new.clear()
        end = self._passages.tail(_END)
        size = shutil.get_terminal_size()
        above = self._drawn(done, size.columns)
        between = "\n" if above and self._begun else ""
        self._begun = self._begun or bool(above)
        below = self._drawn(end, size.columns)
        lines = below.splitlines(keepends=True)[-max(1, min(_HIGHEST, size.lines - _SPARE)) :]
        if lines and self._begun:
            lines.insert(0, "\n")
        erase = f"\r\x1b[{self._below}A\x1b[J" if self._below else ""
        self._below = len(lines)
        self._out.write("".join([erase, between, above, *lines]))
        self._out.flush()
        after = self._clock()
        self._next = max(now + _PAINT, after + _DUTY * (after - now))

    def _drawn(self, source: str, width: int) -> str:
        """A source as lines for the terminal; as plain text where rich cannot set it."""
        if not source.strip():
            return ""
        try:
            return self._typeset(source, width)
        except Exception:  # noqa: BLE001 - whatever a library stumbles over, the answer must be seen
            return markdown.visible(source).strip("\n") + "\n"

    def _typeset(self, source: str, width: int) -> str:
        made = self._set("", code_theme=_COLOURS, hyperlinks=False)
        made.parsed = self._passages.tokens(source)  # our own dialect: to rich's, HTML is no text
        # One column stays free, so that no line wraps by itself: lines are counted to be overwritten.
        with self._console.capture() as caught:
            self._console.print(made, width=width - 1)
        lines = [line.rstrip() for line in caught.get().split("\n")]
        filled = [at for at, line in enumerate(lines) if _STYLE.sub("", line).strip()]
        return "\n".join(lines[filled[0] : filled[-1] + 1]) + "\n" if filled else ""
