"""The finished answer reaches every output of its answer and the saved file, whatever was done to the cell meanwhile."""

from __future__ import annotations

import contextlib
import json
import os
import signal
from pathlib import Path

import pytest
from calibration import soon
from fake_server import event, finish, gate, google_error, text
from lab import Lab, Notebook
from nbformat.v4 import new_code_cell, new_output
from view_stage import ANSWER, ATTACK, finished

from gemini_magic.views import bundle

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
        const original = prototype[name].original ?? prototype[name];  // an earlier test may have replaced it in this page
        prototype[name] = function (...given) {
            if (new Error().stack.split("\\n")[2].includes("/gemini-magic/")) window.writes.push(name);
            return original.apply(this, given);
        };
        prototype[name].original = original;
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
    notebook.wait_kept(before[-1])


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
    notebook.save()
    notebook.reload(busy=True)
    with soon(2):
        notebook.wait_output(1, "one two three")
    assert "Loading widget" not in notebook.output_text(1)
    with soon(6):
        notebook.page.wait_for_function(
            "() => document.querySelector('.jp-OutputArea .gm-live .gm-stop')?.checkVisibility()"
        )
    assert "one two three" in notebook.output_text(1)
    server.open("rest")
    wait_final(notebook)
    assert_saved(notebook)
    assert notebook.trusted()


def test_an_answer_that_ends_while_the_page_is_loaded_is_complete_soon(lab, notebook, server):
    ask(lab, notebook, server)
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


def merge_and_undo(notebook):
    select(notebook, 1)
    command(notebook, "merge-cell-below")
    command(notebook, "undo-cell-action")


@pytest.mark.parametrize(
    ("change", "count"),
    [
        (move, 1),
        (cut_and_paste, 1),
        (delete_and_undo, 1),
        (change_type_and_undo, 1),
        (merge_and_undo, 1),
        (copy, 2),
    ],
)
@pytest.mark.parametrize("options", ["", "--display html"], ids=["live", "html"])
def test_the_finished_answer_reaches_a_cell_that_was(lab, notebook, server, change, count, options):
    ask(lab, notebook, server, options=options)
    change(notebook)
    notebook.page.wait_for_timeout(300)
    server.open("rest")
    wait_final(notebook, count)
    assert_saved(notebook, count)


def test_in_notebook_7_the_finished_answer_reaches_a_cell_that_was_moved(lab, notebook, server):
    ask(lab, notebook, server, app="notebook")
    move(notebook)
    notebook.page.wait_for_timeout(300)
    server.open("rest")
    wait_final(notebook)
    assert_saved(notebook)


BROKEN = "The model is overloaded, as the server says"
ANSWERS = """() => Array.from(window.jupyterapp.shell.currentWidget.content.widgets)
    .filter(cell => cell.outputArea?.node.querySelector(".gemini-magic")).map(cell => {
        const node = cell.outputArea.node;
        const box = node.querySelector(".gm-box")?.innerText ?? "";
        const error = node.querySelector(".jp-RenderedText[data-mime-type='application/vnd.jupyter.stderr'], " +
            ".jp-OutputArea-output[data-mime-type*='error']")?.innerText ?? "";
        return [box.includes("overloaded"), error.includes("overloaded")];
    })"""
BOX, ERROR = [True, False], [False, True]


def reload_in_mid_answer(notebook):
    notebook.save()
    notebook.reload(busy=True)
    notebook.wait_output(1, "one two three")


