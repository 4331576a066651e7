"""Records exchanges in a file while they happen. A file that cannot be written never stops a stream."""

from __future__ import annotations

import os
import re
import stat
import threading
from contextlib import suppress
from pathlib import Path
from typing import IO, Any, Literal

from ..errors import OptionError
from ..ledger import Exchange
from ..private_files import make_private_folder, open_private
from .jsonl import ExchangeLines, dump, highest_number, media_line, recorded_media

__all__ = ["Recorder", "check_recordable"]

_HEAD = 65536  # bytes in which the first line of a recording shows what it is
_RECORDING = re.compile(rb"(\xef\xbb\xbf)?\s*\{[^\n]*\"(exchange|v)\"\s*:")

_numbering = threading.Lock()
_last_numbers: dict[Path, int] = {}  # of the last exchange that this process began in each file


def check_recordable(path: Path) -> Path:
    """Check that recording into a file does not damage another kind of file; returns the path.

    Raises:
        OptionError: the file has content and is not a recording.
    """
    try:
        with path.open("rb") as file:
            regular = stat.S_ISREG(os.fstat(file.fileno()).st_mode)
            head = file.read(_HEAD) if regular else b""
    except OSError:  # it does not exist, or the recorder will report why it cannot be written
        return path
    if head.strip() and not _RECORDING.match(head):
        raise OptionError(
            f"--record {path}: the file exists and is not a recording.", remedy="Choose another file."
        )
    return path


class Recorder:
    """Appends exchanges to a file, line by line and unbuffered.

    Several recorders of one process may write to the same file at the same time; one recorder writes one exchange
    after another. A file that cannot be written ends the recording, never the stream.

    Args:
        path: the file; missing folders are made. A new file and new folders are private to their owner.
        append: False replaces the content of an existing file.

    Attributes:
        path: the file.
        problem: why the file could not be written, or None.
    """

    def __init__(self, path: Path, *, append: bool = True) -> None:
        self.path = path
        self.problem: str | None = None
        self._append = append
        self._file: IO[bytes] | None = None
        self._lock = threading.Lock()
        self._lines: ExchangeLines | None = None
        self._first = 0  # the number of the first exchange of the answer
        self._media = set[str]()  # the digests of the media in the file

    def begin(self, exchange: Exchange) -> None:
        """Begin an exchange: write its request, and the media in it that are not in the file yet."""
        with _numbering:  # the number is chosen and written in one step
            if self._file is None and self.problem is None:
                self._open()
            self.write_new()  # the calls of the answer before, which follow its end
            path = self.path.absolute()
            number = _last_numbers.get(path, -1) + 1
            _last_numbers[path] = number
            if not (exchange.round or exchange.attempt):
                self._first = number
            self._lines = ExchangeLines(number, exchange, self._first)
            for media in exchange.media.values():
                if media.digest not in self._media:
                    self._media.add(media.digest)
                    self._write_data(media_line(media))
            self._write(next(self._lines.new()))

    def write_new(self) -> None:
        """Write what the exchange has received since the last call: its head, pieces of its body, its end."""
        if self._lines is not None:
            for line in self._lines.new():
                self._write(line)

    def finish(self) -> None:
        """Write the calls of the last answer that no other request has followed, and close the file."""
        if self._lines is not None and self._lines.has_calls:
            if self._file is None and self.problem is None:
                self._open()
            self.write_new()
        self.close()

    def close(self) -> None:
        """Close the file."""
        with self._lock, suppress(OSError):
            if self._file is not None:
                self._file.close()
                self._file = None

    def _open(self) -> None:
        path = self.path.absolute()
        mode: Literal["ab", "wb"] = "ab" if self._append else "wb"
        try:
            try:
                self._file = open_private(self.path, mode)
            except FileNotFoundError:
                make_private_folder(self.path.parent)
                self._file = open_private(self.path, mode)
            # Only a regular file has a size; a pipe or a device is not read before it is written.
            before = self.path.read_bytes() if os.fstat(self._file.fileno()).st_size else b""
            if before and not before.endswith(b"\n"):
                self._file.write(b"\n")  # its last writer was killed while it wrote a line
        except OSError as error:
            self.problem = f"{self.path.name} cannot be written: {error.strerror or error}"
            self.close()
            return
        self._append = True
        self._media = recorded_media(before)
        # Another process may have written meanwhile, or the file may be a new one under an old name.
        last = highest_number(before)
        _last_numbers[path] = max(last, _last_numbers.get(path, -1)) if before else -1

    def _write(self, line: dict[str, Any]) -> None:
        self._write_data(dump(line))

    def _write_data(self, line: bytes | bytearray) -> None:
        with self._lock:
            if self._file is None:
                return
            try:
                data = memoryview(line)
                while data:
                    data = data[self._file.write(data) :]
            except OSError as error:
                self.problem = f"{self.path.name} could not be written completely: {error.strerror or error}"
                with suppress(OSError):
                    self._file.close()
                self._file = None
