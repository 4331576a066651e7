"""The code of an answer in JupyterLab: a single code cell below the answer, and the formats of ``--format``."""

from __future__ import annotations

import pytest
from fake_server import finish, gate, stall, text

LOAD = "%load_ext gemini_magic"
PRINTED = r"^\s*\{'a': 1\}\s*$"
CODE = "def f(x):\n    return {'a': x}\n\nprint(f(1))"
TEXTS = ["Here it is:\n\n```python\n", CODE[:20], CODE[20:], "\n```\n\nIt prints:\n\n```\n{'a': 1}\n```\n"]
SOURCES = (
    "() => window.jupyterapp.shell.currentWidget.content.widgets.map(c => c.model.sharedModel.getSource())"
)


def answer(*pieces):
    return [*map(text, pieces), finish()]


def sources(notebook):
    return notebook.page.evaluate(SOURCES)


def wait_sources(notebook, wanted):
    """Wait until the cells have these sources; a message of the kernel, which can come after its reply, creates a cell."""
    notebook.page.wait_for_function(
        f"wanted => JSON.stringify(({SOURCES})()) === JSON.stringify(wanted)", arg=wanted
    )


@pytest.mark.parametrize("app", ["lab", "notebook"])
def test_a_cell_that_is_run_again_replaces_the_code_cell_that_it_created(
    lab, notebook, server, screenshots, app
):
    for pieces in (TEXTS, TEXTS, ["```python\nother()\n```"], ["```python\nother()\n```"], ["Just words."]):
        server.script(*answer(*pieces))
    server.script(text("```python\nhalf("), stall())
    cell = "%%gemini -m m --next-cell -o r\nWrite f."
    notebook.open(lab.write(f"next-{app}.ipynb", [LOAD, cell, "'last'"]), app=app)
    notebook.run(0)
    assert notebook.run(1)
    wait_sources(notebook, [LOAD, cell, CODE, "'last'"])
    notebook.wait_output(
        1, r"The new cell contains block 1 of 2\. %gemini code N creates one from another block\."
    )
    assert notebook.run(2)
    notebook.wait_output(2, PRINTED)
    if app == "lab":
        notebook.screenshot(screenshots / "next-cell.png")
    assert notebook.run(1)  # the same answer: the code cell is kept with its output
    assert sources(notebook) == [LOAD, cell, CODE, "'last'"]
    notebook.wait_output(2, PRINTED)
    assert notebook.run(1)  # another answer: the code cell is replaced because it was not edited
    wait_sources(notebook, [LOAD, cell, "other()", "'last'"])
    notebook.set_source(2, "mine()")
    assert notebook.run(1)
    wait_sources(notebook, [LOAD, cell, "other()", "mine()", "'last'"])
    assert notebook.run(1)
    notebook.wait_output(1, r"No cell was created: the answer contains no code block\.")
    notebook.run(1, wait=False)
    notebook.wait_output(1, "half")
    notebook.interrupt()
    notebook.wait_done(1)
    notebook.wait_output(1, r"No cell was created because the answer is incomplete\.")
    assert sources(notebook) == [LOAD, cell, "other()", "mine()", "'last'"]
    notebook.set_source(4, "%gemini code")
    assert notebook.run(4)
    wait_sources(notebook, [LOAD, cell, "other()", "mine()", "%gemini code", "half("])


OBJECT = (
    '{"name": "Ada", "born": 1815, "works": [{"title": "Notes", "year": 1843}], "note": "' + "x " * 150 + '"}'
)


def test_each_format_is_displayed_live_and_in_the_saved_answer(lab, notebook, server, screenshots):
    for pieces in (
        [OBJECT[:40], OBJECT[40:]],
        ["Sorry, *no*."],
        TEXTS,
        ["# No\n\n*title* <b>"],
        ["<h1 onclick=x>", "Hi</h1>"],
    ):
        server.script(text(pieces[0]), gate("on"), *answer(*pieces[1:]))
    cells = [f"%%gemini -m m -f {name} -o r\nGo." for name in ("json", "json", "code", "text", "html")]
    notebook.open(lab.write("formats.ipynb", [LOAD, *cells, "r"]))
    notebook.run(0)
    early = [r'"name": "Ada"', "Sorry", None, r"# No", "<h1 onclick=x>"]
    late = [
        r'"title": "Notes"',
        r"The answer is not valid JSON: expecting value at line 1, column 1",
        "print",
        r"\*title\* <b>",
        "Hi</h1>",
    ]
    at = 1
    for partial, complete, name in zip(early, late, ("json", "json", "code", "text", "html"), strict=True):
        notebook.run(at, wait=False)
        if partial:
            notebook.wait_output(at, partial)
        server.open("on")
        notebook.wait_done(at)
        notebook.wait_output(at, f"complete.*{complete}")
        server.close_gates()
        notebook.screenshot(screenshots / f"format-{name}-{at}.png", at)
        at += 2 if name == "code" else 1
    assert "Here it is" not in notebook.output_text(3)
    notebook.page.wait_for_function(f"code => ({SOURCES})()[4] === code", arg=CODE)
    assert notebook.output(6).locator("h1").count() == 0
    assert notebook.run(at)
    notebook.wait_output(at, "<h1 onclick=x>Hi</h1>")
    notebook.screenshot(screenshots / "formats.png")