@pytest.mark.parametrize(
    ("change", "shown"),
    [
        (lambda notebook: None, [ERROR]),
        (move, [ERROR]),
        (cut_and_paste, [BOX]),
        (copy, [ERROR, BOX]),
        (reload_in_mid_answer, [BOX]),
    ],
    ids=["nothing", "move", "cut", "copy", "reload"],
)
@pytest.mark.parametrize("options", ["", "--display html"], ids=["live", "html"])
def test_an_error_is_shown_once_whatever_happened_to_the_cell(lab, notebook, server, change, shown, options):
    ask(lab, notebook, server, options=options)
    server.script(text("one two three\n\n"), gate("rest"), event(google_error(503, BROKEN, "UNAVAILABLE")))
    notebook.interrupt()
    notebook.wait_done(1)
    notebook.run(1, wait=False)
    notebook.wait_output(1, "streaming.*one two three")
    notebook.wait_kept("one two three")
    change(notebook)
    notebook.page.wait_for_timeout(300)
    server.open("rest")
    notebook.page.wait_for_function(
        f"shown => JSON.stringify(({ANSWERS})()) === shown", arg=json.dumps(shown, separators=(",", ":"))
    )
    notebook.page.wait_for_timeout(1800)
    assert notebook.page.evaluate(ANSWERS) == shown
    notebook.save()
    saved = [cell.get("outputs", ()) for cell in notebook.saved()["cells"]]
    saved = [outputs for outputs in saved if outputs and "gemini_magic" in outputs[0].get("metadata", {})]
    assert [len(outputs) for outputs in saved] == [1 if each == BOX else 2 for each in shown]
    for outputs, each in zip(saved, shown, strict=True):
        for kind in ("text/html", "text/markdown", "text/plain"):
            assert (BROKEN.split(",", maxsplit=1)[0] in "".join(outputs[0]["data"][kind])) == (each == BOX)


def test_a_cell_that_is_pasted_after_the_end_has_the_finished_answer(lab, notebook, server):
    ask(lab, notebook, server)
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


@pytest.mark.parametrize("app", ["lab", "notebook"])
@pytest.mark.parametrize("options", ["", "--display html"], ids=["live", "html"])
def test_the_words_stay_when_the_kernel_is_restarted(lab, notebook, server, screenshots, options, app):
    ask(lab, notebook, server, options=options, setup=DEAF, app=app)
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
    restarted = "() => window.jupyterapp.shell.currentWidget.sessionContext.statusChanged.emit('restarting')"
    notebook.page.evaluate(restarted)
    notebook.wait_output(1, "it was restarted")
    notebook.page.wait_for_timeout(1500)
    assert "it was restarted" in notebook.output_text(1)  # no partial answer replaces it
    server.open("rest")
    wait_final(notebook)
    assert_saved(notebook)


def test_an_answer_that_begins_just_after_a_restart_is_not_cut_off(lab, notebook, server):
    ask(lab, notebook, server)
    server.open("rest")
    notebook.wait_done(1)
    wait_final(notebook)
    server.script(text("one two three"), gate("again"), text(" the last words"), finish())
    notebook.page.evaluate(
        "() => window.jupyterapp.shell.currentWidget.sessionContext.statusChanged.emit('restarting')"
    )
    notebook.run(1, wait=False)
    notebook.wait_output(1, "one two three")
    notebook.page.wait_for_timeout(1200)
    assert SENTENCE not in notebook.output_text(1)
    server.open("again")
    wait_final(notebook)
    assert_saved(notebook)


def test_the_words_stay_when_the_kernel_died_while_no_page_was_open(lab, notebook, server):
    ask(lab, notebook, server)
    notebook.save()
    notebook.page.goto("about:blank")
    kill(notebook)
    lab.shut_down_kernels()
    notebook.open(notebook.name)
    assert_cut(notebook, SENTENCE)


def test_a_kernel_that_is_shut_down_ends_its_answer_or_the_page_does(lab, notebook, server):
    ask(lab, notebook, server)
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


def test_the_words_stay_when_another_kernel_is_chosen(lab, notebook, server):
    ask(lab, notebook, server, setup=DEAF)
    notebook.page.evaluate("""() => {
        window.jupyterapp.shell.currentWidget.sessionContext.changeKernel({name: "python3"});
    }""")
    notebook.wait_output(1, f"{SENTENCE}|interrupted|the kernel was shut down", timeout=20)
    notebook.page.wait_for_timeout(1500)
    shown = notebook.output_text(1)
    assert "one two three" in shown
    assert "streaming" not in shown
    assert notebook.buttons(1) == []
    notebook.wait_kernel()
    notebook.save()
    [state] = states(notebook.saved_outputs(1)[:1])
    assert state in ("cut", "final")
    # The new kernel answers in the same cell.
    server.script(text("one two three, the last words"), finish())
    assert notebook.run(0)
    assert notebook.run(1)
    wait_final(notebook)
    assert_saved(notebook)


def test_without_a_kernel_a_saved_partial_answer_is_shown_and_the_notebook_is_not_changed(
    lab, notebook, server
):
    ask(lab, notebook, server)
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


