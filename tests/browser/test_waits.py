"""What a user of JupyterLab sees while a request waits for a retry, and when an interrupted answer is resumed."""

from __future__ import annotations

from calibration import soon
from fake_server import cut, finish, google_error, stall, status, text
from lab import cells

QUOTA = "You exceeded your current quota, please check your plan and billing details."
CELL = "%%gemini -m waits -o r\nhi"

# Collects what the page shows of the countdown, in each frame: a screenshot may take longer than a second.
COUNTDOWN = """cell => {
    const places = window.places = new Set();
    const node = window.jupyterapp.shell.currentWidget.content.widgets[cell].outputArea.node;
    const look = () => {
        const found = /retrying in \\d+ s/.exec(node.innerText);
        if (found) places.add(found[0]);
        if (window.places === places) requestAnimationFrame(look);
    };
    look();
}"""


def busy(seconds):
    delay = {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": f"{seconds}s"}
    return status(429, body=google_error(429, QUOTA, "RESOURCE_EXHAUSTED", delay))


def test_the_countdown_of_a_retry_and_a_resumed_answer_can_be_stopped(lab, notebook, server, screenshots):
    server.script(busy(3))
    server.script(text("**Hello** after all"), finish())
    server.script(busy(90))
    server.script(text("Half "), cut())
    server.script(text("a loaf"), stall())
    sources = ("%load_ext gemini_magic", CELL, CELL, CELL, "%gemini resume -o s", "print(r.text + s.text)")
    notebook.open(lab.write("waits.ipynb", cells(*sources)))
    notebook.run(0)

    notebook.page.evaluate(COUNTDOWN, 1)
    notebook.run(1, wait=False)
    notebook.wait_output(1, r"retrying in 2 s \(429: You exceeded your current quota.*\), attempt 2 of 4")
    notebook.screenshot(screenshots / "retrying.png")
    notebook.wait_done(1)
    notebook.wait_output(1, "Hello after all")
    assert {"retrying in 2 s", "retrying in 1 s"} <= set(notebook.page.evaluate("Array.from(window.places)"))

    notebook.run(2, wait=False)
    notebook.wait_output(2, r"retrying in 1 min \d\d s")
    notebook.click_stop(2)
    with soon(2):
        notebook.wait_done(2)
    assert notebook.cell_status(2) != "error"
    notebook.wait_output(2, "stopped")

    notebook.run(3)
    notebook.run(4, wait=False)
    notebook.wait_output(4, "a loaf")
    notebook.screenshot(screenshots / "resuming.png")
    notebook.click_stop(4)
    with soon(2):
        notebook.wait_done(4)
    notebook.run(5)
    assert notebook.wait_output(5, "a loaf").strip() == "Half a loaf"
