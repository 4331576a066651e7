"""Blocks that the reader opens or closes stay as they are while the answer grows, and when it is finished."""

from __future__ import annotations

import pytest
from fake_server import finish, gate, text
from lab import cells

BLOCKS = """() => [...window.jupyterapp.shell.currentWidget.content.widgets[1].outputArea.node.querySelectorAll(
    ".gm-answer details")].filter(block => block.querySelector(":scope > summary")?.innerText.trim()
    && block.querySelector(":scope > summary").checkVisibility())
    .map(block => [block.querySelector(":scope > summary").innerText.trim(), block.open])"""
FIRST = "<details>\n<summary>First</summary>\n\nHidden words.\n\n</details>\n\n"
SECOND = "<details open>\n<summary>Second</summary>\n\nShown words.\n\n"


def toggle(notebook, name, *, slowly=False, during=lambda: None):
    """Click a summary; if ``slowly``, the answer grows between the press and the release of the button."""
    summary = notebook.page.locator(".gm-answer summary:visible", has_text=name)
    box = summary.bounding_box()
    notebook.page.mouse.move(box["x"] + 30, box["y"] + 8)
    notebook.page.mouse.down()
    if slowly:
        during()
    notebook.page.mouse.up()
    notebook.page.evaluate("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")


def wait_blocks(notebook, states):
    """Wait until the blocks are open or closed as wanted; the page restores the state of a new element in an observer."""
    notebook.page.wait_for_function(
        f"states => JSON.stringify(({BLOCKS})()) === JSON.stringify(states)", arg=states
    )


@pytest.mark.parametrize("formula", ["", "$x^2$ "], ids=["text", "formula"])
def test_blocks_that_the_reader_opened_or_closed_stay_so(lab, notebook, server, formula):
    paragraph = f"{formula}words of the second block\n\n"
    server.script(
        text(f"Words.\n\n{FIRST}{SECOND}"),
        gate("one"),
        text(paragraph),
        gate("two"),
        text(f"{paragraph * 30}MANY\n\n"),
        gate("three"),
        text("</details>\n\nThe last words."),
        gate("four"),
        finish(),
    )
    notebook.open(lab.write("details.ipynb", cells("%load_ext gemini_magic", "%%gemini -m long\nGo.")))
    notebook.run(0)
    notebook.run(1, wait=False)
    notebook.wait_output(1, "Shown words")
    wait_blocks(notebook, [["First", False], ["Second", True]])
    toggle(notebook, "First")
    notebook.wait_output(1, "Hidden words")

    def grow():
        server.open("one")
        notebook.page.wait_for_function(
            "() => document.querySelector('.gm-live').textContent.includes('words of the second block')"
        )
        notebook.page.wait_for_timeout(200)

    toggle(notebook, "Second", slowly=True, during=grow)
    states = [["First", True], ["Second", False]]
    wait_blocks(notebook, states)
    server.open("two")
    notebook.page.wait_for_function("() => document.querySelector('.gm-live').textContent.includes('MANY')")
    notebook.page.wait_for_timeout(700)  # pieces are typeset
    assert notebook.page.evaluate(BLOCKS) == states
    assert "Shown words" not in notebook.output_text(1)
    assert "words of the second block" not in notebook.output_text(1)
    server.open("three")
    notebook.wait_output(1, "The last words")
    wait_blocks(notebook, states)
    server.open("four")
    notebook.wait_output(1, "answer complete")
    notebook.page.wait_for_function("() => document.querySelector('.gmi-output')")
    wait_blocks(notebook, states)
    notebook.save()
    [output] = notebook.saved_outputs(1)
    saved = "".join(output["data"]["text/html"])
    assert '<details open="">' in saved  # the file has what the model wrote
    assert saved.count("<details>") == 1
