"""The rounds of an answer: functions run, their results are sent, until the model answers."""

from __future__ import annotations

import asyncio
import json
import sys
import threading
import traceback

import pytest

import gemini_magic
from gemini_magic.content import Call, CallResult, Text


def weather(city: str) -> str:
    """The weather of a city."""
    return f"21 °C in {city}"


def asked(prompt: str, *tools, **options):
    return gemini_magic.ask(prompt, backend="echo", tools=tools, **options)


def sent(response, exchange: int = -1):
    """The contents of a request that the response sent."""
    return json.loads(response.ledger.exchanges[exchange].body)["contents"]


def test_a_function_runs_and_the_model_answers_with_its_result():
    r = asked('@call weather {"city": "Paris"}\nHere it is:\n', weather)
    assert r.status == "complete"
    assert "21 °C in Paris" in r.text
    (run,) = r.ledger.tool_runs
    assert (run.name, run.state, run.result, run.message) == ("weather", "done", "21 °C in Paris", "")
    assert run.started is not None
    assert run.seconds >= 0
    assert [each.round for each in r.ledger.exchanges] == [0, 1]
    assert len(r.ledger.rounds) == 2


def test_ids_and_signatures_go_back_byte_for_byte():
    r = asked('@call weather {"city": "Paris"}\n@call weather {"city": "Rome"}\n', weather)
    model, user = sent(r)[1:]
    assert model["role"] == "model"
    assert model["parts"][0]["thoughtSignature"] == "ZWNobw=="
    assert [part["functionCall"]["id"] for part in model["parts"]] == ["call-1", "call-2"]
    assert [part["functionResponse"]["id"] for part in user["parts"]] == ["call-1", "call-2"]
    assert [part["functionResponse"]["response"] for part in user["parts"]] == [
        {"output": "21 °C in Paris"},
        {"output": "21 °C in Rome"},
    ]


def test_several_rounds_follow_one_another():
    r = asked('@call weather {"city": "Paris"}\nthen\n@call weather {"city": "Rome"}\n', weather)
    assert [each.number for each in r.ledger.rounds] == [0, 1, 2]
    assert [run.round for run in r.ledger.tool_runs] == [0, 1]
    assert r.usage.total == sum(each.usage.total for each in r.ledger.rounds)


def test_reaching_the_number_of_rounds_keeps_what_there_is_and_the_open_calls():
    r = asked(
        '@call weather {"city": "Paris"}\nthen\n@call weather {"city": "Rome"}\n', weather, max_rounds=2
    )
    assert r.status == "truncated"
    assert "--max-rounds" in r.error.message
    assert "resume" in r.error.remedy
    assert [run.state for run in r.ledger.tool_runs] == ["done"]
    assert [call.args for call in r.open_calls] == [{"city": "Rome"}]


def test_a_call_that_the_tool_choice_none_excludes_is_shown_and_not_run():
    r = asked('@call weather {"city": "Paris"}\n', weather, tool_choice="none")
    assert (r.status, len(r.ledger.exchanges), len(r.ledger.tool_runs)) == ("complete", 1, 0)
    assert [call.args for call in r.open_calls] == [{"city": "Paris"}]


def test_an_exception_goes_to_the_model_without_its_traceback():
    def broken() -> str:
        """It fails."""
        raise ValueError("no such city")

    r = asked("@call broken\n", broken)
    (run,) = r.ledger.tool_runs
    assert (run.state, run.message) == ("failed", "ValueError: no such city")
    assert isinstance(run.error, ValueError)
    assert sent(r)[-1]["parts"][0]["functionResponse"]["response"] == {"error": "ValueError: no such city"}
    (note,) = [note for note in r.ledger.notes if note.kind == "tool"]
    assert "%gemini traceback" in note.message
    assert r.status == "complete"


def test_leaving_python_in_a_tool_counts_as_an_exception_and_the_traceback_has_only_its_own_frames():
    def leave() -> str:
        """Leave."""
        sys.exit("bye")

    (run,) = asked("@call leave\n", leave).ledger.tool_runs
    assert (run.state, run.message) == ("failed", "SystemExit: bye")
    assert [frame.name for frame in traceback.extract_tb(run.error.__traceback__)] == ["leave"]


