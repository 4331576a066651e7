"""The steps of an answer in the status line, the timeline and the record."""

from __future__ import annotations

import json
from itertools import pairwise
from xml.etree import ElementTree as ET

import pytest
from step_stage import STEPS, step_ledger
from view_stage import feed, finished, new_ledger

from gemini_magic.content import Text
from gemini_magic.events import Usage
from gemini_magic.ledger.exchange import Exchange
from gemini_magic.views import Timeline, bundle
from gemini_magic.views.record import record
from gemini_magic.views.status import status_line
from gemini_magic.views.step_lanes import step_lanes
from gemini_magic.views.steps import ShownStep, shown_steps
from gemini_magic.views.timeline_data import timeline_data

SVG = "{http://www.w3.org/2000/svg}"


def step(kind, started, ended, ident="", tokens=None, name=""):
    return ShownStep(0, kind, ident, name, started, ended, 0, tokens)


def test_the_steps_are_in_the_answer_in_order():
    found = bundle(step_ledger())
    for form in ("text/html", "text/plain", "text/markdown"):
        places = [found[form].find(text) for text in ("Google Search", "ode run 1", "It was")]
        assert -1 not in places
        assert places == sorted(places), form
    assert found["text/html"].count('<details class="gm-tool">') == 1


def test_the_status_line_counts_the_steps():
    assert " · 6 steps" in status_line(step_ledger())
    assert " · 1 step ·" in f"{status_line(step_ledger(STEPS[-1:]))} ·"
    assert "step" not in status_line(finished())


@pytest.mark.parametrize(
    ("kind", "activity"),
    [
        ("thought", "thinking"),
        ("google_search_call", "searching with Google Search"),
        ("google_search_result", "searching with Google Search"),
        ("code_execution_call", "running code"),
        ("url_context_call", "reading pages"),
        ("function_call", "writing a function call"),
        ("model_output", "streaming"),
        ("new_kind_of_step", "streaming"),
    ],
)
def test_the_status_line_says_what_the_running_step_does(kind, activity):
    ledger = step_ledger([(kind, None, 0.5, None, None, None)], ended=False)
    assert f" · {activity} · " in f"{status_line(ledger, now=1.0)} · "


def test_a_tool_runs_between_its_call_and_its_result():
    ledger = step_ledger(STEPS[:2], ended=False)
    assert "searching with Google Search" in status_line(ledger, now=2.0)
    assert "streaming" in status_line(step_ledger(STEPS[1:3], ended=False), now=3.1)
    called = [("function_call", "f1", 0.5, 0.6, None, None)]
    assert "streaming" in status_line(step_ledger(called, ended=False), now=1.0)


def test_each_kind_of_step_is_a_lane_and_a_result_ends_the_bar_of_its_call():
    lanes = step_lanes(shown_steps(step_ledger()), 6.2)
    assert [(lane.kind, lane.name) for lane in lanes] == [
        ("thought", "thought"),
        ("google_search", "search"),
        ("code_execution", "code"),
        ("model_output", "output"),
    ]
    (search,) = lanes[1].spans
    assert (search.start, search.end, search.steps, search.tokens) == (1.0, 3.0, 1, 42)
    assert search.title == "Google Search, 1.00 s – 3.00 s, 42 tokens"


def test_a_result_joins_its_own_call_when_several_run_at_once():
    steps = [
        step("google_search_call", 0.0, 0.1, "a"),
        step("google_search_call", 5.0, 5.1, "b"),
        step("google_search_result", 6.0, 6.1, "b"),
        step("google_search_result", 9.0, 9.5, "a"),
        step("google_search_result", 9.9, 10.0, "without a call"),
    ]
    (lane,) = step_lanes(steps, 10.0)
    assert [(span.start, span.end) for span in lane.spans] == [(0.0, 9.5), (5.0, 6.1), (9.9, 10.0)]


def test_a_step_without_an_end_lasts_until_now():
    (lane,) = step_lanes([step("thought", 1.0, None)], 4.0)
    assert [(span.start, span.end) for span in lane.spans] == [(1.0, 4.0)]


def test_lanes_and_bars_are_few_however_many_steps_there_are():
    steps = [step(f"kind{n % 50}_call", n / 1000, n / 1000 + 0.0005, str(n)) for n in range(20_000)]
    lanes = step_lanes(steps, 20.0)
    assert len(lanes) == 8
    assert lanes[-1].kind == "other steps"
    assert all(len(lane.spans) <= 81 for lane in lanes)
    assert sum(span.steps for lane in lanes for span in lane.spans) == 20_000
    for lane in lanes:
        assert all(first.end <= second.start for first, second in pairwise(lane.spans))


