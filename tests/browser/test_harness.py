"""The driver of JupyterLab reports what a user sees, tested with plain ipywidgets."""

from calibration import soon
from lab import NO_KERNEL
from playwright.sync_api import expect

BUTTON = """
import ipywidgets
label = ipywidgets.HTML("<b>waiting</b>")
button = ipywidgets.Button(description="Stop")
def stop(_):
    label.value = "<b>stopped</b>"
button.on_click(stop)
ipywidgets.VBox([label, button])
"""

SWAP = """
from IPython.display import display, update_display
display({"text/plain": "live"}, raw=True, display_id="x")
update_display({"text/html": "<p class='kept'>kept <em>answer</em></p>", "text/plain": "kept"}, raw=True, display_id="x")
"""


def test_cells_run_and_widgets_react_to_clicks(lab, notebook):
    notebook.open(lab.write("widgets.ipynb", ["6 * 7", BUTTON, "1 / 0"]))
    assert notebook.cell_status(0) == "[ ]"
    assert notebook.run(0) is True
    assert notebook.cell_status(0) == "[1]"
    notebook.wait_output(0, r"\b42\s*$")
    assert notebook.run(1) is True
    notebook.wait_output(1, "waiting")
    assert notebook.buttons(1) == ["Stop"]
    notebook.click_stop(1)
    notebook.wait_output(1, "stopped")
    notebook.set_source(0, "6 * 8")
    notebook.run(0, wait=False)
    notebook.wait_output(0, "48")
    notebook.wait_status(0, "[3]")
    assert notebook.run(2) is False
    notebook.wait_output(2, "ZeroDivisionError")
    assert {"execute_input", "execute_result", "comm_open", "comm_msg", "error"} <= {
        frame.kind for frame in notebook.log.frames
    }
    assert notebook.log.requests_beyond(lab.url) == set()


def test_a_running_cell_is_reported_and_can_be_interrupted(lab, notebook):
    notebook.open(
        lab.write("running.ipynb", ["import time\nprint('begun', flush=True)\ntime.sleep(30)", "'after'"])
    )
    notebook.run_all(wait=False)
    notebook.wait_output(0, "begun")
    assert notebook.cell_status(0) == "[*]"
    notebook.wait_status(1, "[*]")
    with soon(5):
        notebook.interrupt()
        notebook.wait_idle()
    notebook.wait_output(0, "KeyboardInterrupt")
    assert (notebook.cell_status(1), notebook.output_text(1)) == ("[ ]", "")


def test_a_saved_output_is_displayed_without_a_kernel(lab, notebook, screenshots):
    notebook.open(lab.write("saved.ipynb", [SWAP]))
    notebook.run(0)
    assert notebook.trusted()
    notebook.save()
    (output,) = notebook.saved_outputs(0)
    assert "".join(output["data"]["text/html"]).startswith("<p class='kept'>")
    notebook.reload()
    assert notebook.trusted()
    notebook.reload(no_kernel=True)
    assert notebook.saved()["metadata"]["kernelspec"]["name"] == NO_KERNEL
    assert not notebook.trusted()
    expect(notebook.output(0).locator("em")).to_have_text("answer")
    notebook.theme("JupyterLab Dark")
    assert notebook.screenshot(screenshots / "harness-dark.png").stat().st_size > 10_000
    notebook.theme("JupyterLab Light")
    assert notebook.screenshot(screenshots / "harness-light.png", 0).stat().st_size < 10_000


def test_the_log_records_requests_and_dialogs_of_a_hostile_output(lab, notebook, server):
    leaking = f"""
from IPython.display import HTML
HTML('''<img src="http://tracker.invalid/pixel"><img src="{server.base_url}/leak?how=test"><img src="x" onerror="alert('hit')">''')
"""
    notebook.open(lab.write("hostile.ipynb", [leaking]))
    notebook.run(0)
    server.wait_for_requests(1)
    tracker = "http://tracker.invalid/pixel"
    notebook.wait_until(
        lambda: tracker in notebook.log.failed and notebook.log.dialogs, "the picture and the dialog"
    )
    assert notebook.log.requests_beyond(lab.url) == {f"{server.base_url}/leak?how=test", tracker}
    assert tracker in notebook.log.failed
    assert notebook.log.dialogs == ["alert: hit"]
    assert [leak.query for leak in server.leaks()] == [{"how": "test"}]


def test_notebook_7_works_with_the_same_driver(lab, notebook):
    notebook.open(lab.write("seven.ipynb", ["print('seven')"]), app="notebook")
    assert notebook.run(0) is True
    notebook.wait_output(0, "^seven\\s*$")
    notebook.save()
    assert notebook.saved_outputs(0)[0]["text"] == ["seven\n"]
