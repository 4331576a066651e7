"""The table of the steps of an answer."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, NamedTuple

from ..events import Usage
from ..tables import Rows
from .ledger import Ledger
from .row_types import UsageRow
from .steps import AnswerStep

__all__ = ["StepRow", "step_rows", "steps_with_usage"]


class StepRow(NamedTuple):
    """One row of ``Response.steps``; values that are not known are None.

    Attributes:
        index: the number of the step, from 0.
        round: the tool round.
        type: ``model_output``, ``thought``, ``function_call``, ``google_search_call`` or another type as sent.
        name: the function, or the tool of an MCP server, that it calls.
        begins, ends: when it began and ended, in seconds since the request was sent; ``ends`` is None while it runs.
        tokens: its tokens as the server reports them, or what the running total grew by until its end.
        cost: in US dollars, as ``Response.cost``; None while the answer runs.
        chunk: index of the chunk that begins it.
        chars: characters that it adds to the answer.
        json: the step as received, without the bytes of media; while it runs, how it began.
    """

    index: int  # type: ignore[assignment] # the column's name matters more than tuple.index
    round: int
    type: str
    name: str | None
    begins: float
    ends: float | None
    tokens: int | None
    cost: float | None
    chunk: int
    chars: int
    json: str


def step_rows(ledger: Ledger, cost: Callable[[Usage], float | None]) -> list[StepRow]:
    """Return the rows of the steps.

    Args:
        ledger: the record.
        cost: returns the cost of token counts in US dollars; None where it is not known.
    """
    found = []
    for step, usage in steps_with_usage(ledger):
        row = StepRow(
            index=step.number,
            round=step.round,
            type=step.type,
            name=step.name,
            begins=step.started,
            ends=step.ended,
            tokens=None if usage is None else usage.total,
            cost=None if usage is None else cost(usage),
            chunk=step.chunk,
            chars=max(0, (step.last_char if step.ended is not None else ledger.chars) - step.char),
            json=json.dumps(_without_media(step.raw), ensure_ascii=False, default=repr),
        )
        found.append(row)
    return found


def _without_media(raw: dict[str, Any]) -> dict[str, Any]:
    found = dict(raw)
    for name in ("content", "summary"):
        if isinstance(blocks := raw.get(name), list):
            found[name] = [
                {key: value for key, value in block.items() if key != "data"}
                if isinstance(block, dict)
                else block
                for block in blocks
            ]
    return found


def steps_with_usage(ledger: Ledger) -> list[tuple[AnswerStep, Usage | None]]:
    """Return the steps, each with its tokens: as the server reports them, or what the running totals grew by until its end."""
    reports = _Reports(ledger)
    return [(step, step.usage or reports.growth(step)) for step in ledger.steps.all()]


class _Reports:
    """The running totals of an answer, read once from front to back."""

    def __init__(self, ledger: Ledger) -> None:
        rows = Rows(ledger.usage_columns)
        self._reports = {
            row.chunk: row for row in rows if row.total is not None
        }  # the last one of each chunk
        self._last: UsageRow | None = None  # at the end of a step
        self._round = 0

    def growth(self, step: AnswerStep) -> Usage | None:
        """What the running totals grew by from the last report at the end of a step; None without a report at its end."""
        if step.round != self._round:  # its totals begin again
            self._round, self._last = step.round, None
        report = self._reports.get(step.last_chunk) if step.ended is not None else None
        if report is None:
            return None
        before, self._last = self._last, report
        if before is not None and before.chunk >= report.chunk:
            return None
        pairs = ((getattr(report, name), getattr(before, name, None)) for name in Usage._fields)
        return Usage(*(None if now is None else now - (then or 0) for now, then in pairs))