# -- outputs inside widgets

CALLBACK = """
import ipywidgets
out = ipywidgets.Output()
button = ipywidgets.Button(description="Ask")

def ask(_):
    with out:
        print("printed before")
        get_ipython().run_cell_magic("gemini", "-m long {options}", "Go on.")
        print("printed after")

button.on_click(ask)
ipywidgets.VBox([button, out])
"""


@pytest.mark.parametrize("options", ["", "--display html"], ids=["live", "html"])
def test_an_answer_that_a_button_asks_for_streams_in_its_output_widget(
    lab, notebook, server, screenshots, options
):
    server.script(
        text("one two three\n\n"),
        gate("more"),
        text("four five\n\n"),
        gate("rest"),
        text("the last words"),
        finish(),
    )
    notebook.open(lab.write("callback.ipynb", [LOAD, CALLBACK.format(options=options)]))
    assert notebook.run(0)
    assert notebook.run(1)
    notebook.click(1, "Ask")
    shown = notebook.wait_output(1, "one two three")
    assert "printed before" in shown
    server.open("more")
    assert "answer complete" not in notebook.wait_output(1, "four five")
    server.open("rest")
    wait_final(notebook)
    shown = notebook.wait_output(1, "printed after")
    assert "printed before" in shown
    assert shown.count("one two three") == 1
    assert "streaming" not in shown
    notebook.screenshot(screenshots / "callback.png")


def test_an_answer_that_a_button_asks_for_shows_what_can_stop_it(lab, notebook, server, screenshots):
    server.script(text("one two three\n\n"), gate("rest"), text("the last words"), finish())
    notebook.open(lab.write("hint.ipynb", [LOAD, CALLBACK.format(options="")]))
    assert notebook.run(0)
    assert notebook.run(1)
    notebook.click(1, "Ask")
    notebook.wait_output(1, "stop with ■ in the toolbar.*one two three")
    assert notebook.buttons(1) == ["Ask"]
    notebook.screenshot(screenshots / "callback-live.png")
    notebook.interrupt()
    shown = notebook.wait_output(1, "interrupted.*one two three")
    assert "toolbar" not in shown


def test_stop_works_for_a_background_answer_that_a_button_asks_for(lab, notebook, server):
    server.script(text("one two three\n\n"), gate("rest"), text("the last words"), finish())
    notebook.open(lab.write("background.ipynb", [LOAD, CALLBACK.format(options="--background")]))
    assert notebook.run(0)
    assert notebook.run(1)
    notebook.click(1, "Ask")
    notebook.wait_output(1, "one two three.*printed after")
    notebook.click_stop(1)
    notebook.wait_output(1, "stopped")
    notebook.page.wait_for_function(
        "() => document.querySelector('.jp-OutputArea .jp-OutputArea .gmi-output')"
    )
    assert "streaming" not in notebook.output_text(1)


THREAD = """
import contextvars, threading

def ask():
    get_ipython().run_cell_magic("gemini", "-m long {options}", "Go on.")

threading.Thread(target=contextvars.copy_context().run, args=(ask,)).start()
"""


@pytest.mark.parametrize("options", ["", "--display html"], ids=["live", "html"])
def test_an_answer_in_a_thread_names_the_command_that_stops_it_and_not_the_toolbar(
    lab, notebook, server, options
):
    server.script(text("one two three\n\n"), gate("rest"), text("the last words"), finish())
    notebook.open(lab.write("thread.ipynb", [LOAD, THREAD.format(options=options), "%gemini stop"]))
    assert notebook.run(0)
    assert notebook.run(1)
    shown = notebook.wait_output(1, "one two three")
    if not options:  # a saved form has no hint
        assert "stop with %gemini stop in another cell" in shown
    assert "toolbar" not in shown
    assert notebook.buttons(1) == []
    notebook.interrupt()  # it does not reach the thread, so it is not named
    notebook.page.wait_for_timeout(500)
    assert "interrupted" not in notebook.output_text(1)
    assert notebook.run(2)
    shown = notebook.wait_output(1, "stopped.*one two three")
    assert "%gemini stop in another cell" not in shown
    assert "streaming" not in shown


# -- pages that were loaded in mid-answer


