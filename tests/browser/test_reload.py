"""A page that is loaded while an answer streams has the whole answer when the cell has ended."""

from __future__ import annotations

import pytest
from fake_server import finish, gate, pause, text
from lab import Notebook, cells

FIRST, ALL = 80, 120  # lines that are sent before all pages are loaded, and all lines


@pytest.fixture
def tab(lab, _context):
    """A function that opens another tab with a running notebook."""
    pages = []

    def open_tab(name, app="lab"):
        pages.append(_context.new_page())
        return Notebook(lab, pages[-1]).open(name, busy=True, app=app)

    yield open_tab
    for page in pages:
        page.close()


def line(n):
    return text(f"This is **line number {n}** of it.\n\n")


def assert_whole(notebook, within=".jp-Notebook"):
    """Assert that the page has all lines, with or without widgets, and logged no error of widgets.

    The check uses the content of the page, because a page in the background paints nothing.
    """
    output = notebook.page.locator(f"{within} .jp-OutputArea:has(.gm-status)")
    notebook.page.wait_for_function(
        "([output, last]) => output.textContent.includes('answer complete') && output.textContent.includes(last)",
        arg=[output.element_handle(), f"line number {ALL - 1} "],
    )
    shown = output.text_content()
    assert [n for n in range(ALL) if f"line number {n} " not in shown] == []
    assert not [error for error in notebook.log.errors if "widget" in error.lower()]


def test_pages_that_are_loaded_during_a_stream_show_the_whole_answer_at_its_end(lab, notebook, server, tab):
    streaming = [step for n in range(FIRST) for step in (line(n), pause(0.1))]
    rest = [step for n in range(FIRST, ALL) for step in (line(n), pause(0.02))]
    server.script(text("Let me think. " * 9, thought=True), *streaming, gate("all are here"), *rest, finish())
    notebook.open(lab.write("late.ipynb", cells("%load_ext gemini_magic", "%%gemini -m long\nGo on.")))
    notebook.run(0)
    notebook.run(1, wait=False)
    notebook.wait_output(1, "line number 1 ")
    notebook.save()

    second = tab(notebook.name)
    second.reload(busy=True)
    classic = tab(notebook.name, app="notebook")
    notebook.page.evaluate("""async () => {
        window.jupyterapp.shell.currentWidget.content.activeCellIndex = 1;
        await window.jupyterapp.commands.execute("notebook:create-output-view");
    }""")
    for late in (second, classic):  # the answer must not end before all pages show it
        late.wait_output(1, "line number 1 ")
    server.open("all are here")
    for late in (notebook, second, classic):
        assert_whole(late)
    assert_whole(notebook, ".jp-LinkedOutputView")
