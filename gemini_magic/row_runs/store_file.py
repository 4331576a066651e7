"""The SQLite file of a store: opening, checking and closing it.

A new file is readable by its owner only, and so are the files that SQLite keeps beside it.
"""

from __future__ import annotations

import errno
import os
import re
import stat
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Final

import msgspec

from ..errors import StoreError
from ..private_files import make_private_folder
from ..text import one_line, short_line
from .store_errors import store_errors
from .store_lock import LockOwner
from .store_schema import APPLICATION_ID, FORM, SCHEMA
from .store_sqlite import sqlite3

__all__ = [
    "WritableFile",
    "connect_reader",
    "copy_file",
    "create_private",
    "file_system_of",
    "is_network_path",
    "recover",
    "transaction",
    "whole_path",
]

_WAIT = 10.0  # seconds to wait for a lock of SQLite: a reader that is checkpointing
_CACHE = -16_000  # KiB of pages in memory, for writing
_READING_CACHE = -4_000  # the same for reading, which goes through the file once
_CHECKPOINT = 4_000  # pages in the write-ahead log from which it is written back
_LOG, _MEMORY, _JOURNAL = "-wal", "-shm", "-journal"
_NO_SHARED_MEMORY = ("SQLITE_IOERR_SHM", "SQLITE_PROTOCOL", "SQLITE_CANTOPEN")
_LARGE_LOG = 128 << 20  # bytes of the log from which the user is informed
_OBJECTS: Final = {
    re.split(r"\(| ON ", sql)[0].split()[-1]: sql for sql in SCHEMA
}  # tables and indexes by name
_ADDRESS: Final = re.compile(r"[a-zA-Z][a-zA-Z0-9+.-]+://")
_NETWORK: Final = """
    nfs nfs4 cifs smb2 smb3 smbfs 9p afs ceph glusterfs lustre gpfs beegfs fhgfs davfs ncpfs orangefs pvfs2 vboxsf prl_fs
    drvfs fuse.sshfs fuse.s3fs fuse.gcsfuse fuse.rclone fuse.glusterfs fuse.ceph fuse.cephfs fuse.davfs2 fuse.blobfuse
    fuse.blobfuse2 fuse.goofys fuse.vmhgfs-fuse fuse.juicefs fuse.google-drive"""
"""File systems on which the memory that SQLite's write-ahead log shares is not safe (https://www.sqlite.org/wal.html)."""


@contextmanager
def transaction(db: sqlite3.Connection) -> Iterator[None]:
    """Run a block as one transaction."""
    db.execute("BEGIN IMMEDIATE")
    try:
        yield
        db.execute("COMMIT")
    except BaseException:
        with suppress(sqlite3.Error):
            db.execute("ROLLBACK")  # SQLite has done so already after some errors
        raise


# -- file systems


def file_system_of(path: Path, mounts: str) -> str:
    """Return the type of the file system that holds a path, such as ``ext4``; empty if it is not known.

    Args:
        path: an absolute path.
        mounts: the text of ``/proc/self/mounts`` (proc(5)).
    """
    found = longest = ""
    for line in mounts.splitlines():
        fields = line.split(" ")
        if len(fields) < 3:  # noqa: PLR2004 - device, folder, type
            continue
        folder = fields[1].encode("latin-1", "replace").decode("unicode_escape")
        if path.is_relative_to(folder) and len(folder) >= len(longest):
            found, longest = fields[2], folder
    return found


def is_network_path(path: Path) -> bool:
    """Whether a file is on the disk of another machine, as far as the system reports it."""
    whole = path.resolve()
    if sys.platform == "win32":
        return whole.drive.startswith("\\\\")
    try:
        mounts = Path("/proc/self/mounts").read_text("utf-8", "replace")
    except OSError:
        return False
    return file_system_of(whole, mounts) in _NETWORK.split()


# -- opening