def test_stop_works_after_a_reload(lab, notebook, server, screenshots):
    ask(lab, notebook, server)
    notebook.save()
    notebook.reload(busy=True)
    with soon(2):
        notebook.wait_output(1, "one two three")
    notebook.screenshot(screenshots / "reloaded-at-once.png")
    with soon(6):
        notebook.page.locator(".gm-live .gm-stop").click()
    notebook.wait_output(1, "stopped|interrupted")
    notebook.page.wait_for_function("() => document.querySelector('.gmi-output')")
    notebook.save()
    assert states(notebook.saved_outputs(1)[:1]) == ["final"]


def test_a_page_without_the_widget_shows_the_answer_as_it_grows(lab, notebook, server):
    server.script(
        text("one two three\n\n"),
        gate("more"),
        text("four five\n\n"),
        gate("rest"),
        text("the last words"),
        finish(),
    )
    notebook.open(lab.write("grows.ipynb", [LOAD, "%%gemini -m long\nGo on."]))
    assert notebook.run(0)
    notebook.run(1, wait=False)
    notebook.wait_output(1, "one two three")
    notebook.wait_kept("one two three")
    notebook.save()
    path = lab.root / notebook.name
    path.write_text(path.read_text().replace(PENDING, "application/x-other"))
    notebook.reload(busy=True)
    with soon(2):
        notebook.wait_output(1, "one two three")
    server.open("more")
    assert "answer complete" not in notebook.wait_output(1, "four five")
    server.open("rest")
    wait_final(notebook)
    assert_saved(notebook)


def test_a_file_that_was_saved_before_the_first_words_loads_without_a_widget_message(lab, notebook, server):
    server.script(gate("rest"), text("one two three, the last words"), finish())
    notebook.open(lab.write("early.ipynb", [LOAD, "%%gemini -m long\nGo on."]))
    assert notebook.run(0)
    notebook.run(1, wait=False)
    notebook.page.wait_for_function("() => document.querySelector('.gm-live')")
    notebook.save()
    assert WIDGET not in notebook.saved_outputs(1)[0]["data"]
    notebook.reload(busy=True)
    for _ in range(20):
        assert "Loading widget" not in notebook.output_text(1)
        notebook.page.wait_for_timeout(100)
    server.open("rest")
    wait_final(notebook)
    assert_saved(notebook)


def test_a_second_tab_ends_with_one_finished_answer_as_well(lab, notebook, _context, server):
    ask(lab, notebook, server)
    notebook.save()
    page = _context.new_page()
    try:
        second = Notebook(lab, page).open(notebook.name, busy=True)
        second.wait_output(1, "one two three")
        server.open("rest")
        wait_final(second)
        wait_final(notebook)
        assert_saved(notebook)
    finally:
        page.close()


def test_without_the_extension_partial_answers_are_ignored(_context, server, tmp_path):
    config = f"c.GeminiMagics.base_url = {server.base_url!r}\nc.GeminiMagics.key_env = 'FAKE_SERVER_KEY'"
    environment = {"FAKE_SERVER_KEY": "a-key"}
    with Lab(
        tmp_path / "lab", environment=environment, kernel_config=config, disabled_extensions=["gemini-magic"]
    ) as lab:
        page = _context.new_page()
        try:
            notebook = Notebook(lab, page)
            ask(lab, notebook, server)
            page.wait_for_timeout(1500)
            server.open("rest")
            notebook.wait_done(1)
            shown = notebook.wait_output(1, "answer complete")
            assert shown.count("the last words") == 1
            assert shown.count("one two three") == 1
            assert writes(notebook) == []
            assert not [line for line in notebook.log.errors if "display" in line.lower()]
            notebook.save()
            assert states(notebook.saved_outputs(1)[:1]) == ["final"]
        finally:
            page.close()


# -- documents that are not to be changed


def outputs_of(notebook):
    return notebook.page.evaluate(
        "() => window.jupyterapp.shell.currentWidget.content.widgets[1].model.outputs.toJSON()"
    )


def test_a_read_only_document_is_not_changed(lab, notebook, server):
    ask(lab, notebook, server)
    notebook.page.evaluate("""() => {
        const {context} = window.jupyterapp.shell.currentWidget;
        const model = {...context.contentsModel, writable: false};
        Object.defineProperty(context, "contentsModel", {get: () => model});
    }""")
    move(notebook)
    server.open("rest")
    notebook.page.wait_for_timeout(2000)
    assert writes(notebook) == []


