"""The finished answer reaches every output of its answer and the saved file, whatever was done to the cell meanwhile."""

from __future__ import annotations

import contextlib
import os
import signal
from pathlib import Path

import pytest
from fake_server import finish, gate, text

LOAD = "%load_ext gemini_magic"
RECORD = "application/vnd.gemini-stream+json"
WIDGET = "application/vnd.jupyter.widget-view+json"
PENDING = "application/vnd.gemini-pending+json"
STATIC = {RECORD, "text/html", "text/markdown", "text/plain"}

# Counts what the keeper writes into outputs.
COUNT = """() => {
    const panel = window.jupyterapp.shell.currentWidget;
    const cell = Array.from(panel.content.widgets).find(widget => widget.model.type === "code").model;
    window.writes = [];
    for (const [prototype, name] of [
        [Object.getPrototypeOf(cell.outputs), "set"],
        [Object.getPrototypeOf(cell.sharedModel), "updateOutputs"]
    ]) {
        const original = prototype[name];
        prototype[name] = function (...given) {
            if (new Error().stack.split("\\n")[2].includes("/gemini-magic/")) window.writes.push(name);
            return original.apply(this, given);
        };
    }
}"""


def ask(lab, notebook, server, *, app="lab", options="", before=("one two three",), setup=""):
    """Start an answer in cell 1. It waits for the gate "rest" after the words ``before``."""
    server.script(*(text(f"{words}\n\n") for words in before), gate("rest"), text("the last words"), finish())
    name = lab.write("keeper.ipynb", [f"{LOAD}\n{setup}", f"%%gemini -m long {options}\nGo on.", "1"])
    notebook.open(name, app=app)
    assert notebook.run(0)
    notebook.page.evaluate(COUNT)
    notebook.run(1, wait=False)
    notebook.wait_output(1, before[-1])


def states(outputs):
    return [output["metadata"]["gemini_magic"]["state"] for output in outputs]


def shown(notebook):
    """For each cell with an answer: its index and its text."""
    return notebook.page.evaluate("""() => {
        const cells = Array.from(window.jupyterapp.shell.currentWidget.content.widgets);
        return cells.map((cell, index) => [index, cell.outputArea?.node.innerText ?? ""])
            .filter(([, text]) => text.includes("one two three"));
    }""")


def command(notebook, name):
    notebook.page.evaluate("name => window.jupyterapp.commands.execute(name)", f"notebook:{name}")


def select(notebook, index):
    notebook.page.evaluate(
        """index => {
            const notebook = window.jupyterapp.shell.currentWidget.content;
            notebook.deselectAll();
            notebook.mode = "command";
            notebook.activeCellIndex = index;
        }""",
        index,
    )


def wait_final(notebook, count=1):
    """Wait until so many cells show the finished answer."""
    notebook.page.wait_for_function(
        """count => Array.from(window.jupyterapp.shell.currentWidget.content.widgets).filter(cell => {
            const answer = cell.outputArea?.node.querySelector(".gmi-output")?.innerText ?? "";
            return answer.includes("answer complete") && answer.includes("the last words");
        }).length === count""",
        arg=count,
    )


def assert_saved(notebook, count=1):
    """Assert that so many cells of the saved file have the finished answer, each exactly once, and no other."""
    notebook.save()
    answers = [
        output
        for cell in notebook.saved()["cells"]
        for output in cell.get("outputs", ())
        if "gemini_magic" in output.get("metadata", {})
    ]
    assert states(answers) == ["final"] * count
    for output in answers:
        assert set(output["data"]) == STATIC
        assert "the last words" in "".join(output["data"]["text/html"])
    for cell in notebook.saved()["cells"]:
        kinds = [
            output["output_type"] for output in cell.get("outputs", ()) if "Go on" in "".join(cell["source"])
        ]
        assert len(kinds) <= 1


def writes(notebook):
    return notebook.page.evaluate("window.writes")


@pytest.mark.parametrize("options", ["", "--display html"], ids=["live", "html"])
def test_an_answer_that_nothing_happens_to_is_written_by_jupyterlab_alone(lab, notebook, server, options):
    ask(lab, notebook, server, options=options)
    notebook.page.wait_for_timeout(2500)
    server.open("rest")
    notebook.wait_done(1)
    wait_final(notebook)
    assert writes(notebook) == []
    assert_saved(notebook)
    assert writes(notebook) == []


def test_a_file_saved_in_mid_answer_has_the_words_and_the_page_keeps_its_widget(lab, notebook, server):
    ask(lab, notebook, server)
    notebook.page.wait_for_timeout(600)
    root = notebook.output(1).locator(".gm-live").element_handle()
    notebook.save()
    [output] = notebook.saved_outputs(1)
    assert states([output]) == ["partial"]
    assert set(output["data"]) == {PENDING, "text/html", "text/plain"}
    assert "one two three" in "".join(output["data"]["text/html"])
    assert "one two three" in "".join(output["data"]["text/plain"])
    assert root.evaluate("node => node.isConnected")
    assert "Stop" in notebook.buttons(1)[0]
    server.open("rest")
    notebook.wait_done(1)
    wait_final(notebook)
    assert_saved(notebook)


