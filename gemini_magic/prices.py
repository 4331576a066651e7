"""The cost of an answer, as the server reports it or by the list prices of genai-prices.

If anything fails here, the cost is unknown.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from datetime import datetime
from importlib import import_module
from importlib.metadata import version
from typing import Any, Final, NamedTuple

from .errors import OptionError
from .events import Usage

__all__ = ["HALF_PRICE", "Cost", "TokenPrice", "add_costs", "list_price", "reported_cost"]

_MILLION: Final = 1_000_000
# Tiers that cost half of the standard price, except for cached tokens (ai.google.dev, "Batch API" and "Flex inference").
HALF_PRICE: Final = ("flex", "batch")
_STANDARD: Final = {"", "standard", "default", "on_demand", "unspecified", "service_tier_unspecified"}


class Cost(NamedTuple):
    """The cost of an answer.

    Attributes:
        amount: the total in units of the currency, including thoughts, cached and tool tokens.
        currency: ``USD``.
        input: the part for the request, including cached and tool tokens; None where only the total is known.
        output: the part for the answer and thoughts; None where only the total is known.
        source: where the amount comes from: ``genai-prices`` (list prices, without discounts and free tiers), or the
            name of the gateway, or ``--price`` (prices that the user gave), or ``cache`` (nothing was sent).
        version: the version of the price table; None for a gateway.
        model: the model whose price was used, as the source names it.
    """

    amount: float
    currency: str
    input: float | None
    output: float | None
    source: str
    version: str | None
    model: str | None

    def __str__(self) -> str:
        if not self.amount:
            return "$0"
        digits = 2 if self.amount >= 1 else min(12, 2 - math.floor(math.log10(self.amount)))
        return f"${self.amount:,.{digits}f}"


def reported_cost(value: Any, *, source: str, model: str | None) -> Cost | None:
    """Return the cost that a gateway reported; None if the value is neither a number nor an object with ``total``.

    Args:
        value: the JSON value, in US dollars.
        source: the gateway's name.
        model: the model that answered.
    """
    parts = value if isinstance(value, Mapping) else {"total": value}
    total, sent, received = (_amount(parts.get(name)) for name in ("total", "input", "output"))
    return None if not total else Cost(total, "USD", sent, received, source, None, model)


def add_costs(costs: Sequence[Cost | None]) -> Cost | None:
    """Return the sum of the costs of several requests; None if one of them is not known."""
    known = [cost for cost in costs if cost is not None]
    if not known or len(known) < len(costs):
        return None
    sent, received = (
        None if None in amounts else sum(filter(None, amounts))
        for amounts in ([cost.input for cost in known], [cost.output for cost in known])
    )
    return known[-1]._replace(amount=sum(cost.amount for cost in known), input=sent, output=received)


def _amount(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        amount = float(value)
    except (ValueError, OverflowError):
        return None
    return amount if math.isfinite(amount) and amount >= 0 else None


class TokenPrice(NamedTuple):
    """The prices of tokens that the user gives with ``--price``, in US dollars for a million tokens, in the standard tier.

    Attributes:
        input: the price of the prompt, including cached and tool tokens.
        output: the price of the answer, including thoughts.
    """

    input: float
    output: float

    @classmethod
    def parse(cls, text: str | None) -> TokenPrice | None:
        """Read ``IN,OUT``; None for an empty text.

        Raises:
            OptionError: the text is not two numbers of 0 or more.
        """
        if not (text or "").strip():
            return None
        amounts = [_amount(part) for part in str(text).split(",")]
        if len(amounts) != len(cls._fields) or None in amounts:
            raise OptionError(
                f"--price {text!r} is not two prices.",
                remedy="Use dollars for a million tokens of prompt and of answer: `--price 0.3,2.5`.",
            )
        return cls(*(amount or 0.0 for amount in amounts))

    def cost(self, usage: Usage | None, model: str | None, tier: str | None = None) -> Cost | None:
        """Return the cost of an answer; None if the server did not send the counts.

        Args:
            usage: the final token counts.
            model: the model that answered.
            tier: the service tier that was billed; flex and batch cost half.
        """
        if usage is None or usage.prompt is None or (usage.output is None and usage.thoughts is None):
            return None
        part = 0.5 if (tier or "").lower() in HALF_PRICE else 1.0
        sent = part * (usage.prompt + (usage.tool or 0)) * self.input / _MILLION
        received = part * ((usage.output or 0) + (usage.thoughts or 0)) * self.output / _MILLION
        total = sent + received
        return None if not total else Cost(total, "USD", sent, received, "--price", None, model)


def list_price(
    usage: Usage | None,
    model: str | None,
    *,
    reported: Mapping[str, Any],
    provider: str | None,
    tier: str | None = None,
    when: datetime | None = None,
) -> Cost | None:
    """Return the list price of an answer by the package genai-prices.

    Args:
        usage: the final token counts.
        model: the model that answered, as the server names it.
        reported: the model and the counts as genai-prices reads them: in the JSON of the provider's API.
        provider: the provider's name in genai-prices; None for a provider without list prices.
        tier: the service tier that was billed. If the table has no price for it, flex and batch cost half of the standard
            price, and the price of any other tier is unknown.
        when: when the request was made, because prices change.

    Returns:
        The cost, or None if it is unknown: the package is not installed or fails, it does not have the model, or the
        server sent no counts. The amount is never 0.
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
        return _lookup(reported, provider, tier, when)
    except Exception:  # noqa: BLE001 - third-party code; a missing price must not lose the answer
        return None


def _lookup(
    reported: Mapping[str, Any], provider: str, tier: str | None, when: datetime | None
) -> Cost | None:
    package: Any = import_module("genai_prices")
    extracted = package.extract_usage(reported, provider_id=provider)
    name = (tier or "").lower()
    context = {} if name in _STANDARD else {"processing" if name == "batch" else "service_tier": name}
    price = extracted.calc_price(genai_request_timestamp=when, price_context=None)
    halved = False
    if context:
        # A price of a tier can begin later than the request; the standard price is then returned without a sign of it.
        listed = extracted.calc_price(genai_request_timestamp=when, price_context=context)
        halved = listed.model_price == price.model_price
        if halved and name not in HALF_PRICE:
            return None
        price = price if halved else listed
    if not price.total_price:
        return None
    sent, received = float(price.input_price), float(price.output_price)
    total = float(price.total_price)
    if halved:
        cached = min(sent, _cached_price(extracted, price))
        sent, received = (sent + cached) / 2, received / 2
        total = sent + received
    return Cost(total, "USD", sent, received, "genai-prices", version("genai-prices"), price.model.id)


def _cached_price(extracted: Any, price: Any) -> float:
    """The part of a price that is for cached tokens."""
    rate = getattr(price.model_price, "cache_read_mtok", None)
    tokens = getattr(extracted.usage, "cache_read_tokens", None)
    return float(getattr(rate, "base", rate) or 0) * (tokens or 0) / _MILLION