def foreign(lab, notebook, kernel, state):
    """A notebook from elsewhere, with an answer of the open notebook; its HTML is another."""
    metadata = {"gemini_magic": {"id": state["id"], "state": "partial", "kernel": kernel}}
    output = new_output(
        "display_data", {"text/html": '<div class="gemini-magic">not yours</div>'}, metadata=metadata
    )
    return lab.write("foreign.ipynb", [LOAD, new_code_cell("1", outputs=[output])])


@pytest.mark.parametrize("named", [True, False], ids=["kernel of the answer", "other kernel"])
def test_an_answer_reaches_other_notebooks_only_from_the_kernel_that_their_outputs_name(
    lab, notebook, server, named
):
    ask(lab, notebook, server)
    [output] = outputs_of(notebook)
    state = output["metadata"]["gemini_magic"]
    name = foreign(lab, notebook, state["kernel"] if named else "another-kernel", state)
    notebook.page.evaluate(
        """async name => {
            const widget = await window.jupyterapp.commands.execute("docmanager:open", {path: name});
            window.other = widget;
            await widget.context.ready;
        }""",
        name,
    )
    notebook.page.wait_for_timeout(700)
    server.open("rest")
    found = "window.other.content.widgets[1].model.outputs.get(0)"
    if named:
        notebook.page.wait_for_function(f"() => {found}.metadata.gemini_magic.state === 'final'")
    else:
        notebook.page.wait_for_timeout(3000)
        assert "the last words" not in notebook.page.evaluate(f"() => {found}.data['text/html']")
    assert not notebook.page.evaluate("() => window.other.content.widgets[1].model.trusted")
    assert not notebook.page.evaluate(f"() => {found}.trusted")


SHARED = """isLeader => {
    const {model} = window.jupyterapp.shell.currentWidget.context;
    Object.defineProperty(model, "collaborative", {get: () => true});
    const states = new Map([[1, {}], [2, {}]]);
    const awareness = {clientID: isLeader ? 1 : 2, getStates: () => states};
    Object.defineProperty(model.sharedModel, "awareness", {get: () => awareness});
}"""


@pytest.mark.parametrize("is_leader", [True, False], ids=["leader", "follower"])
def test_in_a_shared_document_one_page_writes_first(lab, notebook, server, is_leader):
    ask(lab, notebook, server)
    notebook.page.evaluate(SHARED, is_leader)
    move(notebook)
    server.open("rest")
    notebook.page.wait_for_timeout(1000)
    assert writes(notebook) == []
    if not is_leader:
        notebook.page.wait_for_timeout(3000)
        assert writes(notebook) == []
    notebook.page.wait_for_function("() => window.writes.length")
    assert writes(notebook) == ["set"]
    wait_final(notebook)


# -- values from a file or a kernel


def test_the_answer_is_asked_for_when_its_end_was_lost_with_the_connection(lab, notebook, server):
    ask(lab, notebook, server)
    notebook.page.evaluate("""() => {
        const session = window.jupyterapp.shell.currentWidget.sessionContext;
        const {kernel} = session.session;
        kernel._ws.onmessage = () => {};  // what arrives now is lost
    }""")
    server.open("rest")
    notebook.page.wait_for_timeout(1500)
    notebook.page.evaluate(
        "() => { window.jupyterapp.shell.currentWidget.sessionContext.session.kernel.reconnect(); }"
    )
    wait_final(notebook)
    assert_saved(notebook)


MODULE = "/lab/extensions/gemini-magic/lab/"