def test_a_tool_can_refuse():
    def delete(path: str) -> str:
        """Delete a file."""
        raise gemini_magic.ToolRefused(f"{path} is not yours")

    r = asked('@call delete {"path": "a"}\n', delete)
    assert (r.ledger.tool_runs[0].state, r.ledger.tool_runs[0].message) == ("refused", "a is not yours")


def test_arguments_that_do_not_fit_and_unknown_names_are_not_run_and_the_model_is_informed():
    ran = []

    def count(n: int) -> int:
        """Count."""
        ran.append(n)
        return n

    r = asked('@call count {"n": "x"}\n@call rm {"path": "/"}\n@call count {"n": 3}\n', count)
    assert ran == [3]
    assert [run.state for run in r.ledger.tool_runs] == ["invalid", "not_offered", "done"]
    assert "n: expected integer" in r.ledger.tool_runs[0].message
    assert "There is no function 'rm'" in r.ledger.tool_runs[1].message


def test_calls_of_a_declaration_without_a_function_are_only_shown():
    r = asked('@call weather {"city": "Paris"}\n', {"name": "weather", "description": "d"})
    assert (r.status, r.ledger.tool_runs) == ("complete", [])
    assert r.open_calls == [Call("weather", {"city": "Paris"}, "call-1", "ZWNobw==")]


def test_plain_functions_run_one_after_the_other_on_the_thread_that_waits():
    threads, active = [], []

    def work(n: int) -> int:
        """Work."""
        threads.append(threading.current_thread())
        active.append(n)
        assert len(active) == 1
        active.remove(n)
        return n

    asked('@call work {"n": 1}\n@call work {"n": 2}\n', work)
    assert threads == [threading.current_thread()] * 2


def test_functions_marked_with_thread_run_at_the_same_time():
    both = threading.Barrier(2)

    @gemini_magic.tool(thread=True)
    def meet(n: int) -> int:
        """Meet."""
        both.wait(60)
        return n

    r = asked('@call meet {"n": 1}\n@call meet {"n": 2}\n', meet)
    assert [(run.result, run.in_thread) for run in r.ledger.tool_runs] == [(1, True), (2, True)]


async def meeting(n: int) -> int:
    """Meet."""
    await asyncio.sleep(0)
    return n


def test_async_functions_run_without_a_running_loop():
    r = asked('@call meeting {"n": 1}\n@call meeting {"n": 2}\n', meeting)
    assert [run.result for run in r.ledger.tool_runs] == [1, 2]


def test_async_functions_run_on_the_loop_of_an_awaited_answer():
    loops = []

    async def where() -> str:
        """Where."""
        loops.append(asyncio.get_running_loop())
        return "here"

    async def main():
        r = await gemini_magic.stream("@call where\n", backend="echo", tools=[where])
        return r, asyncio.get_running_loop()

    r, loop = asyncio.run(main())
    assert r.ledger.tool_runs[0].result == "here"
    assert loops == [loop]


def test_the_output_of_each_tool_is_captured_for_itself(capsys):
    both = threading.Barrier(2)

    @gemini_magic.tool(thread=True)
    def chatty(n: int) -> int:
        """Talk."""
        for _ in range(3):
            both.wait(60)
            print(f"out {n}")
            print(f"err {n}", file=sys.stderr)
        return n

    before = sys.stdout, sys.stderr
    r = asked('@call chatty {"n": 1}\n@call chatty {"n": 2}\n', chatty)
    assert (sys.stdout, sys.stderr) == before
    assert [(run.stdout, run.stderr) for run in r.ledger.tool_runs] == [
        ("out 1\n" * 3, "err 1\n" * 3),
        ("out 2\n" * 3, "err 2\n" * 3),
    ]
    assert capsys.readouterr().out == ""


def test_iterating_a_stream_runs_the_tools_and_gives_the_events_of_all_rounds():
    pieces = []
    s = gemini_magic.stream(
        'Look:\n@call weather {"city": "Paris"}\n', backend="echo", tools=[weather], on_chunk=pieces.append
    )
    kinds = [type(event).__name__ for event in s]
    assert kinds.count("Finish") == 2
    assert "".join(pieces) == s.response.text


