"""An earlier turn of a conversation is asked again: later answers are marked stale, on the page and in the saved file."""

from __future__ import annotations

import pytest
from fake_server import finish, text
from playwright.sync_api import expect

LOAD = "%load_ext gemini_magic"
STALE = "turn 2, stale: turn 1 was run again"


def answers(notebook):
    """The finished answers in the saved file, by cell."""
    notebook.save()
    return {
        index: output["data"]
        for index, cell in enumerate(notebook.saved()["cells"])
        for output in cell.get("outputs", ())
        if output.get("metadata", {}).get("gemini_magic", {}).get("state") == "final"
    }


def move_down(notebook):
    """Move the cell of the second turn below the last cell."""
    notebook.page.evaluate("""async () => {
        const notebook = window.jupyterapp.shell.currentWidget.content;
        notebook.deselectAll();
        notebook.activeCellIndex = 2;
        await window.jupyterapp.commands.execute("notebook:move-cell-down");
    }""")
    return 3


@pytest.mark.parametrize("options", ["", "--display html"], ids=["live", "html"])
@pytest.mark.parametrize("change", [lambda notebook: 2, move_down], ids=["in place", "moved"])
def test_later_answers_are_marked_stale_on_the_page_and_in_the_file(lab, notebook, server, options, change):
    for words in ("the first answer", "the second answer", "another first answer"):
        server.script(text(words), finish())
    turns = [f"%%gemini -m long --chat tom {options}\n{prompt}" for prompt in ("Begin.", "Go on.")]
    notebook.open(lab.write("stale.ipynb", [LOAD, *turns, "1"]))
    assert notebook.run(0)
    assert notebook.run(1)
    assert notebook.run(2)
    assert "stale" not in notebook.wait_output(2, "answer complete.*the second answer")
    second = change(notebook)
    assert notebook.run(1)
    notebook.wait_output(1, "answer complete.*another first answer")
    shown = notebook.wait_output(second, f"{STALE}.*the second answer")
    assert shown.count("the second answer") == 1
    expect(notebook.output(second).locator(".gmi-inspector")).to_have_count(1)
    saved = answers(notebook)
    assert sorted(saved) == [1, second]
    for kind in ("text/html", "text/markdown", "text/plain"):
        assert STALE in "".join(saved[second][kind])
        assert "stale" not in "".join(saved[1][kind])
    notebook.reload()
    assert STALE in notebook.wait_output(second, "the second answer")