def test_the_bundle_of_an_ended_kernel_is_built_from_any_metadata(lab, notebook):
    notebook.open(lab.write("bundle.ipynb", [LOAD]))
    attack = "<img src=x onerror='window.pwned = 1'><script>window.pwned = 1</script>"
    data = {
        "text/html": f'<div class="gemini-magic"><div class="gm-answer">kept {attack}</div><style>a {{}}</style></div>',
        "text/plain": "kept\n\n[… x · streaming]",
    }
    ends = {"crash": [attack, f"{attack} `code`"]}
    cut = {"facts": [attack, None, 3, "x" * 1000, {}], "ends": ends, "remedy": attack}
    for metadata in (cut, {}, None, [], {"facts": 1, "ends": [], "remedy": {}}):
        result = notebook.page.evaluate(
            """async ([url, data, cut]) => {
                const {cutBundle} = await import(url);
                const metadata = {gemini_magic: {id: "a", state: "partial", cut}};
                const bundle = cutBundle({data, metadata}, "crash");
                const panel = window.jupyterapp.shell.currentWidget.node;
                panel.insertAdjacentHTML("beforeend", bundle.data["text/html"]);
                return bundle;
            }""",
            [f"{MODULE}cut_bundle.js", data, metadata],
        )
        html, plain = result["data"]["text/html"], result["data"]["text/plain"]
        assert html.startswith('<div class="gemini-magic mathjax_ignore tex2jax_ignore"><div class="gm-bar">')
        assert "kept" in html
        assert "<img" not in html
        assert "<script" not in html
        assert html.endswith("<style>a {}</style></div>")
        assert plain.startswith("kept\n\n")
        assert "streaming" not in plain
        assert result["metadata"] == {"gemini_magic": {"id": "a", "state": "cut"}}
    assert notebook.page.evaluate("() => window.pwned ?? null") is None


def test_sanitized_elements_are_written_as_html_that_is_read_as_the_same_elements(lab, notebook):
    notebook.open(lab.write("serialize.ipynb", [LOAD]))
    sources = [bundle(finished(source))["text/html"] for source in (ANSWER, ATTACK, 'a < b & \u00a0 "c"')]
    sources += [
        "<pre>\n\n two lines</pre>",
        "<p title='a\"&lt;b'>x<br>y</p>",
        '<img src="data:image/png;base64,AAAA">',
    ]
    for source in sources:
        written, same = notebook.page.evaluate(
            """async ([folder, source]) => {
                const {sanitize, OUTPUT_ELEMENTS} = await import(`${folder}../inspector/sanitizer.js`);
                const {serialize} = await import(`${folder}serialize.js`);
                const node = document.createElement("div");
                node.append(sanitize(source, OUTPUT_ELEMENTS));
                const written = serialize(node);
                const parsed = new DOMParser().parseFromString(written, "text/html").body.firstElementChild;
                return [written, parsed.isEqualNode(node)];
            }""",
            [MODULE, source],
        )
        assert same, written


def test_states_that_are_not_valid_are_not_read(lab, notebook):
    notebook.open(lab.write("states.ipynb", [LOAD]))
    good = {"id": "gemini-magic-1", "state": "final", "kernel": "k-1"}
    bad = [None, [], "x", {}, good | {"id": 1}, good | {"id": "a b"}, good | {"id": "x" * 101}]
    bad += [good | {"state": state} for state in ("", "other", "toString", "__proto__", None, ["final"])]
    read = notebook.page.evaluate(
        """async ([url, values]) => {
            const {readState} = await import(url);
            return values.map(value => readState({gemini_magic: value}));
        }""",
        [f"{MODULE}answer_state.js", [good, good | {"kernel": "<a>"}, *bad]],
    )
    follows = {"errorFollows": False}
    assert read == [good | follows, good | follows | {"kernel": None}, *[None] * len(bad)]


def test_the_page_stores_a_hundred_answers_and_no_large_ones(lab, notebook):
    notebook.open(lab.write("store.ipynb", [LOAD]))
    found = notebook.page.evaluate(
        """async url => {
            const {AnswerStore} = await import(url);
            const store = new AnswerStore();
            const put = (id, state, length) =>
                store.put("k", {id, state, data: {"text/html": "x".repeat(length)}, metadata: {}});
            for (let n = 0; n < 150; n += 1) put(`a${n}`, "final", 10);
            const counts = [store._answers.size, !!store.get("k", "a49"), !!store.get("k", "a149"), !!store.get("l", "a149")];
            put("a149", "partial", 5);
            counts.push(store.get("k", "a149").state);
            put("large", "final", 2e6 + 1);
            counts.push(!!store.get("k", "large"));
            for (let n = 0; n < 60; n += 1) put(`b${n}`, "final", 1.5e6);
            return [...counts, store._total <= 40e6];
        }""",
        f"{MODULE}answer_store.js",
    )
    assert found == [100, False, True, False, "final", False, True]