def test_the_timeline_draws_the_lanes_as_text_and_as_an_image():
    shown = Timeline(step_ledger())
    lines = str(shown).splitlines()
    search = next(line for line in lines if line.startswith("search"))
    assert search.count("━") >= 10
    root = ET.fromstring(shown.svg)
    titles = [each.text for each in root.iter(f"{SVG}title")]
    assert "Google Search, 1.00 s – 3.00 s, 42 tokens" in titles
    names = [each.text for each in root.iter(f"{SVG}text")]
    assert {"thought", "search", "code", "output"} <= set(names)
    assert timeline_data(finished()).steps == []


def test_a_step_is_in_the_record_with_its_chunk_and_its_tokens():
    found = record(step_ledger())["steps"]
    assert found[1] == {
        "type": "google_search_call",
        "id": "g1",
        "started": 1.0,
        "ended": 1.1,
        "chunk": 2,
        "tokens": 20,
    }
    assert [each["type"] for each in found] == [kind for kind, *_ in STEPS]
    assert "steps" not in record(finished())


def test_many_steps_in_the_record_are_counted():
    steps = [("model_output", None, n / 1000, n / 1000, None, Text("a ")) for n in range(1_500)]
    found = record(step_ledger(steps))
    assert len(found["steps"]) == 1_000
    assert found["capped"]["steps"] == "1,000 of 1,500 steps"
    small = record(step_ledger(steps), 0.05)
    assert 0 < len(small["steps"]) < 1_000
    assert len(json.dumps(small)) < 50_000


HOSTILE = '"><script>alert(1)</script>\u202e\x1b[31m' + "AIza" + "x" * 35


def test_hostile_types_and_names_are_inert():
    ledger = step_ledger([(HOSTILE, HOSTILE, 0.5, 1.0, Usage(total=3), None), *STEPS])
    shown = Timeline(ledger)
    assert ET.fromstring(shown.svg) is not None
    for text in (shown.svg, str(shown), json.dumps(record(ledger)), status_line(ledger)):
        assert "<script" not in text or text.startswith("{")
        assert "\x1b" not in text
        assert "AIza" + "x" * 35 not in text


def read_on(ledger, started, last, *, problem=None, waited=0.0):
    """Add a request that reads on a stored answer."""
    made = Exchange("GET", "https://x/interactions/v1_a?stream=true", (), b"", attempt=1, waited=waited)
    made.status, made.problem, made.started = 200, problem, started
    made.pieces.append((last, b"x"))
    made.end = "eof"
    ledger.begin(made)


def stored(*, problem=None):
    ledger = new_ledger("gemini-3.8-flash")
    asked = Exchange("POST", "https://x/interactions", (), b'{"input":"hi"}')
    asked.status, asked.problem, asked.started = 200, problem, 0.0
    asked.pieces.append((1.0, b"x"))
    asked.end = "eof"
    ledger.begin(asked)
    return ledger


def test_a_stored_answer_that_was_read_on_is_a_resumption_in_the_timeline():
    ledger = stored(problem="the connection was lost")
    read_on(ledger, 2.0, 1.0, waited=0.5)
    feed(ledger, "Hi", t=3.0)
    ledger.close("end", t=3.0)
    spans = timeline_data(ledger).attempts
    assert [(span.kind, span.label) for span in spans] == [
        ("failed", "attempt 1: HTTP 200, the connection was lost"),
        ("pause", "wait before resumption 1"),
        ("attempt", "resumption 1: HTTP 200"),
    ]


def test_a_thousand_requests_about_a_running_agent_are_one_bar():
    ledger = stored()
    for number in range(1_000):
        read_on(ledger, 2.0 + number, 0.5, waited=0.4, problem="lost" if number == 499 else None)
    feed(ledger, "Hi", t=1_003.0)
    ledger.close("end", t=1_003.0)
    data = timeline_data(ledger)
    assert [(span.kind, span.label) for span in data.attempts if span.kind != "pause"] == [
        ("attempt", "attempt 1: HTTP 200"),
        ("failed", "resumption 1: 500 requests, HTTP 200, lost"),
        ("attempt", "resumption 2: 500 requests, HTTP 200"),
    ]
    assert len(str(Timeline(ledger)).splitlines()) < 20


def test_the_record_has_the_request_that_asked_not_the_one_that_read_on():
    ledger = stored(problem="the connection was lost")
    read_on(ledger, 2.0, 1.0)
    feed(ledger, "Hi", t=3.0)
    ledger.close("end", t=3.0)
    made = record(ledger)
    assert (made["request"]["method"], made["request"]["body"]) == ("POST", '{"input":"hi"}')
    assert len(made["attempts"]) == 2
