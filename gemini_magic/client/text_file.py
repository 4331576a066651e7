"""The file of ``--to``: the text of an answer, readable while it grows, in text and Markdown with a footer at the end.

It reads the ledger with a cursor. A file that cannot be written never stops a stream.
"""

from __future__ import annotations

import os
import re
import stat
import threading
from contextlib import suppress
from pathlib import Path
from typing import IO, Literal, TypeAlias

from ..errors import OptionError
from ..events import Note
from ..ledger import Ledger, answer_sources
from ..prices import add_costs, reported_cost
from ..private_files import open_private
from .answer_media import write_media

__all__ = ["Mode", "TextFile", "accepts_footer"]

Mode: TypeAlias = Literal["new", "overwrite", "append"]
_TEXT_SUFFIXES = ("", ".md", ".markdown", ".txt", ".text")
_TEXT_FORMATS = ("markdown", "md", "text")
_FOOTER_LINE = re.compile(rb"(?:Tokens|Cost|Status|Source \d+): [^\n]*")
_FOOTER_SIZE = 60_000  # bytes; no footer is longer
_SOURCES = 50  # that a footer lists
_SOURCE = 500  # characters of one


def accepts_footer(path: Path, form: str) -> bool:
    """Whether a footer can follow the text in a file: not in JSON, code or HTML.

    Args:
        path: the file.
        form: the value of ``--format``.
    """
    return form in _TEXT_FORMATS and path.suffix.lower() in _TEXT_SUFFIXES


class TextFile:
    """Writes the answer of one ledger to a file, each piece unbuffered.

    The file is opened at once, so that a file that cannot be written is found before the request is sent. The content of an
    existing file changes with the first text; without any text, it stays. What an earlier part of the same answer left in
    the file, and a footer without a text, is replaced in every mode. At the end, the media of the answer are written beside it.

    Args:
        path: the file, in an existing folder.
        ledger: the ledger of the answer.
        before: the earlier part of an answer that is resumed.
        mode: ``new`` refuses a file with content, ``overwrite`` replaces it, ``append`` writes behind it.
        footer: whether a footer is written.

    Attributes:
        problem: why the file could not be written to its end, or None.

    Raises:
        OptionError: the file cannot be written, or has content and ``mode`` is ``new``.
    """

    def __init__(
        self, path: Path, ledger: Ledger, *, before: str = "", mode: Mode = "new", footer: bool = True
    ) -> None:
        self.path = path
        self.problem: str | None = None
        self._ledger = ledger
        self._cursor = 0
        self._ends_line = True
        self._empty = True
        self._before = before
        self._footer = footer
        self._replaces = mode == "overwrite"
        self._lock = threading.Lock()
        try:
            self._kept, gap = _kept_content(path, before.encode("utf-8", "replace"), mode)
            self._gap = gap if footer else gap[1:]
            self._file: IO[bytes] | None = open_private(path, "ab")
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
            added = write_media(self._ledger, self.path, replace=self._replaces)
            self.problem = self.problem or added.problem
            if self._filled:
                self._close()
                message = f"No text arrived; {self.path} was not changed."
                return Note("kept", f"{message} {added.message}".rstrip())
            message = f"The text of the answer is in {self.path}."
            if self._empty:
                message = (
                    f"No text arrived; {self.path} {'holds only the status' if self._footer else 'is empty'}."
                )
            elif not self._footer and self._ledger.status != "complete":
                message = (
                    f"The text of the answer is in {self.path}; it is incomplete ({self._ledger.status})."
                )
            if self._footer:
                gap = "" if self._empty else "\n" if self._ends_line else "\n\n"
                self._write("\n".join((f"{gap}---", *_footer(self._ledger), "")))
            self._close()
            return None if self.problem else Note("written", f"{message} {added.message}".rstrip())

    def _begin(self) -> None:
        """Write the earlier part of this answer, behind the content that is kept."""
        self._filled = False
        if self._file is not None and stat.S_ISREG(os.fstat(self._file.fileno()).st_mode):
            with suppress(OSError):  # an append-only file
                self._file.truncate(self._kept)
        if self._kept:
            self._write(self._gap)
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


def _kept_content(path: Path, before: bytes, mode: Mode) -> tuple[int, str]:
    """How many bytes of a file are kept, and what separates them from a new answer.

    Raises:
        OptionError: the file has content, and ``mode`` is ``new``.
        OSError: the file cannot be read.
    """
    try:
        found = path.stat()
    except FileNotFoundError:
        return 0, ""
    if not stat.S_ISREG(found.st_mode) or not found.st_size or mode == "overwrite":
        return 0, ""
    if not before and mode == "new" and found.st_size > _FOOTER_SIZE:
        raise _exists(path)
    content = path.read_bytes()
    text = _without_footer(content)
    if before and text.endswith(before):
        content = text.removesuffix(before)
        if mode == "append":
            return len(content), ""  # what separates the answers is there already
    elif not text:
        content = b""
    if content and mode == "new":
        if before and content.startswith(before):
            return 0, ""
        raise _exists(path)
    return len(content), "\n" if content.endswith(b"\n") else "\n\n"


def _without_footer(content: bytes) -> bytes:
    """The content of a file without the footer of an answer, and without the blank lines before it."""
    *lines, last = content[-_FOOTER_SIZE:].split(b"\n")
    size = 0
    while not last and lines and _FOOTER_LINE.fullmatch(lines[-1]):
        size += len(lines.pop()) + 1
    if not size or not lines or lines[-1] != b"---":
        return content
    return content[: -size - len(b"---\n")].rstrip(b"\n")


def _exists(path: Path) -> OptionError:
    return OptionError(
        f"--to {path}: the file exists.",
        remedy="Add --overwrite to replace it or --append to write at its end, or choose another file.",
    )


def _footer(ledger: Ledger) -> list[str]:
    usage = ledger.usage
    lines = []
    if usage is not None and usage.total is not None:
        lines.append(f"Tokens: {usage.total}")
    model = ledger.model_version
    costs = [reported_cost(each.cost, source=ledger.backend, model=model) for each in ledger.rounds]
    cost = add_costs(costs) if costs else None
    if cost is not None:
        lines.append(f"Cost: ${cost.amount:.4f}")
    if ledger.status != "complete":
        lines.append(f"Status: {ledger.status}")
    sources = answer_sources(ledger).sources[:_SOURCES]
    lines += [f"Source {each.number}: {each.line[:_SOURCE]}" for each in sources]
    return lines or [f"Status: {ledger.status}"]
