"""A tool run as text: its line in every state, and its sections."""

from __future__ import annotations

import base64
import json

import pytest
from media_samples import picture, png
from tool_answers import run_of

from gemini_magic.views.tool_blocks import arguments_text, run_clock, run_line, run_pictures, run_sections

LINES = [
    ({"result": "21 °C", "seconds": 0.31}, 'weather(city="Paris") → 21 °C · 0.3 s'),
    ({"result": 21, "seconds": 0.004}, 'weather(city="Paris") → 21 · 4 ms'),
    ({"result": {"a": [1, "ä"]}, "seconds": 72.2}, 'weather(city="Paris") → {"a": [1, "ä"]} · 1 min 12 s'),
    (
        {"result": "x", "seconds": 1.24, "stdout": "a\nb\n", "stderr": "c\n"},
        'weather(city="Paris") → x · 1.2 s · printed 3 lines',
    ),
    ({"seconds": 12.4}, 'weather(city="Paris") → nothing · 12 s'),
    (
        {"media": (picture(),), "result": {"$ref": "chart-1.png"}, "seconds": 1.2},
        'weather(city="Paris") → [picture] · 1.2 s',
    ),
    (
        {"media": (picture(), picture()), "result": [{"$ref": "both-1.png"}, {"$ref": "both-2.png"}]},
        'weather(city="Paris") → [2 pictures]',
    ),
    ({"media": (picture(),), "result": []}, 'weather(city="Paris") → [] [picture]'),
    ({"state": "queued"}, 'weather(city="Paris") · waiting'),
    ({"state": "running", "started": 1.0}, 'weather(city="Paris") · running'),
    ({"state": "confirming"}, 'weather(city="Paris") · waiting for confirmation'),
    ({"state": "skipped"}, 'weather(city="Paris") · skipped by you'),
    ({"state": "refused", "message": "not today"}, 'weather(city="Paris") · refused: not today'),
    (
        {"state": "failed", "message": "ValueError: no city", "seconds": 0.2},
        'weather(city="Paris") ✗ failed: ValueError: no city · 0.2 s',
    ),
    (
        {
            "state": "invalid",
            "message": "weather was not run, because its arguments do not fit:\ncity: expected string, got 1",
        },
        'weather(city="Paris") ✗ not run: city: expected string, got 1',
    ),
    ({"state": "not_offered"}, 'weather(city="Paris") ✗ not run: no tool of this name is offered'),
    (
        {"state": "timed_out", "message": "no answer within 60 s", "seconds": 60.0, "still_running": True},
        'weather(city="Paris") ✗ no answer within 60 s; it is still running · 1 min 00 s',
    ),
    ({"state": "stopped", "seconds": 2.0}, 'weather(city="Paris") ■ stopped · 2.0 s'),
]


@pytest.mark.parametrize(("facts", "line"), LINES, ids=[line for _, line in LINES])
def test_the_line_of_each_state(facts, line):
    assert run_line(run_of(**facts)).text == line


def test_a_line_is_short_and_says_whether_it_shows_everything():
    assert run_line(run_of(result="21")).whole
    long = run_line(run_of(args={"text": "x" * 500, "more": 1}, result="y" * 500))
    assert (len(long.call) < 130, len(long.outcome) < 130, long.whole) == (True, True, False)
    assert long.call.endswith("…, …)")
    assert not run_line(run_of(result="two\nlines")).whole


def test_the_arguments_are_never_shortened():
    args = {"path": "a" * 100_000, "n": [1, 2]}
    assert json.loads(arguments_text(run_of(args=args).call)) == args


def test_the_sections_are_bounded_and_name_the_way_to_the_rest():
    run = run_of(number=3, args={"q": "z" * 30_000}, result="r", stdout="p\n", stderr="e\n", approved="you")
    titles = [section.title for section in run_sections(run)]
    assert titles == ["arguments", "", "result", "printed", "printed to stderr", ""]
    assert all(len(section.text) <= 20_000 for section in run_sections(run))
    assert "`r.tool_runs[3]` has all of it." in run_sections(run)[1].text
    assert run_sections(run)[-1].text == "approved by you"


def test_pictures_are_those_that_were_returned_and_displayed():
    displayed = {"image/png": base64.b64encode(png()).decode(), "text/plain": "<Figure>"}
    run = run_of(media=(picture(8, 8),), displays=(displayed, {"text/plain": "a table"}))
    assert [blob.data for blob in run_pictures(run)] == [png(8, 8), png()]
    assert [section.text for section in run_sections(run) if section.title == "displayed"] == ["a table"]


def test_keys_are_masked():
    key = "AIza" + "x" * 30
    run = run_of(args={"key": key}, result=key, stdout=key, state="failed", message=key)
    assert key not in run_line(run).text + arguments_text(run.call) + str(run_sections(run))


def test_the_clock_counts_only_while_the_tool_runs():
    run = run_of(state="running", started=2.0)
    assert [run_clock(run, now) for now in (2.0, 5.9, 70.0)] == ["0 s", "3 s", "1 min 08 s"]
    assert run_clock(run_of(seconds=1.0), 9.0) == ""