def whole_path(path: str | os.PathLike[str]) -> Path:
    """The path of a file without links, because the lock and the log of a store are beside the file itself.

    Raises:
        StoreError: it is not the path of a file.
    """
    remedy = "Choose a file: store=NAME.rows.sqlite."
    try:
        written = os.fsdecode(path)
        if _ADDRESS.match(written):
            raise StoreError(f"{one_line(written)} is an address on the Internet, not a file.", remedy=remedy)
        whole = Path(written).expanduser().resolve()
        whole.is_dir()  # it raises if a name is too long
    except (
        TypeError,
        ValueError,
        RuntimeError,
        OSError,
    ) as error:  # RuntimeError: links in a circle, or no home
        reason = getattr(error, "strerror", None) or error
        raise StoreError(
            f"store={short_line(repr(path), 100)} cannot be used: {reason}.", remedy=remedy
        ) from None
    return whole


def check_beside(path: Path) -> None:
    """Refuse files beside a store that SQLite would write into it, and that someone else may have put there.

    A store has a write-ahead log (``-wal``) with its memory (``-shm``), and on a network drive a rollback journal
    (``-journal``). SQLite applies any such file when it opens the store.

    Raises:
        StoreError: such a file is a link, is not a regular file, or belongs to a user other than the owner of the store.
        OSError: they cannot be looked at.
    """
    try:
        store = path.stat()  # not `open`: closing the file would drop SQLite's own locks on it
    except FileNotFoundError:
        return
    for suffix in (_JOURNAL, _LOG, _MEMORY):
        beside = path.with_name(path.name + suffix)
        try:
            found = beside.lstat()
        except FileNotFoundError:
            continue
        if not stat.S_ISREG(found.st_mode) or found.st_uid not in (store.st_uid, _user(found)):
            raise StoreError(
                f"{beside} is a link or belongs to a user other than the owner of the store, and SQLite would write its content into the store.",
                remedy=f"Move {beside.name} to another folder, and run the cell again.",
            )


def _user(found: os.stat_result) -> int:
    """The user of this process; on a system without users, the owner of the file."""
    return os.getuid() if hasattr(os, "getuid") else found.st_uid


def create_private(path: Path) -> None:
    """Create an empty file that only its owner can read; an existing one stays.

    Raises:
        StoreError: it cannot be created, or is not a file.
    """
    if path.is_dir():
        raise StoreError(f"{path} is a folder.", remedy="Choose a file: store=NAME.rows.sqlite.")
    with store_errors(path, "opened"):
        make_private_folder(path.parent)
        with suppress(FileExistsError):
            os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))


