"""Saved answers in what nbconvert writes: each answer is whole, and no style sheet or markup is visible as text."""

from __future__ import annotations

import base64
import re
from html import unescape

import pytest
from markdown_it import MarkdownIt
from media_samples import end, ledger_of, picture, sound
from nbconvert import HTMLExporter, MarkdownExporter
from nbformat.v4 import new_code_cell, new_notebook, new_output
from tool_answers import run_of, tool_ledger
from view_stage import finished

from gemini_magic.content import Call, Code, CodeResult
from gemini_magic.views import bundle

ANSWERS = [
    "Hello **world**.",
    "Before.\n\n```python\ndef f():\n\n\n    return 1\n```\n\nAfter it.\n\n<details>\n<summary>More</summary>\n\nInside.\n\n</details>\n",
    "| a | b |\n|---|---|\n| 1 | 2 |\n\n$x^2$ <!-- a comment --> the end.\n\n> A quote.\n\n- one\n\n      code in it\n\n- two",
]
MAX_STYLE = 450  # characters of the style sheet of an answer with code or a table


@pytest.fixture(scope="module")
def exported():
    """The texts of the Markdown and of the HTML that nbconvert writes."""
    cells = [
        new_code_cell("%%gemini\nx", outputs=[new_output("display_data", bundle(finished(text)))])
        for text in ANSWERS
    ]
    notebook = new_notebook(cells=cells)
    return {
        exporter: exporter().from_notebook_node(notebook)[0] for exporter in (MarkdownExporter, HTMLExporter)
    }


def visible_text(html):
    """The text of HTML without style sheets and scripts, with single spaces."""
    html = re.sub(r"<(style|script)\b.*?</\1>", " ", html, flags=re.DOTALL)
    return " ".join(re.sub(r"<[^>]*>", " ", html).split())


def html_blocks(exported):
    """The blocks of HTML in the exported Markdown."""
    tokens = MarkdownIt("commonmark", {"html": True}).parse(exported[MarkdownExporter])
    return [token.content for token in tokens if token.type == "html_block"]


@pytest.mark.parametrize("exporter", [MarkdownExporter, HTMLExporter])
def test_every_answer_is_whole_and_no_style_is_visible(exported, exporter):
    html = exported[exporter]
    if exporter is MarkdownExporter:
        html = MarkdownIt("commonmark", {"html": True}).render(html)
    shown = visible_text(html)
    for words in ("Hello world .", "After it.", "Inside.", "A quote.", "code in it", "two"):
        assert words in shown
    assert "return 1" in shown
    assert shown.count("answer complete") == len(ANSWERS)
    assert "gemini-magic" not in shown
    assert "{margin" not in shown
    assert html.count("<details>") == 1


def test_the_markdown_of_an_answer_is_one_block_of_html(exported):
    blocks = html_blocks(exported)
    assert len(blocks) == len(ANSWERS)
    for block in blocks:
        assert block.startswith('<div class="gemini-magic')
        assert block.rstrip().endswith("</div>")


def test_the_markdown_repeats_no_style_sheet_below_each_answer(exported):
    plain, code, table = html_blocks(exported)
    assert "<style" not in plain
    assert "{" not in plain
    for block in (code, table):
        assert len(re.search(r"<style>(.*?)</style>", block, re.DOTALL)[1]) < MAX_STYLE


def test_pictures_audio_and_code_are_in_the_pages_in_order():
    part = picture(40, 30)
    ledger = ledger_of(
        "One.", part, Code("1 + 1", "PYTHON"), CodeResult("OUTCOME_OK", "2"), *sound(0.1), Call("f"), "Two."
    )
    cell = new_code_cell("%%gemini\nx", outputs=[new_output("display_data", bundle(ledger))])
    data = base64.b64encode(part.data).decode()
    for exporter in (MarkdownExporter, HTMLExporter):
        page = exporter().from_notebook_node(new_notebook(cells=[cell]))[0]
        order = [
            "One.",
            f'src="data:image/png;base64,{data}"',
            "Code run 1: Python, OK",
            "data:audio/wav;base64,",
            "f()",
            "Two.",
        ]
        places = [page.index(piece) for piece in order]
        assert places == sorted(places), exporter


def test_tool_runs_are_folded_lines_in_the_pages_in_order_with_all_that_belongs_to_them():
    ledger = tool_ledger(
        "One.\n\n",
        run_of(result="21 °C", seconds=0.3),
        run_of(
            "plot",
            args={"code": "a\n\n\nb <i>"},
            result='x "1" <script>',
            media=(picture(40, 30),),
            stdout="printed\n\n\nlines",
        ),
        run_of("fail", state="failed", message="no $x$ here"),
        "Two.",
    )
    end(ledger)
    cell = new_code_cell("%%gemini\nx", outputs=[new_output("display_data", bundle(ledger))])
    for exporter in (MarkdownExporter, HTMLExporter):
        page = exporter().from_notebook_node(new_notebook(cells=[cell]))[0]
        if exporter is MarkdownExporter:
            blocks = html_blocks({exporter: page})
            assert len(blocks) == 1  # no blank line ends the HTML
            page = MarkdownIt("commonmark", {"html": True}).render(page)
        order = ["One.", "weather", "21 °C · 0.3 s", "plot", "printed", "fail", "no $x$ here", "Two."]
        page = page[page.index("One.") :]
        places = [page.index(piece) for piece in order]
        assert places == sorted(places), exporter
        assert page.count('<details class="gm-tool') == 3
        assert "<script>" not in page.partition("Two.")[0]
        shown = visible_text(page)
        assert 'weather(city="Paris") → 21 °C' in unescape(shown)
        assert "gm-tool" not in shown
