"""A view for places without a kernel: prints the answer as it arrives, with rich if it is installed.

Control characters of an answer never reach the terminal.
"""

from __future__ import annotations

import shutil
import sys
import time
from collections.abc import Callable
from importlib import import_module
from typing import Any, Final, TextIO
from uuid import uuid4

from ..ledger import AnswerItem, Ledger, Pause, Transfer
from ..text import visible
from .answer_table import GrowingTable
from .encoding import write_text
from .formats_live import TextTransform, markdown_transform, text_transform
from .item_text import answer_markdown, item_markdown, item_plain
from .sections import ONE_DOCUMENT, SectionReader, hidden_note
from .snapshot import AnswerSnapshot, plain_notes
from .status import elapsed_seconds, wait_text
from .terminal_rich import RichPrinter, rich_printer
from .truncate import AFTER_STOP, Excerpt, TruncatedText, was_stopped

__all__ = ["TerminalView", "terminal_text"]

_ENDED: Final = "The request in the background has ended."
_DIM, _PLAIN = "\x1b[2m", "\x1b[0m"
_CLEAR = "\r\x1b[K"


def terminal_text(ledger: Ledger, out: TextIO | None = None) -> str:
    """An answer as a terminal displays the value of a cell; empty where Markdown cannot be rendered.

    Args:
        ledger: the record.
        out: the terminal; by default ``sys.stdout``.
    """
    printer = None if ledger.display.form in ("text", "raw") else rich_printer(out or sys.stdout)
    if printer is None:
        return ""
    snapshot = AnswerSnapshot(ledger)
    parts = [printer.render(answer_markdown(snapshot)).rstrip("\n")]
    parts += [visible(part) for part in plain_notes(snapshot)]
    return "\n\n".join(filter(None, parts))


