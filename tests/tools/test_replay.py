"""A recorded loop holds its calls and results, and replays exactly without running a function."""

from __future__ import annotations

import copy
import json
import pickle

import pytest

import gemini_magic
import gemini_magic.tools
from gemini_magic import Response
from gemini_magic.content import Blob
from gemini_magic.recording import LedgerLines, parse_recording

ran: list[str] = []
PNG = b"\x89PNG\r\n\x1a\n" + bytes(2000)


@pytest.fixture(autouse=True)
def nothing_ran():
    ran.clear()


def weather(city: str) -> str:
    """The weather of a city."""
    ran.append(city)
    print(f"looking at {city}")
    return f"{len(ran)}: 21 °C in {city}"


PROMPT = 'Now:\n@call weather {"city": "Paris"}\nthen\n@call weather {"city": "Rome"}\n'


def asked(**options) -> Response:
    return gemini_magic.ask(PROMPT, backend="echo", tools=[weather], **options)


def facts(response: Response) -> list:
    """What does not depend on the clock."""
    runs = [
        (run.number, run.round, run.call, run.state, run.result, run.message, run.stdout, run.sent)
        for run in response.ledger.tool_runs
    ]
    rounds = [
        (each.number, each.parts, each.chars, each.calls, each.usage) for each in response.ledger.rounds
    ]
    bodies = [each.body for each in response.ledger.exchanges]
    return [response.status, response.text, response.parts, response.usage, runs, rounds, bodies]


def test_a_recorded_loop_replays_exactly_without_running_functions(tmp_path):
    first = asked(record=str(tmp_path / "loop.jsonl"))
    assert ran == ["Paris", "Rome"]
    ran.clear()
    again = asked(replay=str(tmp_path / "loop.jsonl"), speed=0)
    assert ran == []
    assert facts(again) == facts(first)
    assert again.ledger.source == "recording"


def test_run_tools_runs_the_functions_in_a_replay(tmp_path):
    asked(record=str(tmp_path / "loop.jsonl"))
    ran.clear()
    asked(replay=str(tmp_path / "loop.jsonl"), run_tools=True, speed=0)
    assert ran == ["Paris", "Rome"]


def test_functions_need_not_be_given_to_play_a_recording_in_order(tmp_path):
    first = asked(record=str(tmp_path / "loop.jsonl"))
    again = gemini_magic.ask(
        "anything", backend="echo", replay=str(tmp_path / "loop.jsonl"), replay_any=True, speed=0
    )
    assert facts(again)[:-1] == facts(first)[:-1]


def test_a_recording_without_the_lines_of_calls_replays_by_the_results_in_its_requests(tmp_path):
    first = asked(record=str(tmp_path / "loop.jsonl"))
    lines = (tmp_path / "loop.jsonl").read_text().splitlines()
    kept = [line for line in lines if "tool" not in json.loads(line)]
    assert len(lines) - len(kept) == 2
    (tmp_path / "old.jsonl").write_text("\n".join(kept))
    ran.clear()
    again = asked(replay=str(tmp_path / "old.jsonl"), speed=0)
    assert ran == []
    assert again.text == first.text
    assert [run.result for run in again.ledger.tool_runs] == ["1: 21 °C in Paris", "2: 21 °C in Rome"]


@pytest.mark.parametrize("suffix", ["jsonl", "pickle", "copy"])
def test_a_saved_loop_is_loaded_with_its_rounds_and_calls(tmp_path, suffix):
    first = asked()
    if suffix == "jsonl":
        again = Response.load(first.save(tmp_path / "r.jsonl"))
    else:
        again = pickle.loads(pickle.dumps(first)) if suffix == "pickle" else copy.deepcopy(first)
    assert facts(again) == facts(first)
    assert [item.run.state for item in again.content_items()[1] if hasattr(item, "run")] == ["done", "done"]


def test_a_response_plays_its_rounds_again_without_running_functions(capsys):
    first = asked()
    ran.clear()
    first.replay(speed=0)
    assert ran == []
    assert "21 °C in Rome" in capsys.readouterr().out


def test_the_calls_of_an_answer_that_ended_before_the_next_round_are_recorded(tmp_path):
    path = tmp_path / "loop.jsonl"
    asked(record=str(path), max_rounds=2)
    assert ran == ["Paris"]

    def stopping(city: str) -> str:
        """The weather."""
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        gemini_magic.ask(
            PROMPT, backend="echo", tools=[gemini_magic.tool(stopping, name="weather")], record=str(path)
        )
    loaded = Response.load(path)
    assert (loaded.ledger.tool_runs[0].state, loaded.ledger.tool_runs[0].call.args) == (
        "stopped",
        {"city": "Paris"},
    )


def test_a_damaged_line_of_a_call_is_left_out(tmp_path):
    first = asked(record=str(tmp_path / "loop.jsonl"))
    hostile = [
        {"v": 3, "exchange": 0, "tool": {"state": "running"}},
        {"v": 3, "exchange": 0, "tool": {"state": "done", "args": 3}},
        {"v": 3, "exchange": 99, "tool": {"state": "done"}},
        {"v": 3, "exchange": 0, "tool": {"state": ["x"], "name": 3}},
        {"v": 3, "exchange": 0, "tool": None},
    ]
    with (tmp_path / "loop.jsonl").open("a") as file:
        file.writelines(json.dumps(line) + "\n" for line in hostile)
    loaded = Response.load(tmp_path / "loop.jsonl")
    assert [run.result for run in loaded.ledger.tool_runs] == [run.result for run in first.ledger.tool_runs]


@pytest.mark.parametrize("model", ["gemini-3-flash", "gemini-2.5-flash"])
def test_a_picture_in_a_result_is_replayed_too(tmp_path, model):
    def draw() -> Blob:
        """Draw."""
        ran.append("draw")
        return Blob("image/png", PNG)

    tools = [gemini_magic.tools.Tool(name="draw", function=draw)]
    asked = {"backend": "echo", "tools": tools, "model": model}
    first = gemini_magic.ask("@call draw\n", record=str(tmp_path / "loop.jsonl"), **asked)
    assert first.ledger.tool_runs[0].media[0].data == PNG
    ran.clear()
    again = gemini_magic.ask("@call draw\n", replay=str(tmp_path / "loop.jsonl"), speed=0, **asked)
    assert again.status == "complete", again.error
    assert ran == []
    assert [run.media for run in again.ledger.tool_runs] == [run.media for run in first.ledger.tool_runs]
    assert [each.body for each in again.ledger.exchanges] == [each.body for each in first.ledger.exchanges]
    assert Response.load(tmp_path / "loop.jsonl").ledger.tool_runs[0].media[0].data == PNG


def test_the_journal_keeps_the_rounds(tmp_path):
    r = asked()

    lines = LedgerLines(r.ledger).next_lines(10**9, ended=True)
    exchanges = parse_recording("a", lines)
    assert [each.round for each in exchanges] == [0, 1, 2]
    assert [len(each.tool_runs) for each in exchanges] == [1, 1, 0]


def test_the_lines_of_a_growing_answer_hold_a_call_once_it_has_ended():

    seen = []

    def probe(city: str) -> str:
        """Look at the lines."""
        seen.append(source.next_lines(10**9).count(b'"tool"'))
        return "ok"

    s = gemini_magic.stream(PROMPT, backend="echo", tools=[gemini_magic.tool(probe, name="weather")])
    source = LedgerLines(s.response.ledger)
    s.response.wait(60)
    seen.append(source.next_lines(10**9, ended=True).count(b'"tool"'))
    assert seen == [0, 1, 1]
