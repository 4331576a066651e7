"""Creates and replaces files and folders that only their owner can read, because they hold prompts and answers.

A file that exists keeps its mode: its owner chose it.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import IO, Literal

__all__ = ["make_private_folder", "open_private", "replace_private", "write_all"]


def _opener(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def open_private(path: Path, mode: Literal["ab", "wb"]) -> IO[bytes]:
    """Open a file for writing, unbuffered; a new file gets the mode 0600 (the file system's own rules on Windows).

    Raises:
        OSError: it cannot be opened.
    """
    return open(path, mode, buffering=0, opener=_opener)


def write_all(file: IO[bytes], data: bytes | bytearray) -> None:
    """Write data to an unbuffered file, also if a disk that is nearly full takes it in parts.

    Raises:
        OSError: it cannot be written.
    """
    left = memoryview(data)
    while left:
        left = left[file.write(left) :]


def make_private_folder(path: Path) -> None:
    """Create a folder and its missing parents, each with the mode 0700. A folder that exists is not changed.

    Raises:
        OSError: it cannot be created, or is not a folder.
    """
    for folder in [*reversed(path.parents), path]:
        if not folder.is_dir():
            folder.mkdir(mode=0o700, exist_ok=True)


def replace_private(path: Path, data: bytes) -> None:
    """Write a whole file, so that it is never half written: readers find the old content or the new one.

    The folder and its missing parents are created.

    Raises:
        OSError: it cannot be written.
    """
    new = path.with_name(f"{path.name}.{os.getpid()}.{os.urandom(4).hex()}")
    make_private_folder(path.parent)
    try:
        with open_private(new, "wb") as file:
            write_all(file, data)
        new.replace(path)
    except OSError:
        new.unlink(missing_ok=True)
        raise