class TerminalView:
    """Prints thoughts and answer as they arrive, and the status line at the end.

    Args:
        ledger: the record.
        out: the stream to print to; by default ``sys.stdout`` at the time when the view opens.
        clock: seconds, monotonic.
        plain: never render Markdown, because the user may type while the answer is printed.
        note: a sentence to show first, about a request that continues in the background.
        notebook: whether the note is shown as an output of its cell, which is removed at the end; a terminal prints it, and
            prints at the end that the request has ended.
    """

    def __init__(
        self,
        ledger: Ledger,
        out: TextIO | None = None,
        *,
        clock: Callable[[], float] = time.monotonic,
        plain: bool = False,
        note: str = "",
        notebook: bool = False,
    ) -> None:
        self._ledger = ledger
        self._note = note
        self._note_id = f"gemini-magic-{uuid4().hex}" if note and notebook else ""
        self._plain = plain or ledger.display.form in ("text", "raw")
        self._printer: RichPrinter | None = None
        self._transform = self._new_transform()
        self._thought_excerpt = Excerpt(ledger, "thoughts")
        self._sections = SectionReader(ledger, Excerpt(ledger, "answer"), ledger.display.form)
        self._out = out
        self._clock = clock
        self._started = 0.0
        self._waiting = ""  # the countdown that is on the last line of the terminal
        self._announced_wait = ("", 0)  # the last wait that was printed, where lines cannot be overwritten
        self._thoughts = 0
        self._text_has_begun = False
        self._in_text = False  # whether the last section is text that may continue
        self._mode = ""
        self._pending_cr = ""  # a carriage return that a newline may follow
        self._at_line_start = True
        self._closed = False

    def open(self) -> None:
        """Prepare for printing. Only the note is printed before data is received."""
        self._out = self._out or sys.stdout
        if self._note_id:
            self._show_note({"text/plain": f"[{self._note}]"})
        elif self._note:
            self._write(f"[{self._note}]\n")
        self._started = self._clock() - elapsed_seconds(self._ledger)
        self._printer = None if self._plain else rich_printer(self._out, self._clock)
        if self._printer is not None:
            self._transform = self._new_transform()

    def update(self, *, final: bool = False) -> None:
        """Print what is new. Thoughts that arrive after the text of the answer has begun are not printed."""
        self._show(final=final)

    def _show(self, *, final: bool, ended: bool = False) -> None:
        self._show_wait()
        thoughts = self._thought_excerpt[self._thoughts :]
        self._thoughts += len(thoughts)
        if not self._text_has_begun and thoughts:
            text = "".join(thoughts)
            self._print("thinking", text if self._mode == "thinking" else text.lstrip("\n"))
        pieces: list[str] = []
        for piece in self._sections.read(ended=ended):
            if isinstance(piece, str):
                pieces.append(piece)
                continue
            if pieces or self._in_text:
                self._print_answer("".join(pieces), final=True, ended=True)
            pieces.clear()
            self._print_item(piece)
        self._print_answer("".join(pieces), final=final, ended=ended)
        if final and self._pending_cr:
            self._print(self._mode, "\n")

    def close(self, *, error_follows: bool = False, interrupted: bool = False) -> None:
        """Print the rest and the status line, with the details of a bad ending unless the error follows."""
        if self._closed:
            return
        self._out = self._out or sys.stdout
        shown: dict[str, TruncatedText] = {}
        if interrupted or was_stopped(self._ledger):
            answer = self._sections.leave_out(AFTER_STOP)
            shown = {} if answer is None else {"answer": answer}
        self._show(final=True, ended=True)
        self._closed = True
        self._end_section()
        snapshot = AnswerSnapshot(self._ledger, error_follows=error_follows, shown=shown)
        lines = [
            "\n".join(["", *snapshot.sources.lines, ""]) if snapshot.sources else "",
            snapshot.thoughts.cut_note,
            snapshot.answer_cut_note,
            *snapshot.formatted.remarks,
            hidden_note(snapshot.items),
            *snapshot.warnings,
            f"[{snapshot.status_line}]",
            *(snapshot.shown_details.lines if snapshot.shown_details else ()),
        ]
        if self._note and not self._note_id:
            lines.append(f"[{_ENDED}]")
        self._write("".join(f"{visible(line)}\n" for line in lines if line))
        if self._note_id:
            self._show_note({"text/plain": "", "text/html": ""}, update=True)

    def _show_note(self, data: dict[str, str], *, update: bool = False) -> None:
        """Show the note in an output that is updated when the request has ended."""
        module: Any = import_module("IPython.display")  # only a notebook needs it
        show = module.update_display if update else module.display
        show(data, raw=True, display_id=self._note_id)

    def _show_wait(self) -> None:
        """Print why the next request is delayed; a terminal gets a countdown on one line."""
        confirming = self._ledger.phase == "confirming"  # the prompt shows it
        message = "" if confirming else wait_text(self._ledger, self._clock() - self._started)
        line = f"[{visible(message)}]" if message else ""
        if self._is_open() and self._out is not None and self._out.isatty():
            line = line[: shutil.get_terminal_size().columns - 1]  # a wrapped line cannot be overwritten
            if line != self._waiting:
                self._end_section()
                self._write(f"{_CLEAR}{line}")
                self._waiting = line
            return
        pause, phase = self._ledger.pause, self._ledger.phase
        wait = self._announced_wait
        if line and isinstance(pause, Transfer):
            wait = (f"{phase} {pause.name}", pause.number)
        elif line and isinstance(pause, Pause):
            wait = (phase, len(self._ledger.exchanges) + pause.attempt)
        elif line:  # a tool that runs or waits for the user
            wait = (line.partition(",")[0], self._ledger.round)
        if wait != self._announced_wait:
            self._announced_wait = wait
            self._end_section()
            self._write(f"{line}\n")

    def _print_answer(self, text: str, *, final: bool, ended: bool) -> None:
        """Print new text of the answer; ``ended``: nothing follows in this stretch of text."""
        self._in_text = self._in_text or bool(text)
        self._text_has_begun = self._text_has_begun or bool(text)
        text = self._transformed(text, ended=ended)
        if self._printer is None:
            self._print("answer", text)
            return
        if text:
            self._begin_section("answer")
            self._printer.add(text)
        self._printer.paint(final=final, ended=ended)

    def _print_item(self, item: AnswerItem) -> None:
        """Print a part that is not text; the text after it is a separate document."""
        self._begin_section("answer")
        self._in_text = False
        self._set_transform()
        if self._printer is not None:
            self._printer.add(item_markdown(item))
            self._printer.paint(final=True, ended=True)
            return
        line_start = "" if self._at_line_start else "\n"
        self._print("answer", f"{line_start}{item_plain(item)}\n")

    def _set_transform(self) -> None:
        """Begin to convert a new stretch of text; the text of JSON or a table is one document."""
        if self._ledger.display.form not in ONE_DOCUMENT:
            self._transform = self._new_transform()

    def _new_transform(self) -> TextTransform | None:
        form, is_markdown = self._ledger.display.form, self._printer is not None
        if form == "table":
            return GrowingTable(self._ledger, markdown=is_markdown)
        return markdown_transform(form) if is_markdown else text_transform(form)

    def _transformed(self, text: str, *, ended: bool) -> str:
        """Convert new text of the answer to the format in which it is shown."""
        transform = self._transform
        if transform is None:
            return text
        return transform.feed(text) + (transform.close() if ended else "")

    def _print(self, mode: str, text: str) -> None:
        text = self._pending_cr + text
        self._pending_cr = "\r" if text.endswith("\r") else ""
        printed = visible(text[: len(text) - len(self._pending_cr)])
        if not printed:
            return
        self._begin_section(mode)
        self._write(printed)
        self._at_line_start = printed.endswith("\n")

    def _begin_section(self, mode: str) -> None:
        """Begin to print the thoughts or the answer."""
        if mode == self._mode:
            return
        self._end_section()
        self._mode = mode
        if mode == "thinking":
            self._write(f"{self._dim()}thinking: ")

    def _end_section(self) -> None:
        """End the current section: reset the style and begin a new line."""
        if self._mode == "thinking":
            self._write(_PLAIN if self._dim() else "")
        if not self._at_line_start:
            self._write("\n")
            self._at_line_start = True

    def _dim(self) -> str:
        return _DIM if self._is_open() and self._out is not None and self._out.isatty() else ""

    def _is_open(self) -> bool:
        """Whether there is a stream to print to. It may be closed while a request continues in the background."""
        return self._out is not None and not getattr(self._out, "closed", False)

    def _write(self, text: str) -> None:
        if text and self._is_open() and self._out is not None:
            write_text(self._out, text)
            self._out.flush()
