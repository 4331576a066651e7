"""The file of ``--to``: the text of an answer, readable while it grows, with a footer at the end.

It reads the ledger with a cursor. A file that cannot be written never stops a stream.
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

__all__ = ["TextFile"]


class TextFile:
    """Writes the answer of one ledger to a file, each piece unbuffered.

    The file is opened at once, so that a file that cannot be written is found before the request is sent. The first
    text replaces the content of an existing file; without any text, the content stays.

    Args:
        path: the file, in an existing folder.
        ledger: the ledger of the answer.
        before: the earlier part of an answer that is resumed.

    Attributes:
        problem: why the file could not be written to its end, or None.

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
                remedy="Choose a file in an existing folder.",
            ) from None
        if not self._filled:
            self._begin()

    def write_new(self) -> None:
        """Write the text that has arrived since the last call."""
        with self._lock:
            pieces = self._ledger.answer[self._cursor :]
            if pieces and self._file is not None:
                self._cursor += len(pieces)
                if self._filled:
                    self._begin()
                self._write("".join(pieces))

    def finish(self) -> Note | None:
        """Write the rest and the footer of a closed ledger, and close the file. A second call has no effect.

        Returns:
            A note that names the file; None when the file could not be written to its end (see ``problem``).
        """
        self.write_new()
        with self._lock:
            if self._file is None:
                return None
            if self._filled:
                self._close()
                return Note("kept", f"No text arrived; {self.path} was not changed.")
            message = f"The text of the answer is in {self.path}."
            if self._empty:
                message = f"No text arrived; {self.path} holds only the status."
            gap = "" if self._empty else "\n" if self._ends_line else "\n\n"
            self._write("\n".join((f"{gap}---", *_footer(self._ledger), "")))
            self._close()
            return None if self.problem else Note("written", message)

    def _begin(self) -> None:
        """Replace the content of the file with the earlier part of this answer."""
        self._filled = False
        if self._file is not None and stat.S_ISREG(os.fstat(self._file.fileno()).st_mode):
            with suppress(OSError):  # an append-only file
                self._file.truncate(0)
        self._write(self._before)

    def close_in_child(self) -> None:
        """Close the file in a forked child without writing: it belongs to the parent."""
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
