"""The kernel helper, tested with plain Python and ipywidgets."""

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


def test_another_ipykernel_can_be_chosen(tmp_path):
    try:
        specs = kernelspec_with("7.0.1", tmp_path)
    except RuntimeError as refused:
        pytest.skip(str(refused))
    with KernelSession(kernel="other-ipykernel", kernelspecs=specs) as session:
        assert session.execute("import ipykernel; print(ipykernel.__version__)").stdout == "7.0.1\n"
