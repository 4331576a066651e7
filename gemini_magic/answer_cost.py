"""What an answer costs: as a gateway reports it, by the user's prices, or by list prices."""

from __future__ import annotations

from typing import Any

from .backends import Backend, backend
from .events import Usage
from .ledger import Ledger
from .prices import Cost, add_costs, list_price, reported_cost
from .tables import Rows

__all__ = ["answer_cost", "round_costs", "step_cost"]


def answer_cost(ledger: Ledger) -> Cost | None:
    """Return the cost of all rounds of an answer, 0 for one of the cache; None where it is not known, and while it runs."""
    if ledger.status == "running":
        return None
    if ledger.source == "cache":  # nothing was sent
        return Cost(0.0, "USD", 0.0, 0.0, "cache", None, ledger.model_version)
    if len(ledger.rounds) > 1:
        return add_costs(round_costs(ledger))
    reported = (ledger.extras["cost"],) if "cost" in ledger.extras else ()
    return _request_cost(ledger, ledger.usage, reported, (0, len(ledger.raw)))


def round_costs(ledger: Ledger) -> list[Cost | None]:
    """Return the cost of each round; None for one whose cost is not known."""
    return [
        _request_cost(ledger, each.usage, () if each.cost is None else (each.cost,), each.chunks)
        for each in ledger.rounds
    ]


def step_cost(ledger: Ledger, usage: Usage) -> float | None:
    """Return the cost of the tokens of one step in US dollars; None where it is not known, and while the answer runs."""
    if ledger.status == "running" or "cost" in ledger.extras:
        return None
    if ledger.source == "cache":
        return 0.0
    cost = _request_cost(ledger, usage, (), (0, 0))
    return None if cost is None else cost.amount


def _request_cost(
    ledger: Ledger, usage: Usage | None, reported: tuple[Any, ...], chunks: tuple[int, int]
) -> Cost | None:
    """The cost of one request.

    Args:
        ledger: the record of the answer.
        usage: the token counts of the request.
        reported: the figure of a gateway, as sent; empty without one.
        chunks: the range of its chunks.
    """
    model = ledger.model_version or (ledger.request.model if ledger.request else None)
    if reported:
        return reported_cost(reported[0], source=ledger.backend, model=model)
    dialect = backend(ledger.backend)
    tier = _billed_tier(ledger, dialect)
    if ledger.price is not None:
        return ledger.price.cost(usage, model, tier)
    urls = [each.url for each in ledger.exchanges[-1:] if each.url]
    if dialect.auth and not all(map(dialect.auth.owns, urls)):
        return None
    return list_price(
        usage,
        model,
        reported=dialect.price_data(model or "", usage or Usage(), _json_with_last_total(ledger, chunks)),
        provider=dialect.price_provider,
        tier=tier,
        when=ledger.started,
    )


def _billed_tier(ledger: Ledger, dialect: Backend) -> str | None:
    """The service tier that the server reports, or else the one that was requested; None if neither is known.

    The answers of a batch job report ``standard``, although they cost half.
    """
    requested = dialect.requested_tier(ledger.request) if ledger.request else None
    tier = requested if requested == "batch" else ledger.extras.get("serviceTier", requested)
    return tier if isinstance(tier, str) else None


def _json_with_last_total(ledger: Ledger, chunks: tuple[int, int]) -> bytes:
    """The JSON of the last chunk of a range whose usage has a total; empty without one."""
    start, end = chunks
    rows = Rows(ledger.usage_columns)
    found = [row.chunk for row in rows if row.total is not None and start <= row.chunk < end]
    return ledger.raw[found[-1]].raw if found else b""
