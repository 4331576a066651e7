"""The requests of an answer on the axis of its timeline: attempts, the pauses between them, and the tools that ran."""

from __future__ import annotations

from typing import Final, Literal, NamedTuple

from ..ledger import Exchange, Ledger
from .status import redact, wait_text
from .tool_blocks import run_line

__all__ = ["Span", "attempt_spans"]

_FAILED_STATUS: Final = 400  # lowest HTTP status of a failed request


class Span(NamedTuple):
    """An attempt, a pause before an attempt, a tool run, or a gap between chunks.

    Attributes:
        kind: what it is; ``failed`` is an attempt that failed. In an answer with tools, an attempt is a round.
        start: seconds since the request was sent.
        end: the same.
        label: a short description.
    """

    kind: Literal["attempt", "failed", "pause", "tool", "gap"]
    start: float
    end: float
    label: str


def attempt_spans(ledger: Ledger, end: float) -> list[Span]:
    """Return the attempts, the pauses between them, and the tool runs; empty for a single request.

    Requests that read on a stored answer one after another, such as those about the state of an agent, are one span.

    Args:
        ledger: the record.
        end: the end of the axis in seconds.
    """
    spans: list[Span] = []
    groups = _groups(list(ledger.exchanges))
    before, number = 0.0, 0  # the end of the previous group, and the exchanges before this one
    resumptions = 0
    for place, group in enumerate(groups):
        first, last = group[0], group[-1]
        number += len(group)
        resumptions += first.resumed
        name = _name(ledger, first, number, resumptions)
        start = min(
            before + (first.waited if place else 0.0) if first.started is None else first.started, end
        )
        same_round = place > 0 and groups[place - 1][-1].round == first.round
        # The previous attempt received nothing until it was canceled.
        if spans and same_round and start - first.waited > before:
            spans[-1] = spans[-1]._replace(end=start - first.waited)
            before = spans[-1].end
        if first.waited and start > before:
            spans.append(Span("pause", before, start, f"wait before {name}"))
        is_final = place == len(groups) - 1
        following = None if is_final else groups[place + 1][0]
        sent = start if last.started is None else max(start, last.started)
        ended = last.end is not None or not is_final
        before = sent + (last.pieces[-1][0] if last.pieces else 0.0) if ended else end
        if is_final:
            before = max(before, end)
        again = following is not None and following.round == last.round
        if ledger.round and not again:
            before = _round_end(ledger, last.round, before)
        is_read_on = following is not None and following.resumed and _is_fine(last)
        bad = not _is_fine(last) or (again and not is_read_on)
        kind: Literal["attempt", "failed"] = "failed" if bad else "attempt"
        spans.append(Span(kind, start, min(before, end), f"{name}: {_description(group)}"))
    if ledger.pause is not None and ledger.status == "running":
        spans.append(Span("pause", min(before, end), end, wait_text(ledger, end + ledger.delay) or "waiting"))
    spans += _tool_spans(ledger, end)
    return spans if len(spans) > 1 else []


def _groups(exchanges: list[Exchange]) -> list[list[Exchange]]:
    """Requests that read on a stored answer belong to the one before, if that did so too and did not fail."""
    groups: list[list[Exchange]] = []
    for exchange in exchanges:
        if groups and exchange.resumed and groups[-1][-1].resumed and _is_fine(groups[-1][-1]):
            groups[-1].append(exchange)
        else:
            groups.append([exchange])
    return groups


def _is_fine(exchange: Exchange) -> bool:
    return not exchange.problem and (exchange.status or 0) < _FAILED_STATUS


def _name(ledger: Ledger, exchange: Exchange, number: int, resumptions: int) -> str:
    """What an exchange is called.

    Args:
        ledger: the record.
        exchange: the exchange.
        number: its number, from 1.
        resumptions: how often a stored answer was read on so far.
    """
    if exchange.resumed:
        return f"resumption {resumptions}"
    if not ledger.tool_runs:
        return f"attempt {number}"
    attempt = f", attempt {exchange.attempt + 1}" if exchange.attempt else ""
    return f"round {exchange.round + 1}{attempt}"


def _description(group: list[Exchange]) -> str:
    last = group[-1]
    http = f"HTTP {last.status}" if last.status else ""
    many = f"{len(group):,} requests" if len(group) > 1 else ""
    facts = ", ".join(filter(None, (many, http, last.problem and redact(last.problem))))
    return facts or last.end or "no response yet"


def _round_end(ledger: Ledger, number: int, default: float) -> float:
    """When a round ended."""
    ended = next((each.ended for each in ledger.rounds if each.number == number), None)
    return default if ended is None else ended


def _tool_spans(ledger: Ledger, end: float) -> list[Span]:
    """The tools that have run."""
    return [
        Span("tool", min(run.started, end), min(run.started + run.seconds, end), run_line(run).text)
        for run in ledger.tool_runs
        if run.started is not None and run.seconds is not None
    ]
