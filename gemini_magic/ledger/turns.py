"""The answer of a ledger as turns of a conversation: the model's turns, and the results of functions between them."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec.structs import replace

from ..content import Call, CallResult, Part, Turn, join_parts
from ..conversation import answer_turn
from .exchange import Exchange
from .ledger import Ledger
from .rounds import Round

__all__ = ["answer_turns", "finished_turns", "open_calls", "parts_of_round", "show_tool_runs"]


def parts_of_round(ledger: Ledger, one: Round) -> tuple[Part, ...]:
    """The parts of candidate 0 in a round, as received; text and calls in one piece each."""
    first, end = one.parts
    parts = ledger.parts.get(0)
    return () if parts is None else join_parts(parts[first:end])


def answer_turns(ledger: Ledger, prefix: Sequence[Part] = ()) -> tuple[Turn, ...]:
    """The whole answer as turns; empty if it has nothing to send back.

    The calls of the last round may have no results.

    Args:
        ledger: the record.
        prefix: parts that were received before and that the first round continues.
    """
    turns: list[Turn] = []
    for one in ledger.rounds:
        parts = parts_of_round(ledger, one)
        own = answer_turn(parts)
        answer = answer_turn((*prefix, *parts)) if own is not None else None
        steps = () if prefix else ledger.steps.to_send(one.number, ledger.answer.text)
        prefix = ()
        if answer is None and steps:
            answer = Turn("model", ())
        if answer is not None:
            turns.append(replace(answer, steps=steps) if steps else answer)
        results = results_of(ledger, one)
        if answer is not None and results:
            turns.append(Turn("user", results))
    return tuple(turns)


def finished_turns(ledger: Ledger, prefix: Sequence[Part] = ()) -> tuple[tuple[Turn, ...], tuple[Part, ...]]:
    """The turns of the rounds that have ended, and the parts of a round that was cut off.

    Args:
        ledger: the record.
        prefix: parts that were received before and that the first round continues.
    """
    rounds = ledger.rounds
    if not rounds:
        return (), tuple(prefix)
    turns, last = answer_turns(ledger, prefix), rounds[-1]
    if last.calls and turns:
        return turns, ()
    parts = parts_of_round(ledger, last)
    if len(rounds) == 1:
        return (), (*prefix, *parts)
    return (turns[:-1] if answer_turn(parts) is not None else turns), parts


def results_of(ledger: Ledger, one: Round) -> tuple[CallResult, ...]:
    """The results of the calls of a round, one for each call; empty if none of them has one."""
    runs = {run.number: run for run in ledger.tool_runs if run.round == one.number}
    if not any(run.sent is not None for run in runs.values()):
        return ()
    found = []
    for number, call in enumerate(one.calls, one.first_call):
        run = runs.get(number)
        message = (run.message if run is not None else "") or "The function was not run."
        sent = None if run is None else run.sent
        found.append(sent or CallResult(call.name or "", {"error": message}, call.id))
    return tuple(found)


def open_calls(ledger: Ledger) -> list[Call]:
    """The function calls of an answer for which no result was sent."""
    answered = {run.number for run in ledger.tool_runs if run.sent is not None}
    return [
        call
        for one in ledger.rounds
        for number, call in enumerate(one.calls, one.first_call)
        if number not in answered
    ]


def show_tool_runs(ledger: Ledger, exchange: Exchange) -> None:
    """Number the calls that the newest exchange, a recorded one, has brought with it, and show them in the answer."""
    if not exchange.tool_runs:
        return
    newest = ledger.rounds[-1]
    runs = zip(newest.calls, exchange.tool_runs, strict=False)
    exchange.tool_runs[:] = [
        replace(run, number=number, round=exchange.round, call=call)
        for number, (call, run) in enumerate(runs, newest.first_call)
    ]
    for run in exchange.tool_runs:
        ledger.placed.set_run(run.place, run)
