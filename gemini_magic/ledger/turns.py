"""The answer of a ledger as turns of a conversation: the model's turns, and the results of functions between them."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec.structs import replace

from ..content import Call, CallResult, Part, Turn, join_parts
from ..conversation import answer_turn
from .exchange import Exchange
from .ledger import Ledger
from .rounds import Round

__all__ = [
    "answer_turns",
    "finished_turns",
    "open_calls",
    "parts_of_round",
    "show_tool_runs",
    "text_before_round",
    "turn_of_round",
    "unfinished_id",
]


def parts_of_round(ledger: Ledger, one: Round) -> tuple[Part, ...]:
    """The parts of candidate 0 in a round, as received; text and calls in one piece each."""
    first, end = one.parts
    parts = ledger.parts.get(0)
    return () if parts is None else join_parts(parts[first:end])


def turn_of_round(ledger: Ledger, one: Round, prefix: Sequence[Part] = ()) -> Turn | None:
    """The model's turn of a round, with its steps as received; None if the round has nothing to send back.

    Args:
        ledger: the record.
        one: the round.
        prefix: parts that were received before and that the round continues.
    """
    parts = parts_of_round(ledger, one)
    steps = () if prefix else ledger.steps.to_send(one.number, ledger.answer.text)
    answer = answer_turn(parts)
    if answer is not None and prefix:
        answer = answer_turn((*prefix, *parts))
    if answer is None and steps:
        answer = Turn("model", ())
    if answer is None:
        return None
    return replace(answer, steps=steps, stored=None if prefix else _stored_id(ledger, one))


def _stored_id(ledger: Ledger, one: Round) -> str | None:
    """The id by which the next request can refer to a round; None unless the server stores all of it.

    Only the newest round can be continued: the requests of its answer have continued the others.
    """
    settings = None if ledger.request is None else ledger.request.settings
    if settings is None or not settings.is_stored or one.number != ledger.rounds[-1].number:
        return None
    ended = one.ended is not None and ledger.status in ("running", "complete")
    return ledger.response_id if ended else None


def answer_turns(ledger: Ledger, prefix: Sequence[Part] = ()) -> tuple[Turn, ...]:
    """The whole answer as turns; empty if it has nothing to send back.

    The calls of the last round may have no results.

    Args:
        ledger: the record.
        prefix: parts that were received before and that the first round continues.
    """
    turns: list[Turn] = []
    for one in ledger.rounds:
        answer = turn_of_round(ledger, one, prefix)
        prefix = ()
        if answer is not None:
            turns.append(answer)
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


def unfinished_id(ledger: Ledger) -> str | None:
    """The id of an answer that its server stores and whose end has not been received; None for any other.

    Of an answer that was cancelled on the server, nothing else can be read.
    """
    finish = ledger.finish
    ended = (finish is not None and finish.last) or ledger.notes.has("cancelled")
    return None if ended else ledger.steps.stored_id


def text_before_round(ledger: Ledger) -> str:
    """The text of an answer before its last round: that of earlier requests, and of earlier rounds with the gap after them."""
    if not ledger.round:
        return ledger.before
    text = ledger.before + ledger.answer.text[: ledger.rounds[-1].chars[0]]
    return f"{text}\n\n" if text else ""
