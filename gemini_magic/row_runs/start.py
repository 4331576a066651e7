"""Starts a run over rows: ``rows`` waits for its end, ``start_rows`` returns at once."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version
from types import MappingProxyType
from typing import Any, Literal

from ..api import key_for_options, refuse_conflicts, resolved_options
from ..backends import Backend, backend, host_to_name
from ..client import Asker, Key, endpoint_of, rate_scope
from ..config import CHOSEN, IGNORED, KEY_WITHHELD
from ..content import Text
from ..errors import CredentialsError, Interrupted, OptionError, PromptError
from ..journaling import uploaded_files
from ..options import Options
from ..prices import TokenPrice
from ..prompts import build_request, keyword_remedies
from ..views import watch_rows
from .admission import Admission, InDoubt, Stale, asked_before, check_store, limited
from .attempts import AttemptMaker
from .batch_leader import BatchLeader, refuse_open_jobs
from .batch_start import BATCH, check_batch, start_batch, without_batch
from .breaker import CircuitBreaker
from .budget import Budget, token_rates
from .cluster import ClusterExecutor
from .cluster_plan import ClusterPlan
from .leader import Leader
from .limits import DEFAULT_AT_ONCE
from .local import LocalExecutor
from .pace import Pace
from .plan import Duplicates, Missing
from .preview import preview_rows
from .progress import ProgressCounter
from .row_arguments import RowArguments, options_of_rows, refuse_other_names
from .row_choice import RowChoice
from .run import RowRun, RunSettings, retried_grants
from .starting_store import StartingStore
from .store import Store
from .store_values import RunRecord
from .values import Executor, Grant

__all__ = ["RowArguments", "rows", "start_rows"]


@keyword_remedies
def rows(
    prompt: Any,
    data: Any = None,
    *,
    id: Any = None,  # noqa: A002 - the name that users type
    store: str | os.PathLike[str] | None = None,
    limit: int | None = None,
    max_cost: float | None = None,
    max_errors: int | None = None,
    max_seconds: float | None = None,
    concurrency: int | None = None,
    tpm: int | None = None,
    wait: Literal["day"] | None = None,
    stale: Stale = "stop",
    in_doubt: InDoubt = "stop",
    missing: Missing = "skip",
    duplicates: Duplicates = "error",
    dedupe: bool = True,
    repeat: int = 1,
    folder: str | os.PathLike[str] | None = None,
    keep: Literal["raw", "text"] = "raw",
    cluster: Any = None,
    variables: Mapping[str, Any] | None = None,
    show: bool | None = None,
    **options: Any,
) -> RowRun:
    """Ask one prompt for each row of a table, and wait for the answers.

    Every answer is in the store before it counts, and no request is sent a second time unless the server refused the first
    one. Running it again with the same store asks only rows without an answer.

    Args:
        prompt: the prompt, with ``{{ row.NAME }}`` for the columns; or a list of prompts, without ``data``.
        data: the rows: a frame of pandas or polars, an Arrow table, a relation of DuckDB, the path of a CSV or Parquet file,
            or a list or iterator of dicts.
        id: the column that identifies a row, or a list of several; ``"position"`` counts the rows.
        store: the file that keeps what was asked and answered (``NAME.rows.sqlite``); None for a temporary one.
        limit: ask only the first rows of the input, at most this many.
        max_cost: dollars that the store may cost, with its earlier runs.
        max_errors: equal refusals that stop the run; by default 5, and 5 % of the rows beyond 200.
        max_seconds: seconds after which the run stops.
        concurrency: rows that are asked at once, at most 500; 64 by default.
        tpm: input tokens a minute.
        wait: ``"day"`` to wait until the quota of the day opens again, instead of stopping.
        stale: what to do with rows that have an answer to another request: ``stop``, ``keep`` it, or ask ``again``.
        in_doubt: what to do with rows that were sent and not answered before an earlier run ended: ``stop``, ``skip`` them,
            or ask ``again``.
        missing: what to do with rows without a value in a column of the prompt: ``skip``, ``error``, or ``keep`` an empty text.
            Rows whose prompt cannot be made are an error, or else they are skipped, too.
        duplicates: ``"first"`` to allow rows with the same key and the same prompt.
        dedupe: whether rows with the same prompt share one answer.
        repeat: how many answers each row gets.
        folder: the folder whose files ``{{ image(row.NAME) }}`` may send.
        keep: ``"text"`` to store no responses, only their texts, counts and errors: ``run.at[key]`` is then an error.
        cluster: a ``dask.distributed.Client``, to make the requests on the workers of its cluster, each with its own key.
        variables: other names that the prompt uses.
        show: whether to show the progress; by default in a notebook and in a terminal.
        options: any option of ``%%gemini`` by name, such as ``model``, ``schema``, ``rpm`` or ``max_tokens``.
            ``service_tier="batch"`` asks all rows as batch jobs at half the price; ``dry_run=True`` asks nothing.

    Returns:
        The run, which has ended: because all rows were asked, or early (``run.progress.ending`` says why). With
        ``dry_run``, a :class:`~gemini_magic.views.RowsPreview`: what would be asked, and its price in each service tier.

    Raises:
        UsageProblem: the prompt, the rows or an option is not valid, or no key was found. Nothing was sent.
        StoreError: the store cannot be used.
        Interrupted: the user interrupted it. What was answered is in the store, and the exception's ``response`` is the run.
    """
    template = prompt
    refuse_other_names(options)
    if data is None:
        if isinstance(prompt, str) and "{{" in prompt:
            raise PromptError(
                "The rows are missing.", remedy="Give them after the prompt: rows(prompt, df, id=…)."
            )
        template, data = None, prompt
    arguments = RowArguments(
        id=id,
        store=store,
        limit=limit,
        max_cost=max_cost,
        max_errors=max_errors,
        max_seconds=max_seconds,
        concurrency=concurrency,
        tpm=tpm,
        wait=wait,
        stale=stale,
        in_doubt=in_doubt,
        missing=missing,
        duplicates=duplicates,
        dedupe=dedupe,
        repeat=repeat,
        folder=folder,
        keep=keep,
        cluster=cluster,
    )
    resolved, sources = resolved_options(options)
    if resolved.dry_run:
        return preview_rows(template, data, arguments, resolved, variables=variables or {})  # type: ignore[return-value]
    run = start_rows(template, data, arguments, resolved, sources=sources, variables=variables or {})
    return _watched(run, show)


def _watched(run: RowRun, show: bool | None) -> RowRun:
    """Show a run until it ends, and return it.

    Raises:
        UsageProblem: the prompt, the rows or an option is not valid, and nothing was sent.
        Interrupted: the user interrupted it; ``response`` is the run.
    """
    try:
        watch_rows(run, shell=_shell(), show=show)
    except KeyboardInterrupt:
        if not run.done:  # it came before or after the watch
            run.stop(now=True, interrupted=True)
    else:
        run.raise_if_refused()
        return run
    again = "Run it again to go on: rows with an answer are not asked again."
    if run.store.temporary:
        again = "What was answered is in the exception's `response`. With store=FILE, a run can go on later."
    raise Interrupted("The run was interrupted.", remedy=again, response=run)


def _shell() -> Any:
    """The IPython shell of this process; None without one."""
    module = sys.modules.get("IPython")
    return None if module is None else module.get_ipython()


def start_rows(
    template: str | None,
    data: Any,
    arguments: RowArguments,
    options: Options,
    *,
    sources: Mapping[str, str] = MappingProxyType({}),
    variables: Mapping[str, Any] = MappingProxyType({}),
    ask_key: Callable[[str], str] | None = None,
) -> RowRun:
    """Start a run and return at once; see :func:`rows` for the arguments and the errors.

    Args:
        template: the prompt; None if each row is a prompt.
        data: the rows.
        arguments: the arguments of the run.
        options: the resolved options; ``schema`` is a :class:`~gemini_magic.schema.Schema` or None.
        sources: where the options came from, as returned by ``resolve``.
        variables: other names that the prompt uses.
        ask_key: asks the user for a key when none is found; None where the user cannot be asked.
    """
    arguments.check()
    options = options_of_rows(options)
    dialect = backend(options.backend)
    check_batch(dialect, options, arguments)
    plan = arguments.plan(template, data, options, variables)
    request = build_request((Text("x"),), options)
    refuse_conflicts(dialect, without_batch(request), options, sources)
    reasons = [each for name in (KEY_WITHHELD, IGNORED) if (each := sources.get(name))]
    key = _key(dialect, options, arguments, ask_key, reasons)
    asker = _asker(options, dialect, key)
    asker.encoded(without_batch(request))  # raises what would be wrong with every row
    settings = RunSettings(
        plan,
        asker,
        request,
        {
            "template": template,
            "data": data,
            "arguments": arguments,
            "sources": sources,
            "variables": variables,
            "ask_key": ask_key,
        },
    )
    return _Starter(settings, dialect, arguments).start()


def _key(
    dialect: Backend,
    options: Options,
    arguments: RowArguments,
    ask: Callable[[str], str] | None,
    reasons: Sequence[str],
) -> Key | None:
    """The key for the address. On a cluster, each worker has its own; the one of this process only tells limits apart.

    Raises:
        CredentialsError: no key was found, or the key belongs to another host.
    """
    if dialect.local is not None:
        return None
    if arguments.cluster is None:
        return key_for_options(dialect, options, ask, reasons)
    with suppress(CredentialsError):
        return key_for_options(dialect, options, None, reasons)
    return None


def _asker(options: Options, dialect: Backend, key: Key | None) -> Asker:
    """What the attempts of a run share. The token of a sign-in lasts an hour, and a run may take longer."""
    auth = None if key is None else dialect.auth_for(options.auth, endpoint_of(options))
    if auth is None or not auth.signs_in:
        return Asker(options, dialect, key, uploaded=uploaded_files)
    return Asker(
        options, dialect, key, lambda: key_for_options(dialect, options, None, ()), uploaded=uploaded_files
    )


class _Starter:
    """Starts one run, once everything is checked that can be checked without the store."""

    def __init__(self, settings: RunSettings, dialect: Backend, arguments: RowArguments) -> None:
        self.settings = settings
        self.dialect = dialect
        self.arguments = arguments
        self.options = settings.asker.options
        url = dialect.url(self.options.model, endpoint_of(self.options))
        self.rates = token_rates(dialect, self.options, url)
        if arguments.max_cost is not None and self.rates is None:
            at = "" if token_rates(dialect, self.options) is None else f" at {host_to_name(url)}"
            if self.options.service_tier not in (None, "standard"):
                at += f" in the tier {self.options.service_tier}"
            raise OptionError(
                f"max_cost cannot be kept: no price is known for {self.options.model}{at}.",
                remedy='Give the prices with price="IN,OUT" (dollars for a million tokens), or leave max_cost out.',
            )

    def start(self) -> RowRun:
        """Open the store, check what it holds, and start."""
        with StartingStore(self.arguments.store) as opened:
            store = opened.store
            store.keeps_responses = self.arguments.keep == "raw"
            self._refuse_open_jobs(store)
            self._fit_plan(store)
            checked = check_store(
                self.settings.plan,
                store,
                limit=self.arguments.limit,
                stale=self.arguments.stale,
                in_doubt=self.arguments.in_doubt,
                rates=self.rates,
            )
            store.begin_run(self._record())
            progress = self._progress(store)
            open_requests: set[int] = set()
            admission = Admission(
                store,
                progress,
                stale=self.arguments.stale,
                in_doubt=self.arguments.in_doubt,
                open_requests=open_requests,
            )
            if checked is None:
                batches = limited(self.settings.plan.batches(), self.arguments.limit)
            else:
                progress.count_unasked("done", checked.done)
                store.match(list(checked.last.values()))  # the extent of the input
                batches = checked.batches()
            leader = self._leader(map(admission.admit, batches), open_requests, store, progress)
            return opened.started(lambda: RowRun(self.settings, store, leader, progress, _retry))

    def retry(self, run: RowRun, choice: RowChoice) -> RowRun:
        """Start a run that asks rows of another run again."""
        with StartingStore(run.store.path) as opened:
            store = opened.store
            store.keeps_responses = self.arguments.keep == "raw"
            self._refuse_open_jobs(store)
            self._fit_plan(store)
            store.begin_run(self._record())
            progress = self._progress(store)
            grants = retried_grants(run, self.settings.plan, store, choice)
            leader = self._leader(grants, set(), store, progress)
            again = opened.started(lambda: RowRun(self.settings, store, leader, progress, _retry))
        progress.set_first_rows(tuple)  # a view of the retry shows its newest rows
        return again

    def _fit_plan(self, store: Store) -> None:
        """Let the plan make hashes in the form that the store has, and keep the digests of files there.

        Raises:
            OptionError: the form is one of a newer version.
        """
        plan = self.settings.plan
        plan.use_form(asked_before(store).get("form", plan.identity.form))
        plan.keep_digests(store.digests)

    def _refuse_open_jobs(self, store: Store) -> None:
        if self.options.service_tier != BATCH:
            refuse_open_jobs(store)

    def _record(self) -> RunRecord:
        options, plan = self.options, self.settings.plan
        url = self.dialect.url(options.model, endpoint_of(options))
        schema = options.schema
        return RunRecord(
            _product(),
            self.dialect.name,
            host_to_name(url),
            options.model,
            plan.asked.get("template", ""),
            json.dumps(plan.asked, default=str),
            None if schema is None else json.dumps(schema.sent),
            budget=self.arguments.max_cost,
            samples=self.arguments.repeat,
        )

    def _progress(self, store: Store) -> ProgressCounter:
        length, limit = self.settings.plan.length, self.arguments.limit
        if limit is not None and length is not None:
            length = min(limit, length)
        schema = self.options.schema
        progress = ProgressCounter(
            None if length is None else length * self.arguments.repeat,
            fields=tuple(schema.sent.get("properties", {})) if schema is not None else (),
            store="" if store.temporary else str(store.path),
            max_cost=self.arguments.max_cost,
            spent_before=store.cost().dollars,
        )
        sources = self.settings.arguments["sources"]
        given = [sources[name] for name in (KEY_WITHHELD, IGNORED, CHOSEN) if sources.get(name)]
        for notice in (*self.settings.plan.notices, *given, *_other_host(store)):
            progress.add_notice(notice)
        return progress

    def _leader(
        self,
        batches: Iterator[list[Grant]],
        open_requests: set[int],
        store: Store,
        progress: ProgressCounter,
    ) -> Leader | BatchLeader:
        options, asker, arguments = self.options, self.settings.asker, self.arguments
        cost = store.cost()
        unknown = cost.unpriced + cost.in_doubt
        budget = Budget(arguments.max_cost, cost.dollars, self.rates, options.max_tokens, unknown)
        breaker = CircuitBreaker(arguments.max_errors)
        if options.service_tier == BATCH:
            return start_batch(
                batches,
                open_requests,
                store,
                asker=asker,
                request=self.settings.request,
                budget=budget,
                breaker=breaker,
                progress=progress,
                max_seconds=arguments.max_seconds,
            )
        url = self.dialect.url(options.model, endpoint_of(options))
        pace = Pace(
            rate_scope(url, asker.key, options.model),
            rpm=options.rpm,
            tpm=arguments.tpm,
            at_once=arguments.concurrency or DEFAULT_AT_ONCE,
            chosen=arguments.concurrency is not None,
            retries=options.retries,
            max_seconds=arguments.max_seconds,
            wait_for_day=arguments.wait == "day",
        )
        price = TokenPrice.parse(options.price)

        def executor(leader: Leader) -> Executor:
            if arguments.cluster is not None:
                cluster_plan = ClusterPlan(options, self.settings.request, options.schema, price)
                return ClusterExecutor(arguments.cluster, cluster_plan, pace.at_once)
            maker = AttemptMaker(asker, self.settings.request, options.schema, price)
            return LocalExecutor(maker, leader.leave)

        return Leader(
            batches,
            open_requests,
            store,
            executor,
            pace=pace,
            budget=budget,
            breaker=breaker,
            progress=progress,
        )


def _other_host(store: Store) -> list[str]:
    """A notice if the run before asked another host; the host does not belong to what a row asks."""
    hosts = [each.host for each in store.runs()[-2:]]
    if len(set(hosts)) <= 1:
        return []
    return [
        f"Earlier answers of this store are from {hosts[0] or 'another server'}, these are from {hosts[1]}."
    ]


def _product() -> str:
    try:
        return version("gemini-magic")
    except PackageNotFoundError:
        return "0"


@keyword_remedies
def _retry(run: RowRun, choice: RowChoice, changes: Mapping[str, Any]) -> RowRun:
    """Ask rows of a run again, and wait for the answers; see :meth:`RowRun.retry`."""
    given = dict(run.settings.arguments)
    arguments: RowArguments = given["arguments"]
    own = {name: value for name, value in changes.items() if name in RowArguments._fields}
    others = {name: value for name, value in changes.items() if name not in own}
    for name in ("id", "store", "limit", "dedupe", "repeat"):
        if name in own:
            raise OptionError(f"A retry cannot change {name}.", remedy="Start another run with rows(…).")
    refuse_other_names(others)
    previous = run.settings.asker.options.for_follow_up()
    options, sources = resolved_options(others, previous)
    arguments = arguments._replace(**own)
    arguments.check()
    options = options_of_rows(options)
    dialect = backend(options.backend)
    plan = arguments.plan(given["template"], given["data"], options, given["variables"])
    check_batch(dialect, options, arguments._replace(store=run.store.path))
    request = build_request((Text("x"),), options)
    refuse_conflicts(dialect, without_batch(request), options, sources)
    key = _key(dialect, options, arguments, given["ask_key"], ())
    settings = RunSettings(plan, _asker(options, dialect, key), request, {**given, "arguments": arguments})
    again = _Starter(settings, dialect, arguments).retry(run, choice)
    return _watched(again, None)
