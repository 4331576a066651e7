"""The store of a run over rows: one SQLite file that knows what was asked, what was sent and what was answered.

A request is committed as sent before its first byte leaves, and its answer before it counts. So a process that is killed at
any time leaves at most the requests in flight in doubt. One thread writes; results are read beside it, a batch at a time.
"""

from __future__ import annotations

import atexit
import os
import threading
import time
import weakref
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from functools import cached_property
from pathlib import Path
from typing import Any, Self, TypeVar

from ..backends import HttpRequest
from ..content import Request
from ..errors import StoreError
from ..prices import TokenPrice
from ..response import Response
from ..schema import Schema
from . import store_queries as queries
from . import store_updates as updates
from .store_digests import StoredDigests
from .store_errors import store_errors
from .store_file import WritableFile, connect_reader, copy_file, create_private, is_network_path, whole_path
from .store_lock import StoreLock
from .store_responses import NOT_KEPT, rebuilt_response
from .store_sqlite import sqlite3
from .store_temporary import TemporaryFolder
from .store_values import AttemptRow, BatchJob, Match, ResultRow, RunRecord, Spent
from .store_writer import GroupWriter
from .values import Attempted, Grant, Wanted

__all__ = ["Store"]

T = TypeVar("T")

_PATIENCE = 10.0  # seconds in which the user can free some space on the disk


