"""The SQLite file of a store: opening, checking, and errors in words.

A new file is readable by its owner only, and so are the files that SQLite keeps beside it.
"""

from __future__ import annotations

import os
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from ..errors import StoreError
from ..private_files import make_private_folder
from .store_schema import APPLICATION_ID, FORM, SCHEMA

__all__ = [
    "connect_reader",
    "connect_writer",
    "create_private",
    "file_system_of",
    "is_network_path",
    "recover",
    "store_error",
    "store_errors",
    "transaction",
]

_WAIT = 10.0  # seconds to wait for a lock of SQLite: a reader that is checkpointing
_CACHE = -16_000  # KiB of pages in memory
_CHECKPOINT = 4_000  # pages in the write-ahead log from which it is written back
_NETWORK: Final = """
    nfs nfs4 cifs smb2 smb3 smbfs 9p afs ceph glusterfs lustre gpfs beegfs fhgfs davfs ncpfs orangefs pvfs2 vboxsf prl_fs
    drvfs fuse.sshfs fuse.s3fs fuse.gcsfuse fuse.rclone fuse.glusterfs fuse.ceph fuse.cephfs fuse.davfs2 fuse.blobfuse
    fuse.blobfuse2 fuse.goofys fuse.vmhgfs-fuse fuse.juicefs fuse.google-drive"""
"""File systems on which the memory that SQLite's write-ahead log shares is not safe (https://www.sqlite.org/wal.html)."""


# -- errors


def store_error(path: Path, error: Exception, doing: str = "read") -> StoreError:
    """Return an error of SQLite or of the system in words, with a remedy.

    Args:
        path: the store.
        error: what was raised.
        doing: ``read``, ``written`` or ``opened``.
    """
    if isinstance(error, StoreError):
        return error
    if isinstance(error, OSError):
        return StoreError(
            f"{path} cannot be {doing}: {error.strerror or error}.",
            remedy="Choose another file with store=PATH.",
        )
    code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF
    if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return StoreError(
            f"{path} cannot be {doing}: another program has locked it.",
            remedy="Close the program that writes to it, and run the cell again.",
        )
    if code == sqlite3.SQLITE_NOTADB:
        return StoreError(
            f"{path} is not a store of rows: it is not an SQLite file.",
            remedy="Choose another file with store=PATH; this one is left unchanged.",
        )
    if code == sqlite3.SQLITE_CORRUPT:
        return StoreError(
            f"{path} is damaged ({error}).",
            remedy=f"Put a copy in its place, or save what is readable with `sqlite3 {path.name} .recover`.",
        )
    if code in (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR):
        return StoreError(
            f"{path} cannot be {doing}: {error}.",
            remedy="Free some space on the disk, and run the cell again; answers that are stored stay.",
        )
    if code in (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM, sqlite3.SQLITE_CANTOPEN):
        return StoreError(
            f"{path} cannot be {doing}: {error}.",
            remedy="Check the rights of the file and its folder, or choose another file with store=PATH.",
        )
    return StoreError(
        f"{path} cannot be {doing}: {type(error).__name__}: {error}.", remedy="Run the cell again."
    )


@contextmanager
def store_errors(path: Path, doing: str = "read") -> Iterator[None]:
    """Raise a :class:`~gemini_magic.errors.StoreError` in place of errors of SQLite and of the system."""
    try:
        yield
    except (sqlite3.Error, OSError) as error:
        raise store_error(path, error, doing) from error


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


def connect_writer(path: Path, *, network: bool, durable: bool = True) -> sqlite3.Connection:
    """Open the file for writing, with its tables.

    Args:
        path: the file; it exists, and this process holds its lock.
        network: whether it is on a network: then only this connection uses it, with a rollback journal.
        durable: whether a commit must survive a loss of power.

    Raises:
        StoreError: it is not a store, a newer version wrote it, or it cannot be used.
    """
    with store_errors(path, "opened"):
        db = sqlite3.connect(path, timeout=_WAIT, isolation_level=None, check_same_thread=False)
        try:
            if network:
                db.execute(
                    "PRAGMA locking_mode=EXCLUSIVE"
                )  # before the first access: no shared memory is used
            _check_form(db, path)
            db.execute(f"PRAGMA journal_mode={'TRUNCATE' if network else 'WAL'}")
            db.execute(f"PRAGMA synchronous={'FULL' if durable else 'OFF'}")
            db.execute(f"PRAGMA cache_size={_CACHE}")
            db.execute(f"PRAGMA wal_autocheckpoint={_CHECKPOINT}")
            db.execute("PRAGMA secure_delete=ON")
            if not _number(db, "PRAGMA user_version"):
                with transaction(db):
                    for statement in SCHEMA:
                        db.execute(statement)
                    db.execute(f"PRAGMA application_id={APPLICATION_ID}")
                    db.execute(f"PRAGMA user_version={FORM}")
            recover(db)
        except BaseException:
            db.close()
            raise
    return db


def connect_reader(path: Path) -> sqlite3.Connection:
    """Open the file for reading, beside the writer.

    Raises:
        StoreError: it is not a store, a newer version wrote it, or it cannot be read.
    """
    if not path.exists():
        raise StoreError(f"There is no store at {path}.", remedy="Check the path.")
    with store_errors(path, "opened"):
        db = sqlite3.connect(path, timeout=_WAIT, isolation_level=None, check_same_thread=False)
        try:
            _check_form(db, path)
            db.execute("PRAGMA query_only=ON")
            db.execute(f"PRAGMA cache_size={_CACHE}")
        except BaseException:
            db.close()
            raise
    return db


def _number(db: sqlite3.Connection, statement: str) -> int:
    return int(db.execute(statement).fetchone()[0])


def _check_form(db: sqlite3.Connection, path: Path) -> None:
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