@pytest.mark.parametrize("app", ["lab", "notebook"])
def test_a_page_reloaded_in_mid_answer_shows_the_words_at_once_then_the_widget_and_the_end(
    lab, notebook, server, app
):
    ask(lab, notebook, server, app=app)
    notebook.page.wait_for_timeout(600)
    notebook.save()
    notebook.reload(busy=True)
    assert "one two three" in notebook.wait_output(1, "one two three", timeout=2)
    assert "Loading widget" not in notebook.output_text(1)
    notebook.page.wait_for_function(
        "() => document.querySelector('.jp-OutputArea .gm-live .gm-stop')?.checkVisibility()", timeout=6000
    )
    assert "one two three" in notebook.output_text(1)
    server.open("rest")
    wait_final(notebook)
    assert_saved(notebook)
    assert notebook.trusted()


def test_an_answer_that_ends_while_the_page_is_loaded_is_complete_soon(lab, notebook, server):
    ask(lab, notebook, server)
    notebook.page.wait_for_timeout(600)
    notebook.save()
    notebook.page.goto("about:blank")
    server.open("rest")
    notebook.page.wait_for_timeout(500)
    notebook.open(notebook.name)
    wait_final(notebook)
    assert_saved(notebook)


def move(notebook):
    select(notebook, 1)
    command(notebook, "move-cell-up")


def cut_and_paste(notebook):
    select(notebook, 1)
    command(notebook, "cut-cell")
    command(notebook, "paste-cell-below")


def delete_and_undo(notebook):
    select(notebook, 1)
    command(notebook, "delete-cell")
    command(notebook, "undo-cell-action")


def change_type_and_undo(notebook):
    select(notebook, 1)
    command(notebook, "change-cell-to-markdown")
    command(notebook, "undo-cell-action")


def copy(notebook):
    select(notebook, 1)
    command(notebook, "copy-cell")
    command(notebook, "paste-cell-below")


@pytest.mark.parametrize(
    ("change", "count"),
    [(move, 1), (cut_and_paste, 1), (delete_and_undo, 1), (change_type_and_undo, 1), (copy, 2)],
)
@pytest.mark.parametrize("options", ["", "--display html"], ids=["live", "html"])
def test_the_finished_answer_reaches_a_cell_that_was(lab, notebook, server, change, count, options):
    ask(lab, notebook, server, options=options)
    notebook.page.wait_for_timeout(600)
    change(notebook)
    notebook.page.wait_for_timeout(300)
    server.open("rest")
    wait_final(notebook, count)
    assert_saved(notebook, count)


def test_a_cell_that_is_pasted_after_the_end_has_the_finished_answer(lab, notebook, server):
    ask(lab, notebook, server)
    notebook.page.wait_for_timeout(600)
    select(notebook, 1)
    command(notebook, "copy-cell")
    server.open("rest")
    notebook.wait_done(1)
    wait_final(notebook)
    select(notebook, 2)
    command(notebook, "paste-cell-below")
    wait_final(notebook, 2)
    assert_saved(notebook, 2)


UNDO = """() => {
    const manager = window.jupyterapp.shell.currentWidget.context.model.sharedModel.undoManager;
    return [manager.undoStack.length, manager.redoStack.length];
}"""


def test_the_keeper_adds_nothing_to_the_undo_history(lab, notebook, server):
    ask(lab, notebook, server)
    notebook.page.wait_for_timeout(600)
    before = notebook.page.evaluate(UNDO)
    move(notebook)
    after = notebook.page.evaluate(UNDO)
    notebook.save()
    server.open("rest")
    wait_final(notebook)
    assert writes(notebook)
    assert notebook.page.evaluate(UNDO) == after
    command(notebook, "undo-cell-action")
    wait_final(notebook)
    command(notebook, "redo-cell-action")
    wait_final(notebook)
    assert_saved(notebook)
    assert after[0] - before[0] <= 1


# -- kernels that end first

SENTENCE = "The kernel ended before the answer did"


def assert_cut(notebook, what, words="one two three"):
    """Assert that page and file have the partial answer and say what happened to the kernel."""
    notebook.wait_output(1, SENTENCE)
    text = notebook.output_text(1)
    assert words in text
    assert what in text
    assert "streaming" not in text
    assert "still arriving" not in text
    assert notebook.buttons(1) == []
    notebook.save()
    [output] = notebook.saved_outputs(1)
    assert states([output]) == ["cut"]
    assert set(output["data"]) == {"text/html", "text/plain"}
    for kind in ("text/html", "text/plain"):
        saved = "".join(output["data"][kind])
        assert words in saved
        assert SENTENCE in saved
        assert what in saved


