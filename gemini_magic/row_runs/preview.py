"""What a run would ask, without sending anything and without changing the store."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Final

from ..backends import backend, host_to_name
from ..client import endpoint_of
from ..content import Text
from ..errors import OptionError
from ..options import Options
from ..prompts import build_request
from ..views import RowsPreview, TierPrice
from .admission import asked_before, is_stale, limited
from .batch_client import batch_api
from .batch_start import BATCH
from .estimate import EvenSample, answer_tokens, prompt_tokens, tier_prices
from .keys import key_text
from .plan import Plan
from .row_arguments import RowArguments, options_of_rows
from .store import Store
from .store_schema import DONE, IN_DOUBT, SENT
from .store_values import Match
from .values import Wanted

__all__ = ["preview_rows"]

_PROMPTS: Final = 3


def preview_rows(
    template: str | None,
    data: Any,
    arguments: RowArguments,
    options: Options,
    *,
    variables: Mapping[str, Any] = MappingProxyType({}),
    ask_key: Callable[[str], str] | None = None,
) -> RowsPreview:
    """Read the whole input, count what :func:`~.start.start_rows` would ask, and price it in each service tier.

    The tokens of some rows are counted by the server, which is free; without a key they are estimated.

    Raises:
        UsageProblem: the prompt, the rows or an option is not valid.
        StoreError: the store cannot be read.
    """
    arguments.check()
    options = options_of_rows(options)
    if options.service_tier == BATCH:
        batch_api(backend(options.backend))
    plan = arguments.plan(template, data, options, variables)
    if not plan.source.again:
        raise OptionError(
            "An iterator can be read only once, so its rows cannot be previewed.",
            remedy="Give a list or a frame.",
        )
    store = None
    if arguments.store is not None and os.path.exists(arguments.store):  # noqa: PTH110 - any kind of path
        store = Store.read(arguments.store)
    counts, sample, prompts, found = _counted(plan, arguments, store)
    tokens, prices, notices = _priced(sample, store, options, ask_key)
    return RowsPreview(
        sample.rows + sum(counts.values()),
        sample.rows,
        dict(counts),
        tuple(prompts),
        options.model,
        round(tokens),
        prices,
        str(arguments.store or ""),
        (*plan.notices, *found, *notices),
    )


def _priced(
    sample: EvenSample, store: Store | None, options: Options, ask_key: Callable[[str], str] | None
) -> tuple[float, tuple[TierPrice, ...], tuple[str, ...]]:
    """The tokens of all prompts, what the rows cost in each tier, and sentences about how both were found."""
    if not sample.rows:
        return 0.0, (), ()
    dialect, request = backend(options.backend), build_request((Text("x"),), options)
    sent = prompt_tokens(sample, request, dialect, options, ask_key)
    answers = answer_tokens(store, options)
    prices = tier_prices(dialect, request, options, sent.total, sample.rows * answers.each)
    host = host_to_name(dialect.url(options.model, endpoint_of(options)))
    missing = (
        f"No price is known for {options.model}{f' at {host}' if host else ''}: give the prices of the standard tier with "
        'price="IN,OUT".'
    )
    return sent.total, prices, (sent.sentence, answers.sentence if prices else missing)


def _counted(
    plan: Plan, arguments: RowArguments, store: Store | None
) -> tuple[Counter[str], EvenSample, list[tuple[str, str]], list[str]]:
    """The rows that are not asked by the reason, a sample of the others, the first prompts, and sentences about the rows."""
    counts: Counter[str] = Counter()
    sample = EvenSample()
    prompts: list[tuple[str, str]] = []
    seen: set[bytes] = set()
    stale, problem = 0, ""
    for batch in limited(plan.batches(), arguments.limit):
        matches = [None] * len(batch) if store is None else store.match(batch)
        for wanted, match in zip(batch, matches, strict=True):
            stale += match is not None and bool(wanted.hash) and is_stale(match)
            problem = problem or wanted.problem
            reason = _reason(wanted, match, arguments)
            if not reason and wanted.hash in seen:
                reason = "shared"
            if reason:
                counts[reason] += 1
                continue
            seen.add(wanted.hash)
            sample.add(wanted)
            if len(prompts) < _PROMPTS:
                prompts.append((key_text(wanted.key), _text_of(wanted)))
    found = [f"Rows whose prompt cannot be made are skipped. The first: {problem}"] if problem else []
    if stale and store is not None:
        rows = "1 row has an answer" if stale == 1 else f"{stale:,} rows have answers"
        why = "; ".join(plan.stale_reasons(asked_before(store)))
        found.append(f"{rows} to another request. {why}{'' if why.endswith('?') else '.'}")
    return counts, sample, prompts, found


def _reason(wanted: Wanted, match: Match | None, arguments: RowArguments) -> str:
    """Why a row is not asked; empty if it is."""
    if not wanted.hash:
        return wanted.status
    if match is None:
        return ""
    if is_stale(match) and arguments.stale != "again":
        return "stale"
    if match.request is not None and match.state == DONE:
        return "done"
    if match.request is not None and match.state == SENT:
        return "running"
    if match.request is not None and match.state == IN_DOUBT and arguments.in_doubt != "again":
        return "in_doubt"
    return ""


def _text_of(wanted: Wanted) -> str:
    return "\n".join(
        part.text if isinstance(part, Text) else f"[{type(part).__name__.lower()}]" for part in wanted.parts
    )
