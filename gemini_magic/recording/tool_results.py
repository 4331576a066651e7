"""Finds what a recording holds about the calls of a round, so that a replay runs no function."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec.structs import replace

from ..backends import Backend
from ..content import Call, CallResult
from ..ledger import Exchange, ToolRun

__all__ = ["has_rounds", "recorded_runs"]

_RESULTS = (b'"functionResponse"', b'"function_result"')


def has_rounds(exchanges: Sequence[Exchange]) -> bool:
    """Whether a recording has results of functions."""
    return any(
        each.round or each.tool_runs or any(name in each.body for name in _RESULTS) for each in exchanges
    )


def recorded_runs(
    exchange: Exchange, later: Sequence[Exchange], calls: Sequence[Call], backend: Backend
) -> list[ToolRun] | None:
    """The records of the calls in an answer, with what was sent back for them.

    What was sent is read from the request of the next round, so recordings of other programs can be replayed too.

    Args:
        exchange: the exchange with the answer.
        later: the exchanges after it in the recording.
        calls: the calls of the answer.
        backend: the dialect.

    Returns:
        One record for each call; None if the recording has no results for these calls.
    """
    sent = _sent_results(exchange, later, calls, backend)
    runs = list(exchange.tool_runs)
    if [run.call.name for run in runs] == [call.name for call in calls]:
        if sent is not None:
            runs = [replace(run, sent=result) for run, result in zip(runs, sent, strict=True)]
        return runs if all(run.sent is not None for run in runs) else None
    if sent is None:
        return None
    return [_run(number, call, result) for number, (call, result) in enumerate(zip(calls, sent, strict=True))]


def _run(number: int, call: Call, result: CallResult) -> ToolRun:
    """The record of a call of which only the result is known."""
    failed = "error" in result.response and "output" not in result.response
    return ToolRun(
        number=number,
        round=0,
        call=call,
        state="failed" if failed else "done",
        result=None if failed else result.response.get("output", result.response),
        message=str(result.response["error"]) if failed else "",
        sent=result,
    )


def _sent_results(
    exchange: Exchange, later: Sequence[Exchange], calls: Sequence[Call], backend: Backend
) -> Sequence[CallResult] | None:
    for each in later:
        if each.body == exchange.body:  # another attempt
            continue
        media = {digest: stored.data for digest, stored in each.media.items() if stored.data is not None}
        results = backend.read_results(each.body, media)
        if [result.name for result in results] == [call.name for call in calls] and backend.continues(
            exchange.body, each.body
        ):
            return results
    return None
