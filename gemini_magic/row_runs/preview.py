"""What a run would ask, without sending anything and without changing the store."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

from ..backends import backend
from ..content import Text
from ..errors import OptionError
from ..options import Options
from ..views import RowsPreview, TierPrice
from .admission import is_stale, limited
from .budget import token_rates
from .keys import key_text
from .limits import tokens_of
from .plan import Plan, prepare
from .row_arguments import RowArguments
from .store import Store
from .store_schema import DONE, IN_DOUBT
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
) -> RowsPreview:
    """Read the whole input, and count what :func:`~.start.start_rows` would ask; the arguments are the same.

    Raises:
        UsageProblem: the prompt, the rows or an option is not valid.
        StoreError: the store cannot be read.
    """
    arguments.check()
    plan = prepare(
        template,
        data,
        id=arguments.id,
        options=options,
        namespace=variables,
        missing=arguments.missing,
        duplicates=arguments.duplicates,
        dedupe=arguments.dedupe,
        repeat=arguments.repeat,
        max_bytes=None if arguments.tpm is None else 4 * arguments.tpm,
        folder=arguments.folder,
    )
    if not plan.source.again:
        raise OptionError(
            "An iterator can be read only once, so its rows cannot be previewed.",
            remedy="Give a list or a frame.",
        )
    store = None
    if arguments.store is not None and os.path.exists(arguments.store):  # noqa: PTH110 - any kind of path
        store = Store.read(arguments.store)
    counts, asked, size, prompts = _counted(plan, arguments, store)
    rates = token_rates(backend(options.backend), options)
    tokens = round(tokens_of(size))
    prices = []
    if rates is not None and asked:
        note = "the prompts only; the answers are not known" if options.max_tokens is None else "at most"
        cost = rates.cost(tokens, asked * (options.max_tokens or 0))
        prices.append(TierPrice(options.service_tier or "standard", cost, note))
    return RowsPreview(
        asked + sum(counts.values()),
        asked,
        dict(counts),
        tuple(prompts),
        options.model,
        tokens,
        tuple(prices),
        str(arguments.store or ""),
        tuple(plan.notices),
    )


def _counted(
    plan: Plan, arguments: RowArguments, store: Store | None
) -> tuple[Counter[str], int, int, list[tuple[str, str]]]:
    """The rows that are not asked by the reason, the number of the others, their bytes, and the first prompts."""
    counts: Counter[str] = Counter()
    asked = size = 0
    prompts: list[tuple[str, str]] = []
    seen: set[bytes] = set()
    for batch in limited(plan.batches(), arguments.limit):
        matches = [None] * len(batch) if store is None else store.match(batch)
        for wanted, match in zip(batch, matches, strict=True):
            reason = _reason(wanted, match, arguments)
            if not reason and wanted.hash in seen:
                reason = "shared"
            if reason:
                counts[reason] += 1
                continue
            seen.add(wanted.hash)
            asked, size = asked + 1, size + wanted.size
            if len(prompts) < _PROMPTS:
                prompts.append((key_text(wanted.key), _text_of(wanted)))
    return counts, asked, size, prompts


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
    if match.request is not None and match.state == IN_DOUBT and arguments.in_doubt != "again":
        return "in_doubt"
    return ""


def _text_of(wanted: Wanted) -> str:
    return "\n".join(
        part.text if isinstance(part, Text) else f"[{type(part).__name__.lower()}]" for part in wanted.parts
    )