def test_a_tool_that_waits_for_its_own_answer_gets_an_error():
    holder = []

    def wait() -> str:
        """Wait."""
        return holder[0].response.wait().text

    s = gemini_magic.stream("@call wait\n", backend="echo", tools=[wait])
    holder.append(s)
    r = s.response.wait(60)
    assert (r.status, r.ledger.tool_runs[0].state) == ("complete", "failed")
    assert "waits for the answer that called it" in r.ledger.tool_runs[0].message


def test_a_tool_may_ask_the_model_itself():
    def think(question: str) -> str:
        """Ask another model."""
        return gemini_magic.ask(question, backend="echo").text

    assert asked('@call think {"question": "deep"}\n', think).ledger.tool_runs[0].result == "deep"


def test_an_interrupt_in_a_tool_ends_the_answer_with_what_has_arrived():
    def endless() -> str:
        """Never ends."""
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt) as caught:
        asked('@call weather {"city": "Paris"}\nthen\n@call endless\n', weather, endless)
    r = caught.value.response if hasattr(caught.value, "response") else None
    assert r is None or r.status == "interrupted"


def test_only_a_thread_is_left_running_when_the_answer_is_stopped():
    began, release = threading.Semaphore(0), threading.Event()

    @gemini_magic.tool(thread=True)
    def in_thread() -> str:
        """Waits."""
        began.release()
        release.wait(60)
        return ""

    async def in_loop() -> str:
        """Waits."""
        began.release()
        await asyncio.sleep(10)
        return ""

    prompt = "@call in_thread\n@call in_loop\n"
    stream = gemini_magic.stream(prompt, backend="echo", tools=[in_thread, in_loop])
    ended = threading.Thread(target=lambda: [began.acquire(timeout=60) for _ in range(2)] and stream.close())
    ended.start()
    r = stream.response.wait(60)
    release.set()
    ended.join()
    assert [(run.name, run.state, run.still_running) for run in r.ledger.tool_runs] == [
        ("in_thread", "stopped", True),
        ("in_loop", "stopped", False),
    ]


def test_a_forced_choice_of_a_tool_holds_for_the_first_round_only():
    r = asked('@call weather {"city": "Paris"}\n', weather, tool_choice="any")
    modes = [
        json.loads(each.body).get("toolConfig", {}).get("functionCallingConfig", {}).get("mode")
        for each in r.ledger.exchanges
    ]
    assert modes == ["ANY", "AUTO"]


def test_a_reply_continues_after_the_whole_tool_turn():
    r = asked('@call weather {"city": "Paris"}\nHere\n', weather)
    follow_up = r.reply("more")
    roles = [(turn["role"], next(iter(turn["parts"][-1]))) for turn in sent(follow_up)]
    assert roles == [
        ("user", "text"),
        ("model", "functionCall"),
        ("user", "functionResponse"),
        ("model", "text"),
        ("user", "text"),
    ]
    assert sent(follow_up)[:3] == sent(r)


def test_calls_without_a_result_are_answered_when_the_conversation_continues():
    r = asked('@call weather {"city": "Paris"}\n', {"name": "weather", "description": "d"})
    turns = sent(r.reply("and now?"))
    assert turns[2]["parts"][0]["functionResponse"]["response"] == {"error": "The function was not run."}
    by_hand = r.reply([CallResult("weather", {"output": "sunny"}, "call-1"), Text("so?")])
    assert sent(by_hand)[2]["parts"][0]["functionResponse"]["response"] == {"output": "sunny"}


def test_keys_do_not_leave_in_results_and_exceptions(monkeypatch):
    monkeypatch.setenv("GEMINI_API_KEY", "AIzaCANARY0123456789abcdefghijklmnopqrs")

    def leak(how: str) -> str:
        """Leak."""
        print("AIzaCANARY0123456789abcdefghijklmnopqrs")
        if how == "raise":
            raise ValueError("AIzaCANARY0123456789abcdefghijklmnopqrs")
        return "AIzaCANARY0123456789abcdefghijklmnopqrs"

    r = asked('@call leak {"how": "raise"}\n@call leak {"how": "return"}\n', leak)
    assert "CANARY" not in json.dumps(sent(r))
    for run in r.ledger.tool_runs:
        assert "CANARY" not in f"{run.result}{run.message}{run.stdout}"
    assert "CANARY" not in str([note.message for note in r.ledger.notes])
