"""The status line and the terminal of an answer with tools: the tool that runs, the rounds, and runs in their place."""

from __future__ import annotations

import io
import json
from itertools import pairwise

import msgspec
import pytest
from media_samples import end
from tool_answers import add_parts, begin_round, end_answer, end_round, run_of, set_run, tool_ledger

from gemini_magic.content import Call, FunctionDeclaration, RequestSettings
from gemini_magic.events import Decoded, Usage, UsageReport
from gemini_magic.ledger import Confirmation
from gemini_magic.response import Response
from gemini_magic.views import Timeline
from gemini_magic.views.record import record
from gemini_magic.views.status import status_facts, toolbar_hint
from gemini_magic.views.terminal import TerminalView


def between_rounds(**facts):
    ledger = tool_ledger("Let me look.", run_of(state="queued"))
    end_round(ledger, t=1.0, usage={"prompt": 10, "output": 5, "total": 15})
    run = run_of(**facts)
    set_run(ledger, run)
    return ledger, run


@pytest.mark.parametrize(
    ("facts", "state"),
    [
        ({"state": "running", "started": 2.0}, "running weather, 3 s"),
        ({"state": "queued"}, "running tools"),
        ({"name": "x\u202e\n" * 50, "state": "running", "started": 4.5}, "running "),
    ],
)
def test_the_status_line_says_which_tool_runs_and_for_how_long(facts, state):
    ledger, _ = between_rounds(**facts)
    found = status_facts(ledger, now=5.0)[1]
    assert found.startswith(state)
    assert len(found) < 70


def test_the_status_line_says_which_tool_waits_for_the_user():
    ledger, run = between_rounds(state="confirming")
    ledger.set_phase("confirming")
    ledger.set_confirmation(Confirmation(run))
    assert status_facts(ledger, now=5.0)[1] == "waiting for your confirmation of weather"


def test_a_tool_on_the_thread_of_the_cell_is_interrupted_with_the_toolbar():
    ledger, _ = between_rounds(state="running", started=1.0)
    assert toolbar_hint(ledger) == "interrupt with ■ in the toolbar"
    set_run(ledger, run_of(state="running", started=1.0, in_thread=True))
    assert toolbar_hint(ledger) == ""


def test_rounds_runs_and_tokens_of_all_rounds_are_in_the_status_line():
    ledger, _ = between_rounds(result="21")
    begin_round(ledger, 1, t=2.0)
    add_parts(ledger, "It is warm.", t=2.5)
    ledger = end(ledger)
    facts = status_facts(ledger)
    assert facts[1] == "answer complete, 6 words"
    assert "2 rounds, 1 tool run" in facts
    assert any(fact.startswith("10 → 5 tokens") for fact in facts)


def printed(ledger, *steps):
    out = io.StringIO()
    view = TerminalView(ledger, out, clock=lambda: 0.0)
    view.open()
    found = []
    for step in steps:
        step()
        view.update(final=True)
        found.append(out.getvalue())
    view.close()
    return [*found, out.getvalue()]


def test_a_terminal_prints_a_run_once_when_it_has_ended():
    ledger = tool_ledger("Let me look.\n")
    settings = RequestSettings(functions=(FunctionDeclaration(name="weather"),))
    ledger.request = msgspec.structs.replace(ledger.request, settings=settings)
    calls = [Call("weather", {"city": city}) for city in ("Paris", "Rome")]

    def run(number, **facts):
        return lambda: set_run(ledger, run_of(number=number, args=calls[number].args, **facts))

    def take_up():
        end_round(ledger, t=1.0)
        for call in calls:
            ledger.add_tool_run(call)

    def answer():
        begin_round(ledger, 1, t=2.0)
        add_parts(ledger, "It is warm.", t=2.5)
        end(ledger)

    texts = printed(
        ledger,
        lambda: add_parts(ledger, *calls),
        take_up,
        run(0, state="running", started=1.0),
        run(0, result="21 °C", seconds=0.3),
        run(1, state="skipped"),
        answer,
    )
    assert not any("weather(" in text for text in texts[:3])
    assert '▸ weather(city="Paris") → 21 °C · 0.3 s' in texts[3]
    whole = texts[-1]
    assert whole.count("▸ weather(") == 2
    lines = ["Let me look.", '(city="Paris") → 21 °C', '(city="Rome") · skipped by you', "It is warm."]
    assert [whole.index(line) for line in lines] == sorted(whole.index(line) for line in lines)
    assert "[running weather, " in whole
    assert "[function call]" not in whole