class Store:
    """An open store. Create it with :meth:`open` or :meth:`read`.

    Its methods may be called from any thread. After :meth:`close`, results can still be read, from the file.

    Attributes:
        path: the file.
        keeps_responses: whether the bytes of responses are stored, and not only texts and counts.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.keeps_responses = True
        self._folder = TemporaryFolder.of(path)  # it exists as long as one of its stores
        self._guard = threading.RLock()  # of the reading connection and of what follows
        self._reader: sqlite3.Connection | None = None
        self._writer: GroupWriter | None = None
        self._lock: StoreLock | None = None
        self._exclusive = False  # whether only the writer's connection may read
        self._rows = self._samples = 0  # the extent of the input of this run, as far as it was read
        self._run = 0
        self._notices: list[str] = []
        self._pid = os.getpid()
        _stores.add(self)

    # -- opening and closing

    @classmethod
    def open(cls, path: str | os.PathLike[str] | None = None) -> Self:
        """Open a store for asking, and create it if it does not exist.

        Requests that another process had sent when it ended are in doubt from now on.

        Args:
            path: the file; None for a temporary one, which is deleted when the store is no longer used.

        Raises:
            StoreError: another process uses it (the message names it), the file is not a store, is damaged or was written
                by a newer version, or it cannot be written.
        """
        folder = TemporaryFolder() if path is None else None
        store = cls(folder.file if folder is not None else whole_path(path or ""))
        store._start()
        return store

    @classmethod
    def read(cls, path: str | os.PathLike[str]) -> Self:
        """Open a store for reading only, also while another process writes it.

        Raises:
            StoreError: there is no such file, it is not a store, or it cannot be read.
        """
        store = cls(whole_path(path))
        store._query(queries.run_records)
        return store

    def _start(self) -> None:
        create_private(self.path)
        self._lock = StoreLock(self.path.with_name(self.path.name + ".lock"), store=self.path)
        try:
            network = is_network_path(self.path)
            file = WritableFile(self.path, self._close_readers, network=network, durable=not self.temporary)
            self._exclusive = file.network
        except BaseException:
            self._lock.release()
            raise
        self._writer = GroupWriter(file, self._notices.append)
        if self._exclusive:
            self._notices.append(
                f"{self.path} is on a network drive or a similar one: other programs cannot read it until the run has ended. "
                "A file on a local disk is faster and safer."
            )

    def _extent(self, db: sqlite3.Connection) -> tuple[int, int]:
        """How many positions and samples the input has: that of this run, otherwise of the last run of the store."""
        return (self._rows, self._samples) if self._run else queries.last_extent(db)

    def close(self, patience: float = _PATIENCE) -> None:
        """Write what was handed over, and release the file to other processes; a second call does nothing.

        Requests that were sent and not answered are in doubt afterwards. Results can still be read.

        Args:
            patience: for how many seconds answers are tried again that cannot be written.

        Raises:
            StoreError: answers could not be written and are lost.
        """
        writer = self._writer
        if writer is None or self._pid != os.getpid():
            self.close_reader()
            return
        lost = writer.end(lambda db: updates.close_run(db, self._run, self._rows, self._samples), patience)
        self._writer = None
        self.close_reader()
        self._exclusive = False
        if self._lock is not None:
            self._lock.release()
        if lost:
            raise StoreError(
                f"{lost} answer{'s'[: lost > 1]} could not be written to {self.path}.",
                remedy="Free some space on the disk. Their requests are in doubt in the next run.",
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def temporary(self) -> bool:
        """Whether the file is deleted when no store uses it any more."""
        return self._folder is not None

    # -- problems

    def take_notices(self) -> list[str]:
        """Return the sentences for the user since the last call: a full disk, a network drive."""
        notices = self._notices[:]
        del self._notices[: len(notices)]
        return notices

    @property
    def held(self) -> int:
        """How many answers are in memory only, because the file could not be written."""
        return 0 if self._writer is None else self._writer.held

    @property
    def commits(self) -> int:
        """How many transactions were committed since the store was opened."""
        return 0 if self._writer is None else self._writer.commits

    # -- access

    def _writing(self) -> GroupWriter:
        if self._pid != os.getpid():
            raise StoreError(
                f"{self.path} was opened by the parent of this process.",
                remedy="Open it in the process that asks, after the fork.",
            )
        if self._writer is None:
            raise StoreError(f"{self.path} is not open for writing.", remedy="Run the cell again.")
        return self._writer

    def _query(self, function: Callable[[sqlite3.Connection], T]) -> T:
        """Read from the file, in a short transaction."""
        if self._pid != os.getpid():
            self._reset_after_fork()
        writer = self._writer
        if self._exclusive and writer is not None:
            return writer.call_outside(function)
        with self._guard, store_errors(self.path):
            if self._reader is None:
                self._reader = connect_reader(self.path)
            try:
                return function(self._reader)
            finally:
                if self._writer is None:  # a closed store keeps no file open
                    self.close_reader()

    def _close_readers(self) -> None:
        """Close the reading connections of this process to the file."""
        for store in list(_stores):
            if store.path == self.path:
                store.close_reader()

    def close_reader(self) -> None:
        """Close the reading connection; the next read opens another one."""
        with self._guard:
            reader, self._reader = self._reader, None
            if reader is not None:
                reader.close()

    def _reset_after_fork(self) -> None:
        """Leave everything to the parent: closing its connections in a child could harm them."""
        _parents.append((self._reader, self._writer))
        self._guard = threading.RLock()
        self._reader = self._writer = self._lock = None
        self._exclusive = False
        self._pid = -1

    # -- a run and its rows

    def begin_run(self, record: RunRecord) -> int:
        """Store the settings of a run that begins now; returns its number.

        The rows of its input are those that :meth:`match` and :meth:`add` receive from now on.

        Raises:
            StoreError: it cannot be written.
        """
        self._run = self._writing().call(lambda db: updates.insert_run(db, record, time.time()))
        self._rows = self._samples = 0
        return self._run

    def runs(self) -> list[RunRecord]:
        """Return the settings of all runs of the store, oldest first."""
        return self._query(queries.run_records)

    def match(self, batch: Sequence[Wanted]) -> list[Match]:
        """Return what the store holds for rows of the input, in the order of the batch.

        Args:
            batch: any number of rows; 500 are looked up at a time.

        Raises:
            StoreError: the file cannot be read.
        """
        self._extend(batch)
        return self._query(lambda db: queries.match_rows(db, batch))

    def add(self, batch: Sequence[Wanted]) -> list[int | None]:
        """Store what rows ask for; returns the id of the request of each, None for a row that may not be asked.

        Rows with the same hash share a request. A row that asked for something else before points to the new request,
        and the old one stays. A row whose position another one had moves that one out of the input.

        Raises:
            StoreError: it cannot be written; nothing was stored.
        """
        self._extend(batch)
        run, rows, samples = self._run, self._rows, self._samples
        return self._writing().call(lambda db: updates.add_rows(db, run, batch, rows, samples))

    def keep(self, batch: Sequence[Wanted]) -> None:
        """Leave rows with the answers of other requests; their status is ``stale``.

        Raises:
            StoreError: it cannot be written; nothing was stored.
        """
        self._extend(batch)
        run, rows, samples = self._run, self._rows, self._samples
        self._writing().call(lambda db: updates.keep_rows(db, run, batch, rows, samples))

    def retry(self, pairs: Sequence[tuple[int, bytes]]) -> list[Match]:
        """Store requests that repeat others with other options; returns what the store holds for them.

        When such a request is answered, its answer counts for the rows of the first one, which do not become stale.

        Args:
            pairs: the id of each first request, and the hash of its retry.

        Raises:
            StoreError: it cannot be written; nothing was stored.
        """
        run = self._run
        return self._writing().call(lambda db: updates.add_retries(db, run, pairs))

    def _extend(self, batch: Sequence[Wanted]) -> None:
        if self._run and batch:
            self._rows = max(self._rows, max(wanted.position for wanted in batch) + 1)
            self._samples = max(self._samples, max(wanted.sample for wanted in batch) + 1)

    # -- attempts

    def sent(self, grants: Sequence[Grant]) -> None:
        """Commit that attempts are sent; returns when this is on the disk. Call it directly before the first byte.

        Raises:
            StoreError: it cannot be written. The attempts must not be made.
        """
        self._writing().commit(sent=grants)

    def commit(
        self,
        done: Sequence[Attempted] = (),
        sent: Sequence[Grant] = (),
        unsent: Sequence[Grant] = (),
        in_doubt: Sequence[Grant] = (),
    ) -> None:
        """Commit in one step; returns when it is on the disk.

        Args:
            done: attempts that have ended.
            sent: attempts that are sent directly afterwards.
            unsent: attempts that were committed as sent and certainly not sent.
            in_doubt: attempts whose worker has ended and that may have been sent.

        Raises:
            StoreError: it cannot be written. The attempts of ``sent`` must not be made; ``done`` is kept in memory and
                tried again.
        """
        self._writing().commit(done=self._kept(done), sent=sent, unsent=unsent, doubt=in_doubt)

    def hand_over(self, done: Sequence[Attempted]) -> None:
        """Write attempts that have ended soon; returns at once.

        Raises:
            StoreError: the store was closed.
        """
        self._writing().hand_over(self._kept(done))

    def _kept(self, done: Sequence[Attempted]) -> Sequence[Attempted]:
        """The attempts with what is stored of them."""
        if self.keeps_responses:
            return done
        return [each._replace(pieces=b"", ended=NOT_KEPT) if each.pieces else each for each in done]

    # -- results

    def counts(self) -> dict[str, int]:
        """Return how many rows of the input have each status (:data:`~.values.RowStatus`)."""
        return self._query(lambda db: queries.count_statuses(db, *self._extent(db)))

    def cost(self) -> Spent:
        """Return what all attempts of the store have cost, also those of earlier runs and prompts."""
        return self._query(queries.spent)

    def models(self) -> dict[str, int]:
        """Return how many rows of the input each model has answered, by the name that the server gave, most first.

        More than one name means that the answers are not comparable: a model such as ``gemini-flash-latest`` was replaced.
        """
        return self._query(lambda db: queries.count_models(db, *self._extent(db)))

    def results(self, batch_size: int = 1000) -> Iterator[list[ResultRow]]:
        """Yield the results of the rows of the input in its order, at most ``batch_size`` at a time.

        Each batch is read when it is wanted, so rows that are answered meanwhile have their answers.

        Raises:
            StoreError: the file cannot be read.
        """
        after = (-1, 0)
        while found := self._result_rows(after, batch_size):
            yield found
            after = (found[-1].position, found[-1].sample)

    def result(self, row: bytes | int, sample: int = 0) -> ResultRow | None:
        """Return the result of the row with this key or at this position; None if the input has none.

        Raises:
            StoreError: the file cannot be read.
        """
        return self._query(lambda db: queries.result_row(db, row, sample, self._extent(db)[0]))

    def placed_results(self, batch: Sequence[Wanted]) -> dict[tuple[int, int], ResultRow]:
        """Return the results of rows that were answered before, by position and sample; also those that the run did not read.

        Raises:
            StoreError: the file cannot be read.
        """
        return self._query(lambda db: queries.placed_results(db, batch))

    def has_rows_from(self, position: int) -> bool:
        """Whether the store has a row at a position or after it, also of an earlier run.

        Raises:
            StoreError: the file cannot be read.
        """
        return self._query(lambda db: queries.has_rows_from(db, position))

    def _result_rows(self, after: tuple[int, int], limit: int) -> list[ResultRow]:
        return self._query(lambda db: queries.result_rows(db, after, *self._extent(db), limit))

    def attempts(self, request: int) -> list[AttemptRow]:
        """Return the attempts of a request, oldest first; each was paid if it was received."""
        return self._query(lambda db: queries.attempt_rows(db, request))

    def response(
        self,
        request: int,
        *,
        attempt: int | None = None,
        asked: Request | None = None,
        http: HttpRequest | None = None,
        schema: Schema | None = None,
        price: TokenPrice | None = None,
    ) -> Response:
        """Return the response to a request, with every piece as it arrived.

        Args:
            request: the id of the request.
            attempt: the attempt whose response it is; by default the one with the answer.
            asked: the request as a value, where the caller knows it.
            http: the request as it was sent, which the store does not keep.
            schema: the schema of the answer.
            price: the user's prices.

        Raises:
            StoreError: there is no such request, or it has no response.
        """
        known, raw = self._query(lambda db: queries.stored_request(db, request, final=attempt is None))
        if known is None:
            raise StoreError(f"{self.path} has no request {request}.", remedy="Run the cell again.")
        return rebuilt_response(
            known.run,
            raw,
            attempt or known.answered,
            asked=asked,
            http=http,
            schema=schema,
            price=price,
        )

    def request_hash(self, request: int) -> bytes | None:
        """Return the hash of what a request asks; None if the store does not have it."""
        return self._query(lambda db: queries.request_hash(db, request))

    # -- the file

    @cached_property
    def digests(self) -> StoredDigests:
        """The digests of files that rows send."""
        return StoredDigests(self._query, self._writing)

    def forget(self, key: bytes) -> int:
        """Remove a row, its answers to all prompts, and every trace of them in the file; returns how many requests it had.

        An answer that another row shares stays for that row.

        Args:
            key: the key of the row in canonical form.

        Raises:
            StoreError: the store has no such row, it is being asked, or the file cannot be written.
        """
        writer = self._writing()
        removed = writer.call(lambda db: updates.forget_row(db, self.path, key))
        if not writer.call_outside(updates.write_back_log):
            self._notices.append(
                f"Another program reads {self.path}. Traces of what was forgotten stay in {self.path.name}-wal until it ends."
            )
        return removed

    def copy(self, path: str | os.PathLike[str]) -> Path:
        """Write a complete copy of the store, also while it is in use; return its path.

        Args:
            path: the new file; only its owner can read it.

        Raises:
            StoreError: it exists already, or cannot be written.
        """
        return self._query(lambda db: copy_file(db, whole_path(path)))

    # -- batch jobs

    def add_job(self, label: str, grants: Sequence[Grant], state: str = "creating") -> int:
        """Commit a batch job and its requests as sent; returns the job's number. Call it before the job is created.

        Args:
            label: the name under which the server lists the job; unique in the store.
            grants: its requests.
            state: its state.

        Raises:
            StoreError: it cannot be written. The job must not be created.
        """
        run = self._run
        return self._writing().call(lambda db: updates.insert_job(db, run, label, grants, state=state))

    def update_job(self, job: int, **changes: Any) -> None:
        """Change columns of a batch job: ``name``, ``state``, ``checked``, ``ended``, ``file``, ``note``.

        With ``ended`` its requests without an answer are in doubt.

        Raises:
            StoreError: it cannot be written.
        """
        self._writing().call(lambda db: updates.change_job(db, job, changes))

    def jobs(self) -> list[BatchJob]:
        """Return the batch jobs that have not ended, oldest first."""
        return self._query(queries.open_jobs)

    def job_grants(self, job: int) -> list[Grant]:
        """Return the requests of a batch job that have no answer yet, each with one of the rows that wait for it."""
        return self._query(lambda db: queries.job_grants(db, job))


_stores: weakref.WeakSet[Store] = weakref.WeakSet()
_parents: list[Any] = []  # connections of the parent process, after a fork


def _after_fork() -> None:
    for store in list(_stores):
        store._reset_after_fork()  # noqa: SLF001 - of this module


def _at_exit() -> None:
    for store in list(_stores):
        with suppress(StoreError):
            store.close(patience=1.0)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
atexit.register(_at_exit)
