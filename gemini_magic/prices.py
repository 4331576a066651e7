"""What an answer cost: best effort, from what the server says or from a public table of prices.

It knows token counts and money, and nothing of streams. Whatever goes wrong here, the price is unknown.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import datetime
from importlib import import_module
from importlib.metadata import version
from typing import Any, Final, NamedTuple

from .events import Usage

__all__ = ["Cost", "cost_of", "said_cost"]

_STANDARD: Final = {"", "standard", "default", "on_demand", "unspecified", "service_tier_unspecified"}


class Cost(NamedTuple):
    """What an answer cost.

    Attributes:
        amount: in units of the currency, thoughts, cached and tool tokens included.
        currency: ``USD``.
        input: the share of what was sent, cached and tool tokens included; None where only the sum is known.
        output: the share of answer and thoughts; None likewise.
        source: whose figure it is: ``genai-prices`` (a table of list prices: discounts and free tiers are not known
            to it), or the gateway's name.
        version: the table's version; None for a gateway.
        model: the model whose price was taken, as the source calls it.
    """

    amount: float
    currency: str
    input: float | None
    output: float | None
    source: str
    version: str | None
    model: str | None

    def __str__(self) -> str:
        digits = 2 if self.amount >= 1 else min(12, 2 - math.floor(math.log10(self.amount)))
        return f"${self.amount:,.{digits}f}"


def said_cost(said: Any, *, source: str, model: str | None) -> Cost | None:
    """The cost a gateway named: a number, or an object with ``total``; None for anything else.

    Args:
        said: the JSON value, in dollars.
        source: the gateway's name.
        model: the model that answered.
    """
    if not isinstance(said, Mapping):
        said = {"total": said}
    amount, sent, came = (_money(said.get(name)) for name in ("total", "input", "output"))
    return None if not amount else Cost(amount, "USD", sent, came, source, None, model)


def _money(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        amount = float(value)
    except (ValueError, OverflowError):
        return None
    return amount if math.isfinite(amount) and amount >= 0 else None


def cost_of(
    usage: Usage | None,
    model: str | None,
    *,
    reported: Mapping[str, Any],
    provider: str | None,
    tier: str | None = None,
    when: datetime | None = None,
) -> Cost | None:
    """The list price of an answer by the package genai-prices.

    Args:
        usage: the final counts.
        model: the model that answered, as the server names it.
        reported: the model and the counts as genai-prices reads them: in the JSON of the provider's API.
        provider: the provider's name in genai-prices; None for one without list prices.
        tier: the service tier that was billed; one that the table has no price for makes the price unknown.
        when: when it was asked: prices change.

    Returns:
        None where anything is unknown: the package is not installed, it does not know the model, the server did not
        count, or it fails. Never an amount of 0.
    """
    if (
        usage is None
        or not model
        or provider is None
        or usage.prompt is None
        or (usage.output is None and usage.thoughts is None)
    ):
        return None
    try:
        return _listed(reported, provider, tier, when)
    except Exception:  # noqa: BLE001 - a foreign table; an unknown price must not cost the answer
        return None


def _listed(
    reported: Mapping[str, Any], provider: str, tier: str | None, when: datetime | None
) -> Cost | None:
    package: Any = import_module("genai_prices")
    read = package.extract_usage(reported, provider_id=provider)
    name = (tier or "").lower()
    context = {} if name in _STANDARD else {"service_tier": name}
    if context and not any(
        context == each.when for each in getattr(read.model, "price_variants", None) or ()
    ):
        return None
    found = read.calc_price(genai_request_timestamp=when, price_context=context or None)
    if not found.total_price:
        return None
    amounts = (float(each) for each in (found.total_price, found.input_price, found.output_price))
    amount, sent, came = amounts
    return Cost(amount, "USD", sent, came, "genai-prices", version("genai-prices"), found.model.id)
