"""A view for places without a kernel: the answer as text, printed as it arrives.

It knows a text stream and nothing of notebooks; control characters never reach the terminal.
"""

from __future__ import annotations

import shutil
import sys
import time
from collections.abc import Callable
from typing import TextIO

from ..ledger import Ledger
from ..markdown import visible
from .excerpt import Excerpt, left_out
from .status import details, elapsed_of, status_line, waiting

__all__ = ["TerminalView"]

_DIM, _PLAIN = "\x1b[2m", "\x1b[0m"
_CLEAR = "\r\x1b[K"


class TerminalView:
    """Prints thoughts and answer as they come, and at the end how it ended.

    Args:
        ledger: the record.
        out: where to print; standard output, as it is when the view opens, by default.
        clock: seconds, monotonic.
    """

    def __init__(
        self, ledger: Ledger, out: TextIO | None = None, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._ledger = ledger
        self._excerpts = Excerpt(ledger, "thoughts"), Excerpt(ledger, "answer")
        self._out = out
        self._clock = clock
        self._begun = 0.0
        self._waiting = ""  # the line that counts down, as it stands in the terminal
        self._told = ("", 0)  # the wait that was told where nothing can be overwritten
        self._thoughts = self._answer = 0
        self._mode = ""
        self._held = ""  # a carriage return whose newline may follow
        self._at_line_start = True
        self._closed = False

    def open(self) -> None:
        """Nothing is printed before something arrives."""
        self._out = self._out or sys.stdout
        self._begun = self._clock() - elapsed_of(self._ledger)

    def update(self, *, final: bool = False) -> None:
        """Print what is new; thoughts that come after the answer has begun are not mixed into it."""
        self._wait()
        thoughts, answer = (
            excerpt[said:]
            for excerpt, said in zip(self._excerpts, (self._thoughts, self._answer), strict=True)
        )
        self._thoughts += len(thoughts)
        self._answer += len(answer)
        if self._mode != "answer" and thoughts:
            self._print("thinking", "".join(thoughts))
        if answer:
            self._print("answer", "".join(answer))
        if final and self._held:
            self._print(self._mode, "\n")

    def close(self) -> None:
        """Print how it ended, with a remedy where it did not end well."""
        if self._closed:
            return
        self._closed = True
        self._out = self._out or sys.stdout
        self.update(final=True)
        self._leave()
        told = details(self._ledger)
        lines = [*left_out(*self._excerpts), f"[{status_line(self._ledger)}]"]
        if told:
            lines += [f"{told.title} {told.message}".strip(), told.remedy]
        self._write("".join(f"{visible(line)}\n" for line in lines if line))

    def _wait(self) -> None:
        """While no request is on its way, say why and for how long: counting down where a line can be overwritten."""
        said = waiting(self._ledger, self._clock() - self._begun)
        line = f"[{visible(said)}]" if said else ""
        if self._out is not None and self._out.isatty():
            line = line[: shutil.get_terminal_size().columns - 1]  # a line that wraps cannot be overwritten
            if line != self._waiting:
                self._leave()
                self._write(f"{_CLEAR}{line}")
                self._waiting = line
            return
        which = (self._ledger.phase, len(self._ledger.exchanges)) if line else self._told
        if which != self._told:
            self._told = which
            self._leave()
            self._write(f"{line}\n")

    def _print(self, mode: str, text: str) -> None:
        text = self._held + text
        self._held = "\r" if text.endswith("\r") else ""
        shown = visible(text[: len(text) - len(self._held)])
        if not shown:
            return
        if mode != self._mode:
            self._leave()
            self._mode = mode
            if mode == "thinking":
                self._write(f"{self._dim()}thinking: ")
        self._write(shown)
        self._at_line_start = shown.endswith("\n")

    def _leave(self) -> None:
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