def test_a_call_that_nothing_ran_is_printed_at_the_end():
    ledger = tool_ledger(Call("weather", {"city": "Paris"}))
    assert '[function call] weather(city="Paris")' in printed(ledger, lambda: end(ledger))[-1]


def two_rounds():
    ledger, _ = between_rounds(result="21", started=1.0, seconds=1.0, approved="you", stdout="hi\n")
    begin_round(ledger, 1, t=2.5)
    add_parts(ledger, "It is warm.", t=3.5)
    return end_answer(ledger, t=4.0)


def test_the_timeline_has_the_rounds_and_the_tools():
    timeline = Timeline(two_rounds())
    kinds = [(span.kind, span.label) for span in timeline.data.attempts]
    assert [kind for kind, _ in kinds] == ["attempt", "attempt", "tool"]
    assert kinds[0][1].startswith("round 1: ")
    assert kinds[2][1] == 'weather(city="Paris") → 21 · 1.0 s · printed 1 line'
    assert ">rounds<" in timeline.svg
    assert "round 2: " in str(timeline)


def test_the_time_of_the_tools_is_no_gap():
    ledger = two_rounds()
    data = Timeline(ledger).data
    assert data.longest_gap is None or not (data.longest_gap.start <= 1.0 < data.longest_gap.end)
    times = [chunk.t for chunk in ledger.raw]
    between = max(later - earlier for earlier, later in pairwise(times))
    timing = Response(ledger).timing
    assert timing.longest_gap < between
    assert data.timing == timing


def test_the_record_has_the_rounds_and_the_runs():
    made = record(two_rounds())
    assert [each["calls"] for each in made["rounds"]] == [1, 0]
    assert made["rounds"][0]["usage"]["total"] == 15
    [run] = made["tools"]
    assert run == {
        "round": 0,
        "state": "done",
        "line": 'weather(city="Paris") → 21 · 1.0 s · printed 1 line',
        "args": '{\n  "city": "Paris"\n}',
        "result": "21",
        "stdout": "hi\n",
        "approved": "you",
        "started": 1.0,
        "seconds": 1.0,
    }
    assert made["capped"] == {}


def test_runs_that_do_not_fit_into_the_record_are_counted():
    runs = [run_of(number=n, result="x" * 19_000) for n in range(40)]
    made = record(end(tool_ledger(*runs, run_of(number=40, result="y" * 30_000))), 0.5)
    assert made["capped"]["tools"] == f"{len(made['tools'])} of 41 tool runs"
    assert len(json.dumps(made)) < 500_000
    [long] = record(end(tool_ledger(run_of(result="y" * 30_000))))["tools"]
    assert (len(long["result"]), long["shortened"]) == (20_000, ["result"])


def test_the_tokens_of_the_timeline_add_up_over_the_rounds():
    ledger, _ = between_rounds(result="21", started=1.0, seconds=1.0)
    begin_round(ledger, 1, t=2.5)
    ledger.add(b"{}", 3.0, Decoded([UsageReport(Usage(prompt=20, output=3, total=23))]))
    steps = Timeline(end_answer(ledger, t=4.0)).data.usage_steps
    assert [(step.prompt, step.output) for step in steps] == [(10, 5), (30, 8)]
