"""What a run may cost: dollars spent, dollars reserved for rows in flight, and the prices they are reserved at."""

from __future__ import annotations

from bisect import insort
from collections import deque
from typing import Final, NamedTuple

from ..backends import Backend
from ..events import Usage
from ..options import Options
from ..prices import HALF_PRICE, Cost, TokenPrice, list_price

__all__ = ["Budget", "TokenRates", "dollars_text", "token_rates"]

_PROBE: Final = 1000  # tokens whose price is looked up; small, because long prompts have higher prices
_SAMPLE: Final = 500  # costs that are remembered
_ENOUGH: Final = 20  # costs from which a percentile is taken
_HIGH: Final = 0.95


class TokenRates(NamedTuple):
    """Dollars for one token of the prompt and one of the answer."""

    sent: float
    received: float

    def cost(self, tokens_in: float, tokens_out: float) -> float:
        """Dollars of one request."""
        return tokens_in * self.sent + tokens_out * self.received


def token_rates(backend: Backend, options: Options, url: str = "") -> TokenRates | None:
    """The prices of a model; None where they are not known.

    Args:
        backend: the dialect.
        options: the model, the service tier, and the prices that the user gave.
        url: where the requests go. List prices are those of the provider's own hosts; empty for them.
    """
    given = TokenPrice.parse(options.price)
    usage = Usage(prompt=_PROBE, output=_PROBE, total=2 * _PROBE)
    if given is not None:
        part = 0.5 if options.service_tier in HALF_PRICE else 1.0
        return TokenRates(part * given.input / 1e6, part * given.output / 1e6)
    if url and backend.auth and not backend.auth.owns(url):
        return None
    model = options.model.removeprefix("models/")
    cost = list_price(
        usage,
        model,
        reported=backend.price_data(model, usage, b""),
        provider=backend.price_provider,
        tier=options.service_tier,
    )
    if cost is None or cost.input is None or cost.output is None:
        return None
    return TokenRates(cost.input / _PROBE, cost.output / _PROBE)


class Budget:
    """Dollars that a store may cost. The leader's thread uses it.

    Rows in flight are reserved at the price of the longest answer where ``max_tokens`` limits it, otherwise at the 95th
    percentile of the costs so far. So the limit may be passed by the rows in flight.

    Args:
        limit: the most dollars, None for any number.
        spent: dollars that the store has cost before.
        rates: the prices of the model; None where they are not known.
        max_tokens: the longest answer in tokens, None for any.
        unknown: requests of earlier runs whose cost is not known; each counts as much as the next row may cost.
    """

    def __init__(
        self,
        limit: float | None,
        spent: float,
        rates: TokenRates | None,
        max_tokens: int | None,
        unknown: int = 0,
    ) -> None:
        self.limit = limit
        self.spent = spent
        self.unknown = unknown
        self._rates = rates
        self._max_tokens = max_tokens
        self._reserved: dict[int, float] = {}
        self._total_reserved = 0.0
        self._order: deque[float] = deque()
        self._sorted: list[float] = []

    def estimate(self, tokens_in: float) -> float:
        """Dollars that a row may cost."""
        if self._rates is not None and self._max_tokens is not None:
            return self._rates.cost(tokens_in, self._max_tokens)
        if not self._sorted:
            return 0.0 if self._rates is None else self._rates.cost(tokens_in, 0)
        place = len(self._sorted) - 1
        if len(self._sorted) >= _ENOUGH:
            place = int(_HIGH * place)
        return self._sorted[place]

    def fits(self, tokens_in: float) -> bool:
        """Whether another row may be asked."""
        if self.limit is None:
            return True
        return self.spent + self._total_reserved + (1 + self.unknown) * self.estimate(tokens_in) <= self.limit

    @property
    def spent_text(self) -> str:
        """What was spent, for people."""
        if not self.unknown:
            return dollars_text(self.spent)
        requests = "1 request" if self.unknown == 1 else f"{self.unknown:,} requests"
        return f"{dollars_text(self.spent)} and {requests} whose cost is not known"

    @property
    def empty(self) -> bool:
        """Whether everything that is reserved is settled."""
        return not self._reserved

    def reserve(self, request: int, tokens_in: float) -> None:
        """Reserve the cost of a row that is asked now."""
        if self.limit is not None:
            amount = self.estimate(tokens_in)
            self._total_reserved += amount - self._reserved.get(request, 0.0)
            self._reserved[request] = amount

    def settle(self, request: int, cost: float | None, *, paid: bool) -> None:
        """Replace what was reserved for a row by its cost.

        Args:
            request: the row's request.
            cost: dollars, None where they are not known.
            paid: whether it was answered; an answer of unknown cost counts as what was reserved.
        """
        reserved = self._reserved.pop(request, 0.0)
        self._total_reserved -= reserved
        if not paid:
            return
        self.spent += reserved if cost is None else cost
        if cost is not None:
            self._order.append(cost)
            insort(self._sorted, cost)
            if len(self._order) > _SAMPLE:
                self._sorted.remove(self._order.popleft())


def dollars_text(amount: float) -> str:
    """An amount for people."""
    return str(Cost(amount, "USD", None, None, "", None, None))
