"""What the answers of a run cost: exact, and for plain text by the prices of a token once they are known.

To look a list price up takes a third of the time of a whole row. For a prompt and an answer of text it is the token counts times
two prices; everything else is looked up.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from ..answer_cost import answer_cost
from ..content import Text
from ..ledger import Ledger
from .budget import TokenRates

__all__ = ["RowCosts"]

_LOOKED_UP: Final = 3  # answers whose prices must agree before the others are computed
_PLAIN: Final = 100_000  # tokens of the prompt up to which no model has a higher price
_EXACT: Final = 1e-9


class _Known(NamedTuple):
    """What is known about the prices of a model.

    Attributes:
        answers: how many answers were looked up.
        rates: the prices of a token; None if the costs of these answers are not known.
        agree: whether all of them agree.
    """

    answers: int
    rates: TokenRates | None
    agree: bool = True


class RowCosts:
    """The costs of the answers of one run. Threads may use it at the same time."""

    def __init__(self) -> None:
        self._known: dict[tuple[object, object], _Known] = {}

    def cost(self, ledger: Ledger) -> float | None:
        """Dollars of an answer that has ended; None where they are not known."""
        key = _key(ledger)
        known = None if key is None else self._known.get(key)
        if known is not None and known.agree and known.answers >= _LOOKED_UP:
            return None if known.rates is None else known.rates.cost(*_tokens(ledger))
        found = answer_cost(ledger)
        if key is not None:
            self._learn(key, known, ledger, None if found is None else (found.input, found.output))
        return None if found is None else found.amount

    def _learn(
        self,
        key: tuple[object, object],
        known: _Known | None,
        ledger: Ledger,
        cost: tuple[float | None, float | None] | None,
    ) -> None:
        sent, received = _tokens(ledger)
        rates = None
        if cost is not None:
            if cost[0] is None or cost[1] is None:
                self._known[key] = _Known(0, None, agree=False)
                return
            rates = TokenRates(cost[0] / sent, cost[1] / received)
        if known is None:
            self._known[key] = _Known(1, rates)
        else:
            self._known[key] = _Known(known.answers + 1, rates, known.agree and _same(known.rates, rates))


def _key(ledger: Ledger) -> tuple[object, object] | None:
    """What prices depend on; None for an answer whose price is looked up."""
    usage, request = ledger.usage, ledger.request
    if usage is None or request is None or ledger.price is not None or "cost" in ledger.extras:
        return None
    if not usage.prompt or not (usage.output or usage.thoughts) or usage.prompt > _PLAIN:
        return None
    if usage.cached or usage.tool or len(ledger.placed) or len(request.turns[-1].parts) != 1:
        return None
    if type(request.turns[-1].parts[0]) is not Text:
        return None
    tier = ledger.extras.get("serviceTier")
    return ledger.model_version, tier if isinstance(tier, str) else None


def _tokens(ledger: Ledger) -> tuple[int, int]:
    usage = ledger.usage
    if usage is None:
        return 0, 0
    return usage.prompt or 0, (usage.output or 0) + (usage.thoughts or 0)


def _same(first: TokenRates | None, second: TokenRates | None) -> bool:
    if first is None or second is None:
        return first is second
    return all(abs(a - b) <= _EXACT * max(abs(a), abs(b)) for a, b in zip(first, second, strict=True))
