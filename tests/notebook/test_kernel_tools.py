"""In a real kernel: functions that the model calls, their output, and how they are interrupted and stopped."""

from __future__ import annotations

import time

import pytest
from calibration import assert_soon
from kernel import user_kernel, widgets

pytestmark = pytest.mark.kernel

TOOLS = '''
import asyncio, threading, time
from pathlib import Path
import gemini_magic

def begun(name):
    Path(name).touch()

def weather(city: str) -> str:
    """The weather of a city."""
    print("looking at", city)
    return f"21 °C in {city}"

def slow(name: str) -> str:
    """Takes long."""
    begun(name)
    time.sleep(30)
    return "late"

def busy(name: str) -> str:
    """Computes for long."""
    begun(name)
    end = time.monotonic() + 30
    while time.monotonic() < end:
        pass
    return "late"

async def patient(name: str) -> str:
    """Waits for long."""
    begun(name)
    await asyncio.sleep(30)
    return "late"

async def blocking(name: str) -> str:
    """Waits for long without awaiting."""
    begun(name)
    time.sleep(30)
    return "late"

@gemini_magic.tool(thread=True)
def beside(name: str) -> str:
    """Waits for long in a thread."""
    begun(name)
    end = time.monotonic() + 30
    while time.monotonic() < end:
        time.sleep(0.01)
    return "late"

def shows() -> str:
    """Displays and draws."""
    from IPython.display import HTML, display
    display(HTML("<b>shown</b>"))
    print("printed")
    return "ok"

async def own_loop() -> bool:
    """Whether it runs on the loop of the cell."""
    return asyncio.get_running_loop() is cell_loop

def fails() -> str:
    """Fails."""
    raise ValueError("no such city")
'''


@pytest.fixture(scope="module")
def kernel(tmp_path_factory):
    home = tmp_path_factory.mktemp("kernel")
    with user_kernel(home, code=TOOLS) as session:
        session.home = home
        yield session


def wait_for_file(path):
    end = time.monotonic() + 30
    while not path.exists():
        assert time.monotonic() < end, "the function did not begin"
        time.sleep(0.005)


def begin(kernel, tool, kind, options=""):
    """Start a cell whose answer calls a function; returns it once the function runs."""
    name = f"{tool}-{kind}-{len(options)}"
    magic = f'%%gemini --backend echo -o r -T {tool} {options}\n@call {tool} {{"name": "{name}"}}\n'
    code = magic if kind == "awaited" else f"%%time\n{magic}"
    run = kernel.begin(code)
    wait_for_file(kernel.home / name)
    return run


@pytest.mark.parametrize("kind", ["plain", "awaited"])
def test_what_a_function_prints_and_displays_belongs_to_its_call(kernel, kind):
    magic = '%%gemini --backend echo -o r -T shows -T weather\n@call shows\n@call weather {"city": "Paris"}\n'
    run = kernel.execute(magic if kind == "awaited" else f"%%time\n{magic}")
    assert run.status == "ok", run.error
    assert kernel.value("[(t.stdout, list(t.displays)) for t in r.ledger.tool_runs]") == [
        ("printed\n", [{"text/plain": "<IPython.core.display.HTML object>", "text/html": "<b>shown</b>"}]),
        ("looking at Paris\n", []),
    ]
    assert "printed" not in run.stdout
    assert kernel.value("type(__import__('sys').stdout).__name__") == "OutStream"


def test_async_functions_run_on_the_loop_of_an_awaited_cell(kernel):
    assert kernel.execute("cell_loop = asyncio.get_running_loop()\nawait asyncio.sleep(0)").status == "ok"
    run = kernel.execute("%%gemini --backend echo -o r -T own_loop\n@call own_loop\n")
    assert run.status == "ok", run.error
    assert kernel.value("r.ledger.tool_runs[0].result") is True


def test_the_traceback_of_a_function_stays_here_and_can_be_shown(kernel):
    run = kernel.execute("%%gemini --backend echo -o r -T fails\n@call fails\n")
    assert run.status == "ok", run.error
    shown = kernel.execute("%gemini traceback").stdout
    assert "ValueError: no such city" in shown
    assert "in fails" in shown
    assert kernel.value("b'Traceback' in r.ledger.exchanges[-1].body") is False


