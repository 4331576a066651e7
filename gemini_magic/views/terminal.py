"""A view for places without a kernel: the answer printed as it arrives, as text or set by rich where that is there.

It knows a text stream and nothing of notebooks; control characters of an answer never reach the terminal.
"""

from __future__ import annotations

import shutil
import sys
import time
from collections.abc import Callable
from typing import TextIO

from ..ledger import Ledger
from ..markdown import visible
from .formats_live import markdown_transform, text_transform
from .snapshot import AnswerSnapshot
from .status import elapsed_seconds, wait_text
from .terminal_rich import RichPrinter, rich_printer
from .truncate import Excerpt

__all__ = ["TerminalView"]

_DIM, _PLAIN = "\x1b[2m", "\x1b[0m"
_CLEAR = "\r\x1b[K"


class TerminalView:
    """Prints thoughts and answer as they come, and at the end how it ended.

    Args:
        ledger: the record.
        out: where to print; standard output, as it is when the view opens, by default.
        clock: seconds, monotonic.
        plain: never set the answer as Markdown: somebody may type while it is printed.
    """

    def __init__(
        self,
        ledger: Ledger,
        out: TextIO | None = None,
        *,
        clock: Callable[[], float] = time.monotonic,
        plain: bool = False,
    ) -> None:
        self._ledger = ledger
        self._plain = plain or ledger.look.form in ("text", "raw")
        self._printer: RichPrinter | None = None
        self._transform = text_transform(ledger.look.form)
        self._excerpts = Excerpt(ledger, "thoughts"), Excerpt(ledger, "answer")
        self._out = out
        self._clock = clock
        self._begun = 0.0
        self._waiting = ""  # the line that counts down, as it stands in the terminal
        self._announced_wait = ("", 0)  # the wait that was told where nothing can be overwritten
        self._thoughts = self._answer = 0
        self._mode = ""
        self._held = ""  # a carriage return whose newline may follow
        self._at_line_start = True
        self._closed = False

    def open(self) -> None:
        """Nothing is printed before something arrives."""
        self._out = self._out or sys.stdout
        self._begun = self._clock() - elapsed_seconds(self._ledger)
        self._printer = None if self._plain else rich_printer(self._out, self._clock)
        if self._printer is not None:
            self._transform = markdown_transform(self._ledger.look.form)

    def update(self, *, final: bool = False) -> None:
        """Print what is new; thoughts that come after the answer has begun are not mixed into it."""
        self._show(final=final)

    def _show(self, *, final: bool, ended: bool = False) -> None:
        self._show_wait()
        thoughts, answer = (
            excerpt[said:]
            for excerpt, said in zip(self._excerpts, (self._thoughts, self._answer), strict=True)
        )
        self._thoughts += len(thoughts)
        self._answer += len(answer)
        if self._mode != "answer" and thoughts:
            self._print("thinking", "".join(thoughts))
        said = self._transformed("".join(answer), ended=ended)
        if self._printer is None:
            self._print("answer", said)
        else:
            if said:
                self._begin_section("answer")
                self._printer.add(said)
            self._printer.paint(final=final, ended=ended)
        if final and self._held:
            self._print(self._mode, "\n")

    def close(self) -> None:
        """Print how it ended, with a remedy where it did not end well."""
        if self._closed:
            return
        self._closed = True
        self._out = self._out or sys.stdout
        self._show(final=True, ended=True)
        self._end_section()
        snapshot = AnswerSnapshot(self._ledger)
        lines = [
            snapshot.thoughts.cut_note,
            snapshot.answer.cut_note,
            *snapshot.formatted.remarks,
            f"[{snapshot.status_line}]",
            *(snapshot.details.lines if snapshot.details else ()),
        ]
        self._write("".join(f"{visible(line)}\n" for line in lines if line))

    def _show_wait(self) -> None:
        """While no request is on its way, say why and for how long: counting down where a line can be overwritten."""
        said = wait_text(self._ledger, self._clock() - self._begun)
        line = f"[{visible(said)}]" if said else ""
        if self._out is not None and self._out.isatty():
            line = line[: shutil.get_terminal_size().columns - 1]  # a line that wraps cannot be overwritten
            if line != self._waiting:
                self._end_section()
                self._write(f"{_CLEAR}{line}")
                self._waiting = line
            return
        which = (self._ledger.phase, len(self._ledger.exchanges)) if line else self._announced_wait
        if which != self._announced_wait:
            self._announced_wait = which
            self._end_section()
            self._write(f"{line}\n")

    def _transformed(self, text: str, *, ended: bool) -> str:
        """The answer's new text as it is to be shown."""
        shape = self._transform
        if shape is None:
            return text
        return shape.feed(text) + (shape.close() if ended else "")

    def _print(self, mode: str, text: str) -> None:
        text = self._held + text
        self._held = "\r" if text.endswith("\r") else ""
        printed = visible(text[: len(text) - len(self._held)])
        if not printed:
            return
        self._begin_section(mode)
        self._write(printed)
        self._at_line_start = printed.endswith("\n")

    def _begin_section(self, mode: str) -> None:
        """From here on thoughts, or the answer."""
        if mode == self._mode:
            return
        self._end_section()
        self._mode = mode
        if mode == "thinking":
            self._write(f"{self._dim()}thinking: ")

    def _end_section(self) -> None:
        """End what is being printed: colours off, a new line."""
        if self._mode == "thinking":
            self._write(_PLAIN if self._dim() else "")
        if not self._at_line_start:
            self._write("\n")
            self._at_line_start = True

    def _dim(self) -> str:
        return _DIM if self._out is not None and self._out.isatty() else ""

    def _write(self, text: str) -> None:
        if self._out is not None and text:
            self._out.write(text)
            self._out.flush()
