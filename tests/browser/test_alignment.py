"""Where an answer is on the page: its left edge is that of printed text."""

from __future__ import annotations

import pytest
from lab import Notebook

SETUP = "%load_ext gemini_magic\n%config GeminiMagics.backend = 'echo'"
LEFT = """outer => {
    const walker = document.createTreeWalker(outer, NodeFilter.SHOW_TEXT);
    const range = document.createRange();
    const found = [];
    while (walker.nextNode()) {
        range.selectNodeContents(walker.currentNode);
        const {x, width} = range.getBoundingClientRect();
        if (width && walker.currentNode.data.trim() && !walker.currentNode.parentElement.closest("style, .gmi-inspector")) {
            found.push(x);
        }
    }
    return Math.min(...found);
}"""


@pytest.mark.parametrize("width", [1200, 700])
@pytest.mark.parametrize("app", ["lab", "notebook"])
def test_the_left_edge_of_an_answer_is_that_of_printed_text_live_and_finished(lab, _context, app, width):
    notebook = Notebook(lab, _context.new_page())
    notebook.page.set_viewport_size({"width": width, "height": 800})
    answer = (
        "%%gemini --display live\n@wait 0.1\nAn answer of some words in one paragraph, which arrives slowly."
    )
    name = f"edges-{app}-{width}.ipynb"
    notebook.open(lab.write(name, [SETUP, "print('printed')", answer]), app=app)
    notebook.run(0)
    notebook.run(1)
    printed = notebook.output(1).evaluate(LEFT)
    notebook.run(2, wait=False)
    notebook.wait_output(2, "some words")
    assert abs(notebook.output(2).evaluate(LEFT) - printed) < 1
    notebook.wait_done(2)
    notebook.wait_output(2, "answer complete")
    assert abs(notebook.output(2).evaluate(LEFT) - printed) < 1
    notebook.page.close()
