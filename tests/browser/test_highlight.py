"""Highlighting of `%%gemini` cells: the editor highlights them in the same way as Markdown cells."""

import pytest
from nbformat.v4 import new_markdown_cell

PROMPT = "\n# Capitals\n\nName **three** of them, as `code`:\n\n- one\n"
ASKING = f"%%gemini -m slow\n{PROMPT}"
PYTHON = "def f():\n    return None  # *no* **bold**\n"
MARKDOWN_TYPE = "text/x-ipythongfm"
PYTHON_TYPE = "text/x-ipython"

PANEL = "window.jupyterapp.shell.currentWidget"
CELLS = f"{PANEL}.content.widgets"
# The highlighted tokens as pairs of text and class. The classes come from the theme; equal kinds of tokens have equal classes.
TOKENS = f"""(i) => Array.from(
    {CELLS}[i].node.querySelectorAll(".cm-content .cm-line span[class]"), s => [s.textContent, s.className]
)"""


def mime_type(notebook, i):
    return notebook.page.evaluate(f"(i) => {CELLS}[i].model.mimeType", i)


def wait_type(notebook, i, kind):
    notebook.page.wait_for_function(f"([i, kind]) => {CELLS}[i].model.mimeType === kind", arg=[i, kind])


def tokens(notebook, i):
    return notebook.page.evaluate(TOKENS, i)


def wait_same_tokens(notebook, i, j):
    """Wait for equal tokens. Languages are loaded on first use, so the tokens change after the MIME type."""
    same = f"([i, j]) => {{ const t = {TOKENS}; return t(j).length && `${{t(i)}}` === `${{t(j)}}`; }}"
    notebook.page.wait_for_function(same, arg=[i, j])


def edit(notebook, i):
    """Put the cursor at the start of a cell."""
    notebook.page.evaluate(f"(i) => {{ {PANEL}.content.activeCellIndex = i; }}", i)
    notebook.page.evaluate('() => window.jupyterapp.commands.execute("notebook:enter-edit-mode")')
    notebook.page.wait_for_function(f"(i) => {CELLS}[i].editor && {CELLS}[i].editor.hasFocus()", arg=i)
    notebook.page.keyboard.press("Control+Home")


def command(notebook, name, i=None):
    """Run a command of the notebook on cell `i`."""
    if i is not None:
        notebook.page.evaluate(
            f"(i) => {{ {PANEL}.content.deselectAll(); {PANEL}.content.activeCellIndex = i; }}", i
        )
    notebook.page.evaluate(f"() => window.jupyterapp.commands.execute({name!r})")


def unfold(notebook, i):
    """Show the source of a Markdown cell instead of its rendering."""
    notebook.page.evaluate(f"(i) => {{ {CELLS}[i].rendered = false; }}", i)


@pytest.mark.parametrize("app", ["lab", "notebook"])
def test_a_prompt_is_highlighted_like_a_markdown_cell_and_python_cells_do_not_change(
    app, lab, notebook, screenshots
):
    name = f"prompt-{app}.ipynb"
    notebook.open(lab.write(name, [ASKING, new_markdown_cell(PROMPT), PYTHON]), app=app)
    unfold(notebook, 1)
    wait_same_tokens(notebook, 0, 1)
    highlighted = dict(map(tuple, tokens(notebook, 0)))
    assert {" Capitals", "three", "code"} <= highlighted.keys()
    assert len({highlighted[" Capitals"], highlighted["three"], highlighted["code"]}) == 3
    assert (mime_type(notebook, 0), mime_type(notebook, 2)) == (MARKDOWN_TYPE, PYTHON_TYPE)
    python = [text for text, _ in tokens(notebook, 2)]
    assert {"def", "return", "# *no* **bold**"} <= set(python)
    notebook.screenshot(screenshots / f"highlight-{app}.png")
    notebook.save()
    assert notebook.saved()["cells"][0]["metadata"].keys() <= {"trusted"}


def test_adding_or_removing_the_magic_changes_the_language_at_once(lab, notebook):
    notebook.open(lab.write("typing.ipynb", [PROMPT, new_markdown_cell(PROMPT), PROMPT, PYTHON]))
    unfold(notebook, 1)
    wait_same_tokens(notebook, 0, 2)
    assert mime_type(notebook, 0) == PYTHON_TYPE
    assert tokens(notebook, 0) != tokens(notebook, 1)

    edit(notebook, 0)
    notebook.page.keyboard.type("%%gemin")
    assert mime_type(notebook, 0) == PYTHON_TYPE
    notebook.page.keyboard.type("i")
    wait_same_tokens(notebook, 0, 1)
    notebook.page.keyboard.type("s")
    wait_type(notebook, 0, PYTHON_TYPE)
    notebook.page.keyboard.press("Backspace")
    wait_type(notebook, 0, MARKDOWN_TYPE)
    notebook.page.keyboard.type(" -m slow")
    assert mime_type(notebook, 0) == MARKDOWN_TYPE

    notebook.page.keyboard.press("Shift+Home")
    notebook.page.keyboard.press("Delete")
    wait_same_tokens(notebook, 0, 2)
    assert mime_type(notebook, 0) == PYTHON_TYPE
    notebook.set_source(0, f"\n  {ASKING}")
    wait_same_tokens(notebook, 0, 1)
    for other in (
        f"# a comment\n{ASKING}",
        f"%%time\n{ASKING}",
        "%gemini last",
        "%%geminis",
        "x = '%%gemini'",
    ):
        notebook.set_source(0, other)
        assert (other, mime_type(notebook, 0)) == (other, PYTHON_TYPE)
    assert mime_type(notebook, 3) == PYTHON_TYPE


