"""Cells with --rows in a real kernel: the Stop button, interrupts, the outputs that stay, and runs without a user."""

from __future__ import annotations

import json

import pytest
from calibration import assert_soon
from fake_server import FakeServer, Script, finish, gate, status, text
from kernel import run_notebook, user_kernel, widgets
from surroundings import CANARY

pytestmark = pytest.mark.kernel

SETUP = "rows = [{'id': f'T-{n}', 'text': f'text {n}'} for n in range(40)]"
HELLO = Script((text("Hello"), finish()))
SHOWN = {"live": "comm_msg", "html": "update_display_data", "text": "stream"}
WAITING = Script((gate("go"), text("Hello"), finish()))


@pytest.fixture(scope="module")
def server():
    with FakeServer() as running:
        yield running


@pytest.fixture(scope="module")
def kernel(tmp_path_factory):
    home = tmp_path_factory.mktemp("kernel")
    with user_kernel(home, code=SETUP, env={"FAKE_KEY": CANARY}) as session:
        yield session


@pytest.fixture
def cell(server):
    server.forget_all()
    server.close_gates()
    line = f"%%gemini --rows rows --id id -o run -m m --base-url {server.base_url} --key-env FAKE_KEY"
    yield lambda more="": f"{line} {more}\nClassify: {{{{ row.text }}}}"
    server.open("go")


def test_the_live_view_is_replaced_by_a_static_table(kernel, server, cell):
    server.answers("m", HELLO)
    run = kernel.execute(cell())
    assert run.status == "ok", run.error
    first, last = run.shown[0], run.shown[-1]
    assert "application/vnd.jupyter.widget-view+json" in first
    assert set(last) == {"text/html", "text/markdown", "text/plain"}
    assert "40 rows done" in last["text/plain"]
    assert "The first 20 of 40 rows." in last["text/html"]
    assert not run.of("execute_result")
    assert kernel.value("run.progress.counts") == {"complete": 40}
    assert len(server.requests) == 40


def test_stop_starts_no_more_rows_and_keeps_those_in_flight(kernel, server, cell):
    server.answers("m", HELLO, WAITING)
    run = kernel.begin(cell())
    server.wait_for_requests(3)
    kernel.wait_for(run, "display_data")
    [button] = widgets(run, "ButtonModel")
    kernel.click(button)
    kernel.wait_for(run, "comm_msg", within="stopping, waiting for the requests in flight")
    server.open("go")
    kernel.finish(run)
    assert run.status == "ok", run.error
    state, done = kernel.value("run.progress.state, run.progress.counts['complete']")
    assert state == "stopped"
    assert done == len(server.requests) < 40
    assert f"stopped after {done} of 40 rows" in run.shown[-1]["text/plain"]


def test_a_second_click_ends_the_requests_in_flight(kernel, server, cell):
    server.answers("m", HELLO, WAITING)
    run = kernel.begin(cell())
    server.wait_for_requests(3)
    kernel.wait_for(run, "display_data")
    [button] = widgets(run, "ButtonModel")
    kernel.click(button)
    kernel.wait_for(run, "comm_msg", within="Stop now")
    then = kernel.click(button)
    kernel.finish(run)
    assert_soon(run.reply.time - then, 2.0)
    assert kernel.value("run.progress.state, run.progress.counts['complete']") == ("stopped", 1)


@pytest.mark.parametrize("display", ["live", "html", "text"])
def test_two_interrupts_end_the_cell_at_once_and_the_table_stays(kernel, server, cell, display):
    server.answers("m", HELLO, WAITING)
    run = kernel.begin(cell(f"--display {display}"))
    server.wait_for_requests(3)
    kernel.wait_for(run, "stream" if display == "text" else "display_data")
    kernel.interrupt()
    kernel.wait_for(run, SHOWN[display], within="stopping")
    then = kernel.interrupt()
    kernel.finish(run)
    assert_soon(run.reply.time - then, 2.0)
    assert run.error["ename"] == "Interrupted"
    assert "Without a store, the same cell asks all rows again" in run.error["evalue"]
    shown = run.stdout if display == "text" else run.shown[-1]["text/plain"]
    assert "interrupted after" in shown
    assert "T-0  " in shown
    assert kernel.value("run.progress.state") == "interrupted"


def test_an_interrupt_of_a_cell_that_is_not_awaited(kernel, server, cell):
    server.answers("m", HELLO, WAITING)
    magic, _, body = cell().partition("\n")
    call = f"get_ipython().run_cell_magic('gemini', {magic.removeprefix('%%gemini ')!r}, {body!r})"
    run = kernel.begin(call)
    server.wait_for_requests(3)
    kernel.wait_for(run, "display_data")
    kernel.interrupt()
    kernel.wait_for(run, "comm_msg", within="stopping")
    server.open("go")
    kernel.finish(run)
    assert run.error["ename"] == "Interrupted"
    assert kernel.value("run.progress.counts['complete']") == len(server.requests)


def test_an_error_of_every_row_is_shown_by_its_reason(kernel, server, cell):
    server.answers(
        "m",
        Script((status(400, body={"error": {"code": 400, "status": "INVALID_ARGUMENT", "message": "no"}}),)),
    )
    run = kernel.execute(cell())
    assert run.error["ename"] == "RowsError"
    assert "5 rows were refused for the same reason: 400 INVALID_ARGUMENT: no" in run.error["evalue"]
    plain = run.shown[-1]["text/plain"]
    assert "400 INVALID_ARGUMENT; the same request would fail again" in plain
    assert "stopped after" in plain
    assert len(server.requests) < 40


def test_a_run_without_a_user_prints_few_lines_and_keeps_the_table(server, cell, tmp_path):
    server.answers("m", HELLO)
    done = run_notebook(
        ["%load_ext gemini_magic", SETUP, cell(), "run.progress.counts"], {"FAKE_KEY": CANARY}
    )
    outputs = done.cells[2].outputs
    printed = "".join(output.text for output in outputs if output.output_type == "stream")
    assert len(printed.splitlines()) <= 11
    [table] = [output.data for output in outputs if "data" in output]
    assert set(table) == {"text/html", "text/markdown", "text/plain"}
    assert "widget" not in json.dumps(done)
    assert done.cells[3].outputs[0].data["text/plain"] == "{'complete': 40}"


def test_no_key_is_shown(kernel, server, cell):
    server.answers("m", HELLO)
    run = kernel.execute(cell())
    assert CANARY not in json.dumps([message.content for message in run.messages])