class WritableFile:
    """The file of a store as the process that asks has it open.

    Args:
        path: the file; it exists, and this process holds its lock.
        close_others: closes the other connections of this process to the file, on the thread that writes.
        network: whether it is on a network: then only this connection uses it, with a rollback journal.
        durable: whether a commit must survive a loss of power.

    Attributes:
        path: as above.
        network: as above; also where the log cannot be used for another reason.
        db: the connection, which belongs to the thread that writes.

    Raises:
        StoreError: it is not a store, a newer version wrote it, it is an incomplete copy, or it cannot be used.
    """

    def __init__(self, path: Path, close_others: Callable[[], None], *, network: bool, durable: bool) -> None:
        self.path = path
        self.network = network
        self._durable = durable
        self._log_path = path.with_name(path.name + _LOG)
        self._reported_log = 0
        self._close_others = close_others
        self._reopened = False
        with store_errors(path, "opened"):
            check_beside(path)
            self._file = path.stat().st_ino
            has_log = _inode(self._log_path) is not None
            self.db = self._connect()
            try:
                if not network:
                    self._refuse_incomplete_copy(has_log=has_log)
                self._claim()
                recover(self.db)
            except BaseException:
                self.db.close()
                raise
            self._log = _inode(self._log_path)

    def _connect(self) -> sqlite3.Connection:
        """Open the file; with a rollback journal if the log's shared memory cannot be used where the file is."""
        try:
            return self._open()
        except sqlite3.OperationalError as error:
            if self.network or not getattr(error, "sqlite_errorname", "").startswith(_NO_SHARED_MEMORY):
                raise
            self.network = True
            return self._open()

    def _open(self) -> sqlite3.Connection:
        db = sqlite3.connect(self.path, timeout=_WAIT, isolation_level=None, check_same_thread=False)
        try:
            if self.network:  # before the first access, so that no shared memory is used
                db.execute("PRAGMA locking_mode=EXCLUSIVE")
            _check_form(db, self.path)
            db.execute(f"PRAGMA journal_mode={'TRUNCATE' if self.network else 'WAL'}")
            db.execute(f"PRAGMA synchronous={'FULL' if self._durable else 'OFF'}")
            db.execute(f"PRAGMA cache_size={_CACHE}")
            db.execute(f"PRAGMA wal_autocheckpoint={_CHECKPOINT}")
            db.execute("PRAGMA secure_delete=ON")
            if not _number(db, "PRAGMA user_version"):
                with transaction(db):
                    for statement in SCHEMA:
                        db.execute(statement)
                    db.execute(f"PRAGMA application_id={APPLICATION_ID}")
                    db.execute(f"PRAGMA user_version={FORM}")
        except BaseException:
            db.close()
            raise
        return db

    def _refuse_incomplete_copy(self, *, has_log: bool) -> None:
        """Refuse a copy that was made while a process used the store, without the newest rows; once.

        The file says that it is in use as long as it is, and its own inode. A copy has another inode, and if it has no log
        either, the rows of the log are missing.
        """
        marks = dict(
            self.db.execute("SELECT name, value FROM meta WHERE name IN ('owner', 'inode')").fetchall()
        )
        if has_log or "owner" not in marks or marks.get("inode") == self._file:
            return
        self.db.execute("DELETE FROM meta WHERE name IN ('owner', 'inode')")
        raise StoreError(
            f"{self.path} is a copy of a store that was in use, without its file {_LOG}: its last rows are missing.",
            remedy=f"Copy {self._log_path.name} as well. Or run the cell again: it goes on without them, and they are "
            "asked and paid again.",
        )

    def _claim(self) -> None:
        """Mark the file itself, not only its log, as in use."""
        marks = [("owner", msgspec.json.encode(LockOwner.current()).decode()), ("inode", self._file)]
        self.db.executemany("INSERT OR REPLACE INTO meta(name, value) VALUES (?, ?)", marks)
        self.db.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def check(self) -> None:
        """Check before a commit that the file is still there.

        Raises:
            FileNotFoundError: it was deleted or replaced.
        """
        if _inode(self.path) != self._file:
            raise FileNotFoundError(errno.ENOENT, "it was deleted or replaced while it was in use")

    def after_commit(self) -> str:
        """Make sure after a commit that the log is still there; returns a sentence for the user, or an empty text.

        A library in this process that contains another copy of SQLite, such as DuckDB, assumes when it closes the file that it
        was the last user, and removes the log. Closing the connection writes the pages of the removed log into the file.
        """
        if self.network:
            return ""
        try:
            found = self._log_path.stat()
            inode, size = found.st_ino, found.st_size
        except FileNotFoundError:
            inode, size = None, 0
        if inode != self._log:
            self._close_others()  # SQLite would share their memory of the removed log with the new connection
            self.db.close()
            self.db = self._connect()
            self._claim()
            self._log = _inode(self._log_path)
            if self._reopened:
                return ""
            self._reopened = True
            return (
                f"Another library of this process has removed {self._log_path.name}; nothing is lost. "
                "Read the store from another process, or read a copy of it."
            )
        if size > 2 * max(self._reported_log, _LARGE_LOG):
            self._reported_log = size
            return (
                f"{self._log_path.name} has grown to {size >> 20:,} MB, because another program keeps the store open for "
                "reading. It shrinks when that program closes it."
            )
        return ""

    def close(self) -> None:
        """Mark the file as not in use, write the log back into it, and close it."""
        with suppress(sqlite3.Error):
            self.db.execute("DELETE FROM meta WHERE name IN ('owner', 'inode')")
            self.db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        with suppress(sqlite3.Error):
            self.db.close()


