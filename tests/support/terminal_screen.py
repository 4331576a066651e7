"""Runs a program in a pseudo-terminal and shows its screen; supports the control sequences that views use."""

from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import re
import signal
import struct
import sys
import termios
import time
from collections.abc import Sequence
from select import select
from types import TracebackType
from typing import Self

_TOKEN = re.compile(r"\x1b\[([?\d;]*)([A-Za-z])|[\r\n\b]|[^\x1b\r\n\b]+|\x1b")


class Terminal:
    """Runs a command in a terminal of a given size.

    Attributes:
        sent: the decoded output of the command; the terminal converts each newline to two characters.
    """

    def __init__(
        self, command: Sequence[str], *, columns: int = 80, lines: int = 24, env: dict[str, str] | None = None
    ) -> None:
        self.columns, self.lines = columns, lines
        self._raw = b""
        self._pid, self._file = pty.fork()
        if self._pid == 0:
            os.environ.update({"TERM": "xterm-256color", **(env or {})})
            for name in ("COLUMNS", "LINES", "NO_COLOR"):
                os.environ.pop(name, None)
            fcntl.ioctl(1, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))
            os.execvp(command[0], list(command))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(self._pid, signal.SIGKILL)
        os.waitpid(self._pid, 0)
        os.close(self._file)

    @property
    def sent(self) -> str:
        return self._raw.decode("utf-8", "replace")

    def type(self, keys: str) -> None:
        os.write(self._file, keys.encode())

    def read(self, pattern: str | None = None, timeout: float = 60.0) -> str:
        """Read until the new output matches a pattern, or until the program ends; return the new output."""
        start, deadline = len(self._raw), time.monotonic() + timeout
        while pattern is None or not re.search(pattern, self._raw[start:].decode("utf-8", "replace")):
            left = deadline - time.monotonic()
            assert left > 0, f"no {pattern!r} within {timeout} s; output: {self.sent[-2000:]!r}"
            if not select([self._file], [], [], left)[0]:
                continue
            try:
                piece = os.read(self._file, 65536)
            except OSError:  # raised on Linux when the program has ended
                piece = b""
            if not piece:
                assert pattern is None, f"ended before {pattern!r}; output: {self.sent[-2000:]!r}"
                break
            self._raw += piece
        return self._raw[start:].decode("utf-8", "replace")

    def screen(self) -> list[str]:
        """All lines of the screen, including those that were scrolled off the top."""
        rows, row, column = [""], 0, 0
        for token in _TOKEN.finditer(self.sent):
            text, final = token[0], token[2]
            if final == "A":
                # The cursor cannot reach lines that were scrolled off.
                row = max(len(rows) - self.lines, row - int(token[1] or 1), 0)
            elif final == "J":
                del rows[row + 1 :]
                rows[row] = rows[row][:column]
            elif final == "K":
                rows[row] = rows[row][:column]
            elif text == "\r":
                column = 0
            elif text == "\n":
                row += 1
                rows += [""] * (row + 1 - len(rows))
            elif final is None and text not in ("\b", "\x1b"):
                for char in text:
                    if column == self.columns:
                        row, column = row + 1, 0
                        rows += [""] * (row + 1 - len(rows))
                    rows[row] = rows[row].ljust(column)[:column] + char + rows[row][column + 1 :]
                    column += 1
        return [line.rstrip() for line in rows]


def python(code: str, **options: object) -> Terminal:
    """A terminal that runs a Python program."""
    return Terminal([sys.executable, "-c", code], **options)  # type: ignore[arg-type]
