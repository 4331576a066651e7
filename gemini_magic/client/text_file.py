"""A transcript: the answer's text in a file that can be read at every moment, with a footer at its end.

It reads a ledger by cursor; it does not know where the text comes from, and trouble with the file never stops a
stream.
"""

from __future__ import annotations

import os
import stat
import threading
from contextlib import suppress
from pathlib import Path
from typing import IO

from ..errors import OptionError
from ..events import Note
from ..ledger import Ledger
from ..prices import reported_cost

__all__ = ["Transcript"]


class Transcript:
    """Writes the answer of one ledger, each piece through to the file.

    The file is opened at once, so that an unusable one is found before anything is sent. What a file holds already
    is replaced when the first text comes, and stays when none does.

    Args:
        path: the file; its folder exists.
        ledger: whose answer it is.
        before: text that came earlier, of an answer that is gone on with.

    Raises:
        OptionError: the file cannot be written.
    """

    def __init__(self, path: Path, ledger: Ledger, *, before: str = "") -> None:
        self.path = path
        self.problem: str | None = None
        self._ledger = ledger
        self._cursor = 0
        self._ends_line = True
        self._empty = True
        self._before = before
        self._lock = threading.Lock()
        try:
            self._file: IO[bytes] | None = path.open("ab", buffering=0)
            self._filled = path.stat().st_size > 0
        except OSError as error:
            raise OptionError(
                f"--to {path}: the file cannot be written ({error.strerror or error}).",
                remedy="Name a file in a folder that exists.",
            ) from None
        if not self._filled:
            self._begin()

    def follow(self) -> None:
        """Write what is new."""
        with self._lock:
            pieces = self._ledger.answer[self._cursor :]
            if pieces and self._file is not None:
                self._cursor += len(pieces)
                if self._filled:
                    self._begin()
                self._write("".join(pieces))

    def finish(self) -> Note | None:
        """The ledger is closed: write the rest and the footer, and close the file. A second call changes nothing.

        Returns:
            Where the text is; None when it could not be written to its end, which ``problem`` tells.
        """
        self.follow()
        with self._lock:
            if self._file is None:
                return None
            if self._filled:
                self._close()
                return Note("kept", f"No text came; {self.path} is as it was.")
            words = f"The text of the answer is in {self.path}."
            if self._empty:
                words = f"No text came; {self.path} says only how it ended."
            gap = "" if self._empty else "\n" if self._ends_line else "\n\n"
            self._write("\n".join((f"{gap}---", *_footer(self._ledger), "")))
            self._close()
            return None if self.problem else Note("written", words)

    def _begin(self) -> None:
        """What the file held gives way to what came earlier of this answer."""
        self._filled = False
        if self._file is not None and stat.S_ISREG(os.fstat(self._file.fileno()).st_mode):
            with suppress(OSError):  # a file that only grows
                self._file.truncate(0)
        self._write(self._before)

    def forget(self) -> None:
        """This is a forked child: the file is its parent's."""
        self._lock = threading.Lock()
        self._close()

    def _write(self, text: str) -> None:
        if self._file is None or not text:
            return
        self._empty = False
        self._ends_line = text.endswith("\n")
        try:
            data = memoryview(text.encode("utf-8", "replace"))
            while data:
                data = data[self._file.write(data) :]
        except OSError as error:
            self.problem = f"{self.path.name} could not be written to its end: {error.strerror or error}"
            self._close()

    def _close(self) -> None:
        if self._file is not None:
            with suppress(OSError):
                self._file.close()
            self._file = None


def _footer(ledger: Ledger) -> list[str]:
    usage = ledger.usage
    lines = []
    if usage is not None and usage.total is not None:
        lines.append(f"Tokens: {usage.total}")
    cost = reported_cost(ledger.extras.get("cost"), source=ledger.backend, model=ledger.model_version)
    if cost is not None:
        lines.append(f"Cost: ${cost.amount:.4f}")
    if ledger.status != "complete":
        lines.append(f"Status: {ledger.status}")
    return lines or [f"Status: {ledger.status}"]