def test_a_background_answer_runs_its_functions_in_a_thread_of_its_own(kernel):
    run = kernel.execute(
        '%%gemini --backend echo -o r --background -T weather\n@call weather {"city": "Rome"}\n'
    )
    assert run.status == "ok", run.error
    assert kernel.value("r.wait(60).status, r.ledger.tool_runs[0].result") == (
        "complete",
        "21 °C in Rome",
    )


@pytest.mark.parametrize("tool", ["slow", "patient", "blocking"])
def test_a_time_limit_ends_a_function_that_sleeps(kernel, tool):
    run = kernel.execute(
        f'%%gemini --backend echo -o r --tool-timeout 0.2 -T {tool}\n@call {tool} {{"name": "limited"}}\n'
    )
    assert run.status == "ok", run.error
    assert kernel.value("[(t.state, t.seconds < 5, t.message) for t in r.ledger.tool_runs]") == [
        ("timed_out", True, "no answer within 0.2 s")
    ]


def test_a_chat_continues_after_the_whole_tool_turn(kernel):
    kernel.execute('%%gemini --backend echo -o a --chat t -T weather\n@call weather {"city": "Rome"}\n')
    run = kernel.execute("%%gemini --backend echo -o b --chat t\nand now?\n")
    assert run.status == "ok", run.error
    roles = "[(t['role'], *t['parts'][0]) for t in __import__('json').loads(b.ledger.exchanges[0].body)['contents']]"
    assert kernel.value(roles) == [
        ("user", "text"),
        ("model", "functionCall", "thoughtSignature"),
        ("user", "functionResponse"),
        ("model", "text"),
        ("user", "text"),
    ]


def test_a_loop_that_reached_its_rounds_is_resumed_after_its_last_results(kernel):
    run = kernel.execute(
        "%%gemini --backend echo -o a --max-rounds 1 -T weather\n"
        '@call weather {"city": "Rome"}\nthen\n@call weather {"city": "Oslo"}\nDone.\n'
    )
    assert run.error["ename"] == "TruncatedError"
    assert kernel.value("a.status, [c.args['city'] for c in a.open_calls]") == ("truncated", ["Rome"])
    run = kernel.execute("%gemini resume -o b --max-rounds 5")
    assert run.status == "ok", run.error
    assert kernel.value("b.status, [t.call.args['city'] for t in b.ledger.tool_runs], 'Done.' in b.text") == (
        "complete",
        ["Oslo"],
        True,
    )


# Functions that cannot be stopped are left behind in the kernel, so these tests come last.


@pytest.mark.parametrize("kind", ["plain", "awaited"])
@pytest.mark.parametrize("tool", ["slow", "busy", "blocking", "patient", "beside"])
def test_the_toolbars_interrupt_ends_a_running_function(kernel, tool, kind):
    run = begin(kernel, tool, kind)
    then = kernel.interrupt()
    kernel.finish(run)
    assert_soon(run.reply.time - then, 0.3)
    assert run.error["ename"] == "Interrupted", run.error
    assert kernel.value("r.status, [t.state for t in r.ledger.tool_runs]") == ("interrupted", ["stopped"])
    assert kernel.value("1 + 1") == 2


@pytest.mark.parametrize("tool", ["patient", "beside"])
def test_the_stop_button_ends_functions_that_run_beside_the_cell(kernel, tool):
    run = begin(kernel, tool, "awaited", "--display live")
    kernel.wait_for(run, "comm_msg", within=f"{tool}(")
    (button,) = widgets(run, "ButtonModel")
    then = kernel.click(button)
    kernel.finish(run)
    assert_soon(run.reply.time - then, 0.3)
    assert run.status == "ok", run.error
    assert kernel.value("r.status, r.ledger.cause") == ("interrupted", "stop")


@pytest.mark.parametrize("kind", ["plain", "awaited"])
def test_a_function_that_blocks_is_shown_while_it_runs_with_the_way_to_end_it(kernel, kind):
    run = begin(kernel, "slow", kind, "--display live  ")
    kernel.wait_for(run, "comm_msg", within="in the toolbar")
    kernel.interrupt()
    kernel.finish(run)
    assert "slow(" in str(run.messages)
