"""The lock of a store: one process at a time may ask for its rows.

The lock is on a file beside the store, because closing any descriptor of an SQLite file drops SQLite's own locks on it
(https://www.sqlite.org/howtocorrupt.html, 2.2). The file names the owner for the message of the refusal.
"""

from __future__ import annotations

import errno
import os
import stat
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple
from weakref import WeakSet

import msgspec

from ..errors import StoreError
from ..text import one_line

__all__ = ["LockOwner", "StoreLock"]

_MAX_OWNER = 4096  # bytes of the file that are read
_NO_LINK = getattr(os, "O_NOFOLLOW", 0)  # the folder may come from a stranger, and the file is overwritten
_TRIES = 20  # the owner may remove the file while another process opens it


class LockOwner(NamedTuple):
    """The process that holds a lock.

    Attributes:
        host: name of its machine.
        pid: its process id.
        start: Unix time in seconds at which it took the lock.
    """

    host: str
    pid: int
    start: float

    @classmethod
    def current(cls) -> LockOwner:
        """This process, now."""
        return cls(_host(), os.getpid(), time.time())

    def __str__(self) -> str:
        try:
            since = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(self.start))
        except (ValueError, OverflowError, OSError):  # the file may hold any number
            since = "an unknown time"
        if self.pid == os.getpid() and self.host == _host():
            return f"this process since {since}"
        return f"process {self.pid} on {one_line(self.host)} since {since}"


def _host() -> str:
    return os.uname().nodename if hasattr(os, "uname") else os.environ.get("COMPUTERNAME", "")


class StoreLock:
    """A lock that ends with its process, also by ``kill -9``, and that a forked child does not keep.

    Args:
        path: the file of the lock. It is removed when the lock is released.

    Raises:
        StoreError: another process, or another part of this one, holds it; or the file cannot be written.
    """

    def __init__(self, path: Path, *, store: Path) -> None:
        self.path = path
        self._descriptor: int | None = None
        try:
            self._take(store)
        except OSError as error:
            raise StoreError(
                f"{path} cannot be written: {error.strerror or error}.",
                remedy="Remove that file, or choose a folder in which you may write: store=PATH.",
            ) from None
        _locks.add(self)

    def _take(self, store: Path) -> None:
        for _ in range(_TRIES):
            descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT | _NO_LINK, 0o600)
            if not _is_own(descriptor):
                os.close(descriptor)
                raise OSError(errno.ELOOP, "it is a link or not a file")
            if not _lock(descriptor):
                owner = _owner(descriptor)
                os.close(descriptor)
                raise StoreError(
                    f"{store} is in use by {owner or 'another process'}.",
                    remedy="Wait until that run has ended or stop it, or choose another file with store=PATH.",
                )
            if _is_file(descriptor, self.path):
                os.ftruncate(descriptor, 0)
                os.write(descriptor, msgspec.json.encode(LockOwner.current()))
                self._descriptor = descriptor
                return
            os.close(descriptor)  # its owner has removed it meanwhile
        raise StoreError(f"{self.path} changes all the time.", remedy="Run the cell again.")

    def release(self) -> None:
        """Release the lock and remove its file."""
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is None:
            return
        with suppress(OSError):
            if _is_file(descriptor, self.path):
                self.path.unlink()
        with suppress(OSError):
            os.close(descriptor)

    def drop(self) -> None:
        """Close the descriptor in a forked child, which leaves the lock to the parent."""
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            with suppress(OSError):
                os.close(descriptor)


def _is_file(descriptor: int, path: Path) -> bool:
    """Whether a descriptor is that of the file which now has this path."""
    try:
        return os.path.samestat(os.fstat(descriptor), path.stat())
    except FileNotFoundError:
        return False


def _is_own(descriptor: int) -> bool:
    """Whether a descriptor is that of a file without another name, which may be overwritten."""
    found = os.fstat(descriptor)
    return stat.S_ISREG(found.st_mode) and found.st_nlink <= 1


def _owner(descriptor: int) -> LockOwner | None:
    try:
        return msgspec.json.decode(os.pread(descriptor, _MAX_OWNER, 0), type=LockOwner)
    except (
        OSError,
        AttributeError,
        ValueError,
        RecursionError,
    ):  # the owner is writing it; Windows has no pread
        return None


if sys.platform == "win32":  # pragma: no cover - not on the machines of the tests
    import msvcrt

    def _lock(descriptor: int) -> bool:
        try:
            os.lseek(descriptor, _MAX_OWNER, os.SEEK_SET)  # a locked byte cannot be read
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
            os.lseek(descriptor, 0, os.SEEK_SET)
        except OSError:
            return False
        return True
else:
    import fcntl

    def _lock(descriptor: int) -> bool:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True


_locks: WeakSet[Any] = WeakSet()


def _after_fork() -> None:
    for lock in list(_locks):
        lock.drop()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
