"""Starts runs in the batch tier, and cancels the jobs of a store."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Final

from msgspec.structs import replace

from ..api import key_for_options, resolved_options
from ..backends import Backend, backend
from ..client import Asker, endpoint_of
from ..content import Request, Text
from ..errors import OptionError, SchemaError, StoreError
from ..options import Options
from ..prices import TokenPrice
from ..prompts import build_request
from ..schema import Schema, as_schema
from .batch import BatchRunner
from .batch_answers import AnswerReader
from .batch_client import BatchClient, batch_api
from .batch_leader import BatchLeader
from .batch_values import LABEL
from .breaker import CircuitBreaker
from .budget import Budget
from .progress import ProgressCounter
from .row_arguments import RowArguments
from .store import Store
from .values import Grant

__all__ = [
    "BATCH",
    "cancel_batch_jobs",
    "cancel_jobs",
    "check_batch",
    "in_tier_of",
    "start_batch",
    "without_batch",
]

BATCH: Final = "batch"
"""The service tier of batch jobs."""


def check_batch(dialect: Backend, options: Options, arguments: RowArguments) -> None:
    """Refuse a run in the batch tier that cannot be made; does nothing for other tiers.

    Raises:
        OptionError: the backend has no batch jobs, there is no store to find them again, the cost cannot be limited, or
            there is a cluster.
    """
    if options.service_tier != BATCH:
        return
    batch_api(dialect)
    if arguments.cluster is not None:
        raise OptionError(
            "The batch tier does not use a cluster: its rows are asked by jobs on the server.",
            remedy="Leave out cluster=, or choose another service_tier.",
        )
    if arguments.store is None:
        raise OptionError(
            "The batch tier needs a store: its jobs go on when this kernel ends, and the store finds them again.",
            remedy='Give one: store="NAME.rows.sqlite".',
        )
    if arguments.cluster is not None:
        raise OptionError(
            "The batch tier does not use a cluster: the server asks the rows.", remedy="Leave cluster out."
        )
    if arguments.max_cost is not None and options.max_tokens is None:
        raise OptionError(
            "max_cost cannot be kept in the batch tier without max_tokens: all rows are sent before the first answer arrives.",
            remedy="Give max_tokens, or use limit=.",
        )


def without_batch(request: Request) -> Request:
    """The request as a single one, which has no batch tier."""
    if request.settings.service_tier != BATCH:
        return request
    return replace(request, settings=replace(request.settings, service_tier=None))


def in_tier_of(request: Request, worker: str) -> Request:
    """The request in the tier in which an attempt was made, because the store can be used in several tiers.

    Args:
        request: a request of the run.
        worker: the worker of the attempt; that of a batch job is the job.
    """
    if not worker.startswith((LABEL, "batches/")):
        return without_batch(request)
    return replace(request, settings=replace(request.settings, service_tier=BATCH))


def start_batch(
    batches: Iterator[list[Grant]],
    open_requests: set[int],
    store: Store,
    *,
    asker: Asker,
    request: Request,
    budget: Budget,
    breaker: CircuitBreaker,
    progress: ProgressCounter,
    max_seconds: float | None,
) -> BatchLeader:
    """The leader of a run in the batch tier; see :class:`BatchLeader` for the arguments."""
    return BatchLeader(
        batches,
        open_requests,
        store,
        asker=asker,
        request=request,
        reader_of=_readers(store, asker, request),
        budget=budget,
        breaker=breaker,
        progress=progress,
        max_seconds=max_seconds,
    )


def _readers(
    store: Store, asker: Asker, request: Request, *, current: bool = True
) -> Callable[[int], AnswerReader]:
    """What describes the results of the jobs of a run: those of an earlier run belong to its schema.

    Args:
        store: the store.
        asker: the options, the dialect and the key.
        request: a request of the run.
        current: whether the newest run of the store is the one with these options.
    """
    options, dialect = asker.options, asker.backend
    url = dialect.url(options.model, endpoint_of(options))
    price = TokenPrice.parse(options.price)
    newest = store.runs()[-1].id if current else 0

    @cache
    def reader_of(run: int) -> AnswerReader:
        schema = options.schema if run == newest else _schema_of(store, run)
        return AnswerReader(dialect, request, url, schema, price)

    return reader_of


def _schema_of(store: Store, run: int) -> Schema | None:
    """The schema of an earlier run; None if it has none, or one that cannot be read any more."""
    text = next((record.schema for record in store.runs() if record.id == run), None)
    try:
        value = None if text is None else json.loads(text)
        return as_schema(value) if isinstance(value, dict) else None
    except (ValueError, SchemaError):
        return None


def cancel_jobs(
    store: Store, asker: Asker, request: Request, notify: Callable[[str], object], patience: float
) -> int:
    """Cancel the batch jobs of a store that have not ended, and store what they have answered.

    Args:
        store: the store, open for writing.
        asker: the options, the dialect and the key.
        request: a request of the run.
        notify: is called with each sentence for the user.
        patience: how many seconds to wait for the end of the jobs.

    Returns:
        How many jobs have not ended yet.
    """

    def wait(seconds: float) -> bool:
        time.sleep(seconds)
        return False

    client = BatchClient(asker.backend, asker.options, asker.key)
    runner = BatchRunner(
        store,
        client,
        _readers(store, asker, request, current=False),
        asker.options.model,
        notify=notify,
        wait=wait,
    )
    runner.reattach()
    return runner.cancel(patience)


def cancel_batch_jobs(store: str | os.PathLike[str], *, patience: float = 120.0, **options: object) -> int:
    """Cancel the batch jobs of a store that have not ended. Rows that were answered before keep their answers.

    Args:
        store: the file of the store.
        patience: how many seconds to wait for the end of the jobs.
        options: options of ``%%gemini`` by name, such as ``base_url`` or ``key_env``.

    Returns:
        How many jobs have not ended yet; the next call, or the next run over the store, stores what they had answered.

    Raises:
        StoreError: the store cannot be opened.
        GeminiMagicError: the server was not reached, or it answered with an error.
    """
    if not Path(store).expanduser().exists():
        raise StoreError(f"{store} does not exist.", remedy="Give the file that was the store= of the run.")
    resolved, _ = resolved_options({**options, "service_tier": BATCH})
    with Store.open(store) as opened:
        records = opened.runs()
        if not records or not opened.jobs():
            return 0
        if "model" not in options:
            resolved.model = records[-1].model
        dialect = backend(resolved.backend)
        batch_api(dialect)
        key = key_for_options(dialect, resolved, None, ())
        request = build_request((Text("x"),), resolved)
        return cancel_jobs(opened, Asker(resolved, dialect, key), request, print, patience)
