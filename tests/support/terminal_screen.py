"""A pseudo-terminal with a program in it, and what its screen shows; knows the few control sequences views use."""

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
        sent: what the command wrote, decoded; the terminal itself turns a newline into two characters.
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

    def read(self, pattern: str | None = None, timeout: float = 20) -> str:
        """Read until a pattern has come since the last call, or to the program's end; returns what came."""
        start, deadline = len(self._raw), time.monotonic() + timeout
        while pattern is None or not re.search(pattern, self._raw[start:].decode("utf-8", "replace")):
            left = deadline - time.monotonic()
            assert left > 0, f"waited {timeout} s for {pattern!r}; came: {self.sent[-2000:]!r}"
            if not select([self._file], [], [], left)[0]:
                continue
            try:
                piece = os.read(self._file, 65536)
            except OSError:  # how Linux says that the program has ended
                piece = b""
            if not piece:
                assert pattern is None, f"ended before {pattern!r}; came: {self.sent[-2000:]!r}"
                break
            self._raw += piece
        return self._raw[start:].decode("utf-8", "replace")

    def screen(self) -> list[str]:
        """The lines that stand on the paper, those scrolled off the top included."""
        rows, row, column = [""], 0, 0
        for token in _TOKEN.finditer(self.sent):
            said, final = token[0], token[2]
            if final == "A":
                # Lines that scrolled off cannot be reached any more.
                row = max(len(rows) - self.lines, row - int(token[1] or 1), 0)
            elif final == "J":
                del rows[row + 1 :]
                rows[row] = rows[row][:column]
            elif final == "K":
                rows[row] = rows[row][:column]
            elif said == "\r":
                column = 0
            elif said == "\n":
                row += 1
                rows += [""] * (row + 1 - len(rows))
            elif final is None and said not in ("\b", "\x1b"):
                for char in said:
                    if column == self.columns:
                        row, column = row + 1, 0
                        rows += [""] * (row + 1 - len(rows))
                    rows[row] = rows[row].ljust(column)[:column] + char + rows[row][column + 1 :]
                    column += 1
        return [line.rstrip() for line in rows]


def python(code: str, **options: object) -> Terminal:
    """A terminal in which a Python program runs."""
    return Terminal([sys.executable, "-c", code], **options)  # type: ignore[arg-type]
