"""A run over the rows of an input: what is known about it while it goes on, and everything it brought afterwards."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from msgspec.structs import replace

from ..backends import HttpRequest
from ..client import Asker
from ..content import Request, Turn
from ..errors import GeminiMagicError, OptionError, RowsError, StoreError, UsageProblem
from ..prices import TokenPrice
from ..views import MOST_SHOWN_ROWS, DisplayedRun, RowProgress, ShownRow
from .batch_leader import BatchLeader
from .batch_start import cancel_jobs, in_tier_of
from .keys import canonical_key, key_text
from .leader import Leader
from .plan import Plan
from .progress import ProgressCounter
from .result_columns import answer_fields
from .results import ResponsesByKey, ResponsesByPosition, RowResults
from .row_choice import RowChoice, chosen_rows
from .running import add_running, remove_running
from .store import Store
from .store_schema import IN_DOUBT
from .store_values import ResultRow
from .values import Grant

if TYPE_CHECKING:
    from ..response import Response

__all__ = ["RowRun", "RunSettings"]

_FAILED: Final = ("error", "stalled", "interrupted", "lost")
_UNFINISHED: Final = ("waiting", "running", "in_doubt")


class RunSettings(NamedTuple):
    """What a run was started with.

    Attributes:
        plan: what the rows ask.
        asker: the options, the dialect and the key.
        request: a request of the run, whose last turn is replaced by each row's prompt.
        arguments: the arguments of :func:`~.start.start_rows` for a run over the same rows.
    """

    plan: Plan
    asker: Asker
    request: Request
    arguments: dict[str, Any]


class RowRun(DisplayedRun):
    """One prompt over many rows. :func:`~.start.rows` returns it when the run has ended.

    Args:
        settings: what it was started with.
        store: the store, in which the run has begun.
        leader: makes the run; it is started here, on a thread.
        progress: its progress.
        again: starts a run over the same rows, for :meth:`retry`.
    """

    def __init__(
        self,
        settings: RunSettings,
        store: Store,
        leader: Leader | BatchLeader,
        progress: ProgressCounter,
        again: Callable[..., RowRun],
    ) -> None:
        self.settings = settings
        self.store = store
        self._leader = leader
        self._counter = progress
        self._again = again
        self._done = threading.Event()
        self._results = RowResults(store, settings.plan, settings.asker.options.schema, self._response_of)
        progress.set_first_rows(self._first_rows)
        add_running(self)
        self._thread = threading.Thread(target=self._run, name="gemini-rows", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        self._leader.run()
        try:
            self.store.close()
        except StoreError as lost:
            self._leader.problem = self._leader.problem or lost
            self._counter.add_notice(f"{lost.message} {lost.remedy}")
        for notice in (*self.store.take_notices(), *self._mixed_models()):
            self._counter.add_notice(notice)
        problem = self._leader.problem
        if isinstance(problem, GeminiMagicError):
            self._counter.set_ending(problem.message, problem.remedy)
        elif problem is not None:
            self._counter.set_ending(f"Internal error: {type(problem).__name__}: {problem}")
        self._counter.set_state("error" if problem is not None else self._leader.ending)
        remove_running(self)
        self._done.set()

    def _mixed_models(self) -> Iterator[str]:
        """A sentence if several models have answered, as when a name such as ``gemini-flash-latest`` gets a new meaning."""
        with suppress(StoreError):
            models = self.store.models()
            if len(models) > 1:
                listed = ", ".join(f"{name} ({count:,} rows)" for name, count in models.items())
                yield f"The answers are of {len(models)} models and may not be comparable: {listed}."

    # -- while it goes on

    @property
    def progress(self) -> RowProgress:
        """How far the run is: counts, rate, tokens, cost, time left, the newest rows."""
        return self._counter.snapshot()

    @property
    def done(self) -> bool:
        """Whether the run has ended."""
        return self._done.is_set()

    def wait_change(self, version: int, timeout: float | None = None) -> int:
        """Wait until the progress has another version, or the run has ended; return the version."""
        return self._counter.wait_change(version, timeout)

    def wait(self, timeout: float | None = None) -> bool:
        """Wait for the end, at most ``timeout`` seconds. Returns whether the run has ended."""
        return self._done.wait(timeout)

    def stop(self, *, now: bool = False, interrupted: bool = False) -> None:
        """Start no more rows; the requests in flight have ten seconds to end. Returns at once.

        Args:
            now: end the requests in flight at once.
            interrupted: whether an interrupt of the user is the cause, and not the Stop button.
        """
        self._leader.stop(now=now, interrupted=interrupted)

    def cancel(self, patience: float = 120.0) -> RowRun:
        """Cancel the batch jobs of the run, and wait for their end. Rows that were answered keep their answers.

        Args:
            patience: how many seconds to wait for the end of the jobs.

        Returns:
            The run. If some jobs have not ended yet, the next run over the store, or another call, stores their answers.

        Raises:
            OptionError: the run is in another tier.
            GeminiMagicError: the server was not reached, or it answered with an error.
        """
        if not isinstance(self._leader, BatchLeader):
            raise OptionError(
                "Only runs in the batch tier have jobs to cancel.", remedy="run.stop() stops this run."
            )
        if not self.done:
            self._leader.cancel()
            self.wait()
            return self
        with Store.open(self.store.path) as store:
            settings = self.settings
            left = cancel_jobs(store, settings.asker, settings.request, self._counter.add_notice, patience)
        if left:
            self._counter.add_notice(f"{left} batch jobs have not ended yet; call run.cancel() again.")
        return self

    # -- what it brought

    def results(self, batch_size: int = 1000) -> Iterator[list[ResultRow]]:
        """Yield the results of the rows in the order of the input, at most ``batch_size`` at a time.

        Raises:
            StoreError: the store cannot be read.
        """
        return self.store.results(batch_size)

    @property
    def df(self) -> Any:
        """The results of all rows in the library of the input, in its order, also of rows without an answer.

        With a schema there is one column a field. Columns that begin with ``_`` are those of the run: ``_text``,
        ``_status``, ``_error``, ``_tokens``, ``_cost``, ``_attempts`` …
        """
        return self._results.df

    def column(self, name: str) -> Any:
        """One column of the results; of an input in pandas a Series with its index.

        Raises:
            OptionError: there is no such column.
        """
        return self._results.column(name)

    def join(self, df: Any, suffix: str = "") -> Any:
        """Return a frame with the results to the right of its columns, each row with the result of its key.

        Args:
            df: the input of the run, or another frame of pandas, polars or Arrow with the same keys.
            suffix: what is added to the names of the results.

        Raises:
            OptionError: a name is in both, or the frame has not the key columns.
        """
        return self._results.join(df, suffix)

    def batches(self, size: int = 10_000) -> Iterator[Any]:
        """Yield the results as :attr:`df` has them, in frames of at most ``size`` rows."""
        return self._results.batches(size)

    def to_parquet(self, path: str | os.PathLike[str]) -> Path:
        """Write the results with their keys to a Parquet file, a batch at a time, and return its path."""
        return self._results.to_parquet(path)

    @property
    def at(self) -> ResponsesByKey:
        """The responses by the key of their row: ``run.at["T-17"]``."""
        return self._results.at

    @property
    def iat(self) -> ResponsesByPosition:
        """The responses by the position of their row in the input: ``run.iat[0]``."""
        return self._results.iat

    def _first_rows(self) -> Sequence[ShownRow]:
        try:
            found = next(self.store.results(10 * MOST_SHOWN_ROWS), [])
        except StoreError:
            return ()
        ended = [row for row in found if row.status not in _UNFINISHED]
        fields = self.settings.asker.options.schema is not None
        return [_shown(row, fields=fields) for row in islice(ended, MOST_SHOWN_ROWS)]

    def response(self, request: int) -> Response:
        """Return the response of a request of the store, with every piece as it arrived.

        Args:
            request: ``ResultRow.request``.

        Raises:
            StoreError: it has no response.
        """
        return self._rebuilt(request, replace(self.settings.request, turns=()), None)

    def _response_of(self, row: ResultRow, request: int) -> Response:
        """The response of a row, with its prompt if the input still has it and this run would send the same."""
        asked, http = replace(self.settings.request, turns=()), None
        wanted = self.settings.plan.row(row.position, row.sample)
        if wanted is not None and wanted.hash and wanted.hash == self.store.request_hash(request):
            asked = replace(asked, turns=(Turn("user", wanted.parts),))
            with suppress(UsageProblem):
                http = self.settings.asker.encoded(asked)
        return self._rebuilt(request, asked, http)

    def _rebuilt(self, request: int, asked: Request, http: HttpRequest | None) -> Response:
        options = self.settings.asker.options
        attempts = self.store.attempts(request)
        asked = in_tier_of(asked, attempts[-1].worker if attempts else "")
        price = TokenPrice.parse(options.price)
        return self.store.response(request, asked=asked, http=http, schema=options.schema, price=price)

    @property
    def failed(self) -> int:
        """Rows that were asked and have an error, or no answer."""
        counts = self.store.counts()
        return sum(counts.get(status, 0) for status in (*_FAILED, "in_doubt"))

    @property
    def refused(self) -> bool:
        """Whether nothing was sent, because the prompt, the rows or an option is not valid."""
        return isinstance(self._leader.problem, UsageProblem) and not self.progress.requests

    @property
    def ended_early(self) -> bool:
        """Whether a limit (``max_cost``, ``max_seconds``, a quota) or refusals of the server have ended the run."""
        return self._leader.ended_early

    def raise_if_refused(self) -> None:
        """Raise the error of a run that was refused before anything was sent.

        Raises:
            UsageProblem: the error.
        """
        if self.refused:
            self.raise_for_status()

    def raise_for_status(self, max_failed: float = 0) -> RowRun:
        """Raise an error if the run ended early or too many rows have failed; return the run.

        Args:
            max_failed: how many rows may fail; below 1, the share of the rows that may.

        Raises:
            GeminiMagicError: the error that ended the run.
            RowsError: rows were not asked, or too many have failed.
        """
        if isinstance(self._leader.problem, GeminiMagicError):
            raise self._leader.problem
        counts = self.store.counts()
        total, failed = sum(counts.values()), self.failed
        allowed = max_failed * total if max_failed < 1 else max_failed
        progress = self.progress
        left = counts.get("waiting", 0) + counts.get("running", 0)
        if not progress.ended:
            raise RowsError("The run has not ended.", remedy="Call run.wait() first.")
        if progress.state != "complete":
            raise RowsError(
                f"{progress.ending or 'The run was stopped.'} {left:,} rows that were read were not asked.".replace(
                    "\n", " "
                ),
                remedy=progress.remedy or "Run it again.",
            )
        if failed > allowed:
            doubtful = counts.get("in_doubt", 0)
            which = f", {doubtful:,} of them in doubt" if doubtful else _most_frequent(progress)
            raise RowsError(
                f"{failed:,} of {total:,} rows failed{which}.",
                remedy="run.retry() asks those again whose failure may pass."
                + (
                    ' A run with in_doubt="again" asks those in doubt, or after three attempts run.retry(status="in_doubt").'
                    if doubtful
                    else ""
                ),
            )
        return self

    def retry(self, status: Any = None, **options: Any) -> RowRun:
        """Ask rows again, with other options if some are given; the rows do not become stale.

        An answer counts instead of the first one unless it is worse, such as cut off instead of complete. The old attempts
        stay in the store.

        Args:
            status: the statuses of the rows, or a mask: a column or list with one bool for each row of :attr:`df`, such as
                ``run.df["_text"].str.len() < 10``; by default rows without an answer whose failure may pass: a connection that was
                lost before the answer began, a timeout, an error of the server.
            options: arguments of ``rows`` that replace those of this run, such as ``max_tokens``.

        Returns:
            The run over these rows, which has ended.

        Raises:
            OptionError: the run has not ended, its input can be read only once, or ``status`` is not valid.
        """
        if not self.done:
            raise OptionError("The run has not ended.", remedy="Call run.wait() first.")
        if not self.settings.plan.source.again:
            raise OptionError(
                "The input can be read only once, so its rows cannot be asked again.",
                remedy="Give a list or a frame instead of an iterator.",
            )
        count = 0 if status is None else sum(1 for _ in self._results.rows())
        return self._again(self, chosen_rows(status, count), options)

    # -- the store

    def forget(self, key: object) -> int:
        """Remove a row from the store, with its answers to all prompts and every trace of them in the file.

        A later run over the same input asks for the row again. An answer that another row shares stays for that row.

        Args:
            key: the key of the row.

        Returns:
            How many requests were removed.

        Raises:
            OptionError: the run has not ended.
            StoreError: the store has no such row, another run uses it, or it cannot be written.
        """
        if not self.done:
            raise OptionError("The run has not ended.", remedy="Call run.wait() first.")
        with Store.open(self.store.path) as store:
            removed = store.forget(canonical_key(key))
            for notice in store.take_notices():
                self._counter.add_notice(notice)
        return removed

    def copy(self, path: str | os.PathLike[str]) -> Path:
        """Write a complete copy of the store into a new file, also while the run goes on; return its path.

        A copy of the file alone, made by other means during a run, lacks the newest answers.

        Raises:
            StoreError: the file exists already, or cannot be written.
        """
        return self.store.copy(path)


def retried_grants(run: RowRun, plan: Plan, store: Store, choice: RowChoice) -> Iterator[list[Grant]]:
    """The attempts that ask rows of a run again.

    Args:
        run: the run.
        plan: what the rows ask now, in the same order.
        store: the store, in which the new run has begun.
        choice: the rows.
    """
    statuses = choice.statuses
    masked = _masked(choice, plan)
    for old, new in zip(run.settings.plan.batches(), plan.batches(), strict=True):
        pairs: dict[int, int] = {}  # the place in the batch by request
        for place, match in enumerate(store.match(old)):
            status = "in_doubt" if match.state == IN_DOUBT else match.status or "waiting"
            passes = not match.permanent and status in _FAILED
            if masked is not None:
                chosen = (old[place].position, old[place].sample) in masked
            else:
                chosen = passes if statuses is None else status in statuses
            if chosen and match.request is not None and new[place].hash:
                pairs.setdefault(match.request, place)
        matches = store.retry([(request, new[place].hash) for request, place in pairs.items()])
        grants = []
        for place, match in zip(pairs.values(), matches, strict=True):
            other = new[place].hash != old[place].hash
            if match.request is None or (
                other and match.status is not None and match.status not in (statuses or _FAILED)
            ):
                continue
            grants.append(Grant(match.request, match.attempts + 1, new[place]))
        if grants:
            yield grants


def _masked(choice: RowChoice, plan: Plan) -> set[tuple[int, int]] | None:
    """The positions and samples of the rows that a mask selects; None without a mask. Rows with one answer are one row."""
    if choice.mask is None:
        return None
    places = (divmod(line, plan.repeat) for line, chosen in enumerate(choice.mask) if chosen)
    return {(plan.repeats.get(position, position), sample) for position, sample in places}


def _shown(row: ResultRow, *, fields: bool) -> ShownRow:
    tokens = [count for count in (row.tokens_in, row.tokens_thought, row.tokens_out) if count is not None]
    return ShownRow(
        key_text(row.key),
        row.status,
        row.text[:2000],
        (answer_fields(row) or None) if fields else None,
        row.error,
        sum(tokens) if tokens else None,
        row.cost,
        row.seconds,
        row.attempts,
    )


def _most_frequent(progress: RowProgress) -> str:
    return f", most often: {progress.failures[0].reason}" if progress.failures else ""