def _inode(path: Path) -> int | None:
    try:
        return path.stat().st_ino
    except FileNotFoundError:
        return None


def connect_reader(path: Path) -> sqlite3.Connection:
    """Open the file for reading, beside the writer.

    Raises:
        StoreError: it is not a store, a newer version wrote it, or it cannot be read.
    """
    if not path.exists():
        raise StoreError(f"There is no store at {path}.", remedy="Check the path.")
    with store_errors(path, "opened"):
        check_beside(path)
        db = sqlite3.connect(path, timeout=_WAIT, isolation_level=None, check_same_thread=False)
        try:
            _check_form(db, path)
            db.execute("PRAGMA query_only=ON")
            db.execute(f"PRAGMA cache_size={_READING_CACHE}")
        except BaseException:
            db.close()
            raise
    return db


def copy_file(db: sqlite3.Connection, target: Path) -> Path:
    """Write a copy of an open store, which other connections may use meanwhile; return its path.

    Args:
        db: a connection to the store, outside a transaction.
        target: the new file.

    Raises:
        StoreError: it exists already, or cannot be written.
    """
    if target.exists():
        raise StoreError(f"{target} exists already.", remedy="Choose another name for the copy.")
    create_private(target)
    try:
        with store_errors(target, "written"), closing(sqlite3.connect(target, isolation_level=None)) as copy:
            db.backup(copy)
            copy.execute("DELETE FROM meta WHERE name IN ('owner', 'inode')")
            copy.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    except BaseException:
        with suppress(OSError):
            target.unlink()
        raise
    return target


def _number(db: sqlite3.Connection, statement: str) -> int:
    return int(db.execute(statement).fetchone()[0])


def _check_form(db: sqlite3.Connection, path: Path) -> None:
    db.execute("PRAGMA trusted_schema=OFF")  # the file may come from a stranger
    form = _number(db, "PRAGMA user_version")
    ours = _number(db, "PRAGMA application_id") == APPLICATION_ID
    if not ours and (form or _number(db, "SELECT count(*) FROM sqlite_master")):
        raise StoreError(
            f"{path} is not a store of rows: it is the SQLite file of another program.",
            remedy="Choose another file with store=PATH; this one is left unchanged.",
        )
    if form > FORM:
        raise StoreError(
            f"{path} was written by a newer version of gemini_magic (form {form}, this version knows {FORM}).",
            remedy="Update gemini_magic; the file is left unchanged.",
        )
    _check_schema(db, path)


def _check_schema(db: sqlite3.Connection, path: Path) -> None:
    """Refuse triggers, views, and tables or indexes that differ from ours: computed columns and constraints run code."""
    if _number(db, "SELECT count(*) FROM sqlite_master WHERE type IN ('trigger', 'view')"):
        raise StoreError(
            f"{path} has triggers or views, which a store of rows does not have.",
            remedy="Choose another file with store=PATH; this one is left unchanged.",
        )
    for kind, name, sql in db.execute("SELECT type, name, sql FROM sqlite_master WHERE sql IS NOT NULL"):
        if sql != _OBJECTS.get(name) and (kind == "index" or name.lower() in _OBJECTS):
            raise StoreError(
                f"{path} has the {kind} {one_line(name)}, which a store of rows does not have in this form.",
                remedy="Choose another file with store=PATH; this one is left unchanged.",
            )


_LOST = "state = 1 AND NOT EXISTS (SELECT 1 FROM job_request WHERE job_request.request = request.id)"


def recover(db: sqlite3.Connection) -> None:
    """Put requests in doubt that a process sent before it ended; those of open batch jobs are still on their way."""
    with transaction(db):
        lost = [number for (number,) in db.execute(f"SELECT id FROM request WHERE {_LOST}")]  # noqa: S608 - our own SQL
        db.executemany("UPDATE raw SET ended = 'kernel ended' WHERE request = ? AND ended IS NULL", zip(lost))
        db.executemany(
            "UPDATE request SET state = CASE WHEN status = 'complete' THEN 2 ELSE 3 END WHERE id = ?",
            zip(lost),
        )
