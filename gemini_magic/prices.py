"""What an answer cost, by a table of prices that somebody else keeps; best effort, and never a guess.

It knows counts and models, not responses. Whatever goes wrong means that the cost is not known (None).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime
from importlib import import_module
from importlib.util import find_spec
from typing import Any, NamedTuple

from .events import Usage

__all__ = ["HOW_TO_GET", "Cost", "available", "gateway_cost", "listed_cost"]

HOW_TO_GET = 'pip install "gemini-magic[prices]"'

_REVISION = re.compile(r"-0\d\d$")  # as in gemini-2.5-flash-001; the table names models without
_STANDARD = frozenset({"standard", "default", "unspecified", "service_tier_unspecified", "on_demand"})
_MODALITIES = {"AUDIO": "audio", "IMAGE": "image", "DOCUMENT": "image", "VIDEO": "video"}
_SIDES = {"prompt": "input_{}_tokens", "cached": "cache_{}_read_tokens", "output": "output_{}_tokens"}


class Cost(NamedTuple):
    """What an answer cost; each token is counted once.

    Attributes:
        amount: of all, in ``currency``.
        currency: such as ``USD``.
        source: who says so: ``genai-prices`` or the gateway itself.
        version: of the price table; None for a gateway's own figure.
        model: the model that was priced, in the table's word; None for a gateway.
        input: of the prompt, without what came from a cache.
        cached: of the cached part of the prompt.
        output: of the answer, without thinking.
        thinking: of the model's thinking.
        tool: of what tools put into the prompt.
        tier: the service tier that was priced.
    """

    amount: float
    currency: str
    source: str
    version: str | None = None
    model: str | None = None
    input: float | None = None
    cached: float | None = None
    output: float | None = None
    thinking: float | None = None
    tool: float | None = None
    tier: str | None = None

    def __str__(self) -> str:
        sign = "$" if self.currency == "USD" else f"{self.currency} "
        return f"{sign}{self.amount:.6f}".rstrip("0").rstrip(".") if self.amount else f"{sign}0"


def available() -> bool:
    """Whether a table of prices is installed."""
    return find_spec("genai_prices") is not None


def gateway_cost(said: Any) -> Cost | None:
    """What a gateway says its answer cost: an amount, or an object with ``total``, ``input`` and ``output``."""
    if isinstance(said, Mapping):
        shares = [_amount(said.get(name)) for name in ("input", "output")]
        total = _amount(said.get("total"))
        if total is None and None not in shares:
            total = sum(share for share in shares if share is not None)
        currency = said.get("currency")
        if total is not None:
            return Cost(
                total,
                currency.upper() if isinstance(currency, str) else "USD",
                "gateway",
                input=shares[0],
                output=shares[1],
            )
        return None
    total = _amount(said)
    return None if total is None else Cost(total, "USD", "gateway")


def _amount(value: Any) -> float | None:
    """An amount of money; None for what can be none, such as a text, a negative number or infinity."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        amount = float(value)
    except (ValueError, OverflowError):
        return None
    return amount if 0 <= amount < float("inf") else None


def listed_cost(
    model: str | None,
    usage: Usage,
    *,
    tier: str | None = None,
    at: datetime | None = None,
    details: Mapping[tuple[str, str], int] | None = None,
) -> Cost | None:
    """The list price of an answer of Google's API; None when the model, its price or the counts are not known.

    Searches that a model makes are billed apart and are not part of it.

    Args:
        model: who answered.
        usage: the final counts.
        tier: the service tier in the server's word; None means the standard one.
        at: when it was asked: prices change.
        details: tokens by kind and modality, where the server told.
    """
    if not model or usage.prompt is None or usage.total is None or not available():
        return None
    name = model.removeprefix("models/")
    for each in dict.fromkeys((name, _REVISION.sub("", name))):
        with suppress(Exception):  # a price is never worth an error
            return _priced(each, usage, tier, at, details or {})
    return None


def _priced(
    model: str, usage: Usage, tier: str | None, at: datetime | None, details: Mapping[tuple[str, str], int]
) -> Cost | None:
    import genai_prices  # noqa: PLC0415 - heavy, optional, and only for who asks for a cost

    def price(**counts: int) -> Any:
        return genai_prices.calc_price(
            genai_prices.Usage(**counts), model, provider_id="google", genai_request_timestamp=at, **context
        )

    context: dict[str, Any] = {}
    word = (tier or "standard").lower()
    if word not in _STANDARD:
        context["price_context"] = {
            "service_tier": word.removeprefix("service_tier_").removeprefix("on_demand_")
        }
    prompt, output = usage.prompt or 0, usage.output or 0
    thoughts, tool, cached = usage.thoughts or 0, usage.tool or 0, usage.cached or 0
    by_modality = _by_modality(details)
    whole = price(
        input_tokens=prompt + tool, cache_read_tokens=cached, output_tokens=output + thoughts, **by_modality
    )
    if context and not _has_tier(whole.model, context["price_context"]["service_tier"]):
        return None
    # The shares come from the same call with something left out, so that a price for long prompts stays the same.
    silent = price(
        input_tokens=prompt + tool, cache_read_tokens=cached, output_tokens=output, **by_modality
    ).output_price
    plain = {name: count for name, count in by_modality.items() if name.startswith("input_")}
    uncached = price(input_tokens=prompt + tool, **plain).input_price
    each = uncached / (prompt + tool) if prompt + tool else 0
    fresh, tools = each * (prompt - cached), each * tool
    return Cost(
        float(whole.total_price),
        "USD",
        "genai-prices",
        _version(whole),
        whole.model.id,
        float(fresh),
        float(whole.input_price - fresh - tools),
        float(silent),
        float(whole.output_price - silent),
        float(tools),
        word if context else "standard",
    )


def _by_modality(details: Mapping[tuple[str, str], int]) -> dict[str, int]:
    """The counts of modalities that may have prices of their own; pages of a document are priced as images."""
    found: dict[str, int] = {}
    for (kind, modality), tokens in details.items():
        if kind in _SIDES and modality in _MODALITIES:
            name = _SIDES[kind].format(_MODALITIES[modality])
            found[name] = found.get(name, 0) + tokens
    if any(kind == "cached" for kind, _ in details):  # told in full: what is missing is none
        for modality in set(_MODALITIES.values()):
            if _SIDES["prompt"].format(modality) in found:
                found.setdefault(_SIDES["cached"].format(modality), 0)
    return found


def _has_tier(model: Any, tier: str) -> bool:
    """Whether the table has prices of that tier for the model; otherwise it would give those of the standard one."""
    return any(variant.when.get("service_tier") == tier for variant in model.price_variants or ())


def _version(priced: Any) -> str:
    fetched = priced.auto_update_timestamp
    if fetched is not None:
        return f"of {fetched:%Y-%m-%d}"
    return str(
        import_module("importlib.metadata").version("genai-prices")
    )  # slow to load, and only used here
