"""The kernel helper, tested with plain Python and ipywidgets."""

import time

import kernel
import pytest
from calibration import assert_soon
from kernel import KernelSession, kernelspec_with, run_notebook, widgets
from nbclient.exceptions import CellExecutionError

pytestmark = pytest.mark.kernel

CLICKED = """
import asyncio, ipywidgets
button = ipywidgets.Button(description="Stop")
stopped = asyncio.Event()
button.on_click(lambda _: stopped.set())
display(button)
print("waiting", flush=True)
await asyncio.wait_for(stopped.wait(), 20)
print("clicked")
"""


@pytest.fixture(scope="module")
def session():
    with KernelSession(env={"SEEN_BY_KERNEL": "yes"}) as running:
        yield running


def test_a_notebook_is_run_without_stdin():
    notebook = run_notebook(
        ["import os; os.environ['GIVEN']", "input()"], {"GIVEN": "value"}, allow_errors=True
    )
    assert notebook.cells[0].outputs[0].data["text/plain"] == "'value'"
    assert notebook.cells[1].outputs[0].ename == "StdinNotImplementedError"
    with pytest.raises(CellExecutionError, match="ZeroDivisionError"):
        run_notebook(["1 / 0"])


def test_a_run_has_the_messages_of_its_cell(session):
    run = session.execute("import os\nprint(os.environ['SEEN_BY_KERNEL'])\n6 * 7")
    assert (run.status, run.stdout, run.shown[-1]["text/plain"]) == ("ok", "yes\n", "42")
    assert session.execute("1 / 0").error["ename"] == "ZeroDivisionError"


def test_a_cell_is_interrupted_and_the_next_is_aborted(session):
    run = session.begin("import time\nprint('begun', flush=True)\ntime.sleep(30)")
    queued = session.begin("'not reached'")
    session.wait_for(run, "stream", within="begun")
    asked = session.interrupt()
    assert session.finish(run).error["ename"] == "KeyboardInterrupt"
    assert_soon(run.reply.time - asked, 2)
    assert session.finish(queued).status == "aborted"


def test_a_button_is_clicked_while_an_awaited_cell_runs(session):
    run = session.begin(CLICKED)
    session.wait_for(run, "stream", within="waiting")
    (button,) = widgets(run, "ButtonModel")
    session.click(button, subshell=session.create_subshell())
    assert session.finish(run).stdout == "waiting\nclicked\n"


# The thread that reads requests waits before each reply, so that a request arrives in the meantime.
SLOW_REPLIES = """
import time
import ipykernel
manager = get_ipython().kernel.shell_channel_thread.manager
def reply_later(message, reply=manager._send_on_shell_channel):
    time.sleep(0.3)
    reply(message)
manager._main_to_shell_channel.to_stream.on_recv(reply_later)
print(ipykernel.__version__)
"""


# Messages without end, as an answer in the background sends them.
STATUS = """
import threading
def print_status():
    while True:
        print("status", flush=True)
        time.sleep(0.1)
threading.Thread(target=print_status, daemon=True).start()
"""


@pytest.mark.parametrize("more", ["", STATUS], ids=["silent", "with other messages"])
def test_a_request_is_answered_that_an_old_ipykernel_has_missed(tmp_path, monkeypatch, more):
    try:
        specs = kernelspec_with("7.0.1", tmp_path)
    except RuntimeError as refused:
        pytest.skip(str(refused))
    monkeypatch.setattr(kernel, "_PATIENCE", 0.5)
    with KernelSession(kernel="other-ipykernel", kernelspecs=specs) as session:
        assert session.execute(SLOW_REPLIES + more).stdout.startswith("7.0.1\n")
        first = session.begin("'first'")
        session.wait_for(first, "status", 2)  # idle: the reply is on its way
        time.sleep(0.1)
        missed = session.begin("'missed'")
        assert session.finish(first).status == session.finish(missed, timeout=20).status == "ok"
