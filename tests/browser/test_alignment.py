"""Where an answer is on the page: its left edge is that of JupyterLab's own HTML and Markdown."""

from __future__ import annotations

import itertools

import pytest

SETUP = "%load_ext gemini_magic\n%config GeminiMagics.backend = 'echo'"
TEXT = "An answer of some words in one paragraph, which arrives slowly."
OWN = "from IPython.display import HTML, Markdown, display\ndisplay(HTML('<p>x</p>'), Markdown({!r}))"
# The left and the right edge of each paragraph.
EDGES = """outer => [...outer.querySelectorAll(".jp-RenderedHTMLCommon p")].filter(block => block.checkVisibility())
    .map(block => block.getBoundingClientRect()).map(({left, right}) => [left, right])"""
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


@pytest.mark.parametrize("app", ["lab", "notebook"])
def test_the_edges_of_an_answer_are_those_of_markdown_live_and_finished(lab, notebook, app):
    answer = f"%%gemini --display live --to edges.md --overwrite\n@wait 0.1\n{TEXT}"
    notebook.open(lab.write(f"edges-{app}.ipynb", [SETUP, OWN.format(TEXT), answer]), app=app)
    notebook.run(0)
    for width, theme in itertools.product((1200, 700), ("Dark", "Light")):
        notebook.resize(width, 800)
        notebook.theme(f"JupyterLab {theme}")
        notebook.run(1)
        # JupyterLab renders Markdown after the cell has ended.
        notebook.output(1).locator("p").nth(1).wait_for()
        own = notebook.output(1).evaluate(EDGES)
        assert len(own) == 2
        assert own[0] == own[1]
        notebook.run(2, wait=False)
        notebook.wait_output(2, "some words")
        for ended in (False, True):
            if ended:
                notebook.wait_done(2)
                notebook.wait_output(2, "answer complete")
                notebook.output(2).locator(".gmi-answer p").first.wait_for()
            for left, right in notebook.output(2).evaluate(EDGES):
                assert abs(left - own[0][0]) < 1
                assert abs(right - own[0][1]) < 1
            assert abs(notebook.output(2).evaluate(LEFT) - own[0][0]) < 1
        message = notebook.output(2).locator(".jp-OutputArea-child", has_text="is in edges.md")
        assert abs(message.locator("div.mathjax_ignore").evaluate(LEFT) - own[0][0]) < 1
        inspector = notebook.output(2).locator(".gmi-inspector").bounding_box()
        assert abs(inspector["x"] - own[0][0]) < 1
