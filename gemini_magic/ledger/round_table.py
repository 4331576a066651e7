"""The table of the rounds of an answer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from ..events import Usage
from .ledger import Ledger
from .rounds import Round
from .tool_runs import ToolRun

__all__ = ["RoundRow", "round_rows", "tool_seconds"]


class RoundRow(NamedTuple):
    """One row of ``Response.rounds``; values that are not known are None.

    Attributes:
        round: its number, from 0.
        calls: how many functions the model called in it.
        prompt, cached, output, thoughts, tool, total: its tokens; ``prompt`` contains the rounds before it once more.
        cost: in US dollars, as ``Response.cost``; None while the answer runs.
        first_byte: seconds from its first request to its first byte, retries included.
        seconds: seconds from its first request to its end: the time that the model took.
        tool_seconds: seconds in which its tools ran; time in which several ran counts once.
        outcome: ``complete`` for a round that another one follows, else the status of the answer.
    """

    round: int
    calls: int
    prompt: int | None
    cached: int | None
    output: int | None
    thoughts: int | None
    tool: int | None
    total: int | None
    cost: float | None
    first_byte: float | None
    seconds: float | None
    tool_seconds: float | None
    outcome: str


def round_rows(ledger: Ledger, costs: Sequence[float | None]) -> list[RoundRow]:
    """Return the rows of the rounds.

    Args:
        ledger: the record.
        costs: the cost of each round in US dollars; shorter where costs are not known.
    """
    rounds, runs = ledger.rounds, ledger.tool_runs
    found = []
    for place, each in enumerate(rounds):
        timed = each.started is not None and each.ended is not None
        row = RoundRow(
            round=each.number,
            calls=len(each.calls),
            **(each.usage or Usage())._asdict(),
            cost=costs[place] if place < len(costs) else None,
            first_byte=_first_byte(ledger, each),
            seconds=(each.ended or 0.0) - (each.started or 0.0) if timed else None,
            tool_seconds=tool_seconds([run for run in runs if run.round == each.number]),
            outcome="complete" if place < len(rounds) - 1 else ledger.status,
        )
        found.append(row)
    return found


def tool_seconds(runs: Sequence[ToolRun]) -> float | None:
    """Return the seconds in which at least one of these tools ran; None if none has run."""
    spans = sorted(
        (run.started, run.started + run.seconds)
        for run in runs
        if run.started is not None and run.seconds is not None
    )
    if not spans:
        return None
    total, end = 0.0, spans[0][0]
    for start, stop in spans:
        total += max(0.0, stop - max(start, end))
        end = max(end, stop)
    return total


def _first_byte(ledger: Ledger, each: Round) -> float | None:
    """Seconds from the first request of a round to its first byte."""
    for exchange in ledger.exchanges[slice(*each.exchanges)]:
        if exchange.pieces and exchange.started is not None and each.started is not None:
            return exchange.started + exchange.pieces[0][0] - each.started
    return None