def restart(notebook):
    notebook.page.evaluate("() => { window.jupyterapp.shell.currentWidget.sessionContext.restartKernel(); }")


def kill(notebook):
    [session] = notebook.lab.api("GET", "/api/sessions")
    for entry in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            if f"kernel-{session['kernel']['id']}.json" in entry.read_text():
                os.kill(int(entry.parent.name), signal.SIGKILL)


def wait_ended(notebook):
    """Wait until the output is cut off or final, and no other message about it can follow; returns its state."""
    state = """window.jupyterapp.shell.currentWidget.content.widgets[1].model.outputs.get(0)
        .metadata.gemini_magic.state"""
    notebook.page.wait_for_function(f"() => ['cut', 'final'].includes({state})")
    notebook.page.wait_for_timeout(1500)
    return notebook.page.evaluate(f"() => {state}")


@pytest.mark.parametrize("options", ["", "--display html"], ids=["live", "html"])
def test_the_words_stay_when_the_kernel_is_killed(lab, notebook, server, screenshots, options):
    ask(lab, notebook, server, options=options)
    notebook.page.wait_for_timeout(700)
    kill(notebook)
    assert_cut(notebook, "it crashed or was killed")
    notebook.screenshot(screenshots / "cut-kill.png")
    notebook.reload()
    assert_cut(notebook, "it crashed or was killed")
    notebook.open(notebook.name, no_kernel=True)
    assert SENTENCE in notebook.wait_output(1, SENTENCE)
    assert "one two three" in notebook.output_text(1)


# A kernel that is restarted is interrupted first. This one does not react in time.
DEAF = "import signal; signal.signal(signal.SIGINT, signal.SIG_IGN)"


@pytest.mark.parametrize("options", ["", "--display html"], ids=["live", "html"])
def test_the_words_stay_when_the_kernel_is_restarted(lab, notebook, server, screenshots, options):
    ask(lab, notebook, server, options=options, setup=DEAF)
    notebook.page.wait_for_timeout(700)
    restart(notebook)
    if wait_ended(notebook) == "cut":
        assert_cut(notebook, "it was restarted")
        notebook.screenshot(screenshots / "cut-restart.png")
        notebook.reload()
        assert_cut(notebook, "it was restarted")
    else:  # the kernel's own last message
        assert "interrupted" in notebook.output_text(1)
    assert "one two three" in notebook.output_text(1)


def test_the_last_message_of_a_kernel_replaces_what_the_page_says(lab, notebook, server):
    ask(lab, notebook, server)
    notebook.page.wait_for_timeout(700)
    restarted = "() => window.jupyterapp.shell.currentWidget.sessionContext.statusChanged.emit('restarting')"
    notebook.page.evaluate(restarted)
    notebook.wait_output(1, "it was restarted")
    notebook.page.wait_for_timeout(1500)
    assert "it was restarted" in notebook.output_text(1)  # no partial answer replaces it
    server.open("rest")
    wait_final(notebook)
    assert_saved(notebook)


def test_the_words_stay_when_the_kernel_died_while_no_page_was_open(lab, notebook, server):
    ask(lab, notebook, server)
    notebook.page.wait_for_timeout(600)
    notebook.save()
    notebook.page.goto("about:blank")
    kill(notebook)
    lab.shut_down_kernels()
    notebook.open(notebook.name)
    assert_cut(notebook, SENTENCE)


def test_a_kernel_that_is_shut_down_ends_its_answer_or_the_page_does(lab, notebook, server):
    ask(lab, notebook, server)
    notebook.page.wait_for_timeout(600)
    notebook.page.evaluate("() => { window.jupyterapp.shell.currentWidget.sessionContext.shutdown(); }")
    text = notebook.wait_output(1, f"{SENTENCE}|interrupted|the kernel ended")
    notebook.page.wait_for_timeout(1500)
    text = notebook.output_text(1)
    assert "one two three" in text
    assert "streaming" not in text
    assert notebook.buttons(1) == []
    notebook.save()
    [state] = states(notebook.saved_outputs(1)[:1])
    assert state in ("cut", "final")


def test_without_a_kernel_a_saved_partial_answer_is_shown_and_the_notebook_is_not_changed(
    lab, notebook, server
):
    ask(lab, notebook, server)
    notebook.page.wait_for_timeout(600)
    notebook.save()
    server.open("rest")
    notebook.open(notebook.name, no_kernel=True)
    assert "one two three" in notebook.wait_output(1, "one two three")
    notebook.page.wait_for_timeout(1500)
    assert "still arriving" in notebook.output_text(1)
    assert "Loading widget" not in notebook.output_text(1)
    assert not notebook.trusted()
    notebook.save()
    assert states(notebook.saved_outputs(1)) == ["partial"]
