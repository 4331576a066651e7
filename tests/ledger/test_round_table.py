"""The table of rounds: calls, tokens, cost and times of each; and the runs of the calls."""

from __future__ import annotations

import pytest
from media_samples import end
from tool_answers import add_parts, begin_round, end_round, run_of, tool_ledger

from gemini_magic.events import Decoded, Usage, UsageReport
from gemini_magic.ledger.round_table import tool_seconds
from gemini_magic.prices import TokenPrice
from gemini_magic.response import Response


def answer_in_two_rounds():
    ledger = tool_ledger(
        "Let me look.",
        run_of(result="21", started=1.0, seconds=2.0),
        run_of("rain", number=1, result="no", started=1.5, seconds=0.5),
    )
    ledger.price = TokenPrice(1.0, 10.0)
    end_round(ledger, t=1.0, usage={"prompt": 100, "output": 10, "total": 110})
    begin_round(ledger, 1, t=3.5)
    add_parts(ledger, "Warm and dry.", t=4.0)
    ledger.add(b"{}", 4.2, Decoded([UsageReport(Usage(prompt=200, output=20, total=220))]))
    return Response(end(ledger))


def test_each_round_has_a_row_with_its_calls_tokens_cost_and_times():
    response = answer_in_two_rounds()
    first, second = response.rounds
    assert (first.round, first.calls, first.prompt, first.output, first.total) == (0, 2, 100, 10, 110)
    assert (second.round, second.calls, second.prompt, second.output) == (1, 0, 200, 20)
    assert (first.seconds, first.tool_seconds, second.tool_seconds) == (1.0, 2.0, None)
    assert (first.outcome, second.outcome) == ("complete", "complete")
    assert first.cost == pytest.approx(0.0002)
    assert response.cost.amount == pytest.approx(first.cost + second.cost)
    assert response.usage.prompt == 300
    assert list(response.rounds["calls"]) == [2, 0]


def test_the_runs_have_the_order_of_the_calls():
    response = answer_in_two_rounds()
    assert [run.call for run in response.tool_runs] == response.calls
    assert [run.result for run in response.tool_runs] == ["21", "no"]


def test_an_answer_without_tools_has_one_round():
    [row] = Response(end(tool_ledger("Hello."))).rounds
    assert (row.calls, row.tool_seconds, row.outcome, row.cost) == (0, None, "complete", None)


def test_time_of_tools_at_the_same_time_counts_once():
    spans = [(0.0, 2.0), (1.0, 2.0), (5.0, 1.0)]
    assert tool_seconds([run_of(started=start, seconds=seconds) for start, seconds in spans]) == 4.0
    assert tool_seconds([run_of(state="skipped")]) is None
