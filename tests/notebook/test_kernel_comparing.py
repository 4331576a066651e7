"""Comparisons in a real kernel: interrupted, stopped column by column, and without a user."""

from __future__ import annotations

import pytest
from calibration import assert_soon
from fake_server import FakeServer, Script, event, finish, gate, stall, text
from kernel import run_notebook, user_kernel, widgets
from surroundings import CANARY

pytestmark = pytest.mark.kernel

TYPES = {"text/html", "text/markdown", "text/plain"}


@pytest.fixture(scope="module")
def server():
    with FakeServer() as running:
        yield running


@pytest.fixture(scope="module")
def kernel(server, tmp_path_factory):
    code = (
        f"%config GeminiMagics.base_url = {server.base_url!r}\n%config GeminiMagics.key_env = 'FAKE_KEY'\n"
        f"import os; os.environ['FAKE_KEY'] = '{CANARY}'"
    )
    with user_kernel(tmp_path_factory.mktemp("kernel"), code=code) as session:
        yield session


@pytest.mark.parametrize("before", ["", "%%time\n"], ids=["awaited", "synchronous"])
def test_an_interrupt_stops_all_columns_at_once(kernel, server, before):
    server.forget_all()
    server.model("done", text("whole"), finish())
    server.model("half", text("Half "), stall())
    server.model("silent", stall())
    run = kernel.begin(f"{before}%%gemini --display html --compare done,half,silent -o c\nhi")
    queued = kernel.begin("print('LATER RAN')")
    kernel.wait_for(run, "update_display_data", within="Half")
    server.wait_for_requests(3)
    then = kernel.interrupt()
    kernel.finish(run)
    kernel.finish(queued)
    assert_soon(run.reply.time - then, 0.3)
    assert run.error["ename"] == "Interrupted"
    assert run.error["traceback"] == [
        "Interrupted: 1 of 3 answers are complete. The other columns have what was received."
    ]
    assert queued.status == "aborted"
    assert kernel.value("[(r.text, r.status) for r in c]") == [
        ("whole", "complete"),
        ("Half ", "interrupted"),
        ("", "interrupted"),
    ]
    [*_, last] = [each for each in run.shown if "text/markdown" in each]
    assert set(last) == TYPES


def test_each_column_has_a_button_and_there_is_one_for_all(kernel, server):
    server.model("one", text("one "), gate("one"), finish())
    server.model("two", text("two "), gate("two"), finish())
    server.model("three", text("three "), gate("three"), finish())
    run = kernel.begin("%%gemini --display live --compare one,two,three -o c\nhi")
    kernel.wait_for(run, "comm_msg", within="three ")
    buttons = widgets(run, "ButtonModel")
    by_text = [(state["description"], model) for model, state in buttons.items()]
    assert sorted(name for name, _ in by_text) == ["Stop", "Stop", "Stop", "Stop all"]
    stops = [model for name, model in by_text if name == "Stop"]
    kernel.click(stops[1])
    kernel.wait_for(run, "comm_msg", within="1 of 3 ended")
    kernel.click(next(model for name, model in by_text if name == "Stop all"))
    kernel.finish(run)
    assert run.status == "ok", run.error
    assert kernel.value("[(r.text, r.ledger.cause) for r in c]") == [
        ("one ", "stop"),
        ("two ", "stop"),
        ("three ", "stop"),
    ]


def test_a_run_without_a_user_stores_the_columns_once():
    done = run_notebook(
        [
            "%load_ext gemini_magic",
            "%%gemini --backend echo --sweep temperature=0,1\none two three",
            "%%gemini --backend echo --repeat 2\n@block OTHER",
        ],
        allow_errors=True,
    )
    [output] = done.cells[1].outputs
    assert set(output.data) == TYPES
    assert output.data["text/plain"].count("answer complete, 3 words") == 2
    shown, error = done.cells[2].outputs
    assert set(shown.data) == TYPES
    assert error.ename == "BlockedError"


def test_each_column_asks_with_buttons_of_its_own(kernel, server):
    part = {"functionCall": {"name": "weather", "args": {}}}
    called = event({"candidates": [{"content": {"role": "model", "parts": [part]}}]})
    for name in ("first", "second"):
        server.answers(name, Script([called, finish()]), Script([text(f"{name} ended"), finish()]))
    kernel.execute("def weather() -> str:\n    'The weather.'\n    return '21 °C'")
    run = kernel.begin("%%gemini --display live --compare first,second -T weather --confirm all -o c\nhi")

    def named(text):
        return [model for model, state in widgets(run, "ButtonModel").items() if state["description"] == text]

    kernel.wait_for(run, "comm_open", 2, within="'description': 'Skip'")
    kernel.click(named("Skip")[1])
    kernel.click(named("Run")[0])
    kernel.finish(run)
    assert run.status == "ok", run.error
    assert kernel.value("sorted(each.tool_runs[0].state for each in c)") == ["done", "skipped"]
    assert kernel.value("[each.text for each in c]") == ["first ended", "second ended"]