def test_highlighting_works_before_the_kernel_is_ready_and_after_a_restart(lab, notebook):
    notebook.open(
        lab.write("later.ipynb", [ASKING, new_markdown_cell(PROMPT), PYTHON, ASKING]), no_kernel=True
    )
    unfold(notebook, 1)
    wait_same_tokens(notebook, 0, 1)
    unknown = mime_type(notebook, 2)
    assert unknown not in {PYTHON_TYPE, MARKDOWN_TYPE}
    notebook.set_source(3, PYTHON)
    assert mime_type(notebook, 3) == unknown

    notebook.page.evaluate(f"() => {PANEL}.sessionContext.changeKernel({{name: 'python3'}})")
    notebook.wait_kernel()
    for i in (2, 3):
        wait_type(notebook, i, PYTHON_TYPE)
    wait_same_tokens(notebook, 3, 2)
    notebook.restart_kernel()
    assert mime_type(notebook, 0) == MARKDOWN_TYPE
    wait_same_tokens(notebook, 0, 1)
    notebook.set_source(0, PYTHON)
    wait_same_tokens(notebook, 0, 2)


def test_cells_are_highlighted_after_they_are_added_moved_converted_or_restored(lab, notebook):
    notebook.open(lab.write("cells.ipynb", [ASKING, PYTHON]))
    command(notebook, "notebook:delete-cell", 0)
    notebook.page.wait_for_function(f"() => {CELLS}.length === 1")
    command(notebook, "notebook:undo-cell-action")
    notebook.page.wait_for_function(f"() => {CELLS}.length === 2")
    wait_type(notebook, 0, MARKDOWN_TYPE)

    command(notebook, "notebook:insert-cell-below", 0)
    notebook.set_source(1, ASKING)
    wait_type(notebook, 1, MARKDOWN_TYPE)
    command(notebook, "notebook:move-cell-down", 1)
    wait_type(notebook, 1, PYTHON_TYPE)
    assert mime_type(notebook, 2) == MARKDOWN_TYPE
    notebook.set_source(2, PYTHON)
    wait_type(notebook, 2, PYTHON_TYPE)

    command(notebook, "notebook:change-cell-to-raw", 0)
    notebook.page.wait_for_function(f"() => {CELLS}[0].model.type === 'raw'")
    assert mime_type(notebook, 0) != MARKDOWN_TYPE
    command(notebook, "notebook:change-cell-to-code", 0)
    wait_type(notebook, 0, MARKDOWN_TYPE)
    notebook.set_source(0, PYTHON)
    wait_type(notebook, 0, PYTHON_TYPE)


def test_each_notebook_is_highlighted_until_it_is_closed(lab, notebook):
    first = lab.write("first.ipynb", [ASKING, PYTHON])
    second = lab.write("second.ipynb", [PYTHON, ASKING])
    notebook.open(first)
    notebook.page.evaluate(f"() => {{ window.first = {PANEL}; window.cell = {CELLS}[1].model; }}")
    notebook.page.evaluate(
        "(path) => { window.jupyterapp.commands.execute('docmanager:open', {path}); }", second
    )
    notebook.page.wait_for_function(
        f"(path) => {PANEL}.context && {PANEL}.context.path === path && {CELLS}.length === 2", arg=second
    )
    notebook.wait_kernel()
    wait_type(notebook, 0, PYTHON_TYPE)
    wait_type(notebook, 1, MARKDOWN_TYPE)

    # The first notebook is highlighted in the background, too.
    retype = "(source) => { window.cell.sharedModel.setSource(source); return window.cell.mimeType; }"
    assert notebook.page.evaluate(retype, ASKING) == MARKDOWN_TYPE
    assert notebook.page.evaluate(retype, PYTHON) == PYTHON_TYPE
    notebook.page.evaluate("() => window.first.dispose()")
    assert notebook.page.evaluate(retype, ASKING) == PYTHON_TYPE
    notebook.set_source(0, ASKING)
    assert mime_type(notebook, 0) == MARKDOWN_TYPE
