"""Runs rows as batch jobs: creates them, looks at them until they end, and stores their results.

A job is in the store before it is created, under a name that the server lists. So a process that ends at any time leaves
jobs that the next one finds, and none is created a second time because an answer was lost.
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import IO, Final

from ..backends import BatchAnswer, RemoteJob
from ..errors import CredentialsError, GeminiMagicError, ServiceError
from ..events import Failure
from .batch_answers import AnswerReader, JoinPlan, batch_key, lost_row, plan_join
from .batch_client import BatchClient, Stopped, is_passing
from .batch_pack import PackedJob
from .batch_values import LABEL, JobNote, JobView, OpenJob
from .store import Store
from .values import Attempted, Grant

__all__ = ["BatchRunner"]

_FIRST_LOOK: Final = 5.0  # seconds
_LONGEST_PAUSE: Final = 60.0  # seconds
_SETTLE: Final = 60.0  # seconds after which a job that the server does not list was not created
_MOST_JOBS: Final = 50  # at once; the API allows 100 for a project
_MOST_TRIES: Final = 3  # creations of a job that had no answer and no effect
_GROUP: Final = 200  # results that are stored together
_EMPTY_LOOKS: Final = 3  # looks at a job that shows no results, or that the server does not know
_SPOOL: Final = 4 * 2**20  # bytes of an answer that are kept in memory
_TOO_MANY: Final = 429
_SERVER: Final = 500
_FORBIDDEN: Final = 403
_GONE: Final = (403, 404)
_ENDED_ALREADY: Final = (400, 404, 409)
_PENDING_CODES: Final = (408, 499)


class BatchRunner:
    """Runs rows as batch jobs of one store. One thread uses it.

    Args:
        store: the store, open for writing.
        client: the requests about jobs.
        reader_of: returns what describes the results of the jobs of a run, by its number.
        model: the model.
        notify: is called with each sentence for the user.
        wait: waits for some seconds; returns True if the run is to stop.
        clock: the Unix time in seconds.
    """

    def __init__(
        self,
        store: Store,
        client: BatchClient,
        reader_of: Callable[[int], AnswerReader],
        model: str,
        *,
        notify: Callable[[str], object],
        wait: Callable[[float], bool],
        clock: Callable[[], float] = time.time,
        on_done: Callable[[list[Attempted]], object] = lambda _: None,
    ) -> None:
        self._store = store
        self._client = client
        self._reader_of = reader_of
        self._model = model
        self._notify = notify
        self._wait = wait
        self._clock = clock
        self._on_done = on_done
        self._jobs: dict[int, OpenJob] = {}
        self._held: list[PackedJob] = []  # jobs that could not be created yet
        self._full: ServiceError | None = None  # why, if the server has no room for them
        self._run = store.runs()[-1].id if store.runs() else 0
        self._transfer = ""

    # -- what is open

    @property
    def transfer(self) -> str:
        """What is uploaded now; empty if nothing is."""
        return self._transfer

    def views(self) -> list[JobView]:
        """The jobs that have not ended, oldest first."""
        now = self._clock()
        return [
            JobView(job.name, job.state, max(0.0, now - job.created), len(job.keys))
            for job in self._jobs.values()
        ]

    def reattach(self) -> bool:
        """Find the jobs of earlier runs that have not ended. Returns False if the run is to stop.

        A job whose creation was interrupted is searched on the server before anything else is sent; if it is not there,
        its rows were not sent.
        """
        for stored in self._store.jobs():
            note = JobNote.from_json(stored.note)
            keys = note.keys or [batch_key(grant) for grant in self._store.job_grants(stored.id)]
            job = OpenJob(stored.id, stored.run, stored.label, keys, stored.created)
            job.name, job.state, job.file = stored.name or "", stored.state, stored.file or ""
            job.own = not note.scope or note.scope == self._client.scope(note.salt)
            self._jobs[stored.id] = job
        if self._jobs:
            jobs = "1 batch job" if len(self._jobs) == 1 else f"{len(self._jobs)} batch jobs"
            self._notify(f"Found {jobs} of an earlier run.")
        while unnamed := [job for job in self._jobs.values() if not job.name]:
            for job in unnamed:
                self._settle(job)
            if any(not job.name for job in self._jobs.values()) and self._wait(_FIRST_LOOK):
                return False
        return True

    # -- running

    def run(self, packed: Iterator[PackedJob]) -> bool:
        """Create jobs for all rows and wait until all jobs have ended.

        Args:
            packed: the jobs to create, which are packed when they are needed.

        Returns:
            False if it was stopped: the jobs go on at the server.

        Raises:
            ServiceError: the server refuses the jobs.
            GeminiMagicError: the server cannot be reached any more.
        """
        exhausted = False
        try:
            while True:
                if self._has_room and (self._held or not exhausted):
                    job = self._held.pop() if self._held else next(packed, None)
                    exhausted = exhausted or job is None
                    if job is not None:
                        self._create(job)
                if not self._jobs and not self._held and exhausted:
                    return True
                if not self._jobs and self._full is not None:
                    raise self._no_room(self._full)
                ready = self._has_room and bool(self._held or not exhausted)
                if self._wait(0.0 if ready else self._until_next_look()):
                    return False
                self.look()
        except Stopped:
            return False
        finally:
            for each in self._held:
                each.close()
            self._held.clear()

    @property
    def _has_room(self) -> bool:
        return self._full is None and len(self._jobs) < _MOST_JOBS

    def look(self) -> None:
        """Look at the jobs whose time has come, and store the results of those that have ended."""
        now = self._clock()
        for job in list(self._jobs.values()):
            if job.next_look > now:
                continue
            if job.name:
                self._look_at(job)
            else:
                self._settle(job)

    def _until_next_look(self) -> float:
        if not self._jobs:
            return _FIRST_LOOK
        return max(0.0, min(job.next_look for job in self._jobs.values()) - self._clock())

    # -- creation

    def _create(self, packed: PackedJob) -> None:
        """Create a job, once. What fails without an answer of the server stays open, and is searched later.

        Raises:
            ServiceError: the server refuses the job for a reason that will not pass.
            GeminiMagicError: the file with the rows cannot be uploaded.
        """
        if not packed.inline and not packed.uploaded:
            self._upload(packed)
        try:
            self._client.check_stopped()
        except Stopped:
            packed.close()
            raise
        label, salt = f"{LABEL}{os.urandom(12).hex()}", os.urandom(8).hex()
        number = self._store.add_job(label, packed.grants)
        note = JobNote(tuple(batch_key(grant) for grant in packed.grants), salt, self._client.scope(salt))
        self._store.update_job(number, note=note.to_json(), file=packed.uploaded or None)
        job = OpenJob(number, self._run, label, note.keys, self._clock(), file=packed.uploaded, packed=packed)
        job.next_look = job.created + _FIRST_LOOK
        self._jobs[number] = job
        try:
            if packed.inline:
                remote = self._client.create_inline(self._model, label, packed.rows)
            else:
                remote = self._client.create_from_file(self._model, label, packed.uploaded)
        except ServiceError as error:
            if error.code is None or error.code >= _SERVER or error.code in _PENDING_CODES:
                packed.problem = error
                return  # it may have been created
            self._release(job, "refused")
            if error.code != _TOO_MANY:
                packed.close()
                self._client.delete_file(packed.uploaded) if packed.uploaded else None
                raise
            self._held.append(packed)
            self._full = error
            if self._jobs:
                self._notify(
                    f"The server takes no more batch jobs now ({error.message}) {len(packed.grants):,} rows wait until "
                    "one of the jobs has ended."
                )
        except GeminiMagicError as error:
            packed.problem = error  # it may have been created
        else:
            self._attach(job, remote)

    def _upload(self, packed: PackedJob) -> None:
        file = packed.local_file()

        def progress(sent: int) -> None:
            self._transfer = (
                f"uploading {len(packed.grants):,} rows: {sent / 1e6:,.0f} of {file.size / 1e6:,.0f} MB"
            )
            self._wait(0.0)

        try:
            packed.uploaded = self._client.upload(file, progress)
        except BaseException:
            packed.close()
            raise
        finally:
            self._transfer = ""

    def _attach(self, job: OpenJob, remote: RemoteJob) -> None:
        self._store.update_job(job.id, name=remote.name, state=remote.state)
        job.name, job.state = remote.name, remote.state
        if job.packed is not None:
            job.packed.close()
            job.packed = None

    def _settle(self, job: OpenJob) -> None:
        """Find out whether a job was created whose creation had no answer."""
        job.next_look = self._clock() + _FIRST_LOOK
        try:
            found = self._client.find(job.label)
        except GeminiMagicError as error:
            if not is_passing(error):
                raise
            return
        if found:
            self._attach(job, found[0])
        elif self._clock() - job.created >= _SETTLE:
            self._check_own(job)
            packed = job.packed
            self._release(job, "not created")
            if packed is not None:
                packed.tries += 1
                if packed.tries >= _MOST_TRIES and packed.problem is not None:
                    packed.close()
                    raise packed.problem
                self._held.append(packed)

    def _release(self, job: OpenJob, state: str) -> None:
        """End a job that certainly was not created: its rows were not sent."""
        self._store.commit(unsent=self._store.job_grants(job.id))
        self._store.update_job(job.id, state=state, ended=self._clock())
        del self._jobs[job.id]

    def _no_room(self, error: ServiceError) -> ServiceError:
        return ServiceError(
            error.message,
            status=error.status,
            retry_after=error.retry_after,
            reason=error.reason,
            remedy=(
                "The tokens of all waiting batch jobs of a project are limited, by model and usage tier. Nothing was sent for "
                "these rows. Send fewer (limit=), or run the cell again when other jobs have ended."
            ),
        )

    # -- the end of a job

    def _look_at(self, job: OpenJob) -> None:
        now = self._clock()
        job.pause = min(job.pause * 1.5, _LONGEST_PAUSE) if job.pause else _FIRST_LOOK
        job.next_look = now + job.pause
        with tempfile.SpooledTemporaryFile(max_size=_SPOOL) as body:
            try:
                remote = self._client.look(job.name, body)
                if remote.state != job.state:
                    self._store.update_job(job.id, state=remote.state, checked=now)
                    job.state = remote.state
                if remote.ended:
                    self._harvest(job, remote, body)
            except GeminiMagicError as error:
                if isinstance(error, ServiceError) and error.code in _GONE:
                    self._handle_unknown(job, error)
                elif not is_passing(error):
                    raise

    def _handle_unknown(self, job: OpenJob, error: ServiceError) -> None:
        """Handle a job that the server does not know: another key does not see it, and a new one can appear late."""
        self._check_own(job)
        if error.code == _FORBIDDEN and not self._client.is_missing_file(error):
            raise error
        job.empty += 1
        if job.empty >= _EMPTY_LOOKS and self._clock() - job.created >= _SETTLE:
            self._lose(job, "The server does not have this batch job or its results any more.", "gone")

    @staticmethod
    def _check_own(job: OpenJob) -> None:
        """Refuse to give up a job that was created with another key.

        Raises:
            CredentialsError: it was.
        """
        if not job.own:
            raise CredentialsError(
                f"The batch job {job.name or job.label} is not known here: it was created with another key or at another "
                "server.",
                remedy="Use the key and the server with which it was created; its answers may have been paid.",
            )

    def _harvest(self, job: OpenJob, remote: RemoteJob, body: IO[bytes]) -> None:
        """Store the results of a job that has ended, and delete it at the server."""
        with tempfile.TemporaryFile(prefix="gemini-batch-") as file:
            inline: list[BatchAnswer | None] = []
            if remote.result_file:
                self._client.fetch_results(remote.result_file, file)
            else:
                found, bad = self._client.inline_answers(body)
                inline = [*found, *[None] * bad]
            if not inline and not remote.result_file and remote.state == "succeeded":
                job.empty += 1
                if job.empty < _EMPTY_LOOKS:
                    return  # the results can appear after the state

            def answers() -> Iterator[BatchAnswer | None]:
                return self._client.file_answers(file) if remote.result_file else iter(inline)

            plan = plan_join(answers(), job.keys)
            grants = {batch_key(grant): grant for grant in self._store.job_grants(job.id)}
            self._store_answers(job, plan, answers(), grants)
        for problem in plan.problems():
            self._notify(f"{job.name}: {problem}")
        self._end(job, remote, plan, grants)
        self._clean_up(job, remote)

    def _store_answers(
        self,
        job: OpenJob,
        plan: JoinPlan,
        answers: Iterator[BatchAnswer | None],
        grants: dict[str, Grant],
    ) -> None:
        """Store the results that belong to a row, and remove their rows from ``grants``."""
        done: list[Attempted] = []
        reader = self._reader_of(job.run)
        by_position = plan.by == "position"
        for place, answer in enumerate(answers):
            key = job.keys[place] if by_position else None if answer is None else answer.key
            if answer is None or key is None or key in plan.doubled:
                continue
            grant = grants.pop(key, None)
            if grant is not None:
                done.append(reader.attempted(grant, answer, worker=job.name, by_position=by_position))
            if len(done) >= _GROUP:
                self._commit(done)
                done = []
        self._commit(done)

    def _end(self, job: OpenJob, remote: RemoteJob, plan: JoinPlan, grants: dict[str, Grant]) -> None:
        """Store why the other rows have no answer, and end the job in the store."""
        why = {
            "cancelled": "The batch job was cancelled before it answered this row.",
            "expired": "The batch job expired: it had not ended after 48 hours.",
        }.get(remote.state, "The batch job ended without an answer for this row.")
        done = []
        for key, grant in grants.items():
            if remote.state == "failed" and remote.failure is not None:
                done.append(_failed_row(grant, remote.failure, job.name))
            elif key in plan.doubled:
                text = "The batch job returned different answers for this row."
                done.append(lost_row(grant, text, reason="doubled", worker=job.name))
            else:
                reason = "no answer" if remote.state == "succeeded" else remote.state
                done.append(lost_row(grant, why, reason=reason, worker=job.name))
        self._commit(done)
        self._store.update_job(job.id, state=remote.state, ended=self._clock())
        del self._jobs[job.id]
        self._full = None

    def _lose(self, job: OpenJob, why: str, reason: str) -> None:
        grants = self._store.job_grants(job.id)
        self._commit([lost_row(grant, why, reason=reason, worker=job.name) for grant in grants])
        self._store.update_job(job.id, state=reason, ended=self._clock())
        del self._jobs[job.id]
        self._full = None

    def _commit(self, done: list[Attempted]) -> None:
        if done:
            self._store.commit(done=done)
            self._on_done(done)

    def _clean_up(self, job: OpenJob, remote: RemoteJob) -> None:
        """Delete the job and its files, which hold the texts of the rows. What fails is deleted by the server in time."""
        with suppress(GeminiMagicError):
            self._client.delete(job.name)
        for file in (job.file, remote.result_file):
            if file:
                self._client.delete_file(file)

    # -- cancelling

    def cancel(self, patience: float = 120.0) -> int:
        """Cancel all open jobs, and store what they have answered. Returns how many have not ended yet.

        Args:
            patience: how many seconds to wait for their end.
        """
        until = self._clock() + patience
        cancelled: set[int] = set()
        while self._jobs:
            for job in self._jobs.values():
                if job.name and job.id not in cancelled:
                    self._cancel(job)
                    cancelled.add(job.id)
            try:
                self.look()
            except Stopped:
                break
            if not self._jobs or self._clock() >= until or self._wait(self._until_next_look()):
                break
        return len(self._jobs)

    def _cancel(self, job: OpenJob) -> None:
        try:
            self._client.cancel(job.name)
        except ServiceError as error:
            if error.code not in _ENDED_ALREADY:
                raise
        job.next_look = job.pause = 0.0


def _failed_row(grant: Grant, failure: Failure, worker: str) -> Attempted:
    label = f"{failure.code or ''} {failure.status or ''}".strip()
    return Attempted(
        grant.request,
        grant.attempt,
        "error",
        "eof",
        http_status=failure.code,
        error=f"The batch job failed. {label}: {failure.message}",
        reason=f"batch job failed {label}".strip(),
        permanent=failure.code is not None and failure.code < _SERVER and failure.code != _TOO_MANY,
        worker=worker,
    )
