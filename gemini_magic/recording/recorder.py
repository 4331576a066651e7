"""The recorder: appends exchanges to a file while they happen.

It decides neither what is recorded nor how a line looks, and a file that cannot be written never stops a stream.
"""

from __future__ import annotations

import os
import threading
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

from ..ledger import Exchange
from .jsonl import dump, end_line, head_line, last_number, piece_line, request_line

__all__ = ["Recorder"]

_opening = threading.Lock()
_numbers: dict[Path, int] = {}  # the last exchange this process began in each file


class Recorder:
    """Appends exchanges to a file, a line at a time, each written through.

    A file that cannot be written ends the recording, never the stream; ``problem`` then says why. Several recorders
    of one process may write to the same file at the same time; one recorder writes one exchange after another.

    Args:
        path: the file; folders are made.
        append: False begins the file anew.
    """

    def __init__(self, path: Path, *, append: bool = True) -> None:
        self.path = path
        self.problem: str | None = None
        self._append = append
        self._file: IO[bytes] | None = None
        self._lock = threading.Lock()
        self._number = -1

    def begin(self, exchange: Exchange) -> None:
        """A request goes out."""
        with _opening:  # a number is taken and made visible in one step
            if self._file is None and self.problem is None:
                self._open()
            place = self.path.absolute()
            self._number = _numbers.get(place, -1) + 1
            _numbers[place] = self._number
            self._write(request_line(self._number, exchange))

    def head(self, exchange: Exchange) -> None:
        """The head of its answer came."""
        self._write(head_line(self._number, exchange))

    def piece(self, t: float, piece: bytes) -> None:
        """A piece of its body came, ``t`` seconds after the request was sent."""
        self._write(piece_line(self._number, t, piece))

    def end(self, how: str, problem: str | None = None) -> None:
        """It is over; ``how`` is ``eof`` or says what happened, ``problem`` why it brought no answer."""
        self._write(end_line(self._number, how, problem))

    def close(self) -> None:
        """Close the file."""
        with self._lock, suppress(OSError):
            if self._file is not None:
                self._file.close()
                self._file = None

    def _open(self) -> None:
        place = self.path.absolute()
        mode = "ab" if self._append else "wb"
        try:
            try:
                self._file = self.path.open(mode, buffering=0)
            except FileNotFoundError:
                self.path.parent.mkdir(parents=True, exist_ok=True)
                self._file = self.path.open(mode, buffering=0)
            # Only a file has a size; a pipe or a device is not read before it is written.
            before = self.path.read_bytes() if os.fstat(self._file.fileno()).st_size else b""
            if before and not before.endswith(b"\n"):
                self._file.write(b"\n")  # its last writer was killed in mid-line
        except OSError as error:
            self.problem = f"{self.path.name} cannot be written: {error.strerror or error}"
            self.close()
            return
        self._append = True
        # Another process may have written meanwhile, or the file may be a new one under an old name.
        last = last_number(before)
        _numbers[place] = max(last, _numbers.get(place, -1)) if before else -1

    def _write(self, line: dict[str, Any]) -> None:
        with self._lock:
            if self._file is None:
                return
            try:
                data = memoryview(dump(line))
                while data:
                    data = data[self._file.write(data) :]
            except OSError as error:
                self.problem = f"{self.path.name} could not be written to its end: {error.strerror or error}"
                with suppress(OSError):
                    self._file.close()
                self._file = None
