"""Recorded answers that call functions, and the answers after them, run as loops and replay exactly."""

from __future__ import annotations

import json
from itertools import groupby
from pathlib import Path

import pytest
from corpus_streams import REQUIRED, ROOT

import gemini_magic
from gemini_magic import Response
from gemini_magic.tools import Tool

pytestmark = pytest.mark.corpus


def loops() -> list[tuple[str, list[dict]]]:
    """The loops of the corpus: answers of one recording that call functions, up to the first one that does not."""
    found = []
    for folder in ("", "generate"):
        index = ROOT / folder / "index.json"
        if not index.is_file():
            continue
        entries = [
            {**entry, "file": index.parent / entry["file"]}
            for entry in json.loads(index.read_text(encoding="utf-8"))
        ]
        for path, group in groupby(entries, key=lambda entry: entry["path"].partition("#")[0]):
            loop: list[dict] = []
            for entry in group:
                calls = entry["expected"]["function_calls"]
                usable = entry["status"] == 200 and entry["expected"]["finish_reason"] == "STOP"
                if usable and (calls or loop):
                    loop.append(entry)
                if loop and not (usable and calls):
                    if len(loop) > 1:
                        found.append((f"{path}#{len(found)}", loop))
                    loop = []
            if len(loop) > 1:
                found.append((f"{path}#{len(found)}", loop))
    return found


LOOPS = loops()
ran: list[str] = []


def tool(name: str) -> Tool:
    def run(**arguments):
        ran.append(name)
        return {"ran": name, "with": arguments}

    return Tool(name=name, parameters={"type": "object"}, function=run)


def recording(path: Path, bodies: list[bytes]) -> str:
    """Write a recording that holds these bodies as the answers of requests in order."""
    url = "https://generativelanguage.googleapis.com/v1beta/models/m:streamGenerateContent?alt=sse"
    lines = []
    for number, body in enumerate(bodies):
        request = {"method": "POST", "url": url, "headers": {}, "body": "{}"}
        lines += [
            {"v": 1, "exchange": number, "request": request},
            {"exchange": number, "status": 200, "headers": {}},
            {"exchange": number, "t": 0.1, "text": body.decode()},
            {"exchange": number, "end": "eof"},
        ]
    path.write_text("\n".join(map(json.dumps, lines)), encoding="utf-8")
    return str(path)


def facts(response: Response) -> list:
    runs = [
        (run.number, run.round, run.call, run.state, run.result, run.message, run.sent)
        for run in response.ledger.tool_runs
    ]
    rounds = [
        (each.number, each.parts, each.chars, each.calls, each.usage, each.finish_reason)
        for each in response.ledger.rounds
    ]
    return [response.status, response.text, response.parts, response.usage, runs, rounds]


def test_the_recorded_loops_exist_when_they_are_required():
    if not LOOPS:
        print(f"no recorded loops in {ROOT}: this test reads nothing")
    assert LOOPS or not REQUIRED
    assert not LOOPS or len(LOOPS) >= 25


@pytest.mark.parametrize("loop", [loop for _, loop in LOOPS], ids=[name for name, _ in LOOPS])
def test_a_recorded_loop_runs_and_replays_exactly(loop, tmp_path):
    names = {
        call["name"] if isinstance(call, dict) else call
        for entry in loop
        for call in entry["expected"]["function_calls"]
    }
    tools = [tool(name) for name in sorted(filter(None, names))]
    bodies = recording(tmp_path / "bodies.jsonl", [entry["file"].read_bytes() for entry in loop])
    asked = {"tools": tools, "speed": 0, "max_rounds": 100, "model": "m"}
    ran.clear()
    first = gemini_magic.ask("go", replay=bodies, replay_any=True, run_tools=True, **asked)
    last_calls = bool(loop[-1]["expected"]["function_calls"])
    calls = [call for each in first.ledger.rounds for call in each.calls]
    assert len(first.ledger.rounds) == len(loop)
    assert ran == [call.name for call in calls if call.name in names][: len(ran)]
    assert len(ran) == len(first.ledger.tool_runs)
    for entry, each in zip(loop, first.ledger.rounds, strict=True):
        text = first.text[slice(*each.chars)]
        assert text.lstrip("\n") == entry["expected"]["text"].lstrip("\n")
    if not last_calls:
        assert first.status == "complete", first.error
    saved = first.save(tmp_path / "loop.jsonl")
    ran.clear()
    if not last_calls:
        again = gemini_magic.ask("go", replay=str(saved), **asked)
        assert facts(again) == facts(first)
    assert facts(Response.load(saved))[1:] == facts(first)[1:]
    assert ran == []
